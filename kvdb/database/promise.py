"""What a call is promised beside its answer: to see what its session has seen, to have its write elsewhere.

    1. ready      the region has what the session has seen of the tables of the request, or gets it in time
    2. the call   as any other
    3. answered   with the token of what the session has seen by now; and, where the write asked for it, once
                  so many regions have it, or the time is over

Nothing is done before 1, so whoever is refused there may come again. No thread is held by 1 or 3: see
``replica/waits``; ``run`` waits on the caller's thread, ``run_async`` on an event loop.

A write that is told nothing of what is stored (no condition, no values) has seen no more than itself. An
error leaves the session as it was. What is read at a snapshot, or as of another moment, is as of then,
whatever the session has seen; a snapshot is opened once all is here that the session has seen of any table.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TypeAlias, TypeVar

from kvdb import limits
from kvdb.api.items import (
    BatchGetItem,
    BatchWriteItem,
    CommitTransaction,
    DeleteItem,
    GetItem,
    ListItemVersions,
    OpenSnapshot,
    PutItem,
    Query,
    ReadRange,
    Scan,
    TransactGetItems,
    TransactWriteItems,
    UpdateItem,
)
from kvdb.api.operations import Request
from kvdb.api.session_token import View, decoded, encoded, joined, table_tag
from kvdb.api.terms import NEW_SESSION, Outcome, Replication, Terms
from kvdb.api.validation.terms import check_terms
from kvdb.errors import ClosedError, KvdbError, ReplicaBehind, ResourceNotFound, ValidationError
from kvdb.replica.regions import Regions
from kvdb.replica.waits import Wait
from kvdb.table.catalog import Catalog, Table

R = TypeVar("R")

Settled: TypeAlias = Callable[[], None]


class Promise:
    """Of one call. ``close`` it when the call has ended, however it did."""

    def __init__(
        self, catalog: Catalog, regions: Regions, request: Request, terms: Terms, within_ms: int | None
    ) -> None:
        """``within_ms``: the caller waits no longer for all of it.

        Raises:
            ValidationError: the terms cannot be kept, whatever is waited for.
            RequestLimitExceeded: too many calls wait already.
        """
        check_terms(request, terms)
        self._regions = regions
        self._catalog = catalog
        self._waits = regions.waits
        self._terms = terms
        self._request = request
        self._began_ms = self._waits.now_ms()
        self._by_ms = None if within_ms is None else self._began_ms + within_ms
        self._is_blind = _is_blind(request)
        self._seen: Mapping[bytes, View] = {}
        if terms.session not in (None, NEW_SESSION):
            self._seen = decoded(terms.session or "")
        self._tables = self._shared_tables(tables_of(request))
        self._peers = self._peers_of_all() if terms.replicate_to is not None else ()
        self._lack = ""
        self._fault: KvdbError | None = None
        self._replicated: tuple[str, ...] = ()
        self._targets: list[tuple[Table, int]] = []
        self._wait: Wait | None = None
        self._is_closed = False
        self._waits.enter()

    def close(self) -> None:
        """Nobody waits for it any more. Closing twice is fine."""
        if not self._is_closed:
            self._is_closed = True
            self._forget_wait()
            self._waits.leave()

    def run(self, serve: Callable[[], R]) -> tuple[R, Outcome]:
        """Serve the call and keep the promise, waiting on this thread."""
        try:
            self._block(self.when_ready)
            self.require_ready()
            result = serve()
            self._block(self.when_replicated)
            return result, self.outcome()
        finally:
            self.close()

    async def run_async(self, serve: Callable[[], Awaitable[R]]) -> tuple[R, Outcome]:
        """As ``run``, on an event loop."""
        try:
            await self._until(self.when_ready)
            self.require_ready()
            result = await serve()
            await self._until(self.when_replicated)
            return result, self.outcome()
        finally:
            self.close()

    def _block(self, begin: Callable[[Settled], None]) -> None:
        turn = threading.Lock()
        turn.acquire()
        begin(turn.release)
        turn.acquire()

    async def _until(self, begin: Callable[[Settled], None]) -> None:
        loop = asyncio.get_running_loop()
        settled = asyncio.Event()
        begin(lambda: _tell(loop, settled))
        try:
            await settled.wait()
        finally:
            self._forget_wait()

    def _forget_wait(self) -> None:
        wait, self._wait = self._wait, None
        if wait is not None:
            self._waits.forget(wait)

    # Ready.

    def when_ready(self, settled: Settled) -> None:
        """Call ``settled`` once, on any thread, when ``require_ready`` can be asked."""
        if self._terms.session is None:
            settled()
            return
        tables = self._tables
        if isinstance(self._request, OpenSnapshot):
            tables = [table for table in self._catalog.all_tables() if _tag(table) in self._seen]
        timeout_ms = self._terms.session_timeout_ms
        wait_ms = limits.SESSION_WAIT_MS if timeout_ms is None else timeout_ms
        wanted = [(table, self._seen.get(_tag(table))) for table in tables]
        self._begin(tables, lambda: self._is_ready(wanted), wait_ms, settled)

    def _is_ready(self, wanted: list[tuple[Table, View | None]]) -> bool:
        """Whether there is nothing more to wait for."""
        positions = self._regions.positions
        try:
            for table, view in wanted:
                lack = None if view is None else positions.lack(table, view, self._began_ms)
                if lack is not None:
                    self._lack = (
                        f"region {positions.region} has not taken in yet what the session has seen of region "
                        f"{lack} table={table.descriptor.name}"
                    )
                    return False
            # Before anything is done: whether the token of the answer can be made.
            self._token()
        except ReplicaBehind as behind:
            self._lack = behind.message
            return False
        except KvdbError as error:
            self._fault = error
        self._lack = ""
        return True

    def require_ready(self) -> None:
        """Raises:
        ReplicaBehind: the time is over, and the region has not what the session has seen.
        ValidationError: it never will have.
        ClosedError: the database was closed meanwhile.
        """
        if self._fault is not None:
            raise self._fault
        if self._waits.is_stopped:
            raise ClosedError("the database is closed")
        if self._lack:
            self._waits.behind.add()
            raise ReplicaBehind(f"{self._lack} waited_ms={self._waits.now_ms() - self._began_ms}")

    # Answered.

    def when_replicated(self, settled: Settled) -> None:
        """After the call: call ``settled`` once, on any thread, when ``outcome`` can be asked."""
        wanted = self._terms.replicate_to
        if wanted is None:
            settled()
            return
        positions = self._regions.positions
        self._targets = [(table, positions.newest_write(table)) for table in self._tables]
        timeout_ms = self._terms.replicate_timeout_ms
        wait_ms = limits.REPLICATE_WAIT_MS if timeout_ms is None else timeout_ms
        self._begin(self._tables, lambda: self._is_replicated(wanted), wait_ms, settled)

    def _is_replicated(self, wanted: int) -> bool:
        acks = self._regions.acks
        self._replicated = tuple(
            peer
            for peer in self._peers
            if all(acks.has_applied(table, peer, seqno) for table, seqno in self._targets)
        )
        return len(self._replicated) >= wanted

    def outcome(self) -> Outcome:
        """What came of the terms."""
        session = replication = None
        if self._terms.session is not None:
            session = self._token()
        if self._terms.replicate_to is not None:
            replication = Replication(self._terms.replicate_to, self._replicated)
            if not replication.is_reached:
                self._waits.late.add()
        return Outcome(session, replication)

    # Common to both.

    def _begin(
        self, tables: Iterable[Table], holds: Callable[[], bool], wait_ms: int, settled: Settled
    ) -> None:
        table_ids = [table.descriptor.table_id for table in tables]
        if not table_ids:
            holds()
            settled()
            return
        by_ms = self._waits.now_ms() + wait_ms
        if self._by_ms is not None:
            by_ms = min(by_ms, self._by_ms)
        self._wait = self._waits.begin(table_ids, holds, by_ms, lambda is_held: settled())

    def _token(self) -> str:
        """Of what the session has seen once the call is answered."""
        positions = self._regions.positions
        see = positions.written if self._is_blind else positions.seen
        return encoded(joined(self._seen, {_tag(table): see(table) for table in self._tables}))

    def _shared_tables(self, names: Iterable[str]) -> list[Table]:
        """Those of the request's tables for which there is something to promise."""
        tables: dict[int, Table] = {}
        for name in names:
            try:
                table = self._catalog.table(name)
            except (ResourceNotFound, TypeError):
                # The call itself is refused for that, in its own words.
                continue
            setting = table.descriptor.replication
            is_shared = setting is not None and setting.is_on
            if self._terms.replicate_to is not None and not is_shared:
                raise ValidationError(
                    "replicate_to is for tables that are shared with other regions: "
                    f"{table.descriptor.name} is not"
                )
            if is_shared or _tag(table) in self._seen:
                tables[table.descriptor.table_id] = table
        return list(tables.values())

    def _peers_of_all(self) -> tuple[str, ...]:
        """The other regions that all tables of the request are shared with."""
        wanted = self._terms.replicate_to
        assert wanted is not None, "asked for"
        peers: tuple[str, ...] = ()
        for at, table in enumerate(self._tables):
            setting = table.descriptor.replication
            assert setting is not None, "only shared tables are promised"
            peers = setting.peers if at == 0 else tuple(peer for peer in peers if peer in setting.peers)
        if self._tables and wanted > len(peers):
            raise ValidationError(
                f"replicate_to={wanted}, and the tables of the request are shared with {len(peers)} "
                f"other regions: {', '.join(peers)}"
            )
        return peers


