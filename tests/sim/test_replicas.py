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
from kvdb.replica import conflict
from kvdb.replica.acks import Acks
from kvdb.replica.applier import Applier, Taken
from kvdb.replica.conflict import Verdict
from kvdb.replica.holds import Holds
from kvdb.replica.messages import SCANNED, Part, Want
from kvdb.replica.progress import Ack, Progress
from kvdb.replica.puller import Puller, TableLink
from kvdb.replica.source import Source
from kvdb.table import merging, replica_keys
from kvdb.table.catalog import Table
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

    def early(self: Applier, table: Table, region: str, versions: list[bytes], progress: Progress) -> Taken:
        key = replica_keys.link_key(table.descriptor.table_id, region)
        self._engine.write(WriteBatch().put(key, progress.encoded()))
        return take(self, table, region, versions, progress)

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


def any_page_that_comes() -> AbstractContextManager[object]:
    """Even one that goes on from a page that was not taken in."""
    return patch.object(TableLink, "is_at", lambda self, want: True)


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


# With the seed at which each was found first: others follow, should the simulation change.
PLANTED: list[tuple[Callable[[], AbstractContextManager[object]], int]] = [
    (arrival_wins, 1),
    (no_tombstones, 1),
    (no_clock_merge, 68),
    (progress_before_data, 798),
    (place_after_the_scan, 3),
    (place_after_the_snapshot, 9),
    (held_for_ever, 54),
    (any_page_that_comes, 60),
    (counters_by_the_larger, 3),
    (begin_moves_the_ack, 9),
    (silent_tombstones, 5),
    (notes_lost_in_a_crash, 84),
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
