"""Which of several servers a call goes to. Pure: checks and errors in, decisions out.

``Choice`` hears the health checks, a round of all endpoints at a time, and holds the current
endpoint. It knows nothing of calls, so that a hundred calls that fail in one instant are no more
than one bad moment.

    up -> down     ``failures_to_leave`` failed checks in a row, or the server says it does not serve
    down -> up     ``successes_to_return`` good checks in a row
    leave          the current endpoint is down, and another is up: the first such in the list
    come back      a better one (before the current in the list) has been up for its hold-down time

The hold-down time of an endpoint doubles when it is left soon after a return, so an endpoint that
comes and goes costs ever fewer switches. When none is up, the current one stays.

``Route`` leads one call. A failed try is repeated elsewhere only where that cannot do a write
twice: a read, whenever a server did not answer; a write, only when no connection could be made to
send it by. A transaction with a client token is recognised by the database it was sent to and by
no other: once it may have arrived at one, it is sent again there alone, in the same call or a later one.

Some requests name what one database holds: a snapshot, a shard iterator, a page of versions, a token
that was used. They go where that came from (``Origins``), and nowhere else.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from kvdb.api.admin import DescribeCheck, StartCheck
from kvdb.api.archive import DescribeArchive, DescribeContinuousBackups
from kvdb.api.backups import DescribeBackup, ListBackups
from kvdb.api.items import (
    CommitTransaction,
    GetItem,
    ListItemVersions,
    ListItemVersionsResult,
    OpenSnapshotResult,
    Query,
    ReleaseSnapshot,
    Scan,
    TransactWriteItems,
)
from kvdb.api.jobs import CancelJob, DescribeJob, ListJobs
from kvdb.api.operations import BY_REQUEST, Request, Result
from kvdb.api.replicas import DescribeReplicas, ListConflicts
from kvdb.api.streams import (
    DescribeStream,
    GetRecords,
    GetRecordsResult,
    GetShardIterator,
    GetShardIteratorResult,
    ListStreams,
)
from kvdb.api.transfers import DescribeExport, DescribeImport, ListExports, ListImports
from kvdb.client.retry import was_never_sent
from kvdb.errors import (
    DeadlineExceeded,
    KvdbError,
    ReplicaBehind,
    ServiceUnavailable,
    TransactionInProgress,
    ValidationError,
)
from kvdb.options import FailoverOptions

ENDPOINTS_MAX = 16
ORIGINS_MAX = 10_000

_OF_ONE_DATABASE = frozenset(
    (
        *(DescribeArchive, DescribeContinuousBackups, DescribeBackup, ListBackups, DescribeCheck, StartCheck),
        *(DescribeJob, ListJobs, CancelJob, DescribeExport, ListExports, DescribeImport, ListImports),
        *(DescribeReplicas, ListConflicts, ListStreams, DescribeStream, GetShardIterator),
        *(GetRecords, ReleaseSnapshot),
    )
)
"""Reads of what another region has not, or has otherwise: its "not found" would be no answer."""


class Verdict(NamedTuple):
    """What a health check found."""

    is_healthy: bool
    reason: str = ""
    is_said: bool = False
    """The server itself says that it does not serve: nothing to wait for."""


class Switch(NamedTuple):
    """Calls go to another endpoint from now on."""

    source: str
    target: str
    reason: str
    number: int
    """1 for the client's first."""


@dataclass(slots=True)
class _Health:
    hold_ms: int
    is_up: bool = True
    failures: int = 0
    successes: int = 0
    reason: str = ""
    up_since_ms: int | None = None
    """``None``: it has never been down."""
    returned_ms: int | None = None


