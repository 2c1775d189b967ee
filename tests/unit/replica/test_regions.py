"""Regions that share a table: joining, leaving, being away, beginning anew."""

from __future__ import annotations

import pytest

from kvdb.api.replicas import ListConflicts, ListConflictsResult, ReseedTable
from kvdb.api.tables import (
    AttributeDefinition,
    ConflictResolution,
    CreateReplica,
    CreateTable,
    DeleteReplica,
    DeleteTable,
    DescribeTable,
    IndexSpecification,
    KeySchemaElement,
    Projection,
    UpdateTable,
)
from kvdb.errors import ResourceInUse, ResourceNotFound, ValidationError
from kvdb.item.value import Item
from kvdb.table import replica_keys
from kvdb.table.lineage import lineage_of
from tests.support.regions import HORIZON_MS, TABLE, World

ID = [KeySchemaElement("id", "HASH")]
TYPES = [AttributeDefinition("id", "S")]


@pytest.fixture
def world() -> World:
    made = World("amsterdam", "berlin")
    made.share()
    return made


def test_what_is_written_in_one_region_comes_to_the_other(world: World) -> None:
    world.put("amsterdam", {"id": "a", "n": 1})
    world.put("berlin", {"id": "b", "n": 2})
    world.run()
    assert world.get("berlin", "a") == {"id": "a", "n": 1}
    assert world.get("amsterdam", "b") == {"id": "b", "n": 2}
    world.delete("berlin", "a")
    world.run()
    assert world.get("amsterdam", "a") is None
    assert world.statuses("amsterdam") == {"amsterdam": "ACTIVE", "berlin": "ACTIVE"}


def test_a_region_that_joins_takes_in_what_is_there_and_its_indexes_follow() -> None:
    world = World("amsterdam", "berlin")
    index = IndexSpecification("by-n", (KeySchemaElement("n", "HASH"),), Projection("ALL"))
    types = [*TYPES, AttributeDefinition("n", "N")]
    world["amsterdam"].call(CreateTable(TABLE, ID, types, global_secondary_indexes=[index]))
    for at in range(50):
        world.put("amsterdam", {"id": f"{at}", "n": at % 5})
    world["amsterdam"].call(UpdateTable(TABLE, replica_updates=[CreateReplica("berlin")]))
    world.run()
    floor = world["berlin"]._floor
    table = floor.catalog.table(TABLE)
    (by_n,) = table.indexes.maintained
    assert len(list(floor.engine.scan(*table.keys.all_rows()))) == 50
    assert len(list(floor.engine.scan(*by_n.keys.all_rows()))) == 50


def test_a_conflict_is_noted_with_both_versions(world: World) -> None:
    world.put("amsterdam", {"id": "a", "n": 1})
    world.clock.advance_ms(5)
    world.put("berlin", {"id": "a", "n": 2})
    world.run()
    assert world.get("amsterdam", "a") == world.get("berlin", "a") == {"id": "a", "n": 2}
    listed = world["amsterdam"].call(ListConflicts(TABLE))
    assert isinstance(listed, ListConflictsResult)
    (conflict,) = listed.conflicts
    assert (conflict.region_name, conflict.outcome, conflict.key) == ("berlin", "INCOMING", {"id": "a"})
    assert (conflict.stored_item, conflict.incoming_item) == ({"id": "a", "n": 1}, {"id": "a", "n": 2})
    after = world["amsterdam"].call(ListConflicts(TABLE, conflict.sequence_number))
    assert after == ListConflictsResult()


def test_a_function_resolves_conflicts_the_same_in_both_regions(world: World) -> None:
    resolution = ConflictResolution("callable")
    world["amsterdam"].call(UpdateTable(TABLE, conflict_resolution=resolution))

    def larger(key: Item, earlier: Item | None, later: Item | None) -> Item | None:
        return max(filter(None, (earlier, later)), key=lambda item: item["n"])  # type: ignore[arg-type, return-value]

    for name in world.names:
        world[name].regions.resolve_with(TABLE, larger)
    world.run()
    world.put("amsterdam", {"id": "a", "n": 9})
    world.clock.advance_ms(5)
    world.put("berlin", {"id": "a", "n": 2})
    world.run()
    assert world.get("amsterdam", "a") == world.get("berlin", "a") == {"id": "a", "n": 9}


