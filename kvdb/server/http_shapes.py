"""Shapes of JSON: how a part of a body is read into the contract, and written from it.

A ``Kind`` is a pair of functions and the name the service's messages give it. Kinds are put
together from smaller ones: ``http_items`` and ``http_tables`` are tables of ``Field``s.

Reading finds two kinds of faults, in the service's order:

- a wrong JSON type anywhere raises ``SerializationError`` at once;
- content that makes no value is noted in ``Faults`` and reading goes on, since a wrong type may
  come later. ``http_codec`` raises the first of those, after what the database says of the
  request as a whole.

Members that are null count as absent, members nobody knows are ignored. A required member that
is absent is noted, too: the service names these together.

Source of the messages: dynalite ``validations/index.js`` checkTypes and the tests that were run
against the service; dynoxide ``server/serialization_checks.rs``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from kvdb.errors import SerializationError, ValidationError
from kvdb.item import dynamo_json
from kvdb.item.dynamo_json import (
    NULL_NOT_TRUE,
    UNEXPECTED_START,
    JsonObject,
    not_convertible,
    read_boolean,
)

_JAVA = "com.amazonaws.dynamodb.v20120810."
_UNEXPECTED_FIELD = "Unexpected field type"
_UNEXPECTED_VALUE = "Unexpected value type in payload"
_MS_PER_SECOND = 1000


@dataclass(slots=True)
class Faults:
    """What makes no request, though its JSON types are right; each list in the order of the body."""

    of_values: list[ValidationError] = field(default_factory=list)
    """Stand behind what ``api/validation`` finds."""
    of_shape: list[ValidationError] = field(default_factory=list)
    """Leave nothing that could be validated."""
    missing: list[str] = field(default_factory=list)
    """Where a required member is absent, as in ``requestItems.movies.member.keys``."""

    def inside(self, place: str, mark: int) -> None:
        """What was found missing since ``mark`` lies inside ``place``. Asked only when there is something."""
        self.missing[mark:] = [f"{place}.{found}" for found in self.missing[mark:]]


class Kind(NamedTuple):
    """One kind of JSON value."""

    java: str
    read: Callable[[object, Faults], object]
    write: Callable[..., object]


class Field(NamedTuple):
    """A member of a structure: its name on the wire, and in the contract."""

    wire: str
    attribute: str
    kind: Kind
    is_required: bool = False
    is_left_out_empty: bool = False
    """Empty as well as ``None`` stands for "not there"."""


# Scalars.


def _unchanged(value: object) -> object:
    return value


def _read_string(content: object, faults: Faults) -> str:
    if type(content) is str:
        return content
    raise SerializationError(not_convertible(content, "String"))


def _read_boolean(content: object, faults: Faults) -> bool:
    return read_boolean(content)


def _integer_reader(java: str) -> Callable[[object, Faults], int]:
    def read(content: object, faults: Faults) -> int:
        if isinstance(content, (int, float)) and not isinstance(content, bool):
            try:
                return int(content)
            except (OverflowError, ValueError):
                pass
        raise SerializationError(not_convertible(content, java))

    return read


def _write_seconds(milliseconds: int) -> float:
    return milliseconds / _MS_PER_SECOND


def _read_seconds(content: object, faults: Faults) -> int:
    if isinstance(content, (int, float)) and not isinstance(content, bool):
        try:
            return round(content * _MS_PER_SECOND)
        except (OverflowError, ValueError):
            pass
    raise SerializationError(not_convertible(content, "Date"))


STRING = Kind("java.lang.String", _read_string, _unchanged)
BOOLEAN = Kind("java.lang.Boolean", _read_boolean, _unchanged)
INTEGER = Kind("java.lang.Integer", _integer_reader("Integer"), _unchanged)
LONG = Kind("java.lang.Long", _integer_reader("Long"), _unchanged)
DOUBLE = Kind("java.lang.Double", _integer_reader("Double"), _unchanged)
SECONDS = Kind("java.util.Date", _read_seconds, _write_seconds)
"""Milliseconds since 1970 here, seconds with a fraction on the wire."""


# Items.


def _read_item(content: object, faults: Faults) -> JsonObject:
    try:
        return dynamo_json.item_from_json(content)
    except ValidationError as fault:
        dynamo_json.check_item_types(content)
        faults.of_values.append(fault)
        return {}


def _read_value(content: object, faults: Faults) -> object:
    try:
        return dynamo_json.value_from_json(content)
    except ValidationError as fault:
        dynamo_json.check_value_types(content)
        faults.of_values.append(fault)
        return None


def _read_expression_values(content: object, faults: Faults) -> JsonObject:
    """``ExpressionAttributeValues``: a fault names the placeholder it belongs to."""
    if not isinstance(content, dict):
        raise SerializationError(_no_map(content, VALUE))
    values: JsonObject = {}
    for placeholder, value in content.items():
        mark = len(faults.of_values)
        values[placeholder] = _read_value(value, faults)
        if len(faults.of_values) > mark:
            message = faults.of_values[mark].message
            # The service gives this one bare. Source: dynoxide, helpers.rs, captured in eu-west-2.
            if message != NULL_NOT_TRUE:
                message = f"ExpressionAttributeValues contains invalid value: {message} for key {placeholder}"
            faults.of_values[mark] = ValidationError(message)
    return values


def _write_value(value: object) -> object:
    return dynamo_json.value_to_json(value)


def _write_item(item: Mapping[str, object]) -> object:
    return dynamo_json.item_to_json(item)


VALUE = Kind(f"{_JAVA}AttributeValue", _read_value, _write_value)
ITEM = Kind(f"java.util.Map<java.lang.String, {VALUE.java}>", _read_item, _write_item)
EXPRESSION_VALUES = ITEM._replace(read=_read_expression_values)


# Collections.


def list_of(kind: Kind, make: Callable[[list[object]], Sequence[object]] = list) -> Kind:
    def read(content: object, faults: Faults) -> object:
        if type(content) is not list:
            raise SerializationError(UNEXPECTED_START if isinstance(content, dict) else _UNEXPECTED_FIELD)
        elements = []
        for number, element in enumerate(content, 1):
            mark = len(faults.missing)
            elements.append(_element(kind, element, faults))
            if len(faults.missing) > mark:
                faults.inside(f"{number}.member", mark)
        return make(elements)

    def write(elements: Iterable[object]) -> list[object]:
        return [kind.write(element) for element in elements]

    return Kind(f"java.util.List<{kind.java}>", read, write)


def map_of(kind: Kind) -> Kind:
    def read(content: object, faults: Faults) -> object:
        if type(content) is not dict:
            raise SerializationError(_no_map(content, kind))
        elements: JsonObject = {}
        for name, element in content.items():
            mark = len(faults.missing)
            elements[name] = _element(kind, element, faults)
            if len(faults.missing) > mark:
                faults.inside(f"{name}.member", mark)
        return elements

    def write(elements: Mapping[str, object]) -> JsonObject:
        return {name: kind.write(element) for name, element in elements.items()}

    return Kind(f"java.util.Map<java.lang.String, {kind.java}>", read, write)


def _element(kind: Kind, content: object, faults: Faults) -> object:
    # A structure that stands in a list or map is refused in other words than a field's.
    if type(content) is not dict and kind.java.startswith(_JAVA) and not isinstance(content, list):
        raise SerializationError(_UNEXPECTED_VALUE)
    return kind.read(content, faults)


def _no_map(content: object, kind: Kind) -> str:
    if isinstance(content, list):
        return f"Unrecognized collection type java.util.Map<java.lang.String, {kind.java}>"
    return _UNEXPECTED_FIELD


# Structures.


def struct(name: str, make: Callable[..., object], *fields: Field) -> Kind:
    """A structure of the service's model called ``name``; ``make`` takes its members by keyword."""
    by_wire = {field.wire: field for field in fields}
    required = [(_place(field.wire), field.attribute) for field in fields if field.is_required]

    def read(content: object, faults: Faults) -> object:
        members: JsonObject = {}
        for wire, member in _members(content, name).items():
            known = by_wire.get(wire)
            if known is not None and member is not None:
                mark = len(faults.missing)
                members[known.attribute] = known.kind.read(member, faults)
                if len(faults.missing) > mark:
                    faults.inside(_place(wire), mark)
        for place, attribute in required:
            if attribute not in members:
                members[attribute] = None
                faults.missing.append(place)
        return make(**members)

    return Kind(_JAVA + name, read, _struct_writer(fields))


