from __future__ import annotations

from collections.abc import Iterator

import pytest

from kvdb.cli import output
from kvdb.item.value import Item


def rows(count: int) -> Iterator[Item]:
    return ({"n": n} for n in range(count))


def test_json_is_one_item_a_line(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert output.show_items(rows(3), [], as_json=True) == 3
    assert capfdbinary.readouterr().out == b'{"n": 0}\n{"n": 1}\n{"n": 2}\n'


def test_a_long_answer_is_laid_out_in_pieces(
    capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "ROWS_PER_TABLE", 2)

    assert output.show_items(rows(3), [], as_json=False) == 3
    assert capfdbinary.readouterr().out == b"  n\n---\n  0\n  1\n\n  n\n---\n  2\n"


def test_output_is_utf_8_whatever_the_locale(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    output.show_item({"a": "Þ"}, [], as_json=True)

    assert capfdbinary.readouterr().out == '{"a": "Þ"}\n'.encode()


def test_the_key_comes_first_for_people(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    output.show_item({"b": 1, "a": 2}, ["a"], as_json=False)

    assert capfdbinary.readouterr().out == b"a  2\nb  1\n"
