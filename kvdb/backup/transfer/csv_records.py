"""CSV files (RFC 4180): a first line that names the columns, then one item a record.

Two kinds of first line:

    plain    attribute names, as the service's import reads them. Key attributes have the types of the
             table; the others are S, unless ``types`` says N, B (base64), BOOL or NULL.
    typed    ``name:TYPE`` in every column, what a kvdb export writes. TYPE is S, N, B, BOOL or NULL, or
             JSON: such a cell is the value in DynamoDB JSON (``{"SS": ["a"]}``).

An empty cell leaves the attribute out; in a typed file a column that holds an empty string or empty
bytes is therefore JSON, as is one of sets, lists, maps or several types. Lines end in CRLF, so that a
cell may hold either of the two by itself. All is UTF-8.
"""

from __future__ import annotations

import base64
import binascii
import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Final, Literal, get_args

from kvdb.backup.transfer.records import OVERLONG, RECORD_BYTES_MAX, BadHeader, Record, lines_of
from kvdb.errors import KvdbError, LimitExceeded
from kvdb.item import dynamo_json, number
from kvdb.item.strict_json import shown, strict_json
from kvdb.item.value import AttributeValue, Item, type_name

CellType = Literal["S", "N", "B", "BOOL", "NULL", "JSON"]
CELL_TYPES: tuple[CellType, ...] = get_args(CellType)
_SCALARS: Final = frozenset({"S", "N", "B", "BOOL", "NULL"})

COLUMNS_MAX: Final = 1_000
"""Columns of an export. A table of more attribute names is one for JSON or CBOR."""
_NAMES_BYTES_MAX: Final = 256 * 1024
"""Of the names of all columns together."""
DELIMITERS: Final = ",;:|\t "


@dataclass(frozen=True, slots=True)
class CsvOptions:
    """How a CSV file is to be read."""

    delimiter: str = ","
    header: Sequence[str] | None = None
    """The columns of all files; their first line is then a record like the others."""
    types: Mapping[str, CellType] = field(default_factory=dict)
    """Of the columns of a plain file that are not S."""
    is_typed: bool = False
    """The first line is a typed one."""
    required: frozenset[str] = frozenset()
    """Columns that there must be."""


class Columns:
    """The columns an export will have, found by looking at every item."""

    def __init__(self, types: Mapping[str, CellType] | None = None) -> None:
        self.types: dict[str, CellType] = dict(types or {})
        self._checked = 0

    def add(self, item: Item) -> None:
        """Take an item into account.

        Raises:
            LimitExceeded: there are more than ``COLUMNS_MAX`` attribute names.
        """
        types = self.types
        for name, value in item.items():
            kind = _cell_type(value)
            known = types.get(name)
            if known is None:
                types[name] = kind
            elif known != kind:
                types[name] = "JSON"
        if len(types) > self._checked:
            self._checked = len(types)
            if len(types) > COLUMNS_MAX or sum(len(name.encode()) for name in types) > _NAMES_BYTES_MAX:
                raise LimitExceeded(
                    f"the items have too many attribute names for a CSV file max={COLUMNS_MAX}"
                )


class CsvWriter:
    """Items as the records of a typed file."""

    def __init__(self, types: Mapping[str, CellType]) -> None:
        self._types = types
        self._text = io.StringIO(newline="")
        self._rows = csv.writer(self._text, lineterminator="\r\n")
        self._header = [f"{name}:{kind}" for name, kind in types.items()]

    def header(self) -> bytes:
        """The first line. All quoted, so that no name is taken for a byte order mark."""
        csv.writer(self._text, lineterminator="\r\n", quoting=csv.QUOTE_ALL).writerow(self._header)
        return self._taken()

    def record(self, item: Item) -> bytes:
        """The line of an item that was taken into account."""
        cells = [_cell(item[name], kind) if name in item else "" for name, kind in self._types.items()]
        assert item.keys() <= self._types.keys(), "an attribute has no column"
        self._rows.writerow(cells)
        return self._taken()

    def _taken(self) -> bytes:
        text = self._text.getvalue()
        self._text.seek(0)
        self._text.truncate()
        return text.encode()


def read_csv(stream: BinaryIO, options: CsvOptions) -> Iterator[Record]:
    """Every record of a file.

    Raises:
        BadHeader: the first line is not usable.
    """
    return _CsvReader(stream, options).records()


def _cell_type(value: AttributeValue) -> CellType:
    if value == "" or value == b"":
        return "JSON"
    kind = type_name(value)
    return kind if kind in _SCALARS else "JSON"  # type: ignore[return-value]


def _cell(value: AttributeValue, kind: CellType) -> str:
    assert kind in ("JSON", _cell_type(value)), "a value is not of its column's type"
    return _CELL_WRITERS[kind](value)


