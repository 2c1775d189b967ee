"""Change records: what a stream keeps of one write of one item. Written in the batch of the row.

Format of a record, the value under a change key (``table/stream_keys``), big-endian:

    record := u8 format · u8 what · u32 place · u64 wall_ms · u32 key bytes · u32 old bytes
              · u32 old size · u32 new size · key · old · new
    format    1
    what      1 INSERT, 2 MODIFY, 3 REMOVE; plus 128 when nobody asked for it: the item has expired
    place     the record's place in its batch, so that ``seqno - place`` is the same for all that
              was committed together
    wall_ms   of the ``Stamp`` of the write
    sizes     of the images that are there, published ones (``item/size``), as their rows had them
    key, old, new
              items in the form of ``item/codec``, or nothing: the images that the stream's view
              has, and the key attributes alone when it has none of this change

A write that changes nothing leaves no record (developer guide, "Change data capture for DynamoDB
Streams"): stored bytes are compared first, values only where those differ.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from kvdb.api.tables import StreamViewType
from kvdb.env.hlc import Stamp
from kvdb.errors import CorruptionError
from kvdb.item import codec
from kvdb.item.value import Item, equals
from kvdb.lsm.batch import WriteBatch
from kvdb.table import row, stream_keys
from kvdb.table.descriptor import TableDescriptor

FORMAT_VERSION = 1

EventName = Literal["INSERT", "MODIFY", "REMOVE"]

_HEAD = struct.Struct(">BBIQIIII")
_INSERT, _MODIFY, _REMOVE = 1, 2, 3
_EVENTS: Final[dict[int, EventName]] = {_INSERT: "INSERT", _MODIFY: "MODIFY", _REMOVE: "REMOVE"}
_BY_SERVICE = 0x80
_WALL_MS = struct.Struct(">Q")
_WALL_MS_AT = 6


class ChangeRecord(NamedTuple):
    """A decoded record."""

    event: EventName
    by_service: bool
    place: int
    wall_ms: int
    keys: Item | None
    """``None``: there is an image, which has them."""
    old: Item | None
    new: Item | None
    old_size: int
    """Published size of the old image, if it is there."""
    new_size: int


def decode_record(data: bytes) -> ChangeRecord:
    """The record of a stored form.

    Raises:
        CorruptionError: ``data`` is not one, or of a format this kvdb does not know.
    """
    if len(data) < _HEAD.size or data[0] != FORMAT_VERSION:
        raise CorruptionError(f"change record has an unknown format length={len(data)}")
    _, what, place, wall_ms, key_bytes, old_bytes, old_size, new_size = _HEAD.unpack_from(data)
    event = _EVENTS.get(what & ~_BY_SERVICE)
    old_at = _HEAD.size + key_bytes
    new_at = old_at + old_bytes
    if event is None or new_at > len(data):
        raise CorruptionError(f"change record is malformed what={what} length={len(data)}")
    decode = codec.decode_item
    keys = decode(data[_HEAD.size : old_at]) if key_bytes else None
    old = decode(data[old_at:new_at]) if old_bytes else None
    new = decode(data[new_at:]) if new_at < len(data) else None
    return ChangeRecord(event, bool(what & _BY_SERVICE), place, wall_ms, keys, old, new, old_size, new_size)


def record_wall_ms(data: bytes) -> int:
    """When the write of a record was made."""
    if len(data) < _HEAD.size:
        raise CorruptionError(f"change record has an unknown format length={len(data)}")
    return int(_WALL_MS.unpack_from(data, _WALL_MS_AT)[0])


def record_place(data: bytes) -> int:
    """A record's place in its batch."""
    if len(data) < _HEAD.size:
        raise CorruptionError(f"change record has an unknown format length={len(data)}")
    return int.from_bytes(data[2:6])


class Recorder:
    """Adds the change records of one stream to batches. Immutable; part of ``index.Indexes``."""

    __slots__ = ("_has_new", "_has_old", "_key_names", "_prefix")

    def __init__(self, stream_id: bytes, view_type: StreamViewType, key_names: tuple[str, ...]) -> None:
        self._prefix = stream_keys.changes_prefix(stream_id)
        self._has_old = view_type in ("OLD_IMAGE", "NEW_AND_OLD_IMAGES")
        self._has_new = view_type in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES")
        self._key_names = key_names

    @classmethod
    def of(cls, table: TableDescriptor) -> Recorder | None:
        stream = table.stream
        if stream is None or not stream.is_enabled:
            return None
        assert stream.view_type is not None, "an enabled stream has a view"
        names = tuple(key.name for key in table.keys)
        return cls(stream_keys.stream_id(table.table_id, stream.number), stream.view_type, names)

    def add(
        self,
        batch: WriteBatch,
        row_key: bytes,
        old_row: bytes | None,
        new_row: bytes | None,
        stamp: Stamp,
        *,
        by_service: bool,
    ) -> None:
        """Add the record of one item's change, from stored row to stored row, if it is one."""
        if old_row is None:
            if new_row is None:
                return
            what = _INSERT
        elif new_row is None:
            what = _REMOVE
        elif _is_same(old_row, new_row):
            return
        else:
            what = _MODIFY
        keys = old = new = b""
        old_size = new_size = 0
        if self._has_old and old_row is not None:
            old, old_size = row.item_bytes(old_row), row.size_of(old_row)
        if self._has_new and new_row is not None:
            new, new_size = row.item_bytes(new_row), row.size_of(new_row)
        if not old and not new:
            item = row.item_of(new_row if old_row is None else old_row)  # type: ignore[arg-type]
            keys = codec.encode_item({name: item[name] for name in self._key_names})
        if by_service:
            what |= _BY_SERVICE
        lengths = len(keys), len(old), old_size, new_size
        head = _HEAD.pack(FORMAT_VERSION, what, len(batch), stamp.wall_ms, *lengths)
        batch.put_stamped(self._prefix, stream_keys.change_suffix(row_key), head + keys + old + new)


def _is_same(old_row: bytes, new_row: bytes) -> bool:
    if row.size_of(old_row) != row.size_of(new_row):
        return False
    if row.item_bytes(old_row) == row.item_bytes(new_row):
        return True
    return equals(row.item_of(old_row), row.item_of(new_row))


class Arrivals:
    """Tells who waits for changes that there may be some. A hint: whoever waits looks again by himself
    after a while, for the writer may have been cut off between its commit and the announcement."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: dict[object, Callable[[], None]] = {}

    def announce(self) -> None:
        """A batch with change records was committed. Costs one look when nobody waits."""
        if not self._waiting:
            return
        with self._guard:
            calls = list(self._waiting.values())
            self._waiting.clear()
        for call in calls:
            call()

    def when_next(self, call: Callable[[], None]) -> object:
        """Have ``call`` called once, soon after the next change, on any thread. It must be quick and
        raise nothing. Gives what ``forget`` takes."""
        token = object()
        with self._guard:
            self._waiting[token] = call
        return token

    def forget(self, token: object) -> None:
        """Not any more; no error when it was called already."""
        with self._guard:
            self._waiting.pop(token, None)
