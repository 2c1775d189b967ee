"""Internal keys: an engine key, the seqno of the write, and whether it put or deleted.

An ``Entry`` is ``(key, rank, value)``; ``value`` is ``None`` for a tombstone, which is the
kind. ``rank = SEQNO_MAX - seqno``, so that Python's own tuple order (in C) is the order of
internal keys: by engine key ascending, then newest first. A reverse merge carries the
seqno itself in that place: descending tuples are then newest first as well.
"""

from __future__ import annotations

from typing import Final, TypeAlias

SEQNO_MAX: Final = (1 << 56) - 1
"""No seqno exceeds this: a million writes a second would take two thousand years."""

Entry: TypeAlias = tuple[bytes, int, "bytes | None"]
KeyVersion: TypeAlias = tuple[int, "bytes | None"]
"""One version of a key: the seqno of the write, and the value or ``None`` where it deleted."""


def successor(key: bytes) -> bytes:
    """The first key above ``key``."""
    return key + b"\0"


class _Missing:
    """The type of ``MISSING``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()
"""No entry for a key, as against a tombstone, which is ``None`` and ends the search."""

Found: TypeAlias = "bytes | _Missing | None"
