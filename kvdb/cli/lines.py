"""Files of items, read one record at a time: what ``kvdb import`` is fed.

    csv            a header line with attribute names, then one item a record (RFC 4180, quoted line
                   breaks too). Key attributes have the types of the table, the others are S unless
                   ``types`` says N, B (base64) or BOOL. An empty cell leaves the attribute out.
    jsonl          one item a line, in the form of ``cli/json_form``
    dynamodb-json  one item a line, ``{"Item": {"name": {"S": "..."}}}`` or the inner object alone

All are UTF-8; blank lines are passed over. A bad record is reported, not raised, so that the
caller decides whether to go on. Memory: one record, and a line has a bound.
"""

from __future__ import annotations

import base64
import binascii
import csv
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, Literal, NamedTuple, get_args

from kvdb.cli.json_form import item_from_json, strict_json
from kvdb.errors import KvdbError
from kvdb.item import dynamo_json, number
from kvdb.item.value import Item
from kvdb.limits import ITEM_BYTES_MAX

Format = Literal["csv", "jsonl", "dynamodb-json"]
CellType = Literal["S", "N", "B", "BOOL"]

FORMATS: tuple[str, ...] = get_args(Format)
CELL_TYPES: tuple[CellType, ...] = get_args(CellType)
SUFFIXES: Mapping[str, Format] = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}

# An item of legal size fits many times over, whatever its escapes; garbage does not fill the memory.
LINE_BYTES_MAX = 16 * ITEM_BYTES_MAX
_UTF8_MARK = b"\xef\xbb\xbf"


class Record(NamedTuple):
    """One item of a file, or why it is none."""

    line: int
    """Its last line, counted from 1."""
    end: int
    """Bytes of the file up to its end."""
    item: Item
    fault: str | None = None
    """What is wrong with it; ``item`` is then empty."""


class BadHeader(ValueError):
    """The first line of a CSV file does not name attributes, so no line can be read."""


class _Line(NamedTuple):
    number: int
    end: int
    text: str
    """May hold surrogates where the bytes were not UTF-8; empty for a line over the bound."""
    is_whole: bool


def read(stream: BinaryIO, format: Format, types: Mapping[str, CellType]) -> Iterator[Record]:
    """Every record of ``stream``; ``types`` counts for CSV only.

    Raises:
        BadHeader: a CSV file without a usable first line.
    """
    match format:
        case "csv":
            return _CsvReader(stream, types).records()
        case "jsonl":
            return _json_records(stream, item_from_json)
        case "dynamodb-json":
            return _json_records(stream, _item_from_dynamodb_json)


def _json_records(stream: BinaryIO, parse: Callable[[str], Item]) -> Iterator[Record]:
    for line in _lines(stream):
        try:
            if not line.is_whole:
                raise ValueError(f"longer than {LINE_BYTES_MAX} bytes")
            if line.text.strip():
                yield Record(line.number, line.end, parse(line.text))
        except (ValueError, KvdbError) as error:
            yield Record(line.number, line.end, {}, str(error))


def _item_from_dynamodb_json(text: str) -> Item:
    value = strict_json(text)
    if isinstance(value, dict) and len(value) == 1:
        # An attribute may be called "Item" too, but then what is inside is a type and no item.
        inner = value.get("Item")
        if isinstance(inner, dict) and all(isinstance(member, dict) for member in inner.values()):
            value = inner
    return dynamo_json.item_from_json(value)


class _CsvReader:
    """A CSV file as records. It counts lines and bytes, which the parser does not tell."""

    def __init__(self, stream: BinaryIO, types: Mapping[str, CellType]) -> None:
        self._types = types
        self._line = 0
        self._end = 0
        self._is_overlong = False
        csv.field_size_limit(LINE_BYTES_MAX)
        self._rows = csv.reader(self._texts(stream), strict=True)

    def records(self) -> Iterator[Record]:
        names = self._header()
        while True:
            try:
                row = next(self._rows, None)
                if self._is_overlong:
                    self._is_overlong = False
                    raise ValueError(f"longer than {LINE_BYTES_MAX} bytes")
                if row is None:
                    return
                if row:
                    yield Record(self._line, self._end, self._item(names, row))
            except (ValueError, KvdbError, csv.Error) as error:
                yield Record(self._line, self._end, {}, str(error))

    def _texts(self, stream: BinaryIO) -> Iterator[str]:
        for line in _lines(stream):
            self._line, self._end = line.number, line.end
            self._is_overlong |= not line.is_whole
            yield line.text

    def _header(self) -> list[str]:
        try:
            names = next(self._rows, [])
        except csv.Error as error:
            raise BadHeader(str(error)) from None
        if not names or not all(names):
            raise BadHeader("the first line must name every column")
        if len(set(names)) != len(names):
            raise BadHeader("two columns have the same name")
        unknown = sorted(set(self._types) - set(names))
        if unknown:
            raise BadHeader(f"no such column: {', '.join(unknown)}")
        return names

    def _item(self, names: list[str], row: list[str]) -> Item:
        if len(row) != len(names):
            raise ValueError(f"{len(row)} fields where the first line names {len(names)}")
        cells = zip(names, row, strict=True)
        return {name: _value(name, cell, self._types.get(name, "S")) for name, cell in cells if cell}


def _value(name: str, cell: str, kind: CellType) -> object:
    match kind:
        case "S":
            return _unbroken(cell)
        case "N":
            try:
                return number.parse(cell.strip())
            except KvdbError as error:
                raise ValueError(f"{name}: {error.message}: {cell[:40]!r}") from None
        case "B":
            try:
                return base64.b64decode(cell, validate=True)
            except (binascii.Error, ValueError):
                raise ValueError(f"{name}: not base64: {cell[:40]!r}") from None
        case "BOOL":
            if cell.lower() not in ("true", "false"):
                raise ValueError(f"{name}: neither true nor false: {cell[:40]!r}")
            return cell.lower() == "true"


def _unbroken(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("not UTF-8") from None
    return text


def _lines(stream: BinaryIO) -> Iterator[_Line]:
    """Lines with their number and end; one over the bound is read past, never held."""
    end = count = 0
    while data := stream.readline(LINE_BYTES_MAX):
        count += 1
        end += len(data)
        is_whole = data.endswith(b"\n") or len(data) < LINE_BYTES_MAX
        rest = data
        while not rest.endswith(b"\n") and (rest := stream.readline(LINE_BYTES_MAX)):
            is_whole = False
            end += len(rest)
        if count == 1:
            data = data.removeprefix(_UTF8_MARK)
        yield _Line(count, end, data.decode("utf-8", "surrogateescape") if is_whole else "", is_whole)
