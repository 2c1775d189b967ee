"""Attribute values: the ten types as plain Python, and the door every value comes in by.

S str | N int when whole, else Decimal | B bytes | BOOL bool | NULL None
M dict[str, value] | L list[value] | SS set[str] | NS set[int | Decimal] | BS set[bytes]

A *normalised* value consists of exactly these classes (no subclasses), shares no
mutable part with what the caller passed, and keeps every rule of the service but
those on keys and on the size of an item. Everything below the table room may rely
on that. Note that ``True == 1`` in Python: compare values with ``equals``.

Source of the messages: dynalite ``validations/index.js``; nesting: dynoxide #110,
captured; size of attribute names: ExtendDB #365, captured. Those in lower case are
ours: most such values cannot be sent to the service at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from decimal import Decimal
from typing import TypeAlias

from kvdb.errors import ValidationError
from kvdb.item import number
from kvdb.item.size import CONTAINER_BYTES, ELEMENT_BYTES, number_size, text_size
from kvdb.limits import ATTRIBUTE_NAME_BYTES_MAX, NESTING_LEVELS_MAX, REQUEST_BYTES_MAX

AttributeValue: TypeAlias = object
"""One of the ten types above; ``normalise_value`` is what makes sure."""

Item: TypeAlias = dict[str, object]
"""Attribute name -> attribute value. A key (``Key`` in the service) has the same shape."""

NAME_TOO_LARGE = "1 validation error detected: Attribute name is too large, must be less than 65536 bytes"
NESTED_TOO_DEEP = (
    "Nesting Levels have exceeded supported limits: "
    "Attributes in the item have nested levels beyond supported limit"
)
ITEM_TOO_LARGE = "Item size has exceeded the maximum allowed size"
EMPTY_STRING_SET = "One or more parameter values were invalid: An string set  may not be empty"
# Source: ScyllaDB, test/alternator/test_limits.py, run against the service (the last three words).
EMPTY_NAME = "One or more parameter values were invalid: Empty attribute name"
MIXED_SET = "a set may hold only strings, only numbers or only bytes"
DUPLICATE_NUMBERS = "Input collection contains duplicates"

_Sized: TypeAlias = tuple[object, int]
"""A normalised value and its size in bytes."""


def normalise_item(item: Mapping[str, object]) -> tuple[Item, int]:
    """A validated deep copy of an item, and its size in bytes by the published rule (``size``).

    One walk, depth-capped: a list that contains itself is refused, not followed.
    The 400 KB limit is the caller's to check; only what no request could carry
    (``REQUEST_BYTES_MAX``) is cut off here.

    Raises:
        ValidationError: names what is wrong, in the service's words where it has any.
    """
    if type(item) is not dict and not isinstance(item, Mapping):
        raise ValidationError(
            f"an item must be a mapping of attribute names to values, not {type(item).__name__}"
        )
    return _normalise_contents(item, 0)


def normalise_value(value: object) -> AttributeValue:
    """A validated deep copy of one attribute value.

    Accepts str, int, Decimal, finite float, bytes, bytearray, memoryview, bool, None,
    list, tuple, mappings with str keys, set and frozenset, and their subclasses.

    Raises:
        ValidationError: as ``normalise_item``.
    """
    return _normaliser_of(type(value))(value, 0)[0]


def sized_value(value: object) -> tuple[AttributeValue, int]:
    """``normalise_value``, and the size of what it gives, in bytes."""
    return _normaliser_of(type(value))(value, 0)


def equals(left: AttributeValue, right: AttributeValue) -> bool:
    """Whether two normalised values are the same type and the same value, all the way down."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equals(left[name], right[name]) for name in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equals, left, right))
    return left == right


def fits_at(value: AttributeValue, depth: int) -> bool:
    """Whether a normalised value may stand ``depth`` levels deep in an item (0 = an attribute's value).

    Cost: one walk over the lists and maps in it.
    """
    if depth >= NESTING_LEVELS_MAX:
        return False
    if isinstance(value, dict):
        return all(fits_at(each, depth + 1) for each in value.values())
    return not isinstance(value, list) or all(fits_at(each, depth + 1) for each in value)


def type_name(value: AttributeValue) -> str:
    """The service's name of a normalised value's type: ``"S"``, ``"N"``, ``"BOOL"``, ``"NS"``, ..."""
    if isinstance(value, set):
        return _SET_TYPE_NAMES[type(next(iter(value)))]
    return _TYPE_NAMES[type(value)]


_TYPE_NAMES: Mapping[type, str] = {
    str: "S",
    int: "N",
    Decimal: "N",
    bytes: "B",
    bool: "BOOL",
    type(None): "NULL",
    dict: "M",
    list: "L",
}
_SET_TYPE_NAMES: Mapping[type, str] = {str: "SS", int: "NS", Decimal: "NS", bytes: "BS"}


