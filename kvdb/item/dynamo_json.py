"""The service's JSON form of values and items: ``{"S": "text"}``, ``{"N": "12"}``, ``{"L": [...]}``.

    item  := {name: value, ...}
    value := {"S": text} | {"N": number as text} | {"B": base64} | {"BOOL": true or false}
           | {"NULL": true} | {"M": item} | {"L": [value, ...]}
           | {"SS": [text, ...]} | {"NS": [number as text, ...]} | {"BS": [base64, ...]}

Works on what ``json.loads`` gives and ``json.dumps`` takes (dict, list, str, bool),
not on text. Reading is strict: exactly one type a value (members of another name, and
those that are null, do not count), canonical base64, nesting capped before it is
followed. What is read is in normal form (``value``) but for what ``normalise_item`` has
still to check: the length of names, and lone surrogates, which JSON can spell. Writing
sorts sets, so that one item has one form.

Two kinds of faults: the wrong JSON type somewhere is a ``SerializationError``, which the
service looks for in the whole request first; content that makes no value is a
``ValidationError``. ``check_item_types`` looks for the first kind alone.

Source: API Reference, AttributeValue; messages: dynalite ``validations/index.js`` and
``test/helpers.js``; those in lower case are ours.
"""

from __future__ import annotations

import binascii
import json.encoder
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TypeAlias

from kvdb.errors import SerializationError, ValidationError
from kvdb.item import number
from kvdb.item.value import (
    DUPLICATE_NUMBERS,
    EMPTY_STRING_SET,
    NESTED_TOO_DEEP,
    AttributeValue,
    Item,
    type_name,
)
from kvdb.limits import NESTING_LEVELS_MAX

JsonObject: TypeAlias = dict[str, object]

NO_TYPE = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
_MANY_TYPES = (
    "Supplied AttributeValue has more than one datatypes set, "
    "must contain exactly one of the supported datatypes"
)
_INVALID = "One or more parameter values were invalid: "
NULL_NOT_TRUE = _INVALID + "Null attribute value types must have the value of true"
_EMPTY_NUMBER_SET = _INVALID + "An number set  may not be empty"
_EMPTY_BINARY_SET = _INVALID + "Binary sets should not be empty"
UNEXPECTED_START = "Start of structure or map found where not expected"
_JAVA_VALUE = "com.amazonaws.dynamodb.v20120810.AttributeValue"
_NOT_BASE64 = "only base-64-encoded strings are convertible to bytes"
_NOT_CANONICAL_BASE64 = "Invalid last non-pad Base64 character dectected"
_SHOWN_ELEMENTS_MAX = 20


def item_from_json(obj: object) -> Item:
    """Read an item.

    Raises:
        SerializationError: a part has the wrong JSON type, or is no base64.
        ValidationError: the parts have the right types but make no attribute value.
    """
    return _read_item(obj, 0)


def value_from_json(obj: object) -> AttributeValue:
    """Read one value; errors as ``item_from_json``."""
    return _read_value(obj, 0)


def check_item_types(obj: object) -> None:
    """Return if no part of an item has a wrong JSON type, whatever its values are worth.

    Raises:
        SerializationError: as ``item_from_json``.
    """
    _check_map(obj, 0)


def check_value_types(obj: object) -> None:
    """As ``check_item_types``, of one value."""
    _check_value(obj, 0)


def item_to_json(item: Mapping[str, object]) -> JsonObject:
    """Write a normalised item."""
    return {name: _WRITERS[type(value)](value) for name, value in item.items()}


def value_to_json(value: AttributeValue) -> JsonObject:
    """Write one normalised value."""
    return _WRITERS[type(value)](value)


def item_to_text(item: Mapping[str, object]) -> str:
    """The compact JSON of ``item_to_json(item)``, without the objects in between: in half the time."""
    return f"{{{_members_text(item)}}}"


def _read_item(obj: object, depth: int) -> Item:
    if not isinstance(obj, dict):
        raise SerializationError(_no_map(obj))
    if obj and depth >= NESTING_LEVELS_MAX:
        raise ValidationError(NESTED_TOO_DEEP)
    return {name: _read_value(value, depth) for name, value in obj.items()}


def _read_value(obj: object, depth: int) -> AttributeValue:
    if not isinstance(obj, dict):
        raise SerializationError(_no_value(obj))
    if len(obj) == 1:
        for kind, content in obj.items():
            reader = _READERS.get(kind)
            if reader is not None and content is not None:
                return reader(content, depth)
        raise ValidationError(NO_TYPE)
    given = {kind: content for kind, content in obj.items() if content is not None and kind in _READERS}
    if len(given) == 1:
        return _read_value(given, depth)
    raise ValidationError(_MANY_TYPES if given else NO_TYPE)


def _check_map(obj: object, depth: int) -> None:
    if not isinstance(obj, dict):
        raise SerializationError(_no_map(obj))
    if depth < NESTING_LEVELS_MAX:
        for value in obj.values():
            _check_value(value, depth)