def tables_of(request: Request) -> tuple[str, ...]:
    """The names, or ARNs, of the tables whose items a request reads or writes."""
    match request:
        case GetItem() | PutItem() | UpdateItem() | DeleteItem() | Query() | Scan() | ListItemVersions():
            return (request.table_name,)
        case BatchGetItem() | BatchWriteItem():
            return tuple(request.request_items)
        case TransactGetItems() | TransactWriteItems():
            return tuple(member.table_name for member in request.transact_items)
        case CommitTransaction():
            reads = (read.request if isinstance(read, ReadRange) else read for read in request.reads)
            return tuple(each.table_name for each in (*reads, *request.writes))
    return ()


def _is_blind(request: Request) -> bool:
    """Whether the answer tells nothing of what was stored before."""
    match request:
        case PutItem() | DeleteItem() | UpdateItem():
            asked = (request.condition_expression, request.expected, request.return_values)
            return asked == (None, None, "NONE")
        case BatchWriteItem():
            return True
    return False


def _tag(table: Table) -> bytes:
    return table_tag(table.descriptor.name)


def _tell(loop: asyncio.AbstractEventLoop, settled: asyncio.Event) -> None:
    try:
        loop.call_soon_threadsafe(settled.set)
    except RuntimeError:
        # The loop is closed, and nobody waits there any more.
        return
