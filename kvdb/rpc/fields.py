"""Pairs of an api class and a message class, and the rows they are made of: a row a field.

A row says how one field is written and read. Absent and empty differ on the wire wherever they
differ in the contract: optional scalars have presence, and items, names and optional lists are
messages of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

from google.protobuf.message import DecodeError, Message

from kvdb.errors import KvdbError, SerializationError, ValidationError
from kvdb.expr.names import Placeholders
from kvdb.rpc.item_codec import read_item, read_value, write_item, write_value

_Api = TypeVar("_Api", covariant=True)


class Field(NamedTuple):
    """One row. ``write`` is left out for a value that *is* ``unwritten``."""

    name: str
    write: Callable[..., None]
    read: Callable[..., object]
    unwritten: object = None


class Form(Protocol[_Api]):
    """How one thing fills a message and is read from it."""

    def write(self, message: Message, source: object) -> None: ...

    def read(self, message: Message) -> _Api: ...


class Pair(Generic[_Api]):
    """An api class and its message class. ``write`` fills a message, ``read`` makes an api object."""

    def __init__(self, api: Callable[..., _Api], message: type[Message], *fields: Field) -> None:
        self.api = api
        self._message = message
        self._fields = fields
        self._reads = tuple(field.read for field in fields)
        # ``read`` passes the values by place.
        assert tuple(field.name for field in fields) == getattr(api, "__slots__", ()), api

    def write(self, message: Message, source: object) -> None:
        for name, write, _, unwritten in self._fields:
            value = getattr(source, name)
            if value is not unwritten:
                write(message, value)

    def read(self, message: Message) -> _Api:
        return self.api(*[read(message) for read in self._reads])

    def encode(self, source: object) -> bytes:
        message = self._message()
        self.write(message, source)
        return message.SerializeToString()

    def decode(self, data: bytes) -> _Api:
        """Raises: SerializationError: ``data`` is no such message. ValidationError: as ``read_item``."""
        try:
            message = self._message.FromString(data)
        except DecodeError as exc:
            raise SerializationError(f"malformed {self._message.DESCRIPTOR.name} message") from exc
        return self.read(message)


class Choice(Generic[_Api]):
    """One of several api classes, each a member of a message's ``oneof``."""

    def __init__(self, oneof: str, **members: Pair[_Api]) -> None:
        self._oneof = oneof
        self._members = members
        self._names: Mapping[object, str] = {pair.api: name for name, pair in members.items()}

    def write(self, message: Message, source: object) -> None:
        name = self._names[type(source)]
        target = getattr(message, name)
        target.SetInParent()
        self._members[name].write(target, source)

    def read(self, message: Message) -> _Api:
        name = message.WhichOneof(self._oneof)
        if name is None:
            *others, last = self._members
            raise ValidationError(f"{self._oneof} must be one of {', '.join(others)} and {last}")
        return self._members[name].read(getattr(message, name))


# Rows. ``_NEVER`` is no value of any field: the field is always written.
_NEVER = object()


def scalar(name: str, *, unwritten: object = _NEVER) -> Field:
    """A field that is always there; protobuf checks its type."""

    def write(message: Message, value: object) -> None:
        setattr(message, name, value)

    def read(message: Message) -> object:
        return getattr(message, name)

    return Field(name, write, read, unwritten)


def flag(name: str) -> Field:
    """A bool that is mostly false. The contract takes anything with a truth, protobuf bools only."""

    def write(message: Message, value: object) -> None:
        setattr(message, name, bool(value))

    return scalar(name, unwritten=False)._replace(write=write)


def optional(name: str) -> Field:
    """A scalar with presence."""

    def write(message: Message, value: object) -> None:
        if isinstance(value, bool):
            raise TypeError(f"{name} is no flag")
        setattr(message, name, value)

    def read(message: Message) -> object:
        return getattr(message, name) if message.HasField(name) else None

    return Field(name, write, read)


def optional_flag(name: str) -> Field:
    """A bool with presence."""

    def write(message: Message, value: object) -> None:
        setattr(message, name, bool(value))

    return optional(name)._replace(write=write)


def direction(name: str) -> Field:
    """A bool that is mostly true: absent means so."""

    def read(message: Message) -> object:
        return getattr(message, name) if message.HasField(name) else True

    return optional_flag(name)._replace(read=read, unwritten=True)


def enum(name: str, prefix: str, *texts: str, absent: str | None = None) -> Field:
    """Texts of the contract <-> numbers from 1 on; 0 stands for ``absent``."""
    numbers = {text: number for number, text in enumerate(texts, 1)}
    known = {0: absent, **{number: text for text, number in numbers.items()}}

    def write(message: Message, value: str) -> None:
        setattr(message, name, numbers[value])

    def read(message: Message) -> object:
        number = getattr(message, name)
        if number not in known:
            raise ValidationError(
                f"{name} has no value {number}: {', '.join(prefix + text for text in texts)}"
            )
        return known[number]

    return Field(name, write, read, absent)


# Items and values.


def item(name: str) -> Field:
    def write(message: Message, value: Mapping[str, object]) -> None:
        write_item(value, getattr(message, name))

    def read(message: Message) -> object:
        return read_item(getattr(message, name))

    return Field(name, write, read, _NEVER)


