from __future__ import annotations

from kvdb.lsm.obsolete import Needed, remove_obsolete
from kvdb.testing import Fault, FaultyFileSystem, MemFileSystem

NAMES = ["000003.log", "000004.log", "000005.sst", "000006.sst", "CURRENT", "LOCK", "MANIFEST-000001",
         "MANIFEST-000002", "notes.txt"]  # fmt: skip


def directory() -> MemFileSystem:
    fs = MemFileSystem()
    fs.make_dir("db")
    for name in NAMES:
        fs.create(f"db/{name}").append(b"x")
    return fs


def test_only_our_unneeded_files_go() -> None:
    fs = directory()
    assert remove_obsolete(fs, "db", lambda: Needed({6}, 4, 2)) == [5]
    assert fs.list_dir("db") == [
        "000004.log",
        "000006.sst",
        "CURRENT",
        "LOCK",
        "MANIFEST-000002",
        "notes.txt",
    ]


def test_a_file_made_after_the_listing_is_safe_whatever_is_needed() -> None:
    fs = directory()

    def answer_late() -> Needed:
        fs.create("db/000007.sst")
        return Needed({5, 6}, 1, 1)

    assert remove_obsolete(fs, "db", answer_late) == []
    assert fs.exists("db/000007.sst")


def test_a_file_that_cannot_be_removed_stays_for_the_next_time() -> None:
    fs = directory()
    faulty = FaultyFileSystem(fs)
    faulty.fail(Fault("remove", "*000005.sst"))
    assert remove_obsolete(faulty, "db", lambda: Needed({6}, 4, 2)) == []
    faulty.heal()
    assert remove_obsolete(faulty, "db", lambda: Needed({6}, 4, 2)) == [5]
