"""Looking at versions of keys instead of at the newest: pure questions to a ``ReadState``.

A range delete counts as a version, a deleted one, of every key it covers.
"""

from __future__ import annotations

from collections.abc import Iterable

from kvdb.lsm.internal_key import KeyVersion, successor
from kvdb.lsm.range_tombstone import united
from kvdb.lsm.sstable.bloom import key_hash
from kvdb.lsm.version import Readers, ReadState


def newest_seqno(state: ReadState, readers: Readers, key: bytes) -> int | None:
    """The seqno of the newest version of ``key``, a delete too; ``None`` when none is known.

    Cost: as a point read.
    """
    for memtable in (state.memtable, *state.frozen):
        newest = max(memtable.newest(key), memtable.ranges.newest_in(key, successor(key)))
        if newest:
            return newest
    hashed = key_hash(key)
    for meta in state.version.files_of(key):
        reader = readers.open(meta)
        newest = reader.ranges.newest_in(key, successor(key))
        if reader.may_contain(hashed):
            newest = max([newest, *(seqno for seqno, _ in reader.versions(key)[:1])])
        if newest:
            return newest
    return None


def changed_since(
    state: ReadState, readers: Readers, ranges: Iterable[tuple[bytes, bytes]], seqno: int
) -> bool:
    """Whether a version of a key in one of the ranges ``[start, end)`` is newer than ``seqno``;
    ``end=b""``: no bound.

    Cost: only what was written since then is looked at, by memtable, by file and by block.
    """
    memtables = [memtable for memtable in (state.memtable, *state.frozen) if memtable.last_seqno > seqno]
    for start, end in ranges:
        is_key = end == successor(start)
        for memtable in memtables:
            if memtable.ranges.newest_in(start, end) > seqno:
                return True
            if memtable.newest(start) > seqno if is_key else memtable.has_newer(start, end, seqno):
                return True
        for meta in state.version.files_of(start) if is_key else state.version.files_in(start, end):
            if meta.seqno_max > seqno:
                reader = readers.open(meta)
                if reader.ranges.newest_in(start, end) > seqno or reader.has_newer(start, end, seqno):
                    return True
    return False


def versions_of(
    state: ReadState, readers: Readers, key: bytes, *, before_seqno: int, history_from: int
) -> list[KeyVersion]:
    """The versions of ``key`` older than ``before_seqno``, newest first, down to the one that was
    in force at ``history_from``."""
    found: set[KeyVersion] = set()
    deletes = []
    for memtable in (state.memtable, *state.frozen):
        found.update(memtable.versions(key))
        deletes.append(memtable.ranges)
    hashed = key_hash(key)
    for meta in state.version.files_of(key):
        reader = readers.open(meta)
        deletes.append(reader.ranges)
        if reader.may_contain(hashed):
            found.update(reader.versions(key))
    found.update((seqno, None) for seqno in united(deletes).seqnos_of(key))
    ordered = sorted((version for version in found if version[0] < before_seqno), key=lambda each: -each[0])
    last = next((place for place, (seqno, _) in enumerate(ordered) if seqno <= history_from), len(ordered))
    return ordered[: last + 1]
