from __future__ import annotations

import dataclasses
import json
import pathlib

import msgpack
import pytest

from kvdb.api.tables import Tag
from kvdb.errors import CorruptionError
from kvdb.table.descriptor import (
    Backfill,
    Billing,
    IndexDescriptor,
    KeyAttribute,
    ReplicationSetting,
    SharedSetting,
    StreamSetting,
    TableDescriptor,
    Throughput,
    TtlSetting,
    decode_described,
    decode_descriptor,
)

SIMPLE = TableDescriptor(8, "blobs", "uuid", 1_000, KeyAttribute("größe", "B"), None)
FULL = TableDescriptor(
    7,
    "airports",
    "uuid",
    1_000,
    KeyAttribute("country", "S"),
    KeyAttribute("n", "N"),
    indexes=(
        IndexDescriptor(
            1, "LOCAL", "by-icao", (KeyAttribute("country", "S"),), (KeyAttribute("icao", "S"),), "KEYS_ONLY"
        ),
        IndexDescriptor(
            4,
            "GLOBAL",
            "by-place",
            (KeyAttribute("city", "S"), KeyAttribute("zip", "B")),
            (KeyAttribute("elevation", "N"),),
            "INCLUDE",
            ("name", "runways"),
            is_unique=True,
            throughput=Throughput(5, 6, 2_000, 3_000, (2_500, 3_000), 7, 8, 9, 10),
            status="CREATING",
            settles_ms=4_000,
            backfill=Backfill(b"\x00\x07", 12),
        ),
    ),
    next_index_number=5,
    billing=Billing("PROVISIONED", 1_500, (1_200, 1_500)),
    throughput=Throughput(3, 4),
    status="UPDATING",
    settles_ms=4_000,
    table_class="STANDARD_INFREQUENT_ACCESS",
    is_protected=True,
    stream=StreamSetting(True, "NEW_IMAGE", "2023-11-14T22:13:20.000", 9, 3_600_000),
    tags=(Tag("owner", "ground"), Tag("é", "")),
    ttl=TtlSetting("gone_at", True, 3_500, 3_600, 3, b"\x00\x07"),
)

SHARED = dataclasses.replace(
    SIMPLE,
    replication=ReplicationSetting(("amsterdam", "berlin"), (5, 0, 7), "berlin", relays=True),
    settings=(
        SharedSetting("index:by-n", (9, 1, 7), ((("n", "N"),), (), "KEYS_ONLY", ())),
        SharedSetting("read", (5, 0, 7), 0),
        SharedSetting("ttl", (6, 0, 8), None),
    ),
)

GOLDEN = pathlib.Path(__file__).parents[2] / "golden" / "table_descriptor_1.json"


@pytest.mark.parametrize("descriptor", [FULL, SIMPLE, SHARED])
def test_the_stored_form_reads_back(descriptor):
    assert decode_descriptor(descriptor.encoded()) == descriptor


def test_format_1_is_what_it_was():
    stored = json.loads(GOLDEN.read_text())
    stored_before_settings_travelled = bytes.fromhex(stored.pop("shared before settings travelled"))
    assert {
        "full": FULL.encoded().hex(),
        "simple": SIMPLE.encoded().hex(),
        "shared": SHARED.encoded().hex(),
    } == stored
    assert decode_descriptor(bytes.fromhex(stored["full"])) == FULL
    assert decode_descriptor(bytes.fromhex(stored["shared"])) == SHARED
    before = dataclasses.replace(SHARED, settings=())
    assert decode_descriptor(stored_before_settings_travelled) == before


def test_a_truncated_form_is_corruption():
    data = FULL.encoded()
    for length in range(len(data)):
        with pytest.raises(CorruptionError):
            decode_descriptor(data[:length])


def test_what_another_database_adds_at_the_end_is_left_out_and_what_it_changes_is_refused():
    fields = msgpack.unpackb(FULL.encoded())
    added = [*fields, None, None, [], [], ["later"]]
    assert decode_described(msgpack.packb(added)) == FULL
    with pytest.raises(CorruptionError, match="not readable"):
        decode_descriptor(msgpack.packb(added))
    changed = [*fields[:5], [*fields[5], "later"], *fields[6:]]
    with pytest.raises(CorruptionError, match="later release"):
        decode_described(msgpack.packb(changed))


def test_another_format_is_refused_by_its_number():
    with pytest.raises(CorruptionError, match="version=2"):
        decode_descriptor(msgpack.packb([2, 7, "airports", "uuid", 1_000, ["country", "S"], None]))


def test_a_form_with_a_field_too_few_is_corruption():
    fields = msgpack.unpackb(SIMPLE.encoded())
    with pytest.raises(CorruptionError):
        decode_descriptor(msgpack.packb(fields[:-1]))


def test_time_settles_a_table():
    creating = dataclasses.replace(SIMPLE, status="CREATING", settles_ms=2_000)
    assert creating.status_at(1_999) == "CREATING"
    assert creating.status_at(2_000) == "ACTIVE"


def test_time_alone_deletes_no_table():
    deleting = dataclasses.replace(SIMPLE, status="DELETING", settles_ms=2_000)
    assert deleting.status_at(9_000) == "DELETING"


def test_an_index_is_kept_while_it_is_built_and_read_when_it_is_complete():
    index = FULL.indexes[1]
    phases = {status: dataclasses.replace(index, status=status) for status in ("CREATING", "ACTIVE")}
    deleting = dataclasses.replace(index, status="DELETING")
    assert [phases["CREATING"].is_maintained, phases["CREATING"].is_complete] == [True, False]
    assert [phases["ACTIVE"].is_maintained, phases["ACTIVE"].is_complete] == [True, True]
    assert [deleting.is_maintained, deleting.is_complete] == [False, False]


def test_indexes_are_found_replaced_and_removed():
    changed = dataclasses.replace(FULL.indexes[1], status="ACTIVE", backfill=None)
    assert FULL.with_index(changed).index("by-place") == changed
    assert FULL.without_index(4).indexes == FULL.indexes[:1]
    assert FULL.index("absent") is None
    assert FULL.numbers == {1, 3, 4}
    assert dataclasses.replace(FULL, ttl=TtlSetting("gone_at", False, 1)).numbers == {1, 4}
