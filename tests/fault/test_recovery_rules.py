"""What recovery does with the end of a log, case by case (RELIABILITY 3.3, rule C)."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from kvdb.env.fs import join, read_all
from kvdb.errors import CorruptionError, StorageError
from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.engine import Engine
from kvdb.options import SyncMode
from kvdb.testing import MemFileSystem, sim_env
from tests.support.crash import DIRECTORY, State
from tests.support.damage import Files, disk_of, files_of, options, outcome

SYNCED: list[SyncMode] = ["commit", "group"]
UNSYNCED: list[SyncMode] = ["interval", "none"]


class OneLog(NamedTuple):
    """A database that is only a log with four writes."""

    files: Files
    name: str
    ends: list[int]
    """Where the log ended after 0, 1, 2, 3 and 4 writes."""
    states: list[State]

    @property
    def content(self) -> bytes:
        return self.files[self.name]

    def with_log(self, content: bytes) -> Files:
        return {**self.files, self.name: content}


def one_log(sync: SyncMode = "commit") -> OneLog:
    fs = MemFileSystem()
    engine = Engine.open(DIRECTORY, sim_env(fs), options(sync))
    (name,) = [name for name in fs.list_dir(DIRECTORY) if name.endswith(".log")]
    ends = [fs.file_size(join(DIRECTORY, name))]
    states: list[State] = [{}]
    for number, size in enumerate([40, 40, 40, 1500]):
        key, value = b"key-%d" % number, (b"%d-value;" % number * size)[:size]
        engine.write(WriteBatch().put(key, value))
        states.append({**states[-1], key: value})
        ends.append(fs.file_size(join(DIRECTORY, name)))
    return OneLog(files_of(fs), name, ends, states)


def zeroed(content: bytes, start: int, end: int) -> bytes:
    return content[:start] + bytes(end - start) + content[end:]


def flipped(content: bytes, offset: int) -> bytes:
    return content[:offset] + bytes([content[offset] ^ 0x10]) + content[offset + 1 :]


def refusal(found: State | StorageError) -> tuple[str, int]:
    """File and offset of a refusal."""
    assert isinstance(found, CorruptionError)
    return found.file, found.offset


@pytest.mark.parametrize("sync", [*SYNCED, *UNSYNCED])
def test_a_log_that_ends_with_a_whole_record_is_read_to_its_end(sync: SyncMode) -> None:
    log = one_log(sync)
    assert outcome(log.files, sync) == log.states[4]


@pytest.mark.parametrize("zeros", [1, 511, 512, 5000])
def test_zeros_behind_the_last_record_are_a_clean_end(zeros: int) -> None:
    log = one_log()
    assert outcome(log.with_log(log.content + bytes(zeros))) == log.states[4]


@pytest.mark.parametrize("sync", [*SYNCED, *UNSYNCED])
@pytest.mark.parametrize("missing", [1, 20, 700, 1500])
def test_a_record_that_is_cut_short_is_torn_and_dropped(sync: SyncMode, missing: int) -> None:
    log = one_log(sync)
    assert outcome(log.with_log(log.content[:-missing]), sync) == log.states[3]


def test_a_torn_tail_is_kept_in_quarantine_byte_for_byte() -> None:
    log = one_log()
    disk = disk_of(log.with_log(log.content[:-100]))
    Engine.open(DIRECTORY, sim_env(disk), options()).close()
    place = join(DIRECTORY, "quarantine")
    (kept,) = disk.list_dir(place)
    assert read_all(disk, join(place, kept)) == log.content[log.ends[3] : -100]
    assert log.name in kept


def test_a_torn_tail_stays_in_quarantine_through_later_openings() -> None:
    log = one_log()
    disk = disk_of(log.with_log(log.content[:-100]))
    for _ in range(3):
        Engine.open(DIRECTORY, sim_env(disk), options()).close()
    assert len(disk.list_dir(join(DIRECTORY, "quarantine"))) == 1


@pytest.mark.parametrize("sync", [*SYNCED, *UNSYNCED])
def test_a_last_record_with_a_sector_of_zeros_is_torn_and_dropped(sync: SyncMode) -> None:
    log = one_log(sync)
    first_whole_sector = (log.ends[3] // 512 + 1) * 512
    for start in range(first_whole_sector, log.ends[4] - 512, 512):
        damaged = zeroed(log.content, start, start + 512)
        assert outcome(log.with_log(damaged), sync) == log.states[3]


def test_the_part_of_a_last_record_in_its_first_sector_may_be_the_zeros() -> None:
    # The sector's other part was durable before, and stays.
    log = one_log()
    damaged = zeroed(log.content, log.ends[3], (log.ends[3] // 512 + 1) * 512)
    assert outcome(log.with_log(damaged)) == log.states[3]


@pytest.mark.parametrize("sync", [*SYNCED, *UNSYNCED])
@pytest.mark.parametrize("record", [1, 2, 3])
def test_damage_before_a_later_synced_record_is_refused_where_it_lies(sync: SyncMode, record: int) -> None:
    log = one_log(sync)
    start, end = log.ends[record - 1], log.ends[record]
    for offset in range(start, end, 5):
        found = outcome(log.with_log(flipped(log.content, offset)), sync)
        if sync in SYNCED:
            assert refusal(found) == (log.name, start)
        else:
            # Nothing was synced behind it: what is left is a prefix of the writes.
            assert found == log.states[record - 1]


def test_a_hole_before_a_later_synced_record_is_refused_though_it_is_zero() -> None:
    log = one_log()
    found = outcome(log.with_log(zeroed(log.content, log.ends[1], log.ends[2])))
    assert refusal(found) == (log.name, log.ends[1])


@pytest.mark.parametrize("sync", SYNCED)
def test_bit_rot_of_the_last_record_is_refused_where_it_was_acknowledged(sync: SyncMode) -> None:
    log = one_log(sync)
    for offset in range(log.ends[3], log.ends[4], 7):
        found = outcome(log.with_log(flipped(log.content, offset)), sync)
        assert refusal(found) == (log.name, log.ends[3]), f"offset {offset}"


@pytest.mark.parametrize("sync", UNSYNCED)
def test_bit_rot_of_the_last_record_is_dropped_where_losing_it_was_allowed(sync: SyncMode) -> None:
    log = one_log(sync)
    for offset in range(log.ends[3], log.ends[4], 7):
        assert outcome(log.with_log(flipped(log.content, offset)), sync) == log.states[3]


def test_the_mode_the_log_was_written_in_decides_and_not_the_one_it_is_opened_in() -> None:
    log = one_log("commit")
    damaged = log.with_log(flipped(log.content, log.ends[4] - 10))
    assert refusal(outcome(damaged, "none")) == (log.name, log.ends[3])


class TwoLogs(NamedTuple):
    """A database with an older log, sealed, and the newest."""

    files: Files
    older: str
    state: State
    last_record_at: int
    """Where the last record of the older log begins."""

    def with_older(self, content: bytes) -> Files:
        return {**self.files, self.older: content}


def two_logs() -> TwoLogs:
    fs = MemFileSystem()
    engine = Engine.open(DIRECTORY, sim_env(fs), options())
    (older,) = [name for name in fs.list_dir(DIRECTORY) if name.endswith(".log")]
    state: State = {}
    sizes = []
    while sum(name.endswith(".log") for name in fs.list_dir(DIRECTORY)) < 2:
        sizes.append(fs.file_size(join(DIRECTORY, older)))
        key = b"key-%03d" % len(state)
        engine.write(WriteBatch().put(key, key * 30))
        state[key] = key * 30
    # The write that rotated is in the newest log, so the older one grew last before it.
    return TwoLogs(files_of(fs), older, state, last_record_at=sizes[-2])


def test_every_log_is_replayed() -> None:
    logs = two_logs()
    assert outcome(logs.files) == logs.state


def test_an_older_log_that_is_cut_short_is_refused() -> None:
    logs = two_logs()
    content = logs.files[logs.older]
    for missing in (1, 30, 150, 300):
        assert refusal(outcome(logs.with_older(content[:-missing])))[0] == logs.older


def test_an_older_log_without_its_last_record_is_refused_though_it_ends_cleanly() -> None:
    logs = two_logs()
    content = logs.files[logs.older]
    assert 0 < logs.last_record_at < len(content)
    assert refusal(outcome(logs.with_older(content[: logs.last_record_at])))[0] == logs.older


def test_a_last_record_of_an_older_log_that_looks_torn_is_refused() -> None:
    logs = two_logs()
    content = logs.files[logs.older]
    damaged = zeroed(content, logs.last_record_at, len(content))
    assert refusal(outcome(logs.with_older(damaged)))[0] == logs.older


def test_bit_rot_of_an_older_log_is_refused() -> None:
    logs = two_logs()
    content = logs.files[logs.older]
    for offset in range(0, len(content), 11):
        assert refusal(outcome(logs.with_older(flipped(content, offset))))[0] == logs.older


def test_a_missing_older_log_is_refused() -> None:
    logs = two_logs()
    files = {name: content for name, content in logs.files.items() if name != logs.older}
    assert refusal(outcome(files))[0] == logs.older
