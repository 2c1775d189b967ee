"""Items as plain JSON: what the command line reads and writes.

    S, BOOL, NULL, L, M    the JSON value of that name
    N                      a JSON number with all its digits, never rounded, never an exponent
    B                      {"$bytes": "base64"}
    SS, NS, BS             {"$set": [members]}, sorted
    M with one key that is "$bytes", "$set" or "$map"
                           {"$map": {...}}, so that every item can be told from every other

Names are written in order, so that an item has one form whatever way it came.

Reading is strict: a name given twice, NaN, Infinity, a lone surrogate, a number the database
cannot hold exactly, or nesting past all limits is refused. Errors are ``ValueError``.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from decimal import Decimal

from kvdb.item import number
from kvdb.item.strict_json import shown, strict_json
from kvdb.item.value import Item

_BYTES, _SET, _MAP = "$bytes", "$set", "$map"
# Deeper than any legal item, marks included.
_DEPTH_MAX = 100


def to_json(value: object) -> str:
    """One value, or a whole item, as one line of JSON."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return json.dumps(value, ensure_ascii=False)
        case int() | Decimal():
            return number.to_text(value)
        case bytes():
            return f'{{"{_BYTES}": "{base64.b64encode(value).decode()}"}}'
        case set():
            return f'{{"{_SET}": [{", ".join(map(to_json, sorted(value)))}]}}'
        case list():
            return f"[{', '.join(map(to_json, value))}]"
        case dict():
            body = ", ".join(f"{to_json(name)}: {to_json(member)}" for name, member in sorted(value.items()))
            marked = len(value) == 1 and next(iter(value)) in _MARKED
            return f'{{"{_MAP}": {{{body}}}}}' if marked else f"{{{body}}}"
    raise TypeError(f"not an attribute value: {type(value).__name__}")


def from_json(text: str) -> object:
    """The value that ``to_json`` would write so, or that a person meant.

    Raises:
        ValueError: says what is wrong and, for broken JSON, at which character.
    """
    value = strict_json(text)
    # Most texts hold neither a mark nor an escape, and then there is nothing to look for.
    return _restored(value, _DEPTH_MAX) if '"$' in text or "\\u" in text else value


def item_from_json(text: str) -> Item:
    """The item in one JSON object.

    Raises:
        ValueError: as ``from_json``, or when the JSON is not an object.
    """
    value = from_json(text)
    if not isinstance(value, dict):
        raise ValueError(f"not a JSON object: {shown(text.strip())}")
    return value


def _restored(value: object, levels: int) -> object:
    """``value`` with marked objects turned into what they stand for, outermost first."""
    if levels == 0:
        raise ValueError("nested too deeply")
    match value:
        case str():
            return _whole(value)
        case list():
            return [_restored(member, levels - 1) for member in value]
        case dict():
            if len(value) == 1:
                ((mark, content),) = value.items()
                if mark in _MARKED:
                    return _MARKED[mark](content, levels - 1)
            return _restored_members(value, levels)
    return value


def _restored_members(members: dict[str, object], levels: int) -> dict[str, object]:
    return {_whole(name): _restored(member, levels - 1) for name, member in members.items()}


def _whole(text: str) -> str:
    """``text``, refused if it holds a lone surrogate (``"\\ud800"``), which no UTF-8 can carry."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("a string holds half of a surrogate pair") from None
    return text


def _bytes(content: object, levels: int) -> bytes:
    if isinstance(content, str):
        try:
            return base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError):
            pass
    raise ValueError(f'"{_BYTES}" needs a base64 text')


def _set(content: object, levels: int) -> set[object]:
    if not isinstance(content, list) or not content:
        raise ValueError(f'"{_SET}" needs a list with at least one member')
    members = [_restored(member, levels) for member in content]
    kinds = {int if isinstance(member, Decimal) else type(member) for member in members}
    if len(kinds) != 1 or not kinds <= {str, int, bytes}:
        raise ValueError(f'"{_SET}" needs members that are all strings, all numbers or all bytes')
    if len(set(members)) != len(members):
        raise ValueError(f'"{_SET}" has a member given twice')
    return set(members)


def _map(content: object, levels: int) -> dict[str, object]:
    if isinstance(content, dict):
        return _restored_members(content, levels)
    raise ValueError(f'"{_MAP}" needs an object')


_MARKED: dict[str, Callable[[object, int], object]] = {_BYTES: _bytes, _SET: _set, _MAP: _map}
