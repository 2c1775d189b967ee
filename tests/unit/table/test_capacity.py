from __future__ import annotations

import pytest

from kvdb.api.items import Capacity, ConsumedCapacity, DeleteItem, GetItem, PutItem
from kvdb.table.capacity import Tally, read_units, write_units
from kvdb.table.reader import get_item
from kvdb.table.writer import run
from tests.support.builders import Floor, open_floor
from tests.support.indexes import index, indexed_table

KEY = {"p": "a", "s": "b"}
ITEM = {**KEY, "g": "g", "l": "l", "kept": "k"}
GLOBAL = index("global", "g", keeps=("kept",))
LOCAL = index("local", "p", ranges=("l",), keeps="ALL")


@pytest.fixture
def floor() -> Floor:
    floor = open_floor()
    floor.create(
        indexed_table("t", ("p", "S"), ("s", "S"), ("g", "S"), ("l", "S"), local=[LOCAL], across=[GLOBAL])
    )
    return floor


def put(floor: Floor, item: dict[str, object], mode: str = "INDEXES") -> ConsumedCapacity:
    request = PutItem("t", item, return_consumed_capacity=mode)  # type: ignore[arg-type]
    consumed = run(floor.writer.put_item(request), floor.engine, floor.latches).consumed_capacity
    assert consumed is not None
    return consumed


def arms(consumed: ConsumedCapacity) -> tuple[float, float, float, float]:
    """Total, table, local index, global index."""
    none = {"local": Capacity(0), "global": Capacity(0)}
    local = (consumed.local_secondary_indexes or none)["local"]
    across = (consumed.global_secondary_indexes or none)["global"]
    assert consumed.table is not None
    return (
        consumed.capacity_units,
        consumed.table.capacity_units,
        local.capacity_units,
        across.capacity_units,
    )


@pytest.mark.parametrize(("size", "units"), [(0, 1), (1, 1), (4096, 1), (4097, 2), (409_600, 100)])
def test_a_read_costs_a_unit_for_each_4_kb_begun_and_half_when_eventual(size, units):
    assert read_units(size, is_consistent=True) == units
    assert read_units(size, is_consistent=False) == units / 2


@pytest.mark.parametrize(("size", "units"), [(0, 1), (1, 1), (1024, 1), (1025, 2), (409_600, 400)])
def test_a_write_costs_a_unit_for_each_kb_begun(size, units):
    assert write_units(size) == units


def test_a_new_item_costs_a_write_of_the_table_and_of_each_index(floor):
    assert arms(put(floor, ITEM)) == (3, 1, 1, 1)


def test_the_total_alone_has_no_arms(floor):
    assert put(floor, ITEM, "TOTAL") == ConsumedCapacity("t", 3.0)


def test_the_same_item_again_costs_the_table_only(floor):
    put(floor, ITEM)
    consumed = put(floor, dict(reversed(ITEM.items())))
    assert arms(consumed) == (1, 1, 0, 0)
    assert consumed.local_secondary_indexes is None
    assert consumed.global_secondary_indexes is None


def test_a_change_outside_the_projection_costs_that_index_nothing(floor):
    put(floor, ITEM)
    assert arms(put(floor, {**ITEM, "other": 1})) == (2, 1, 1, 0)
    assert arms(put(floor, {**ITEM, "other": 1, "kept": "K"})) == (3, 1, 1, 1)


def test_a_key_that_moves_costs_what_goes_and_what_comes(floor):
    put(floor, {**ITEM, "kept": "x" * 1500})
    assert arms(put(floor, {**ITEM, "g": "new", "kept": "x" * 1500}))[3] == 4


def test_a_key_that_goes_costs_the_delete(floor):
    put(floor, ITEM)
    without = {name: value for name, value in ITEM.items() if name != "g"}
    assert arms(put(floor, without))[3] == 1
    assert arms(put(floor, without))[3] == 0


def test_shrinking_costs_what_was_there(floor):
    put(floor, {**ITEM, "kept": "x" * 3000})
    assert arms(put(floor, ITEM)) == (9, 3, 3, 3)


def test_a_delete_costs_the_old_item_and_its_index_rows(floor):
    put(floor, {**ITEM, "kept": "x" * 3000})
    request = DeleteItem("t", KEY, return_consumed_capacity="INDEXES")

    def delete() -> ConsumedCapacity:
        consumed = run(floor.writer.delete_item(request), floor.engine, floor.latches).consumed_capacity
        assert consumed is not None
        return consumed

    assert arms(delete()) == (9, 3, 3, 3)
    assert arms(delete()) == (1, 1, 0, 0)


def test_what_is_asked_for_alone_makes_a_plain_put_read_the_old_item():
    floor = open_floor()
    floor.create(indexed_table("t", ("p", "S"), ("s", "S")))
    put(floor, {**KEY, "v": "x" * 3000})
    assert arms(put(floor, KEY)) == (3, 3, 0, 0)


@pytest.mark.parametrize(("consistent", "units"), [(True, 2), (False, 1)])
def test_a_get_costs_by_the_size_of_the_item(floor, consistent, units):
    put(floor, {**ITEM, "kept": "x" * 5000})
    request = GetItem("t", KEY, consistent, return_consumed_capacity="INDEXES", projection_expression="g")
    consumed = get_item(floor.catalog, floor.engine, request).consumed_capacity
    assert consumed == ConsumedCapacity("t", units, table=Capacity(units))


def test_a_get_of_nothing_costs_the_smallest(floor):
    request = GetItem("t", KEY, return_consumed_capacity="TOTAL")
    assert get_item(floor.catalog, floor.engine, request).consumed_capacity == ConsumedCapacity("t", 0.5)


def test_a_transaction_says_which_kind_its_units_are(floor):
    tally = Tally()
    tally.add_table(2)
    tally.add_index(floor.catalog.table("t").indexes.by_name["global"], 1)
    assert tally.consumed("t", "INDEXES", axis="write") == ConsumedCapacity(
        "t",
        3,
        write_capacity_units=3,
        table=Capacity(2, write_capacity_units=2),
        global_secondary_indexes={"global": Capacity(1, write_capacity_units=1)},
    )
    assert tally.consumed("t", "NONE") is None
