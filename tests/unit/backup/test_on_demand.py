"""A backup is one moment of a database in use, and stores only what the store does not have."""

from __future__ import annotations

import random

import pytest

from kvdb.backup import on_demand, restore, shelf
from kvdb.backup.manifest import read_manifest
from kvdb.errors import CorruptionError, ResourceNotFound, ServiceUnavailable
from kvdb.testing import Fault, FaultyFileSystem, ManualClock, MemFileSystem, sim_env
from tests.support.backups import fill, flip, make_table, restored_content, rows_of, store_of
from tests.support.engines import content, open_engine, put


@pytest.mark.parametrize("seed", range(6))
def test_a_restored_backup_has_what_was_there_at_its_moment(seed: int) -> None:
    chance = random.Random(seed)
    fs = MemFileSystem()
    engine, env = open_engine(fs)
    make_table(engine, "one", 1)
    store = store_of(env)
    expected = []
    for _ in range(3):
        fill(engine, chance, chance.choice([0, 5, 80]))
        if chance.random() < 0.5:
            env.jobs.run_until_idle()
        made = on_demand.create(env, engine, store)
        expected.append((made, content(engine)))
    fill(engine, chance, 50)
    env.jobs.run_until_idle()
    for number, (made, model) in enumerate(expected):
        restore.restore(env, restore.plan_backup(store, made.backup_id), f"target-{number}")
        assert restored_content(fs, f"target-{number}") == model


def test_writes_during_a_backup_are_not_in_it() -> None:
    fs = MemFileSystem()
    engine, env = open_engine(fs)
    make_table(engine, "one", 1)
    fill(engine, random.Random(1), 100)
    model = content(engine)

    def write_on(progress: on_demand.Progress) -> None:
        fill(engine, random.Random(progress.bytes_done), 20)
        env.jobs.run_until_idle()
        engine.compact()

    made = on_demand.create(env, engine, store_of(env), on_progress=write_on)
    restore.restore(env, restore.plan_backup(store_of(env), made.backup_id), "target")
    assert restored_content(fs, "target") == model
    assert content(engine) != model


def test_what_is_not_in_sstables_yet_is_in_the_backup_as_log() -> None:
    fs = MemFileSystem()
    engine, env = open_engine(fs)
    make_table(engine, "one", 1)
    put(engine, b"\0\0\0\1a", b"before the flush")
    flush = engine.flush

    def flush_and_write() -> None:
        flush()
        put(engine, b"\0\0\0\1b", b"after the flush")

    engine.flush = flush_and_write  # type: ignore[method-assign]
    made = on_demand.create(env, engine, store_of(env))
    assert any(part.file.endswith(".log") for part in made.parts)
    restore.restore(env, restore.plan_backup(store_of(env), made.backup_id), "target")
    assert restored_content(fs, "target")[b"\0\0\0\1b"] == b"after the flush"


def test_unchanged_sstables_are_not_stored_again_nor_read() -> None:
    fs = FaultyFileSystem(MemFileSystem())
    engine, env = open_engine(fs)
    make_table(engine, "one", 1)
    fill(engine, random.Random(3), 300)
    engine.compact()
    first = on_demand.create(env, engine, store_of(env))
    fs.calls.clear()
    put(engine, b"\0\0\0\1zzz", b"one more")
    second = on_demand.create(env, engine, store_of(env))
    assert first.stored_bytes == first.size_bytes
    assert 0 < second.stored_bytes < first.stored_bytes // 5
    kept = {part.file for part in first.parts if part.file.endswith(".sst")}
    assert kept < {part.file for part in second.parts}
    read = {call.path.rpartition("/")[2] for call in fs.calls if call.operation == "read_at"}
    assert not kept & read


def test_backups_of_one_database_are_chained() -> None:
    engine, env = open_engine(MemFileSystem())
    store = store_of(env)
    first = on_demand.create(env, engine, store)
    second = on_demand.create(env, engine, store)
    assert first.previous is None
    assert second.previous is not None
    assert second.previous.backup_id == first.backup_id
    assert second.previous.digest == read_manifest(store, first.backup_id)[1]


