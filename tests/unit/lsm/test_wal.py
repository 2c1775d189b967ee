from __future__ import annotations

import pytest

from kvdb.env.fs import read_all
from kvdb.errors import CorruptionError, FormatTooNew
from kvdb.lsm import wal
from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.wal import LogRecord, Opening, Predecessor, create_log, read_log, read_opening
from kvdb.options import SyncMode
from kvdb.testing import MemFileSystem
from tests.support.engines import content, open_engine, put, small_options

ID = b"i" * 16


def new_log(fs: MemFileSystem, number: int = 1, *, mode: SyncMode = "commit", base: int = 0) -> wal.LogWriter:
    if not fs.exists("db"):
        fs.make_dir("db")
    return create_log(
        fs, "db", number, database_id=ID, sync_mode=mode, base_seqno=base, previous=Predecessor()
    )


def append(log: wal.LogWriter, *batches: WriteBatch, wall_ms: int = 5) -> None:
    log.append([batch.encoded() for batch in batches], [len(batch) for batch in batches], wall_ms=wall_ms)


def test_batches_come_back_with_consecutive_seqnos() -> None:
    fs = MemFileSystem()
    log = new_log(fs, base=10)
    append(log, WriteBatch().put(b"a", b"1").delete(b"b"), WriteBatch().put(b"c", b"2"), wall_ms=77)
    append(log, WriteBatch().put(b"d", b"3"), wall_ms=78)
    content = read_log(fs, "db", 1, database_id=ID, is_newest=True)
    assert content is not None
    assert [record._replace(offset=0) for record in content.records] == [
        LogRecord(11, 77, [b"a", b"1", b"b", None]),
        LogRecord(13, 77, [b"c", b"2"]),
        LogRecord(14, 78, [b"d", b"3"]),
    ]
    assert content.last_seqno == log.last_seqno == 14
    assert content.as_predecessor() == log.as_predecessor()


def test_a_new_log_survives_a_power_loss_at_once() -> None:
    fs = MemFileSystem()
    new_log(fs)
    fs.sync_dir(".")
    after = fs.after_crash("strict")
    assert read_opening(after, "db", 1, database_id=ID) == Opening("commit", 0, Predecessor())


def test_a_log_names_its_predecessor() -> None:
    fs = MemFileSystem()
    first = new_log(fs)
    append(first, WriteBatch().put(b"a", b"1"))
    create_log(fs, "db", 2, database_id=ID, sync_mode="commit", base_seqno=1, previous=first.as_predecessor())
    opening = read_opening(fs, "db", 2, database_id=ID)
    assert opening is not None
    assert opening.previous == first.as_predecessor()


def test_the_newest_log_without_an_opening_record_counts_as_never_begun() -> None:
    fs = MemFileSystem()
    fs.make_dir("db")
    fs.create("db/000001.log")
    assert read_log(fs, "db", 1, database_id=ID, is_newest=True) is None
    with pytest.raises(CorruptionError, match="no opening record"):
        read_log(fs, "db", 1, database_id=ID, is_newest=False)


@pytest.mark.parametrize("mode", ["commit", "group", "interval", "none"])
def test_a_torn_tail_is_dropped_only_in_the_newest_log(mode: SyncMode) -> None:
    fs = MemFileSystem()
    log = new_log(fs, mode=mode)
    append(log, WriteBatch().put(b"a", b"1"))
    end = log.size
    append(log, WriteBatch().put(b"b", b"2" * 100))
    fs.open_append("db/000001.log").truncate(log.size - 7)
    content = read_log(fs, "db", 1, database_id=ID, is_newest=True)
    assert content is not None
    assert (len(content.records), content.size, bool(content.torn_tail)) == (1, end, True)
    with pytest.raises(CorruptionError):
        read_log(fs, "db", 1, database_id=ID, is_newest=False)


def test_zeros_at_the_end_of_an_older_log_are_refused() -> None:
    fs = MemFileSystem()
    append(log := new_log(fs), WriteBatch().put(b"a", b"1"))
    fs.open_append("db/000001.log").append(bytes(100))
    with pytest.raises(CorruptionError, match="no clean end") as caught:
        read_log(fs, "db", 1, database_id=ID, is_newest=False)
    assert caught.value.offset == log.size


def test_a_log_of_a_later_format_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    fs = MemFileSystem()
    with monkeypatch.context() as later:
        later.setattr(wal, "FORMAT_VERSION", 2)
        new_log(fs)
    with pytest.raises(FormatTooNew, match=r"log format 2 .*000001\.log"):
        read_log(fs, "db", 1, database_id=ID, is_newest=True)


def test_a_log_of_another_database_is_refused() -> None:
    fs = MemFileSystem()
    append(new_log(fs), WriteBatch().put(b"a", b"1"))
    with pytest.raises(CorruptionError):
        read_log(fs, "db", 1, database_id=b"o" * 16, is_newest=True)