def test_a_region_without_the_function_takes_nothing_and_says_so(world: World) -> None:
    world["amsterdam"].call(UpdateTable(TABLE, conflict_resolution=ConflictResolution("callable")))
    world.run()
    world.put("berlin", {"id": "a"})
    world.run()
    assert "function" in world.puller("amsterdam", "berlin").links[TABLE].fault
    world["amsterdam"].regions.resolve_with(TABLE, lambda key, earlier, later: later)
    world.run()
    assert world.get("amsterdam", "a") == {"id": "a"}


def test_a_table_with_items_of_its_own_is_not_taken_over() -> None:
    world = World("amsterdam", "berlin")
    world["berlin"].call(CreateTable(TABLE, ID, TYPES))
    world.put("berlin", {"id": "mine"})
    world.share()
    assert "not empty here" in world.puller("berlin", "amsterdam").refused[TABLE]
    assert world.statuses("amsterdam")["berlin"] == "REGION_DISABLED"
    world["berlin"].call(DeleteTable(TABLE))
    world.put("amsterdam", {"id": "theirs"})
    world.run()
    assert world.get("berlin", "theirs") == {"id": "theirs"}


def test_a_table_with_other_keys_is_not_taken_over() -> None:
    world = World("amsterdam", "berlin")
    world["berlin"].call(
        CreateTable(TABLE, [KeySchemaElement("id", "HASH")], [AttributeDefinition("id", "N")])
    )
    world.share()
    assert "other keys" in world.puller("berlin", "amsterdam").refused[TABLE]


def test_what_cannot_be_shared_is_refused(world: World) -> None:
    database = world["amsterdam"]
    with pytest.raises(ValidationError, match="no peer is connected"):
        database.call(UpdateTable(TABLE, replica_updates=[CreateReplica("nowhere")]))
    with pytest.raises(ResourceInUse, match="already exists"):
        database.call(UpdateTable(TABLE, replica_updates=[CreateReplica("berlin")]))
    with pytest.raises(ResourceNotFound, match="Replica not found"):
        database.call(UpdateTable(TABLE, replica_updates=[DeleteReplica("cairo")]))
    with pytest.raises(ValidationError, match="shared with other regions: berlin"):
        database.call(DeleteTable(TABLE))
    with pytest.raises(ValidationError, match="key attribute cannot be merged"):
        resolution = ConflictResolution("attributes", counters=("id",))
        database.call(UpdateTable(TABLE, conflict_resolution=resolution))
    unique = IndexSpecification("by-n", (KeySchemaElement("n", "HASH"),), Projection("ALL"), is_unique=True)
    types = [*TYPES, AttributeDefinition("n", "N")]
    database.call(CreateTable("names", ID, types, global_secondary_indexes=[unique]))
    with pytest.raises(ValidationError, match="unique index cannot be shared"):
        database.call(UpdateTable("names", replica_updates=[CreateReplica("berlin")]))


def test_a_region_that_is_taken_out_goes_on_alone(world: World) -> None:
    world.put("amsterdam", {"id": "a"})
    world.run()
    world["berlin"].call(UpdateTable(TABLE, replica_updates=[DeleteReplica("berlin")]))
    world.run()
    world.put("amsterdam", {"id": "b"})
    world.put("berlin", {"id": "c"})
    world.run()
    assert world.get("berlin", "a") == {"id": "a"}
    assert world.get("berlin", "b") is None
    assert world.get("amsterdam", "c") is None
    with pytest.raises(ValidationError, match="was taken out"):
        world["berlin"].call(UpdateTable(TABLE, replica_updates=[CreateReplica("amsterdam")]))
    # It joins again with an empty table.
    world["berlin"].call(DeleteTable(TABLE))
    world["amsterdam"].call(UpdateTable(TABLE, replica_updates=[CreateReplica("berlin")]))
    world.run()
    assert world.get("berlin", "b") == {"id": "b"}
    assert world.get("berlin", "c") is None


