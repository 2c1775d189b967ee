"""A check finds every damage, names file and offset, changes nothing, and may run beside writers."""

from __future__ import annotations

import random

import pytest

from kvdb.errors import DatabaseLocked, NotADatabase
from kvdb.lsm.engine import WriteBatch
from kvdb.lsm.internal_key import SEQNO_MAX
from kvdb.lsm.manifest import FileMeta
from kvdb.lsm.sstable.reader import SstableReader
from kvdb.lsm.sstable.writer import SstableInfo, SstableSettings, SstableWriter
from kvdb.lsm.verify import FINDINGS_MAX, Report, verify_directory, verify_version
from kvdb.lsm.version import Version
from kvdb.testing import FaultyFileSystem, MemFileSystem
from tests.support.crash import DIRECTORY
from tests.support.damage import Files, disk_of, sample
from tests.support.engines import content, names, open_engine, put

SAMPLE = sample()


def checked(files: Files, *, deep: bool = True) -> Report:
    return verify_directory(disk_of(files), DIRECTORY, deep=deep).run()


def changed(name: str, new: bytes | None) -> Files:
    files = dict(SAMPLE.files)
    if new is None:
        del files[name]
    else:
        files[name] = new
    return files


def flipped(data: bytes, bit: int) -> bytes:
    damaged = bytearray(data)
    damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


@pytest.mark.parametrize("deep", [False, True])
def test_a_good_database_is_clean_and_all_of_it_was_read(deep: bool) -> None:
    report = checked(SAMPLE.files, deep=deep)
    assert report.findings == []
    assert report.is_clean
    big = [data for name, data in SAMPLE.files.items() if name.endswith((".sst", ".log"))]
    assert report.bytes_read == sum(map(len, big))
    assert (report.sstables, report.logs) == (4, 2)
    assert report.blocks >= 4


def test_a_check_of_a_closed_database_writes_nothing() -> None:
    disk = disk_of(SAMPLE.files)
    fs = FaultyFileSystem(disk)
    before = disk.calls
    verify_directory(fs, DIRECTORY, deep=True).run()
    assert disk.calls == before
    assert (fs.open_files, fs.held_locks) == (0, 0)


@pytest.mark.parametrize("name", [name for name in SAMPLE.files if name != "LOCK"])
def test_every_flipped_bit_is_found_in_its_file(name: str) -> None:
    data = SAMPLE.files[name]
    chance = random.Random(name)
    for bit in chance.sample(range(len(data) * 8), min(150, len(data) * 8)):
        report = checked(changed(name, flipped(data, bit)), deep=False)
        assert not report.is_clean, f"bit {bit} of {name}"
        assert {found.file for found in report.findings} == {name}


@pytest.mark.parametrize("name", [name for name in SAMPLE.files if name != "LOCK"])
def test_a_missing_file_is_found(name: str) -> None:
    if name == "IDENTITY":
        with pytest.raises(NotADatabase):
            checked(changed(name, None))
        return
    report = checked(changed(name, None))
    # Nothing tells a newest log that is gone from one that never was: only its predecessor is left.
    assert not report.is_clean or name == SAMPLE.name(".log")


def test_damage_in_one_file_does_not_hide_damage_in_another() -> None:
    first, *_, last = [name for name in SAMPLE.files if name.endswith(".sst")]
    log = SAMPLE.name(".log")
    files = dict(SAMPLE.files)
    for name in (first, last, log):
        files[name] = flipped(files[name], 8 * 40)
    report = checked(files)
    assert {found.file for found in report.findings} == {first, last, log}
    blocks = [found for found in report.findings if found.message == "block checksum mismatch"]
    assert [found.offset for found in blocks] == [0, 0]


def test_two_sstables_that_changed_places_are_found() -> None:
    first, _, second, _ = [name for name in SAMPLE.files if name.endswith(".sst")]
    files = {**SAMPLE.files, first: SAMPLE.files[second], second: SAMPLE.files[first]}
    assert {found.file for found in checked(files).findings} == {first, second}


def test_a_torn_tail_a_leftover_and_a_stranger_are_notes_and_no_damage() -> None:
    log = SAMPLE.name(".log")
    files = changed(log, SAMPLE.files[log][:-5])
    files |= {"000999.sst": b"x", "notes.txt": b"mine", "CURRENT.tmp": b"", "MANIFEST-000000": b""}
    report = checked(files)
    assert report.is_clean
    assert {(found.severity, found.file) for found in report.findings} == {
        ("note", log),
        *(("note", name) for name in ("000999.sst", "notes.txt", "CURRENT.tmp", "MANIFEST-000000")),
    }


def test_an_open_database_is_checked_through_its_own_handle() -> None:
    fs = MemFileSystem()
    engine, env = open_engine(fs)
    for number in range(60):
        put(engine, b"key-%02d" % number, bytes(100))
    env.jobs.run_until_idle()
    with pytest.raises(DatabaseLocked):
        verify_directory(fs, "db", deep=False).step()
    report = engine.verify(deep=True).run()
    assert report.is_clean
    assert report.sstables == len(names(fs, ".sst")) > 0


