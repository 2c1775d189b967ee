from __future__ import annotations

from kvdb.table import chosen, keys, replica_keys, stream_keys
from kvdb.table.descriptor import KeyAttribute, TableDescriptor

KEPT = [
    TableDescriptor(table_id, name, name, 0, KeyAttribute("k", "S"), None)
    for table_id, name in ((2, "b"), (7, "a"))
]


def is_left_out(key: bytes) -> bool:
    return any(each.holds(key) for each in chosen.others(KEPT))


def entries(table_id: int, name: str) -> list[bytes]:
    """One key of every kind that a table has."""
    prefix = keys.table_prefix(table_id)
    return [
        keys.descriptor_key(name),
        keys.dropped_key(keys.index_prefix(table_id, 1)),
        keys.census_key(table_id),
        keys.recovery_key(table_id),
        stream_keys.stream_key(stream_keys.stream_id(table_id, 1)),
        stream_keys.lineage_key(stream_keys.stream_id(table_id, 1), 5),
        stream_keys.changes_prefix(stream_keys.stream_id(table_id, 1)) + b"x" * 10,
        *(each.start for each in replica_keys.all_of(table_id)),
        prefix,
        prefix + b"\xff\xff" + b"z" * 100,
        keys.index_prefix(table_id, 0) + b"row",
    ]


def test_everything_of_a_chosen_table_stays() -> None:
    for table in KEPT:
        for key in entries(table.table_id, table.name):
            assert not is_left_out(key), key


def test_everything_of_another_table_goes() -> None:
    for table_id, name in ((1, "0"), (3, "aa"), (6, "a-"), (8, "c"), (0xFFFFFFFE, "bb")):
        for key in entries(table_id, name):
            assert is_left_out(key), key


def test_what_belongs_to_the_database_goes_or_stays_by_its_kind() -> None:
    assert is_left_out(keys.job_key("01700000000000-0123abcd"))
    assert is_left_out(keys.client_token_key("token"))
    assert not is_left_out(keys.NEXT_TABLE_ID_KEY)
    assert not is_left_out(stream_keys.STREAM_SECRET_KEY)


def test_no_table_at_all_may_be_chosen() -> None:
    assert all(each.start < each.end for each in chosen.others([]))
    assert any(each.holds(keys.index_prefix(5, 0)) for each in chosen.others([]))
