"""The real file system and the one in memory keep one protocol; a few things only a real one has."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kvdb.env.fs import FileSystem, OsFile, OsFileSystem, join, read_all, write_atomic
from kvdb.env.memory_fs import MemoryFileSystem
from kvdb.testing import FaultyFileSystem, MemFileSystem

Place = tuple[FileSystem, str]

KINDS: dict[str, Callable[[], FileSystem]] = {
    "os": OsFileSystem,
    "memory": MemoryFileSystem,
    "crash model": MemFileSystem,
    "faulty": lambda: FaultyFileSystem(MemFileSystem()),
}


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A file system and an empty directory in it."""
    fs = KINDS[request.param]()
    root = str(tmp_path) if request.param == "os" else "/"
    fs.make_dir(join(root, "db"))
    return fs, join(root, "db")


def written(fs: FileSystem, path: str, data: bytes) -> None:
    file = fs.create(path)
    file.append(data)
    file.close()


def test_appended_bytes_are_read_back_at_their_offsets(place: Place) -> None:
    fs, directory = place
    file = fs.create(join(directory, "f"))
    file.append(b"hello ")
    file.append(b"world")
    assert (file.read_at(6, 3), file.size()) == (b"wor", 11)
    file.close()


def test_reading_past_the_end_gives_what_there_is(place: Place) -> None:
    fs, directory = place
    written(fs, join(directory, "f"), b"abc")
    file = fs.open_read(join(directory, "f"))
    assert (file.read_at(1, 100), file.read_at(50, 1)) == (b"bc", b"")
    file.close()


def test_a_name_is_created_once_only(place: Place) -> None:
    fs, directory = place
    written(fs, join(directory, "f"), b"first")
    with pytest.raises(FileExistsError):
        fs.create(join(directory, "f"))
    assert read_all(fs, join(directory, "f")) == b"first"


def test_opening_for_append_continues_at_the_end(place: Place) -> None:
    fs, directory = place
    written(fs, join(directory, "f"), b"one ")
    file = fs.open_append(join(directory, "f"))
    file.append(b"two")
    file.close()
    assert read_all(fs, join(directory, "f")) == b"one two"


def test_a_file_opened_for_reading_refuses_an_append(place: Place) -> None:
    fs, directory = place
    written(fs, join(directory, "f"), b"x")
    file = fs.open_read(join(directory, "f"))
    with pytest.raises(OSError, match="Bad file descriptor"):
        file.append(b"y")
    file.close()


def test_a_closed_file_refuses_every_call_but_another_close(place: Place) -> None:
    fs, directory = place
    file = fs.create(join(directory, "f"))
    file.close()
    file.close()
    for call in (lambda: file.append(b"x"), file.sync, file.sync_data, file.size):
        with pytest.raises(OSError, match="Bad file descriptor"):
            call()


def test_truncate_shortens_and_lengthens_with_zeros(place: Place) -> None:
    fs, directory = place
    file = fs.create(join(directory, "f"))
    file.append(b"abcdef")
    file.truncate(2)
    file.truncate(4)
    file.append(b"z")
    assert file.read_at(0, 10) == b"ab\0\0z"
    file.close()


def test_what_does_not_exist_is_file_not_found(place: Place) -> None:
    fs, directory = place
    missing = join(directory, "missing")
    calls: list[Callable[[], object]] = [
        lambda: fs.open_read(missing),
        lambda: fs.open_append(missing),
        lambda: fs.remove(missing),
        lambda: fs.remove_dir(missing),
        lambda: fs.list_dir(missing),
        lambda: fs.file_size(missing),
        lambda: fs.sync_dir(missing),
        lambda: fs.rename(missing, join(directory, "other")),
        lambda: fs.create(join(missing, "f")),
        lambda: fs.make_dir(join(missing, "d")),
    ]
    for call in calls:
        with pytest.raises(FileNotFoundError):
            call()
    assert not fs.exists(missing)


def test_a_rename_replaces_its_target(place: Place) -> None:
    fs, directory = place
    written(fs, join(directory, "old"), b"old")
    written(fs, join(directory, "new"), b"new")
    fs.rename(join(directory, "new"), join(directory, "old"))
    assert fs.list_dir(directory) == ["old"]
    assert read_all(fs, join(directory, "old")) == b"new"


