"""What a fuzzer feeds: bytes in, and either an answer or a refusal by name comes out.

Each target takes any bytes. It raises when kvdb raises what it should not, or gives what it would
not take back. ``tests/fuzz/corpus`` has a folder of inputs for each.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping

from kvdb.backup.transfer.compression import Compression, stream_of, unpacked
from kvdb.backup.transfer.csv_records import CsvOptions
from kvdb.backup.transfer.objects import reader_of
from kvdb.backup.transfer.records import BadHeader, RecordReader
from kvdb.errors import CorruptionError, SerializationError, ValidationError
from kvdb.expr.compiler import (
    Placeholders,
    compile_condition,
    compile_key_condition,
    compile_projection,
    compile_update,
)
from kvdb.item import cbor
from kvdb.item.codec import decode_item, encode_item
from kvdb.item.dynamo_json import item_from_json, item_to_json
from kvdb.item.value import equals, normalise_item
from kvdb.lsm.batch import decode_operations, without_echoes
from kvdb.lsm.sstable.block import Block
from kvdb.server.http_codec import ROUTES, read_json
from kvdb.table import row
from kvdb.table.descriptor import decode_descriptor

CORPUS = os.path.join(os.path.dirname(os.path.dirname(__file__)), "fuzz", "corpus")

_NAMES = {"#a": "a", "#b": "b.c"}
_VALUES: dict[str, object] = {":v": 1, ":s": "a", ":l": [1, "a"], ":m": {"a": {}}, ":e": {"a", "b"}}
_ITEM: dict[str, object] = {"a": {"b": [1, {"c": "x"}], "n": 2}, "b": "text", "c": {1, 2}, "n": 7}


def expression(data: bytes) -> None:
    """The same text as each of the five kinds."""
    text = data.decode("utf-8", "replace")
    placeholders = Placeholders(_NAMES, _VALUES)
    for use in (
        lambda: compile_condition(text, placeholders).holds(_ITEM),
        lambda: compile_update(text, placeholders).applied_to(_ITEM),
        lambda: compile_projection(text, placeholders).applied_to(_ITEM),
        lambda: compile_key_condition(text, placeholders, ("a",), ("n",)),
    ):
        try:
            use()
        except ValidationError as refused:
            assert refused.message


def request(data: bytes) -> None:
    """A body of the HTTP door; the first byte says of which operation."""
    if not data:
        return
    with contextlib.suppress(SerializationError, ValidationError):
        ROUTES[data[0] % len(ROUTES)].decode(data[1:])
    try:
        item = item_from_json(read_json(data[1:]))
        normal, _ = normalise_item(item)
    except (SerializationError, ValidationError):
        return
    assert equals(item, normal)
    assert equals(item_from_json(item_to_json(item)), item)


def stored(data: bytes) -> None:
    """Bytes as they are read back from an sstable or a log, once its checksums are right."""
    for decode in (row.item_of, row.size_of, row.stamp_of, decode_descriptor):
        with contextlib.suppress(CorruptionError):
            decode(data)
    for decode_bytes in (lambda data: without_echoes(decode_operations(data), 1), Block):
        with contextlib.suppress(ValueError):
            decode_bytes(data)
    try:
        item = decode_item(data)
    except CorruptionError:
        return
    assert equals(decode_item(encode_item(item)), item)


_READERS: tuple[RecordReader, ...] = (
    reader_of("DYNAMODB_JSON", CsvOptions()),
    reader_of("CBOR", CsvOptions()),
    reader_of("CBOR", CsvOptions(), has_changes=True),
    reader_of("CSV", CsvOptions(types={"n": "N", "b": "B"})),
    reader_of("CSV", CsvOptions(is_typed=True)),
)


_COMPRESSIONS: tuple[Compression, ...] = ("NONE", "GZIP", "ZSTD")


def transfer(data: bytes) -> None:
    """A file to import; the first byte says of which format, and whether it is compressed."""
    if not data:
        return
    read = _READERS[data[0] % len(_READERS)]
    packed = _COMPRESSIONS[data[0] // len(_READERS) % 3]
    with contextlib.suppress(BadHeader, CorruptionError):
        for record in read(stream_of(unpacked([data[1:]], packed, "name"))):
            assert record.fault is None or not record.item
            try:
                item, _ = normalise_item(record.item)
            except ValidationError:
                continue
            again, _ = cbor.decode_item(cbor.encode_item(item))
            assert equals(again, item)


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    "expression": expression,
    "request": request,
    "stored": stored,
    "transfer": transfer,
}


def corpus_of(target: str) -> dict[str, bytes]:
    """File name -> content."""
    folder = os.path.join(CORPUS, target)
    found = {}
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as file:
            found[name] = file.read()
    return found
