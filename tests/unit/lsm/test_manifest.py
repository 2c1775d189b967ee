from __future__ import annotations

import pytest

from kvdb.errors import CorruptionError, FormatTooNew
from kvdb.lsm import manifest
from kvdb.lsm.manifest import (
    FileMeta,
    ManifestWriter,
    Position,
    VersionEdit,
    make_current,
    read_current,
    read_manifest,
)
from kvdb.lsm.timeline import Tick
from kvdb.testing import MemFileSystem

ID = b"i" * 16


def meta(number: int) -> FileMeta:
    return FileMeta(number, number * 7, 100, b"d" * 16, b"a", b"z", 3, 1, 2, 4, 9)


def written() -> tuple[MemFileSystem, list[int]]:
    """A manifest of three edits, CURRENT made after the first; and where each record ends."""
    fs = MemFileSystem()
    fs.make_dir("db")
    fs.sync_dir(".")
    writer = ManifestWriter(fs, "db", 3, database_id=ID)
    writer.append(VersionEdit(((0, meta(1)), (1, meta(2)))), Position(2, 4, 9, 50))
    make_current(fs, "db", writer, ID)
    ends = [writer.size]
    writer.append(
        VersionEdit(((0, meta(5)),), ((0, 1),), (Tick(4, 1_000), Tick(9, 1_002))), Position(5, 6, 12, 60, 7)
    )
    ends.append(writer.size)
    writer.append(VersionEdit((), ((1, 2),)), Position(5, 7, 12, 60, 9))
    ends.append(writer.size)
    return fs, ends


def read(fs: MemFileSystem, durable_size: int = 0) -> manifest.ManifestContent:
    return read_manifest(fs, "db", 3, durable_size=durable_size, database_id=ID)


def test_edits_and_position_come_back() -> None:
    content = read(written()[0])
    assert content.edits == [
        VersionEdit(((0, meta(1)), (1, meta(2)))),
        VersionEdit(((0, meta(5)),), ((0, 1),), (Tick(4, 1_000), Tick(9, 1_002))),
        VersionEdit((), ((1, 2),)),
    ]
    assert content.position == Position(5, 7, 12, 60, 9)


def test_current_names_the_manifest_and_its_durable_size() -> None:
    fs, ends = written()
    assert read_current(fs, "db", ID) == (3, ends[0])
    after = fs.after_crash("strict")
    assert read_current(after, "db", ID) == (3, ends[0])
    assert len(read(after, ends[0]).edits) == 3


def test_a_torn_last_record_is_dropped() -> None:
    fs, ends = written()
    fs.open_append("db/MANIFEST-000003").truncate(ends[2] - 5)
    assert len(read(fs, ends[0]).edits) == 2


def test_a_manifest_shorter_than_current_says_is_refused() -> None:
    fs, ends = written()
    fs.open_append("db/MANIFEST-000003").truncate(ends[0] - 5)
    with pytest.raises(CorruptionError, match=r"MANIFEST-000003"):
        read(fs, ends[0])


def test_every_flipped_bit_is_refused() -> None:
    fs, ends = written()
    data = fs.open_read("db/MANIFEST-000003").read_at(0, ends[2])
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        fs.remove("db/MANIFEST-000003")
        fs.create("db/MANIFEST-000003").append(bytes(flipped))
        with pytest.raises(CorruptionError, match="MANIFEST-000003"):
            read(fs, ends[0])


def test_every_flipped_bit_of_current_is_refused() -> None:
    fs, _ = written()
    data = fs.open_read("db/CURRENT").read_at(0, 1000)
    # All but the line's end, which says nothing.
    for bit in range((len(data) - 1) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        fs.remove("db/CURRENT")
        fs.create("db/CURRENT").append(bytes(flipped))
        with pytest.raises(CorruptionError, match="CURRENT"):
            read_current(fs, "db", ID)


def test_a_missing_manifest_and_another_databases_are_refused() -> None:
    fs, _ = written()
    with pytest.raises(CorruptionError, match="missing"):
        read_manifest(fs, "db", 4, durable_size=0, database_id=ID)
    with pytest.raises(CorruptionError):
        read_manifest(fs, "db", 3, durable_size=0, database_id=b"o" * 16)
    with pytest.raises(CorruptionError, match="another database"):
        read_current(fs, "db", b"o" * 16)


def test_a_later_format_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as later:
        later.setattr(manifest, "FORMAT_VERSION", 2)
        fs, _ = written()
    with pytest.raises(FormatTooNew, match="manifest format 2"):
        read(fs)
