"""Known bugs, planted one at a time: each turns a named check red, and without it the check is green.

A check here is the same that the other files of this folder run, on less. What is planted are
the mistakes that storage engines have shipped: RELIABILITY 2.2, 20.
"""

from __future__ import annotations

import errno
import itertools
from collections.abc import Callable
from typing import Any

import pytest

from kvdb.env.fs import join
from kvdb.errors import CorruptionError, StorageError
from kvdb.lsm import flush, wal
from kvdb.lsm.commit import Commit
from kvdb.lsm.compaction import job as compaction_job
from kvdb.lsm.engine import Engine
from kvdb.lsm.filenames import sstable_name
from kvdb.lsm.internal_key import SEQNO_MAX
from kvdb.lsm.log_chain import LogChain
from kvdb.lsm.manifest import ManifestWriter
from kvdb.lsm.memtable import Memtable
from kvdb.lsm.pin import Pins
from kvdb.lsm.record import RecordReader, RecordWriter
from kvdb.lsm.recovery import _Recovery
from kvdb.lsm.snapshot import ReadPoints, SnapshotList
from kvdb.lsm.sstable import bloom, writer
from kvdb.lsm.sstable import format as layout
from kvdb.lsm.version import VersionSet
from kvdb.options import EngineOptions, SyncMode
from kvdb.testing import Fault, MemFileSystem, sim_env
from tests.support.bitflip import SilentFlip, flip_many
from tests.support.crash import DIRECTORY, BrokenPromise, Sweep, Workload, check_kill
from tests.support.damage import Sample, blocks_of, files_of, outcome, sample
from tests.support.engines import content, open_engine, put, small_options
from tests.support.io_faults import FaultRun
from tests.support.script import first_wrong_answer

Plant = Callable[[pytest.MonkeyPatch], None]


class Red(AssertionError):
    """A check that found something."""


# The checks.


def crash_sweep(sync: SyncMode = "commit", seed: int = 1) -> None:
    """Green without a bug: ``test_crash_sweep`` has this one among its own."""
    Sweep(Workload(seed, sync, steps=27)).run()


def kill_sweep() -> None:
    workload = Workload(24, "commit", steps=30)
    call = 1
    while check_kill(workload, call):
        call += 7


def failed_syncs() -> None:
    for nth in range(1, 30, 3):
        FaultRun(Workload(41, steps=30), Fault("sync_data", nth=nth, kind="drop_pages")).run()


def full_disk() -> None:
    for nth in range(3, 40, 4):
        fault = Fault("append", nth=nth, error=errno.ENOSPC, kind="short_write")
        FaultRun(Workload(41, steps=30), fault).run()


def bit_flips() -> None:
    flip_many(100, 400)


def answers() -> None:
    settings = EngineOptions(
        memtable_size_bytes=1_500,
        block_size_bytes=200,
        sstable_size_bytes=2_000,
        level0_tables_max=2,
        level0_tables_stall=5,
        base_level_bytes=3_000,
        compression="none",
    )
    for seed in range(3):
        wrong = first_wrong_answer(seed, settings, steps=500)
        if wrong is not None:
            raise Red(wrong)


def damage_in_the_middle_of_a_log() -> None:
    whole = sample()
    name = whole.name(".log")
    data = whole.files[name]
    for offset in range(600, len(data) - 700, 97):
        damaged = data[:offset] + bytes([data[offset] ^ 0x10]) + data[offset + 1 :]
        found = outcome({**whole.files, name: damaged})
        if not isinstance(found, CorruptionError):
            raise Red(f"damage at {offset} of {name} was passed over")


