from __future__ import annotations

from decimal import Decimal

import pytest

from kvdb.cli.value_text import plain, text_of


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("", '""'),
        ("a\x1b[31m\nb", "a\\x1b[31m\\nb"),
        (True, "true"),
        (None, "null"),
        (Decimal("0.10"), "0.1"),
        (b"\x00\xff", "0x00ff"),
        ({"b", "a"}, "{a, b}"),
        ({2, 1}, "{1, 2}"),
        (["a", 1], '["a", 1]'),
        ({"a": {"b": None}}, '{"a": {"b": null}}'),
    ],
)
def test_a_value_is_one_printable_line(value: object, text: str) -> None:
    assert text_of(value) == text


def test_what_is_not_printable_is_an_escape() -> None:
    assert plain("a\x1b[2J\n") == "a\\x1b[2J\\n"
    assert plain("Ö ✈") == "Ö ✈"
