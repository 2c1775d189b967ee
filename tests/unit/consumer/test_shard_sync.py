"""Which leases there have to be: pure, from shards and the origin of the application."""

from __future__ import annotations

from dataclasses import replace

from kvdb.api.streams import Shard, StreamSummary
from kvdb.consumer.lease import TRIM_HORIZON, Origin, Progress
from kvdb.consumer.shard_sync import is_ready, plan

OLD, NEW = "2026-01-01T00:00:00.000", "2026-02-01T00:00:00.000"


def stream(label: str, *shards: Shard) -> tuple[StreamSummary, list[Shard]]:
    return StreamSummary(f"arn/stream/{label}", "t", label), list(shards)


def number(seqno: int) -> str:
    return f"1{seqno:020d}"


def shard(name: str, start: int, end: int | None = None, *parents: str) -> Shard:
    return Shard(name, number(start), None if end is None else number(end), None, parents)


def origin(seqno: int, position: str, label: str = OLD) -> Origin:
    return Origin("t", f"arn/stream/{label}", number(seqno), position)


FAMILY = stream(OLD, shard("p", 1, 10), shard("c", 11, None, "p"), shard("late", 31, None, "p"))


def test_trim_horizon_begins_with_what_was_kept_and_later_shards_at_their_start() -> None:
    leases = plan([FAMILY], origin(20, "TRIM_HORIZON"))
    assert [(lease.shard_id, lease.progress) for lease in leases] == [
        ("p", Progress(TRIM_HORIZON)),
        ("c", Progress(TRIM_HORIZON)),
        ("late", Progress(number(30))),
    ]
    assert leases[1].parents == (f"{OLD}/p",)


def test_latest_begins_behind_the_origin_and_leaves_out_what_had_ended() -> None:
    leases = plan([FAMILY], origin(20, "LATEST"))
    assert [(lease.shard_id, lease.progress.checkpoint) for lease in leases] == [
        ("c", number(20)),
        ("late", number(30)),
    ]


def test_a_shard_that_ended_just_at_the_origin_has_nothing() -> None:
    assert plan([stream(OLD, shard("p", 1, 20))], origin(20, "LATEST")) == []
    assert len(plan([stream(OLD, shard("p", 1, 21))], origin(20, "LATEST"))) == 1


def test_the_next_stream_of_a_table_follows_the_ends_of_the_one_before() -> None:
    ended = stream(OLD, shard("p", 1, 10), shard("l", 11, 20, "p"), shard("r", 11, 20, "p"))
    following = stream(NEW, shard("n", 30), shard("m", 30))
    leases = plan([following, ended], origin(5, "TRIM_HORIZON"))
    assert [lease.shard_id for lease in leases] == ["p", "l", "r", "n", "m"]
    assert leases[3].parents == leases[4].parents == (f"{OLD}/l", f"{OLD}/r")
    assert leases[3].progress == Progress(number(29))


def test_streams_before_the_origin_are_none_of_this_application() -> None:
    leases = plan([FAMILY, stream(NEW, shard("n", 50))], origin(60, "TRIM_HORIZON", NEW))
    assert [(lease.shard_id, lease.parents) for lease in leases] == [("n", ())]


def test_a_single_parent_told_the_services_way_counts() -> None:
    told = Shard("c", number(11), None, "p")
    (_, child) = plan([stream(OLD, shard("p", 1, 10), told)], origin(5, "TRIM_HORIZON"))
    assert child.parents == (f"{OLD}/p",)


def test_a_lease_is_ready_when_its_parents_are_done_or_gone() -> None:
    parent, child, _ = plan([FAMILY], origin(20, "TRIM_HORIZON"))
    assert not is_ready(child, {parent.key: parent, child.key: child})
    assert is_ready(child, {child.key: child})


def test_shards_that_ended_where_all_was_done_get_no_lease_again() -> None:
    settled = replace(origin(5, "TRIM_HORIZON"), done_up_to=number(10))
    assert [lease.shard_id for lease in plan([FAMILY], settled)] == ["c", "late"]
