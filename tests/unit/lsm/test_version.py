from __future__ import annotations

import gc

import pytest

from kvdb.errors import CorruptionError
from kvdb.lsm.manifest import FileMeta, ManifestWriter, Position, VersionEdit, read_current, read_manifest
from kvdb.lsm.memtable import Memtable
from kvdb.lsm.timeline import Timeline
from kvdb.lsm.version import Version, VersionSet, key_range
from kvdb.testing import MemFileSystem


def meta(number: int, smallest: bytes = b"a", last: bytes = b"c") -> FileMeta:
    return FileMeta(number, number, 100, b"d" * 16, smallest, last + b"\0", 1, 0, 0, number, number)


def version_set(fs: MemFileSystem) -> VersionSet:
    fs.make_dir("db")
    manifest = ManifestWriter(fs, "db", 1, database_id=b"i" * 16)
    return VersionSet(
        fs,
        "db",
        database_id=b"i" * 16,
        version=Version(),
        manifest=manifest,
        position=Position(2, 3),
        memtable=Memtable(2),
        timeline=Timeline(),
    )


def test_level_0_stands_newest_first_and_deeper_levels_in_key_order() -> None:
    version = Version().edited(
        VersionEdit(((0, meta(4)), (0, meta(9)), (1, meta(2, b"m", b"n")), (1, meta(3, b"a", b"b"))))
    )
    assert [[file.number for file in level] for level in version.levels[:2]] == [[9, 4], [3, 2]]


def test_an_edit_that_cannot_be_is_refused() -> None:
    version = Version().edited(VersionEdit(((1, meta(2, b"a", b"c")),)))
    with pytest.raises(CorruptionError, match="overlap"):
        version.edited(VersionEdit(((1, meta(3, b"c", b"d")),)))
    with pytest.raises(CorruptionError, match="unknown"):
        version.edited(VersionEdit((), ((1, 7),)))


@pytest.mark.parametrize(
    ("start", "end", "numbers"),
    [
        (b"", b"", [1, 2, 3]),
        (b"c", b"", [2, 3]),
        (b"b", b"d", [1]),
        (b"e", b"g", [2]),
        (b"z", b"", []),
        (b"", b"a", []),
    ],
)
def test_the_files_of_a_range_are_those_that_may_hold_its_keys(
    start: bytes, end: bytes, numbers: list[int]
) -> None:
    files = (meta(1, b"a", b"b"), meta(2, b"d", b"f"), meta(3, b"g", b"i"))
    version = Version().edited(VersionEdit(tuple((1, file) for file in files)))
    assert [file.number for file in version.in_range(1, start, end)] == numbers


def test_key_range_spans_all_files() -> None:
    assert key_range([meta(1, b"d", b"f"), meta(2, b"a", b"b")]) == (b"a", b"f\0")


def test_an_edit_is_durable_when_apply_returns() -> None:
    fs = MemFileSystem()
    versions = version_set(fs)
    fs.sync_dir(".")
    versions.freeze(Memtable(3))
    versions.apply(VersionEdit(((0, meta(5)),)), flushed=versions.state.frozen[0], wall_ms=8)
    assert versions.state.frozen == ()
    after = fs.after_crash("strict")
    content = read_manifest(after, "db", 1, durable_size=0, database_id=b"i" * 16)
    assert content.edits == [VersionEdit(((0, meta(5)),))]
    assert (content.position.log_number, content.position.wall_ms) == (3, 8)


def test_files_stay_in_use_as_long_as_a_reader_holds_their_version() -> None:
    versions = version_set(MemFileSystem())
    versions.apply(VersionEdit(((0, meta(5)),)))
    held = versions.state.version
    versions.apply(VersionEdit(((1, meta(6)),), ((0, 5),)))
    assert versions.numbers_in_use() == {5, 6}
    del held
    gc.collect()
    assert versions.numbers_in_use() == {6}


def test_numbers_are_given_once_and_are_in_use_until_given_up() -> None:
    versions = version_set(MemFileSystem())
    first = versions.take_numbers(3)
    assert versions.take_numbers() == first + 3
    assert versions.numbers_in_use() == {first, first + 1, first + 2, first + 3}
    versions.give_up(first, 2)
    assert versions.numbers_in_use() == {first + 2, first + 3}


def test_a_large_manifest_is_rolled_into_one_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kvdb.lsm.manifest.MANIFEST_BYTES_MAX", 200)
    fs = MemFileSystem()
    versions = version_set(fs)
    for _ in range(8):
        number = versions.take_numbers()
        versions.apply(VersionEdit(((0, meta(number)),)))
    number, durable_size = read_current(fs, "db", b"i" * 16)
    assert number == versions.manifest_number > 1
    content = read_manifest(fs, "db", number, durable_size=durable_size, database_id=b"i" * 16)
    version = Version()
    for edit in content.edits:
        version = version.edited(edit)
    assert version.levels == versions.state.version.levels
    assert content.position.next_number == versions.position.next_number
