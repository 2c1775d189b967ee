"""Regions that share a table: joining, leaving, being away, beginning anew."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from unittest.mock import patch

import pytest

from kvdb.api.items import PutItem
from kvdb.api.replicas import (
    DescribeReplicas,
    DescribeReplicasResult,
    ListConflicts,
    ListConflictsResult,
    ReseedTable,
)
from kvdb.api.tables import (
    AttributeDefinition,
    ConflictResolution,
    CreateReplica,
    CreateTable,
    DeleteReplica,
    DeleteTable,
    DescribeTable,
    DescribeTableResult,
    IndexSpecification,
    KeySchemaElement,
    Projection,
    UpdateTable,
    UpdateTimeToLive,
)
from kvdb.backup import on_demand, restore
from kvdb.errors import ConditionalCheckFailed, ResourceNotFound, ValidationError
from kvdb.item.value import Item
from kvdb.lsm.batch import WriteBatch
from kvdb.replica import applier, conflict
from kvdb.replica.applier import BYTES_PER_BATCH
from kvdb.replica.messages import Pages, decode
from kvdb.replica.progress import Progress
from kvdb.table import replica_keys
from kvdb.table.lineage import lineage_of
from kvdb.testing import MemFileSystem
from tests.support.backups import store_of
from tests.support.builders import DIRECTORY, make_env
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
    def larger(key: Item, earlier: Item | None, later: Item | None) -> Item | None:
        return max(filter(None, (earlier, later)), key=lambda item: item["n"])  # type: ignore[arg-type, return-value]

    for name in world.names:
        world[name].regions.resolve_with(TABLE, larger)
    world["amsterdam"].call(UpdateTable(TABLE, conflict_resolution=ConflictResolution("callable")))
    world.run()
    world.put("amsterdam", {"id": "a", "n": 9})
    world.clock.advance_ms(5)
    world.put("berlin", {"id": "a", "n": 2})
    world.run()
    assert world.get("amsterdam", "a") == world.get("berlin", "a") == {"id": "a", "n": 9}


def test_a_region_without_the_function_takes_nothing_and_says_so(world: World) -> None:
    call = UpdateTable(TABLE, conflict_resolution=ConflictResolution("callable"))
    with pytest.raises(ValidationError, match="no resolver was given here for table orders"):
        world["amsterdam"].call(call)
    world["amsterdam"].regions.resolve_with(TABLE, lambda key, earlier, later: later, "v1")
    world["amsterdam"].call(call)
    world.run()
    assert resolution(world, "berlin") == ConflictResolution("callable", function="v1")
    # Another function has another name: that regions have different ones is told.
    world["berlin"].regions.resolve_with(TABLE, lambda key, earlier, later: earlier, "v2")
    world.put("amsterdam", {"id": "a"})
    world.run()
    fault = world.puller("berlin", "amsterdam").links[TABLE].fault
    assert fault == "the table resolves conflicts by a function that was not given here: v1"
    assert world.statuses("berlin")["amsterdam"] == "REPLICATION_NOT_AUTHORIZED"
    world["berlin"].regions.resolve_with(TABLE, lambda key, earlier, later: later, "v1")
    world.run()
    assert world.get("berlin", "a") == {"id": "a"}


def resolution(world: World, name: str) -> ConflictResolution | None:
    described = world[name].call(DescribeTable(TABLE))
    assert isinstance(described, DescribeTableResult)
    return described.table.conflict_resolution


def test_a_function_that_fails_holds_up_its_table_alone_until_another_is_set(world: World) -> None:
    schema = [KeySchemaElement("id", "HASH")]
    world["amsterdam"].call(CreateTable("other", schema, [AttributeDefinition("id", "S")]))
    world["amsterdam"].call(UpdateTable("other", replica_updates=[CreateReplica("berlin")]))
    adding = lambda key, earlier, later: {"n": earlier["n"] + later["n"]}  # noqa: E731
    larger = lambda key, earlier, later: max(earlier, later, key=lambda item: item["n"])  # noqa: E731
    for name in world.names:
        world[name].regions.resolve_with(TABLE, adding, "v1")
        world[name].regions.resolve_with(TABLE, larger, "v2")
    v1, v2 = (ConflictResolution("callable", function=name) for name in ("v1", "v2"))
    world["amsterdam"].call(UpdateTable(TABLE, conflict_resolution=v1))
    world.run()
    world.put("amsterdam", {"id": "a", "n": 9})
    world.put("berlin", {"id": "a", "n": 2})
    world.put("amsterdam", {"id": "x"}, "other")
    world.run()
    links = world.puller("berlin", "amsterdam").links
    assert links[TABLE].status == "REFUSED"
    assert links[TABLE].fault.startswith("the resolver v1 failed: its outcome does not stay")
    assert (world.get("amsterdam", "a"), world.get("berlin", "a")) == (
        {"id": "a", "n": 9},
        {"id": "a", "n": 2},
    )
    assert world.get("berlin", "x", "other") == {"id": "x"}
    world["berlin"].call(UpdateTable(TABLE, conflict_resolution=v2))
    world.run()
    assert world.get("amsterdam", "a") == world.get("berlin", "a") == {"id": "a", "n": 9}
    assert links[TABLE].fault == "" or world.puller("berlin", "amsterdam").links[TABLE].fault == ""


def test_a_function_that_does_not_return_is_told_of_and_other_tables_are_written(world: World) -> None:
    begun, let_go = threading.Event(), threading.Event()

    def waiting(key: Item, earlier: Item | None, later: Item | None) -> Item | None:
        begun.set()
        let_go.wait(60)
        return later

    for name in world.names:
        world[name].regions.resolve_with(TABLE, waiting)
    world["amsterdam"].call(UpdateTable(TABLE, conflict_resolution=ConflictResolution("callable")))
    world.run()
    world.put("amsterdam", {"id": "a", "n": 1})
    world.put("berlin", {"id": "a", "n": 2})
    puller = threading.Thread(target=world.run)
    puller.start()
    begun.wait(60)
    world.clock.advance_ms(5_000)
    faults = [
        link.fault for name in world.names for peer in described(world, name).peers for link in peer.links
    ]
    assert any("the resolver has been running for" in fault for fault in faults)
    for name in world.names:
        world.put(name, {"id": "b"})
    let_go.set()
    puller.join()
    world.run()
    assert world.get("amsterdam", "a") == world.get("berlin", "a")


def described(world: World, name: str) -> DescribeReplicasResult:
    result = world[name].call(DescribeReplicas())
    assert isinstance(result, DescribeReplicasResult)
    return result


def test_a_table_with_items_of_its_own_is_not_taken_over() -> None:
    world = World("amsterdam", "berlin")
    world["berlin"].call(CreateTable(TABLE, ID, TYPES))
    world.put("berlin", {"id": "mine"})
    world.share()
    assert "not empty here" in world.puller("berlin", "amsterdam").refused[TABLE]
    assert world.statuses("amsterdam")["berlin"] == "CREATION_FAILED"
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
    with pytest.raises(ValidationError, match="already existed as tables"):
        database.call(UpdateTable(TABLE, replica_updates=[CreateReplica("berlin")]))
    with pytest.raises(ValidationError, match="not part of the global table"):
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
    world.keep()
    acks = database.regions.acks
    assert not acks._loaded and not acks._applied and not acks._unsaved


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


def test_the_tables_of_a_copy_go_on_alone_and_bring_nothing_back() -> None:
    world = World("amsterdam", "berlin")
    world.share()
    world.put("amsterdam", {"id": "deleted"})
    world.put("amsterdam", {"id": "kept"})
    world.run()
    engine = world["berlin"]._floor.engine
    store = store_of(engine._env)
    made = on_demand.create(engine._env, engine, store)
    world.delete("amsterdam", "deleted")
    world.run()
    world.clock.advance_ms(3 * HORIZON_MS)
    world.keep()
    copied = MemFileSystem()
    restore.restore(make_env(copied), restore.plan_backup(store, made.backup_id), DIRECTORY)
    world.start("berlin", seed=1, fs=copied)
    world.run(30_000)
    # In the copy everything is as it was, and none of it comes back to the regions.
    assert world.get("berlin", "deleted") == {"id": "deleted"}
    assert world.get("amsterdam", "deleted") is None
    assert world.statuses("berlin") == {}
    assert "not empty here, and was not shared" in world.puller("berlin", "amsterdam").refused[TABLE]
    # Nor is it taken for a region after it was opened again.
    world["berlin"].close()
    world.start("berlin", seed=2, fs=copied)
    world.run()
    assert world.statuses("berlin") == {}
    world["berlin"].call(DeleteTable(TABLE))
    world.run(30_000)
    assert world.get("berlin", "deleted") is None
    assert world.get("berlin", "kept") == {"id": "kept"}


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


def test_a_scan_meets_what_is_there_already_be_it_much_or_little() -> None:
    world = World("amsterdam", "berlin")
    world.share()
    world.puller("berlin", "amsterdam").is_paused = True
    for number in range(100):
        world.put("berlin", {"id": f"{number:03d}", "from": "berlin"})
    world.clock.advance_ms(1)
    for number in (10, 50, 200):
        world.put("amsterdam", {"id": f"{number:03d}", "from": "amsterdam"})
    applier = world["berlin"].regions._applier
    source, target = world["amsterdam"]._floor, world["berlin"]._floor
    rows = [value for _, value in source.engine.scan(*source.catalog.table(TABLE).keys.all_rows())]
    taken = applier.take(target.catalog.table(TABLE), "amsterdam", rows, Progress(b"id", "uuid"))
    assert (taken.rows, taken.changed, taken.conflicts) == (3, 3, 2)
    assert world.get("berlin", "050") == {"id": "050", "from": "amsterdam"}
    taken = applier.take(target.catalog.table(TABLE), "amsterdam", rows, Progress(b"id", "uuid"))
    assert (taken.rows, taken.changed, taken.conflicts) == (3, 0, 0)


def test_latency_and_pending_items_are_metrics_of_each_table_and_receiving_region(world: World) -> None:
    def read(name: str, metric: str) -> float:
        return world[name].env.metrics.read()[metric]

    pending = 'pending_replication_count{table="orders",region="berlin"}'
    latency = 'replication_latency_ms{table="orders",region="berlin",source="amsterdam"}'
    world.links["berlin", "amsterdam"].is_cut = True
    for at in range(3):
        world.put("amsterdam", {"id": f"{at}"})
    world.run(2_000)
    assert read("amsterdam", pending) == read("amsterdam", "replica_pending_count") == 3
    world.links["berlin", "amsterdam"].is_cut = False
    world.run()
    assert read("amsterdam", pending) == 0
    assert read("berlin", latency) >= 2_000
    assert read("amsterdam", 'replication_latency_ms{table="orders",region="amsterdam",source="berlin"}') == 0


def test_a_page_of_large_items_is_stored_in_batches_of_bounded_size(world: World) -> None:
    text = "x" * 100_000
    for number in range(10):
        world.put("amsterdam", {"id": str(number), "text": text})
    batches: list[int] = []
    engine = world["berlin"]._floor.engine
    write = engine.write

    def writing(batch: WriteBatch) -> int:
        batches.append(batch.size_bytes)
        return write(batch)

    engine.write = writing  # type: ignore[method-assign]
    world.run()
    assert all(world.get("berlin", str(number)) == {"id": str(number), "text": text} for number in range(10))
    assert max(batches) < 2 * BYTES_PER_BATCH


@pytest.mark.parametrize("is_sound", [True, False])
def test_writes_that_cross_come_to_one_outcome_because_it_travels(world: World, is_sound: bool) -> None:
    """Amsterdam writes a second time while both first versions are on their way: each region decides about
    other versions than the other one."""

    def larger(key: Item, earlier: Item | None, later: Item | None) -> Item | None:
        return max(filter(None, (earlier, later)), key=lambda item: item["n"])  # type: ignore[arg-type, return-value]

    for name in world.names:
        world[name].regions.resolve_with(TABLE, larger)
    world["amsterdam"].call(UpdateTable(TABLE, conflict_resolution=ConflictResolution("callable")))
    world.run()
    quiet = patch.object(applier, "decide", lambda *given: conflict.decide(*given)._replace(travels=False))
    with ExitStack() as stack:
        if not is_sound:
            stack.enter_context(quiet)
        world.put("amsterdam", {"id": "a", "n": 3})
        world.put("berlin", {"id": "a", "n": 2})
        pull_until_rows_wait(world, "amsterdam", "berlin")
        pull_until_rows_wait(world, "berlin", "amsterdam")
        world.put("amsterdam", {"id": "a", "n": 1})
        pull_until_rows_wait(world, "berlin", "amsterdam")
        world.run()
        assert (world.get("amsterdam", "a") == world.get("berlin", "a")) == is_sound


def pull_until_rows_wait(world: World, name: str, peer: str) -> None:
    """Until a page with rows is under way that is not the one that is now."""
    link = world.links[name, peer]
    present = list(link._answers)
    for _ in range(200):
        world.puller(name, peer).step(0)
        fresh = [decode(answer) for answer in link._answers if answer not in present]
        if any(isinstance(each, Pages) and any(part.rows for part in each.parts) for each in fresh):
            return
        world.clock.advance_ms(10)
    pytest.fail("nothing is under way")


def expiring(world: World, name: str) -> None:
    """Let the sweeper of a region have its turn, by the clock there is."""
    for _ in range(8):
        world[name]._floor.background._sweeper.step()  # type: ignore[attr-defined]


def second(world: World, later_s: int) -> int:
    return world.clock.wall_ms() // 1000 + later_s


def test_an_item_expires_in_all_regions_and_what_was_written_elsewhere_later_stays(world: World) -> None:
    world["amsterdam"].call(UpdateTimeToLive(TABLE, "e", True))
    world.run()
    for identity in ("gone", "kept"):
        world.put("amsterdam", {"id": identity, "e": second(world, 30)})
    world.run()
    for name, peer in (("amsterdam", "berlin"), ("berlin", "amsterdam")):
        world.links[name, peer].is_cut = True
    # Before it is over, and long before Amsterdam deletes it; unheard of there.
    world.put("berlin", {"id": "kept", "e": second(world, 3_600)})
    world.clock.advance_ms(40_000)
    expiring(world, "amsterdam")
    assert world.get("amsterdam", "kept") is world.get("amsterdam", "gone") is None
    for link in world.links.values():
        link.is_cut = False
    world.run(30_000)
    for name in world.names:
        expiring(world, name)
    world.run()
    for name in world.names:
        assert world.get(name, "gone") is None
        kept = world.get(name, "kept")
        assert kept is not None
        assert kept["e"] > second(world, 3_000)  # type: ignore[operator]
    listed = [each.call(ListConflicts(TABLE)) for each in world.databases.values()]
    noted = [each for result in listed for each in result.conflicts]  # type: ignore[union-attr]
    # The expiry and the write did not know of each other; that the other item expired twice is none.
    assert {each.key["id"] for each in noted} == {"kept"}
    assert all(each.winner_item == kept for each in noted)


def test_the_tombstone_of_an_item_that_expired_long_after_it_was_written_is_kept_for_the_horizon(
    world: World,
) -> None:
    world["amsterdam"].call(UpdateTimeToLive(TABLE, "e", True))
    world.run()
    world.put("amsterdam", {"id": "a", "e": second(world, 5 * HORIZON_MS // 1000)})
    for _ in range(6):
        world.run(HORIZON_MS)
        world.keep()
    expiring(world, "amsterdam")
    floor = world["amsterdam"]._floor
    tombstones = replica_keys.tombstones_range(floor.catalog.table(TABLE).descriptor.table_id)
    for _ in range(2):
        world.keep()
        assert len(list(floor.engine.scan(*tombstones))) == 1
    world.run()
    assert world.get("berlin", "a") is None
    for _ in range(4):
        world.run(HORIZON_MS)
        world.keep()
    assert list(floor.engine.scan(*tombstones)) == []


def test_a_condition_is_about_the_region_that_is_asked(world: World) -> None:
    world.put("amsterdam", {"id": "a", "n": 1})
    world.run()
    world.put("berlin", {"id": "a", "n": 2})
    only_one = "n = :one"
    world["amsterdam"].call(
        PutItem(
            TABLE,
            {"id": "a", "n": 3},
            condition_expression=only_one,
            expression_attribute_values={":one": 1},
        )
    )
    with pytest.raises(ConditionalCheckFailed):
        world["berlin"].call(
            PutItem(
                TABLE,
                {"id": "a", "n": 4},
                condition_expression=only_one,
                expression_attribute_values={":one": 1},
            )
        )
    world.clock.advance_ms(10)
    world.run()
    assert world.get("amsterdam", "a") == world.get("berlin", "a")
