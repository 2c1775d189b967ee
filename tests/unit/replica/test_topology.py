"""Settings that are changed in one region come to all; what two change at once comes to both."""

from __future__ import annotations

import pytest

from kvdb.api.replicas import ReseedTable
from kvdb.api.tables import (
    AttributeDefinition,
    ConflictResolution,
    CreateIndex,
    CreateReplica,
    DeleteIndex,
    DeleteReplica,
    DeleteTable,
    DescribeTable,
    DescribeTableResult,
    DescribeTimeToLive,
    DescribeTimeToLiveResult,
    IndexSpecification,
    IndexUpdate,
    KeySchemaElement,
    ListTagsOfResource,
    ListTagsOfResourceResult,
    OnDemandThroughput,
    OnDemandThroughputOverride,
    Projection,
    ProvisionedThroughput,
    ProvisionedThroughputOverride,
    StreamSpecification,
    TableDescription,
    Tag,
    TagResource,
    UpdateReplica,
    UpdateTable,
    UpdateTimeToLive,
)
from kvdb.errors import ValidationError
from kvdb.replica.messages import Greeting, Message
from kvdb.table.descriptor import SharedSetting, decode_descriptor
from kvdb.table.settings import values_of
from tests.support.builders import run_jobs
from tests.support.regions import TABLE, World

N = AttributeDefinition("n", "N")


@pytest.fixture
def world() -> World:
    made = World("amsterdam", "berlin", "cairo")
    made.share()
    return made


def update(world: World, name: str, **asked: object) -> None:
    world[name].call(UpdateTable(TABLE, **asked))  # type: ignore[arg-type]


def add_index(world: World, name: str, index: str = "by-n", attribute: str = "n") -> None:
    asked = IndexSpecification(index, (KeySchemaElement(attribute, "HASH"),), Projection("ALL"))
    updates: list[IndexUpdate] = [CreateIndex(asked)]
    definitions = [AttributeDefinition(attribute, "N")]
    update(world, name, attribute_definitions=definitions, global_secondary_index_updates=updates)


def run(world: World) -> None:
    for _ in range(2):
        world.run(6_000)
        for name in world.names:
            run_jobs(world[name]._floor.engine._env)


def described(world: World, name: str) -> TableDescription:
    found = world[name].call(DescribeTable(TABLE))
    assert isinstance(found, DescribeTableResult)
    return found.table


def ttl(world: World, name: str) -> str | None:
    found = world[name].call(DescribeTimeToLive(TABLE))
    assert isinstance(found, DescribeTimeToLiveResult)
    return found.attribute_name


def test_an_index_that_one_region_adds_is_filled_in_all_and_goes_from_all(world: World) -> None:
    for at in range(10):
        world.put("cairo", {"id": f"{at}", "n": at})
    world.put("berlin", {"id": "of another type", "n": "x"})
    run(world)
    add_index(world, "berlin")
    world.put("amsterdam", {"id": "another", "n": 1})
    run(world)
    for name in world.names:
        (index,) = described(world, name).global_secondary_indexes
        assert (index.index_name, index.index_status) == ("by-n", "ACTIVE")
        floor = world[name]._floor
        (by_n,) = floor.catalog.table(TABLE).indexes.maintained
        assert len(list(floor.engine.scan(*by_n.keys.all_rows()))) == 11
    update(world, "cairo", global_secondary_index_updates=[DeleteIndex("by-n")])
    run(world)
    for name in world.names:
        assert described(world, name).global_secondary_indexes == ()
        floor = world[name]._floor
        assert floor.catalog.first_dropped_prefix() is None
        assert list(floor.engine.scan(*by_n.keys.all_rows())) == [] or name != "cairo"


