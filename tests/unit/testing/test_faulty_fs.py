"""The failing file system: faults hit the calls they name, and no others."""

from __future__ import annotations

import errno

import pytest

from kvdb.env.fs import read_all
from kvdb.testing import Fault, FaultyFileSystem, MemFileSystem


def faulty() -> FaultyFileSystem:
    return FaultyFileSystem(MemFileSystem())


def test_without_faults_every_call_passes_and_is_logged() -> None:
    fs = faulty()
    fs.create("f").append(b"x")
    assert read_all(fs, "f") == b"x"
    assert [(call.operation, call.failed) for call in fs.calls] == [
        ("create", False),
        ("append", False),
        ("open_read", False),
        ("size", False),
        ("read_at", False),
    ]


def test_the_nth_matching_call_fails_once() -> None:
    fs = faulty()
    fs.fail(Fault("append", "*.log", nth=2, error=errno.ENOSPC))
    log, other = fs.create("1.log"), fs.create("2.sst")
    log.append(b"a")
    other.append(b"b")
    with pytest.raises(OSError, match="No space left") as refused:
        log.append(b"c")
    log.append(b"d")
    assert (refused.value.errno, refused.value.filename) == (errno.ENOSPC, "1.log")
    assert read_all(fs, "1.log") == b"ad"


def test_a_fault_for_ever_stays_until_healed() -> None:
    fs = faulty()
    fs.fail(Fault("sync*", for_ever=True))
    file = fs.create("f")
    for _ in range(3):
        with pytest.raises(OSError, match="Input/output"):
            file.sync()
    fs.heal()
    file.sync()
    assert [call.failed for call in fs.calls] == [False, True, True, True, False]


def test_calls_are_counted_from_when_the_fault_is_set() -> None:
    fs = faulty()
    fs.create("a")
    fs.fail(Fault("create", nth=1))
    with pytest.raises(OSError, match="Input/output"):
        fs.create("b")


def test_a_failed_call_changes_nothing() -> None:
    fs = faulty()
    fs.fail(Fault("rename"))
    fs.create("f")
    with pytest.raises(OSError, match="Input/output"):
        fs.rename("f", "g")
    assert fs.list_dir("/") == ["f"]


def test_a_short_write_leaves_half_of_the_data_behind() -> None:
    fs = faulty()
    fs.fail(Fault("append", error=errno.ENOSPC, kind="short_write"))
    file = fs.create("f")
    with pytest.raises(OSError, match="No space left"):
        file.append(b"12345678")
    assert read_all(fs, "f") == b"1234"


def test_after_a_sync_that_drops_pages_a_second_one_succeeds_and_lies() -> None:
    disk = MemFileSystem()
    fs = FaultyFileSystem(disk)
    fs.fail(Fault("sync_data", kind="drop_pages"))
    file = fs.create("f")
    file.append(b"data")
    fs.sync_dir("/")
    with pytest.raises(OSError, match="Input/output"):
        file.sync_data()
    file.sync_data()
    assert read_all(disk, "f") == b"data"
    assert read_all(disk.after_crash("all"), "f") == bytes(4)


def test_the_error_is_of_the_class_that_the_system_raises() -> None:
    fs = faulty()
    fs.fail(Fault("create", error=errno.EACCES))
    with pytest.raises(PermissionError):
        fs.create("f")


def test_open_files_and_held_locks_are_counted() -> None:
    fs = faulty()
    file, lock = fs.create("f"), fs.lock("LOCK", "me")
    assert (fs.open_files, fs.held_locks) == (1, 1)
    for _ in range(2):
        file.close()
        lock.release()
    assert (fs.open_files, fs.held_locks) == (0, 0)
