"""Messages <-> api requests and results: one ``Pair`` a message, a row a field; the methods below.

A row says how one field is written and read. Absent and empty differ on the wire wherever they
differ in the contract: optional scalars have presence, and items and names are messages.

``METHODS`` is the door's table: which path serves which request, in which forms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from google.protobuf.message import DecodeError, Message

from kvdb.api import items, tables, validation
from kvdb.api.operations import OPERATIONS, Request, Result
from kvdb.errors import KvdbError, SerializationError, UnknownOperation, ValidationError
from kvdb.expr.names import Placeholders
from kvdb.rpc.gen import items_pb2, tables_pb2
from kvdb.rpc.item_codec import read_item, write_item

_Api = TypeVar("_Api", covariant=True)


class Field(NamedTuple):
    """One row. ``write`` is left out for a value that *is* ``unwritten``."""

    name: str
    write: Callable[..., None]
    read: Callable[..., object]
    unwritten: object = None


class Pair(Generic[_Api]):
    """An api class and its message class. ``write`` fills a message, ``read`` makes an api object."""

    def __init__(self, api: Callable[..., _Api], message: type[Message], *fields: Field) -> None:
        self._api = api
        self._message = message
        self._fields = fields
        self._reads = tuple(field.read for field in fields)
        # ``read`` passes the values by place.
        assert tuple(field.name for field in fields) == getattr(api, "__slots__", ())[: len(fields)], api

    def write(self, message: Message, source: object) -> None:
        for name, write, _, unwritten in self._fields:
            value = getattr(source, name)
            if value is not unwritten:
                write(message, value)

    def read(self, message: Message) -> _Api:
        return self._api(*[read(message) for read in self._reads])

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


# Rows. ``_NEVER`` is no value of any field: the field is always written.
_NEVER = object()


def _scalar(name: str, *, unwritten: object = _NEVER) -> Field:
    """A field that is always there; protobuf checks its type."""

    def write(message: Message, value: object) -> None:
        setattr(message, name, value)

    def read(message: Message) -> object:
        return getattr(message, name)

    return Field(name, write, read, unwritten)


def _flag(name: str) -> Field:
    """A bool that is mostly false. The contract takes anything with a truth, protobuf bools only."""

    def write(message: Message, value: object) -> None:
        setattr(message, name, bool(value))

    return _scalar(name, unwritten=False)._replace(write=write)


def _optional(name: str) -> Field:
    """A scalar with presence."""

    def write(message: Message, value: object) -> None:
        if isinstance(value, bool):
            raise TypeError(f"{name} is no flag")
        setattr(message, name, value)

    def read(message: Message) -> object:
        return getattr(message, name) if message.HasField(name) else None

    return Field(name, write, read)


def _direction(name: str) -> Field:
    """A bool that is mostly true: absent means so."""

    def write(message: Message, value: object) -> None:
        setattr(message, name, bool(value))

    def read(message: Message) -> object:
        return getattr(message, name) if message.HasField(name) else True

    return Field(name, write, read, True)


def _item(name: str) -> Field:
    def write(message: Message, value: Mapping[str, object]) -> None:
        write_item(value, getattr(message, name))

    def read(message: Message) -> object:
        return read_item(getattr(message, name))

    return Field(name, write, read, _NEVER)


def _optional_item(name: str) -> Field:
    def read(message: Message) -> object:
        return read_item(getattr(message, name)) if message.HasField(name) else None

    return Field(name, _item(name).write, read)


def _optional_values(name: str) -> Field:
    def write(message: Message, value: Mapping[str, object]) -> None:
        try:
            write_item(value, getattr(message, name))
        except KvdbError:
            # What is wrong with a placeholder's value is said with the placeholder's name.
            Placeholders(None, value)
            raise

    return _optional_item(name)._replace(write=write)


def _items(name: str) -> Field:
    def write(message: Message, value: Sequence[Mapping[str, object]]) -> None:
        target = getattr(message, name)
        for item in value:
            write_item(item, target.add())

    def read(message: Message) -> object:
        return [read_item(item) for item in getattr(message, name)]

    return Field(name, write, read, _NEVER)


def _optional_names(name: str) -> Field:
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


def _enum(name: str, prefix: str, *texts: str, absent: str | None = None) -> Field:
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


def _message(name: str, pair: Pair[_Api]) -> Field:
    def write(message: Message, value: object) -> None:
        pair.write(getattr(message, name), value)

    def read(message: Message) -> object:
        return pair.read(getattr(message, name))

    return Field(name, write, read, _NEVER)


def _messages(name: str, pair: Pair[_Api], make: Callable[[list[_Api]], object] = list) -> Field:
    def write(message: Message, value: Sequence[object]) -> None:
        target = getattr(message, name)
        for element in value:
            pair.write(target.add(), element)

    def read(message: Message) -> object:
        return make([pair.read(element) for element in getattr(message, name)])

    return Field(name, write, read, _NEVER)


def _texts(name: str) -> Field:
    def write(message: Message, value: Sequence[str]) -> None:
        getattr(message, name).extend(value)

    def read(message: Message) -> object:
        return list(getattr(message, name))

    return Field(name, write, read, _NEVER)


def _by_table(name: str, content: Field | Pair[_Api]) -> Field:
    """A mapping from table names: a list of messages, each with its ``table_name``."""

    def write(message: Message, value: Mapping[str, object]) -> None:
        for table_name, of_table in value.items():
            entry = getattr(message, name).add()
            entry.table_name = table_name
            content.write(entry, of_table)

    def read(message: Message) -> object:
        found: dict[str, object] = {}
        for entry in getattr(message, name):
            if entry.table_name in found:
                raise ValidationError(f"{name} names a table twice: {entry.table_name}")
            found[entry.table_name] = content.read(entry)
        return found

    return Field(name, write, read, _NEVER)


def _write_requests(name: str) -> Field:
    def write(message: Message, value: Sequence[items.WriteRequest]) -> None:
        target = getattr(message, name)
        for request in value:
            if isinstance(request, items.PutRequest):
                write_item(request.item, target.add().put_item)
            else:
                write_item(request.key, target.add().delete_key)

    def read(message: Message) -> object:
        return [_read_write_request(request) for request in getattr(message, name)]

    return Field(name, write, read, _NEVER)


def _read_write_request(message: items_pb2.WriteRequest) -> items.WriteRequest:
    kind = message.WhichOneof("request")
    if kind is None:
        raise ValidationError("a write request must hold put_item or delete_key")
    if kind == "put_item":
        return items.PutRequest(read_item(message.put_item))
    return items.DeleteRequest(read_item(message.delete_key))


# Rows that several messages share.
_TABLE_NAME = _scalar("table_name")
_CONSISTENT_READ = _flag("consistent_read")
_PROJECTION = _optional("projection_expression")
_FILTER = _optional("filter_expression")
_NAMES = _optional_names("expression_attribute_names")
_VALUES = _optional_values("expression_attribute_values")
_LIMIT = _optional("limit")
_START_KEY = _optional_item("exclusive_start_key")
_SELECT = _enum("select", "SELECT_", "ALL_ATTRIBUTES", "SPECIFIC_ATTRIBUTES", "COUNT")
_WRITE_OPTIONS = (
    _optional("condition_expression"),
    _NAMES,
    _VALUES,
    _enum("return_values", "RETURN_VALUES_", "NONE", "ALL_OLD", absent="NONE"),
    _enum("return_values_on_condition_check_failure", "RETURN_VALUES_", "NONE", "ALL_OLD", absent="NONE"),
)

_PAGE = Pair(
    items.Page,
    items_pb2.Page,
    _items("items"),
    _scalar("count"),
    _scalar("scanned_count"),
    _optional_item("last_evaluated_key"),
)
_KEY_SCHEMA_ELEMENT = Pair(
    tables.KeySchemaElement,
    tables_pb2.KeySchemaElement,
    _scalar("attribute_name"),
    _enum("key_type", "KEY_TYPE_", "HASH", "RANGE", absent=""),
)
_ATTRIBUTE_DEFINITION = Pair(
    tables.AttributeDefinition,
    tables_pb2.AttributeDefinition,
    _scalar("attribute_name"),
    _enum("attribute_type", "ATTRIBUTE_TYPE_", "S", "N", "B", absent=""),
)
_TABLE_DESCRIPTION = Pair(
    tables.TableDescription,
    tables_pb2.TableDescription,
    _TABLE_NAME,
    _enum("table_status", "TABLE_STATUS_", "CREATING", "ACTIVE", "DELETING"),
    _scalar("table_id"),
    _scalar("creation_date_time_ms"),
    _messages("key_schema", _KEY_SCHEMA_ELEMENT, tuple),
    _messages("attribute_definitions", _ATTRIBUTE_DEFINITION, tuple),
)
_KEYS_OF_TABLE = Pair(
    items.KeysAndAttributes,
    items_pb2.KeysAndAttributes,
    _items("keys"),
    _PROJECTION,
    _NAMES,
    _CONSISTENT_READ,
)

_GET_ITEM: Pair[Request] = Pair(
    items.GetItem,
    items_pb2.GetItemRequest,
    _TABLE_NAME,
    _item("key"),
    _CONSISTENT_READ,
    _PROJECTION,
    _NAMES,
)
_PUT_ITEM: Pair[Request] = Pair(
    items.PutItem, items_pb2.PutItemRequest, _TABLE_NAME, _item("item"), *_WRITE_OPTIONS
)
_DELETE_ITEM: Pair[Request] = Pair(
    items.DeleteItem, items_pb2.DeleteItemRequest, _TABLE_NAME, _item("key"), *_WRITE_OPTIONS
)
_QUERY: Pair[Request] = Pair(
    items.Query,
    items_pb2.QueryRequest,
    _TABLE_NAME,
    _scalar("key_condition_expression"),
    _FILTER,
    _PROJECTION,
    _NAMES,
    _VALUES,
    _direction("scan_index_forward"),
    _LIMIT,
    _START_KEY,
    _CONSISTENT_READ,
    _SELECT,
)
_SCAN: Pair[Request] = Pair(
    items.Scan,
    items_pb2.ScanRequest,
    _TABLE_NAME,
    _FILTER,
    _PROJECTION,
    _NAMES,
    _VALUES,
    _LIMIT,
    _START_KEY,
    _CONSISTENT_READ,
    _SELECT,
    _optional("segment"),
    _optional("total_segments"),
)
_BATCH_GET_ITEM: Pair[Request] = Pair(
    items.BatchGetItem, items_pb2.BatchGetItemRequest, _by_table("request_items", _KEYS_OF_TABLE)
)
_BATCH_WRITE_ITEM: Pair[Request] = Pair(
    items.BatchWriteItem,
    items_pb2.BatchWriteItemRequest,
    _by_table("request_items", _write_requests("requests")),
)
_CREATE_TABLE: Pair[Request] = Pair(
    tables.CreateTable,
    tables_pb2.CreateTableRequest,
    _TABLE_NAME,
    _messages("key_schema", _KEY_SCHEMA_ELEMENT),
    _messages("attribute_definitions", _ATTRIBUTE_DEFINITION),
)
_DESCRIBE_TABLE: Pair[Request] = Pair(tables.DescribeTable, tables_pb2.DescribeTableRequest, _TABLE_NAME)
_LIST_TABLES: Pair[Request] = Pair(
    tables.ListTables, tables_pb2.ListTablesRequest, _optional("exclusive_start_table_name"), _LIMIT
)
_DELETE_TABLE: Pair[Request] = Pair(tables.DeleteTable, tables_pb2.DeleteTableRequest, _TABLE_NAME)
_ATTRIBUTES = _optional_item("attributes")


class Method(NamedTuple):
    """One call of a service."""

    name: str
    service: str
    request: Pair[Request]
    result: Pair[Result]
    is_stream: bool = False
    """The answer is every page, a message each."""

    @property
    def path(self) -> str:
        return f"/{self.service}/{self.name}"

    def encode_request(self, request: Request) -> bytes:
        """The request as bytes.

        Raises:
            ValidationError: what the database would say of a request that no message can hold.
            SerializationError: there is no such rule, but no such message either.
        """
        try:
            return self.request.encode(request)
        except (KvdbError, TypeError, ValueError, KeyError, AttributeError) as exc:
            # The database checks the request as a whole before its items: so does this door.
            validation.check(request)
            if isinstance(exc, KvdbError):
                raise
            raise SerializationError(f"cannot encode {type(request).__name__}: {exc}") from exc


_ITEMS = items_pb2.DESCRIPTOR.services_by_name["Items"].full_name
_TABLES = tables_pb2.DESCRIPTOR.services_by_name["Tables"].full_name

METHODS: tuple[Method, ...] = (
    Method(
        "GetItem",
        _ITEMS,
        _GET_ITEM,
        Pair(items.GetItemResult, items_pb2.GetItemResponse, _optional_item("item")),
    ),
    Method("PutItem", _ITEMS, _PUT_ITEM, Pair(items.PutItemResult, items_pb2.PutItemResponse, _ATTRIBUTES)),
    Method(
        "DeleteItem",
        _ITEMS,
        _DELETE_ITEM,
        Pair(items.DeleteItemResult, items_pb2.DeleteItemResponse, _ATTRIBUTES),
    ),
    Method("Query", _ITEMS, _QUERY, _PAGE),
    Method("Scan", _ITEMS, _SCAN, _PAGE),
    Method("QueryStream", _ITEMS, _QUERY, _PAGE, is_stream=True),
    Method("ScanStream", _ITEMS, _SCAN, _PAGE, is_stream=True),
    Method(
        "BatchGetItem",
        _ITEMS,
        _BATCH_GET_ITEM,
        Pair(
            items.BatchGetItemResult,
            items_pb2.BatchGetItemResponse,
            _by_table("responses", _items("items")),
            _by_table("unprocessed_keys", _KEYS_OF_TABLE),
        ),
    ),
    Method(
        "BatchWriteItem",
        _ITEMS,
        _BATCH_WRITE_ITEM,
        Pair(
            items.BatchWriteItemResult,
            items_pb2.BatchWriteItemResponse,
            _by_table("unprocessed_items", _write_requests("requests")),
        ),
    ),
    Method(
        "CreateTable",
        _TABLES,
        _CREATE_TABLE,
        Pair(
            tables.CreateTableResult,
            tables_pb2.CreateTableResponse,
            _message("table_description", _TABLE_DESCRIPTION),
        ),
    ),
    Method(
        "DescribeTable",
        _TABLES,
        _DESCRIBE_TABLE,
        Pair(
            tables.DescribeTableResult,
            tables_pb2.DescribeTableResponse,
            _message("table", _TABLE_DESCRIPTION),
        ),
    ),
    Method(
        "ListTables",
        _TABLES,
        _LIST_TABLES,
        Pair(
            tables.ListTablesResult,
            tables_pb2.ListTablesResponse,
            _texts("table_names"),
            _optional("last_evaluated_table_name"),
        ),
    ),
    Method(
        "DeleteTable",
        _TABLES,
        _DELETE_TABLE,
        Pair(
            tables.DeleteTableResult,
            tables_pb2.DeleteTableResponse,
            _message("table_description", _TABLE_DESCRIPTION),
        ),
    ),
)

UNARY_BY_REQUEST: Mapping[type, Method] = {
    operation.request: method
    for operation in OPERATIONS
    for method in METHODS
    if method.name == operation.name
}
STREAM_BY_REQUEST: Mapping[type, Method] = {
    items.Query: next(method for method in METHODS if method.name == "QueryStream"),
    items.Scan: next(method for method in METHODS if method.name == "ScanStream"),
}
SERVICES: tuple[str, ...] = (_ITEMS, _TABLES)


def method_of(request: Request, methods: Mapping[type, Method]) -> Method:
    """Raises: UnknownOperation: ``request`` is none that a server knows."""
    method = methods.get(type(request))
    if method is None:
        raise UnknownOperation(f"not a request: {type(request).__name__}")
    return method