def optional_item(name: str) -> Field:
    def read(message: Message) -> object:
        return read_item(getattr(message, name)) if message.HasField(name) else None

    return Field(name, item(name).write, read)


def optional_placeholder_values(name: str) -> Field:
    """``:placeholder`` -> value."""

    def write(message: Message, value: Mapping[str, object]) -> None:
        try:
            write_item(value, getattr(message, name))
        except KvdbError:
            # What is wrong with a placeholder's value is said with the placeholder's name.
            Placeholders(None, value)
            raise

    return optional_item(name)._replace(write=write)


def optional_names(name: str) -> Field:
    """``#placeholder`` -> attribute name."""

    def write(message: Message, value: Mapping[str, str]) -> None:
        target = getattr(message, name)
        target.SetInParent()
        try:
            target.names.update(value)
        except (TypeError, ValueError):
            Placeholders(value, None)
            raise

    def read(message: Message) -> object:
        return dict(getattr(message, name).names) if message.HasField(name) else None

    return Field(name, write, read)


def items(name: str) -> Field:
    def write(message: Message, value: Sequence[Mapping[str, object]]) -> None:
        target = getattr(message, name)
        for element in value:
            write_item(element, target.add())

    def read(message: Message) -> object:
        return [read_item(element) for element in getattr(message, name)]

    return Field(name, write, read, _NEVER)


class OptionalItem:
    """A message that is nothing but an item, or none: for lists where some are absent."""

    def __init__(self, name: str) -> None:
        self._row = optional_item(name)

    def write(self, message: Message, source: object) -> None:
        if source is not None:
            self._row.write(message, source)

    def read(self, message: Message) -> object:
        return self._row.read(message)


def values(name: str) -> Field:
    """A list of attribute values."""

    def write(message: Message, value: Sequence[object]) -> None:
        target = getattr(message, name)
        for element in value:
            write_value(element, target.add())

    def read(message: Message) -> object:
        return [read_value(element) for element in getattr(message, name)]

    return Field(name, write, read, _NEVER)


# Messages in messages.


def message(name: str, form: Form[object]) -> Field:
    def write(outer: Message, value: object) -> None:
        target = getattr(outer, name)
        target.SetInParent()
        form.write(target, value)

    def read(outer: Message) -> object:
        return form.read(getattr(outer, name))

    return Field(name, write, read, _NEVER)


def optional_message(name: str, form: Form[object]) -> Field:
    def read(outer: Message) -> object:
        return form.read(getattr(outer, name)) if outer.HasField(name) else None

    return Field(name, message(name, form).write, read)


def choice(name: str, form: Choice[object]) -> Field:
    """A field that is one of several classes: a ``oneof`` of the message itself."""
    return Field(name, form.write, form.read, _NEVER)


def messages(name: str, form: Form[_Api], make: Callable[[list[_Api]], object] = list) -> Field:
    def write(outer: Message, value: Sequence[object]) -> None:
        target = getattr(outer, name)
        for element in value:
            form.write(target.add(), element)

    def read(outer: Message) -> object:
        return make([form.read(element) for element in getattr(outer, name)])

    return Field(name, write, read, _NEVER)


def texts(name: str, make: Callable[[list[str]], object] = list) -> Field:
    def write(outer: Message, value: Sequence[str]) -> None:
        if isinstance(value, str):
            raise TypeError(f"{name} is no text but a list of them")
        getattr(outer, name).extend(value)

    def read(outer: Message) -> object:
        return make(list(getattr(outer, name)))

    return Field(name, write, read, _NEVER)


def wrapped(name: str, inner: Field) -> Field:
    """What may be absent, and may be empty: ``inner`` is the only field of a message of its own."""

    def write(outer: Message, value: object) -> None:
        target = getattr(outer, name)
        target.SetInParent()
        inner.write(target, value)

    def read(outer: Message) -> object:
        return inner.read(getattr(outer, name)) if outer.HasField(name) else None

    return Field(name, write, read)


def mapping(name: str, form: Form[object]) -> Field:
    """A mapping from names to messages."""

    def write(outer: Message, value: Mapping[str, object]) -> None:
        target = getattr(outer, name)
        for key, element in value.items():
            entry = target[key]
            form.write(entry, element)

    def read(outer: Message) -> object:
        return {key: form.read(element) for key, element in getattr(outer, name).items()}

    return Field(name, write, read, _NEVER)


def by_table(name: str, content: Field | Pair[object]) -> Field:
    """A mapping from table names: a list of messages, each with its ``table_name``."""

    def write(outer: Message, value: Mapping[str, object]) -> None:
        for table_name, of_table in value.items():
            entry = getattr(outer, name).add()
            entry.table_name = table_name
            content.write(entry, of_table)

    def read(outer: Message) -> object:
        found: dict[str, object] = {}
        for entry in getattr(outer, name):
            if entry.table_name in found:
                raise ValidationError(f"{name} names a table twice: {entry.table_name}")
            found[entry.table_name] = content.read(entry)
        return found

    return Field(name, write, read, _NEVER)