def test_a_removed_file_is_still_readable_through_its_handle(place: Place) -> None:
    fs, directory = place
    written(fs, join(directory, "f"), b"kept")
    file = fs.open_read(join(directory, "f"))
    fs.remove(join(directory, "f"))
    assert file.read_at(0, 4) == b"kept"
    file.close()
    assert fs.list_dir(directory) == []


def test_making_a_directory_twice_is_no_error(place: Place) -> None:
    fs, directory = place
    fs.make_dir(directory)
    assert fs.list_dir(directory) == []


def test_a_file_is_no_directory(place: Place) -> None:
    fs, directory = place
    written(fs, join(directory, "f"), b"")
    for call in (fs.make_dir, fs.list_dir, fs.sync_dir):
        with pytest.raises(NotADirectoryError):
            call(join(directory, "f"))


def test_a_directory_is_no_file(place: Place) -> None:
    fs, directory = place
    with pytest.raises(IsADirectoryError):
        fs.open_append(directory)


def test_only_an_empty_directory_is_removed(place: Place) -> None:
    fs, directory = place
    written(fs, join(directory, "f"), b"")
    with pytest.raises(OSError, match="not empty"):
        fs.remove_dir(directory)
    fs.remove(join(directory, "f"))
    fs.remove_dir(directory)
    assert not fs.exists(directory)


def test_names_are_listed_in_order(place: Place) -> None:
    fs, directory = place
    for name in ("b", "c", "a"):
        written(fs, join(directory, name), b"")
    assert fs.list_dir(directory) == ["a", "b", "c"]


def test_a_second_handle_is_refused_the_lock_and_told_the_holder(place: Place) -> None:
    fs, directory = place
    lock = fs.lock(join(directory, "LOCK"), "pid 1")
    with pytest.raises(BlockingIOError) as refused:
        fs.lock(join(directory, "LOCK"), "pid 2")
    assert refused.value.filename2 == "pid 1"
    lock.release()


def test_a_released_lock_is_free_and_its_file_stays(place: Place) -> None:
    fs, directory = place
    first = fs.lock(join(directory, "LOCK"), "pid 1")
    first.release()
    first.release()
    fs.lock(join(directory, "LOCK"), "pid 2").release()
    assert fs.list_dir(directory) == ["LOCK"]
    assert read_all(fs, join(directory, "LOCK")) == b"pid 2"


def test_shared_locks_go_together_and_keep_the_exclusive_one_away(place: Place) -> None:
    fs, directory = place
    path = join(directory, "LOCK")
    fs.lock(path, "pid 1").release()
    first, second = fs.lock_shared(path), fs.lock_shared(path)
    for lock in (first, second):
        with pytest.raises(BlockingIOError):
            fs.lock(path, "pid 2")
        lock.release()
        lock.release()
    assert read_all(fs, path) == b"pid 1"
    fs.lock(path, "pid 2").release()


def test_an_exclusive_lock_keeps_a_shared_one_away(place: Place) -> None:
    fs, directory = place
    lock = fs.lock(join(directory, "LOCK"), "pid 1")
    with pytest.raises(BlockingIOError) as refused:
        fs.lock_shared(join(directory, "LOCK"))
    assert refused.value.filename2 == "pid 1"
    lock.release()
    fs.lock_shared(join(directory, "LOCK")).release()


def test_a_shared_lock_makes_no_file(place: Place) -> None:
    fs, directory = place
    with pytest.raises(FileNotFoundError):
        fs.lock_shared(join(directory, "LOCK"))
    assert fs.list_dir(directory) == []


def test_room_can_be_taken_in_advance(place: Place) -> None:
    fs, directory = place
    assert fs.free_bytes(directory) > 1_000_000
    fs.allocate(join(directory, "f"), 5000)
    assert fs.file_size(join(directory, "f")) == (0 if type(fs) is MemoryFileSystem else 5000)
    with pytest.raises(FileExistsError):
        fs.allocate(join(directory, "f"), 5000)


def test_a_directory_on_no_network_has_no_network_kind(place: Place) -> None:
    fs, directory = place
    assert fs.network_kind(directory) == ""


def test_an_atomic_write_replaces_the_whole_content(place: Place) -> None:
    fs, directory = place
    write_atomic(fs, directory, "CURRENT", b"first and long")
    write_atomic(fs, directory, "CURRENT", b"second")
    assert fs.list_dir(directory) == ["CURRENT"]
    assert read_all(fs, join(directory, "CURRENT")) == b"second"


