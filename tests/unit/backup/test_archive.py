"""The writer of an archive: what it ships, when, and what it does about a store that fails."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import pytest

import kvdb
from kvdb.backup import archive_expiry, names, on_demand, shelf
from kvdb.backup.archive_history import archived_databases, list_chunks, read_history
from kvdb.backup.places import open_store
from kvdb.backup.restore import restore
from kvdb.client.embedded_transport import EmbeddedTransport
from kvdb.database.database import Database
from kvdb.env.env import Env
from kvdb.errors import (
    BackupNotFound,
    ContinuousBackupsUnavailable,
    InvalidRestoreTime,
    ServiceUnavailable,
    ValidationError,
)
from kvdb.options import ArchiveOptions, DatabaseOptions, EngineOptions
from kvdb.testing import Fault, FaultyFileSystem, MemFileSystem
from tests.support.archives import Archived, Commit
from tests.support.s3_server import s3_server

DAY_MS = 24 * 3_600_000


def test_what_is_written_is_in_the_store_a_second_later() -> None:
    world = Archived(1)
    world.tick()
    for _ in range(5):
        world.write(3)
        world.tick()
        assert world.history().last_seqno == world.engine.last_seqno
        assert world.archive.status().lag_ms <= 1_000


def test_a_sealed_log_is_shipped_at_once_without_waiting_for_the_second() -> None:
    world = Archived(1)
    world.tick()
    world.write(3)
    world.engine.flush()
    world.jobs()
    assert world.history().last_seqno == world.engine.last_seqno


def test_small_chunks_are_joined_so_that_their_number_is_bounded() -> None:
    world = Archived(1)
    world.tick()
    for _ in range(150):
        world.write(1)
        world.tick()
    (segment,) = (segment for run in world.history().runs for segment in run.segments)
    assert len(segment.chunks) < 10
    listed = list(world.store(world.env).listed(names.log_of(world.archive.database_id, segment.epoch.epoch)))
    assert len(listed) == len(segment.chunks), "what was joined is deleted"


def test_logs_go_once_they_are_in_the_store() -> None:
    world = Archived(1)
    world.tick()
    for _ in range(10):
        world.write(20)
        world.tick()
    assert world.archive.status().held_bytes < 10_000


def test_bases_are_made_by_bytes_of_log_and_by_hours() -> None:
    world = Archived(1, archive_options=ArchiveOptions("store", base_log_bytes=4_000, base_hours=24))
    world.tick()
    first = world.archive.status().base_seqno
    world.write(80)
    world.tick()
    second = world.archive.status().base_seqno
    assert second is not None
    assert first is not None
    assert second > first
    world.write(1)
    world.tick()
    world.tick(70_000)
    assert world.archive.status().base_seqno == second
    world.tick(DAY_MS)
    assert world.archive.status().base_seqno == world.engine.last_seqno
    world.tick(3 * DAY_MS)
    assert world.archive.status().base_seqno == world.engine.last_seqno, "without a write there is no need"


def test_the_window_moves_and_what_is_older_goes() -> None:
    options = ArchiveOptions("store", window_days=3)
    world = Archived(5, archive_options=options)
    world.tick()
    objects = []
    for day in range(12):
        world.write(20)
        world.label(f"day {day}")
        world.tick(DAY_MS // 2)
        world.tick(70_000)
        world.tick(DAY_MS // 2)
        world.tick(70_000)
        if day == 6:
            world.crash()
            world.tick()
        objects.append(len(shelf.backup_ids(world.store(world.env))))
    history = world.history()
    start_ms = world.clock.wall_ms() - 3 * DAY_MS
    first = history.ranges()[0]
    assert first.first_ms <= start_ms, "all of the window can be restored"
    assert first.first_ms > start_ms - 3 * DAY_MS, "and not much more is kept"
    assert objects[-1] <= 6
    for commit in world.commits:
        if commit.wall_ms >= start_ms:
            assert world.restored(commit.seqno, history=history) == (commit.seqno, commit.content)
    with pytest.raises(InvalidRestoreTime):
        history.plan(world.commits[3].seqno)
    with pytest.raises(InvalidRestoreTime):
        history.point_of_label("day 0")
    assert history.point_of_label("day 11") > 0


def test_expiry_leaves_what_a_user_has_backed_up_and_takes_a_base_nobody_noted() -> None:
    world = Archived(5)
    world.tick()
    world.write(30)
    world.tick()
    store = world.store(world.env)
    mine = on_demand.create(world.env, world.engine, store)
    orphan = on_demand.create(world.env, world.engine, store, kind="base")
    world.clock.advance_ms(7 * 3_600_000)
    archive_expiry.expire(world.env, store, world.archive.database_id, 35, set())
    left = shelf.backup_ids(store)
    assert mine.backup_id in left
    assert orphan.backup_id not in left
    assert world.restored(world.engine.last_seqno)[1] == world.commits[-1].content


def test_a_store_that_fails_is_tried_again_and_nothing_is_lost() -> None:
    store_fs = FaultyFileSystem(MemFileSystem())
    world = Archived(2, store_fs=store_fs)
    world.tick()
    world.write(10)
    world.tick()
    store_fs.fail(Fault("*", for_ever=True))
    for _ in range(10):
        world.write(5)
        world.tick()
    status = world.archive.status()
    assert status.state == "behind"
    assert status.reason
    assert status.lag_ms > 5_000
    assert world.env.metrics.read()["archive_is_ok"] == 0
    assert world.env.metrics.read()["archive_store_failures_total"] > 1
    store_fs.heal()
    world.settle()
    history = world.history()
    assert len(history.runs) == 1
    for commit in world.commits[1:]:
        assert world.restored(commit.seqno, history=history) == (commit.seqno, commit.content)
    assert world.env.metrics.read()["archive_is_ok"] == 1


def test_a_bulk_load_gets_a_base_and_points_between_are_refused() -> None:
    world = Archived(2)
    world.tick()
    world.write(5)
    before = world.commits[-1]
    # As a kvdb that knew of no archive would.
    world.engine._options = dataclasses.replace(world.options, log_hold_bytes=0)
    seqno = world.engine.ingest([(b"zz-%03d" % number, b"v") for number in range(50)])
    world.write(3)
    loaded = {b"zz-%03d" % number: b"v" for number in range(50)}
    world.tick()
    world.tick(70_000)
    world.write(3)
    after = world.commits[-1]
    world.settle()
    history = world.history()
    assert world.archive.status().base_seqno is not None
    assert (world.archive.status().base_seqno or 0) > seqno
    assert world.restored(before.seqno, history=history) == (before.seqno, before.content)
    assert world.restored(after.seqno, history=history) == (after.seqno, {**after.content, **loaded})
    with pytest.raises(InvalidRestoreTime, match=f"a bulk load at seqno {seqno}"):
        history.plan(seqno + 1)


def test_what_is_loaded_in_bulk_is_in_the_log_of_a_database_that_is_archived() -> None:
    world = Archived(2)
    world.tick()
    world.write(5)
    seqno = world.engine.ingest([(b"zz-%03d" % number, bytes(200)) for number in range(50)])
    loaded = {b"zz-%03d" % number: bytes(200) for number in range(50)}
    before = world.commits[-1]
    world.commits.append(Commit(seqno, before.wall_ms, {**before.content, **loaded}))
    world.write(3)
    world.crash()
    world.settle()
    history = world.history()
    for commit in world.commits:
        assert world.restored(commit.seqno, history=history) == (commit.seqno, commit.content)
    with pytest.raises(ValidationError):
        world.engine.ingest([(b"b", b""), (b"a", b"")])


def test_labels_are_of_what_was_shipped_once_and_by_one_name() -> None:
    store_fs = FaultyFileSystem(MemFileSystem())
    world = Archived(2, store_fs=store_fs)
    world.tick()
    world.write(5)
    world.label("here")
    assert world.history().point_of_label("here") == world.engine.last_seqno
    with pytest.raises(ValidationError, match="taken"):
        world.archive.label("here")
    for bad in ("", "x" * 256, "a\nb"):
        with pytest.raises(ValidationError, match="a label has"):
            world.archive.label(bad)
    with pytest.raises(InvalidRestoreTime, match="no such label"):
        world.history().point_of_label("there")
    world.write(1)
    store_fs.fail(Fault("create", for_ever=True))
    with pytest.raises(ServiceUnavailable):
        world.archive.label("later")
    store_fs.heal()
    world.close()
    with pytest.raises(ContinuousBackupsUnavailable):
        world.archive.label("late")


def test_points_that_are_not_there_are_refused_by_name() -> None:
    world = Archived(2)
    world.tick()
    world.write(5)
    world.settle()
    history = world.history()
    with pytest.raises(InvalidRestoreTime, match="not in the archive yet"):
        history.plan(world.engine.last_seqno + 1)
    with pytest.raises(InvalidRestoreTime, match="not yet"):
        history.point_at(world.clock.wall_ms() + 1)
    with pytest.raises(BackupNotFound):
        world.history(epoch="00000009-00000000")


def test_the_archive_of_a_closed_database_is_complete() -> None:
    world = Archived(2)
    world.tick()
    world.write(9)
    world.close()
    history = world.history()
    assert history.last_seqno == world.commits[-1].seqno
    assert history.head is not None
    assert history.complete_ms >= world.commits[-1].wall_ms
    assert world.restored(history.last_seqno)[1] == world.commits[-1].content


def test_a_damaged_tail_of_the_archive_gives_a_gap_and_not_another_history() -> None:
    store_fs = MemFileSystem()
    world = Archived(2, store_fs=store_fs)
    world.tick()
    world.write(5)
    world.settle()
    world.close()
    (epoch,) = (segment.epoch.epoch for run in world.history().runs for segment in run.segments)
    chunk = list_chunks(world.store(world.env), world.archive.database_id, epoch)[-1]
    store_fs._inode(f"store/{chunk.name}").content[700] ^= 1
    world.open()
    world.settle()
    history = world.history()
    assert len(history.runs) == 2
    assert world.archive.status().gaps == 1
    assert world.restored(world.engine.last_seqno)[1] == world.commits[-1].content


def test_an_archive_lies_in_an_object_store_as_well() -> None:
    with s3_server() as settings:
        world = Archived(12, s3=("s3://backups/archive", settings))
        world.tick()
        for _ in range(4):
            world.write(6)
            world.tick()
        world.crash()
        world.write(6)
        world.settle()
        history = world.history()
        assert archived_databases(world.store(world.env)) == [world.archive.database_id]
        for commit in world.commits[::4]:
            assert world.restored(commit.seqno, history=history) == (commit.seqno, commit.content)
        world.close()


def test_what_a_killed_writer_left_half_written_goes() -> None:
    world = Archived(5)
    world.tick()
    world.write(5)
    world.settle()
    chunk = world.history().newest.chunks[0]
    left = f"store/{chunk.name}.0011-7.tmp"
    world.store_fs.create(left).append(b"half")
    world.crash()
    world.settle()
    archive_expiry.expire(world.env, world.store(world.env), world.archive.database_id, 35, set())
    assert not world.store_fs.exists(left)
    assert world.restored(world.engine.last_seqno)[1] == world.commits[-1].content


def test_a_database_in_memory_or_read_only_has_no_archive(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="no archive"):
        kvdb.open(":memory:", archive=str(tmp_path / "store"))
    kvdb.open(str(tmp_path / "db")).close()
    with pytest.raises(ValidationError, match="no archive"):
        kvdb.open(str(tmp_path / "db"), read_only=True, archive=str(tmp_path / "store"))


@pytest.mark.parametrize("changes", [{"url": ""}, {"window_days": 0}, {"window_days": 36}, {"base_hours": 0}])
def test_options_that_make_no_sense_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ArchiveOptions(**{"url": "store", **changes})  # type: ignore[arg-type]


def embedded(client: kvdb.Client) -> Database:
    """The database behind a client in this process."""
    transport = client._transport
    assert isinstance(transport, EmbeddedTransport)
    return transport._database


def test_a_database_archives_in_threads_of_its_own_and_restores(tmp_path: Path) -> None:
    store_path = str(tmp_path / "store")
    options = DatabaseOptions(
        engine=EngineOptions(memtable_size_bytes=50_000),
        archive=ArchiveOptions(store_path, ship_interval_ms=20),
    )
    with kvdb.open(str(tmp_path / "db"), options=options) as db:
        table = db.create_table("ttt", key=("k", "S"))
        archive = embedded(db).archive
        assert archive is not None
        deadline = time.monotonic() + 30
        while archive.status().base_seqno is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        for number in range(500):
            table.put({"k": f"k{number}", "v": "x" * 200})
    env = Env.system()
    store = open_store(store_path, env)
    (database_id,) = archived_databases(store)
    history = read_history(store, database_id)
    restore(env, history.plan(history.last_seqno), str(tmp_path / "restored"))
    with kvdb.open(str(tmp_path / "restored")) as db:
        assert len(list(db.table("ttt").scan())) == 500
