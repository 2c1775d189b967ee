"""How many bytes an item counts: for the 400 KB limit, the 1 MB page and capacity.

    item    := sum of name + value
    S       := its UTF-8 bytes          BOOL, NULL := 1
    B       := its bytes                SS, NS, BS := sum of the elements
    L       := 3 + sum of 1 + element
    M       := 3 + sum of 1 + name + value
    N       := 1 + ceil(int digits / 2) + ceil(fraction digits / 2) + 1 if negative,
               leading and trailing zeros trimmed; zero is 1

This is the published rule, not the length of the stored bytes (``item/codec``).

Source: developer guide, "DynamoDB item sizes and formats"; N: captured byte by byte
from the real service by dynoxide (CHANGELOG, "numbers are sized the way DynamoDB
sizes them").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from kvdb.errors import ValidationError

CONTAINER_BYTES = 3
"""What an L or M costs besides its contents."""
ELEMENT_BYTES = 1
"""What each element of an L or M costs besides itself."""


def item_size(item: Mapping[str, object]) -> int:
    """Size in bytes of a normalised item. Cost: one walk over it."""
    size = 0
    for name, value in item.items():
        size += len(name) if name.isascii() else text_size(name)
        # Most values are texts: to look at them here costs less than to call.
        if type(value) is str:
            size += len(value) if value.isascii() else text_size(value)
        else:
            size += value_size(value)
    return size


def value_size(value: object) -> int:
    """Size in bytes of one normalised attribute value."""
    measure = _MEASURES.get(type(value))
    if measure is None:
        raise TypeError(f"not a normalised attribute value: {type(value).__name__}")
    return measure(value)


def text_size(text: str) -> int:
    """Length in UTF-8 bytes.

    Raises:
        ValidationError: the text holds a lone surrogate, so it has no UTF-8 form.
    """
    if text.isascii():
        return len(text)
    try:
        return len(text.encode())
    except UnicodeEncodeError as exc:
        raise ValidationError(
            "One or more parameter values were invalid: a string is not valid Unicode, "
            f"lone surrogate at index {exc.start}"
        ) from exc


def number_size(number: int | Decimal) -> int:
    """Size in bytes of a number in normal form."""
    if isinstance(number, int):
        digits = len(str(number).rstrip("0"))
        # In a negative number's text one of the characters is its sign.
        return 1 + (digits + 1) // 2 if number >= 0 else 2 + digits // 2
    sign, all_digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    count = len(all_digits)
    whole = max(0, count + exponent)
    return 1 + (whole + 1) // 2 + (count - whole + 1) // 2 + sign


def _list_size(value: list[object]) -> int:
    return CONTAINER_BYTES + ELEMENT_BYTES * len(value) + sum(map(value_size, value))


def _map_size(value: Mapping[str, object]) -> int:
    return CONTAINER_BYTES + ELEMENT_BYTES * len(value) + item_size(value)


def _set_size(value: set[object]) -> int:
    return sum(map(value_size, value))


def _flag_size(value: bool | None) -> int:
    return 1


_MEASURES: Mapping[type, Callable[..., int]] = {
    str: text_size,
    int: number_size,
    Decimal: number_size,
    bytes: len,
    bool: _flag_size,
    type(None): _flag_size,
    list: _list_size,
    dict: _map_size,
    set: _set_size,
}
