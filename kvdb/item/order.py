"""Key values as bytes that sort as the values do: S by UTF-8, B unsigned, N numerically.

A key is a *partition part* followed by a *sort part*. The type of each is fixed by
the table, so it is not written.

    partition part, S or B  := (byte, with 00 written as 00 FF)* 00 01
    sort part, S or B       := byte*                       as it is, to the end of the key
    N, in either part       := 02                          zero
                             | 03 e digits                 positive
                             | 01 ~(e digits)              negative: every byte inverted
    e                       := u8, 130 + exponent          of d.ddd x 10^exponent, -130..125
    digits                  := nibble* end                 two to a byte, high nibble first
    nibble                  := decimal digit + 1           first and last digit are not zero
    end                     := 0 | 00                      whichever fills the last byte

Why it sorts: exponent before digits; a shorter run of digits ends in a nibble lower
than any digit's; a string's end (00 01) is lower than a zero byte in it (00 FF), which
is lower than everything else. Inverting reverses all of that.

Why it can be taken apart: a partition part is never the start of another one (00 01
occurs only at its end, an ``end`` nibble only in the last byte), so the keys of two
partitions never interleave. A sort part of S or B is bare, so ``begins_with`` is a
range of bytes. Each value has one encoding, and the decoders accept no other bytes.
Sizes: S, B: length + 2 + number of zero bytes; N: 1 to 22 bytes.
"""

from __future__ import annotations

from decimal import Decimal

from kvdb.errors import CorruptionError, ValidationError
from kvdb.item.number import Number
from kvdb.limits import NUMBER_DIGITS_MAX, NUMBER_EXPONENT_MAX, NUMBER_EXPONENT_MIN

_ESCAPED_ZERO = b"\x00\xff"
_END = b"\x00\x01"
PARTITION_END_BYTES = len(_END)
"""What a partition part of S or B ends with; without it, it is a prefix of all longer ones."""

_NEGATIVE, _ZERO, _POSITIVE = 0x01, 0x02, 0x03
assert NUMBER_EXPONENT_MAX - NUMBER_EXPONENT_MIN == 0xFF  # the exponent fills one byte
_EXPONENT_HEX = [f"03{biased:02x}" for biased in range(256)]
_TO_NIBBLES = str.maketrans("0123456789", "123456789a")
_TO_DIGITS = str.maketrans("0123456789abcdef", "x0123456789xxxxx")
_INVERTED = bytes(range(255, -1, -1))


def encode_partition(value: object) -> bytes:
    """The partition part of a normalised S, N or B.

    Raises:
        ValidationError: any other type.
    """
    if isinstance(value, str):
        value = value.encode()
    elif not isinstance(value, bytes):
        return _encode_number(value)
    return value.replace(b"\x00", _ESCAPED_ZERO) + _END


def encode_sort(value: object) -> bytes:
    """The sort part of a normalised S, N or B.

    Raises:
        ValidationError: any other type.
    """
    if isinstance(value, str):
        return value.encode()
    return value if isinstance(value, bytes) else _encode_number(value)


def decode_partition(type_name: str, data: bytes, start: int = 0) -> tuple[object, int]:
    """The value of type ``"S"``, ``"N"`` or ``"B"`` that starts at ``start``, and where it ends.

    Raises:
        CorruptionError: no such value starts there.
    """
    if type_name == "N":
        end = _number_end(data, start)
        return _decode_number(data[start:end]), end
    # A zero byte is either escaped or the end; both are two bytes long.
    at = data.find(b"\x00", start)
    while data[at : at + 2] == _ESCAPED_ZERO and at >= 0:
        at = data.find(b"\x00", at + 2)
    if at < 0 or data[at : at + 2] != _END:
        raise CorruptionError("key has no end of its partition part")
    return _text_or_bytes(type_name, data[start:at].replace(_ESCAPED_ZERO, b"\x00")), at + 2


def decode_sort(type_name: str, data: bytes) -> object:
    """The value of type ``"S"``, ``"N"`` or ``"B"`` whose sort part ``data`` is.

    Raises:
        CorruptionError: ``data`` is no such value.
    """
    return _decode_number(data) if type_name == "N" else _text_or_bytes(type_name, data)


def _encode_number(value: object) -> bytes:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise ValidationError(f"a key must be a string, a number or bytes, not {type(value).__name__}")
    digits, exponent = _scientific(value)
    if not digits:
        return bytes((_ZERO,))
    end = "0" if len(digits) % 2 else "00"
    encoded = bytes.fromhex(
        _EXPONENT_HEX[exponent - NUMBER_EXPONENT_MIN] + digits.translate(_TO_NIBBLES) + end
    )
    return encoded if value > 0 else bytes((_NEGATIVE,)) + encoded[1:].translate(_INVERTED)


def _scientific(value: Number) -> tuple[str, int]:
    """Digits without zeros at either end, and the exponent of the first; ``("", 0)`` for zero."""
    if isinstance(value, int):
        text = str(value).lstrip("-")
        digits = text.rstrip("0")
        return digits, len(text) - 1 if digits else 0
    return "".join(map(str, value.as_tuple().digits)), value.adjusted()


def _number_end(data: bytes, start: int) -> int:
    sign = data[start] if start < len(data) else None
    if sign == _ZERO:
        return start + 1
    last_nibble = 0x0 if sign == _POSITIVE else 0xF
    for at in range(start + 2, min(len(data), start + _NUMBER_BYTES_MAX)):
        if data[at] & 0xF == last_nibble:
            return at + 1
    raise CorruptionError("number in key has no end")


_NUMBER_BYTES_MAX = 2 + NUMBER_DIGITS_MAX // 2 + 1


def _decode_number(data: bytes) -> Number:
    """Undo ``_encode_number``; ``data`` must be one number and nothing more."""
    if data == bytes((_ZERO,)):
        return 0
    sign = data[:1]
    positive = data if sign == bytes((_POSITIVE,)) else bytes((_POSITIVE,)) + data[1:].translate(_INVERTED)
    digits = positive[2:].hex().rstrip("0").translate(_TO_DIGITS)
    if not digits.isdecimal() or digits.endswith("0") or len(digits) > NUMBER_DIGITS_MAX:
        raise CorruptionError("number in key is malformed")
    exponent = positive[1] + NUMBER_EXPONENT_MIN - len(digits) + 1
    value = _number_of(int(digits) if sign == bytes((_POSITIVE,)) else -int(digits), exponent)
    # One encoding a number: anything else that happens to read as one is damage.
    if _encode_number(value) != data:
        raise CorruptionError("number in key is malformed")
    return value


def _number_of(coefficient: int, exponent: int) -> Number:
    if exponent >= 0:
        return coefficient * int(10**exponent)
    sign, digits, _ = Decimal(coefficient).as_tuple()
    return Decimal((sign, digits, exponent))


def _text_or_bytes(type_name: str, data: bytes) -> object:
    if type_name == "B":
        return data
    try:
        return data.decode()
    except UnicodeDecodeError as exc:
        raise CorruptionError("string in key is not UTF-8") from exc
