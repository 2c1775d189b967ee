"""What another database says of its table: taken only if a table here could be so."""

from __future__ import annotations

import random
from dataclasses import replace

import msgpack
import pytest

from kvdb.api.tables import Tag
from kvdb.errors import CorruptionError
from kvdb.table.described import table_described
from kvdb.table.descriptor import (
    IndexDescriptor,
    KeyAttribute,
    ReplicationSetting,
    SharedSetting,
    StreamSetting,
    TableDescriptor,
    TtlSetting,
)
from tests.support.peer_frames import mutated

GLOBAL = IndexDescriptor(2, "GLOBAL", "by-city", (KeyAttribute("city", "S"),), (), "INCLUDE", ("zip",))
LOCAL = IndexDescriptor(
    1, "LOCAL", "by-zip", (KeyAttribute("id", "S"),), (KeyAttribute("zip", "N"),), "KEYS_ONLY"
)
TABLE = TableDescriptor(
    7,
    "orders",
    "uuid",
    1_000,
    KeyAttribute("id", "S"),
    KeyAttribute("sort", "N"),
    (LOCAL, GLOBAL),
    5,
    stream=StreamSetting(True, "NEW_IMAGE", "label", 3),
    ttl=TtlSetting("expires", True, 1_000, number=4),
    tags=(Tag("a", "b"),),
    replication=ReplicationSetting(("amsterdam", "berlin"), (5, 0, 1), "berlin"),
    settings=(SharedSetting("ttl", (5, 0, 1), "expires"),),
)


def test_a_table_is_described_by_its_stored_form() -> None:
    assert table_described(TABLE.encoded()) == TABLE


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        (replace(TABLE, name="x" * 256), "a name that is none"),
        (replace(TABLE, name="../orders"), "a name that is none"),
        (replace(TABLE, indexes=(LOCAL, replace(GLOBAL, name="by-zip"))), "comes twice"),
        (replace(TABLE, indexes=(LOCAL, replace(GLOBAL, number=1))), "number of an index"),
        (replace(TABLE, indexes=(LOCAL, replace(GLOBAL, number=0))), "number of an index"),
        (replace(TABLE, indexes=(LOCAL, replace(GLOBAL, number=0xFFFF))), "number of an index"),
        (replace(TABLE, ttl=TtlSetting("expires", True, 1_000, number=3)), "number of an index"),
        (replace(TABLE, next_index_number=4), "given already"),
        (replace(TABLE, next_index_number=1 << 20), "given already"),
        (replace(TABLE, partition=KeyAttribute("", "S")), "without a proper name"),
        (replace(TABLE, partition=KeyAttribute("ä" * 128, "S")), "without a proper name"),
        (replace(TABLE, sort=KeyAttribute("id", "S")), "comes twice"),
        (replace(TABLE, partition=KeyAttribute("id", "BOOL")), "partition"),  # type: ignore[arg-type]
        (replace(TABLE, indexes=(LOCAL, replace(GLOBAL, partition=()))), "other keys"),
        (replace(TABLE, indexes=(replace(LOCAL, sort=()), GLOBAL)), "other keys"),
        (replace(TABLE, tags=(Tag("a", "b"),) * 51), "too many tags"),
        (
            replace(
                TABLE,
                indexes=tuple(replace(GLOBAL, number=9 + at, name=f"index-{at}") for at in range(21)),
                next_index_number=99,
            ),
            "too many indexes",
        ),
        (replace(TABLE, created_ms=-1), "created_ms"),
        (replace(TABLE, created_ms=1 << 63), "created_ms"),
        (replace(TABLE, is_protected=1), "is_protected"),  # type: ignore[arg-type]
        (replace(TABLE, status="GONE"), "status"),  # type: ignore[arg-type]
        (replace(TABLE, settings=(SharedSetting("ttl", (5, 0), None),)), "settings"),  # type: ignore[arg-type]
        (replace(TABLE, settings=(SharedSetting(5, (5, 0, 1), None),)), "settings"),  # type: ignore[arg-type]
    ],
)
def test_what_no_table_here_could_be_is_refused_by_name(changed: TableDescriptor, fault: str) -> None:
    with pytest.raises(CorruptionError, match=fault):
        table_described(changed.encoded())


def test_whatever_is_told_is_a_table_or_refused() -> None:
    refused = 0
    for seed in range(400):
        fields = mutated(msgpack.unpackb(TABLE.encoded()), random.Random(seed))
        told = msgpack.packb(fields)
        try:
            table_described(told)
        except CorruptionError:
            refused += 1
    assert 100 < refused < 400