class Choice:
    """The current endpoint, from round to round of health checks. One thread calls ``observe``."""

    def __init__(self, targets: Sequence[str], options: FailoverOptions) -> None:
        self._targets = targets
        self._options = options
        self._healths = [_Health(options.hold_down_ms) for _ in targets]
        self.order = tuple(range(len(targets)))
        """Endpoints in the order to try them; the current one is the first. Replaced, never changed."""
        self.switches = 0
        self.fallen: tuple[int, ...] = ()
        """Those that the last round has found down."""

    @property
    def current(self) -> int:
        return self.order[0]

    def observe(self, verdicts: Sequence[Verdict], now_ms: int) -> Switch | None:
        """Take in a round of checks, a verdict an endpoint; ``now_ms`` is of a clock that never goes back."""
        assert len(verdicts) == len(self._healths)
        was_up = [health.is_up for health in self._healths]
        for index, verdict in enumerate(verdicts):
            self._note(index, verdict, now_ms)
        self.fallen = tuple(
            index for index, health in enumerate(self._healths) if was_up[index] and not health.is_up
        )
        source, target = self.current, self._best(now_ms)
        self.order = self._order_from(target)
        if target == source:
            return None
        self.switches += 1
        return Switch(
            self._targets[source], self._targets[target], self._reason(source, target, now_ms), self.switches
        )

    def _note(self, index: int, verdict: Verdict, now_ms: int) -> None:
        health = self._healths[index]
        if verdict.is_healthy:
            health.failures = 0
            health.successes += 1
            if not health.is_up and health.successes >= self._options.successes_to_return:
                health.is_up, health.up_since_ms = True, now_ms
            return
        health.successes = 0
        health.failures += 1
        health.reason = verdict.reason
        if health.is_up and (verdict.is_said or health.failures >= self._options.failures_to_leave):
            health.is_up = False
            if index == self.current:
                health.hold_ms = self._next_hold_ms(health, now_ms)

    def _next_hold_ms(self, health: _Health, now_ms: int) -> int:
        options = self._options
        if health.returned_ms is None or now_ms - health.returned_ms > options.hold_down_ms_max:
            return options.hold_down_ms
        return min(health.hold_ms * 2, options.hold_down_ms_max)

    def _best(self, now_ms: int) -> int:
        up = [index for index, health in enumerate(self._healths) if health.is_up]
        settled = [index for index in up if self._is_settled(self._healths[index], now_ms)]
        if self._healths[self.current].is_up:
            return min([self.current, *settled])
        # Whatever is up is better than what is down, held down or not.
        return min(settled or up or [self.current])

    def _is_settled(self, health: _Health, now_ms: int) -> bool:
        return health.up_since_ms is None or now_ms - health.up_since_ms >= health.hold_ms

    def _order_from(self, current: int) -> tuple[int, ...]:
        others = [index for index in range(len(self._healths)) if index != current]
        return (current, *sorted(others, key=lambda index: not self._healths[index].is_up))

    def _reason(self, source: int, target: int, now_ms: int) -> str:
        self._healths[target].returned_ms = now_ms
        if not self._healths[source].is_up:
            return self._healths[source].reason
        return f"{self._targets[target]} is healthy again"


class Route:
    """Where the tries of one call go: ``index`` says where the next one does."""

    __slots__ = ("_is_bound", "_may_move", "_rest", "index")

    def __init__(self, order: Sequence[int], *, is_read: bool, is_bound: bool = False) -> None:
        self.index, *self._rest = order
        self._is_bound = is_bound
        self._may_move = is_read

    def moves_after(self, error: KvdbError) -> bool:
        """Whether to go on with the next endpoint at once; else the same one, if at all, and later."""
        if isinstance(error, ReplicaBehind):
            # Nothing was done there, and what the session has seen may be elsewhere.
            return self._moved()
        if isinstance(error, TransactionInProgress):
            # The token is at work there, whoever sent it.
            self._is_bound = True
        if not _is_silent(error):
            return False
        if not was_never_sent(error) and not self._may_move:
            # It may have arrived. No other database would know it again.
            self._is_bound = True
        return self._moved()

    def _moved(self) -> bool:
        if self._is_bound or not self._rest:
            return False
        self.index = self._rest.pop(0)
        return True

    def renew(self, order: Sequence[int]) -> None:
        """Begin another round after a pause."""
        if not self._is_bound:
            self.index, *self._rest = order


