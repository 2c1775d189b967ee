"""The push feed: every change of one table, or of all, from a point on, in the order of commits.

A ``Feed`` is a place (one seqno) and what is wanted from there. It holds no queue: each page is read from
the engine when the reader has room for it, from memory if it keeps up and from disk if it does not, so a
slow reader costs writers and other readers nothing, and needs no bound but that of one page. A reader that
has seen everything is told of the next commit by ``Arrivals``, and looks by himself now and then.

``read`` gives, if there is anything new at all, a page of what was let through, and a cursor behind all
that was looked at. When filters let nothing through for long, or nothing happens, ``heartbeat`` tells how
far the feed has come, so that its cursor does not grow old.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from kvdb.api.streams import FeedPage, Record, Subscribe
from kvdb.api.tables import StreamViewType
from kvdb.env.env import Env
from kvdb.errors import ResourceNotFound, TrimmedDataAccess, ValidationError
from kvdb.expr.compiler import Placeholders, compile_condition
from kvdb.item.value import Item
from kvdb.lsm.engine import Engine
from kvdb.stream.event import event_of
from kvdb.stream.iterator import decode_cursor, encode_cursor
from kvdb.stream.patterns import compile_patterns
from kvdb.stream.reader import TRIMMED, position_at, read_page, rendered
from kvdb.table.catalog import Catalog
from kvdb.table.streams import Stream

_Test: TypeAlias = Callable[[Record], bool]

PAGE_COUNT: Final = 500
PAGE_BYTES: Final = 1024 * 1024
_VIEWS: Final[dict[StreamViewType, frozenset[StreamViewType]]] = {
    "KEYS_ONLY": frozenset(("KEYS_ONLY",)),
    "NEW_IMAGE": frozenset(("NEW_IMAGE", "KEYS_ONLY")),
    "OLD_IMAGE": frozenset(("OLD_IMAGE", "KEYS_ONLY")),
    "NEW_AND_OLD_IMAGES": frozenset(("NEW_AND_OLD_IMAGES", "NEW_IMAGE", "OLD_IMAGE", "KEYS_ONLY")),
}


class Feed:
    """One reader's place. Not for several threads at once."""

    def __init__(self, catalog: Catalog, engine: Engine, env: Env, region: str, request: Subscribe) -> None:
        """Find where to begin.

        Raises:
            ResourceNotFound: there is no such table.
            ValidationError: the table has no stream; a cursor of another database; a time in the
                future; a filter that does not compile.
            TrimmedDataAccess: changes after the cursor are not kept any more.
        """
        self._catalog = catalog
        self._streams = catalog.streams
        self._engine = engine
        self._env = env
        self._region = region
        name = request.table_name
        self._table_name = None if name is None else catalog.described(name).table_name
        self._view_type = request.view_type
        self._test = _test_of(request)
        if self._table_name is not None and not self._selected():
            raise ValidationError(f"Table has no stream: TableName: {self._table_name}")
        self._streams.have_secret()
        self._is_from_start = request.start == "START"
        self._position = self._begin(request)
        self._check_kept(self._selected(), self._position)

    def _begin(self, request: Subscribe) -> int:
        match request.start:
            case "NOW":
                return self._engine.last_seqno
            case "START":
                return 0
            case "CURSOR":
                assert request.cursor is not None, "validation wants a cursor"
                return decode_cursor(request.cursor, self._streams.secret)
        assert request.timestamp_ms is not None, "validation wants a timestamp"
        if request.timestamp_ms > self._env.hlc.wall_ms():
            raise ValidationError(f"Timestamp must not be in the future: {request.timestamp_ms} ms")
        visible = self._engine.last_seqno
        places = (position_at(self._engine, each, request.timestamp_ms) for each in self._selected())
        return min(places, default=visible)

    @property
    def cursor(self) -> str:
        """Where to go on after what was read."""
        return encode_cursor(self._position, self._streams.secret)

    def read(self) -> FeedPage | None:
        """The next page, without waiting; ``None`` when nothing has happened since the last.

        Raises:
            TrimmedDataAccess: this reader has come too late for some changes.
            ResourceNotFound: the table was dropped, and everything before that was read.
        """
        # Before the streams are looked at: what is visible belongs to one that is known by then.
        visible = self._engine.last_seqno
        streams = self._selected()
        self._check_kept(streams, self._position)
        if visible <= self._position or not streams:
            self._position = max(self._position, visible)
            self._is_from_start = False
            self._check_table()
            return None
        page = read_page(
            self._engine, streams, self._position, visible, count_max=PAGE_COUNT, bytes_max=PAGE_BYTES
        )
        self._check_kept(self._selected(), self._position)
        self._is_from_start = False
        self._position = page.reached
        if not page.changes:
            self._check_table()
            return None
        secret = self._streams.secret
        records = [
            rendered(
                change,
                region=self._region,
                stream_arn=self._streams.arn_of(change.stream),
                view_type=self._view_of(change.stream),
                cursor=encode_cursor(change.seqno, secret),
            )
            for change in page.changes
        ]
        test = self._test
        return FeedPage(records if test is None else [each for each in records if test(each)], self.cursor)

    def heartbeat(self) -> FeedPage:
        """How far the feed has come."""
        return FeedPage([], self.cursor)

    def _selected(self) -> list[Stream]:
        return [
            stream
            for stream in self._streams.all()
            if self._table_name is None or stream.descriptor.table_name == self._table_name
        ]

    def _view_of(self, stream: Stream) -> StreamViewType:
        has = stream.descriptor.view_type
        if self._view_type is None or self._view_type in _VIEWS[has]:
            return self._view_type or has
        # Of what was asked for it has only the keys.
        return "KEYS_ONLY"

    def _check_kept(self, streams: list[Stream], after: int) -> None:
        if self._is_from_start:
            return
        gone = max((stream.descriptor.trimmed_seqno for stream in streams), default=0)
        if after < max(gone, self._streams.removed_seqno(self._table_name)):
            raise TrimmedDataAccess(TRIMMED)

    def _check_table(self) -> None:
        name = self._table_name
        if name is not None and not self._catalog.has(name):
            raise ResourceNotFound(f"Requested resource not found: Table: {name} not found")


def _test_of(request: Subscribe) -> _Test | None:
    tests: list[_Test] = []
    if request.filter_expression is not None:
        placeholders = Placeholders(request.expression_attribute_names, request.expression_attribute_values)
        condition = compile_condition(request.filter_expression, placeholders, "FilterExpression")
        placeholders.check_all_used()
        tests.append(lambda record: condition.holds(_document(record)))
    if request.filter_patterns is not None:
        matches = compile_patterns(request.filter_patterns)
        tests.append(lambda record: matches(event_of(record)))
    if not tests:
        return None
    return lambda record: all(test(record) for test in tests)


def _document(record: Record) -> Item:
    """What filter expressions are about."""
    change = record.dynamodb
    document: Item = {
        "eventName": record.event_name,
        "tableName": record.table_name,
        "Keys": change.keys,
    }
    if change.new_image is not None:
        document["NewImage"] = change.new_image
    if change.old_image is not None:
        document["OldImage"] = change.old_image
    if record.user_identity is not None:
        document["userIdentity"] = {
            "principalId": record.user_identity.principal_id,
            "type": record.user_identity.type,
        }
    return document
