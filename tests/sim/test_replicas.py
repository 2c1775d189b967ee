"""Regions under loss, cuts, crashes and wrong clocks: a sample of seeds; `make sim` runs more."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from unittest.mock import patch

import pytest

from kvdb.env.hlc import HybridClock, Stamp
from kvdb.lsm import wal
from kvdb.lsm.batch import BatchOperations, Operations, WriteBatch, without_echoes
from kvdb.lsm.engine import Snapshot
from kvdb.replica import applier, conflict
from kvdb.replica.acks import Acks, Gone
from kvdb.replica.applier import Applier, Taken, _Incoming
from kvdb.replica.conflict import Resolver, Verdict
from kvdb.replica.holds import Holds
from kvdb.replica.messages import SCANNED, Part, Want
from kvdb.replica.progress import Ack, Progress
from kvdb.replica.puller import Puller, TableLink
from kvdb.replica.source import Source
from kvdb.table import merging, mutation, replica_keys, row
from kvdb.table.catalog import Table
from kvdb.table.change import Recorder
from kvdb.table.lineage import Lineage
from kvdb.table.merging import MergeState
from kvdb.table.mutation import Change
from kvdb.table.shipping import Shipper
from kvdb.table.tombstones import Tombstones
from tests.support.replica_sim import Coverage, run_seed

BLOCK = 500


@pytest.mark.parametrize("block", range(4))
def test_regions_converge_on_the_latest_writes_whatever_happens(block: int) -> None:
    total = Coverage()
    for seed in range(1 + block * BLOCK, 1 + (block + 1) * BLOCK):
        world = run_seed(seed)
        for name in vars(total):
            setattr(total, name, getattr(total, name) + getattr(world.covered, name))
    # Runs that met little have shown little.
    assert total.writes > 4_000
    assert min(total.lost, total.doubled, total.cuts, total.jumps, total.stalls) > 200, total
    assert min(total.damaged, total.crashes_in_write) > 60, total
    assert total.crashes > 300, total
    assert min(total.crashes_in_step, total.added, total.removed) > 5, total
    assert total.conflicts > 300, total
    assert min(total.held, total.live) > 100, total
    assert min(total.refused, total.anew) > 30, total
    assert min(total.slow_syncs, total.forgotten) > 20, total
    assert total.expired > 200, total
    assert total.records > 3_000, total


@pytest.mark.parametrize("seed", [3, 17, 41])
def test_the_same_seed_is_the_same_run(seed: int) -> None:
    assert run_seed(seed).hash == run_seed(seed).hash
    assert run_seed(seed).hash != run_seed(seed + 1).hash


def arrival_wins() -> AbstractContextManager[object]:
    def last(stored: bytes, mine: object, incoming: bytes, theirs: object, *, is_conflict: bool) -> Verdict:
        return Verdict("INCOMING", incoming, is_conflict)

    return patch.object(conflict, "_last_writer", last)


def no_tombstones() -> AbstractContextManager[object]:
    add = Shipper.add

    def without(self: Shipper, batch: WriteBatch, change: Change, stamp: Stamp) -> bytes:
        stored = add(self, batch, change, stamp)
        if change.new is None:
            batch.delete(self.tombstones.key_of(change.key))
        return stored

    return patch.object(Shipper, "add", without)


def no_clock_merge() -> AbstractContextManager[object]:
    return patch.object(HybridClock, "merge", lambda self, seen: None)


def progress_before_data() -> AbstractContextManager[object]:
    take = Applier.take

    def early(
        self: Applier,
        table: Table,
        region: str,
        versions: list[bytes],
        progress: Progress,
        begun: Progress | None = None,
    ) -> Taken:
        key = replica_keys.link_key(table.descriptor.table_id, region)
        self._engine.write(WriteBatch().put(key, progress.encoded()))
        return take(self, table, region, versions, progress, begun)

    return patch.object(Applier, "take", early)


def place_after_the_scan() -> AbstractContextManager[object]:
    """What is written while the items are scanned is behind the place to go on from."""
    scanned, take_rows = Source._scanned, Puller._take_rows

    def late(self: Source, table: Table, want: Want, region: str, room: int) -> Part:
        return scanned(self, table, want, region, room)._replace(position=self._engine.last_seqno)

    def taking(self: Puller, link: TableLink, part: Part) -> bool:
        if part.status == SCANNED:
            link.progress = link.progress._replace(position=part.position)
        return take_rows(self, link, part)

    both = ExitStack()
    both.enter_context(patch.object(Source, "_scanned", late))
    both.enter_context(patch.object(Puller, "_take_rows", taking))
    return both


def place_after_the_snapshot() -> AbstractContextManager[object]:
    """What is written after the snapshot is behind the place to go on from."""
    begin = Holds.begin

    def late(self: Holds, table: Table, region: str, uuid: str) -> int:
        begin(self, table, region, uuid)
        return self._engine.last_seqno

    def whichever(self: Holds, table: Table, region: str, position: int) -> Snapshot | None:
        hold = self._holds.get((table.descriptor.table_id, region))
        return None if hold is None else hold.snapshot

    both = ExitStack()
    both.enter_context(patch.object(Holds, "begin", late))
    both.enter_context(patch.object(Holds, "at", whichever))
    return both


def held_for_ever() -> AbstractContextManager[object]:
    return patch.object(Holds, "_is_over", lambda self, hold, now: False)


def counters_by_the_larger() -> AbstractContextManager[object]:
    def joined(one: MergeState, other: MergeState) -> object:
        return {
            name: max((s.counters[name] for s in (one, other) if name in s.counters), key=len)
            for name in {*one.counters, *other.counters}
        }

    return patch.object(merging, "_joined_counters", joined)


def begin_moves_the_ack() -> AbstractContextManager[object]:
    def begin(self: Acks, table: Table, region: str, uuid: str) -> None:
        self.put(table, region, Ack(self._engine.last_seqno, uuid))

    return patch.object(Acks, "begin", begin)


def silent_tombstones() -> AbstractContextManager[object]:
    """An item that is written after its delete does not say that it includes it."""
    return patch.object(Tombstones, "announce", lambda self: None)


def notes_lost_in_a_crash() -> AbstractContextManager[object]:
    """What a region wrote before it crashed, and had not shipped, is not shipped."""

    def forgetful(operations: BatchOperations, seqno: int) -> Operations:
        plain = without_echoes(operations, seqno)
        for place, effect in enumerate(operations):
            if type(effect) is int:
                plain[place] = None
        return plain

    return patch.object(wal, "without_echoes", forgetful)


def no_tie_break() -> AbstractContextManager[object]:
    """Of versions of one moment the one stands that came last."""
    last_writer = conflict._last_writer

    def moments(
        stored: bytes, mine: Lineage, incoming: bytes, theirs: Lineage, *, is_conflict: bool
    ) -> Verdict:
        if row.stamp_of(stored)[:2] == row.stamp_of(incoming)[:2]:
            return Verdict("INCOMING", incoming, is_conflict)
        return last_writer(stored, mine, incoming, theirs, is_conflict=is_conflict)

    return patch.object(conflict, "_last_writer", moments)


def index_rows_of_the_loser_stay() -> AbstractContextManager[object]:
    def forgetful(*arguments: object, old_size: int, old_row: bytes | None, **more: object) -> Change:
        table, indexes, key, _, new = arguments
        return Change(table, indexes, key, None, new, old_row=old_row, **more)  # type: ignore[arg-type]

    return patch.object(applier, "Change", forgetful)


def records_of_what_was_written_here_alone() -> AbstractContextManager[object]:
    add, record = mutation.add, Recorder.add

    def adding(batch: WriteBatch, change: Change, stamp: Stamp) -> None:
        with patch.object(Recorder, "add", record if change.given is None else lambda *_, **__: None):
            add(batch, change, stamp)

    return patch.object(mutation, "add", adding)


def records_of_what_lost() -> AbstractContextManager[object]:
    """A version that comes is recorded, whatever then stands."""
    decided = Applier._decided

    def recording(
        self: Applier, table: Table, incoming: _Incoming, old_row: bytes | None, resolver: Resolver
    ) -> tuple[Change | None, Verdict, bytes | None]:
        change, verdict, stored = decided(self, table, incoming, old_row, resolver)
        recorder = table.indexes.recorder
        if verdict.outcome == "STORED" and recorder is not None and not row.is_tombstone(incoming.version):
            batch = WriteBatch()
            recorder.add(batch, incoming.key, old_row, incoming.version, incoming.stamp, by_service=False)
            self._engine.write(batch)
        return change, verdict, stored

    return patch.object(Applier, "_decided", recording)


def expiry_at_its_own_moment() -> AbstractContextManager[object]:
    """It takes what was written elsewhere meanwhile along."""
    version_of = Shipper._version_of

    def by_the_clock(self: Shipper, change: Change, stamp: Stamp) -> bytes:
        change.by_service = False
        return version_of(self, change, stamp)

    return patch.object(Shipper, "_version_of", by_the_clock)


def tombstones_gone_at_once() -> AbstractContextManager[object]:
    step = Gone.step
    return patch.object(Gone, "step", lambda self, table, before_ms: step(self, table, before_ms=1 << 50))


# With the seed at which each was found first: others follow, should the simulation change.
PLANTED: list[tuple[Callable[[], AbstractContextManager[object]], int]] = [
    (arrival_wins, 2),
    (no_tombstones, 1),
    (no_clock_merge, 62),
    (progress_before_data, 144),
    (place_after_the_scan, 20),
    (place_after_the_snapshot, 118),
    (held_for_ever, 6),
    (counters_by_the_larger, 9),
    (begin_moves_the_ack, 96),
    (silent_tombstones, 7),
    (notes_lost_in_a_crash, 28),
    (no_tie_break, 148),
    (index_rows_of_the_loser_stay, 2),
    (records_of_what_was_written_here_alone, 1),
    (records_of_what_lost, 2),
    (expiry_at_its_own_moment, 32),
    (tombstones_gone_at_once, 2),
]


@pytest.mark.parametrize(("bug", "seed"), PLANTED, ids=lambda value: getattr(value, "__name__", ""))
def test_a_planted_bug_is_found(bug: Callable[[], AbstractContextManager[object]], seed: int) -> None:
    with bug():
        for each in (*range(seed, seed + 50), *range(1, 2_000)):
            try:
                run_seed(each, 120)
            except Exception:
                return
    pytest.fail("the bug was not found")
