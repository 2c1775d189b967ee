from __future__ import annotations

import os
from itertools import chain, pairwise
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvdb.env.fs import OsFileSystem
from kvdb.errors import CorruptionError, FormatTooNew
from kvdb.lsm.block_cache import BlockCache
from kvdb.lsm.internal_key import MISSING, SEQNO_MAX, Entry
from kvdb.lsm.sstable import format as sstable_format
from kvdb.lsm.sstable.bloom import key_hash
from kvdb.lsm.sstable.reader import SstableReader
from kvdb.lsm.sstable.writer import SstableInfo, SstableSettings, file_digest, write_sstable
from kvdb.metrics import Registry
from kvdb.options import Compression
from kvdb.testing import MemFileSystem

KEYS = st.binary(min_size=1, max_size=2)
Versions = dict[tuple[bytes, int], bytes | None]


def build(
    fs: MemFileSystem,
    versions: Versions,
    *,
    bits: int = 10,
    block: int = 40,
    uid: int = 99,
    compression: Compression = "none",
) -> SstableInfo:
    fs.make_dir("db")
    entries = sorted((key, SEQNO_MAX - seqno, value) for (key, seqno), value in versions.items())
    return write_sstable(
        lambda: fs.create("db/000005.sst"),
        entries,
        (),
        SstableSettings(block, bits, compression),
        unique_id=uid,
        wall_ms=123,
    )


def opened(
    fs: MemFileSystem, info: SstableInfo, *, uid: int = 99, cache: BlockCache | None = None
) -> SstableReader:
    return SstableReader(fs, "db", 5, unique_id=uid, size=info.size, cache=cache)


def newest(versions: Versions, seqno: int) -> dict[bytes, tuple[int, bytes | None]]:
    found: dict[bytes, tuple[int, bytes | None]] = {}
    for (key, written), value in sorted(versions.items()):
        if written <= seqno:
            found[key] = (written, value)
    return found


VERSIONS = st.dictionaries(
    st.tuples(KEYS, st.integers(1, 12)), st.none() | st.binary(max_size=60), min_size=1, max_size=40
)


@given(VERSIONS, st.integers(0, 13), KEYS | st.just(b""), KEYS | st.just(b""), st.sampled_from([0, 10]))
def test_gets_and_scans_equal_a_dict(
    versions: Versions, seqno: int, start: bytes, end: bytes, bits: int
) -> None:
    fs = MemFileSystem()
    reader = opened(fs, build(fs, versions, bits=bits), cache=BlockCache(200, Registry()))
    model = newest(versions, seqno)
    for key in {key for key, _ in versions} | {start, end}:
        expected = model[key][1] if key in model else MISSING
        assert (
            reader.get(key, seqno, key_hash(key)) is expected
            or reader.get(key, seqno, key_hash(key)) == expected
        )
        assert key not in model or reader.may_contain(key_hash(key))
    inside = [
        (key, *found) for key, found in sorted(model.items()) if key >= start and (not end or key < end)
    ]
    pairs = [(key, value) for key, _, value in inside if value is not None]
    assert list(chain.from_iterable(reader.pages(start, end, seqno))) == pairs
    assert list(chain.from_iterable(reader.pages(start, end, seqno, reverse=True))) == pairs[::-1]
    everything = list(reader.entries())
    ranged = [entry for entry in everything if entry[0] >= start and (not end or entry[0] < end)]
    forward = list(reader.chunks(start, end))
    backward = list(reader.chunks(start, end, reverse=True))
    for chunks in (forward, backward[::-1]):
        assert [entry for chunk in chunks for entry in chunk] == ranged
        assert all(before[-1][0] < after[0][0] for before, after in pairwise(chunks))
    stored = list(reader.stored_chunks())
    assert [entry for chunk in stored for entry in chunk] == everything
    assert all(before[-1][0] < after[0][0] for before, after in pairwise(stored))
    assert [(key, SEQNO_MAX - rank) for key, rank, _ in reader.entries()] == sorted(
        versions, key=lambda place: (place[0], -place[1])
    )


def test_old_versions_are_found_in_the_block_after_the_newest() -> None:
    versions: Versions = {(b"\x10", seqno): b"v" * 50 for seqno in range(1, 6)}
    versions[b"\x50", 6] = b"w"
    fs = MemFileSystem()
    reader = opened(fs, build(fs, versions, block=40))
    assert [reader.get(b"\x10", seqno, key_hash(b"\x10")) for seqno in (5, 3, 1)] == [b"v" * 50] * 3
    assert reader.get(b"\x10", 0, key_hash(b"\x10")) is MISSING


def test_the_manifest_learns_digest_size_and_properties() -> None:
    fs = MemFileSystem()
    info = build(fs, {(b"a", 3): b"1", (b"b", 9): None})
    file = fs.open_read("db/000005.sst")
    digest = file_digest()
    digest.update(file.read_at(0, file.size()))
    assert (info.size, info.digest) == (file.size(), digest.digest())
    properties = opened(fs, info).properties
    assert properties == info.properties
    assert (properties.entries, properties.tombstones, properties.smallest, properties.limit) == (
        2,
        1,
        b"a",
        b"b\0",
    )
    assert (properties.seqno_min, properties.seqno_max, properties.wall_ms) == (3, 9, 123)


