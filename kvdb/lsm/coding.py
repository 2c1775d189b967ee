"""Bytes: CRC32C and bounded msgpack, the two primitives every engine file is made of.

Both run in C. ``unpack`` turns every way msgpack can refuse its input into ``ValueError``,
so that the format rooms can name the file and offset in a ``CorruptionError``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

import google_crc32c
import msgpack

crc32c_extend: Callable[[int, bytes], int] = google_crc32c.extend
"""``crc32c_extend(seed, data)``: the C function itself, for the hot path."""


def crc32c(data: bytes, seed: int = 0) -> int:
    """CRC-32C (Castagnoli) of ``data``, continued from ``seed``. Source: RFC 3720, appendix B.4."""
    return crc32c_extend(seed, data)


class _Packer(threading.local):
    """A thread's own packer: making one, with its buffer, costs more than using it."""

    def __init__(self) -> None:
        self.pack: Callable[[object], bytes] = msgpack.Packer().pack


_packer: Final = _Packer()


def pack(value: object) -> bytes:
    """``value`` (None, bool, int, str, bytes, list, tuple, dict of those) as msgpack."""
    return _packer.pack(value)


def unpack(data: bytes) -> object:
    """The one value that ``data`` encodes.

    msgpack checks each declared length against what is left before it allocates.

    Raises:
        ValueError: ``data`` is malformed, truncated, nested too deep or followed by more.
    """
    try:
        return msgpack.unpackb(data, strict_map_key=False)
    except (ValueError, TypeError, msgpack.UnpackException, RecursionError, OverflowError) as error:
        raise ValueError(f"malformed msgpack: {error}") from error