def test_who_was_away_for_too_long_begins_anew_and_brings_nothing_back(world: World) -> None:
    world.put("amsterdam", {"id": "deleted"})
    world.run()
    for link in world.links.values():
        link.is_cut = True
    world.delete("amsterdam", "deleted")
    world.put("amsterdam", {"id": "later"})
    world.put("berlin", {"id": "unsent"})
    world.clock.advance_ms(3 * HORIZON_MS)
    for _ in range(4):
        world.keep()
    for link in world.links.values():
        link.is_cut = False
    world.run()
    # Each has removed what the other would need, and neither takes from the other.
    assert world.get("amsterdam", "unsent") is None
    assert world.get("berlin", "later") is None
    assert world.puller("amsterdam", "berlin").links[TABLE].status == "LOST"
    assert world.statuses("berlin")["amsterdam"] == "REPLICATION_NOT_AUTHORIZED"
    world["berlin"].call(ReseedTable(TABLE))
    world.run()
    assert world.get("berlin", "deleted") is None
    assert world.get("berlin", "later") == {"id": "later"}
    assert world.get("amsterdam", "deleted") is None
    assert world.statuses("berlin") == {"amsterdam": "ACTIVE", "berlin": "ACTIVE"}
    world.put("berlin", {"id": "again"})
    world.run()
    assert world.get("amsterdam", "again") == {"id": "again"}


def test_notes_go_when_the_peer_has_them_and_tombstones_at_twice_the_horizon(world: World) -> None:
    world.put("amsterdam", {"id": "a"})
    world.delete("amsterdam", "a")
    world.run()
    world.put("amsterdam", {"id": "b"})
    world.run()
    floor = world["amsterdam"]._floor
    table_id = floor.catalog.table(TABLE).descriptor.table_id
    world.keep()
    world.keep()
    notes = replica_keys.writes_range(table_id, 0, replica_keys.SEQNO_MAX)
    assert list(floor.engine.scan(*notes)) == []
    assert len(list(floor.engine.scan(*replica_keys.tombstones_range(table_id)))) == 1
    world.run(3 * HORIZON_MS)
    world.keep()
    world.keep()
    assert list(floor.engine.scan(*replica_keys.tombstones_range(table_id))) == []
    assert world.statuses("amsterdam")["berlin"] == "ACTIVE"


def test_a_version_written_over_one_from_elsewhere_includes_it(world: World) -> None:
    world.put("amsterdam", {"id": "a", "n": 1})
    world.run()
    world.put("berlin", {"id": "a", "n": 2})
    floor = world["berlin"]._floor
    table = floor.catalog.table(TABLE)
    stored = floor.engine.get(table.keys.of_key({"id": "a"}))
    assert stored is not None
    assert len(lineage_of(stored).seen) == 2


def test_everything_kept_for_peers_goes_with_the_table(world: World) -> None:
    world.put("amsterdam", {"id": "a"})
    world.delete("amsterdam", "a")
    world.run()
    database = world["amsterdam"]
    table_id = database._floor.catalog.table(TABLE).descriptor.table_id
    database.call(UpdateTable(TABLE, replica_updates=[DeleteReplica("berlin")]))
    database.call(DeleteTable(TABLE))
    database.env.jobs.run_until_idle()  # type: ignore[attr-defined]
    for kept in replica_keys.all_of(table_id):
        assert list(database._floor.engine.scan(*kept)) == []
    with pytest.raises(ResourceNotFound):
        database.call(DescribeTable(TABLE))


def test_a_region_that_lost_its_disk_takes_everything_in_again() -> None:
    world = World("amsterdam", "berlin", "cairo")
    world.share()
    world.put("amsterdam", {"id": "a"})
    world.run()
    # Only cairo gets what amsterdam writes last.
    world.links["berlin", "amsterdam"].is_cut = True
    world.put("amsterdam", {"id": "last"})
    world.run()
    assert world.get("berlin", "last") is None
    world.start("amsterdam", seed=1)
    world.links["berlin", "amsterdam"].is_cut = False
    world.run(30_000)
    for name in world.names:
        assert world.get(name, "a") == {"id": "a"}, name
        assert world.get(name, "last") == {"id": "last"}, name
        assert set(world.statuses(name).values()) == {"ACTIVE"}


def test_a_write_that_came_to_one_region_before_its_own_was_taken_out_comes_to_all() -> None:
    world = World("amsterdam", "berlin", "cairo")
    world.share()
    world.links["amsterdam", "cairo"].is_cut = True
    world.put("cairo", {"id": "last"})
    world.run()
    assert world.get("berlin", "last") == {"id": "last"}
    assert world.get("amsterdam", "last") is None
    world["amsterdam"].call(UpdateTable(TABLE, replica_updates=[DeleteReplica("cairo")]))
    world.run()
    assert world.get("amsterdam", "last") == {"id": "last"}