def test_what_is_good_of_a_damaged_log_is_what_stands_before_the_defect() -> None:
    fs = MemFileSystem()
    log = new_log(fs)
    ends = [log.size]
    for number in range(3):
        append(log, WriteBatch().put(b"k%d" % number, b"v"))
        log.sync()
        ends.append(log.size)
    whole = read_all(fs, "db/000001.log")

    def salvaged(content: bytes) -> tuple[int, int, bool]:
        fs.remove("db/000001.log")
        fs.create("db/000001.log").append(content)
        found = wal.salvage_log(fs, "db", 1, database_id=ID)
        assert found.file_size == len(content)
        return len(found.records), found.size, found.error is None

    assert salvaged(whole) == (3, ends[3], True)
    assert salvaged(whole[:-1]) == (2, ends[2], True), "torn, which no open refuses"
    middle = ends[1] + 30
    assert salvaged(whole[:middle] + b"\xff" + whole[middle + 1 :]) == (1, ends[1], False)
    assert salvaged(b"x" * 2000) == (0, 0, False)
    assert salvaged(whole[:100]) == (0, 0, True)


@pytest.mark.parametrize("pad", [512, 4096])
def test_a_padded_log_writes_to_no_sector_twice_and_reads_the_same(pad: int) -> None:
    fs = MemFileSystem()
    fs.make_dir("db")
    log = create_log(
        *(fs, "db", 1),
        database_id=ID,
        sync_mode="commit",
        base_seqno=0,
        previous=Predecessor(),
        pad_bytes=pad,
    )
    ends = []
    # Among the sizes are some that leave less of a sector than a record's frame.
    for size in range(380, 480, 3):
        append(log, WriteBatch().put(b"group", bytes(range(1, 200)) + b"x" * size), WriteBatch().delete(b"d"))
        log.append_one(WriteBatch().put(b"one", b"y" * size).encoded(), 1, 5)
        ends.append(log.size)
    assert all(end % pad == 0 for end in ends)
    content = read_log(fs, "db", 1, database_id=ID, is_newest=True)
    assert content is not None
    assert [len(record.operations) for record in content.records] == [2] * 3 * len(ends)
    assert (content.size, content.torn_tail) == (log.size, b"")
    assert content.as_predecessor() == log.as_predecessor()
    data = read_all(fs, "db/000001.log")
    assert list(wal.read_piece(data, 1, database_id=ID)) == content.records
    salvaged = wal.salvage_log(fs, "db", 1, database_id=ID)
    assert (len(salvaged.records), salvaged.size, salvaged.error) == (3 * len(ends), log.size, None)


def test_a_torn_filler_costs_its_own_group_and_no_other() -> None:
    fs = MemFileSystem()
    options = small_options("none", log_pad_bytes=512)
    engine, _ = open_engine(fs, options)
    for n in range(5):
        put(engine, b"%d" % n, bytes(50))
    engine.write(WriteBatch())
    for seed in range(20):
        again, _ = open_engine(fs.after_crash("random", seed), options, seed=seed)
        kept = content(again)
        assert list(kept) == [b"%d" % n for n in range(len(kept))]


def test_a_piece_of_a_log_is_read_if_it_is_whole() -> None:
    fs = MemFileSystem()
    log = new_log(fs)
    append(log, WriteBatch().put(b"a", b"1"))
    end = log.size
    append(log, WriteBatch().put(b"b", b"2"))
    data = read_all(fs, "db/000001.log")
    assert [record.seqno for record in wal.read_piece(data, 1, database_id=ID)] == [1, 2]
    assert [record.seqno for record in wal.read_piece(data[end:], 1, database_id=ID)] == [2]
    with pytest.raises(CorruptionError, match="no clean end"):
        list(wal.read_piece(data[:-1], 1, database_id=ID))


def test_echoes_come_back_as_what_they_stand_for() -> None:
    fs = MemFileSystem()
    log = new_log(fs, base=10)
    append(log, WriteBatch().put(b"ab", b"1").echo(b"p", 1), WriteBatch().delete(b"cd").echo(b"p", 1))
    content = read_log(fs, "db", 1, database_id=ID, is_newest=True)
    assert content is not None
    assert [record.operations for record in content.records] == [
        [b"ab", b"1", b"p" + bytes(7) + b"\x0c" + b"b", b""],
        [b"cd", None, b"p" + bytes(7) + b"\x0e" + b"d", b""],
    ]


def test_a_seqno_that_none_can_be_is_corruption() -> None:
    fs = MemFileSystem()
    log = new_log(fs, base=(1 << 64) - 2)
    append(log, WriteBatch().put(b"ab", b"1").echo(b"p", 1))
    with pytest.raises(CorruptionError, match="a seqno that none can be"):
        read_log(fs, "db", 1, database_id=ID, is_newest=True)