class _CsvReader:
    """A CSV file as records. It counts lines, which the parser does not tell."""

    def __init__(self, stream: BinaryIO, options: CsvOptions) -> None:
        self._options = options
        self._line = 0
        self._is_overlong = False
        csv.field_size_limit(RECORD_BYTES_MAX)
        self._rows = csv.reader(self._texts(stream), strict=True, delimiter=options.delimiter)

    def records(self) -> Iterator[Record]:
        columns = self._columns()
        while True:
            try:
                row = next(self._rows, None)
                if self._is_overlong:
                    self._is_overlong = False
                    raise ValueError(OVERLONG)
                if row is None:
                    return
                if row:
                    yield Record(self._line, _item(columns, row))
            except (ValueError, KvdbError, csv.Error) as error:
                yield Record(self._line, {}, str(error))

    def _texts(self, stream: BinaryIO) -> Iterator[str]:
        for line in lines_of(stream):
            self._line = line.number
            self._is_overlong |= not line.is_whole
            yield line.text

    def _columns(self) -> list[tuple[str, CellType]]:
        options = self._options
        names = list(options.header) if options.header is not None else self._first_line()
        if not names and options.is_typed:
            # Of a table without items.
            return []
        if not names or not all(names):
            raise BadHeader("the first line must name every column")
        try:
            for name in names:
                name.encode()
        except UnicodeEncodeError:
            raise BadHeader("the first line is not UTF-8") from None
        columns = (
            [_typed(name) for name in names]
            if options.is_typed
            else [(name, options.types.get(name, "S")) for name in names]
        )
        if len({name for name, _ in columns}) != len(columns):
            raise BadHeader("two columns have the same name")
        if missing := options.required - {name for name, _ in columns}:
            raise BadHeader(f"no such column: {', '.join(sorted(missing))}")
        return columns

    def _first_line(self) -> list[str]:
        try:
            names = next(self._rows, [])
        except csv.Error as error:
            raise BadHeader(str(error)) from None
        return names


def _typed(text: str) -> tuple[str, CellType]:
    name, _, wanted = text.rpartition(":")
    kind = next((kind for kind in CELL_TYPES if kind == wanted), None)
    if not name or kind is None:
        raise BadHeader(f"not NAME:TYPE with a type of {', '.join(CELL_TYPES)}: {shown(text)}")
    return name, kind


def _item(columns: Iterable[tuple[str, CellType]], row: list[str]) -> Item:
    columns = list(columns)
    if len(row) != len(columns):
        raise ValueError(f"{len(row)} fields where the first line names {len(columns)}")
    return {name: _value(name, cell, kind) for (name, kind), cell in zip(columns, row, strict=True) if cell}


def _value(name: str, cell: str, kind: CellType) -> object:
    try:
        return _CELL_READERS[kind](cell)
    except KvdbError as error:
        raise ValueError(f"{name}: {error.message}: {shown(cell)}") from None
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"{name}: {error}") from None


def _read_text(cell: str) -> str:
    try:
        cell.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("not UTF-8") from None
    return cell


def _read_number(cell: str) -> number.Number:
    return number.parse(cell.strip())


def _read_binary(cell: str) -> bytes:
    try:
        return base64.b64decode(cell, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"not base64: {shown(cell)}") from None


def _read_bool(cell: str) -> bool:
    if cell.lower() not in ("true", "false"):
        raise ValueError(f"neither true nor false: {shown(cell)}")
    return cell.lower() == "true"


def _read_null(cell: str) -> None:
    if cell.lower() not in ("true", "null"):
        raise ValueError(f"not null: {shown(cell)}")


def _read_json(cell: str) -> AttributeValue:
    return dynamo_json.value_from_json(strict_json(cell))


_CELL_READERS: Mapping[CellType, Callable[[str], AttributeValue]] = {
    "S": _read_text,
    "N": _read_number,
    "B": _read_binary,
    "BOOL": _read_bool,
    "NULL": _read_null,
    "JSON": _read_json,
}


def _json_text(value: AttributeValue) -> str:
    # The text of an item of one attribute, less its name and braces: there is no writer of a value alone.
    return dynamo_json.item_to_text({"v": value})[len('{"v":') : -1]


def _base64_text(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _bool_text(value: bool) -> str:
    return "true" if value else "false"


def _null_text(value: None) -> str:
    return "null"


_CELL_WRITERS: Mapping[CellType, Callable[..., str]] = {
    "S": str,
    "N": number.to_text,
    "B": _base64_text,
    "BOOL": _bool_text,
    "NULL": _null_text,
    "JSON": _json_text,
}