def test_time_to_live_stream_and_throughput_travel_and_what_is_a_regions_own_does_not(world: World) -> None:
    world["amsterdam"].call(UpdateTimeToLive(TABLE, "gone_at", enabled=True))
    update(world, "berlin", stream_specification=StreamSpecification(True, "NEW_IMAGE"))
    update(world, "cairo", on_demand_throughput=OnDemandThroughput(7, 8))
    update(world, "cairo", table_class="STANDARD_INFREQUENT_ACCESS")
    update(world, "cairo", deletion_protection_enabled=True)
    arn = described(world, "cairo").table_arn
    world["cairo"].call(TagResource(arn, [Tag("owner", "cairo")]))
    run(world)
    streams = set()
    for name in world.names:
        table = described(world, name)
        assert ttl(world, name) == "gone_at"
        assert table.stream_specification == StreamSpecification(True, "NEW_IMAGE")
        streams.add(table.latest_stream_arn)
        assert table.on_demand_throughput == OnDemandThroughput(7, 8)
        assert table.table_class == "STANDARD_INFREQUENT_ACCESS"
        assert table.deletion_protection_enabled == (name == "cairo")
        tags = world[name].call(ListTagsOfResource(table.table_arn))
        assert isinstance(tags, ListTagsOfResourceResult)
        assert len(tags.tags) == (name == "cairo")
    assert len(streams) == 3, "each region's stream is its own"
    update(world, "amsterdam", stream_specification=StreamSpecification(False))
    update(
        world,
        "berlin",
        billing_mode="PROVISIONED",
        provisioned_throughput=ProvisionedThroughput(3, 4),
    )
    run(world)
    for name in world.names:
        table = described(world, name)
        assert table.stream_specification is None
        assert table.on_demand_throughput is None
        assert table.provisioned_throughput.write_capacity_units == 4


