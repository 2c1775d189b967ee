"""Compressed files: written as gzip, read as gzip, zstd or neither, a bounded piece at a time.

A file that says little and unpacks to much (a bomb) costs no memory, for no piece is larger than asked
for; and past the first 64 MiB it is refused when it has grown by more than real items ever do.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterable, Iterator
from typing import Final, Literal, get_args

import zstandard

from kvdb.errors import CorruptionError

Compression = Literal["NONE", "GZIP", "ZSTD"]
COMPRESSIONS: tuple[Compression, ...] = get_args(Compression)

GZIP_LEVEL: Final = 3
"""Half the time of level 6 for a tenth more bytes."""
_COMPRESSED_AT_ONCE_BYTES: Final = 64 * 1024
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
PIECE_BYTES_MAX: Final = 1024 * 1024
_ZSTD_INPUT_BYTES: Final = 512
"""A block of 128 KiB takes four bytes at least: so much at a time unpacks to 16 MiB at most."""
_ZSTD_WINDOW_BYTES_MAX: Final = 1 << 27
_FREE_BYTES: Final = 64 * 1024 * 1024
_GROWTH_MAX: Final = 300


class GzipWriter:
    """Collects one gzip file in memory. The same content gives the same bytes: there is no time in it."""

    def __init__(self) -> None:
        self._compressor = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
        self._parts: list[bytes] = []
        self._waiting: list[bytes] = []
        self._due_bytes = _COMPRESSED_AT_ONCE_BYTES
        self.raw_bytes = 0

    def add(self, data: bytes) -> None:
        self._waiting.append(data)
        self.raw_bytes += len(data)
        if self.raw_bytes >= self._due_bytes:
            self._compress()

    def finish(self) -> list[bytes]:
        """The file, in pieces."""
        self._compress()
        self._parts.append(self._compressor.flush())
        return self._parts

    def _compress(self) -> None:
        # Records are small, and each call costs as much as compressing one.
        if packed := self._compressor.compress(b"".join(self._waiting)):
            self._parts.append(packed)
        self._waiting.clear()
        self._due_bytes = self.raw_bytes + _COMPRESSED_AT_ONCE_BYTES


def compression_of(name: str) -> Compression:
    """What a file's name says."""
    if name.endswith(".gz"):
        return "GZIP"
    return "ZSTD" if name.endswith((".zst", ".zstd")) else "NONE"


def unpacked(chunks: Iterable[bytes], compression: Compression, name: str) -> Iterator[bytes]:
    """The content of a file, in pieces.

    Raises:
        CorruptionError: it is not in ``compression``, cut off, or unpacks to far too much; names ``name``.
    """
    if compression == "NONE":
        return iter(chunks)
    counted = _Counted(chunks, name)
    return counted.bounded(_gunzipped(counted, name) if compression == "GZIP" else _unzstd(counted, name))


def stream_of(pieces: Iterator[bytes]) -> io.BufferedReader:
    """Pieces as a file that is read forwards."""
    return io.BufferedReader(_Pieces(pieces), PIECE_BYTES_MAX)


class _Counted:
    """The packed bytes, counted, so that growth can be told."""

    def __init__(self, chunks: Iterable[bytes], name: str) -> None:
        self._chunks = chunks
        self._name = name
        self._packed_bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self._packed_bytes += len(chunk)
            yield chunk

    def bounded(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        unpacked_bytes = 0
        for piece in pieces:
            unpacked_bytes += len(piece)
            if unpacked_bytes > _FREE_BYTES + _GROWTH_MAX * self._packed_bytes:
                raise CorruptionError(
                    f"object unpacks to more than {_GROWTH_MAX} times its size", file=self._name
                )
            yield piece


def _gunzipped(chunks: Iterable[bytes], name: str) -> Iterator[bytes]:
    stream = zlib.decompressobj(_GZIP_WINDOW)
    is_between = True
    for chunk in chunks:
        while chunk:
            if stream.eof:
                # A gzip file may be of several members, one behind the other.
                stream, is_between = zlib.decompressobj(_GZIP_WINDOW), True
            is_between = False
            try:
                piece = stream.decompress(chunk, PIECE_BYTES_MAX)
            except zlib.error as error:
                raise CorruptionError(f"object is damaged gzip reason={error}", file=name) from None
            if piece:
                yield piece
            chunk = stream.unused_data if stream.eof else stream.unconsumed_tail
    if not stream.eof and not is_between:
        raise CorruptionError("object is cut off in gzip", file=name)


def _unzstd(chunks: Iterable[bytes], name: str) -> Iterator[bytes]:
    context = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES_MAX)
    stream = context.decompressobj()
    is_between = True
    for chunk in chunks:
        for start in range(0, len(chunk), _ZSTD_INPUT_BYTES):
            part = chunk[start : start + _ZSTD_INPUT_BYTES]
            while part:
                if stream.eof:
                    stream, is_between = context.decompressobj(), True
                is_between = False
                try:
                    piece = stream.decompress(part)
                except zstandard.ZstdError as error:
                    raise CorruptionError(f"object is damaged zstd reason={error}", file=name) from None
                if piece:
                    yield piece
                part = stream.unused_data if stream.eof else b""
    if not stream.eof and not is_between:
        raise CorruptionError("object is cut off in zstd", file=name)


class _Pieces(io.RawIOBase):
    """The raw file under ``stream_of``."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count