def _check_value(obj: object, depth: int) -> None:
    if not isinstance(obj, dict):
        raise SerializationError(_no_value(obj))
    for kind, content in obj.items():
        if content is None:
            continue
        if kind == "M":
            _check_map(content, depth + 1)
        elif kind == "L":
            elements = _elements(content)
            if depth + 1 < NESTING_LEVELS_MAX:
                for element in elements:
                    _check_value(element, depth + 1)
        elif kind in _SCALAR_TYPE_READERS:
            _SCALAR_TYPE_READERS[kind](content, depth)
        elif kind in _SET_ELEMENT_TYPE_READERS:
            for element in _elements(content):
                _SET_ELEMENT_TYPE_READERS[kind](element, depth)


def _read_string(content: object, depth: int) -> str:
    if isinstance(content, str):
        return content
    raise SerializationError(not_convertible(content, "String"))


def _read_number(content: object, depth: int) -> number.Number:
    return number.parse(_read_string(content, depth))


def _read_binary(content: object, depth: int) -> bytes:
    if isinstance(content, list):
        raise SerializationError("Unrecognized collection type class java.nio.ByteBuffer")
    if isinstance(content, dict):
        raise SerializationError(UNEXPECTED_START)
    if not isinstance(content, str):
        raise SerializationError(_NOT_BASE64)
    if len(content) % 4:
        raise SerializationError(
            f"Base64 encoded length is expected a multiple of 4 bytes but found: {len(content)}"
        )
    try:
        decoded = binascii.a2b_base64(content, strict_mode=True)
    except ValueError as exc:
        raise SerializationError(_NOT_CANONICAL_BASE64) from exc
    # Bits after the last byte are ignored by the decoder, so that several texts would
    # be one value.
    if _base64(decoded) != content:
        raise SerializationError(_NOT_CANONICAL_BASE64)
    return decoded


def read_boolean(content: object) -> bool:
    """A JSON boolean, or one of the texts the service takes for one.

    Raises:
        SerializationError: anything else.
    """
    if isinstance(content, bool):
        return content
    if isinstance(content, str):
        named = _BOOLEAN_TEXTS.get(content.upper())
        if named is None:
            raise SerializationError("Unexpected token received from parser")
        return named
    raise SerializationError(not_convertible(content, "Boolean"))


def _read_bool(content: object, depth: int) -> bool:
    return read_boolean(content)


def _read_null(content: object, depth: int) -> None:
    if not _read_bool(content, depth):
        raise ValidationError(NULL_NOT_TRUE)


def _read_map(content: object, depth: int) -> Item:
    return _read_item(content, depth + 1)


def _read_list(content: object, depth: int) -> list[AttributeValue]:
    elements = _elements(content)
    depth += 1
    if elements and depth >= NESTING_LEVELS_MAX:
        raise ValidationError(NESTED_TOO_DEEP)
    return [_read_value(element, depth) for element in elements]


def _read_string_set(content: object, depth: int) -> set[str]:
    elements = [_read_string(element, depth) for element in _elements(content)]
    if not elements:
        raise ValidationError(EMPTY_STRING_SET)
    decoded = set(elements)
    if len(decoded) != len(elements):
        raise ValidationError(f"{_INVALID}Input collection {_shown(elements)} contains duplicates.")
    return decoded


def _read_number_set(content: object, depth: int) -> set[number.Number]:
    elements = [_read_number(element, depth) for element in _elements(content)]
    if not elements:
        raise ValidationError(_EMPTY_NUMBER_SET)
    decoded = set(elements)
    if len(decoded) != len(elements):
        raise ValidationError(DUPLICATE_NUMBERS)
    return decoded


def _read_binary_set(content: object, depth: int) -> set[bytes]:
    elements = [_read_binary(element, depth) for element in _elements(content)]
    if not elements:
        raise ValidationError(_EMPTY_BINARY_SET)
    decoded = set(elements)
    if len(decoded) != len(elements):
        shown = _shown([_base64(element) for element in elements])
        raise ValidationError(f"{_INVALID}Input collection {shown}of type BS contains duplicates.")
    return decoded


def _elements(content: object) -> list[object]:
    if isinstance(content, list):
        return content
    raise SerializationError(UNEXPECTED_START if isinstance(content, dict) else "Unexpected field type")


def not_convertible(content: object, target: str) -> str:
    """The service's words for a JSON value of another type than ``target``, a Java name."""
    if isinstance(content, bool):
        return f"{'TRUE' if content else 'FALSE'}_VALUE cannot be converted to {target}"
    if isinstance(content, list):
        return f"Unrecognized collection type class java.lang.{target}"
    if isinstance(content, dict):
        return UNEXPECTED_START
    kind = "STRING" if isinstance(content, str) else "NUMBER" if isinstance(content, int) else "DECIMAL"
    return f"{kind}_VALUE cannot be converted to {target}"


