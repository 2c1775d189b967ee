"""One value as text for a person: on one line, and unable to drive the terminal."""

from __future__ import annotations

from decimal import Decimal

from kvdb.cli.json_form import to_json
from kvdb.item import number


def text_of(value: object) -> str:
    """One value for a person, on one line."""
    match value:
        case str():
            return plain(value) if value else '""'
        case bool() | None:
            return to_json(value)
        case int() | Decimal():
            return number.to_text(value)
        case bytes():
            return f"0x{value.hex()}"
        case set():
            return f"{{{', '.join(map(text_of, sorted(value)))}}}"
    return plain(to_json(value))


def plain(text: str) -> str:
    """``text`` with everything that is not printable shown as an escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
