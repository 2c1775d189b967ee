"""``AsyncClient`` and ``AsyncTable``: the everyday face for asyncio, one method an operation.

Written by hand; ``sync`` is generated from this module (``python -m tools.gen_sync``). Every
method raises ``KvdbError`` and nothing else on its own account.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import aclosing

from kvdb.api.items import (
    BatchGetItem,
    BatchGetItemResult,
    BatchWriteItem,
    BatchWriteItemResult,
    DeleteItemResult,
    GetItemResult,
    Page,
    PutItemResult,
    Query,
    Scan,
    WriteRequest,
)
from kvdb.api.operations import Request, Result
from kvdb.api.tables import (
    CreateTableResult,
    DeleteTable,
    DeleteTableResult,
    DescribeTable,
    DescribeTableResult,
    ListTables,
    ListTablesResult,
    TableDescription,
)
from kvdb.client import requests
from kvdb.client.paginate import pages_async
from kvdb.client.requests import Condition, KeyAttribute, KeyCondition, Names, Projection, Values
from kvdb.client.transport import AsyncTransport
from kvdb.errors import ServiceUnavailable
from kvdb.item.value import Item


class AsyncClient:
    """One database: its tables, and batches across them. ``async with`` closes it."""

    __slots__ = ("_transport",)

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection, or the database of this process. Closing twice is fine."""
        await self._transport.close()

    def table(self, name: str) -> AsyncTable:
        """A handle; asks nothing, so a table that does not exist is found out by the first call."""
        return AsyncTable(self._transport, name)

    async def create_table(
        self, name: str, key: KeyAttribute, sort: KeyAttribute | None = None
    ) -> AsyncTable:
        """Create a table with partition key ``key`` and, if given, sort key ``sort``.

        A key attribute is its name and type: ``("country", "S")``; types are S, N and B.

        Raises:
            ResourceInUse: there is such a table already.
            ValidationError: a name or type is not allowed.
        """
        result = await self._transport.send(requests.create_table(name, key, sort))
        assert isinstance(result, CreateTableResult)
        return self.table(name)

    async def delete_table(self, name: str) -> TableDescription:
        """Delete a table and all its items. The name is free when this returns.

        Raises:
            ResourceNotFound: there is no such table.
        """
        result = await self._transport.send(DeleteTable(name))
        assert isinstance(result, DeleteTableResult)
        return result.table_description

    async def tables(self) -> list[str]:
        """The names of all tables, in byte order."""
        names: list[str] = []
        start: str | None = None
        while True:
            result = await self._transport.send(ListTables(exclusive_start_table_name=start))
            assert isinstance(result, ListTablesResult)
            names += result.table_names
            start = result.last_evaluated_table_name
            if start is None:
                return names

    async def batch_write(self, writes: Mapping[str, Iterable[WriteRequest]]) -> None:
        """Put and delete any number of items: ``{"airports": [PutRequest(item), DeleteRequest(key), ...]}``.

        Sent in requests of 25. Each write is atomic, the batch is not: after an error the
        requests before the failed one have been applied. Two writes of one request may not
        name the same key.
        """
        for request in requests.batch_writes(writes):
            await self._write_all(request)

    async def _write_all(self, request: BatchWriteItem) -> None:
        left = _count(request)
        while left:
            result = await self._transport.send(request)
            assert isinstance(result, BatchWriteItemResult)
            request = BatchWriteItem(result.unprocessed_items)
            before, left = left, _count(request)
            _require_progress(before, left)

    async def batch_get(self, keys: Mapping[str, Iterable[Mapping[str, object]]]) -> dict[str, list[Item]]:
        """Read any number of items: ``{"airports": [key, ...]}``; sent in requests of 100.

        Gives a list for each table asked for, in no particular order; absent items are left
        out. Two keys of one request may not be the same.
        """
        found: dict[str, list[Item]] = {table: [] for table in keys} if isinstance(keys, Mapping) else {}
        for request in requests.batch_gets(keys):
            await self._read_all(request, found)
        return found

    async def _read_all(self, request: BatchGetItem, found: dict[str, list[Item]]) -> None:
        left = _count(request)
        while left:
            result = await self._transport.send(request)
            assert isinstance(result, BatchGetItemResult)
            for table, items in result.responses.items():
                found[table] += items
            request = BatchGetItem(result.unprocessed_keys)
            before, left = left, _count(request)
            _require_progress(before, left)

    async def call(self, request: Request) -> Result:
        """Send one request of ``kvdb.api``, for what the methods here do not say."""
        return await self._transport.send(request)


def _count(request: BatchWriteItem | BatchGetItem) -> int:
    if isinstance(request, BatchWriteItem):
        return sum(len(writes) for writes in request.request_items.values())
    return sum(len(wanted.keys) for wanted in request.request_items.values())


