"""Content codings: which one an answer gets, and bodies that come in one.

The service compresses answers of more than 4,096 bytes with gzip or deflate (zlib's format), by
``Accept-Encoding`` in its own reading: the highest weight wins, of equals the one named first, ``*``
stands for what is not named, ``identity`` counts for nothing; a weight is what follows the first
``q=``, at most 1, and 1 where it is no number.

Requests may come in one too, where the operator allows it: no SDK does so, and what is small on the
wire may be large in memory. So no more is ever unpacked than a plain body may hold.

Source: ScyllaDB, test_compressed_response.py and test_compressed_request.py, run against the service.
"""

from __future__ import annotations

import gzip
import zlib
from functools import lru_cache
from typing import Literal

from kvdb.errors import MessageTooLarge, SerializationError

Coding = Literal[b"gzip", b"deflate"]
_CODINGS: tuple[Coding, ...] = (b"gzip", b"deflate")
_PACKED_BYTES_MIN = 4096 + 1
_LEVEL = 1
_GZIP_WINDOW, _ZLIB_WINDOW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS


def packed(body: bytes, coding: Coding | None) -> tuple[bytes, Coding | None]:
    """A body as it goes out, and the coding it is in, if it is worth one."""
    if coding is None or len(body) < _PACKED_BYTES_MIN:
        return body, None
    if coding == b"gzip":
        return gzip.compress(body, _LEVEL, mtime=0), coding
    return zlib.compress(body, _LEVEL), coding


def unpacked(body: bytes, coding: bytes, bytes_max: int) -> bytes:
    """What a request's body in ``coding`` holds.

    Raises:
        SerializationError: the coding is not known, or the body is not in it.
        MessageTooLarge: it holds more than ``bytes_max``.
    """
    name = coding.strip().lower()
    if name not in _CODINGS:
        raise SerializationError("the content encoding must be gzip or deflate")
    parts: list[bytes] = []
    room = bytes_max
    while True:
        stream = zlib.decompressobj(_GZIP_WINDOW if name == b"gzip" else _ZLIB_WINDOW)
        try:
            parts.append(stream.decompress(body, room + 1))
        except zlib.error:
            raise SerializationError(f"the body is not in {name.decode()}") from None
        room -= len(parts[-1])
        if room < 0:
            raise MessageTooLarge(f"the body is larger than it may be bytes_max={bytes_max}")
        if not stream.eof:
            raise SerializationError(f"the body is not in {name.decode()}")
        body = stream.unused_data
        # A gzip body may be of several members, one behind the other.
        if not body:
            return b"".join(parts)
        if name == b"deflate":
            raise SerializationError("the body is not in deflate")


@lru_cache(maxsize=64)
def coding_for(accepted: bytes) -> Coding | None:
    """The coding that an ``Accept-Encoding`` asks for."""
    weights: dict[bytes, float] = {}
    for part in accepted.lower().split(b","):
        name, _, parameters = part.partition(b";")
        name = name.strip()
        weights[name] = max(weights.get(name, 0.0), _weight(parameters))
    named = [(weights[name], name) for name in weights if name in _CODINGS]
    named += [(weights.get(b"*", 0.0), name) for name in _CODINGS if name not in weights]
    weight, best = max(named, key=lambda pair: pair[0])
    return next(coding for coding in _CODINGS if coding == best) if weight > 0 else None


def _weight(parameters: bytes) -> float:
    _, is_given, text = parameters.partition(b"q=")
    if not is_given:
        return 1.0
    try:
        return min(float(text.partition(b";")[0]), 1.0)
    except ValueError:
        return 1.0
