"""The formats of the files that ``kvdb import`` is fed, by the names the command line has for them.

csv            ``backup/transfer/csv_records``: a first line that names the columns, plain or typed
jsonl          one item a line, in the form of ``cli/json_form``
dynamodb-json  one item a line, ``{"Item": {"name": {"S": "..."}}}`` or the inner object alone
cbor           a CBOR sequence of maps
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import BinaryIO, Final, Literal, get_args

from kvdb.backup.transfer.csv_records import CsvOptions
from kvdb.backup.transfer.json_records import read_lines
from kvdb.backup.transfer.objects import reader_of
from kvdb.backup.transfer.records import ExportFormat, Record, RecordReader
from kvdb.cli.json_form import item_from_json

Format = Literal["csv", "jsonl", "dynamodb-json", "cbor"]

FORMATS: tuple[Format, ...] = get_args(Format)
_SUFFIXES: Final[Mapping[str, Format]] = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".cbor": "cbor",
}
_PACKED_SUFFIXES: Final = (".gz", ".zst", ".zstd")
TRANSFER_FORMATS: Final[Mapping[str, ExportFormat]] = {
    "dynamodb-json": "DYNAMODB_JSON",
    "cbor": "CBOR",
    "csv": "CSV",
}
"""Those that are exported, too."""


def format_of(name: str) -> Format | None:
    """What a file's name says; ``None``: nothing."""
    name = name.lower()
    for suffix in _PACKED_SUFFIXES:
        name = name.removesuffix(suffix)
    return next((format for suffix, format in _SUFFIXES.items() if name.endswith(suffix)), None)


def reader(format: Format, csv: CsvOptions) -> RecordReader:
    """What reads files of a format."""
    return read_jsonl if format == "jsonl" else reader_of(TRANSFER_FORMATS[format], csv)


def read_jsonl(stream: BinaryIO) -> Iterator[Record]:
    """The records of a file of items as plain JSON."""
    return read_lines(stream, lambda line, text: Record(line, item_from_json(text)))
