"""Items for people: a table when it fits the terminal, else one small record an item.

    icao    name        elevation          ── 1 ──
    ------  --------  -----------          icao       BIKF
    BIKF    Keflavik          171          name       Keflavik

Long values are cut with "…", control characters are shown as escapes (an item must not be
able to drive the terminal), an absent attribute is blank and an empty string is ``""``.
Whoever needs every byte asks for ``--json``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from tabulate import tabulate

from kvdb.cli.value_text import plain, text_of
from kvdb.item.value import Item

CELL_CHARS_MAX = 40
"""A value in a table."""
CELL_CHARS_MIN = 12
"""Cells are cut down to this before the table is given up for records."""
RECORD_CHARS_MAX = 400
"""A value in a record, when the terminal does not say otherwise."""

_GAP = 2


def terminal_width() -> int | None:
    """Columns of the terminal on standard output; ``None`` when it is not one. ``COLUMNS`` decides first."""
    wanted = os.environ.get("COLUMNS", "")
    if wanted.isdecimal() and int(wanted) > 0:
        return int(wanted)
    try:
        return os.get_terminal_size(1).columns
    except OSError:
        return None


def columns_of(items: Iterable[Item], first: Sequence[str] = ()) -> list[str]:
    """Every attribute name of ``items``: ``first`` (the key) in front, the others in order."""
    present = {name for item in items for name in item}
    return [*(name for name in first if name in present), *sorted(present.difference(first))]


def render(items: Sequence[Item], first: Sequence[str], width: int | None) -> str:
    """``items`` as a table of at most ``width`` columns, or as records when no table fits."""
    columns = columns_of(items, first)
    align = ["right" if _is_numeric(items, name) else "left" for name in columns]
    for cell_chars in (CELL_CHARS_MAX, CELL_CHARS_MAX // 2, CELL_CHARS_MIN):
        heads = [_cut(plain(name), cell_chars) for name in columns]
        cells = [[_cell(item, name, cell_chars) for name in columns] for item in items]
        table = tabulate(cells, heads, disable_numparse=True, colalign=align, preserve_whitespace=True)
        if width is None or max(map(len, table.splitlines())) <= width:
            return table
    return "\n".join(
        f"── {place} ──\n{record(item, columns, width)}" for place, item in enumerate(items, start=1)
    )


def record(item: Mapping[str, object], names: Sequence[str], width: int | None) -> str:
    """One item, an attribute a line."""
    shown = [name for name in names if name in item]
    heads = [_cut(plain(name), CELL_CHARS_MAX) for name in shown]
    margin = max(map(len, heads), default=0) + _GAP
    room = RECORD_CHARS_MAX if width is None else max(width - margin, CELL_CHARS_MIN)
    return "\n".join(
        f"{head:<{margin}}{_cell(item, name, room)}" for head, name in zip(heads, shown, strict=True)
    )


def _cell(item: Mapping[str, object], name: str, chars: int) -> str:
    return _cut(text_of(item[name]), chars) if name in item else ""


def _is_numeric(items: Sequence[Item], name: str) -> bool:
    values = [item[name] for item in items if name in item]
    return all(isinstance(value, int | Decimal) and not isinstance(value, bool) for value in values)


def _cut(text: str, chars: int) -> str:
    return text if len(text) <= chars else text[: chars - 1] + "…"
