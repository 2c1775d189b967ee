"""Where a path leads, and when it leads nowhere."""

from __future__ import annotations

import pytest

from kvdb.item.path import MISSING, get

ITEM = {"a": {"b": [10, {"c": None}]}, "0": "zero", "s": {1}}


@pytest.mark.parametrize(
    ("path", "value"), [(("a", "b", 0), 10), (("a", "b", 1, "c"), None), (("0",), "zero"), ((), ITEM)]
)
def test_a_path_leads_to_the_value_at_its_end(path, value):
    assert get(ITEM, path) == value


@pytest.mark.parametrize(
    "path",
    [
        ("x",),
        ("a", "x"),
        ("a", "b", 2),
        ("a", "b", -1),
        ("a", 0),
        ("a", "b", "c"),
        ("0", "b"),
        ("0", 0),
        ("s", 0),
        ("a", "b", 1, "c", "d"),
    ],
)
def test_a_step_that_is_not_there_leads_to_missing(path):
    assert get(ITEM, path) is MISSING