def _no_map(obj: object) -> str:
    if isinstance(obj, list):
        return f"Unrecognized collection type java.util.Map<java.lang.String, {_JAVA_VALUE}>"
    return "Unexpected field type"


def _no_value(obj: object) -> str:
    if isinstance(obj, list):
        return f"Unrecognized collection type class {_JAVA_VALUE}"
    return "Unexpected value type in payload"


def _shown(elements: list[str]) -> str:
    more = ", ..." if len(elements) > _SHOWN_ELEMENTS_MAX else ""
    return f"[{', '.join(elements[:_SHOWN_ELEMENTS_MAX])}{more}]"


def _base64(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).decode("ascii")


_READERS: Mapping[str, Callable[[object, int], AttributeValue]] = {
    "S": _read_string,
    "N": _read_number,
    "B": _read_binary,
    "BOOL": _read_bool,
    "NULL": _read_null,
    "M": _read_map,
    "L": _read_list,
    "SS": _read_string_set,
    "NS": _read_number_set,
    "BS": _read_binary_set,
}
_SCALAR_TYPE_READERS: Mapping[str, Callable[[object, int], object]] = {
    "S": _read_string,
    "N": _read_string,
    "B": _read_binary,
    "BOOL": _read_bool,
    "NULL": _read_bool,
}
_SET_ELEMENT_TYPE_READERS: Mapping[str, Callable[[object, int], object]] = {
    "SS": _read_string,
    "NS": _read_string,
    "BS": _read_binary,
}
_BOOLEAN_TEXTS: Mapping[str, bool] = {
    "TRUE": True,
    "1": True,
    "YES": True,
    "FALSE": False,
    "0": False,
    "NO": False,
}


# Writing. One function a Python type: a row's every attribute passes here on its way out.


def _write_string(value: str) -> JsonObject:
    return {"S": value}


def _write_int(value: int) -> JsonObject:
    return {"N": str(value)}


def _write_decimal(value: Decimal) -> JsonObject:
    return {"N": number.to_text(value)}


def _write_binary(value: bytes) -> JsonObject:
    return {"B": _base64(value)}


def _write_bool(value: bool) -> JsonObject:
    return {"BOOL": value}


def _write_null(value: None) -> JsonObject:
    return {"NULL": True}


def _write_map(value: Item) -> JsonObject:
    return {"M": item_to_json(value)}


def _write_list(value: list[object]) -> JsonObject:
    return {"L": [_WRITERS[type(element)](element) for element in value]}


def _write_set(value: set[str] | set[bytes] | set[int | Decimal]) -> JsonObject:
    kind = type_name(value)
    return {kind: [_SET_WRITERS[kind](element) for element in sorted(value)]}


def _unchanged(value: str) -> str:
    return value


_SET_WRITERS: Mapping[str, Callable[..., str]] = {"SS": _unchanged, "NS": number.to_text, "BS": _base64}
_WRITERS: Mapping[type, Callable[..., JsonObject]] = {
    str: _write_string,
    int: _write_int,
    Decimal: _write_decimal,
    bytes: _write_binary,
    bool: _write_bool,
    type(None): _write_null,
    dict: _write_map,
    list: _write_list,
    set: _write_set,
}


# Writing as text: the same, with an f-string for each object.

_quoted: Callable[[str], str] = json.encoder.encode_basestring


def _members_text(item: Mapping[str, object]) -> str:
    return ",".join([f"{_quoted(name)}:{_TEXT_WRITERS[type(value)](value)}" for name, value in item.items()])


def _string_text(value: str) -> str:
    return f'{{"S":{_quoted(value)}}}'


def _int_text(value: int) -> str:
    return f'{{"N":"{value}"}}'


def _decimal_text(value: Decimal) -> str:
    return f'{{"N":"{number.to_text(value)}"}}'


def _binary_text(value: bytes) -> str:
    return f'{{"B":"{_base64(value)}"}}'


def _bool_text(value: bool) -> str:
    return '{"BOOL":true}' if value else '{"BOOL":false}'


def _null_text(value: None) -> str:
    return '{"NULL":true}'


def _map_text(value: Item) -> str:
    return f'{{"M":{{{_members_text(value)}}}}}'


def _list_text(value: list[object]) -> str:
    elements = ",".join([_TEXT_WRITERS[type(element)](element) for element in value])
    return f'{{"L":[{elements}]}}'


def _set_text(value: set[str] | set[bytes] | set[int | Decimal]) -> str:
    kind = type_name(value)
    elements = ",".join([_quoted(_SET_WRITERS[kind](element)) for element in sorted(value)])
    return f'{{"{kind}":[{elements}]}}'


_TEXT_WRITERS: Mapping[type, Callable[..., str]] = {
    str: _string_text,
    int: _int_text,
    Decimal: _decimal_text,
    bytes: _binary_text,
    bool: _bool_text,
    type(None): _null_text,
    dict: _map_text,
    list: _list_text,
    set: _set_text,
}