def _struct_writer(fields: Sequence[Field]) -> Callable[[object], JsonObject]:
    plan = [(field.wire, field.attribute, field.kind.write, field.is_left_out_empty) for field in fields]

    def write(value: object) -> JsonObject:
        written: JsonObject = {}
        for wire, attribute, write_member, is_left_out_empty in plan:
            member = getattr(value, attribute)
            if member is not None and (member or not is_left_out_empty):
                written[wire] = write_member(member)
        return written

    return write


def one_of(name: str, members: Sequence[tuple[str, type, Kind]], many: str, none: str) -> Kind:
    """A structure with exactly one of several members; ``many`` and ``none`` refuse the others."""
    by_wire = {wire: kind for wire, _, kind in members}
    by_type = {made: (wire, kind) for wire, made, kind in members}

    def read(content: object, faults: Faults) -> object:
        found = []
        for wire, member in _members(content, name).items():
            if wire in by_wire and member is not None:
                mark = len(faults.missing)
                found.append(by_wire[wire].read(member, faults))
                if len(faults.missing) > mark:
                    faults.inside(_place(wire), mark)
        if len(found) == 1:
            return found[0]
        faults.of_shape.append(ValidationError(many if found else none))
        return None

    def write(value: object) -> JsonObject:
        wire, kind = by_type[type(value)]
        return {wire: kind.write(value)}

    return Kind(_JAVA + name, read, write)


def wrapped(*fields: Field) -> Callable[[object], JsonObject]:
    """A writer of a structure that no request carries."""
    return _struct_writer(fields)


def _place(wire: str) -> str:
    """A member as the service's constraints name it."""
    return wire[0].lower() + wire[1:]


def _members(content: object, name: str) -> JsonObject:
    if type(content) is dict:
        return content
    if isinstance(content, list):
        raise SerializationError(f"Unrecognized collection type class {_JAVA}{name}")
    raise SerializationError(_UNEXPECTED_FIELD)