def test_a_check_steps_beside_writes_and_compactions() -> None:
    fs = MemFileSystem()
    engine, env = open_engine(fs)
    for number in range(60):
        put(engine, b"key-%02d" % number, bytes(100))
    env.jobs.run_until_idle()
    check = engine.verify(deep=True, pause_ms=7)
    steps = 0
    while (pause := check.step()) is not None:
        assert pause == 7
        steps += 1
        put(engine, b"key-%02d" % (steps % 90), bytes(120))
        env.jobs.run_until_idle()
    assert steps > 20
    assert check.report.findings == []
    assert len(content(engine)) >= 60


def built(
    entries: list[tuple[bytes, int, bytes | None]], number: int = 1, **settings: int
) -> tuple[MemFileSystem, FileMeta]:
    fs = MemFileSystem()
    fs.make_dir("db")
    return fs, into(fs, entries, number, **settings)


def into(
    fs: MemFileSystem, entries: list[tuple[bytes, int, bytes | None]], number: int, **settings: int
) -> FileMeta:
    writer = SstableWriter(
        fs.create(f"db/{number:06d}.sst"), SstableSettings(40, 12, "none"), unique_id=number
    )
    for key, seqno, value in entries:
        writer.add([(key, SEQNO_MAX - seqno, value)])
    info: SstableInfo = writer.finish(wall_ms=0)
    p = info.properties
    meta = FileMeta(
        number=number,
        unique_id=number,
        size=info.size,
        digest=info.digest,
        smallest=p.smallest,
        limit=p.limit,
        entries=p.entries,
        tombstones=p.tombstones,
        range_tombstones=p.range_tombstones,
        seqno_min=p.seqno_min,
        seqno_max=p.seqno_max,
    )
    return meta._replace(**settings)


def messages(fs: MemFileSystem, *levels: tuple[FileMeta, ...], deep: bool = True) -> set[str]:
    version = Version((*levels, *((),) * (7 - len(levels))))
    return {found.message for found in verify_version(fs, "db", version, deep=deep).run().findings}


ENTRIES: list[tuple[bytes, int, bytes | None]] = [(b"k%02d" % n, 10 + n, b"v" * 20) for n in range(10)]


def test_a_file_that_does_not_keep_its_word_is_found() -> None:
    fs, meta = built(ENTRIES)
    assert messages(fs, (meta,)) == set()
    assert "a seqno is out of bounds seqno=19" in messages(fs, (meta._replace(seqno_max=18),))
    assert "a seqno is out of bounds seqno=10" in messages(fs, (meta._replace(seqno_min=11),))
    assert "a key is outside the file's range" in messages(fs, (meta._replace(smallest=b"k01"),))
    assert "a key is outside the file's range" in messages(fs, (meta._replace(limit=b"k05"),))
    assert "properties are not those that the manifest has" in messages(fs, (meta._replace(entries=9),))
    assert messages(fs, (meta._replace(digest=bytes(16)),)) == {"whole-file digest is not the manifest's"}


def test_a_filter_that_lost_a_key_is_found_by_a_deep_check_only(monkeypatch: pytest.MonkeyPatch) -> None:
    fs, meta = built(ENTRIES)
    monkeypatch.setattr(SstableReader, "may_contain", lambda self, hashed: False)
    assert messages(fs, (meta,), deep=False) == set()
    assert messages(fs, (meta,)) == {"the filter does not know a key"}


def test_an_old_version_above_a_new_one_is_found_by_a_deep_check() -> None:
    fs, newer = built([(b"a", 9, b"new")])
    older = into(fs, [(b"a", 3, b"old")], 2)
    assert messages(fs, (), (newer,), (older,)) == set()
    assert messages(fs, (), (older,), (newer,)) == {"an older version stands above a newer one seqno=3"}


def test_findings_are_bounded_and_counted_past_the_bound() -> None:
    report = Report()
    for number in range(FINDINGS_MAX + 5):
        report.add("damage", "f", number, "x")
    assert len(report.findings) == FINDINGS_MAX
    assert report.damaged == FINDINGS_MAX + 5


def test_blocks_in_the_wrong_order_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    # No writer makes such a file, so the reader is made to give its blocks in another order.
    fs, meta = built(ENTRIES)
    in_order = SstableReader.block_at
    monkeypatch.setattr(
        SstableReader, "block_at", lambda self, place: in_order(self, len(self.places) - 1 - place)
    )
    found = messages(fs, (meta,), deep=False)
    assert "keys are out of order" in found
    assert "a key is above its block's separator" in found
    assert "a key is below the separator of the block before" in found


def test_an_engine_after_range_deletes_is_clean() -> None:
    fs = MemFileSystem()
    engine, env = open_engine(fs)
    for number in range(80):
        put(engine, b"key-%02d" % number, bytes(100))
        if number % 20 == 19:
            engine.write(WriteBatch().delete_range(b"key-%02d" % (number - 10), b"key-%02d" % number))
    engine.flush()
    env.jobs.run_until_idle()
    assert engine.verify(deep=True).run().findings == []
    engine.close()
    assert verify_directory(fs, "db", deep=True).run().is_clean
