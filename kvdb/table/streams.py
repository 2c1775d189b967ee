"""The change streams there are: made, ended, divided into shards, trimmed.

A stream is rows of the catalog's keyspace (``table/stream_keys``): a descriptor, and a *division* for
each time its shards changed. They are loaded once at open and replaced as a whole; readers look into
them without a lock. A stream is made in the batch that enables it, and ended in the batch that disables
it or drops its table; its records stay readable until ``stream/keeper`` removes them.

Stored form of a descriptor and of a division, msgpack:

    stream   := [1, table name, label, view type, key attribute, key attribute | nil, enabled_ms,
                 disabled_ms | nil, retention_ms, trimmed_seqno]
    key      := [name, "S" | "N" | "B"]
    division := [1, [[start, end] ...]]         the ranges of hashes of the shards that begin there

A stream that was removed leaves the seqno of its newest change, a big-endian u64 for each table name, so
that a reader who had not come so far is told, and does not find a gap that looks like quiet.

A division holds for the changes after its own seqno, so that no writer has to know of shards: where a
change belongs is said by its hash and its seqno, whichever of the two batches was committed first. While
a division is on its way to the log, readers get nothing newer than what was visible when it set out
(``Stream.hold_at``): else they could read changes as the old shard's that turn out to be the new one's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias, cast

import msgpack

from kvdb import limits
from kvdb.api import arn
from kvdb.api.tables import AttributeType, StreamViewType
from kvdb.env.entropy import Entropy
from kvdb.errors import CorruptionError, LimitExceeded
from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.engine import Engine
from kvdb.table import stream_keys
from kvdb.table.descriptor import KeyAttribute, TableDescriptor
from kvdb.table.stream_keys import HASHES

_FORMAT_VERSION = 1
_SECRET_BYTES = 32

HashRange: TypeAlias = tuple[int, int]
"""``start <= hash < end``."""

Adopt: TypeAlias = Callable[[int], None]
"""To be called with the last seqno of the batch that made a change durable."""


class Division(NamedTuple):
    """The shards that begin after ``seqno``; those whose hashes they take over end there."""

    seqno: int
    ranges: tuple[HashRange, ...]
    """None at all: every shard ends."""

    def encoded(self) -> bytes:
        return cast(bytes, msgpack.packb([_FORMAT_VERSION, self.ranges]))


@dataclass(frozen=True, slots=True)
class StreamDescriptor:
    """What a stream is, apart from how it is divided."""

    table_name: str
    label: str
    view_type: StreamViewType
    partition: KeyAttribute
    sort: KeyAttribute | None
    enabled_ms: int
    disabled_ms: int | None
    retention_ms: int
    trimmed_seqno: int = 0
    """Of the newest record that was removed for its age."""

    def encoded(self) -> bytes:
        fields = [
            _FORMAT_VERSION,
            self.table_name,
            self.label,
            self.view_type,
            [self.partition.name, self.partition.type],
            None if self.sort is None else [self.sort.name, self.sort.type],
            self.enabled_ms,
            self.disabled_ms,
            self.retention_ms,
            self.trimmed_seqno,
        ]
        return cast(bytes, msgpack.packb(fields))

    @property
    def keys(self) -> tuple[KeyAttribute, ...]:
        return (self.partition,) if self.sort is None else (self.partition, self.sort)


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream as it is at one moment."""

    id: bytes
    descriptor: StreamDescriptor
    divisions: tuple[Division, ...]
    hold_at: int | None = None
    """While a division is on its way: no change after this seqno may be handed out."""

    @property
    def is_enabled(self) -> bool:
        return self.descriptor.disabled_ms is None

    @property
    def first_seqno(self) -> int:
        """Its changes have higher ones."""
        return self.divisions[0].seqno