def older_log_cut_short() -> None:
    whole = sample()
    older, _ = [name for name in whole.files if name.endswith(".log")]
    size = len(whole.files[older])
    for end in range(512, size, size // 40):
        found = outcome({**whole.files, older: whole.files[older][:end]})
        if not isinstance(found, StorageError):
            raise Red(f"a log that ends at {end} of {len(whole.files[older])} was taken for whole")


def moved_blocks() -> None:
    fs = MemFileSystem()
    engine = Engine.open(DIRECTORY, sim_env(fs), EngineOptions(block_size_bytes=100, bloom_bits_per_key=0))
    for number in range(30):
        put(engine, b"%04d" % number, b"%03d" % number * 9)
    engine.flush()
    engine.close()
    whole = Sample(files_of(fs), {}, [])
    name = whole.name(".sst")
    data = whole.files[name]
    for (start, end), (later, later_end) in itertools.pairwise(blocks_of(whole, name)):
        if end - start == later_end - later:
            moved = data[:later] + data[start:end] + data[later_end:]
            if not isinstance(outcome({**whole.files, name: moved}), CorruptionError):
                raise Red(f"the block at {start} stood at {later} too, and nobody noticed")
            return
    raise Red("no two blocks have one size")


def pinned_copy() -> None:
    fs = MemFileSystem()
    engine, env = open_engine(fs, small_options(frozen_memtables_max=3))
    for number in range(12):
        put(engine, b"key-%02d" % number, bytes(200))
    expected = content(engine)
    with engine.pin() as pin:
        for number in range(60):
            put(engine, b"key-%02d" % number, bytes(150))
            env.jobs.run_until_idle()  # type: ignore[attr-defined]  # InlineJobs
        engine.compact()
        try:
            pin.copy_to(fs, "copy")
        except OSError as error:
            raise Red(f"a pinned file is gone: {error}") from error
    assert expected


# The bugs.


def acknowledges_before_the_sync(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Commit, "seal", lambda self: None)


def shows_writes_before_the_sync_and_forgets_it(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RecordWriter, "sync", lambda self: setattr(self, "synced_to", self.size))


def syncs_no_directory(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(MemFileSystem, "sync_dir", lambda self, path: self.list_dir(path))


def does_not_sync_sstables(patch: pytest.MonkeyPatch) -> None:
    finish = writer.SstableWriter.finish

    def unsynced(self: Any, *, wall_ms: int) -> Any:
        patch_file = self._file

        class Lazy:
            name = patch_file.name
            append, close = patch_file.append, patch_file.close

            def sync(self) -> None: ...

        self._file = Lazy()
        return finish(self, wall_ms=wall_ms)

    patch.setattr(writer.SstableWriter, "finish", unsynced)


def does_not_sync_manifest_edits(patch: pytest.MonkeyPatch) -> None:
    append = ManifestWriter.append

    def unsynced(self: ManifestWriter, edit: Any, position: Any) -> None:
        if self._count:
            patch.setattr(self._records, "sync_new", lambda: None, raising=False)
        append(self, edit, position)

    patch.setattr(ManifestWriter, "append", unsynced)


def unlinks_before_the_manifest_is_synced(patch: pytest.MonkeyPatch) -> None:
    apply = VersionSet.apply

    def hasty(self: Any, edit: Any, **settings: Any) -> None:
        moved = {meta.number for _, meta in edit.added}
        for _, number in edit.removed:
            if number not in moved:
                self._fs.remove(join(self._directory, sstable_name(number)))
        apply(self, edit, **settings)

    patch.setattr(VersionSet, "apply", hasty)


def tries_a_failed_sync_again(patch: pytest.MonkeyPatch) -> None:
    sync = RecordWriter.sync

    def stubborn(self: RecordWriter) -> None:
        try:
            sync(self)
        except OSError:
            sync(self)

    patch.setattr(RecordWriter, "sync", stubborn)


def leaves_half_an_append_behind(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RecordWriter, "drop_tail", lambda self: None)


def checks_no_block(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("kvdb.lsm.sstable.format._block_crc", lambda *arguments: 0)


def binds_no_checksum_to_its_place(patch: pytest.MonkeyPatch) -> None:
    crc = layout._block_crc
    patch.setattr(
        "kvdb.lsm.sstable.format._block_crc", lambda body, compression, *place: crc(body, compression, 1, 0)
    )


def cuts_a_log_off_at_any_defect(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RecordReader, "torn_tail", lambda self, *, is_strict: self._data[self.end :])


def trusts_an_older_log(patch: pytest.MonkeyPatch) -> None:
    read_log = wal.read_log
    patch.setattr(
        "kvdb.lsm.log_chain.read_log",
        lambda *place, database_id, is_newest: read_log(*place, database_id=database_id, is_newest=True),
    )

    def unlinked(self: LogChain) -> Any:
        for number in self.numbers:
            yield wal.read_log(self._fs, self._directory, number, database_id=self._id, is_newest=True)

    patch.setattr(LogChain, "read", unlinked)


def drops_tombstones_on_every_level(patch: pytest.MonkeyPatch) -> None:
    retained = compaction_job.retained
    patch.setattr(
        compaction_job,
        "retained",
        lambda chunk, ranges, points, *, is_bottom: retained(chunk, ranges, points, is_bottom=True),
    )


def forgets_live_snapshots(patch: pytest.MonkeyPatch) -> None:
    read_points = SnapshotList.read_points

    def without_snapshots(self: SnapshotList, history_from: Any) -> Any:
        live, self._live = self._live, type(self._live)()
        try:
            return read_points(self, history_from)
        finally:
            self._live = live

    patch.setattr(SnapshotList, "read_points", without_snapshots)


def replays_with_wrong_seqnos(patch: pytest.MonkeyPatch) -> None:
    flush = _Recovery._flush

    def shifted(self: Any, log: Any, version: Any, position: Any) -> Any:
        for place, record in enumerate(log.records):
            log.records[place] = record._replace(seqno=1_000 - record.seqno)
        return flush(self, log, version, position)

    patch.setattr(_Recovery, "_flush", shifted)


def builds_filters_without_the_last_key(patch: pytest.MonkeyPatch) -> None:
    build = bloom.BloomFilter.build.__func__  # type: ignore[attr-defined]  # a class method
    patch.setattr(
        bloom.BloomFilter,
        "build",
        classmethod(lambda cls, hashes, count, **s: build(cls, list(hashes)[:-1], count, **s)),
    )


def flushes_only_what_is_newest(patch: pytest.MonkeyPatch) -> None:
    present = ReadPoints([], SEQNO_MAX)
    retained = flush.retained
    patch.setattr(
        flush,
        "retained",
        lambda chunk, ranges, points, *, is_bottom: retained(chunk, ranges, present, is_bottom=is_bottom),
    )


def flushes_no_echoes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Memtable, "entries", Memtable._put_entries)


def replays_echoes_with_the_seqno_of_their_key(patch: pytest.MonkeyPatch) -> None:
    without_echoes = wal.without_echoes
    patch.setattr(wal, "without_echoes", lambda operations, seqno: without_echoes(operations, seqno - 1))


def lets_pinned_logs_go(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Pins, "lowest_log", lambda self, needed: needed)


DRILLS: list[tuple[Plant, Callable[[], None]]] = [
    (acknowledges_before_the_sync, crash_sweep),
    (shows_writes_before_the_sync_and_forgets_it, crash_sweep),
    (syncs_no_directory, crash_sweep),
    (syncs_no_directory, kill_sweep),
    (does_not_sync_sstables, crash_sweep),
    (does_not_sync_manifest_edits, crash_sweep),
    (unlinks_before_the_manifest_is_synced, crash_sweep),
    (tries_a_failed_sync_again, failed_syncs),
    (leaves_half_an_append_behind, full_disk),
    (checks_no_block, bit_flips),
    (binds_no_checksum_to_its_place, moved_blocks),
    (cuts_a_log_off_at_any_defect, damage_in_the_middle_of_a_log),
    (trusts_an_older_log, older_log_cut_short),
    (drops_tombstones_on_every_level, answers),
    (forgets_live_snapshots, answers),
    (replays_with_wrong_seqnos, crash_sweep),
    (builds_filters_without_the_last_key, answers),
    (flushes_only_what_is_newest, answers),
    (flushes_no_echoes, crash_sweep),
    (replays_echoes_with_the_seqno_of_their_key, crash_sweep),
    (lets_pinned_logs_go, pinned_copy),
]


def test_there_are_at_least_twelve_bugs() -> None:
    assert len({plant for plant, _ in DRILLS}) >= 12


@pytest.mark.parametrize(
    "check",
    [check for check in dict.fromkeys(check for _, check in DRILLS) if check is not crash_sweep],
    ids=lambda c: c.__name__,
)
def test_the_check_is_green_without_a_bug(check: Callable[[], None]) -> None:
    check()


@pytest.mark.parametrize(
    ("plant", "check"), DRILLS, ids=[f"{plant.__name__}-{check.__name__}" for plant, check in DRILLS]
)
def test_a_planted_bug_turns_its_check_red(
    plant: Plant, check: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    with pytest.raises((Red, BrokenPromise, SilentFlip, AssertionError, StorageError)):
        check()
