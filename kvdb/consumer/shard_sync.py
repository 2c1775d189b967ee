"""Shards to leases: which leases there have to be, parents before children.

What a worker should do about the shards it sees is a pure function (``plan``) of them and of the
application's origin, which is stored once; so workers that look at the same time, or one after the
other while shards split, come to the same leases.

A table that gets another stream (because its stream was disabled and enabled again) goes on in
it: the shards at the end of one stream are the parents of those at the start of the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from kvdb.api.items import OpenSnapshot, OpenSnapshotResult, ReleaseSnapshot
from kvdb.api.streams import (
    DescribeStream,
    DescribeStreamResult,
    ListStreams,
    ListStreamsResult,
    Shard,
    StreamSummary,
)
from kvdb.client.sync import Client
from kvdb.consumer.lease import TRIM_HORIZON, Lease, LeaseTable, Origin, Progress, lease_key
from kvdb.consumer.options import StartingPosition
from kvdb.errors import ResourceNotFound, ValidationError

FINISHED_KEPT_MAX: Final = 100
"""Finished leases of shards that are still listed."""

StreamShards = tuple[StreamSummary, Sequence[Shard]]
"""A stream and all its shards, parents before children."""


def begin(client: Client, leases: LeaseTable, table_name: str, starting_position: StartingPosition) -> Origin:
    """Where this application reads from: settled by the first worker, for good.

    Raises:
        ValidationError: the table has no stream, or the leases are of another table.
    """
    origin = leases.origin()
    if origin is None:
        streams = streams_of(client, table_name)
        if not streams:
            raise ValidationError(f"table {table_name!r} has no stream: enable one first")
        present = _present_sequence_number(client)
        origin = leases.settle_origin(Origin(table_name, streams[-1].stream_arn, present, starting_position))
    if origin.table_name != table_name:
        raise ValidationError(
            f"the leases in {leases.name!r} are of table {origin.table_name!r}, not of {table_name!r}"
        )
    return origin


def synchronise(client: Client, leases: LeaseTable, table_name: str) -> list[Lease]:
    """Make the leases that are missing, forget those that are over; gives all there are."""
    # Leases first, then the origin, then the shards: a lease goes only after the origin says that its
    # shard is done, or after its shard; so one that is gone already is never taken for missing.
    present = leases.all()
    origin = leases.origin()
    if origin is None:
        raise ValidationError(f"the origin of the leases in {leases.name!r} was deleted")
    streams = [
        (stream, list(shards_of(client, stream.stream_arn))) for stream in streams_of(client, table_name)
    ]
    known = {lease.key for lease in present}
    missing = [lease for lease in plan(streams, origin) if lease.key not in known]
    for lease in missing:
        leases.create(lease)
    ends = {
        lease_key(stream.stream_label, shard.shard_id): shard.ending_sequence_number
        for stream, shards in streams
        for shard in shards
    }
    over = [lease for lease in present if lease.progress.is_finished and lease.key not in ends]
    over += _done_together(leases, present, missing, ends)
    for lease in over:
        leases.forget(lease)
    return leases.all() if missing or over else present


def _done_together(
    leases: LeaseTable, present: Sequence[Lease], missing: Sequence[Lease], ends: Mapping[str, str | None]
) -> list[Lease]:
    """When many leases are finished: settle up to where all are, after which those can be forgotten.

    A stream that is kept for long lists many shards that were done long ago; nobody has to read
    their leases at every heartbeat.
    """
    finished = [lease for lease in present if lease.progress.is_finished and ends.get(lease.key) is not None]
    if len(finished) <= FINISHED_KEPT_MAX:
        return []
    unfinished = [lease.key for lease in (*present, *missing) if not lease.progress.is_finished]
    held_back = min((end for key in unfinished if (end := ends.get(key)) is not None), default=None)
    settled = [end for end in ends.values() if end is not None and (held_back is None or end < held_back)]
    if not settled:
        return []
    done_up_to = max(settled)
    leases.settle_done(done_up_to)
    return [lease for lease in finished if (ends[lease.key] or "") <= done_up_to]


def plan(streams: Iterable[StreamShards], origin: Origin) -> list[Lease]:
    """The leases of all shards that have anything after ``origin``, parents before children."""
    first_label = _label(origin.stream_arn)
    leases: list[Lease] = []
    ends: tuple[str, ...] = ()
    for stream, shards in sorted(streams, key=lambda each: each[0].stream_label):
        if stream.stream_label < first_label:
            continue
        for shard in shards:
            progress = _first_progress(shard, origin)
            if progress is not None:
                parents = tuple(lease_key(stream.stream_label, each) for each in parents_of(shard)) or ends
                key = lease_key(stream.stream_label, shard.shard_id)
                leases.append(Lease(key, stream.stream_arn, shard.shard_id, parents, progress))
        ends = _ends(stream, shards) or ends
    return leases


def is_ready(lease: Lease, leases: Mapping[str, Lease]) -> bool:
    """Whether everything before this lease's shard is handled."""
    return all(parent not in leases or leases[parent].progress.is_finished for parent in lease.parents)