def _is_silent(error: KvdbError) -> bool:
    """A server that cannot be reached, or does not answer in time."""
    return isinstance(error, (ServiceUnavailable, DeadlineExceeded))


class Origins:
    """Which endpoint holds what: the last ``ORIGINS_MAX`` snapshots, iterators, pages and transactions.

    Thread-safe. What is older is asked of the current endpoint, whose database refuses what is not its
    own; a client token older than that, or of another client, is taken for new there.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._endpoints: dict[str, int] = {}

    def note(self, request: Request, result: Result, index: int) -> None:
        """Keep where a result's token comes from."""
        token = _given(request, result)
        if token is not None:
            self._keep(token, index)
        elif isinstance(request, (ReleaseSnapshot, CommitTransaction)):
            with self._lock:
                self._endpoints.pop(request.snapshot_id, None)

    def note_sent(self, request: Request, error: KvdbError | None, index: int) -> None:
        """Keep where a transaction with a token of the caller's may have arrived."""
        if (
            isinstance(request, TransactWriteItems)
            and request.client_request_token is not None
            and not (error is not None and was_never_sent(error))
        ):
            self._keep(_transaction_token(request.client_request_token), index)

    def _keep(self, token: str, index: int) -> None:
        with self._lock:
            self._endpoints.pop(token, None)
            self._endpoints[token] = index
            if len(self._endpoints) > ORIGINS_MAX:
                del self._endpoints[next(iter(self._endpoints))]

    def of(self, request: Request) -> int | None:
        """The endpoint that alone can serve the request; ``None``: any.

        Raises:
            ValidationError: the request names a commit, and nobody can tell whose.
        """
        token = _named(request)
        if token is None:
            return None
        with self._lock:
            index = self._endpoints.get(token)
        if index is None and isinstance(request, ListItemVersions):
            raise ValidationError(_COMMIT_OF_WHICH)
        return index


_COMMIT_OF_WHICH = (
    "a commit number is of one database, and this client has several endpoints: "
    "read as of a time or a snapshot, or connect to that endpoint alone"
)


def _given(request: Request, result: Result) -> str | None:
    match result:
        case OpenSnapshotResult():
            return result.snapshot_id
        case GetShardIteratorResult():
            return result.shard_iterator
        case GetRecordsResult():
            return result.next_shard_iterator
        case ListItemVersionsResult() if result.versions:
            assert isinstance(request, ListItemVersions)
            return _version_token(request, result.versions[-1].seqno)
    return None


def _named(request: Request) -> str | None:
    match request:
        case GetItem() | Query() | Scan():
            if request.as_of_seqno is not None:
                raise ValidationError(_COMMIT_OF_WHICH)
            return request.snapshot_id
        case ReleaseSnapshot() | CommitTransaction():
            return request.snapshot_id
        case GetRecords():
            return request.shard_iterator
        case TransactWriteItems() if request.client_request_token is not None:
            return _transaction_token(request.client_request_token)
        case ListItemVersions() if request.before_seqno is not None:
            return _version_token(request, request.before_seqno)
    return None


def _transaction_token(client_request_token: str) -> str:
    return f"transaction {client_request_token}"


def _version_token(request: ListItemVersions, seqno: int) -> str:
    return f"versions {request.table_name} {sorted(request.key.items())!r} {seqno}"


def route_of(request: Request, order: Sequence[int], origin: int | None) -> Route:
    """Where a request may go, when the endpoints are to be tried in this order."""
    is_read = BY_REQUEST[type(request)].is_read
    if origin is not None:
        return Route([origin], is_read=is_read, is_bound=True)
    return Route(order, is_read=is_read, is_bound=type(request) in _OF_ONE_DATABASE)


def located(error: KvdbError, target: str, *, is_origin: bool) -> KvdbError:
    """An error that says which server did not answer."""
    if not _is_silent(error):
        return error
    why = ", which alone has what the request names" if is_origin else ""
    told = type(error)(f"{error.message} endpoint={target}{why}")
    told.__cause__ = error
    if isinstance(told, ServiceUnavailable):
        told.never_sent = was_never_sent(error)
    return told
