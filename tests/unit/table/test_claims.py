from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvdb import limits
from kvdb.api.items import (
    BatchWriteItem,
    DeleteItem,
    DeleteRequest,
    ItemCollectionMetrics,
    PutItem,
    PutRequest,
)
from kvdb.errors import ItemCollectionSizeLimitExceeded, UniqueViolation
from kvdb.lsm.batch import WriteBatch
from kvdb.table import batch
from kvdb.table.claims import GRAIN_BYTES, grains_of
from kvdb.table.keys import COUNTERS_NUMBER, index_prefix, prefix_range
from kvdb.table.latches import Grant
from kvdb.table.writer import run
from tests.support.builders import Floor, open_floor
from tests.support.indexes import index, index_rows, indexed_table

UNIQUE = index("by-email", "email", unique=True)
LOCAL = index("by-l", "p", ranges=("l",))


def unique_floor() -> Floor:
    floor = open_floor()
    floor.create(indexed_table("users", ("id", "S"), None, ("email", "S"), across=[UNIQUE]))
    return floor


def put(floor: Floor, **item: object) -> None:
    run(floor.writer.put_item(PutItem("users", item)), floor.engine, floor.latches)


def write_batch(floor: Floor, table: str, *writes: PutRequest | DeleteRequest) -> None:
    request = BatchWriteItem({table: list(writes)})
    run(batch.write_items(floor.catalog, floor.writer, request), floor.engine, floor.latches)


def emails(floor: Floor) -> list[tuple[object, object]]:
    rows = index_rows(floor.engine, floor.catalog.table("users"), "by-email").values()
    return sorted((str(item["email"]), item["id"]) for item in rows)


# Unique indexes.


def test_a_second_item_with_a_unique_key_is_refused_and_not_written():
    floor = unique_floor()
    put(floor, id="1", email="a@x")
    with pytest.raises(UniqueViolation, match=r"^another item has the key already index=by-email$"):
        put(floor, id="2", email="a@x")
    assert emails(floor) == [("a@x", "1")]
    assert len(list(floor.engine.scan(*floor.catalog.table("users").keys.all_rows()))) == 1


def test_an_item_may_keep_its_unique_key_and_give_it_up():
    floor = unique_floor()
    put(floor, id="1", email="a@x")
    put(floor, id="1", email="a@x", name="Ann")
    put(floor, id="1", email="b@x")
    put(floor, id="2", email="a@x")
    assert emails(floor) == [("a@x", "2"), ("b@x", "1")]


def test_items_without_the_key_are_not_held_against_one_another():
    floor = unique_floor()
    put(floor, id="1")
    put(floor, id="2")
    assert emails(floor) == []


def test_a_deleted_item_frees_its_key():
    floor = unique_floor()
    put(floor, id="1", email="a@x")
    run(floor.writer.delete_item(DeleteItem("users", {"id": "1"})), floor.engine, floor.latches)
    put(floor, id="2", email="a@x")
    assert emails(floor) == [("a@x", "2")]


def test_one_batch_may_hand_a_key_on_but_not_give_it_twice():
    floor = unique_floor()
    put(floor, id="1", email="a@x")
    write_batch(floor, "users", PutRequest({"id": "2", "email": "a@x"}), DeleteRequest({"id": "1"}))
    assert emails(floor) == [("a@x", "2")]
    with pytest.raises(UniqueViolation):
        write_batch(
            floor, "users", PutRequest({"id": "3", "email": "c@x"}), PutRequest({"id": "4", "email": "c@x"})
        )
    assert emails(floor) == [("a@x", "2")]


def test_a_key_that_begins_another_is_another_key():
    floor = unique_floor()
    for number, email in enumerate(("a", "a\x00", "a\x00\xff", "ab")):
        put(floor, id=str(number), email=email)
    assert len(emails(floor)) == 4


def test_of_two_writers_of_one_key_the_second_waits_and_is_refused():
    floor = unique_floor()
    first = floor.writer.put_item(PutItem("users", {"id": "1", "email": "a@x"}))
    second = floor.writer.put_item(PutItem("users", {"id": "2", "email": "a@x"}))
    pending = next(first)
    assert isinstance(pending, WriteBatch)
    waited_for = next(second)
    assert isinstance(waited_for, Grant)
    assert not waited_for.is_complete
    with pytest.raises(StopIteration):
        first.send(floor.engine.write(pending))
    assert waited_for.is_complete
    with pytest.raises(UniqueViolation):
        second.send(0)
    assert not floor.latches.any_held(b"")