def test_an_atomic_write_clears_away_a_temporary_file_that_a_crash_left(place: Place) -> None:
    fs, directory = place
    written(fs, join(directory, "CURRENT.tmp"), b"half")
    write_atomic(fs, directory, "CURRENT", b"whole")
    assert fs.list_dir(directory) == ["CURRENT"]


def test_joined_paths_have_one_slash() -> None:
    assert (join("db", "f"), join("db/", "f"), join("/", "f")) == ("db/f", "db/f", "/f")


def test_files_are_private_to_their_owner(tmp_path: Path) -> None:
    fs = OsFileSystem()
    fs.make_dir(str(tmp_path / "db"))
    written(fs, str(tmp_path / "db/f"), b"")
    fs.lock(str(tmp_path / "db/LOCK"), "").release()
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode)
        for path in (tmp_path / "db", tmp_path / "db/f", tmp_path / "db/LOCK")
    }
    assert modes == {"db": 0o700, "f": 0o600, "LOCK": 0o600}


def test_a_short_write_is_continued_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole_write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: whole_write(descriptor, bytes(data)[:3]))
    written(OsFileSystem(), str(tmp_path / "f"), b"ten bytes.")
    assert (tmp_path / "f").read_bytes() == b"ten bytes."


def test_a_short_read_is_continued_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "f").write_bytes(b"ten bytes.")
    whole_read = os.pread
    monkeypatch.setattr(
        os, "pread", lambda descriptor, count, offset: whole_read(descriptor, min(count, 3), offset)
    )
    assert read_all(OsFileSystem(), str(tmp_path / "f")) == b"ten bytes."


def test_another_process_is_refused_the_lock_and_gets_it_when_the_holder_dies(tmp_path: Path) -> None:
    path = str(tmp_path / "LOCK")
    script = (
        "import sys; from kvdb.env.fs import OsFileSystem\n"
        f"lock = OsFileSystem().lock({path!r}, 'the other one')\n"
        "print('locked', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(BlockingIOError) as refused:
            OsFileSystem().lock(path, "me")
        assert refused.value.filename2 == "the other one"
        holder.kill()
        holder.wait()
    OsFileSystem().lock(path, "me").release()


def test_a_full_disk_does_not_keep_the_lock_from_being_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, data: bytes, offset: int) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    OsFileSystem().lock(str(tmp_path / "LOCK"), "note").release()
    assert (tmp_path / "LOCK").read_bytes() == b""


def test_syncs_reach_the_operating_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    for name in ("fsync", "fdatasync"):
        monkeypatch.setattr(os, name, lambda descriptor, name=name: synced.append(name))
    fs = OsFileSystem()
    file = fs.create(str(tmp_path / "f"))
    assert isinstance(file, OsFile)
    file.sync_data()
    file.sync()
    fs.sync_dir(str(tmp_path))
    file.close()
    assert synced == ["fdatasync", "fsync", "fsync"]


def test_a_lock_file_with_a_second_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "LOCK").touch()
    (tmp_path / "other").hardlink_to(tmp_path / "LOCK")
    with pytest.raises(OSError, match="hard link"):
        OsFileSystem().lock(str(tmp_path / "LOCK"), "me")
    (tmp_path / "other").unlink()
    OsFileSystem().lock(str(tmp_path / "LOCK"), "me").release()


def test_a_network_file_system_is_told_by_its_mount(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = os.stat(tmp_path).st_dev
    place = f"{os.major(device)}:{os.minor(device)}"
    mounts = tmp_path / "mountinfo"
    monkeypatch.setattr("kvdb.env.fs._MOUNTS", str(mounts))
    kinds = {}
    for kind in ("nfs4", "cifs", "ext4"):
        mounts.write_text(
            "22 1 0:21 / /proc rw - proc proc rw\n"
            f"36 35 {place} / /mnt/data rw,noatime shared:1 - {kind} server:/export rw\n"
        )
        kinds[kind] = OsFileSystem().network_kind(str(tmp_path))
    mounts.unlink()
    assert kinds == {"nfs4": "nfs4", "cifs": "cifs", "ext4": ""}
    assert OsFileSystem().network_kind(str(tmp_path)) == "", "a system without that list"