def test_a_finished_file_survives_a_power_loss_once_its_name_is_synced() -> None:
    fs = MemFileSystem()
    info = build(fs, {(b"a", 3): b"1"})
    fs.sync_dir(".")
    fs.sync_dir("db")
    assert opened(fs.after_crash("strict"), info).get(b"a", 3, key_hash(b"a")) == b"1"


def damaged(fs: MemFileSystem, data: bytes) -> MemFileSystem:
    fs.remove("db/000005.sst")
    fs.create("db/000005.sst").append(data)
    return fs


def everything(fs: MemFileSystem, info: SstableInfo) -> list[Entry]:
    reader = opened(fs, info)
    for key, _, _ in reader.entries():
        reader.may_contain(key_hash(key))
    return list(reader.entries())


def test_every_flipped_bit_is_refused_with_file_and_offset() -> None:
    versions: Versions = {(b"k%d" % i, i): b"v" * i for i in range(1, 8)}
    fs = MemFileSystem()
    info = build(fs, versions, block=30)
    data = fs.open_read("db/000005.sst").read_at(0, info.size)
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CorruptionError) as caught:
            everything(damaged(fs, bytes(flipped)), info)
        assert caught.value.file == "000005.sst"


def test_every_truncation_is_refused() -> None:
    fs = MemFileSystem()
    info = build(fs, {(b"a", 1): b"1", (b"b", 2): b"2"})
    data = fs.open_read("db/000005.sst").read_at(0, info.size)
    for size in range(len(data)):
        with pytest.raises(CorruptionError, match="wrong size"):
            everything(damaged(fs, data[:size]), info)


def test_two_blocks_swapped_in_place_are_refused() -> None:
    versions: Versions = {(b"a", 1): b"1" * 40, (b"b", 2): b"2" * 40}
    fs = MemFileSystem()
    info = build(fs, versions, block=10)
    data = fs.open_read("db/000005.sst").read_at(0, info.size)
    half = data.index(b"2" * 40) - data.index(b"1" * 40)
    swapped = data[half : 2 * half] + data[:half] + data[2 * half :]
    with pytest.raises(CorruptionError, match="checksum"):
        everything(damaged(fs, swapped), info)


def test_another_file_under_its_name_is_refused() -> None:
    fs = MemFileSystem()
    info = build(fs, {(b"a", 1): b"1"}, uid=98)
    with pytest.raises(CorruptionError, match="another file"):
        opened(fs, info, uid=99)


def test_a_missing_file_is_named() -> None:
    fs = MemFileSystem()
    info = build(fs, {(b"a", 1): b"1"})
    fs.remove("db/000005.sst")
    with pytest.raises(CorruptionError, match=r"missing file=000005\.sst"):
        opened(fs, info)


def test_a_later_format_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    fs = MemFileSystem()
    with monkeypatch.context() as later:
        later.setattr(sstable_format, "FORMAT_VERSION", 2)
        info = build(fs, {(b"a", 1): b"1"})
    with pytest.raises(FormatTooNew, match=r"sstable format 2 .*000005\.sst"):
        opened(fs, info)


def test_the_last_user_closes_the_file(tmp_path: Path) -> None:
    fs = MemFileSystem()
    info = build(fs, {(b"a", 1): b"1", (b"b", 2): b"2"})
    (tmp_path / "000005.sst").write_bytes(fs.open_read("db/000005.sst").read_at(0, info.size))
    before = len(os.listdir("/proc/self/fd"))
    reader = SstableReader(OsFileSystem(), str(tmp_path), 5, unique_id=99, size=info.size, cache=None)
    scan = chain.from_iterable(reader.pages(b"", b"", 9))
    next(scan)
    del reader
    assert len(os.listdir("/proc/self/fd")) == before + 1
    assert [key for key, _ in scan] == [b"b"]
    del scan
    assert len(os.listdir("/proc/self/fd")) == before


@given(VERSIONS, st.sampled_from([b"", b"x" * 50, bytes(500)]))
def test_compressed_and_plain_files_hold_the_same(versions: Versions, filling: bytes) -> None:
    filled = {key: None if value is None else value + filling for key, value in versions.items()}
    if not filled:
        return
    found = []
    for compression in get_args(Compression):
        fs = MemFileSystem()
        found.append(list(opened(fs, build(fs, filled, block=300, compression=compression)).entries()))
    assert found[0] == found[1]
    assert len(found[0]) == len(filled)


def test_compression_saves_space() -> None:
    versions: Versions = {(b"%05d" % i, i + 1): b"the same text over and over" * 4 for i in range(500)}
    sizes = [
        build(MemFileSystem(), versions, block=4096, compression=compression).size
        for compression in get_args(Compression)
    ]
    assert sizes[0] * 4 < sizes[1]