def test_a_writer_that_fails_frees_the_key():
    floor = unique_floor()
    first = floor.writer.put_item(PutItem("users", {"id": "1", "email": "a@x"}))
    next(first)
    first.close()
    put(floor, id="2", email="a@x")
    assert emails(floor) == [("a@x", "2")]


def test_of_many_threads_one_gets_the_key():
    floor = unique_floor()
    outcomes: list[str] = []

    def register(number: int) -> None:
        try:
            put(floor, id=str(number), email="a@x")
            outcomes.append("taken")
        except UniqueViolation:
            outcomes.append("refused")

    threads = [threading.Thread(target=register, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["refused"] * 7 + ["taken"]
    assert len(emails(floor)) == 1


# Item collections.


def local_floor() -> Floor:
    floor = open_floor()
    floor.create(indexed_table("t", ("p", "S"), ("s", "N"), ("l", "S"), local=[LOCAL]))
    return floor


def put_sized(floor: Floor, partition: str, number: int, size: int) -> ItemCollectionMetrics | None:
    item = {"p": partition, "s": number, "l": "x", "filler": "x" * size}
    request = PutItem("t", item, return_item_collection_metrics="SIZE")
    return run(floor.writer.put_item(request), floor.engine, floor.latches).item_collection_metrics


def counted_bytes(floor: Floor) -> dict[bytes, int]:
    table_id = floor.catalog.table("t").descriptor.table_id
    rows = prefix_range(index_prefix(table_id, COUNTERS_NUMBER))
    return {key: grains_of(value) * GRAIN_BYTES for key, value in floor.engine.scan(*rows)}


def set_size(floor: Floor, partition: str, size: int) -> None:
    counter = floor.catalog.table("t").keys.counter_key({"p": partition})
    floor.engine.write(WriteBatch().put(counter, (size // GRAIN_BYTES).to_bytes(4)))


def test_the_counted_size_is_near_the_size_of_items_and_local_index_rows():
    floor = local_floor()
    for number in range(200):
        put_sized(floor, "a", number, 10_000)
    (counted,) = counted_bytes(floor).values()
    assert counted == pytest.approx(200 * 2 * 10_000, rel=0.15)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 5), st.none() | st.integers(0, 300_000)), max_size=30
    )
)
def test_the_counted_size_depends_on_what_is_there_alone(writes):
    floor, fresh = local_floor(), local_floor()
    content: dict[tuple[str, int], int] = {}
    for partition, number, size in writes:
        if size is None:
            key = {"p": partition, "s": number}
            run(floor.writer.delete_item(DeleteItem("t", key)), floor.engine, floor.latches)
            content.pop((partition, number), None)
        else:
            put_sized(floor, partition, number, size)
            content[partition, number] = size
    for (partition, number), size in content.items():
        put_sized(fresh, partition, number, size)
    assert counted_bytes(floor) == counted_bytes(fresh)


def test_the_size_is_told_between_two_whole_gb_to_who_asks():
    floor = local_floor()
    assert put_sized(floor, "a", 1, 10) == ItemCollectionMetrics({"p": "a"}, (0.0, 1.0))
    set_size(floor, "a", 5 * limits.GB + 1)
    assert put_sized(floor, "a", 2, 10) == ItemCollectionMetrics({"p": "a"}, (5.0, 6.0))
    floor.create(indexed_table("plain", ("p", "S"), None))
    request = PutItem("plain", {"p": "a"}, return_item_collection_metrics="SIZE")
    answer = run(floor.writer.put_item(request), floor.engine, floor.latches)
    assert answer.item_collection_metrics is None


def test_a_full_collection_takes_no_more_but_may_shrink():
    floor = local_floor()
    put_sized(floor, "a", 1, 300_000)
    set_size(floor, "a", limits.ITEM_COLLECTION_BYTES_MAX)
    with pytest.raises(ItemCollectionSizeLimitExceeded, match=r"^Collection size exceeded\.$"):
        put_sized(floor, "a", 2, 300_000)
    put_sized(floor, "b", 2, 300_000)
    put_sized(floor, "a", 1, 10)
    put_sized(floor, "a", 2, 100_000)
    run(floor.writer.delete_item(DeleteItem("t", {"p": "a", "s": 2})), floor.engine, floor.latches)