class Streams:
    """All streams of one database."""

    def __init__(self, engine: Engine, entropy: Entropy, arn_prefix: str) -> None:
        """Load what the engine holds. ``arn_prefix``: what the ARNs of tables begin with."""
        self._engine = engine
        self._entropy = entropy
        self._arn_prefix = arn_prefix
        self._guard = threading.Lock()
        self._secret = engine.get(stream_keys.STREAM_SECRET_KEY)
        loaded = (
            Stream(identifier, _decode_stream(value), self._load_divisions(identifier))
            for identifier, value in (
                (stream_keys.stream_id_of(key), value)
                for key, value in engine.scan(*stream_keys.stream_range())
            )
        )
        self._streams: Mapping[bytes, Stream] = {stream.id: stream for stream in loaded}
        self._removed: Mapping[str, int] = {
            stream_keys.removed_table_name(key): stream_keys.seqno_of_value(value)
            for key, value in engine.scan(*stream_keys.removed_range())
        }

    def _load_divisions(self, of: bytes) -> tuple[Division, ...]:
        rows = self._engine.scan(*stream_keys.lineage_range(of))
        found = tuple(Division(stream_keys.lineage_seqno(key), _decode_ranges(value)) for key, value in rows)
        if not found:
            raise CorruptionError(f"a stream has no shards stream={of.hex()}")
        return found

    def all(self) -> list[Stream]:
        """Enabled or not, in the order of their making."""
        return list(self._streams.values())

    def get(self, identifier: bytes) -> Stream | None:
        return self._streams.get(identifier)

    def named(self, stream_arn: str) -> Stream | None:
        """The stream with this ARN."""
        for stream in self._streams.values():
            if self.arn_of(stream) == stream_arn:
                return stream
        return None

    def arn_of(self, stream: Stream) -> str:
        descriptor = stream.descriptor
        return arn.stream_arn(self._arn_prefix + descriptor.table_name, descriptor.label)

    def removed_seqno(self, table_name: str | None) -> int:
        """Of the newest change that went with a stream of this table, or of any; 0: of none.

        Look at it after the streams themselves.
        """
        removed = self._removed
        return max(removed.values(), default=0) if table_name is None else removed.get(table_name, 0)

    @property
    def secret(self) -> bytes:
        """What signs iterators and cursors; the same for as long as the database exists."""
        assert self._secret is not None, "there is none before there is a stream"
        return self._secret

    def have_secret(self) -> None:
        """Make the secret if there is none yet, as in a database that has never had a stream.

        One that is open read-only gets one for as long as it is open.
        """
        with self._guard:
            if self._secret is None:
                secret = self._entropy.bytes(_SECRET_BYTES)
                if not self._engine.is_read_only:
                    self._engine.write(WriteBatch().put(stream_keys.STREAM_SECRET_KEY, secret))
                self._secret = secret

    # What the catalog tells.

    @contextmanager
    def following(
        self, before: TableDescriptor | None, after: TableDescriptor | None, batch: WriteBatch, now_ms: int
    ) -> Iterator[Adopt]:
        """Add to ``batch``, as its last operations, what a change of a table does to its streams.

        ``None`` for a table: there was none, or there is none any more. The body writes the batch and
        then calls what it is given; if it raises before that, nothing has happened here either.
        """
        ended, begun = _enabled_id(before), _enabled_id(after)
        if ended == begun:
            yield _nothing
            return
        with self._guard:
            if ended is not None and (stream := self._streams.get(ended)) is not None:
                descriptor = replace(stream.descriptor, disabled_ms=now_ms)
                with self._dividing(stream, descriptor, (), batch) as adopt:
                    yield adopt
            elif begun is not None and after is not None:
                with self._beginning(begun, after, batch, now_ms) as adopt:
                    yield adopt
            else:
                yield _nothing

    @contextmanager
    def _beginning(
        self, identifier: bytes, table: TableDescriptor, batch: WriteBatch, now_ms: int
    ) -> Iterator[Adopt]:
        setting = table.stream
        assert setting is not None, "the table has a stream that is enabled"
        assert setting.view_type is not None, "an enabled stream has a view"
        secret = self._secret
        if secret is None:
            secret = self._entropy.bytes(_SECRET_BYTES)
            batch.put(stream_keys.STREAM_SECRET_KEY, secret)
        descriptor = StreamDescriptor(
            table.name,
            setting.label,
            setting.view_type,
            table.partition,
            table.sort,
            enabled_ms=now_ms,
            disabled_ms=None,
            retention_ms=setting.retention_ms,
        )
        count = limits.SHARDS_AT_FIRST
        ranges = tuple((HASHES * part // count, HASHES * (part + 1) // count) for part in range(count))
        with self._dividing(Stream(identifier, descriptor, ()), descriptor, ranges, batch) as adopt:
            yield adopt
        self._secret = secret

    @contextmanager
    def _dividing(
        self, stream: Stream, descriptor: StreamDescriptor, ranges: tuple[HashRange, ...], batch: WriteBatch
    ) -> Iterator[Adopt]:
        """Under the lock: a batch that divides a stream, or makes it, is written in the body."""
        if descriptor is not stream.descriptor or not stream.divisions:
            batch.put(stream_keys.stream_key(stream.id), descriptor.encoded())
        division = Division(0, ranges)
        batch.put_stamped(stream_keys.lineage_prefix(stream.id), b"", division.encoded())
        place = len(batch) - 1
        outcome = stream

        def adopt(last_seqno: int) -> None:
            nonlocal outcome
            begun = division._replace(seqno=last_seqno - (len(batch) - 1) + place)
            outcome = Stream(stream.id, descriptor, (*stream.divisions, begun))

        if stream.divisions:
            self._replace(replace(stream, hold_at=self._engine.last_seqno))
        try:
            yield adopt
        finally:
            if outcome.divisions:
                self._replace(outcome)

    # What the keeper and ``UpdateStream`` ask for.

    def divide(self, identifier: bytes, ranges_of: Callable[[Stream], tuple[HashRange, ...]]) -> Stream:
        """End the shards whose hashes ``ranges_of`` names, and begin one for each of its ranges.

        ``ranges_of`` is pure and may raise to refuse; nothing has happened then.

        Raises:
            LimitExceeded: the stream was divided as often as it may be within its retention.
        """
        with self._guard:
            stream = self._streams[identifier]
            ranges = ranges_of(stream)
            if len(stream.divisions) >= limits.STREAM_DIVISIONS_MAX:
                raise LimitExceeded(
                    "the stream was divided as often as it may be while its records are kept: "
                    f"{limits.STREAM_DIVISIONS_MAX}"
                )
            batch = WriteBatch()
            with self._dividing(stream, stream.descriptor, ranges, batch) as adopt:
                adopt(self._engine.write(batch))
            return self._streams[identifier]

    def keep_for(self, identifier: bytes, retention_ms: int) -> Stream:
        """Change how long a stream's records are kept."""
        return self._describe(identifier, WriteBatch(), retention_ms=retention_ms)

    def trim(self, identifier: bytes, seqno: int, unneeded: tuple[Division, ...]) -> Stream:
        """Remove the records up to ``seqno``, which is that of a record, and divisions."""
        batch = WriteBatch()
        batch.delete_range(*stream_keys.changes_range(identifier, 0, seqno))
        for division in unneeded:
            batch.delete(stream_keys.lineage_key(identifier, division.seqno))
        return self._describe(identifier, batch, trimmed_seqno=seqno, unneeded=unneeded)

    def remove(self, identifier: bytes) -> None:
        """A stream that has ended, with all that is left of it but for how far its changes went."""
        with self._guard:
            name = self._streams[identifier].descriptor.table_name
            seqno = max(self._last_seqno(self._streams[identifier]), self._removed.get(name, 0))
            batch = WriteBatch().delete(stream_keys.stream_key(identifier))
            batch.put(stream_keys.removed_key(name), stream_keys.seqno_value(seqno))
            batch.delete_range(*stream_keys.lineage_range(identifier))
            batch.delete_range(*stream_keys.changes_range(identifier, 0, stream_keys.SEQNO_MAX))
            self._engine.write(batch)
            # First, so that whoever does not find the stream any more finds what became of it.
            self._removed = {**self._removed, name: seqno}
            self._streams = {key: kept for key, kept in self._streams.items() if key != identifier}

    def _last_seqno(self, stream: Stream) -> int:
        """Of its newest change, whether that is still kept or not."""
        changes = stream_keys.changes_range(stream.id, 0, stream_keys.SEQNO_MAX)
        newest = next(self._engine.scan(*changes, reverse=True), None)
        trimmed = stream.descriptor.trimmed_seqno
        return trimmed if newest is None else max(trimmed, stream_keys.change_seqno(newest[0]))

    def _describe(
        self,
        identifier: bytes,
        batch: WriteBatch,
        *,
        retention_ms: int | None = None,
        trimmed_seqno: int | None = None,
        unneeded: tuple[Division, ...] = (),
    ) -> Stream:
        with self._guard:
            stream = self._streams[identifier]
            descriptor = stream.descriptor
            if retention_ms is not None:
                descriptor = replace(descriptor, retention_ms=retention_ms)
            if trimmed_seqno is not None:
                descriptor = replace(descriptor, trimmed_seqno=trimmed_seqno)
            divisions = tuple(each for each in stream.divisions if each not in unneeded)
            changed = replace(stream, descriptor=descriptor, divisions=divisions)
            # Before records go: whoever reads them meanwhile must find out that some are missing.
            self._replace(changed)
            try:
                self._engine.write(batch.put(stream_keys.stream_key(identifier), descriptor.encoded()))
            except BaseException:
                self._replace(stream)
                raise
            return changed

    def _replace(self, stream: Stream) -> None:
        self._streams = {**self._streams, stream.id: stream}


def _nothing(last_seqno: int) -> None:
    """The change of a table concerned no stream."""


def _enabled_id(table: TableDescriptor | None) -> bytes | None:
    if table is None or table.stream is None or not table.stream.is_enabled:
        return None
    return stream_keys.stream_id(table.table_id, table.stream.number)


def _decode_stream(data: bytes) -> StreamDescriptor:
    try:
        format_version, *fields = msgpack.unpackb(data, use_list=False)
        if format_version != _FORMAT_VERSION:
            raise CorruptionError(f"stream descriptor has an unknown format version={format_version}")
        name, label, view, partition, sort, *times = fields
        enabled_ms, disabled_ms, retention_ms, trimmed_seqno = times
        key: Callable[[str, AttributeType], KeyAttribute] = KeyAttribute
        return StreamDescriptor(
            name,
            label,
            view,
            key(*partition),
            None if sort is None else key(*sort),
            enabled_ms,
            disabled_ms,
            retention_ms,
            trimmed_seqno,
        )
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise CorruptionError("stream descriptor is not readable") from error


def _decode_ranges(data: bytes) -> tuple[HashRange, ...]:
    try:
        format_version, ranges = msgpack.unpackb(data, use_list=False)
        if format_version != _FORMAT_VERSION:
            raise CorruptionError(f"stream division has an unknown format version={format_version}")
        return tuple((int(start), int(end)) for start, end in ranges)
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise CorruptionError("stream division is not readable") from error
