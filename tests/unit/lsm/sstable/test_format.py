from __future__ import annotations

import os
import struct

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from kvdb.errors import CorruptionError, FormatTooNew
from kvdb.lsm.coding import crc32c
from kvdb.lsm.sstable.format import RAW_BYTES_MAX, opened_block, sealed_block


def sealed(kind: int, body: bytes) -> bytes:
    """A block with a checksum that is right, whatever the body says."""
    return body + struct.pack("<BI", kind, crc32c(body, crc32c(struct.pack("<QQB", 1, 64, kind))))


def opened(data: bytes) -> bytes:
    return opened_block(data, unique_id=1, offset=64, file="000001.sst")


@given(st.binary(max_size=3000), st.sampled_from(["zstd", "none"]), st.integers(1, 50))
def test_what_was_sealed_is_opened(part: bytes, compression: str, times: int) -> None:
    body = part * times
    data = sealed_block(body, unique_id=1, offset=64, compression=compression)  # type: ignore[arg-type]
    assert opened(data) == body
    for unique_id, offset in ((2, 64), (1, 65)):
        with pytest.raises(CorruptionError, match="checksum"):
            opened_block(data, unique_id=unique_id, offset=offset, file="000001.sst")


def test_what_does_not_shrink_and_what_is_large_is_stored_as_it_is() -> None:
    for body in (os.urandom(4096), bytes(RAW_BYTES_MAX + 1)):
        assert sealed_block(body, unique_id=1, offset=64, compression="zstd")[: len(body)] == body


FRAME = zstandard.ZstdCompressor().compress(bytes(100_000))
UNSIZED = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(100_000))
BOMB = zstandard.ZstdCompressor().compress(bytes(64 * RAW_BYTES_MAX))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x01\x00",
        struct.pack("<I", 100_000),
        struct.pack("<I", 99_999) + FRAME,
        struct.pack("<I", 100_001) + FRAME,
        struct.pack("<I", 100_000) + FRAME[:-3],
        struct.pack("<I", 100_000) + b"\0" + FRAME,
        struct.pack("<I", 100_000) + UNSIZED,
        struct.pack("<I", 64 * RAW_BYTES_MAX) + BOMB,
        struct.pack("<I", 1000) + BOMB,
        struct.pack("<I", 0xFFFFFFFF) + BOMB,
    ],
)
def test_a_frame_that_lies_about_its_size_is_refused_with_file_and_offset(body: bytes) -> None:
    with pytest.raises(CorruptionError) as refused:
        opened(sealed(1, body))
    assert (refused.value.file, refused.value.offset) == ("000001.sst", 64)


def test_an_unknown_compression_is_a_later_format() -> None:
    with pytest.raises(FormatTooNew, match="compression 2"):
        opened(sealed(2, b"x"))


@given(st.binary(max_size=200))
def test_arbitrary_bytes_under_a_good_checksum_open_or_are_refused(body: bytes) -> None:
    try:
        opened(sealed(1, body))
    except CorruptionError:
        return
