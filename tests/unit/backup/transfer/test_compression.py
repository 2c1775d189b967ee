"""Compressed files: whole, cut off, damaged, and bombs."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable

import pytest
import zstandard

from kvdb.backup.transfer.compression import Compression, GzipWriter, compression_of, stream_of, unpacked
from kvdb.errors import CorruptionError

CONTENT = os.urandom(1000) * 300

PACKERS: list[tuple[Compression, Callable[[bytes], bytes]]] = [
    ("GZIP", gzip.compress),
    ("ZSTD", zstandard.compress),
    ("NONE", bytes),
]


@pytest.mark.parametrize(("compression", "pack"), PACKERS)
def test_a_file_is_unpacked_whatever_its_pieces_and_parts(
    compression: Compression, pack: Callable[[bytes], bytes]
) -> None:
    packed = pack(CONTENT) + pack(b"more")
    for size in (1, 7, 1000, len(packed)):
        chunks = [packed[at : at + size] for at in range(0, len(packed), size)]
        assert b"".join(unpacked(chunks, compression, "x")) == CONTENT + b"more"
    assert stream_of(unpacked([packed], compression, "x")).read() == CONTENT + b"more"
    assert list(unpacked([], compression, "x")) == []


@pytest.mark.parametrize(("compression", "pack"), PACKERS[:2])
def test_a_file_that_is_cut_off_or_damaged_is_refused_by_name(
    compression: Compression, pack: Callable[[bytes], bytes]
) -> None:
    packed = pack(CONTENT)
    for bad in (packed[:-1], packed[: len(packed) // 2], packed[:3], b"hello world, plain", packed + b"\x00"):
        with pytest.raises(CorruptionError, match="file=some/name"):
            list(unpacked([bad], compression, "some/name"))


@pytest.mark.parametrize(("compression", "pack"), PACKERS[:2])
def test_a_bomb_is_refused_before_it_has_unpacked(
    compression: Compression, pack: Callable[[bytes], bytes]
) -> None:
    pieces = 0
    with pytest.raises(CorruptionError, match="unpacks to more"):
        for piece in unpacked([pack(bytes(1 << 28))], compression, "x"):
            pieces += len(piece)
            assert len(piece) <= 1 << 24
    assert pieces < 3 << 26


def test_gzip_is_written_the_same_each_time() -> None:
    def written() -> bytes:
        writer = GzipWriter()
        writer.add(CONTENT)
        return b"".join(writer.finish())

    assert written() == written()
    assert gzip.decompress(written()) == CONTENT


def test_the_name_says_the_compression() -> None:
    names = ["a.json.gz", "a.csv.zst", "a.zstd", "a.json"]
    assert [compression_of(name) for name in names] == ["GZIP", "ZSTD", "ZSTD", "NONE"]
