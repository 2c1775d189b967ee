"""Regions that are no peers of each other: what comes by way of others, and what is told of them."""

from __future__ import annotations

import pytest

from kvdb.api.replicas import DescribeReplicas, DescribeReplicasResult
from kvdb.api.tables import (
    ConflictResolution,
    CreateReplica,
    DeleteReplica,
    DescribeTable,
    DescribeTableResult,
    ReplicaDescription,
    UpdateTable,
)
from kvdb.replica.hearsay import FRESH_MS, Heard, Hearsay
from kvdb.replica.messages import Report
from tests.support.regions import HORIZON_MS, TABLE, World


@pytest.fixture
def chain() -> World:
    made = World("amsterdam", "berlin", "cairo", "delhi", is_chain=True)
    made.share()
    return made


def described(world: World, name: str) -> dict[str, ReplicaDescription]:
    found = world[name].call(DescribeTable(TABLE))
    assert isinstance(found, DescribeTableResult)
    return {each.region_name: each for each in found.table.replicas}


def peers(world: World, name: str) -> DescribeReplicasResult:
    found = world[name].call(DescribeReplicas())
    assert isinstance(found, DescribeReplicasResult)
    return found


def cut(world: World, *names: str) -> None:
    for pair, link in world.links.items():
        link.is_cut = bool(set(pair) & set(names))


def test_the_ends_of_a_chain_have_what_the_other_end_wrote_and_know_of_it(chain: World) -> None:
    chain.put("amsterdam", {"id": "a"})
    chain.put("delhi", {"id": "d"})
    chain.run()
    for name in chain.names:
        assert [chain.get(name, key) for key in ("a", "d")] == [{"id": "a"}, {"id": "d"}]
        assert set(chain.statuses(name).values()) == {"ACTIVE"}
    chain.delete("delhi", "a")
    chain.run()
    assert chain.get("amsterdam", "a") is None
    assert "by way of berlin" in (described(chain, "amsterdam")["delhi"].replica_status_description or "")
    distant = {peer.region_name: peer for peer in peers(chain, "amsterdam").peers}
    assert {name: peer.via for name, peer in distant.items()} == {
        "berlin": "",
        "cairo": "berlin",
        "delhi": "berlin",
    }
    assert all(peer.is_connected and not peer.fault for peer in distant.values())
    assert [link.status for link in distant["delhi"].links] == ["ACTIVE"]


def test_a_distant_region_that_is_gone_grows_silent_everywhere_and_can_be_gone_on_without(
    chain: World,
) -> None:
    cut(chain, "delhi")
    gone_ms = chain.clock.wall_ms()
    chain.run(FRESH_MS + 10_000)
    for name in ("amsterdam", "berlin", "cairo"):
        delhi = described(chain, name)["delhi"]
        assert delhi.replica_status == "REGION_DISABLED"
        assert delhi.replica_inaccessible_date_time_ms is not None
        assert abs(delhi.replica_inaccessible_date_time_ms - gone_ms) < 12_000
    (delhi_peer,) = [peer for peer in peers(chain, "amsterdam").peers if peer.region_name == "delhi"]
    assert not delhi_peer.is_connected
    assert "last by way of berlin" in delhi_peer.fault
    chain["amsterdam"].call(UpdateTable(TABLE, replica_updates=[DeleteReplica("delhi")]))
    chain.run()
    assert chain.statuses("cairo") == dict.fromkeys(("amsterdam", "berlin", "cairo"), "ACTIVE")


def test_a_peer_that_does_not_answer_is_reached_by_way_of_others() -> None:
    world = World("amsterdam", "berlin", "cairo")
    world.share()
    world["amsterdam"].call(UpdateTable(TABLE, conflict_resolution=ConflictResolution(relays=True)))
    world.run()
    world.links["amsterdam", "cairo"].is_cut = world.links["cairo", "amsterdam"].is_cut = True
    world.run(FRESH_MS)
    world.put("amsterdam", {"id": "a"})
    world.run()
    assert world.get("cairo", "a") == {"id": "a"}
    cairo = described(world, "amsterdam")["cairo"]
    assert cairo.replica_status == "ACTIVE"
    assert cairo.replica_status_description == "by way of berlin: no answer"


