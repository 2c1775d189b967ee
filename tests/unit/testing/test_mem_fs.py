"""The crash model itself: what each kind of crash may keep, must keep, and must not."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvdb.env.fs import join, read_all, write_atomic
from kvdb.testing import MemFileSystem, PowerLoss
from kvdb.testing.mem_fs import SECTOR_BYTES, CrashMode

MODES: tuple[CrashMode, ...] = ("strict", "all", "prefix", "random")
SEEDS = range(200)


def disk(*, with_dir: bool = True) -> MemFileSystem:
    """A disk with one durable, empty directory ``db``."""
    fs = MemFileSystem()
    if with_dir:
        fs.make_dir("db")
        fs.sync_dir("/")
    return fs


def durable_file(fs: MemFileSystem, path: str, data: bytes) -> None:
    file = fs.create(path)
    file.append(data)
    file.sync()
    file.close()
    fs.sync_dir("db")


def content(fs: MemFileSystem) -> dict[str, bytes]:
    return {name: read_all(fs, join("db", name)) for name in fs.list_dir("db")}


def images(fs: MemFileSystem, modes: Iterable[CrashMode] = ("random",)) -> list[dict[str, bytes]]:
    """What ``db`` holds after each of many crashes, every different outcome once."""
    found: list[dict[str, bytes]] = []
    for mode in modes:
        for seed in SEEDS:
            image = content(fs.after_crash(mode, seed))
            if image not in found:
                found.append(image)
    return found


def test_what_was_synced_with_its_name_survives_every_crash() -> None:
    fs = disk()
    durable_file(fs, "db/f", b"safe")
    assert images(fs, MODES) == [{"f": b"safe"}]


def test_a_file_that_was_never_synced_may_be_there_empty_partly_or_not_at_all() -> None:
    fs = disk()
    fs.create("db/f").append(b"data")
    found = images(fs)
    assert {} in found
    assert {"f": b""} in found
    assert {"f": b"data"} in found
    assert {"f": b"\0\0\0\0"} in found


def test_a_strict_crash_keeps_nothing_that_was_not_synced() -> None:
    fs = disk()
    durable_file(fs, "db/kept", b"old")
    file = fs.open_append("db/kept")
    file.append(b" and new")
    fs.create("db/lost")
    assert content(fs.after_crash("strict")) == {"kept": b"old"}


def test_a_crash_that_keeps_all_is_as_if_the_machine_had_only_stopped() -> None:
    fs = disk()
    durable_file(fs, "db/kept", b"old")
    fs.open_append("db/kept").append(b" and new")
    fs.rename("db/kept", "db/moved")
    assert content(fs.after_crash("all")) == {"moved": b"old and new"}


def test_a_prefix_keeps_operations_of_all_files_in_the_order_they_were_made() -> None:
    fs = disk()
    for name in ("a", "b"):
        durable_file(fs, f"db/{name}", b"")
    a, b = fs.open_append("db/a"), fs.open_append("db/b")
    a.append(b"1")
    b.append(b"2")
    a.append(b"3")
    found = images(fs, ["prefix"])
    moments = [(b"", b""), (b"1", b""), (b"1", b"2"), (b"13", b"2")]
    assert sorted((image["a"], image["b"]) for image in found) == moments


def test_synced_content_is_lost_with_a_name_that_was_not() -> None:
    fs = disk()
    file = fs.create("db/f")
    file.append(b"synced")
    file.sync()
    assert content(fs.after_crash("strict")) == {}
    assert sorted(images(fs), key=len) == [{}, {"f": b"synced"}]


def test_a_durable_name_may_stand_over_an_empty_file() -> None:
    fs = disk()
    fs.create("db/f").append(b"data")
    fs.sync_dir("db")
    assert content(fs.after_crash("strict")) == {"f": b""}


def test_a_whole_directory_is_lost_with_its_name() -> None:
    fs = disk(with_dir=False)
    fs.make_dir("db")
    durable_file(fs, "db/f", b"synced")
    assert not fs.after_crash("strict").exists("db")


def test_a_rename_without_directory_sync_happened_or_did_not() -> None:
    fs = disk()
    durable_file(fs, "db/old", b"old")
    durable_file(fs, "db/new", b"new")
    fs.rename("db/new", "db/old")
    both: dict[str, bytes] = {"old": b"old", "new": b"new"}
    found = images(fs, MODES)
    assert len(found) == 2
    assert both in found
    assert {"old": b"new"} in found


def test_a_removed_file_comes_back_unless_the_directory_was_synced() -> None:
    fs = disk()
    durable_file(fs, "db/f", b"x")
    fs.remove("db/f")
    assert len(images(fs)) == 2
    fs.sync_dir("db")
    assert images(fs, MODES) == [{}]


def test_changes_of_different_names_are_lost_apart() -> None:
    fs = disk()
    durable_file(fs, "db/old", b"")
    fs.create("db/new")
    fs.remove("db/old")
    found = {tuple(image) for image in images(fs)}
    assert found == {("old",), ("new", "old"), (), ("new",)}


def test_a_change_is_lost_with_the_one_it_builds_on() -> None:
    fs = disk()
    fs.create("db/f.tmp")
    fs.rename("db/f.tmp", "db/f")
    assert {tuple(image) for image in images(fs)} == {(), ("f.tmp",), ("f",)}


def test_sectors_of_an_unsynced_append_are_lost_apart_and_as_a_whole() -> None:
    fs = disk()
    durable_file(fs, "db/f", b"s" * 100)
    fs.open_append("db/f").append(b"n" * 3 * SECTOR_BYTES)
    holes = set()
    for image in images(fs):
        data = image["f"]
        assert data[:100] == b"s" * 100
        for start in range(0, len(data), SECTOR_BYTES):
            sector = data[max(start, 100) : start + SECTOR_BYTES]
            assert sector in (b"n" * len(sector), bytes(len(sector)))
            if sector and sector[0] == 0:
                holes.add(start)
    assert holes == {0, SECTOR_BYTES, 2 * SECTOR_BYTES, 3 * SECTOR_BYTES}


def test_the_size_of_an_unsynced_append_may_be_anything_between() -> None:
    fs = disk()
    durable_file(fs, "db/f", b"s" * 100)
    fs.open_append("db/f").append(b"n" * 1000)
    sizes = {len(image["f"]) for image in images(fs)}
    assert {100, 1100, SECTOR_BYTES} <= sizes
    assert any(size not in (100, 1100, SECTOR_BYTES) for size in sizes)


def test_an_unsynced_truncate_may_be_lost_and_keeps_what_stays() -> None:
    fs = disk()
    durable_file(fs, "db/f", b"0123456789")
    fs.open_append("db/f").truncate(4)
    assert content(fs.after_crash("strict")) == {"f": b"0123456789"}
    found = {image["f"] for image in images(fs)}
    assert found == {b"0123456789", b"0123"}


@given(st.lists(st.tuples(st.sampled_from(["append", "truncate", "sync"]), st.integers(0, 1500))))
def test_bytes_below_every_pending_truncate_and_synced_before_are_never_damaged(
    steps: list[tuple[str, int]],
) -> None:
    fs = disk()
    durable_file(fs, "db/f", b"")
    file = fs.open_append("db/f")
    safe = b""
    for number, (operation, size) in enumerate(steps, start=1):
        if operation == "append":
            file.append(bytes([number % 255 + 1]) * size)
        elif operation == "truncate":
            file.truncate(min(size, file.size()))
            safe = safe[: min(size, file.size())]
        else:
            file.sync_data()
            safe = file.read_at(0, file.size())
    for seed in range(20):
        assert content(fs.after_crash("random", seed))["f"].startswith(safe)
    for mode in MODES:
        assert content(fs.after_crash(mode))["f"].startswith(safe)


def test_an_atomic_write_leaves_the_old_content_or_the_new_at_every_crash() -> None:
    outcomes: list[dict[str, bytes]] = []
    fs = disk()
    durable_file(fs, "db/CURRENT", b"old")

    def crash(operation: str, path: str) -> None:
        outcomes.extend(images(fs, MODES))

    fs.observer = crash
    write_atomic(fs, "db", "CURRENT", b"new")
    fs.observer = None
    assert {image["CURRENT"] for image in outcomes} == {b"old", b"new"}
    assert images(fs, MODES) == [{"CURRENT": b"new"}]


def test_without_the_sync_of_the_temporary_file_an_atomic_write_would_be_caught() -> None:
    fs = disk()
    durable_file(fs, "db/CURRENT", b"old")
    fs.create("db/CURRENT.tmp").append(b"new")
    fs.rename("db/CURRENT.tmp", "db/CURRENT")
    fs.sync_dir("db")
    assert b"" in {image["CURRENT"] for image in images(fs)}


def test_pages_dropped_by_a_failed_sync_never_reach_the_disk() -> None:
    fs = disk()
    durable_file(fs, "db/f", b"safe")
    file = fs.open_append("db/f")
    file.append(b" lost")
    file.drop_pages()  # type: ignore[attr-defined]  # of the crash model's files only
    file.sync()
    assert file.read_at(0, 9) == b"safe lost"
    assert images(fs, MODES) == [{"f": b"safe\0\0\0\0\0"}]


@pytest.mark.parametrize("mode", MODES)
def test_one_seed_gives_one_image(mode: CrashMode) -> None:
    fs = disk()
    for name in "abc":
        fs.create(f"db/{name}").append(b"x" * 3000)
    assert content(fs.after_crash(mode, 5)) == content(fs.after_crash(mode, 5))


def test_an_image_is_a_new_disk_and_all_of_it_is_durable() -> None:
    fs = disk()
    fs.create("db/f").append(b"x")
    image = fs.after_crash("all")
    image.open_append("db/f").append(b"y")
    assert content(fs) == {"f": b"x"}
    assert content(image.after_crash("strict")) == {"f": b"x"}


def test_locks_are_gone_after_a_crash() -> None:
    fs = disk()
    fs.lock("db/LOCK", "me")
    image = fs.after_crash("all")
    image.lock("db/LOCK", "you").release()
    assert (fs.held_locks, image.held_locks) == (1, 0)


def test_a_killed_process_leaves_its_files_pending_and_its_locks_free() -> None:
    fs = disk()
    fs.lock("db/LOCK", "me")
    fs.create("db/f").append(b"x")
    fs.kill_processes()
    fs.lock("db/LOCK", "you").release()
    assert (content(fs)["f"], fs.open_files) == (b"x", 0)
    assert "f" not in content(fs.after_crash("strict"))


def test_a_kill_ends_a_power_loss_but_not_one_that_is_still_to_come() -> None:
    fs = MemFileSystem()
    fs.power_off_before(2)
    fs.kill_processes()
    fs.create("f")
    with pytest.raises(PowerLoss):
        fs.create("g")
    fs.kill_processes()
    fs.create("g")
    assert fs.list_dir("/") == ["f", "g"]


def test_mutating_calls_are_counted_and_reads_are_not() -> None:
    fs = MemFileSystem()
    fs.make_dir("db")
    file = fs.create("db/f")
    file.append(b"x")
    file.sync_data()
    file.sync()
    file.truncate(0)
    file.close()
    fs.rename("db/f", "db/g")
    fs.sync_dir("db")
    fs.lock("db/LOCK", "").release()
    fs.remove("db/g")
    counted = fs.calls
    fs.open_read("db/LOCK").read_at(0, 1)
    fs.list_dir("db")
    fs.exists("db/g")
    assert (counted, fs.calls) == (10, 10)


def test_the_observer_sees_each_call_before_it_happens() -> None:
    seen: list[tuple[str, str, bool]] = []
    fs = MemFileSystem()
    fs.observer = lambda operation, path: seen.append((operation, path, fs.exists("f")))
    fs.create("f").append(b"x")
    assert seen == [("create", "f", False), ("append", "f", True)]


def test_power_goes_off_before_the_chosen_call_and_stays_off() -> None:
    fs = MemFileSystem()
    fs.power_off_before(2)
    file = fs.create("f")
    for call in (lambda: file.append(b"x"), lambda: file.read_at(0, 1), lambda: fs.list_dir("/")):
        with pytest.raises(PowerLoss):
            call()
    file.close()
    assert read_all(fs.after_crash("all"), "f") == b""


def test_no_handler_of_exceptions_survives_a_power_loss() -> None:
    assert not issubclass(PowerLoss, Exception)


def test_open_files_are_counted_until_closed() -> None:
    fs = MemFileSystem()
    first, second = fs.create("f"), fs.open_read("f")
    first.close()
    first.close()
    assert fs.open_files == 1
    second.close()
    assert fs.open_files == 0