def test_items_expire_in_a_region_that_heard_of_the_time_to_live(world: World) -> None:
    world.put("amsterdam", {"id": "old", "gone_at": world.clock.wall_ms() // 1000 - 10})
    run(world)
    world["amsterdam"].call(UpdateTimeToLive(TABLE, "gone_at", enabled=True))
    run(world)
    assert world["cairo"]._floor.catalog.table(TABLE).indexes.marks is not None
    for _ in range(6):
        run(world)
    assert [world.get(name, "old") for name in world.names] == [None, None, None]


def test_regions_that_change_different_things_at_once_have_both_and_of_one_thing_the_later(
    world: World,
) -> None:
    for link in world.links.values():
        link.is_cut = True
    add_index(world, "amsterdam", "by-n")
    update(world, "berlin", table_class="STANDARD_INFREQUENT_ACCESS")
    add_index(world, "cairo", "by-m", "m")
    update(world, "amsterdam", on_demand_throughput=OnDemandThroughput(5, 5))
    world.clock.advance_ms(10)
    update(world, "cairo", on_demand_throughput=OnDemandThroughput(6, 6))
    for link in world.links.values():
        link.is_cut = False
    run(world)
    values = [values_of(world[name]._floor.catalog.table(TABLE).descriptor) for name in world.names]
    assert values[0] == values[1] == values[2]
    table = described(world, "berlin")
    assert sorted(index.index_name for index in table.global_secondary_indexes) == ["by-m", "by-n"]
    assert table.table_class == "STANDARD_INFREQUENT_ACCESS"
    assert table.on_demand_throughput == OnDemandThroughput(6, 6)


def test_a_region_that_joins_later_has_the_settings_and_the_resolver(world: World) -> None:
    update(world, "cairo", replica_updates=[DeleteReplica("cairo")])
    run(world)
    world["cairo"].call(DeleteTable(TABLE))
    update(world, "berlin", conflict_resolution=ConflictResolution("attributes", counters=("n",)))
    add_index(world, "amsterdam", "by-m", "m")
    update(world, "amsterdam", replica_updates=[CreateReplica("cairo")])
    run(world)
    for name in world.names:
        table = described(world, name)
        assert table.conflict_resolution == ConflictResolution("attributes", counters=("n",))
        assert [index.index_name for index in table.global_secondary_indexes] == ["by-m"]


def test_a_table_that_went_on_alone_is_not_taken_back_before_it_is_deleted(world: World) -> None:
    update(world, "amsterdam", replica_updates=[DeleteReplica("cairo")])
    run(world)
    world.put("cairo", {"id": "alone"})
    world["cairo"].call(UpdateTimeToLive(TABLE, "its_own", enabled=True))
    update(world, "berlin", replica_updates=[CreateReplica("cairo")])
    run(world)
    assert world.statuses("berlin")["cairo"] == "CREATION_FAILED"
    assert world.get("berlin", "alone") is None
    assert ttl(world, "berlin") is None
    with pytest.raises(ValidationError, match="was taken out"):
        update(world, "cairo", replica_updates=[CreateReplica("berlin")])
    world["cairo"].call(DeleteTable(TABLE))
    world.put("amsterdam", {"id": "later"})
    run(world)
    assert world.get("cairo", "later") == {"id": "later"}
    assert world.get("cairo", "alone") is None


def test_a_region_that_missed_that_all_went_alone_for_a_while_begins_anew() -> None:
    world = World("amsterdam", "berlin")
    world.share()
    world.put("amsterdam", {"id": "a"})
    world.run()
    for link in world.links.values():
        link.is_cut = True
    update(world, "amsterdam", replica_updates=[DeleteReplica("berlin")])
    world.delete("amsterdam", "a")
    world.put("amsterdam", {"id": "alone"})
    update(world, "amsterdam", replica_updates=[CreateReplica("berlin")])
    for link in world.links.values():
        link.is_cut = False
    world.run()
    assert world.statuses("berlin")["berlin"] == "REPLICATION_NOT_AUTHORIZED"
    assert world.get("amsterdam", "a") is None


def test_settings_that_no_region_could_have_made_are_refused(world: World) -> None:
    def lie(message: Message) -> Message:
        if not isinstance(message, Greeting):
            return message
        (shared,) = message.tables
        table = decode_descriptor(shared.descriptor)
        settings = (*table.settings, SharedSetting("index:by-x", (1, 0, 1), ("rubbish",)))
        forged = type(table)(
            **{name: getattr(table, name) for name in table.__slots__} | {"settings": settings}
        )
        return message._replace(tables=[shared._replace(descriptor=forged.encoded())])

    world.links["amsterdam", "berlin"].lie = lie
    run(world)
    assert "index:by-x" in world.puller("amsterdam", "berlin").refused[TABLE]
    assert world.statuses("amsterdam")["cairo"] == "ACTIVE"
    assert described(world, "amsterdam").global_secondary_indexes == ()


def test_what_one_region_shall_have_of_its_own_only_it_has(world: World) -> None:
    own = UpdateReplica(
        "cairo",
        on_demand_throughput_override=OnDemandThroughputOverride(9),
        table_class_override="STANDARD_INFREQUENT_ACCESS",
    )
    update(world, "amsterdam", replica_updates=[own])
    update(world, "berlin", on_demand_throughput=OnDemandThroughput(7, 8))
    run(world)
    bounds = {name: described(world, name).on_demand_throughput for name in world.names}
    assert bounds == {
        "amsterdam": OnDemandThroughput(7, 8),
        "berlin": OnDemandThroughput(7, 8),
        "cairo": OnDemandThroughput(9, 8),
    }
    classes = [described(world, name).table_class for name in world.names]
    assert classes == [None, None, "STANDARD_INFREQUENT_ACCESS"]
    for name in world.names:
        replicas = {each.region_name: each for each in described(world, name).replicas}
        assert replicas["cairo"].on_demand_throughput_override == OnDemandThroughputOverride(9)
        assert replicas["cairo"].table_class_override == "STANDARD_INFREQUENT_ACCESS"
        assert replicas["berlin"].on_demand_throughput_override is None
    # What a region changes where it has its own, it changes for itself.
    update(world, "cairo", on_demand_throughput=OnDemandThroughput(max_read_request_units=10))
    run(world)
    assert described(world, "cairo").on_demand_throughput == OnDemandThroughput(10, 8)
    assert described(world, "amsterdam").on_demand_throughput == OnDemandThroughput(7, 8)
    # Without one of its own it has what all have, and one that comes back has nothing of before.
    nothing = UpdateReplica("cairo", on_demand_throughput_override=OnDemandThroughputOverride(-1))
    update(world, "cairo", replica_updates=[nothing])
    run(world)
    assert described(world, "cairo").on_demand_throughput == OnDemandThroughput(7, 8)
    update(world, "amsterdam", replica_updates=[DeleteReplica("cairo")])
    run(world)
    world["cairo"].call(DeleteTable(TABLE))
    update(world, "amsterdam", replica_updates=[CreateReplica("cairo")])
    run(world)
    assert described(world, "cairo").table_class is None


def test_a_region_reads_at_its_own_rate_while_the_table_is_provisioned(world: World) -> None:
    own = UpdateReplica("cairo", ProvisionedThroughputOverride(9))
    with pytest.raises(ValidationError, match="when BillingMode is PAY_PER_REQUEST"):
        update(world, "amsterdam", replica_updates=[own])
    update(
        world,
        "amsterdam",
        billing_mode="PROVISIONED",
        provisioned_throughput=ProvisionedThroughput(3, 4),
    )
    update(world, "amsterdam", replica_updates=[own])
    run(world)
    units = {name: described(world, name).provisioned_throughput.read_capacity_units for name in world.names}
    assert units == {"amsterdam": 3, "berlin": 3, "cairo": 9}
    update(world, "cairo", billing_mode="PAY_PER_REQUEST")
    run(world)
    assert [described(world, name).provisioned_throughput.read_capacity_units for name in world.names] == [
        0
    ] * 3


def test_an_update_of_a_region_that_is_none_or_of_nothing_is_refused(world: World) -> None:
    with pytest.raises(ValidationError, match="not part of the global table"):
        update(world, "amsterdam", replica_updates=[UpdateReplica("delhi", table_class_override="STANDARD")])
    with pytest.raises(ValidationError, match="no actions specified"):
        update(world, "amsterdam", replica_updates=[UpdateReplica("cairo")])
    with pytest.raises(ValidationError, match="out of bounds"):
        update(world, "amsterdam", replica_updates=[UpdateReplica("cairo", ProvisionedThroughputOverride(0))])


def test_a_region_that_was_taken_out_and_added_again_while_it_was_away_begins_anew(world: World) -> None:
    world.put("cairo", {"id": "a"})
    run(world)
    for pair, link in world.links.items():
        link.is_cut = "cairo" in pair
    update(world, "amsterdam", replica_updates=[DeleteReplica("cairo")])
    world.delete("amsterdam", "a")
    world.put("cairo", {"id": "unheard of"})
    run(world)
    update(world, "berlin", replica_updates=[CreateReplica("cairo")])
    for link in world.links.values():
        link.is_cut = False
    run(world)
    assert world.statuses("cairo")["cairo"] == "REPLICATION_NOT_AUTHORIZED"
    fault = world.puller("cairo", "amsterdam").links[TABLE].fault
    assert "taken out and added again" in fault
    assert world.get("amsterdam", "unheard of") is None
    world["cairo"].call(ReseedTable(TABLE))
    run(world)
    for name in world.names:
        assert [world.get(name, key) for key in ("a", "unheard of")] == [None, None]
        assert set(world.statuses(name).values()) == {"ACTIVE"}


def test_a_region_that_was_left_alone_hears_that_another_had_come_back(world: World) -> None:
    world.put("amsterdam", {"id": "a"})
    run(world)
    update(world, "cairo", replica_updates=[DeleteReplica("berlin")])
    run(world)
    world["berlin"].call(DeleteTable(TABLE))
    for pair, link in world.links.items():
        link.is_cut = "amsterdam" in pair
    update(world, "cairo", replica_updates=[CreateReplica("berlin")])
    update(world, "amsterdam", replica_updates=[DeleteReplica("cairo")])
    world.delete("amsterdam", "a")
    run(world)
    assert world.get("berlin", "a") == {"id": "a"}
    for link in world.links.values():
        link.is_cut = False
    run(world)
    # What amsterdam deleted alone has left no trace: berlin must not bring it back.
    assert world.statuses("berlin")["berlin"] == "REPLICATION_NOT_AUTHORIZED"
    world["berlin"].call(ReseedTable(TABLE))
    run(world)
    assert [world.get(name, "a") for name in ("amsterdam", "berlin")] == [None, None]
    assert world.statuses("berlin") == {"amsterdam": "ACTIVE", "berlin": "ACTIVE"}
