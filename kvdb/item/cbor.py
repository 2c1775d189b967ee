"""The CBOR form of items (RFC 8949), typed by its standard tags.

    S             text string               B        byte string
    N, whole      integer; tag 2 or 3 (bignum) of 2^64 and more
    N, other      tag 4: [exponent, mantissa], a decimal fraction
    BOOL, NULL    true, false, null         L, M     array, map with text keys
    SS, NS, BS    tag 258: an array, here sorted, of strings, numbers or byte strings

Writing gives every value one form, in the shortest encoding. Reading takes more: indefinite lengths,
half, single and double floats (each stands for the shortest decimal that reads back as it), and tag
55799 in front. A value of another tag, a name given twice, a set that repeats a member, or what is
nested too deeply is a fault of that value alone, for its end is known (``end_of``); bytes that are not
CBOR have no end.

Source: RFC 8949, sections 3 and 3.4; tag 258: the IANA registry of CBOR tags.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final, TypeAlias

from kvdb.errors import ValidationError
from kvdb.item import number
from kvdb.item.value import AttributeValue, Item
from kvdb.limits import NESTING_LEVELS_MAX, NUMBER_EXPONENT_MAX, NUMBER_EXPONENT_MIN

UINT, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE = range(8)
_INDEFINITE: Final = 31
_BREAK: Final = 0xFF

TAG_BIGNUM, TAG_NEGATIVE_BIGNUM, TAG_DECIMAL = 2, 3, 4
TAG_SET: Final = 258
TAG_SELF: Final = 55799

_BIGNUM_BYTES_MAX: Final = 64
"""Of an integer of 126 digits, and some more."""
_EXPONENT_MIN: Final = 3 * NUMBER_EXPONENT_MIN
_EXPONENT_MAX: Final = 3 * NUMBER_EXPONENT_MAX
"""A mantissa of so many digits outweighs no exponent beyond these."""
_OPEN_MAX: Final = 4 * NESTING_LEVELS_MAX
"""Arrays, maps, tags and strings of parts that may be open at once, in what ``end_of`` passes over."""

_Decoded: TypeAlias = "tuple[object, int]"


class Truncated(Exception):
    """The bytes end before the value does."""


class NotCbor(ValueError):
    """These bytes are no CBOR at all: where the value ends cannot be told."""


def encode_item(item: Mapping[str, object]) -> bytes:
    """The bytes of a normalised item: a map."""
    parts: list[bytes] = []
    _write_map(parts, item)
    return b"".join(parts)


def decode_item(data: bytes, at: int = 0) -> tuple[Item, int]:
    """The item whose bytes begin at ``at``, and where they end. Not normalised yet.

    Raises:
        Truncated: ``data`` ends too soon.
        NotCbor: what is there is not CBOR.
        ValueError: it is CBOR but no item.
    """
    value, end = _read(data, at, 0)
    if not isinstance(value, dict):
        raise ValueError("not a map")
    return value, end


def end_of(data: bytes, at: int = 0) -> int:
    """Where the CBOR value that begins at ``at`` ends, whatever it means.

    Raises:
        Truncated, NotCbor: as ``decode_item``.
    """
    # How many values each open array, map or tag still waits for; -1: up to a break.
    waits: list[int] = [1]
    while waits:
        if waits[-1] == 0:
            waits.pop()
            continue
        if waits[-1] < 0 and _byte(data, at) == _BREAK:
            waits.pop()
            at += 1
            continue
        if waits[-1] > 0:
            waits[-1] -= 1
        kind, count, at = _head(data, at)
        if kind in (BYTES, TEXT) and count is not None:
            at += count
            if at > len(data):
                raise Truncated
        elif kind in (BYTES, TEXT):
            waits.append(-1)
        elif kind in (ARRAY, MAP):
            waits.append(-1 if count is None else count * (1 if kind == ARRAY else 2))
        elif kind == TAG:
            waits.append(1)
        if len(waits) > _OPEN_MAX:
            raise NotCbor("nested too deeply")
    return at


def head(kind: int, count: int) -> bytes:
    """The first bytes of a value: its major type, and a number below 2^64."""
    kind <<= 5
    if count < 24:
        return bytes((kind | count,))
    if count < 0x100:
        return bytes((kind | 24, count))
    if count < 0x1_0000:
        return struct.pack(">BH", kind | 25, count)
    if count < 0x1_0000_0000:
        return struct.pack(">BI", kind | 26, count)
    return struct.pack(">BQ", kind | 27, count)


# Writing.

_SMALL_TEXT: Final = [bytes((TEXT << 5 | count,)) for count in range(24)]


def _write_map(parts: list[bytes], value: Mapping[str, object]) -> None:
    parts.append(head(MAP, len(value)))
    for name, member in value.items():
        _write_text(parts, name)
        _WRITERS[type(member)](parts, member)


def _write_text(parts: list[bytes], value: str) -> None:
    data = value.encode()
    parts.append(_SMALL_TEXT[len(data)] if len(data) < 24 else head(TEXT, len(data)))
    parts.append(data)


def _write_binary(parts: list[bytes], value: bytes) -> None:
    parts.append(head(BYTES, len(value)))
    parts.append(value)


def _write_int(parts: list[bytes], value: int) -> None:
    kind, count = (UINT, value) if value >= 0 else (NEGATIVE, -1 - value)
    if count < 1 << 64:
        parts.append(head(kind, count))
        return
    parts.append(head(TAG, TAG_BIGNUM if kind == UINT else TAG_NEGATIVE_BIGNUM))
    _write_binary(parts, count.to_bytes((count.bit_length() + 7) // 8, "big"))


def _write_decimal(parts: list[bytes], value: Decimal) -> None:
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int), "a normalised number is finite"
    parts.append(head(TAG, TAG_DECIMAL) + head(ARRAY, 2))
    _write_int(parts, exponent)
    mantissa = int("".join(map(str, digits)))
    _write_int(parts, -mantissa if sign else mantissa)


def _write_bool(parts: list[bytes], value: bool) -> None:
    parts.append(b"\xf5" if value else b"\xf4")


def _write_null(parts: list[bytes], value: None) -> None:
    parts.append(b"\xf6")


def _write_list(parts: list[bytes], value: list[object]) -> None:
    parts.append(head(ARRAY, len(value)))
    for element in value:
        _WRITERS[type(element)](parts, element)


def _write_set(parts: list[bytes], value: set[str] | set[bytes] | set[int | Decimal]) -> None:
    parts.append(head(TAG, TAG_SET) + head(ARRAY, len(value)))
    for element in sorted(value):
        _WRITERS[type(element)](parts, element)


_WRITERS: Mapping[type, Callable[..., None]] = {
    str: _write_text,
    int: _write_int,
    Decimal: _write_decimal,
    bytes: _write_binary,
    bool: _write_bool,
    type(None): _write_null,
    dict: _write_map,
    list: _write_list,
    set: _write_set,
}


# Reading.


def _byte(data: bytes, at: int) -> int:
    if at >= len(data):
        raise Truncated
    return data[at]


def _head(data: bytes, at: int) -> tuple[int, int | None, int]:
    """Major type, its number (``None``: of indefinite length), and what comes after."""
    first = _byte(data, at)
    kind, info = first >> 5, first & 31
    at += 1
    if info < 24:
        return kind, info, at
    if info < 28:
        size = 1 << (info - 24)
        if at + size > len(data):
            raise Truncated
        return kind, int.from_bytes(data[at : at + size], "big"), at + size
    if info == _INDEFINITE and kind in (BYTES, TEXT, ARRAY, MAP):
        return kind, None, at
    raise NotCbor(f"not CBOR: byte {first:#04x}")


def _read(data: bytes, at: int, depth: int) -> _Decoded:
    start = at
    kind, count, at = _head(data, at)
    if kind in (TEXT, BYTES):
        content, at = _string(data, at, kind, count)
        return (content.decode() if kind == TEXT else content), at
    if kind == UINT:
        return count, at
    if kind == NEGATIVE:
        assert count is not None
        return -1 - count, at
    if kind == SIMPLE:
        return _simple(data, start, at)
    if depth > NESTING_LEVELS_MAX:
        raise ValueError("nested too deeply")
    if kind == MAP:
        return _map(data, at, count, depth)
    if kind == ARRAY:
        return _array(data, at, count, depth)
    assert count is not None
    return _tagged(data, at, count, depth)


def _string(data: bytes, at: int, kind: int, count: int | None) -> tuple[bytes, int]:
    if count is not None:
        if at + count > len(data):
            raise Truncated
        return data[at : at + count], at + count
    parts: list[bytes] = []
    while _byte(data, at) != _BREAK:
        part_kind, part_count, at = _head(data, at)
        if part_kind != kind or part_count is None:
            raise NotCbor("not CBOR: a string of parts holds something else")
        part, at = _string(data, at, kind, part_count)
        parts.append(part)
    return b"".join(parts), at + 1


def _map(data: bytes, at: int, count: int | None, depth: int) -> _Decoded:
    members: Item = {}
    read = 0
    while (count is None and _byte(data, at) != _BREAK) or (count is not None and read < count):
        name, at = _read(data, at, depth + 1)
        if not isinstance(name, str):
            raise ValueError("a map has a key that is no text")
        value, at = _read(data, at, depth + 1)
        read += 1
        members[name] = value
        if len(members) != read:
            raise ValueError(f"name given twice: {name[:40]!r}")
    return members, at + (count is None)


def _array(data: bytes, at: int, count: int | None, depth: int) -> tuple[list[object], int]:
    elements: list[object] = []
    while (count is None and _byte(data, at) != _BREAK) or (count is not None and len(elements) < count):
        element, at = _read(data, at, depth + 1)
        elements.append(element)
    return elements, at + (count is None)


def _tagged(data: bytes, at: int, tag: int, depth: int) -> _Decoded:
    if tag == TAG_SELF and depth == 0:
        return _read(data, at, 1)
    content, end = _read(data, at, depth + 1)
    if tag in (TAG_BIGNUM, TAG_NEGATIVE_BIGNUM):
        return _bignum(content, is_negative=tag == TAG_NEGATIVE_BIGNUM), end
    if tag == TAG_DECIMAL:
        return _decimal(content), end
    if tag == TAG_SET:
        return _set(content), end
    raise ValueError(f"tag {tag} has no attribute type")


def _bignum(content: object, *, is_negative: bool) -> int:
    if not isinstance(content, bytes):
        raise ValueError("a bignum needs a byte string")
    if len(content.lstrip(b"\0")) > _BIGNUM_BYTES_MAX:
        raise ValueError("a number is larger than any that is supported")
    magnitude = int.from_bytes(content, "big")
    return -1 - magnitude if is_negative else magnitude


def _decimal(content: object) -> number.Number:
    if not isinstance(content, list) or len(content) != 2 or any(type(part) is not int for part in content):
        raise ValueError("a decimal fraction needs an exponent and a mantissa")
    exponent, mantissa = content
    if not _EXPONENT_MIN <= exponent <= _EXPONENT_MAX:
        raise ValueError("a number is outside the supported range")
    digits = tuple(map(int, str(abs(mantissa))))
    return _normal(Decimal((int(mantissa < 0), digits, exponent)))


def _set(content: object) -> set[object]:
    if not isinstance(content, list) or not content:
        raise ValueError("a set needs an array with at least one member")
    if any(type(member) not in (str, bytes, int, Decimal) for member in content):
        raise ValueError("a set may hold only strings, only numbers or only bytes")
    members = set(content)
    if len(members) != len(content):
        raise ValueError("a set has a member given twice")
    return members


def _simple(data: bytes, start: int, at: int) -> _Decoded:
    first = data[start]
    if first in _SIMPLE_VALUES:
        return _SIMPLE_VALUES[first], at
    if first in _FLOATS:
        (value,) = struct.unpack(_FLOATS[first], data[start + 1 : at])
        return _normal(value), at
    raise ValueError("a simple value that has no attribute type")


_SIMPLE_VALUES: Mapping[int, AttributeValue] = {0xF4: False, 0xF5: True, 0xF6: None}
_FLOATS: Mapping[int, str] = {0xF9: ">e", 0xFA: ">f", 0xFB: ">d"}


def _normal(value: Decimal | float) -> number.Number:
    try:
        return number.normalise(value)
    except ValidationError as error:
        raise ValueError(error.message) from None