def _normalise_contents(attributes: Mapping[str, object], depth: int) -> tuple[Item, int]:
    """Copy and size names and values, whose values stand at ``depth`` (0 = top level)."""
    if depth >= NESTING_LEVELS_MAX and attributes:
        raise ValidationError(NESTED_TOO_DEEP)
    normal: Item = {}
    size = 0
    for name, value in attributes.items():
        if type(name) is not str:
            name = _plain_name(name)
        name_size = len(name) if name.isascii() else text_size(name)
        if not 0 < name_size <= ATTRIBUTE_NAME_BYTES_MAX:
            raise ValidationError(NAME_TOO_LARGE if name else EMPTY_NAME)
        kind = type(value)
        # ASCII strings and small integers are most of what is stored: they pay for few calls.
        if kind is str and value.isascii():  # type: ignore[attr-defined]
            normal[name] = value
            size += name_size + len(value)  # type: ignore[arg-type]
        elif kind is int and -number.ALWAYS_FITS < value < number.ALWAYS_FITS:
            normal[name] = value
            size += name_size + number_size(value)  # type: ignore[arg-type]
        elif kind is bool or value is None:
            normal[name] = value
            size += name_size + 1
        else:
            normal[name], value_size = (_NORMALISERS.get(kind) or _base_normaliser(kind))(value, depth)
            size += name_size + value_size
            # In the loop, so that a small list repeated in a list repeated in a list
            # is cut off when it has cost a request's worth of work.
            if size > REQUEST_BYTES_MAX:
                raise ValidationError(ITEM_TOO_LARGE)
    return normal, size


def _normalise_map(value: Mapping[str, object], depth: int) -> _Sized:
    contents, size = _normalise_contents(value, depth + 1)
    return contents, CONTAINER_BYTES + ELEMENT_BYTES * len(contents) + size


def _normalise_list(value: Sequence[object], depth: int) -> _Sized:
    depth += 1
    if depth >= NESTING_LEVELS_MAX and value:
        raise ValidationError(NESTED_TOO_DEEP)
    normal: list[object] = []
    size = CONTAINER_BYTES
    for element in value:
        kind = type(element)
        if kind is str and element.isascii():  # type: ignore[attr-defined]
            normal.append(element)
            size += ELEMENT_BYTES + len(element)  # type: ignore[arg-type]
            continue
        element_normal, element_size = (_NORMALISERS.get(kind) or _base_normaliser(kind))(element, depth)
        normal.append(element_normal)
        size += ELEMENT_BYTES + element_size
        if size > REQUEST_BYTES_MAX:
            raise ValidationError(ITEM_TOO_LARGE)
    return normal, size


def _normalise_set(value: Set[object], depth: int) -> _Sized:
    if not value:
        raise ValidationError(EMPTY_STRING_SET)
    normal: set[object] = set()
    size = 0
    for element in value:
        normaliser = _normaliser_of(type(element))
        # Asked before the call: a set in a set in a set would otherwise go uncapped.
        if normaliser not in _SET_ELEMENT_NORMALISERS:
            raise ValidationError(MIXED_SET)
        element_normal, element_size = normaliser(element, depth)
        normal.add(element_normal)
        size += element_size
    if len({_SET_TYPE_NAMES[type(element)] for element in normal}) != 1:
        raise ValidationError(MIXED_SET)
    # 0.1 and Decimal("0.1") are different in a Python set, yet one number.
    if len(normal) != len(value):
        raise ValidationError(DUPLICATE_NUMBERS)
    return normal, size


def _normalise_str(value: str, depth: int) -> _Sized:
    return value, text_size(value)


def _normalise_str_subclass(value: str, depth: int) -> _Sized:
    # Not str(value): that is what an Enum prints as, this is what it holds.
    return _normalise_str(str.__str__(value), depth)


def _normalise_int(value: int, depth: int) -> _Sized:
    if -number.ALWAYS_FITS < value < number.ALWAYS_FITS:
        return value, number_size(value)
    return _normalise_number(value, depth)


def _normalise_number(value: int | Decimal | float, depth: int) -> _Sized:
    normal = number.normalise(value)
    return normal, number_size(normal)


def _normalise_binary(value: bytes | bytearray | memoryview, depth: int) -> _Sized:
    normal = bytes(value)
    return normal, len(normal)


def _normalise_bool_or_null(value: bool | None, depth: int) -> _Sized:
    return value, 1


_Normaliser: TypeAlias = Callable[..., _Sized]
"""``(value, depth) -> (normal value, its size)``; each takes the classes it stands for below."""

_NORMALISERS: Mapping[type, _Normaliser] = {
    str: _normalise_str,
    int: _normalise_int,
    Decimal: _normalise_number,
    float: _normalise_number,
    bytes: _normalise_binary,
    bytearray: _normalise_binary,
    memoryview: _normalise_binary,
    bool: _normalise_bool_or_null,
    type(None): _normalise_bool_or_null,
    dict: _normalise_map,
    list: _normalise_list,
    tuple: _normalise_list,
    set: _normalise_set,
    frozenset: _normalise_set,
}
_BASE_NORMALISERS: tuple[tuple[type, _Normaliser], ...] = (
    (str, _normalise_str_subclass),
    (int, _normalise_number),
    (float, _normalise_number),
    (Decimal, _normalise_number),
    (bytes, _normalise_binary),
    (bytearray, _normalise_binary),
    (Mapping, _normalise_map),
    (list, _normalise_list),
    (tuple, _normalise_list),
    (Set, _normalise_set),
)
_SET_ELEMENT_NORMALISERS = frozenset(
    (_normalise_str, _normalise_str_subclass, _normalise_int, _normalise_number, _normalise_binary)
)


def _normaliser_of(kind: type) -> _Normaliser:
    return _NORMALISERS.get(kind) or _base_normaliser(kind)


def _base_normaliser(kind: type) -> _Normaliser:
    for base, normaliser in _BASE_NORMALISERS:
        if issubclass(kind, base):
            return normaliser
    raise ValidationError(
        f"unsupported type {kind.__name__}: an attribute value is a str, int, Decimal, float, bytes, bool, "
        "None, dict, list or set"
    )


def _plain_name(name: object) -> str:
    if not isinstance(name, str):
        raise ValidationError(f"an attribute name must be a string, not {type(name).__name__}")
    return str.__str__(name)
