"""Change records as they are handed out: where to begin, a page of them, their rendering.

All of it is pure reading of one key range a stream (``table/stream_keys``), in seqno order. A page

- has at most so many records and bytes, one record always;
- ends between two commits where it can, so that what was committed together comes together; only a
  commit that is larger than a page is torn;
- of one shard passes over the changes of others, a bounded number of them a call.

What is asked for and not kept any more is an error and never skipped: a page is checked against the
stream's ``trimmed_seqno`` after it was read.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import Final, NamedTuple

from kvdb import limits
from kvdb.api.streams import TTL_IDENTITY, Record, StreamRecord
from kvdb.api.tables import StreamViewType
from kvdb.errors import TrimmedDataAccess
from kvdb.item.size import item_size
from kvdb.lsm.engine import Engine
from kvdb.stream.iterator import sequence_number
from kvdb.table import stream_keys
from kvdb.table.change import decode_record, record_place, record_wall_ms
from kvdb.table.stream_keys import HASHES
from kvdb.table.streams import Stream

DISORDER_MS: Final = 60_000
"""A change has its wall time from when its write was decided; until it is committed others may pass it,
but for no longer than a write may stall. So times ascend with seqnos but for this much."""

TRIMMED = "The operation attempted to read past the oldest stream record in a shard."
"""Source: service model, TrimmedDataAccessException."""


class RawChange(NamedTuple):
    """A change record that was read and not decoded."""

    seqno: int
    hash: int
    value: bytes
    stream: Stream

    @property
    def commit(self) -> int:
        """The first seqno of its batch."""
        return self.seqno - record_place(self.value)


class RawPage(NamedTuple):
    changes: list[RawChange]
    reached: int
    """Everything up to this seqno that belongs to the page's range is in it or came before it."""


def read_page(
    engine: Engine,
    streams: Iterable[Stream],
    after: int,
    upto: int,
    *,
    start: int = 0,
    end: int = HASHES,
    count_max: int = limits.GET_RECORDS_MAX,
    bytes_max: int = limits.GET_RECORDS_BYTES_MAX,
) -> RawPage:
    """The changes of ``streams`` with ``after < seqno <= upto`` and ``start <= hash < end``, the oldest
    of them, as many as a page takes."""
    page: list[RawChange] = []
    size_bytes = 0
    for looks, change in enumerate(_merged(engine, streams, after, upto), 1):
        if start <= change.hash < end:
            size_bytes += len(change.value)
            if page and (len(page) >= count_max or size_bytes > bytes_max):
                return _cut(page, change)
            page.append(change)
        if looks >= limits.GET_RECORDS_LOOKS_MAX:
            return RawPage(page, change.seqno)
    return RawPage(page, max(upto, after))


def _merged(engine: Engine, streams: Iterable[Stream], after: int, upto: int) -> Iterator[RawChange]:
    sources = [_changes(engine, stream, after, upto) for stream in streams]
    return sources[0] if len(sources) == 1 else heapq.merge(*sources, key=attrgetter("seqno"))


def _changes(engine: Engine, stream: Stream, after: int, upto: int) -> Iterator[RawChange]:
    if upto <= after:
        return
    seqno_of, hash_of = stream_keys.change_seqno, stream_keys.change_hash
    for key, value in engine.scan(*stream_keys.changes_range(stream.id, after, upto)):
        yield RawChange(seqno_of(key), hash_of(key), value, stream)


def _cut(page: list[RawChange], following: RawChange) -> RawPage:
    """A full page, without what belongs to the commit of the change that did not fit any more."""
    commit = following.commit
    if page[-1].seqno >= commit and page[0].seqno < commit:
        page = [change for change in page if change.seqno < commit]
    return RawPage(page, page[-1].seqno)


def check_kept(stream: Stream, after: int) -> None:
    """Raise ``TrimmedDataAccess`` if changes after ``after`` were removed for their age."""
    if after < stream.descriptor.trimmed_seqno:
        raise TrimmedDataAccess(TRIMMED)


def position_at(engine: Engine, stream: Stream, wall_ms: int) -> int:
    """Where to read on to get every change that was made at ``wall_ms`` or later, and few others."""
    position = position_before(engine, stream, wall_ms - DISORDER_MS)
    upto = engine.last_seqno
    for change in _changes(engine, stream, position, upto):
        if record_wall_ms(change.value) >= wall_ms:
            return change.seqno - 1
    return max(upto, position)


def position_before(engine: Engine, stream: Stream, wall_ms: int) -> int:
    """A seqno, by binary search: the first change after it, if any, was made at ``wall_ms`` or later.

    Among changes that are out of order it is any such place; see ``DISORDER_MS``.
    """
    low = max(stream.first_seqno, stream.descriptor.trimmed_seqno)
    high = max(low, engine.last_seqno)
    while low < high:
        middle = (low + high) // 2
        following = next(_changes(engine, stream, middle, high), None)
        if following is None or record_wall_ms(following.value) >= wall_ms:
            high = middle
        else:
            low = following.seqno
    return low


def last_seqno_upto(engine: Engine, stream: Stream, upto: int) -> int | None:
    """The seqno of the stream's last change up to ``upto``, if it has one."""
    rows = stream_keys.changes_range(stream.id, stream.descriptor.trimmed_seqno, upto)
    if rows.start >= rows.end:
        return None
    found = next(engine.scan(*rows, reverse=True), None)
    return None if found is None else stream_keys.change_seqno(found[0])


def rendered(
    change: RawChange,
    *,
    region: str,
    stream_arn: str,
    view_type: StreamViewType | None = None,
    cursor: str = "",
) -> Record:
    """A change as the service writes it. ``view_type`` may leave out images that the stream has."""
    stream = change.stream.descriptor
    record = decode_record(change.value)
    view_type = view_type or stream.view_type
    keys = record.keys
    if keys is None:
        image = record.new if record.old is None else record.old
        assert image is not None, "a record without keys has an image"
        keys = {key.name: image[key.name] for key in stream.keys}
    old = new = None
    size_bytes = item_size(keys)
    if record.old is not None and view_type != "NEW_IMAGE" and view_type != "KEYS_ONLY":
        old = record.old
        size_bytes += record.old_size
    if record.new is not None and view_type != "OLD_IMAGE" and view_type != "KEYS_ONLY":
        new = record.new
        size_bytes += record.new_size
    return Record(
        event_id=f"{change.stream.id.hex()}{change.seqno:020x}",
        event_name=record.event,
        aws_region=region,
        dynamodb=StreamRecord(
            keys,
            sequence_number(change.seqno),
            view_type,
            size_bytes,
            record.wall_ms,
            new,
            old,
        ),
        user_identity=TTL_IDENTITY if record.by_service else None,
        table_name=stream.table_name,
        event_source_arn=stream_arn,
        commit_number=change.seqno - record.place,
        cursor=cursor,
    )
