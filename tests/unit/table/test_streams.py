"""The registry of streams where it touches the disk; what it does is shown in ``unit/stream``."""

from __future__ import annotations

import json
import pathlib

import msgpack
import pytest

from kvdb.api.tables import CreateTable, StreamSpecification
from kvdb.errors import CorruptionError, DiskError
from kvdb.lsm.batch import WriteBatch
from kvdb.table import stream_keys
from kvdb.table.descriptor import KeyAttribute
from kvdb.table.streams import Division, StreamDescriptor, Streams, _decode_ranges, _decode_stream
from tests.support.builders import AIRPORTS, failing_floor, open_floor

GOLDEN = pathlib.Path(__file__).parents[2] / "golden" / "stream_1.json"
FULL = StreamDescriptor(
    *("airports", "2023-11-14T22:13:20.000", "NEW_IMAGE", KeyAttribute("country", "S")),
    KeyAttribute("icao", "N"),
    *(1_700_000_000_000, 1_700_000_000_001, 3_600_000, 17),
)
DIVISION = Division(0, ((0, 16_384), (16_384, 65_536)))


def test_format_1_is_what_it_was() -> None:
    stored = json.loads(GOLDEN.read_text())
    assert {"stream": FULL.encoded().hex(), "division": DIVISION.encoded().hex()} == stored
    assert _decode_stream(bytes.fromhex(stored["stream"])) == FULL
    assert _decode_ranges(bytes.fromhex(stored["division"])) == DIVISION.ranges


@pytest.mark.parametrize("data", [FULL.encoded(), DIVISION.encoded()])
def test_a_truncated_form_is_corruption(data: bytes) -> None:
    decode = _decode_stream if data == FULL.encoded() else _decode_ranges
    for length in range(len(data)):
        with pytest.raises(CorruptionError):
            decode(data[:length])


def test_another_format_is_refused_by_its_number() -> None:
    for decode in (_decode_stream, _decode_ranges):
        with pytest.raises(CorruptionError, match="version=2"):
            decode(msgpack.packb([2, []]))


def test_a_stream_without_shards_is_corruption() -> None:
    floor = open_floor()
    floor.engine.write(WriteBatch().put(stream_keys.stream_key(b"\0\0\0\7\0\1"), FULL.encoded()))
    with pytest.raises(CorruptionError, match="has no shards"):
        Streams(floor.engine, floor.env.entropy, "arn:")


def test_a_stream_whose_batch_is_not_written_is_not_there() -> None:
    floor, engine = failing_floor()
    with_stream = CreateTable(
        AIRPORTS.table_name,
        AIRPORTS.key_schema,
        AIRPORTS.attribute_definitions,
        stream_specification=StreamSpecification(True, "KEYS_ONLY"),
    )
    engine.failure = DiskError("no room")
    with pytest.raises(DiskError):
        floor.catalog.create(with_stream)
    assert floor.catalog.streams.all() == []
    engine.failure = None
    floor.catalog.create(with_stream)
    (stream,) = floor.catalog.streams.all()
    engine.failure = DiskError("no room")
    for change in (
        lambda: floor.catalog.streams.divide(stream.id, lambda present: ((0, 65_536),)),
        lambda: floor.catalog.streams.keep_for(stream.id, 1),
        lambda: floor.catalog.streams.trim(stream.id, 1, ()),
        lambda: floor.catalog.drop("airports"),
    ):
        with pytest.raises(DiskError):
            change()
        assert floor.catalog.streams.all() == [stream]
    engine.failure = None
    secret = floor.catalog.streams.secret
    again = Streams(engine, floor.env.entropy, "arn:")
    assert again.all() == [stream]
    assert again.secret == secret
