"""Who may write while there is little room on the disk."""

from __future__ import annotations

import pytest

from kvdb.env.env import Env
from kvdb.env.fs import join
from kvdb.errors import DiskFull
from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.space import CHECK_BYTES, Space
from kvdb.options import EngineOptions
from kvdb.testing import Fault, FaultyFileSystem, MemFileSystem, sim_env

OPTIONS = EngineOptions(min_free_bytes=1000, ballast_bytes=300)


def disk(capacity: int) -> tuple[MemFileSystem, Env]:
    fs = MemFileSystem()
    fs.make_dir("db")
    fs.capacity_bytes = capacity
    return fs, sim_env(fs)


def batch_of(size_bytes: int, *, only_deletes: bool = False) -> WriteBatch:
    if only_deletes:
        return WriteBatch().delete(bytes(size_bytes))
    return WriteBatch().put(b"", bytes(size_bytes))


def test_with_enough_room_everybody_writes() -> None:
    _, env = disk(1000)
    Space(env, "db", OPTIONS).admit(batch_of(10), 10)


def test_with_too_little_room_only_deletes_are_taken() -> None:
    _, env = disk(999)
    space = Space(env, "db", OPTIONS)
    with pytest.raises(DiskFull, match="only deletes are taken") as refused:
        space.admit(batch_of(10), 10)
    assert refused.value.retryable
    space.admit(batch_of(10, only_deletes=True), 10)
    assert env.metrics.read()["lsm_disk_is_low"] == 1
    assert env.metrics.read()["lsm_writes_refused_for_space_total"] == 1


def test_writes_go_on_when_room_comes_back() -> None:
    fs, env = disk(999)
    space = Space(env, "db", OPTIONS)
    with pytest.raises(DiskFull):
        space.admit(batch_of(10), 10)
    fs.capacity_bytes = 1000
    space.admit(batch_of(10), 10)


def test_the_disk_is_asked_again_after_so_many_bytes() -> None:
    fs, env = disk(2000)
    space = Space(env, "db", OPTIONS)
    space.admit(batch_of(1), 1)
    fs.capacity_bytes = 0
    space.admit(batch_of(CHECK_BYTES - 1), CHECK_BYTES - 1)
    with pytest.raises(DiskFull):
        space.admit(batch_of(1), 1)


def test_a_reserve_of_nothing_never_refuses() -> None:
    _, env = disk(0)
    Space(env, "db", EngineOptions(min_free_bytes=0)).admit(batch_of(10), 10)


def test_a_file_system_that_cannot_say_has_room() -> None:
    faulty = FaultyFileSystem(MemFileSystem())
    faulty.make_dir("db")
    faulty.fail(Fault("free_bytes", for_ever=True))
    Space(sim_env(faulty), "db", OPTIONS).admit(batch_of(10), 10)


def test_the_ballast_is_made_for_a_database_larger_than_it_and_given_up_once() -> None:
    fs, env = disk(5000)
    space = Space(env, "db", OPTIONS)
    space.keep_ballast(299)
    assert fs.list_dir("db") == []
    space.keep_ballast(300)
    assert fs.file_size("db/BALLAST") == 300
    assert space.give_up_ballast()
    assert fs.list_dir("db") == []
    assert not space.give_up_ballast()


def test_a_ballast_that_is_there_is_known_after_a_reopen() -> None:
    _, env = disk(5000)
    Space(env, "db", OPTIONS).keep_ballast(300)
    assert Space(env, "db", OPTIONS).give_up_ballast()


def test_no_ballast_is_made_where_it_would_take_the_last_room() -> None:
    fs, env = disk(1599)
    Space(env, "db", OPTIONS).keep_ballast(300)
    assert fs.list_dir("db") == []
    fs.capacity_bytes = 1600
    Space(env, "db", OPTIONS).keep_ballast(300)
    assert fs.list_dir("db") == ["BALLAST"]


def test_a_ballast_that_cannot_be_made_leaves_nothing_behind() -> None:
    fs = MemFileSystem()
    fs.make_dir("db")
    faulty = FaultyFileSystem(fs)
    faulty.fail(Fault("allocate"))
    space = Space(sim_env(faulty), "db", OPTIONS)
    space.keep_ballast(300)
    assert not space.give_up_ballast()
    assert fs.list_dir("db") == []


def test_a_ballast_that_cannot_be_removed_is_no_room() -> None:
    fs = MemFileSystem()
    fs.make_dir("db")
    faulty = FaultyFileSystem(fs)
    space = Space(sim_env(faulty), "db", OPTIONS)
    space.keep_ballast(300)
    faulty.fail(Fault("remove"))
    assert not space.give_up_ballast()
    assert fs.exists(join("db", "BALLAST"))