def test_a_region_that_is_no_peer_of_a_table_that_does_not_relay_is_told_as_that() -> None:
    world = World("amsterdam", "berlin", "cairo", is_chain=True)
    world.share()
    world["amsterdam"].call(UpdateTable(TABLE, conflict_resolution=ConflictResolution()))
    world.run()
    cairo = described(world, "amsterdam")["cairo"]
    assert cairo == ReplicaDescription("cairo", "REGION_DISABLED", "not a peer of this region")
    assert [peer.region_name for peer in peers(world, "amsterdam").peers] == ["berlin"]


def test_what_came_before_a_table_relayed_is_relayed_then() -> None:
    world = World("amsterdam", "berlin", "cairo", is_chain=True)
    world.share()
    world["amsterdam"].call(UpdateTable(TABLE, conflict_resolution=ConflictResolution()))
    world.run()
    world.put("amsterdam", {"id": "a"})
    world.run()
    assert world.get("berlin", "a") == {"id": "a"}
    assert world.get("cairo", "a") is None
    world["cairo"].call(UpdateTable(TABLE, conflict_resolution=ConflictResolution(relays=True)))
    world.run()
    assert world.get("cairo", "a") == {"id": "a"}


def test_a_delete_that_waits_on_every_way_of_a_chain_is_not_forgotten_before(chain: World) -> None:
    chain.put("amsterdam", {"id": "a"})
    chain.run()
    ways = [("amsterdam", "berlin"), ("berlin", "cairo"), ("cairo", "delhi")]

    def open_way(one: str, other: str, *, is_open: bool) -> None:
        chain.links[one, other].is_cut = chain.links[other, one].is_cut = not is_open

    open_way(*ways[0], is_open=False)
    chain.delete("amsterdam", "a")
    for way, following in zip(ways, (*ways[1:], None), strict=True):
        chain.run(HORIZON_MS * 6 // 10)
        chain.keep()
        if following is not None:
            open_way(*following, is_open=False)
        open_way(*way, is_open=True)
        chain.run(14_000)
    assert [chain.get(name, "a") for name in chain.names] == [None] * 4


def test_of_two_reports_the_later_stands_and_their_number_is_bounded() -> None:
    hearsay = Hearsay()
    hearsay.note("t", "berlin", [Report("cairo", 500, 1)], now_ms=1_000)
    hearsay.note("t", "delhi", [Report("cairo", 900, 0)], now_ms=1_100)
    assert hearsay.of("t", "cairo") == Heard(500, True, "berlin")
    assert hearsay.reports("t", ["cairo", "essen"], now_ms=1_200) == (Report("cairo", 700, 1),)
    for at in range(5_000):
        hearsay.note(f"t{at}", "berlin", [Report("cairo", 0, 1)], now_ms=2_000 + at)
    assert hearsay.of("t", "cairo") is None
    assert hearsay.of("t0", "cairo") is None
    assert hearsay.of("t4999", "cairo") is not None


def test_a_region_can_be_added_by_way_of_others(chain: World) -> None:
    chain["amsterdam"].call(UpdateTable(TABLE, replica_updates=[DeleteReplica("delhi")]))
    chain.run()
    chain["delhi"]._floor.catalog.drop(TABLE)
    chain["amsterdam"].call(UpdateTable(TABLE, replica_updates=[CreateReplica("delhi")]))
    chain.put("amsterdam", {"id": "a"})
    chain.run()
    assert chain.get("delhi", "a") == {"id": "a"}
    assert chain.statuses("amsterdam")["delhi"] == "ACTIVE"