def streams_of(client: Client, table_name: str) -> list[StreamSummary]:
    """The streams that a table has and had, oldest first."""
    streams: list[StreamSummary] = []
    start: str | None = None
    while True:
        page = client.call(ListStreams(table_name, exclusive_start_stream_arn=start))
        assert isinstance(page, ListStreamsResult)
        streams += page.streams
        start = page.last_evaluated_stream_arn
        if start is None:
            return sorted(streams, key=lambda stream: stream.stream_label)


def shards_of(client: Client, stream_arn: str) -> Iterable[Shard]:
    """All shards of a stream, parents before children; none when it is gone."""
    start: str | None = None
    while True:
        try:
            page = client.call(DescribeStream(stream_arn, exclusive_start_shard_id=start))
        except ResourceNotFound:
            return
        assert isinstance(page, DescribeStreamResult)
        yield from page.stream_description.shards
        start = page.stream_description.last_evaluated_shard_id
        if start is None:
            return


def parents_of(shard: Shard) -> Sequence[str]:
    """The ids of all shards that come before one."""
    if shard.parent_shard_ids:
        return shard.parent_shard_ids
    return () if shard.parent_shard_id is None else (shard.parent_shard_id,)


def _first_progress(shard: Shard, origin: Origin) -> Progress | None:
    """Where a new lease begins; ``None``: there is nothing in the shard for this application.

    A shard that began later is read from exactly there, so that records of it that were trimmed
    before anybody read them are found missing.
    """
    end = shard.ending_sequence_number
    if end is not None and end <= origin.done_up_to:
        return None
    if shard.starting_sequence_number > origin.sequence_number:
        return Progress(_number_before(shard.starting_sequence_number))
    if origin.starting_position == TRIM_HORIZON:
        return Progress(TRIM_HORIZON)
    return None if end is not None and end <= origin.sequence_number else Progress(origin.sequence_number)


def _number_before(sequence_number: str) -> str:
    return str(int(sequence_number) - 1).zfill(len(sequence_number))


def _ends(stream: StreamSummary, shards: Sequence[Shard]) -> tuple[str, ...]:
    """The lease keys of the shards that no other one of their stream follows."""
    followed = {parent for shard in shards for parent in parents_of(shard)}
    return tuple(
        lease_key(stream.stream_label, shard.shard_id) for shard in shards if shard.shard_id not in followed
    )


def _present_sequence_number(client: Client) -> str:
    """The sequence number of the last commit."""
    opened = client.call(OpenSnapshot())
    assert isinstance(opened, OpenSnapshotResult)
    client.call(ReleaseSnapshot(opened.snapshot_id))
    return f"1{opened.seqno:020d}"


def _label(stream_arn: str) -> str:
    return stream_arn.rpartition("/stream/")[2]