def test_chosen_tables_take_only_the_files_that_hold_them() -> None:
    fs = MemFileSystem()
    engine, env = open_engine(fs)
    for name, table_id in (("one", 1), ("two", 2), ("three", 3)):
        make_table(engine, name, table_id)
    fill(engine, random.Random(5), 400, (1, 2, 3))
    engine.compact()
    store = store_of(env)
    made = on_demand.create(env, engine, store, tables=["two"])
    assert [table.name for table in made.tables] == ["two"]
    whole = on_demand.create(env, engine, store)
    assert made.size_bytes < whole.size_bytes
    restore.restore(env, restore.plan_backup(store, made.backup_id), "target")
    assert rows_of(restored_content(fs, "target"), 2) == rows_of(content(engine), 2)


def test_a_table_that_is_not_there_is_refused_and_leaves_no_backup() -> None:
    engine, env = open_engine(MemFileSystem())
    with pytest.raises(ResourceNotFound, match="absent"):
        on_demand.create(env, engine, store_of(env), tables=["absent"])
    assert shelf.backup_ids(store_of(env)) == []


def test_a_damaged_sstable_is_never_backed_up() -> None:
    fs = MemFileSystem()
    engine, env = open_engine(fs)
    fill(engine, random.Random(6), 60)
    engine.compact()
    name = next(name for name in fs.list_dir("db") if name.endswith(".sst"))
    flip(fs, f"db/{name}", 100)
    with pytest.raises(CorruptionError, match=name):
        on_demand.create(env, engine, store_of(env))
    assert shelf.backup_ids(store_of(env)) == []


def test_a_store_that_fails_at_any_call_leaves_no_half_backup() -> None:
    nth = 0
    while True:
        nth += 1
        fs = FaultyFileSystem(MemFileSystem())
        engine, env = open_engine(fs)
        make_table(engine, "one", 1)
        fill(engine, random.Random(8), 40)
        engine.flush()
        model = content(engine)
        fs.fail(Fault("*", "store*", nth=nth, for_ever=True))
        try:
            made = on_demand.create(env, engine, store_of(env))
        except ServiceUnavailable:
            fs.heal()
            assert shelf.backup_ids(store_of(env)) == []
            made = on_demand.create(env, engine, store_of(env))
        else:
            fs.heal()
        restore.restore(env, restore.plan_backup(store_of(env), made.backup_id), "target")
        assert restored_content(fs, "target") == model
        if not any(call.failed for call in fs.calls):
            break
    assert nth > 20, "the sweep of faults has met the calls of a backup"


def test_a_backup_on_another_machine_needs_nothing_but_the_store() -> None:
    fs = MemFileSystem()
    engine, env = open_engine(fs)
    make_table(engine, "one", 1)
    fill(engine, random.Random(9), 100)
    made = on_demand.create(env, engine, store_of(env))
    model = content(engine)
    elsewhere = MemFileSystem()
    elsewhere._root.entries["store"] = fs._root.entries["store"]
    other = sim_env(elsewhere, seed=5)
    restore.restore(other, restore.plan_backup(store_of(other), made.backup_id), "target")
    assert restored_content(elsewhere, "target") == model


@pytest.mark.parametrize("ends", ["before the manifest", "after the manifest"])
def test_a_sweep_whose_clock_is_ahead_fails_a_backup_and_never_harms_one(ends: str) -> None:
    fs = MemFileSystem()
    engine, env = open_engine(fs)
    make_table(engine, "t1", 1)
    fill(engine, random.Random(3), 60)
    store = store_of(env)
    ahead = sim_env(fs, seed=7)
    assert isinstance(ahead.clock, ManualClock)
    ahead.clock.advance_ms(2 * shelf.STALE_MS)
    making = on_demand.steps(env, engine, store)
    while next(making).phase != "store":
        pass
    # The sweep takes the claim for stale, and what it protects for nobody's.
    sweeping = shelf.sweep_steps(ahead, store)
    next(sweeping)
    if ends == "before the manifest":
        assert list(sweeping) == []
    with pytest.raises(ServiceUnavailable, match="do the clocks agree"):
        for progress in making:
            if progress.phase == "wait":
                assert shelf.backup_ids(store) != []
                list(sweeping)
    assert shelf.backup_ids(store) == []
    made = on_demand.create(env, engine, store)
    restore.restore(sim_env(fs, seed=8), restore.plan_backup(store, made.backup_id), "again")
    assert restored_content(fs, "again") == content(engine)
