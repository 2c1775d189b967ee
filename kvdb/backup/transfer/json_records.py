"""The service's JSON lines: one record a line, in DynamoDB JSON.

    full export    {"Item": {name: value, ...}}
    incremental    {"Metadata": {"WriteTimestampMicros": {"N": "..."}}, "Keys": {...},
                    "NewImage": {...}, "OldImage": {...}}
                   no OldImage: the item is new, or only new images were asked for; no NewImage: it
                   was deleted
    import also    the item alone: {name: value, ...}

Source: developer guide, "DynamoDB table export output format"; that the time is an N: what migration
tools read from the service.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, Final

from kvdb.backup.transfer.records import OVERLONG, ItemChange, Record, lines_of
from kvdb.errors import KvdbError
from kvdb.item import dynamo_json
from kvdb.item.strict_json import strict_json
from kvdb.item.value import Item

_CHANGE_NAMES: Final = {"Metadata", "Keys", "NewImage", "OldImage"}


def item_line(item: Item) -> bytes:
    """The line of a full export."""
    return f'{{"Item":{dynamo_json.item_to_text(item)}}}\n'.encode()


def change_line(change: ItemChange) -> bytes:
    """The line of an incremental export."""
    text = dynamo_json.item_to_text
    images = "".join(
        f',"{name}":{text(image)}'
        for name, image in (("NewImage", change.new), ("OldImage", change.old))
        if image is not None
    )
    written = f'{{"WriteTimestampMicros":{{"N":"{change.written_us}"}}}}'
    return f'{{"Metadata":{written},"Keys":{text(change.keys)}{images}}}\n'.encode()


def read_dynamo_json(stream: BinaryIO) -> Iterator[Record]:
    """The records of such a file. Blank lines are passed over."""
    return read_lines(stream, _record)


def read_lines(stream: BinaryIO, parse: Callable[[int, str], Record]) -> Iterator[Record]:
    """What ``parse`` makes of each line and its number; what it refuses becomes a fault."""
    for line in lines_of(stream):
        try:
            if not line.is_whole:
                raise ValueError(OVERLONG)
            if line.text.strip():
                yield parse(line.number, line.text)
        except (ValueError, KvdbError) as error:
            yield Record(line.number, {}, str(error))


def _record(line: int, text: str) -> Record:
    value = strict_json(text)
    if isinstance(value, dict):
        if len(value) == 1:
            # An attribute may be called "Item" too, but then what is inside is a type and no item.
            inner = value.get("Item")
            if isinstance(inner, dict) and all(isinstance(member, dict) for member in inner.values()):
                return Record(line, dynamo_json.item_from_json(inner))
        elif _is_change(value):
            return _change(line, value)
    return Record(line, dynamo_json.item_from_json(value))


def _is_change(value: Mapping[str, object]) -> bool:
    metadata = value.get("Metadata")
    return (
        isinstance(metadata, dict)
        and "WriteTimestampMicros" in metadata
        and "Keys" in value
        and value.keys() <= _CHANGE_NAMES
    )


def _change(line: int, value: Mapping[str, object]) -> Record:
    if "NewImage" in value:
        return Record(line, dynamo_json.item_from_json(value["NewImage"]))
    return Record(line, dynamo_json.item_from_json(value["Keys"]), is_delete=True)
