"""``AsyncTable``: the everyday face of one table for asyncio. Written by hand, as ``aio``."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from contextlib import aclosing, suppress
from datetime import datetime

from kvdb.api.archive import (
    ContinuousBackupsDescription,
    DescribeContinuousBackups,
    DescribeContinuousBackupsResult,
    UpdateContinuousBackups,
    UpdateContinuousBackupsResult,
)
from kvdb.api.items import (
    DeleteItemResult,
    GetItemResult,
    ItemVersion,
    ListItemVersions,
    ListItemVersionsResult,
    OpenSnapshot,
    OpenSnapshotResult,
    Page,
    PutItemResult,
    Query,
    ReleaseSnapshot,
    ReturnConsumedCapacity,
    ReturnValues,
    Scan,
    Select,
    UpdateItemResult,
)
from kvdb.api.operations import Request, Result
from kvdb.api.replicas import ConflictDescription, ListConflicts, ListConflictsResult, Outcome
from kvdb.api.tables import (
    DescribeTable,
    DescribeTableResult,
    DescribeTimeToLive,
    DescribeTimeToLiveResult,
    ListTagsOfResource,
    ListTagsOfResourceResult,
    StreamSpecification,
    StreamViewType,
    TableDescription,
    TagResource,
    UntagResource,
    UpdateTable,
    UpdateTableResult,
    UpdateTimeToLive,
)
from kvdb.client import requests, table_requests
from kvdb.client.aio_replicated import send_replicated
from kvdb.client.changes import HEARTBEAT_MS, Change, change_of, subscribe
from kvdb.client.conflicts import ConflictQuery, rest
from kvdb.client.paginate import pages_async
from kvdb.client.requests import AsOf, Condition, KeyCondition, Names, Projection, Update, Values
from kvdb.client.table_requests import Billing, GlobalIndex
from kvdb.client.transport import AsyncTransport
from kvdb.errors import DeadlineExceeded, KvdbError, ValidationError
from kvdb.item.value import Item

WAIT_MS_MAX = 3_600_000
"""How long a call waits for a table or index to become ready, unless it is told otherwise."""
_PAUSE_MS = 10
_PAUSE_MS_MAX = 1_000
_VERSIONS_PAGE = 100


class AsyncTable:
    """A handle on one table, from ``AsyncClient.table`` or ``create_table``.

    Conditions are builders (``kvdb.Key``, ``kvdb.Attr``) or texts with ``names`` for their
    ``#placeholders`` and ``values`` for their ``:placeholders``. Items and keys are dicts of
    plain Python values.
    """

    __slots__ = ("_send", "_transport", "name")

    def __init__(self, transport: AsyncTransport, name: str) -> None:
        self._transport = transport
        self._send = transport.send
        self.name = name

    def __repr__(self) -> str:
        return f"AsyncTable({self.name!r})"

    async def put(
        self,
        item: Mapping[str, object],
        *,
        condition: Condition | None = None,
        names: Names | None = None,
        values: Values | None = None,
        return_old: bool = False,
        return_old_on_failure: bool = False,
        replicate_to: int | None = None,
        replicate_timeout: float | None = None,
    ) -> Item | None:
        """Write a whole item, replacing the one with its key; gives that one with ``return_old``.

        ``replicate_to``: of a table that is shared with other regions, wait until so many of them have the
        write durably, for ``replicate_timeout`` seconds (5).

        Raises:
            ConditionalCheckFailed: ``condition`` does not hold for the stored item (an absent
                one is empty), which the error's ``item`` is with ``return_old_on_failure``.
            NotReplicated: the write was made, and stands; fewer regions than asked for have it in time.
        """
        request = requests.put_item(
            self.name,
            item,
            condition,
            names,
            values,
            return_old=return_old,
            return_old_on_failure=return_old_on_failure,
        )
        result = await self._write(request, replicate_to, replicate_timeout)
        assert isinstance(result, PutItemResult)
        return result.attributes

    async def get(
        self,
        key: Mapping[str, object],
        *,
        projection: Projection | None = None,
        names: Names | None = None,
        consistent: bool = False,
        as_of: AsOf | None = None,
    ) -> Item | None:
        """The item with this key, or the projected part of it; ``None`` when there is none.

        ``as_of``: what it was at a commit (a seqno), a time (a ``datetime`` with its zone) or a
        snapshot (``AsyncClient.snapshot``).

        Raises:
            ReadPointExpired: the history does not reach back to ``as_of``.
        """
        result = await self._send(
            requests.get_item(self.name, key, projection, names, consistent=consistent, as_of=as_of)
        )
        assert isinstance(result, GetItemResult)
        return result.item

    async def update(
        self,
        key: Mapping[str, object],
        update: Update,
        *,
        condition: Condition | None = None,
        names: Names | None = None,
        values: Values | None = None,
        return_values: ReturnValues = "NONE",
        return_old_on_failure: bool = False,
        replicate_to: int | None = None,
        replicate_timeout: float | None = None,
    ) -> Item | None:
        """Change some attributes of an item, which is made when there is none.

        ``update``: ``Set("n", Attr("n") + 1) & Remove("draft")``, or a text, ``"SET n = n + :one"``.
        ``return_values``: ALL_OLD or ALL_NEW gives the item before or after, UPDATED_OLD or
        UPDATED_NEW the changed attributes of it.

        Raises:
            ConditionalCheckFailed: as for ``put``.
            ValidationError: the update does not fit the item, as adding to a text.
        """
        request = requests.update_item(
            self.name,
            key,
            update,
            condition,
            names,
            values,
            return_values=return_values,
            return_old_on_failure=return_old_on_failure,
        )
        result = await self._write(request, replicate_to, replicate_timeout)
        assert isinstance(result, UpdateItemResult)
        return result.attributes

    async def delete(
        self,
        key: Mapping[str, object],
        *,
        condition: Condition | None = None,
        names: Names | None = None,
        values: Values | None = None,
        return_old: bool = False,
        return_old_on_failure: bool = False,
        replicate_to: int | None = None,
        replicate_timeout: float | None = None,
    ) -> Item | None:
        """Delete the item with this key, if there is one; gives it with ``return_old``.

        Raises:
            ConditionalCheckFailed: as for ``put``.
        """
        request = requests.delete_item(
            self.name,
            key,
            condition,
            names,
            values,
            return_old=return_old,
            return_old_on_failure=return_old_on_failure,
        )
        result = await self._write(request, replicate_to, replicate_timeout)
        assert isinstance(result, DeleteItemResult)
        return result.attributes

    async def _write(
        self, request: Request, replicate_to: int | None, replicate_timeout: float | None
    ) -> Result:
        if replicate_to is None and replicate_timeout is None:
            return await self._send(request)
        return await send_replicated(self._transport, request, replicate_to, replicate_timeout)

    def query(
        self,
        key_condition: KeyCondition,
        *,
        index: str | None = None,
        filter: Condition | None = None,
        projection: Projection | None = None,
        select: Select | None = None,
        reverse: bool = False,
        limit: int | None = None,
        page_size: int | None = None,
        start_key: Mapping[str, object] | None = None,
        names: Names | None = None,
        values: Values | None = None,
        consistent: bool = False,
        as_of: AsOf | None = None,
        snapshot: bool = False,
    ) -> AsyncIterator[Item]:
        """Iterate the items of one partition in sort-key order, over all pages, read as needed.

        ``index``: read this index instead of the table. ``select="ALL_ATTRIBUTES"`` gives whole
        items from a local index that holds less.
        ``limit``: most items given, after the filter. ``page_size``: items read at a time.
        ``start_key``: begin after this key (a page's ``last_evaluated_key``).
        ``snapshot``: all pages see the moment of the first. ``as_of``: as for ``get``.
        Errors come with the first item.
        """
        request = requests.query(
            self.name,
            key_condition,
            filter=filter,
            projection=projection,
            reverse=reverse,
            limit=requests.page_limit(limit, page_size, is_filtered=filter is not None),
            start_key=start_key,
            names=names,
            values=values,
            consistent=consistent,
            index=index,
            select=select,
            as_of=as_of,
        )
        return self._items(request, limit, snapshot)

    async def query_page(
        self,
        key_condition: KeyCondition,
        *,
        index: str | None = None,
        filter: Condition | None = None,
        projection: Projection | None = None,
        select: Select | None = None,
        reverse: bool = False,
        limit: int | None = None,
        start_key: Mapping[str, object] | None = None,
        names: Names | None = None,
        values: Values | None = None,
        consistent: bool = False,
        as_of: AsOf | None = None,
        capacity: ReturnConsumedCapacity = "NONE",
    ) -> Page:
        """One page, for walking by hand: pass its ``last_evaluated_key`` as the next ``start_key``.

        ``limit``: most items *read* by the page, before the filter. ``capacity="TOTAL"`` or
        ``"INDEXES"`` has the page say what it consumed.
        """
        result = await self._send(
            requests.query(
                self.name,
                key_condition,
                filter=filter,
                projection=projection,
                reverse=reverse,
                limit=limit,
                start_key=start_key,
                names=names,
                values=values,
                consistent=consistent,
                index=index,
                select=select,
                as_of=as_of,
                capacity=capacity,
            )
        )
        assert isinstance(result, Page)
        return result

    def scan(
        self,
        *,
        index: str | None = None,
        filter: Condition | None = None,
        projection: Projection | None = None,
        select: Select | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        start_key: Mapping[str, object] | None = None,
        segment: int | None = None,
        total_segments: int | None = None,
        names: Names | None = None,
        values: Values | None = None,
        consistent: bool = False,
        as_of: AsOf | None = None,
        snapshot: bool = False,
    ) -> AsyncIterator[Item]:
        """Iterate all items, or those of one of ``total_segments`` slices; as ``query`` otherwise."""
        request = requests.scan(
            self.name,
            filter=filter,
            projection=projection,
            limit=requests.page_limit(limit, page_size, is_filtered=filter is not None),
            start_key=start_key,
            segment=segment,
            total_segments=total_segments,
            names=names,
            values=values,
            consistent=consistent,
            index=index,
            select=select,
            as_of=as_of,
        )
        return self._items(request, limit, snapshot)

    async def scan_page(
        self,
        *,
        index: str | None = None,
        filter: Condition | None = None,
        projection: Projection | None = None,
        select: Select | None = None,
        limit: int | None = None,
        start_key: Mapping[str, object] | None = None,
        segment: int | None = None,
        total_segments: int | None = None,
        names: Names | None = None,
        values: Values | None = None,
        consistent: bool = False,
        as_of: AsOf | None = None,
        capacity: ReturnConsumedCapacity = "NONE",
    ) -> Page:
        """One page of a scan, for walking by hand; as ``query_page``."""
        result = await self._send(
            requests.scan(
                self.name,
                filter=filter,
                projection=projection,
                limit=limit,
                start_key=start_key,
                segment=segment,
                total_segments=total_segments,
                names=names,
                values=values,
                consistent=consistent,
                index=index,
                select=select,
                as_of=as_of,
                capacity=capacity,
            )
        )
        assert isinstance(result, Page)
        return result

    async def count(
        self,
        key_condition: KeyCondition | None = None,
        *,
        index: str | None = None,
        filter: Condition | None = None,
        names: Names | None = None,
        values: Values | None = None,
        consistent: bool = False,
        as_of: AsOf | None = None,
        snapshot: bool = False,
    ) -> int:
        """How many items a query with ``key_condition``, or without one a scan, gives.

        Cost: reads them all, but sends none of them.
        """
        request: Query | Scan
        if key_condition is None:
            request = requests.scan(
                self.name,
                filter=filter,
                projection=None,
                limit=None,
                start_key=None,
                segment=None,
                total_segments=None,
                names=names,
                values=values,
                consistent=consistent,
                index=index,
                select="COUNT",
                as_of=as_of,
            )
        else:
            request = requests.query(
                self.name,
                key_condition,
                filter=filter,
                projection=None,
                reverse=False,
                limit=None,
                start_key=None,
                names=names,
                values=values,
                consistent=consistent,
                index=index,
                select="COUNT",
                as_of=as_of,
            )
        total = 0
        async with aclosing(self._pages(request, snapshot=snapshot)) as walk:
            async for page in walk:
                total += page.count
        return total

    async def versions(
        self, key: Mapping[str, object], *, limit: int | None = None
    ) -> AsyncIterator[ItemVersion]:
        """Iterate what an item was, newest first, as far back as the kept history reaches.

        ``limit``: most versions given. A version whose ``item`` is ``None`` is a deletion.
        """
        left = requests.page_limit(limit, None, is_filtered=False)
        before: int | None = None
        while left is None or left > 0:
            page_size = _VERSIONS_PAGE if left is None else min(left, _VERSIONS_PAGE)
            result = await self._send(ListItemVersions(self.name, key, page_size, before))
            assert isinstance(result, ListItemVersionsResult)
            for version in result.versions:
                yield version
            if not result.versions:
                return
            before = result.versions[-1].seqno
            if left is not None:
                left -= len(result.versions)

    # The table itself.

    async def describe(self) -> TableDescription:
        """Keys, indexes, status, size, settings.

        Raises:
            ResourceNotFound: there is no such table.
        """
        result = await self._send(DescribeTable(self.name))
        assert isinstance(result, DescribeTableResult)
        return result.table

    async def wait_until_active(self, wait_ms_max: int = WAIT_MS_MAX) -> TableDescription:
        """Return when the table and all its indexes are ready.

        Raises:
            DeadlineExceeded: they were not after ``wait_ms_max``; what was begun goes on.
        """
        waited_ms, pause_ms = 0, _PAUSE_MS
        while True:
            description = await self.describe()
            if _is_active(description):
                return description
            if waited_ms >= wait_ms_max:
                raise DeadlineExceeded(f"table not ready after {waited_ms} ms: {self.name}")
            await self._transport.pause(pause_ms)
            waited_ms += pause_ms
            pause_ms = min(pause_ms * 2, _PAUSE_MS_MAX)

    async def update_table(
        self,
        *,
        billing: Billing | None = None,
        index_billing: Mapping[str, Billing] | None = None,
        add_indexes: Iterable[GlobalIndex] = (),
        drop_indexes: Iterable[str] = (),
        deletion_protection: bool | None = None,
        wait_ms_max: int = WAIT_MS_MAX,
    ) -> TableDescription:
        """Change a table, and wait until that is done; what is not given stays as it is.

        ``index_billing``: index name -> ``Provisioned`` or ``OnDemand``. A new index is built from
        the items that are there while writes go on. ``wait_ms_max=0`` does not wait.

        Raises:
            ResourceNotFound: there is no such table.
            ResourceInUse: it is being changed already.
            DeadlineExceeded: it was not done after ``wait_ms_max``; it goes on all the same.
        """
        request = table_requests.update_table(
            self.name,
            billing=billing,
            index_billing=index_billing,
            add_indexes=add_indexes,
            drop_indexes=drop_indexes,
            deletion_protection=deletion_protection,
        )
        result = await self._send(request)
        assert isinstance(result, UpdateTableResult)
        if wait_ms_max == 0 or _is_active(result.table_description):
            return result.table_description
        return await self.wait_until_active(wait_ms_max)

    async def add_index(self, index: GlobalIndex, *, wait_ms_max: int = WAIT_MS_MAX) -> TableDescription:
        """Create a global index and wait until it is built; as ``update_table``."""
        return await self.update_table(add_indexes=[index], wait_ms_max=wait_ms_max)

    async def drop_index(self, name: str, *, wait_ms_max: int = WAIT_MS_MAX) -> TableDescription:
        """Delete a global index and wait until it is gone; as ``update_table``."""
        return await self.update_table(drop_indexes=[name], wait_ms_max=wait_ms_max)

    # Changes.

    async def enable_stream(
        self, view: StreamViewType = "NEW_AND_OLD_IMAGES", *, retention_ms: int | None = None
    ) -> str:
        """Record every change from now on; gives the stream's ARN.

        ``retention_ms``: for how long, 24 hours unless given.

        Raises:
            ValidationError: the table has an enabled stream already.
        """
        specification = StreamSpecification(True, view, retention_ms)
        description = await self._update_stream(specification)
        assert description.latest_stream_arn is not None
        return description.latest_stream_arn

    async def disable_stream(self) -> None:
        """Record no more changes. What was recorded stays readable for as long as it is kept."""
        await self._update_stream(StreamSpecification(False))

    async def _update_stream(self, specification: StreamSpecification) -> TableDescription:
        result = await self._send(UpdateTable(self.name, stream_specification=specification))
        assert isinstance(result, UpdateTableResult)
        return result.table_description

    async def changes(
        self,
        from_: str | int | datetime = "now",
        *,
        filter: Condition | None = None,
        patterns: Iterable[str | Mapping[str, object]] | None = None,
        names: Names | None = None,
        values: Values | None = None,
        view: StreamViewType | None = None,
        on_progress: Callable[[str], object] | None = None,
        heartbeat_ms: int = HEARTBEAT_MS,
    ) -> AsyncGenerator[Change, None]:
        """Iterate what becomes of the items, in commit order, for ever; see ``client/changes``.

        It begins when the first change is asked for. ``on_progress`` is given the cursor of each page,
        and every ``heartbeat_ms`` when nothing happens or passes the filter.

        Raises:
            ResourceNotFound: there is no such table, or not any more.
            ValidationError: it has no stream; a cursor of another database; a filter with a fault.
            TrimmedDataAccess: changes after the cursor are not kept any more.
        """
        request = subscribe(self.name, from_, filter, names, values, patterns, view, heartbeat_ms)
        async with aclosing(self._transport.subscribe(request)) as pages:
            async for page in pages:
                for record in page.records:
                    yield change_of(record)
                if on_progress is not None:
                    on_progress(page.cursor)

    async def conflicts(
        self,
        *,
        follow: bool = False,
        after: int = 0,
        before: int | None = None,
        newest_first: bool = False,
        key: Item | None = None,
        outcome: Outcome | None = None,
        region: str | None = None,
        since: int | datetime | None = None,
        on_progress: Callable[[int], object] | None = None,
        heartbeat_ms: int = HEARTBEAT_MS,
    ) -> AsyncGenerator[ConflictDescription, None]:
        """Iterate the conflicts of a shared table that were decided in the region that is asked; ``follow``:
        and each that is decided from then on, for ever. The newest ten thousand are kept.

        ``after`` and ``before`` are sequence numbers of earlier conflicts; ``region`` is where the incoming
        version came from. When followed, ``on_progress`` is given the place of each page, and every
        ``heartbeat_ms`` when nothing happens or is wanted: ``after=place`` goes on behind it.

        Raises:
            ResourceNotFound: there is no such table, or not any more.
            TrimmedDataAccess: conflicts after ``after`` were removed for their number.
            ValidationError: ``after`` is of another database; the key is none of the table's.
        """
        query = ConflictQuery(self.name, after, before, newest_first, key, outcome, region, since)
        if follow:
            async with aclosing(self._transport.follow_conflicts(query.following(heartbeat_ms))) as pages:
                async for page in pages:
                    for conflict in page.conflicts:
                        yield conflict
                    if on_progress is not None:
                        on_progress(page.sequence_number)
        request: ListConflicts | None = query.listing()
        while request is not None:
            listed = await self._send(request)
            assert isinstance(listed, ListConflictsResult)
            for conflict in listed.conflicts:
                yield conflict
            request = rest(request, listed)

    async def enable_ttl(self, attribute: str) -> None:
        """Delete items by themselves when the time in ``attribute`` (seconds since 1970) has passed.

        Raises:
            ValidationError: it is enabled already.
        """
        await self._send(UpdateTimeToLive(self.name, attribute, True))

    async def disable_ttl(self) -> None:
        """Let items stay.

        Raises:
            ValidationError: it is disabled already.
        """
        result = await self._send(DescribeTimeToLive(self.name))
        assert isinstance(result, DescribeTimeToLiveResult)
        if result.attribute_name is None:
            raise ValidationError("TimeToLive is already disabled")
        await self._send(UpdateTimeToLive(self.name, result.attribute_name, False))

    async def ttl(self) -> str | None:
        """The attribute that says when an item may go; ``None`` when time to live is not enabled."""
        result = await self._send(DescribeTimeToLive(self.name))
        assert isinstance(result, DescribeTimeToLiveResult)
        is_enabled = result.time_to_live_status in ("ENABLED", "ENABLING")
        return result.attribute_name if is_enabled else None

    async def enable_point_in_time_recovery(self, days: int | None = None) -> ContinuousBackupsDescription:
        """Let points of this table be restored, from now on, for ``days`` (1 to 35; as long as the archive
        keeps). Turned on already, it goes on.

        Raises:
            ContinuousBackupsUnavailable: the database has no archive.
            ValidationError: the archive does not keep that long.
        """
        result = await self._send(UpdateContinuousBackups(self.name, True, days))
        assert isinstance(result, UpdateContinuousBackupsResult)
        return result.continuous_backups

    async def disable_point_in_time_recovery(self) -> ContinuousBackupsDescription:
        """Let no point of this table be restored any more; what was before is over for good."""
        result = await self._send(UpdateContinuousBackups(self.name, False))
        assert isinstance(result, UpdateContinuousBackupsResult)
        return result.continuous_backups

    async def continuous_backups(self) -> ContinuousBackupsDescription:
        """Whether points of this table can be restored, and which."""
        result = await self._send(DescribeContinuousBackups(self.name))
        assert isinstance(result, DescribeContinuousBackupsResult)
        return result.continuous_backups

    async def tags(self) -> dict[str, str]:
        """Every tag of the table."""
        arn = (await self.describe()).table_arn
        tags: dict[str, str] = {}
        token: str | None = None
        while True:
            result = await self._send(ListTagsOfResource(arn, token))
            assert isinstance(result, ListTagsOfResourceResult)
            tags |= {tag.key: tag.value for tag in result.tags}
            token = result.next_token
            if token is None:
                return tags

    async def tag(self, tags: Mapping[str, str]) -> None:
        """Set these tags, besides those that are there."""
        tag_list = table_requests.tag_list(tags)
        await self._send(TagResource((await self.describe()).table_arn, tag_list))

    async def untag(self, *keys: str) -> None:
        """Take these tags off; one that is not there is no error."""
        await self._send(UntagResource((await self.describe()).table_arn, list(keys)))

    async def _items(self, request: Query | Scan, limit: int | None, snapshot: bool) -> AsyncIterator[Item]:
        async with aclosing(self._pages(request, snapshot=snapshot, is_whole=limit is None)) as walk:
            async for page in walk:
                for item in page.items[:limit]:
                    yield item
                if limit is not None:
                    limit -= len(page.items)
                    if limit <= 0:
                        return

    async def _pages(
        self, request: Query | Scan, *, snapshot: bool, is_whole: bool = True
    ) -> AsyncGenerator[Page, None]:
        if snapshot:
            if (request.as_of_seqno, request.as_of_ms, request.snapshot_id) != (None, None, None):
                raise ValidationError("give as_of or snapshot, not both")
            opened = await self._send(OpenSnapshot())
            assert isinstance(opened, OpenSnapshotResult)
            request = dataclasses.replace(request, snapshot_id=opened.snapshot_id)
        try:
            # A stream reads ahead, which a caller who wants few items would pay for in vain.
            source = self._transport.stream(request) if is_whole else pages_async(self._send, request)
            async with aclosing(source) as walk:
                async for page in walk:
                    yield page
        finally:
            if snapshot and request.snapshot_id is not None:
                # What ended the walk is told, and a snapshot that cannot be released goes by itself.
                with suppress(KvdbError):
                    await self._send(ReleaseSnapshot(request.snapshot_id))


def _is_active(description: TableDescription) -> bool:
    return description.table_status == "ACTIVE" and all(
        index.index_status == "ACTIVE" for index in description.global_secondary_indexes
    )