def _require_progress(before: int, left: int) -> None:
    # Sending again what was not served at all would go on for ever.
    if left >= before:
        raise ServiceUnavailable(f"a batch made no progress unprocessed={left}")


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
    ) -> Item | None:
        """Write a whole item, replacing the one with its key; gives that one with ``return_old``.

        Raises:
            ConditionalCheckFailed: ``condition`` does not hold for the stored item (an absent
                one is empty), which the error's ``item`` is with ``return_old_on_failure``.
        """
        result = await self._send(
            requests.put_item(
                self.name,
                item,
                condition,
                names,
                values,
                return_old=return_old,
                return_old_on_failure=return_old_on_failure,
            )
        )
        assert isinstance(result, PutItemResult)
        return result.attributes

    async def get(
        self,
        key: Mapping[str, object],
        *,
        projection: Projection | None = None,
        names: Names | None = None,
        consistent: bool = False,
    ) -> Item | None:
        """The item with this key, or the projected part of it; ``None`` when there is none."""
        result = await self._send(requests.get_item(self.name, key, projection, names, consistent=consistent))
        assert isinstance(result, GetItemResult)
        return result.item

    async def delete(
        self,
        key: Mapping[str, object],
        *,
        condition: Condition | None = None,
        names: Names | None = None,
        values: Values | None = None,
        return_old: bool = False,
        return_old_on_failure: bool = False,
    ) -> Item | None:
        """Delete the item with this key, if there is one; gives it with ``return_old``.

        Raises:
            ConditionalCheckFailed: as for ``put``.
        """
        result = await self._send(
            requests.delete_item(
                self.name,
                key,
                condition,
                names,
                values,
                return_old=return_old,
                return_old_on_failure=return_old_on_failure,
            )
        )
        assert isinstance(result, DeleteItemResult)
        return result.attributes

    async def describe(self) -> TableDescription:
        """Key schema, status, creation time.

        Raises:
            ResourceNotFound: there is no such table.
        """
        result = await self._send(DescribeTable(self.name))
        assert isinstance(result, DescribeTableResult)
        return result.table

    def query(
        self,
        key_condition: KeyCondition,
        *,
        filter: Condition | None = None,
        projection: Projection | None = None,
        reverse: bool = False,
        limit: int | None = None,
        page_size: int | None = None,
        start_key: Mapping[str, object] | None = None,
        names: Names | None = None,
        values: Values | None = None,
        consistent: bool = False,
    ) -> AsyncIterator[Item]:
        """Iterate the items of one partition in sort-key order, over all pages, read as needed.

        ``limit``: most items given, after the filter. ``page_size``: items read at a time.
        ``start_key``: begin after this key (a page's ``last_evaluated_key``).
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
        )
        return self._items(request, limit)

    async def query_page(
        self,
        key_condition: KeyCondition,
        *,
        filter: Condition | None = None,
        projection: Projection | None = None,
        reverse: bool = False,
        limit: int | None = None,
        start_key: Mapping[str, object] | None = None,
        names: Names | None = None,
        values: Values | None = None,
        consistent: bool = False,
    ) -> Page:
        """One page, for walking by hand: pass its ``last_evaluated_key`` as the next ``start_key``.

        ``limit``: most items *read* by the page, before the filter.
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
            )
        )
        assert isinstance(result, Page)
        return result

    def scan(
        self,
        *,
        filter: Condition | None = None,
        projection: Projection | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        start_key: Mapping[str, object] | None = None,
        segment: int | None = None,
        total_segments: int | None = None,
        names: Names | None = None,
        values: Values | None = None,
        consistent: bool = False,
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
        )
        return self._items(request, limit)

    async def scan_page(
        self,
        *,
        filter: Condition | None = None,
        projection: Projection | None = None,
        limit: int | None = None,
        start_key: Mapping[str, object] | None = None,
        segment: int | None = None,
        total_segments: int | None = None,
        names: Names | None = None,
        values: Values | None = None,
        consistent: bool = False,
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
            )
        )
        assert isinstance(result, Page)
        return result

    async def count(
        self,
        key_condition: KeyCondition | None = None,
        *,
        filter: Condition | None = None,
        names: Names | None = None,
        values: Values | None = None,
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
                consistent=False,
                select="COUNT",
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
                consistent=False,
                select="COUNT",
            )
        total = 0
        async with aclosing(self._transport.stream(request)) as walk:
            async for page in walk:
                total += page.count
        return total

    async def _items(self, request: Query | Scan, limit: int | None) -> AsyncIterator[Item]:
        # A stream reads ahead, which a caller who wants few items would pay for in vain.
        source = self._transport.stream(request) if limit is None else pages_async(self._send, request)
        async with aclosing(source) as walk:
            async for page in walk:
                for item in page.items[:limit]:
                    yield item
                if limit is not None:
                    limit -= len(page.items)
                    if limit <= 0:
                        return
