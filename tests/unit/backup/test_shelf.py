"""Deleting takes what only that backup had; a sweep never takes what a backup under way refers to."""

from __future__ import annotations

import random

import pytest

from kvdb.backup import names, on_demand, restore, shelf
from kvdb.backup.manifest import Manifest
from kvdb.backup.retention import Retention, kept
from kvdb.backup.store import BackupStore
from kvdb.env.env import Env
from kvdb.errors import BackupNotFound, CorruptionError, ServiceUnavailable, ValidationError
from kvdb.lsm.engine import Engine
from kvdb.testing import ManualClock, MemFileSystem
from tests.support.backups import fill, flip, make_table, restored_content, store_of
from tests.support.engines import content, open_engine, put

_DAY_MS = 24 * 60 * 60 * 1000


def _three_backups() -> tuple[
    MemFileSystem, Engine, Env, BackupStore, list[tuple[Manifest, dict[bytes, bytes]]]
]:
    fs = MemFileSystem()
    engine, env = open_engine(fs)
    make_table(engine, "one", 1)
    store = store_of(env)
    made = []
    for seed in range(3):
        fill(engine, random.Random(seed), 60)
        engine.compact()
        made.append((on_demand.create(env, engine, store), content(engine)))
    return fs, engine, env, store, made


def _objects(store: BackupStore) -> set[str]:
    return {stored.name for stored in store.listed(names.OBJECTS)}


@pytest.mark.parametrize("place", range(3))
def test_deleting_one_backup_leaves_the_others_whole(place: int) -> None:
    fs, _, env, store, made = _three_backups()
    shelf.delete(env, store, made[place][0].backup_id)
    del made[place]
    for number, (manifest, model) in enumerate(made):
        restore.restore(env, restore.plan_backup(store, manifest.backup_id), f"target-{number}")
        assert restored_content(fs, f"target-{number}") == model
    referred = {part.object_name for manifest, _ in made for part in manifest.parts}
    assert _objects(store) == referred


def test_the_last_backup_takes_everything_with_it() -> None:
    _, _, env, store, made = _three_backups()
    for manifest, _ in made:
        swept = shelf.delete(env, store, manifest.backup_id)
    assert swept.objects
    assert all(not list(store.listed(folder)) for folder in names.FOLDERS)


def test_deleting_what_is_not_there_is_refused() -> None:
    _, _, env, store, _ = _three_backups()
    with pytest.raises(BackupNotFound):
        shelf.delete(env, store, "00000000000001-00000000")
    with pytest.raises(ValidationError):
        shelf.delete(env, store, "../etc")


def test_a_sweep_waits_for_the_end_of_a_backup_and_forgets_one_that_died() -> None:
    _, _, env, store, made = _three_backups()
    claim = shelf.Claim(env, store, names.pending_name("00000000000007-00000000"))
    claim.__enter__()
    before = _objects(store)
    assert shelf.delete(env, store, made[0][0].backup_id).is_deferred
    assert _objects(store) == before
    assert isinstance(env.clock, ManualClock)
    env.clock.advance_ms(shelf.STALE_MS + 1)
    swept = shelf.sweep(env, store)
    assert not swept.is_deferred
    assert _objects(store) < before
    assert not list(store.listed(names.PENDING))


def test_a_backup_waits_for_a_sweep_and_not_for_ever() -> None:
    _, engine, env, store, _ = _three_backups()
    sweep = shelf.Claim(env, store, names.sweep_name("00000000000007-00000000"))
    with sweep, pytest.raises(ServiceUnavailable, match="swept"):
        on_demand.create(env, engine, store)
    assert on_demand.create(env, engine, store)


def test_a_sweep_in_the_midst_of_a_backup_takes_nothing_from_it() -> None:
    """The backup finds objects that no manifest refers to any more, and a sweep comes then."""
    fs, engine, env, store, made = _three_backups()
    for manifest, _ in made:
        store.delete(names.manifest_name(manifest.backup_id))
    sweeps = []
    done = on_demand.create(
        env, engine, store, on_progress=lambda progress: sweeps.append(shelf.sweep(env, store))
    )
    assert sweeps and all(swept.is_deferred for swept in sweeps)
    restore.restore(env, restore.plan_backup(store, done.backup_id), "target")
    assert restored_content(fs, "target") == content(engine)


def test_nothing_is_swept_while_a_manifest_cannot_be_read() -> None:
    fs, _, env, store, made = _three_backups()
    flip(fs, f"store/backups/{made[1][0].backup_id}.json", 40)
    before = _objects(store)
    with pytest.raises(CorruptionError, match=made[1][0].backup_id):
        shelf.delete(env, store, made[0][0].backup_id)
    assert _objects(store) == before


def test_remains_of_interrupted_puts_go_with_a_sweep() -> None:
    fs, _, env, store, _ = _three_backups()
    fs.create("store/objects/" + "0" * 64 + ".sst.ab-1.tmp").close()
    shelf.sweep(env, store)
    assert not any(name.endswith(".tmp") for name in fs.list_dir("store/objects"))


def test_pruning_keeps_what_the_policy_says_and_sweeps() -> None:
    _, engine, env, store, made = _three_backups()
    assert isinstance(env.clock, ManualClock)
    for _ in range(4):
        env.clock.advance_ms(_DAY_MS)
        put(engine, b"\0\0\0\1day", b"x" * 50)
        made.append((on_demand.create(env, engine, store), content(engine)))
    would, _ = shelf.prune(env, store, Retention(last=2), dry_run=True)
    assert len(shelf.backup_ids(store)) == 7
    deleted, _ = shelf.prune(env, store, Retention(last=2))
    assert deleted == would == [manifest.backup_id for manifest, _ in made[:5]]
    assert shelf.backup_ids(store) == [manifest.backup_id for manifest, _ in made[5:]]


def test_a_retention_that_keeps_nothing_is_refused() -> None:
    with pytest.raises(ValidationError, match="every backup"):
        Retention()
    with pytest.raises(ValidationError):
        Retention(last=-1)


def test_of_each_period_the_newest_is_kept() -> None:
    start = 1_767_225_600_000  # 2026-01-01, a Thursday
    times = [start + day * _DAY_MS + hour * 3_600_000 for day in range(60) for hour in (3, 15)]
    daily = kept(times, Retention(daily=3))
    assert daily == {start + day * _DAY_MS + 15 * 3_600_000 for day in (57, 58, 59)}
    monthly = kept(times, Retention(monthly=2))
    assert monthly == {start + day * _DAY_MS + 15 * 3_600_000 for day in (58, 59)}
    weekly = kept(times, Retention(weekly=2))
    assert weekly == {start + day * _DAY_MS + 15 * 3_600_000 for day in (52, 59)}
    assert kept(times, Retention(last=5, daily=3)) == daily | set(times[-5:])
    assert kept([], Retention(last=1)) == set()
