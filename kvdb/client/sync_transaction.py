"""``Transaction``: reads and writes that happen together, or not at all.

Generated from ``aio_transaction`` by ``python -m tools.gen_sync``: change that module, not this one. Every
method raises ``KvdbError`` and nothing else on its own account.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, suppress

from kvdb import limits
from kvdb.api.items import (
    CommitTransaction,
    CommitTransactionResult,
    GetItemResult,
    OpenSnapshot,
    OpenSnapshotResult,
    Query,
    ReadKey,
    ReadRange,
    ReleaseSnapshot,
    Scan,
)
from kvdb.api.tables import DescribeTable, DescribeTableResult
from kvdb.client import actions, requests
from kvdb.client.overlay import TableWrites, identity_of, projected
from kvdb.client.paginate import pages
from kvdb.client.requests import Condition, KeyCondition, Names, Projection, Update, Values
from kvdb.client.transport import Transport
from kvdb.errors import ClosedError, KvdbError, ValidationError
from kvdb.item.value import Item


class Transaction:
    """A transaction, from ``Client.transaction``: a context that commits when it is left.

    Reads see the moment it was entered, and what it has written itself. Writes wait until it is
    left, and then are made all together, if nothing that it has read has been changed by then;
    else leaving it raises ``TransactionConflict``, and ``Client.transact`` is what runs it
    again. An error that leaves it undoes it: nothing is written.

    Bounds: 10,000 items and pages read; as many writes, and bytes, as one transaction of the
    server's limits may have; a minute between two reads.
    """

    __slots__ = ("_is_open", "_opened", "_read_keys", "_read_ranges", "_transport", "_writes", "seqno")

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._is_open = False
        self._opened = OpenSnapshotResult("", 0)
        self._read_keys: dict[tuple[str, str], ReadKey] = {}
        self._read_ranges: list[ReadRange] = []
        self._writes: dict[str, TableWrites] = {}
        self.seqno: int | None = None
        """The commit, once it is made; ``None`` while it is not, or when nothing was written."""

    def __enter__(self) -> Transaction:
        if self._opened.snapshot_id:
            raise ClosedError("a transaction is entered once")
        opened = self._transport.send(OpenSnapshot())
        assert isinstance(opened, OpenSnapshotResult)
        self._opened = opened
        self._is_open = True
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._is_open = False
        writes = [action for of_table in self._writes.values() for action in of_table.actions()]
        if error is None and writes:
            reads: list[ReadKey | ReadRange] = [*self._read_keys.values(), *self._read_ranges]
            result = self._transport.send(CommitTransaction(self._opened.snapshot_id, reads, writes))
            assert isinstance(result, CommitTransactionResult)
            self.seqno = result.seqno
        else:
            # It was as of its snapshot, or never; and a snapshot that cannot be released goes by itself.
            with suppress(KvdbError):
                self._transport.send(ReleaseSnapshot(self._opened.snapshot_id))

    @property
    def snapshot_id(self) -> str:
        """Of the snapshot that it reads at: what other reads take as ``as_of``."""
        return self._opened.snapshot_id

    def get(
        self,
        table: str,
        key: Mapping[str, object],
        *,
        projection: Projection | None = None,
        names: Names | None = None,
    ) -> Item | None:
        """The item with this key, or the projected part of it; ``None`` when there is none."""
        self._require_open()
        request = requests.get_item(table, key, projection, names, consistent=False, as_of=self._opened)
        written = self._writes[table].of(key) if table in self._writes else None
        if written is not None:
            return projected(written.item, request)
        self._read_keys[table, identity_of(key)] = ReadKey(table, key)
        self._check_bounds()
        result = self._transport.send(request)
        assert isinstance(result, GetItemResult)
        return result.item

    def query(
        self,
        table: str,
        key_condition: KeyCondition,
        *,
        index: str | None = None,
        filter: Condition | None = None,
        projection: Projection | None = None,
        reverse: bool = False,
        limit: int | None = None,
        page_size: int | None = None,
        names: Names | None = None,
        values: Values | None = None,
    ) -> Iterator[Item]:
        """Iterate the items of one partition in sort-key order; see ``Table.query``.

        What the transaction has written by the time of the first item is among them.
        """
        request = requests.query(
            table,
            key_condition,
            filter=filter,
            projection=projection,
            reverse=reverse,
            limit=requests.page_limit(limit, page_size, is_filtered=filter is not None),
            start_key=None,
            names=names,
            values=values,
            consistent=False,
            index=index,
            as_of=self._opened,
        )
        return self._items(request, limit)

    def scan(
        self,
        table: str,
        *,
        index: str | None = None,
        filter: Condition | None = None,
        projection: Projection | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        names: Names | None = None,
        values: Values | None = None,
    ) -> Iterator[Item]:
        """Iterate all items; as ``query`` otherwise. All writes to the table are conflicts then."""
        request = requests.scan(
            table,
            filter=filter,
            projection=projection,
            limit=requests.page_limit(limit, page_size, is_filtered=filter is not None),
            start_key=None,
            segment=None,
            total_segments=None,
            names=names,
            values=values,
            consistent=False,
            index=index,
            as_of=self._opened,
        )
        return self._items(request, limit)

    def put(
        self,
        table: str,
        item: Mapping[str, object],
        *,
        condition: Condition | None = None,
        names: Names | None = None,
        values: Values | None = None,
        return_old_on_failure: bool = False,
    ) -> None:
        """Write a whole item. Without a condition nothing is read, so nothing can conflict.

        Raises:
            ConditionalCheckFailed: ``condition`` does not hold for the item there is.
        """
        request = actions.put(
            table,
            item,
            condition=condition,
            names=names,
            values=values,
            return_old_on_failure=return_old_on_failure,
        )
        writes = self._writes_to(table)
        old = None if condition is None else self.get(table, writes.key_of(item))
        writes.put(request, old)
        self._check_bounds()

    def update(
        self,
        table: str,
        key: Mapping[str, object],
        update: Update,
        *,
        condition: Condition | None = None,
        names: Names | None = None,
        values: Values | None = None,
        return_old_on_failure: bool = False,
    ) -> Item | None:
        """Change some attributes of an item, which is made when there is none; gives the item that it leaves.

        Raises:
            ConditionalCheckFailed: as for ``put``.
            ValidationError: the update does not fit the item.
        """
        request = actions.update(
            table,
            key,
            update,
            condition=condition,
            names=names,
            values=values,
            return_old_on_failure=return_old_on_failure,
        )
        writes = self._writes_to(table)
        new = writes.update(request, self.get(table, key))
        self._check_bounds()
        return new

    def delete(
        self,
        table: str,
        key: Mapping[str, object],
        *,
        condition: Condition | None = None,
        names: Names | None = None,
        values: Values | None = None,
        return_old_on_failure: bool = False,
    ) -> None:
        """Delete an item, if there is one; as ``put`` otherwise."""
        request = actions.delete(
            table,
            key,
            condition=condition,
            names=names,
            values=values,
            return_old_on_failure=return_old_on_failure,
        )
        writes = self._writes_to(table)
        writes.delete(request, None if condition is None else self.get(table, key))
        self._check_bounds()

    def _writes_to(self, table: str) -> TableWrites:
        self._require_open()
        if table not in self._writes:
            result = self._transport.send(DescribeTable(table))
            assert isinstance(result, DescribeTableResult)
            self._writes[table] = TableWrites(result.table, table)
        return self._writes[table]

    def _items(self, request: Query | Scan, limit: int | None) -> Iterator[Item]:
        self._require_open()
        writes = self._writes.get(request.table_name)
        merge = writes.over(request) if writes else None
        asked = request if merge is None else merge.request
        read: ReadRange | None = None
        with closing(pages(self._transport.send, asked)) as walk:
            for page in walk:
                self._require_open()
                if read is None:
                    read = ReadRange(asked)
                    self._read_ranges.append(read)
                    self._check_bounds()
                read.last_key = page.last_evaluated_key
                for item in (page.items if merge is None else merge.merged(page))[:limit]:
                    yield item
                    if limit is not None:
                        limit -= 1
                if limit == 0:
                    return

    def _check_bounds(self) -> None:
        reads = len(self._read_keys) + len(self._read_ranges)
        writes = sum(map(len, self._writes.values()))
        size_bytes = sum(of_table.size_bytes for of_table in self._writes.values())
        for count, count_max, what in (
            (reads, limits.TRANSACTION_READS_MAX, "read {} items and ranges"),
            (writes, limits.OPEN.transaction_actions_max, "write {} items"),
            (size_bytes, limits.OPEN.transaction_bytes_max, "write {} bytes"),
        ):
            if count > count_max:
                raise ValidationError(f"a transaction may {what.format(count_max)}, not {count}")

    def _require_open(self) -> None:
        if not self._is_open:
            raise ClosedError("the transaction has not been entered, or has ended")
