"""Numbers: 38 significant digits, exact, between 1E-130 and 9.99...9E+125 of either sign, or zero.

A number has one form here, the *normal* form: ``int`` when it is whole, else a
``Decimal`` without trailing zeros. So equal numbers are equal objects of one type,
and ``-0``, ``1.0`` and ``1E+2`` do not occur: they are ``0``, ``1`` and ``100``.

Texts (``N`` on the wire) are read by the service's grammar and written in plain
digits, without an exponent. Nothing is ever rounded: what does not fit is refused.

Source of the messages and of their order (range before digits): dynalite,
``validations/index.js`` checkNum; of the grammar: dynoxide, CHANGELOG #109, captured.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow, Subnormal, Underflow
from typing import NoReturn, TypeAlias

from kvdb.errors import ValidationError
from kvdb.limits import NUMBER_DIGITS_MAX, NUMBER_EXPONENT_MAX, NUMBER_EXPONENT_MIN

Number: TypeAlias = int | Decimal
"""A number in normal form."""

# The limits of the service are a decimal context: a number fits if and only if this
# context can hold it without raising. One object for all threads: with every signal
# we care for trapped, its flags are never read.
_CONTEXT = Context(
    prec=NUMBER_DIGITS_MAX,
    Emin=NUMBER_EXPONENT_MIN,
    Emax=NUMBER_EXPONENT_MAX,
    traps=[Overflow, Underflow, Subnormal, Inexact, InvalidOperation],
)
# Wide enough for the exact sum of any two numbers: nothing is rounded before it is judged.
_EXACT = Context(prec=2 * (NUMBER_EXPONENT_MAX - NUMBER_EXPONENT_MIN + NUMBER_DIGITS_MAX))
ALWAYS_FITS = 10**NUMBER_DIGITS_MAX
"""Every integer of smaller magnitude is in normal form as it is."""
_OVERFLOWS = 10 ** (NUMBER_EXPONENT_MAX + 1)

_TEXT = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:[eE]([+-]?)0*([0-9]+))?")
_EXPONENT_DIGITS_MAX = 9
"""An exponent of more digits than this cannot be outweighed by any mantissa a request can hold."""
_INT_TEXT_DIGITS_MAX = 18
_SHOWN_CHARS_MAX = 256

_NOT_NUMERIC = "The parameter cannot be converted to a numeric value"
_TOO_MANY_DIGITS = "Attempting to store more than 38 significant digits in a Number"
_TOO_LARGE = "Number overflow. Attempting to store a number with magnitude larger than supported range"
_TOO_SMALL = "Number underflow. Attempting to store a number with magnitude smaller than supported range"


def normalise(number: int | Decimal | float) -> Number:
    """The normal form of a number; a float stands for the shortest decimal that reads back as it.

    Raises:
        ValidationError: NaN, infinite, more than 38 significant digits, or out of range.
    """
    if isinstance(number, int):
        return _normalise_int(number if type(number) is int else int(number))
    if isinstance(number, float):
        number = Decimal(repr(float(number)))
    return _normalise_decimal(number)


def is_normal(number: int) -> bool:
    """Whether an integer is in range and has no more than 38 significant digits."""
    # The range first: it bounds the text that the digits are counted in.
    return -_OVERFLOWS < number < _OVERFLOWS and len(str(abs(number)).rstrip("0")) <= NUMBER_DIGITS_MAX


def parse(text: str) -> Number:
    """The number a text stands for: ``[+-] digits [. digits] [E [+-] digits]``, no blanks.

    Raises:
        ValidationError: not a number, more than 38 significant digits, or out of range.
    """
    if len(text) <= _INT_TEXT_DIGITS_MAX and text.isascii() and text.isdecimal():
        return int(text)
    found = _TEXT.fullmatch(text)
    if found is None:
        _refuse_text(text)
    mantissa, sign, exponent = found.groups()
    if exponent is not None and len(exponent) > _EXPONENT_DIGITS_MAX:
        if not Decimal(mantissa):
            return 0
        raise ValidationError(_TOO_SMALL if sign == "-" else _TOO_LARGE)
    return _normalise_decimal(Decimal(text))


def add(left: Number, right: Number) -> Number:
    """The exact sum.

    Raises:
        ValidationError: out of range; or more than 38 significant digits, which the service
            calls an overflow too when the number is computed (source: ScyllaDB, test_number.py).
    """
    if type(left) is int and type(right) is int:
        total = left + right
        if -ALWAYS_FITS < total < ALWAYS_FITS:
            return total
    return _computed(_EXACT.add(Decimal(left), Decimal(right)))


def subtract(left: Number, right: Number) -> Number:
    """The exact difference. Raises: as ``add``."""
    if type(left) is int and type(right) is int:
        difference = left - right
        if -ALWAYS_FITS < difference < ALWAYS_FITS:
            return difference
    return _computed(_EXACT.subtract(Decimal(left), Decimal(right)))


def _computed(number: Decimal) -> Number:
    try:
        return _normalise_decimal(number)
    except ValidationError as exc:
        if exc.message == _TOO_MANY_DIGITS:
            raise ValidationError(_TOO_LARGE) from exc
        raise


def to_text(number: Number) -> str:
    """Plain digits as the service writes them: ``100000``, ``-0.25``; at most 169 characters.

    Raises:
        ValidationError: a ``Decimal`` that is no number of ours (see ``normalise``).
    """
    if isinstance(number, Decimal):
        number = _normalise_decimal(number)
    return format(number, "d" if isinstance(number, int) else "f")


def fraction_from_text(text: str) -> Decimal:
    """Read back ``str(number)`` of a ``Decimal`` in normal form, and nothing else.

    Raises:
        ValueError, ArithmeticError: any other text.
    """
    number = _CONTEXT.normalize(Decimal(text))
    exponent = number.as_tuple().exponent
    if str(number) != text or not isinstance(exponent, int) or exponent >= 0:
        raise ValueError("not a fraction in normal form")
    return number


def _normalise_int(number: int) -> int:
    if -ALWAYS_FITS < number < ALWAYS_FITS or is_normal(number):
        return number
    raise ValidationError(_TOO_MANY_DIGITS if -_OVERFLOWS < number < _OVERFLOWS else _TOO_LARGE)


def _normalise_decimal(number: Decimal) -> Number:
    if not number.is_finite():
        _refuse_text(str(number))
    if not number:
        return 0
    exponent = number.adjusted()
    if exponent > NUMBER_EXPONENT_MAX:
        raise ValidationError(_TOO_LARGE)
    if exponent < NUMBER_EXPONENT_MIN:
        raise ValidationError(_TOO_SMALL)
    try:
        normal = _CONTEXT.normalize(number)
    except (Inexact, Overflow) as exc:  # Overflow: 9.99... rounded up past the range
        raise ValidationError(_TOO_MANY_DIGITS) from exc
    whole = int(normal)
    return whole if whole == normal else normal


def _refuse_text(text: str) -> NoReturn:
    shown = text if len(text) <= _SHOWN_CHARS_MAX else text[:_SHOWN_CHARS_MAX] + "..."
    raise ValidationError(f"{_NOT_NUMERIC}: {shown}" if shown else _NOT_NUMERIC)
