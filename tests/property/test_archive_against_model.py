"""Whatever happens to a database and its archive, every point restores to what the database was there.

A seeded workload keeps a model of every commit. Meanwhile memtables are flushed, the database is closed,
killed and loses power, the store fails for a while, bases are made, tables are compacted. Then points are
drawn: seqnos, milliseconds and labels, each restored from the store alone and compared with the model.

``make pitr`` draws ten times as many points from ten times as many histories.
"""

from __future__ import annotations

import dataclasses
import os
import random

import pytest

from kvdb.errors import InvalidRestoreTime
from kvdb.options import ArchiveOptions, SyncMode
from kvdb.testing import Fault, FaultyFileSystem, MemFileSystem
from tests.support.archives import Archived
from tests.support.engines import small_options

SCALE = int(os.environ.get("KVDB_PITR_SCALE", "1"))
HISTORIES = 20 * SCALE
POINTS = 50
"""Of each history: 1,000 in all, or 10,000."""
_MODES: tuple[SyncMode, ...] = ("commit", "commit", "interval", "none")


def history_of(seed: int) -> Archived:
    """One history, archived to its end."""
    chance = random.Random(seed)
    store_fs = FaultyFileSystem(MemFileSystem())
    options = small_options(
        chance.choice(_MODES),
        log_hold_bytes=1 << 24,
        memtable_size_bytes=chance.choice([2_000, 4_000, 20_000]),
        log_pad_bytes=chance.choice([0, 0, 512]),
    )
    archive_options = ArchiveOptions("store", base_log_bytes=chance.choice([3_000, 8_000, 1 << 30]))
    world = Archived(seed, options, archive_options, store_fs=store_fs)
    world.tick()
    for turn in range(40):
        world.write(chance.randrange(8))
        what = chance.randrange(14)
        if what == 0:
            world.crash(chance.choice(["strict", "all", "prefix", "random"]))
        elif what == 1:
            world.close()
            world.open()
        elif what == 2:
            world.engine.flush()
        elif what == 3:
            world.engine.compact()
        elif what == 4:
            world.archive.want_base()
        elif what == 5:
            operation = chance.choice(["create", "append", "sync", "rename", "list_dir", "open_own"])
            store_fs.fail(Fault(operation, nth=chance.randrange(1, 4)))
        elif what == 6:
            world.label(f"label {turn}")
        if chance.random() < 0.8:
            world.tick()
    world.settle()
    return world


def points_of(world: Archived, count: int) -> int:
    """Restore and compare points of every kind; returns how many."""
    history = world.history()
    assert len(history.runs) == 1, "nothing was lost"
    first = history.ranges()[0]
    assert history.last_seqno == world.engine.last_seqno
    done = 0
    while done < count:
        kind = world.chance.randrange(3)
        if kind == 0:
            seqno = world.chance.randint(first.first_seqno, history.last_seqno)
        elif kind == 1 or not world.labels:
            wall_ms = world.chance.randint(first.first_ms, history.complete_ms)
            seqno = history.point_at(wall_ms)
            assert seqno == world.commit_at_ms(wall_ms).seqno
        else:
            label = world.chance.choice(sorted(world.labels))
            seqno = history.point_of_label(label)
            assert seqno == world.labels[label]
        expected = world.commit_at(seqno)
        assert world.restored(seqno, history=history) == (expected.seqno, expected.content)
        done += 1
    return done


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_any_point_restores_to_what_the_database_was(seed: int) -> None:
    world = history_of(seed)
    assert len(world.commits) > 60, "a history with less proves nothing"
    assert points_of(world, POINTS) == POINTS
    world.close()


@pytest.mark.parametrize("seed", range(6 * SCALE))
def test_behind_an_outage_longer_than_the_bound_the_archive_goes_on_and_the_gap_is_told(seed: int) -> None:
    chance = random.Random(seed)
    store_fs = FaultyFileSystem(MemFileSystem())
    options = small_options(log_hold_bytes=6_000)
    archive_options = ArchiveOptions("store", held_bytes_max=6_000)
    world = Archived(seed, options, archive_options, store_fs=store_fs)
    world.tick()
    for _ in range(6):
        world.write(6)
        world.tick()
    world.settle()
    before = world.engine.last_seqno
    before_ms = world.commits[-1].wall_ms
    store_fs.fail(Fault("*", for_ever=True))
    for _ in range(chance.randrange(25, 40)):
        world.write(6)
        world.tick(400)
    status = world.archive.status()
    assert status.state == "gap"
    assert status.reason
    assert status.gaps >= 1
    lost_from = world.engine.last_seqno
    store_fs.heal()
    if chance.random() < 0.5:
        world.crash()
    world.settle()
    assert world.archive.status().state == "ok"
    world.write(10)
    world.settle()
    history = world.history()
    first, second = history.ranges()
    assert first.last_seqno >= before
    assert second.first_seqno >= lost_from
    for commit in world.commits:
        if first.first_seqno <= commit.seqno <= first.last_seqno or commit.seqno >= second.first_seqno:
            assert world.restored(commit.seqno, history=history) == (commit.seqno, commit.content)
        else:
            with pytest.raises(InvalidRestoreTime, match=r"gap|no base"):
                history.plan(commit.seqno)
    assert history.point_at(before_ms) == before
    with pytest.raises(InvalidRestoreTime, match="gap"):
        history.point_at(next(c.wall_ms for c in world.commits if c.seqno > first.last_seqno) + 1)


def test_a_second_writer_ends_the_first_and_neither_harms_the_line_of_the_other() -> None:
    world = Archived(3)
    world.tick()
    world.write(10)
    world.settle()
    forked_at = world.engine.last_seqno
    other = dataclasses.replace(
        world, fs=world.fs.after_crash("all"), seed=77, commits=list(world.commits), opens=50
    )
    other.write(10)
    other.settle()
    world.write(15)
    world.tick(6_000)
    assert world.archive.status().state == "fenced"
    assert "another writer" in world.archive.status().reason
    other.write(5)
    other.settle()
    history = other.history()
    for commit in other.commits:
        assert other.restored(commit.seqno, history=history) == (commit.seqno, commit.content)
    epochs = [segment.epoch.epoch for run in history.runs for segment in run.segments]
    mine = world.history(epoch=epochs[0])
    for commit in world.commits:
        if forked_at < commit.seqno <= mine.last_seqno:
            assert world.restored(commit.seqno, history=mine) == (commit.seqno, commit.content)
