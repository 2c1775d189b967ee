"""Snapshots held for peers that take in a whole table: what is given, and when they are let go."""

from __future__ import annotations

import pytest

from kvdb.api.tables import CreateReplica, DeleteReplica, DeleteTable, UpdateTable
from kvdb.replica import holds
from kvdb.replica.messages import BEGIN, OK, SCAN, SCANNED, WRITES, Pages, Part, Pull, Want, encode
from kvdb.table import row
from tests.support.regions import HORIZON_MS, TABLE, World


@pytest.fixture
def world() -> World:
    """Amsterdam has two items, and gives one to a page."""
    made = World("amsterdam", "berlin")
    made.share()
    made["amsterdam"].regions.source.page_rows = 1
    made.put("amsterdam", {"id": "one", "n": 1})
    made.put("amsterdam", {"id": "two", "n": 1})
    return made


def asked(world: World, mode: int, position: int = 0, cursor: bytes = b"", *, own_uuid: str = "ours") -> Part:
    """What amsterdam answers when berlin asks."""
    database = world["amsterdam"]._floor
    uuid = database.catalog.table(TABLE).descriptor.uuid
    want = Want(TABLE, uuid, own_uuid, mode, position, position, cursor)
    pages = database.regions.source.answer(encode(Pull(1, "berlin", database.engine.database_id, [want])))
    assert isinstance(pages, Pages)
    return pages.parts[0]


def scanned(world: World, position: int, cursor: bytes = b"") -> dict[object, object]:
    """The rest of a scan: the items by their names, and what of them is deleted."""
    found: dict[object, object] = {}
    while True:
        part = asked(world, SCAN, position, cursor)
        for each in part.rows:
            item = row.item_of(each)
            found[item["id"]] = None if row.is_tombstone(each) else item["n"]
        if part.status == SCANNED:
            return found
        assert part.status == OK
        cursor = part.cursor


def held(world: World) -> list[int]:
    return world["amsterdam"]._floor.engine._snapshots.seqnos()


def change_everything(world: World) -> None:
    world.put("amsterdam", {"id": "one", "n": 2})
    world.delete("amsterdam", "two")
    world.put("amsterdam", {"id": "three", "n": 2})


def test_a_peer_is_given_the_table_of_one_moment(world: World) -> None:
    position = asked(world, BEGIN).position
    change_everything(world)
    assert scanned(world, position) == {"one": 1, "two": 1}
    written = [row.item_of(each)["id"] for each in asked(world, WRITES, position).rows]
    assert written == ["one"]


def test_a_snapshot_is_let_go_when_its_peer_goes_on_to_the_writes(world: World) -> None:
    position = asked(world, BEGIN).position
    scanned(world, position)
    assert held(world) == [position]
    asked(world, WRITES, position)
    assert held(world) == []


def test_who_asks_again_for_a_place_gets_the_same_one(world: World) -> None:
    position = asked(world, BEGIN).position
    change_everything(world)
    assert asked(world, BEGIN).position == position
    assert held(world) == [position]


def test_who_begins_with_another_table_or_much_later_gets_another_place(world: World) -> None:
    position = asked(world, BEGIN).position
    change_everything(world)
    another = asked(world, BEGIN, own_uuid="another").position
    assert another > position and held(world) == [another]
    change_everything(world)
    world.clock.advance_ms(holds.AGAIN_MS_MAX + 1)
    later = asked(world, BEGIN, own_uuid="another").position
    assert later > another and held(world) == [later]


def test_a_scan_goes_on_with_what_is_there_when_its_snapshot_is_gone(world: World) -> None:
    position = asked(world, BEGIN).position
    first = asked(world, SCAN, position)
    change_everything(world)
    world["amsterdam"].regions.source.holds.close()
    rest = scanned(world, position, first.cursor)
    assert rest.get("two", None) is None
    assert 1 not in rest.values()


@pytest.mark.parametrize("ms", [holds.IDLE_MS_MAX, HORIZON_MS // 2], ids=["no question", "half the horizon"])
def test_a_snapshot_is_let_go_after_a_while(world: World, ms: int) -> None:
    position = asked(world, BEGIN).position
    for _ in range(0, ms, 10_000):
        if ms != holds.IDLE_MS_MAX:
            asked(world, SCAN, position)
        assert held(world) == [position]
        world.clock.advance_ms(10_000)
    world.clock.advance_ms(1)
    world.keep()
    assert held(world) == []


def test_a_snapshot_does_not_outlive_its_table(world: World) -> None:
    asked(world, BEGIN)
    world["amsterdam"].call(UpdateTable(TABLE, replica_updates=[DeleteReplica("berlin")]))
    world["amsterdam"].call(DeleteTable(TABLE))
    world.keep()
    assert held(world) == []


def test_a_snapshot_does_not_outlive_its_database(world: World) -> None:
    asked(world, BEGIN)
    world["amsterdam"].close()
    assert held(world) == []


def test_no_more_snapshots_are_held_than_there_is_room_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holds, "HOLDS_MAX", 0)
    position = asked(world, BEGIN).position
    assert held(world) == []
    assert scanned(world, position) == {"one": 1, "two": 1}


def test_a_region_that_joins_while_items_change_has_them_all() -> None:
    world = World("amsterdam", "berlin")
    world.share()
    world["amsterdam"].call(UpdateTable(TABLE, replica_updates=[DeleteReplica("berlin")]))
    world.run()
    world["berlin"].call(DeleteTable(TABLE))
    world["amsterdam"].regions.source.page_rows = 2
    for number in range(20):
        world.put("amsterdam", {"id": str(number), "n": 1})
    world["amsterdam"].call(UpdateTable(TABLE, replica_updates=[CreateReplica("berlin")]))
    for number in range(20):
        world.put("amsterdam", {"id": str(number), "n": 2})
        world.run(500)
    world.run()
    assert [world.get("berlin", str(number)) for number in range(20)] == [
        {"id": str(number), "n": 2} for number in range(20)
    ]
