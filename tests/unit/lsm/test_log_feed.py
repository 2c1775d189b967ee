"""What a feed hands out is the log, whole and in order, whatever is flushed, lost and reopened."""

from __future__ import annotations

import random

import pytest

from kvdb.lsm.batch import Operations
from kvdb.lsm.engine import Engine, WriteBatch
from kvdb.lsm.log_feed import LogGap, LogPlace
from kvdb.lsm.wal import read_piece
from kvdb.options import SyncMode
from kvdb.testing import Fault, FaultyFileSystem, MemFileSystem, sim_env
from tests.support.engines import names, open_engine, put, small_options

Commits = dict[int, Operations]


class Reader:
    """Follows a feed as an archive does, and remembers what it read."""

    def __init__(self, place: LogPlace) -> None:
        self.place = place
        self.commits: Commits = {}

    def follow(self, engine: Engine, bytes_max: int = 1 << 20) -> None:
        feed = engine.log_feed
        end = feed.end()
        while self.place.seqno < end.place.seqno:
            piece = feed.next_piece(self.place, end, bytes_max=bytes_max)
            assert piece is not None
            assert piece.end.seqno >= piece.start.seqno
            for record in read_piece(piece.data, piece.start.number, database_id=feed.database_id):
                assert record.seqno not in self.commits, "nothing comes twice"
                assert piece.first_ms <= record.wall_ms <= piece.last_ms
                self.commits[record.seqno] = record.operations
            self.place = piece.end
            feed.check(self.place)


def start(engine: Engine) -> Reader:
    return Reader(engine.log_feed.end().place)


def write(engine: Engine, chance: random.Random, commits: Commits) -> None:
    batch = WriteBatch()
    for _ in range(chance.choice([1, 1, 3])):
        batch.put(b"key-%02d" % chance.randrange(30), chance.randbytes(chance.choice([5, 60, 900])))
    last = engine.write(batch)
    commits[last - len(batch) + 1] = batch.operations


@pytest.mark.parametrize("sync", ["commit", "interval", "none"])
@pytest.mark.parametrize("seed", range(6))
def test_a_reader_gets_every_commit_once_through_flushes_crashes_and_reopens(
    seed: int, sync: SyncMode
) -> None:
    chance = random.Random(f"{seed} {sync}")
    options = small_options(sync, log_hold_bytes=1 << 30, log_pad_bytes=chance.choice([0, 512]))
    fs = MemFileSystem()
    engine, env = open_engine(fs, options, seed=seed)
    commits: Commits = {}
    reader = start(engine)
    for turn in range(60):
        for _ in range(chance.randrange(6)):
            write(engine, chance, commits)
        match chance.randrange(8):
            case 0:
                engine.flush()
            case 1:
                env.jobs.run_until_idle()
            case 2:
                fs = fs.after_crash(chance.choice(["strict", "all", "prefix", "random"]), seed=turn)
                env = sim_env(fs, seed=1000 * seed + turn)
                engine = Engine.open("db", env, options)
                commits = {seqno: done for seqno, done in commits.items() if seqno <= engine.last_seqno}
                engine.log_feed.check(reader.place)
            case 3:
                engine.close()
                env = sim_env(fs, seed=1000 * seed + turn)
                engine = Engine.open("db", env, options)
            case _:
                reader.follow(engine, chance.choice([100, 700, 1 << 20]))
    reader.follow(engine)
    assert reader.commits == commits
    assert len(commits) > 50


def test_nothing_is_handed_out_that_is_not_durable() -> None:
    fs = MemFileSystem()
    engine, _ = open_engine(fs, small_options("none", log_hold_bytes=1 << 30))
    reader = start(engine)
    put(engine, b"a", b"1")
    reader.follow(engine)
    assert list(reader.commits) == [1]
    crashed = fs.after_crash("strict")
    again = Engine.open("db", sim_env(crashed, seed=9), small_options("none"))
    assert again.get(b"a") == b"1"


def test_after_a_failed_sync_only_what_was_synced_is_handed_out() -> None:
    faulty = FaultyFileSystem(MemFileSystem())
    engine, _ = open_engine(faulty, small_options(log_hold_bytes=1 << 30))
    reader = start(engine)
    put(engine, b"a", b"1")
    faulty.fail(Fault("sync_data", "*.log"))
    with pytest.raises(Exception, match="sync failed"):
        put(engine, b"b", b"2")
    end = engine.log_feed.end()
    assert end.complete_ms is None, "nobody knows what the next open finds"
    reader.follow(engine)
    assert list(reader.commits) == [1]


def test_no_write_behind_the_end_is_as_early_as_it_is_complete() -> None:
    fs = MemFileSystem()
    engine, env = open_engine(fs, small_options(log_hold_bytes=1 << 30))
    put(engine, b"a", b"1")
    end = engine.log_feed.end()
    assert end.complete_ms is not None
    env.clock.set_wall_ms(env.clock.wall_ms() - 5_000)
    reader = Reader(end.place)
    put(engine, b"b", b"2")
    piece = engine.log_feed.next_piece(reader.place, engine.log_feed.end(), bytes_max=1000)
    assert piece is not None
    assert piece.first_ms > end.complete_ms


def test_a_log_that_is_gone_is_a_gap() -> None:
    fs = MemFileSystem()
    engine, _ = open_engine(fs, small_options(log_hold_bytes=1 << 30))
    reader = start(engine)
    put(engine, b"a", b"1")
    engine.flush()
    put(engine, b"b", b"2")
    fs.remove(f"db/{names(fs, '.log')[0]}")
    with pytest.raises(LogGap, match="not there any more"):
        reader.follow(engine)
    with pytest.raises(LogGap):
        engine.log_feed.check(reader.place)


def test_another_history_of_the_same_database_does_not_go_on_from_a_place() -> None:
    fs = MemFileSystem()
    engine, _ = open_engine(fs, small_options(log_hold_bytes=1 << 30))
    put(engine, b"a", b"1")
    fork = fs.after_crash("all")
    put(engine, b"b", b"2")
    place = engine.log_feed.end().place
    other = Engine.open("db", sim_env(fork, seed=4), small_options(log_hold_bytes=1 << 30))
    put(other, b"b", b"3")
    with pytest.raises(LogGap):
        other.log_feed.check(place)
    engine.log_feed.check(place)


def test_a_damaged_log_is_a_gap_and_never_handed_out() -> None:
    fs = MemFileSystem()
    engine, _ = open_engine(fs, small_options(log_hold_bytes=1 << 30))
    reader = start(engine)
    for number in range(5):
        put(engine, b"k%d" % number, b"value")
    engine.flush()
    put(engine, b"z", b"1")
    fs._inode(f"db/{names(fs, '.log')[0]}").content[700] ^= 4
    with pytest.raises(LogGap):
        reader.follow(engine)


def test_a_bulk_load_is_told_of() -> None:
    fs = MemFileSystem()
    engine, _ = open_engine(fs, small_options(log_hold_bytes=1 << 30))
    reader = start(engine)
    put(engine, b"a", b"1")
    engine._options = small_options()
    seqno = engine.ingest([(b"x", b"1"), (b"y", b"2")])
    piece = engine.log_feed.next_piece(reader.place, engine.log_feed.end(), bytes_max=1 << 20)
    assert piece is not None
    assert piece.ingests == (seqno,)
