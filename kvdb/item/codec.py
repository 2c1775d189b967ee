"""The stored bytes of an item, format 1.

    item      := u8:1 map                        msgpack, with str8 and bin
    map       := msgpack map, str -> value       names in the order they were written
    value     := str (S) | int (N, whole, 64 bits) | bin (B) | true, false (BOOL) | nil (NULL)
               | map (M) | array (L) | ext
    ext 1     := N with a fraction: its text     as Python's str(Decimal), in ASCII
    ext 2     := N, whole, beyond 64 bits: signed big-endian, of the fewest bytes
    ext 3,4,5 := SS, NS, BS: a msgpack array of the elements, ascending

One C call each way does the work; Python looks only at the classes of what came out.
Sets are sorted, so one item has one encoding (given the order of its names).

Decoding trusts nothing: what it returns is an item that ``value.normalise_item`` would
return unchanged (the length of names apart), and every other input is a
CorruptionError. Lengths are bounded: msgpack refuses any count larger than the bytes
at hand, and nesting past 1,024 before ours past 32. Whether the bytes are the ones
written is not asked here: the sstable and the log carry the checksums.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import TypeAlias

import msgpack

from kvdb.errors import CorruptionError
from kvdb.item import number
from kvdb.item.value import Item
from kvdb.limits import NESTING_LEVELS_MAX

FORMAT_VERSION = 1
_FORMAT_BYTE = bytes((FORMAT_VERSION,))
_unpack = msgpack.unpackb

_FRACTION = 1
_BIG_INT = 2
_STRING_SET = 3
_NUMBER_SET = 4
_BINARY_SET = 5

_BIG_INT_BYTES_MAX = 53
"""9.99...E+125 has 419 bits and a sign."""
_BUFFER_BYTES = 1024
"""What the packer starts with; its own default of 256 KiB would be mapped afresh for each item."""

# Here a set counts as scalar: its elements were looked at when it was decoded.
_SCALARS = frozenset((str, int, bytes, bool, type(None), Decimal, set))
_are_scalars = _SCALARS.issuperset
_STRINGS = frozenset((str,))
_NUMBERS = frozenset((int, Decimal))
_BINARIES = frozenset((bytes,))


def encode_item(item: Mapping[str, object]) -> bytes:
    """The stored form of a normalised item; of any other, bytes that may not read back."""
    return _FORMAT_BYTE + _pack(item)


def decode_item(data: bytes, start: int = 0) -> Item:
    """The item whose stored form ``data`` has from ``start`` on; shares nothing with ``data``.

    Raises:
        CorruptionError: that is not the encoding of any item in a format known here.
    """
    if len(data) <= start or data[start] != FORMAT_VERSION:
        found = data[start] if len(data) > start else "none"
        raise CorruptionError(f"unknown item format format_version={found}")
    body = data[start + 1 :]
    try:
        item = _unpack(body, ext_hook=_decode_ext)
    except (ValueError, ArithmeticError) as exc:
        raise CorruptionError(f"item bytes are malformed reason={str(exc) or type(exc).__name__}") from exc
    if type(item) is not dict:
        raise CorruptionError("item bytes are malformed reason=not a map")
    if not _is_plain(body):
        _check_map(item, 0)
    return item


def _pack(value: object) -> bytes:
    packed: bytes = msgpack.packb(value, default=_encode_ext, buf_size=_BUFFER_BYTES)
    return packed


def _encode_ext(value: object) -> msgpack.ExtType:
    """What msgpack has no type for. It comes here also with an int beyond 64 bits."""
    if isinstance(value, Decimal):
        return msgpack.ExtType(_FRACTION, str(value).encode("ascii"))
    if isinstance(value, int):
        return msgpack.ExtType(_BIG_INT, _big_int_bytes(value))
    if isinstance(value, set) and value:
        elements = sorted(value)
        kind = _SET_KINDS[type(elements[0])]
        return msgpack.ExtType(kind, _pack(elements))
    raise TypeError(f"not a normalised attribute value: {type(value).__name__}")


_SET_KINDS: Mapping[type, int] = {
    str: _STRING_SET,
    int: _NUMBER_SET,
    Decimal: _NUMBER_SET,
    bytes: _BINARY_SET,
}


def _decode_ext(kind: int, payload: bytes) -> object:
    decoder = _EXT_DECODERS.get(kind)
    if decoder is None:
        raise ValueError(f"unknown extension type {kind}")
    return decoder(payload)


def _decode_fraction(payload: bytes) -> Decimal:
    return number.fraction_from_text(payload.decode("ascii"))


def _decode_big_int(payload: bytes) -> int:
    if len(payload) > _BIG_INT_BYTES_MAX:
        raise ValueError("number too long")
    value = int.from_bytes(payload, "big", signed=True)
    if -(2**63) <= value < 2**64 or _big_int_bytes(value) != payload or not number.is_normal(value):
        raise ValueError("not a large number in normal form")
    return value


def _big_int_bytes(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)


def _decode_string_set(payload: bytes) -> set[object]:
    return _decode_set(payload, _STRINGS)


def _decode_number_set(payload: bytes) -> set[object]:
    return _decode_set(payload, _NUMBERS)


def _decode_binary_set(payload: bytes) -> set[object]:
    return _decode_set(payload, _BINARIES)


def _decode_set(payload: bytes, kinds: frozenset[type]) -> set[object]:
    elements = msgpack.unpackb(payload, ext_hook=_decode_set_element)
    if type(elements) is not list or not elements or not kinds.issuperset(map(type, elements)):
        raise ValueError("not the elements of a set")
    decoded = set(elements)
    if len(decoded) != len(elements):
        raise ValueError("a set holds an element twice")
    return decoded


def _decode_set_element(kind: int, payload: bytes) -> object:
    # No set in a set: a hostile one could nest without end.
    if kind > _BIG_INT:
        raise ValueError("a set holds more than scalars")
    return _decode_ext(kind, payload)


_ExtDecoder: TypeAlias = Callable[[bytes], object]
_EXT_DECODERS: Mapping[int, _ExtDecoder] = {
    _FRACTION: _decode_fraction,
    _BIG_INT: _decode_big_int,
    _STRING_SET: _decode_string_set,
    _NUMBER_SET: _decode_number_set,
    _BINARY_SET: _decode_binary_set,
}


def _is_plain(body: bytes) -> bool:
    """Whether the bytes alone show that what they decode to is an item; three calls into C.

    Whatever is no item has a byte that says so: a header of bytes (which may be a name), of a
    float, the type of a timestamp, the header of an empty name; or so many headers of maps and
    arrays that they may be nested too deep. Texts beyond ASCII have such bytes too, so that where
    there is one, what was decoded has to be looked at.
    """
    heads = body.translate(None, _HARMLESS)
    return (
        len(heads) <= NESTING_LEVELS_MAX
        and not heads.translate(None, _CONTAINER_HEADS)
        and (0 not in body or not _has_empty_string(body))
    )


_CONTAINER_HEADS = bytes((*range(0x80, 0xA0), 0xDC, 0xDD, 0xDE, 0xDF))
_TELLING = frozenset((*_CONTAINER_HEADS, 0xA0, 0xC4, 0xC5, 0xC6, 0xCA, 0xCB, 0xFF))
_HARMLESS = bytes(byte for byte in range(256) if byte not in _TELLING)
_has_empty_string = re.compile(rb"\xd9\x00|\xda\x00\x00|\xdb\x00{4}").search
"""Of 8, 16 and 32 bits of length; that of the shortest header is among the telling bytes."""


def _check_map(decoded: Item, depth: int) -> None:
    """Every name a non-empty string, every value of a known class at a legal depth."""
    try:
        "".join(decoded)  # the cheapest way to ask whether every name is a string
    except TypeError as exc:
        raise CorruptionError("item bytes are malformed reason=attribute name is not a string") from exc
    if "" in decoded:
        raise CorruptionError("item bytes are malformed reason=attribute name is empty")
    if decoded:
        _check_values(decoded.values(), depth)


def _check_values(values: Collection[object], depth: int) -> None:
    """Some values, which stand ``depth`` levels deep."""
    if depth >= NESTING_LEVELS_MAX:
        raise CorruptionError("item bytes are malformed reason=nested too deep")
    for value in values:
        kind = type(value)
        if kind in _SCALARS:
            continue
        if kind is list:
            # Most are all scalars: this asks about them at once, in C.
            if value and (depth + 1 >= NESTING_LEVELS_MAX or not _are_scalars(map(type, value))):  # type: ignore[call-overload]
                _check_values(value, depth + 1)  # type: ignore[arg-type]
        elif kind is dict:
            _check_map(value, depth + 1)  # type: ignore[arg-type]
        else:
            raise CorruptionError("item bytes are malformed reason=value of no known type")
