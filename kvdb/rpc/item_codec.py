"""Items and attribute values <-> their messages. The hot path of the gRPC door.

Writing takes what a caller may pass (``item.value`` lists it) and normalises only what is not
plainly one of the ten types; a number that may not fit is left to the reader, which parses every
number by the rules of ``item.number``. Reading yields plain Python values; the table room
normalises them once more, so lengths and names are its to check.

Depth: writing stops at the service's nesting limit. Reading is bounded by protobuf, which refuses
messages nested more than 100 deep; the deepest legal item inside a batch comes to 98.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias, TypeVar, cast

from kvdb.errors import SerializationError, ValidationError
from kvdb.item import number
from kvdb.item.dynamo_json import NO_TYPE, NULL_NOT_TRUE
from kvdb.item.value import (
    DUPLICATE_NUMBERS,
    EMPTY_STRING_SET,
    NESTED_TOO_DEEP,
    AttributeValue,
    Item,
    normalise_item,
    normalise_value,
)
from kvdb.limits import NESTING_LEVELS_MAX, NUMBER_DIGITS_MAX
from kvdb.rpc.gen import items_pb2

ValueMessage: TypeAlias = items_pb2.AttributeValue
MapMessage: TypeAlias = items_pb2.AttributeMap

_Element = TypeVar("_Element", str, bytes, number.Number)

_PLAIN_INT = 10**NUMBER_DIGITS_MAX
"""Integers of a smaller magnitude fit whatever their digits."""


def write_item(item: Mapping[str, object], target: MapMessage) -> None:
    """Fill ``target``, which is present on the wire afterwards even when ``item`` is empty.

    Raises:
        ValidationError: a value is none of the ten types, as ``normalise_item`` says it.
        SerializationError: a name or text cannot be UTF-8.
    """
    target.SetInParent()
    try:
        _write_attributes(item, target, 0)
    except (TypeError, ValueError, AttributeError) as exc:
        # Protobuf's words mean nothing to the caller; the rule that was broken has its own.
        normalise_item(item)
        raise SerializationError(f"cannot encode item: {exc}") from exc


def write_value(value: object, target: ValueMessage) -> None:
    """Fill ``target`` with one value; as ``write_item`` otherwise."""
    try:
        _WRITERS.get(type(value), _write_unusual)(value, target, 0)
    except (TypeError, ValueError, AttributeError) as exc:
        normalise_value(value)
        raise SerializationError(f"cannot encode value: {exc}") from exc


def read_item(source: MapMessage) -> Item:
    """The item in ``source``.

    Raises:
        ValidationError: a value has no type, or its content is not one of that type.
    """
    item: Item = {}
    for name, message in source.attributes.items():
        kind = message.WhichOneof("value")
        item[name] = message.s if kind == "s" else _READERS[kind](message)
    return item


def _write_attributes(item: Mapping[str, object], target: MapMessage, depth: int) -> None:
    if depth >= NESTING_LEVELS_MAX and item:
        raise ValidationError(NESTED_TOO_DEEP)
    attributes = target.attributes
    for name, value in item.items():
        if type(value) is str:
            attributes[name].s = value
        else:
            _WRITERS.get(type(value), _write_unusual)(value, attributes[name], depth)


def _write_unusual(value: object, target: ValueMessage, depth: int) -> None:
    normal = normalise_value(value)
    _WRITERS[type(normal)](normal, target, depth)


def _write_str(value: str, target: ValueMessage, depth: int) -> None:
    target.s = value


def _write_number(value: int | Decimal, target: ValueMessage, depth: int) -> None:
    target.n = _number_text(value)


def _number_text(value: int | Decimal) -> str:
    if type(value) is int:
        return str(value) if -_PLAIN_INT < value < _PLAIN_INT else number.to_text(number.normalise(value))
    return str(value) if cast(Decimal, value).is_finite() else number.to_text(value)


def _write_bytes(value: bytes, target: ValueMessage, depth: int) -> None:
    target.b = value


def _write_bool(value: bool, target: ValueMessage, depth: int) -> None:
    target.bool = value


def _write_null(value: None, target: ValueMessage, depth: int) -> None:
    target.null = True


def _write_map(value: Mapping[str, object], target: ValueMessage, depth: int) -> None:
    contents = target.m
    contents.SetInParent()
    _write_attributes(value, contents, depth + 1)


def _write_list(value: Sequence[object], target: ValueMessage, depth: int) -> None:
    depth += 1
    if depth >= NESTING_LEVELS_MAX and value:
        raise ValidationError(NESTED_TOO_DEEP)
    elements = target.l
    elements.SetInParent()
    for element in value:
        _WRITERS.get(type(element), _write_unusual)(element, elements.values.add(), depth)


def _write_set(value: set[object] | frozenset[object], target: ValueMessage, depth: int) -> None:
    kinds = {type(element) for element in value}
    if kinds == {str}:
        target.ss.values.extend(cast("set[str]", value))
    elif kinds == {bytes}:
        target.bs.values.extend(cast("set[bytes]", value))
    elif kinds and kinds <= {int, Decimal}:
        target.ns.values.extend(map(_number_text, cast("set[int | Decimal]", value)))
    else:
        # Floats and subclasses come back in a form named above; an empty or a mixed set is refused.
        _write_set(cast("set[object]", normalise_value(value)), target, depth)


_WRITERS: Mapping[type, Callable[..., None]] = {
    str: _write_str,
    int: _write_number,
    Decimal: _write_number,
    bytes: _write_bytes,
    bool: _write_bool,
    type(None): _write_null,
    dict: _write_map,
    list: _write_list,
    tuple: _write_list,
    set: _write_set,
    frozenset: _write_set,
}


def read_value(message: ValueMessage) -> AttributeValue:
    """The value in ``message``; as ``read_item`` otherwise."""
    return _READERS[message.WhichOneof("value")](message)


def _read_number(message: ValueMessage) -> number.Number:
    return number.parse(message.n)


def _read_null(message: ValueMessage) -> None:
    if not message.null:
        raise ValidationError(NULL_NOT_TRUE)


def _read_list(message: ValueMessage) -> list[AttributeValue]:
    return [read_value(element) for element in message.l.values]


def _read_string_set(message: ValueMessage) -> set[str]:
    return _distinct(message.ss.values)


def _read_number_set(message: ValueMessage) -> set[number.Number]:
    return _distinct([number.parse(text) for text in message.ns.values])


def _read_bytes_set(message: ValueMessage) -> set[bytes]:
    return _distinct(message.bs.values)


def _read_nothing(message: ValueMessage) -> None:
    raise ValidationError(NO_TYPE)


def _distinct(elements: Sequence[_Element]) -> set[_Element]:
    if not elements:
        raise ValidationError(EMPTY_STRING_SET)
    distinct = set(elements)
    if len(distinct) != len(elements):
        raise ValidationError(DUPLICATE_NUMBERS)
    return distinct


_READERS: Mapping[str | None, Callable[[ValueMessage], AttributeValue]] = {
    "s": lambda message: message.s,
    "n": _read_number,
    "b": lambda message: message.b,
    "bool": lambda message: message.bool,
    "null": _read_null,
    "m": lambda message: read_item(message.m),
    "l": _read_list,
    "ss": _read_string_set,
    "ns": _read_number_set,
    "bs": _read_bytes_set,
    None: _read_nothing,
}
