"""CBOR sequences (RFC 8742): one map behind the other, in the form of ``item/cbor``.

full export    the item
incremental    {"Metadata": {"WriteTimestampMicros": integer}, "Keys": {...}, "NewImage": {...},
                "OldImage": {...}}, members left out as in JSON; that a file is one of these, its
               manifest says
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final

from kvdb.backup.transfer.records import OVERLONG, RECORD_BYTES_MAX, ItemChange, Record
from kvdb.item import cbor
from kvdb.item.value import Item

_READ_BYTES: Final = 256 * 1024


def item_bytes(item: Item) -> bytes:
    """The record of a full export."""
    return cbor.encode_item(item)


def change_bytes(change: ItemChange) -> bytes:
    """The record of an incremental export."""
    record: Item = {"Metadata": {"WriteTimestampMicros": change.written_us}, "Keys": change.keys}
    if change.new is not None:
        record["NewImage"] = change.new
    if change.old is not None:
        record["OldImage"] = change.old
    return cbor.encode_item(record)


def read_items(stream: BinaryIO) -> Iterator[Record]:
    """The items of a file. What is no CBOR ends it with a fault, for nobody knows where it goes on."""
    for place, item, fault in _maps(stream):
        yield Record(place, item, fault)


def read_changes(stream: BinaryIO) -> Iterator[Record]:
    """As ``read_items``, of an incremental export."""
    for place, record, fault in _maps(stream):
        new, keys = record.get("NewImage"), record.get("Keys")
        if fault is not None:
            yield Record(place, {}, fault)
        elif isinstance(new, dict):
            yield Record(place, new)
        elif isinstance(keys, dict) and "NewImage" not in record:
            yield Record(place, keys, is_delete=True)
        else:
            yield Record(place, {}, "not a change: it has neither NewImage nor Keys")


def _maps(stream: BinaryIO) -> Iterator[tuple[int, Item, str | None]]:
    window = _Window(stream)
    place = 1
    while window.at < len(window.data) or window.grow():
        try:
            item, fault, window.at = _map_at(window.data, window.at)
        except cbor.Truncated:
            if window.grow():
                continue
            fault = OVERLONG if len(window.data) > RECORD_BYTES_MAX else "cut off"
            yield place, {}, f"the rest cannot be read: {fault}"
            return
        except cbor.NotCbor as error:
            yield place, {}, f"the rest cannot be read: {error}"
            return
        yield place, item, fault
        place += 1


def _map_at(data: bytes, at: int) -> tuple[Item, str | None, int]:
    """The map that begins at ``at``, or why it is no item; and where it ends."""
    try:
        item, end = cbor.decode_item(data, at)
        return item, None, end
    except cbor.NotCbor:
        raise
    except ValueError as error:
        return {}, str(error), cbor.end_of(data, at)


class _Window:
    """What of a file is in memory: from the record that is read now on."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.data = b""
        self.at = 0

    def grow(self) -> bool:
        """Read on; ``False`` at the end of the file, or of a record's bound."""
        rest = self.data[self.at :]
        if len(rest) > RECORD_BYTES_MAX:
            return False
        more = self._stream.read(max(_READ_BYTES, len(rest)))
        self.data, self.at = rest + more, 0
        return bool(more)
