from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvdb.errors import CorruptionError
from kvdb.lsm.record import SECTOR_BYTES, RecordReader, RecordWriter, file_salt
from kvdb.testing import MemFileSystem

SALT = file_salt(b"d" * 16, "log", 7)
PAYLOADS = st.lists(st.binary(max_size=700) | st.just(bytes(1500)), min_size=1, max_size=6)


def written(payloads: list[bytes], *, synced: bool = False) -> tuple[bytes, list[int]]:
    """The file's bytes, and where each record ends."""
    fs = MemFileSystem()
    file = fs.create("f")
    writer = RecordWriter(file, salt=SALT)
    ends = []
    for payload in payloads:
        writer.append(1, [payload])
        ends.append(writer.size)
        if synced:
            writer.sync()
    return file.read_at(0, file.size()), ends


def read(data: bytes, *, is_strict: bool = True) -> tuple[list[bytes], bytes]:
    reader = RecordReader(data, name="f", salt=SALT)
    payloads = [record.payload for record in reader]
    return payloads, reader.torn_tail(is_strict=is_strict)


@given(PAYLOADS)
def test_what_was_appended_is_read_back(payloads: list[bytes]) -> None:
    assert read(written(payloads)[0]) == (payloads, b"")


@given(PAYLOADS, st.data())
def test_a_file_cut_anywhere_gives_the_whole_records_before_the_cut(
    payloads: list[bytes], data: st.DataObject
) -> None:
    raw, ends = written(payloads)
    cut = data.draw(st.integers(0, len(raw)))
    whole = sum(end <= cut for end in ends)
    found, tail = read(raw[:cut])
    assert found == payloads[:whole]
    assert tail.strip(b"\0") == raw[([0, *ends])[whole] : cut].strip(b"\0")


def test_zeros_behind_the_last_record_are_a_clean_end() -> None:
    raw, _ = written([b"one"])
    assert read(raw + bytes(4096)) == ([b"one"], b"")


@pytest.mark.parametrize("payload", [b"x" * 2000, bytes(2000), b"\1" + bytes(1999), bytes([1, 0] * 1000)])
def test_a_sector_that_was_never_written_is_a_torn_tail(payload: bytes) -> None:
    raw, ends = written([b"first", payload])
    for sector in range(ends[0] // SECTOR_BYTES, len(raw) // SECTOR_BYTES + 1):
        start, end = max(ends[0], sector * SECTOR_BYTES), (sector + 1) * SECTOR_BYTES
        torn = raw[:start] + bytes(min(end, len(raw)) - start) + raw[end:]
        found, tail = read(torn)
        assert found == [b"first"]
        assert tail.strip(b"\0") == torn[ends[0] :].strip(b"\0")


@pytest.mark.parametrize("payload", [b"x" * 600, bytes(600), b"\0" * 599 + b"\1", b"\1", b""])
def test_a_flipped_bit_in_the_last_record_is_never_taken_for_a_torn_write(payload: bytes) -> None:
    # The record begins at different places in its sector, so that its parts in a sector
    # have every length down to one byte.
    for padding in (0, 1, 440, 447, 455, 470, 480):
        raw, ends = written([b"p" * padding, payload])
        for bit in range(ends[0] * 8, len(raw) * 8):
            flipped = bytearray(raw)
            flipped[bit // 8] ^= 1 << bit % 8
            with pytest.raises(CorruptionError):
                read(bytes(flipped))


def test_a_defect_before_a_synced_end_is_refused_in_every_mode() -> None:
    raw, ends = written([b"a" * 40, b"b" * 40, b"c" * 40], synced=True)
    damaged = raw[: ends[0] + 30] + bytes(20) + raw[ends[0] + 50 :]
    for is_strict in (True, False):
        with pytest.raises(CorruptionError, match="in the middle") as caught:
            read(damaged, is_strict=is_strict)
        assert (caught.value.file, caught.value.offset) == ("f", ends[0])


def test_bit_rot_of_an_unsynced_tail_is_dropped_where_the_file_is_not_strict() -> None:
    raw, ends = written([b"a" * 40, b"b" * 40])
    damaged = raw[: ends[0] + 30] + b"\xff" + raw[ends[0] + 31 :]
    assert read(damaged, is_strict=False) == ([b"a" * 40], damaged[ends[0] :])


def test_records_of_another_file_do_not_parse() -> None:
    raw, _ = written([b"one"])
    other = RecordReader(raw, name="g", salt=file_salt(b"d" * 16, "log", 8))
    assert list(other) == []


def test_a_failed_append_moves_nothing() -> None:
    fs = MemFileSystem()
    file = fs.create("f")
    writer = RecordWriter(file, salt=SALT)
    writer.append(1, [b"one"])
    before = (writer.size, writer.digest)
    file.close()
    with pytest.raises(OSError):
        writer.append(1, [b"two"])
    assert (writer.size, writer.digest) == before
