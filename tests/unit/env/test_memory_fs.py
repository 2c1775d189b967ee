"""What the file system in memory has for itself; what it shares with a disk is in test_fs."""

from __future__ import annotations

import threading

import pytest

from kvdb.env.fs import read_all
from kvdb.env.memory_fs import MemoryFileSystem


def test_spellings_of_one_path_are_one_file() -> None:
    fs = MemoryFileSystem()
    fs.make_dir("db/")
    fs.create("/db/./f").append(b"x")
    assert read_all(fs, "db//f") == b"x"


def test_each_instance_is_a_disk_of_its_own() -> None:
    MemoryFileSystem().create("f")
    assert not MemoryFileSystem().exists("f")


def test_a_rename_into_another_directory_is_refused() -> None:
    fs = MemoryFileSystem()
    fs.make_dir("d")
    fs.create("f")
    with pytest.raises(OSError, match="cross-device"):
        fs.rename("f", "d/f")


def test_a_file_does_not_replace_a_directory() -> None:
    fs = MemoryFileSystem()
    fs.make_dir("d")
    fs.create("f")
    with pytest.raises(IsADirectoryError):
        fs.rename("f", "d")


def test_the_root_cannot_be_created() -> None:
    with pytest.raises(FileExistsError):
        MemoryFileSystem().create("/")


def test_one_of_many_threads_gets_the_lock() -> None:
    fs = MemoryFileSystem()
    taken: list[int] = []
    start = threading.Barrier(8)

    def take(number: int) -> None:
        start.wait()
        try:
            fs.lock("LOCK", str(number))
        except BlockingIOError:
            return
        taken.append(number)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 1


def test_reading_does_not_hinder_another_threads_append() -> None:
    fs = MemoryFileSystem()
    file = fs.create("f")
    file.append(bytes(1000))
    failures: list[BaseException] = []

    def read() -> None:
        try:
            for _ in range(2000):
                file.read_at(0, 1000)
        except BaseException as error:
            failures.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(2000):
        file.append(b"x")
    reader.join()
    assert (failures, file.size()) == ([], 3000)
