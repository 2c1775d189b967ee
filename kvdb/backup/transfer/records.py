"""What the files of exports and imports consist of, whatever their format."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO, Final, Literal, NamedTuple, TypeAlias, get_args

from kvdb.item.value import Item

ExportFormat = Literal["DYNAMODB_JSON", "CBOR", "CSV"]
EXPORT_FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)

ViewType = Literal["NEW_IMAGE", "NEW_AND_OLD_IMAGES"]
VIEW_TYPES: tuple[ViewType, ...] = get_args(ViewType)

RECORD_BYTES_MAX: Final = 32 * 1024 * 1024
"""An item of any legal size fits, whatever its escapes; garbage does not fill the memory."""


class ItemChange(NamedTuple):
    """What became of one item between two moments."""

    written_us: int
    """When it was written last, in microseconds since 1970."""
    keys: Item
    new: Item | None
    """``None``: it was deleted."""
    old: Item | None
    """``None``: it was not there."""


class Record(NamedTuple):
    """One record of a file, or why it is none."""

    line: int
    """Its last line, counted from 1; in a file without lines, its place."""
    item: Item
    """What to put, or the key of what to delete. Not normalised yet."""
    fault: str | None = None
    """What is wrong with it; ``item`` is then empty."""
    is_delete: bool = False


RecordReader: TypeAlias = Callable[[BinaryIO], Iterator[Record]]
"""Every record of one unpacked file."""


class BadHeader(ValueError):
    """The first line of a CSV file does not name attributes, so no line of it can be read."""


class Line(NamedTuple):
    """One line of a text file."""

    number: int
    text: str
    """May hold surrogates where the bytes were not UTF-8; empty for a line over the bound."""
    is_whole: bool


_UTF8_MARK: Final = b"\xef\xbb\xbf"
OVERLONG: Final = f"longer than {RECORD_BYTES_MAX} bytes"


def lines_of(stream: BinaryIO) -> Iterator[Line]:
    """Lines with their number; one over the bound is read past, never held."""
    count = 0
    while data := stream.readline(RECORD_BYTES_MAX):
        count += 1
        is_whole = data.endswith(b"\n") or len(data) < RECORD_BYTES_MAX
        rest = data
        while not rest.endswith(b"\n") and (rest := stream.readline(RECORD_BYTES_MAX)):
            is_whole = False
        if count == 1:
            data = data.removeprefix(_UTF8_MARK)
        yield Line(count, data.decode("utf-8", "surrogateescape") if is_whole else "", is_whole)
