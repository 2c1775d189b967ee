from __future__ import annotations

from decimal import Decimal

import pytest

from kvdb.cli.render import columns_of, record, render, terminal_width

ITEMS: list[dict[str, object]] = [
    {"name": "Keflavik", "icao": "BIKF", "elevation": 171},
    {"icao": "BIRK", "elevation": Decimal("48.5"), "city": "Reykjavik"},
]


def test_columns_are_the_union_of_names_with_the_key_in_front() -> None:
    assert columns_of(ITEMS, ("icao", "absent")) == ["icao", "city", "elevation", "name"]


def test_a_table_aligns_numbers_to_the_right() -> None:
    assert render(ITEMS, ["icao"], 80) == "\n".join(
        [
            "icao    city         elevation  name",
            "------  ---------  -----------  --------",
            "BIKF                       171  Keflavik",
            "BIRK    Reykjavik         48.5",
        ]
    )


def test_a_long_value_is_cut() -> None:
    assert "x" * 39 + "…" in render([{"a": "x" * 100}], [], None)


def test_a_wide_table_cuts_its_cells_before_it_gives_up() -> None:
    lines = render([{"a": "x" * 100, "b": "y" * 100}], [], 50).splitlines()

    assert max(map(len, lines)) <= 50
    assert lines[2] == "x" * 19 + "…" + "  " + "y" * 19 + "…"


def test_a_table_that_cannot_fit_becomes_records() -> None:
    item: dict[str, object] = {f"attribute_{n}": n for n in range(12)}

    lines = render([item, item], [], 60).splitlines()

    assert lines[0] == "── 1 ──"
    assert lines[1:3] == ["attribute_0   0", "attribute_1   1"]
    assert lines[13] == "── 2 ──"
    assert max(map(len, lines)) <= 60


def test_the_width_includes_what_the_layout_adds() -> None:
    for width in range(20, 60):
        text = render([{"ab": "x" * 30, "n": 1}, {"ab": "y" * 30, "n": 22}], [], width)
        assert max(map(len, text.splitlines())) <= width


def test_a_record_fits_the_terminal() -> None:
    assert record({"a": "x" * 50, "bb": 1}, ["a", "bb"], 24) == "a   " + "x" * 19 + "…\nbb  1"


def test_a_name_cannot_drive_the_terminal_either() -> None:
    assert "\x1b" not in render([{"\x1b[2J": 1}], [], None)
    assert "\x1b" not in record({"\x1b[2J": 1}, ["\x1b[2J"], None)


def test_the_environment_decides_the_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "33")

    assert terminal_width() == 33
