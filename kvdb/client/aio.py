"""``AsyncClient``: the everyday face of a database for asyncio, one method an operation.

Written by hand, like the other modules ``aio_*``; the modules ``sync*`` are generated from them
(``python -m tools.gen_sync``). Every method raises ``KvdbError`` and nothing else on its own
account.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import aclosing
from datetime import datetime
from typing import TypeVar

from kvdb.api.admin import (
    CheckDescription,
    DescribeCheck,
    DescribeCheckResult,
    StartCheck,
    StartCheckResult,
)
from kvdb.api.archive import (
    ArchiveDescription,
    DescribeArchive,
    DescribeArchiveResult,
    LabelArchive,
    LabelArchiveResult,
    RestoreTableToPointInTimeResult,
)
from kvdb.api.backups import (
    BackupDescription,
    BackupSummary,
    CreateBackup,
    CreateBackupResult,
    DeleteBackup,
    DeleteBackupResult,
    DescribeBackup,
    DescribeBackupResult,
    ListBackups,
    ListBackupsResult,
    RestoreTableFromBackup,
    RestoreTableFromBackupResult,
    SettleRestore,
    SettleRestoreResult,
)
from kvdb.api.items import (
    BatchGetItem,
    BatchGetItemResult,
    BatchWriteItem,
    BatchWriteItemResult,
    GetItem,
    OpenSnapshot,
    OpenSnapshotResult,
    ReleaseSnapshot,
    TransactGetItems,
    TransactGetItemsResult,
    TransactWriteAction,
    TransactWriteItems,
    WriteRequest,
)
from kvdb.api.jobs import (
    CancelJob,
    CancelJobResult,
    DescribeJob,
    DescribeJobResult,
    JobDescription,
    ListJobs,
    ListJobsResult,
)
from kvdb.api.operations import Request, Result
from kvdb.api.streams import (
    DescribeStream,
    DescribeStreamResult,
    ListStreams,
    ListStreamsResult,
    Shard,
    StreamDescription,
    StreamSummary,
    Subscribe,
    UpdateStream,
    UpdateStreamResult,
)
from kvdb.api.tables import (
    CreateTableResult,
    DeleteTable,
    DeleteTableResult,
    ListTables,
    ListTablesResult,
    StreamViewType,
    TableDescription,
)
from kvdb.api.terms import Answer, Replication, Terms
from kvdb.client import requests, table_requests
from kvdb.client.aio_replicated import send_replicated
from kvdb.client.aio_session import AsyncSessionTransport
from kvdb.client.aio_table import WAIT_MS_MAX, AsyncTable
from kvdb.client.aio_transaction import AsyncTransaction
from kvdb.client.aio_transfers import AsyncTransfers
from kvdb.client.changes import HEARTBEAT_MS, Change, change_of, subscribe
from kvdb.client.requests import Condition, Names, Values
from kvdb.client.table_requests import Billing, Index, KeyAttribute
from kvdb.client.transport import AsyncTransport
from kvdb.errors import (
    ClosedError,
    NotReplicated,
    ServiceUnavailable,
    TransactionConflict,
    ValidationError,
    from_code,
)
from kvdb.item.value import Item

_Member = TypeVar("_Member")
_Outcome = TypeVar("_Outcome")

_PAUSE_MS = 1
_PAUSE_MS_MAX = 100

_CHECK_POLL_MS = 200
_JOB_POLL_MS = 100


class AsyncClient(AsyncTransfers):
    """One database: its tables, and what goes across them. ``async with`` closes it."""

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

    @property
    def endpoint(self) -> str | None:
        """The server that calls go to, as ``grpc://HOST:PORT``; ``None``: a database of this process."""
        return self._transport.endpoint

    @property
    def endpoint_switches(self) -> int:
        """How often a client of several endpoints has gone from one to another."""
        return self._transport.endpoint_switches

    # Tables.

    def table(self, name: str) -> AsyncTable:
        """A handle; asks nothing, so a table that does not exist is found out by the first call."""
        return AsyncTable(self._transport, name)

    async def create_table(
        self,
        name: str,
        key: KeyAttribute,
        sort: KeyAttribute | None = None,
        *,
        indexes: Iterable[Index] = (),
        billing: Billing | None = None,
        ttl: str | None = None,
        tags: Mapping[str, str] | None = None,
        deletion_protection: bool = False,
        stream: StreamViewType | None = None,
        stream_retention_ms: int | None = None,
        wait_ms_max: int = WAIT_MS_MAX,
    ) -> AsyncTable:
        """Create a table with partition key ``key`` and, if given, sort key ``sort``; wait until it is ready.

        A key attribute is its name and type: ``("country", "S")``; types are S, N and B.
        ``indexes``: ``LocalIndex`` and ``GlobalIndex``. ``billing``: ``OnDemand`` (the default) or
        ``Provisioned``. ``ttl``: the attribute that says, in seconds since 1970, when an item may go.
        ``stream``: record every change, with these images, for ``stream_retention_ms`` (24 hours).

        Raises:
            ResourceInUse: there is such a table already.
            ValidationError: a name or type is not allowed.
            DeadlineExceeded: it was not ready after ``wait_ms_max``; it is being made all the same.
        """
        request = table_requests.create_table(
            *(name, key, sort, indexes, billing, tags),
            deletion_protection=deletion_protection,
            stream=stream,
            stream_retention_ms=stream_retention_ms,
        )
        result = await self._transport.send(request)
        assert isinstance(result, CreateTableResult)
        table = self.table(name)
        if result.table_description.table_status != "ACTIVE":
            await table.wait_until_active(wait_ms_max)
        if ttl is not None:
            await table.enable_ttl(ttl)
        return table

    async def delete_table(self, name: str) -> TableDescription:
        """Delete a table and all its items. The name is free when this returns.

        Raises:
            ResourceNotFound: there is no such table.
            ValidationError: it is protected against deletion.
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

    # Batches.

    async def batch_write(
        self,
        writes: Mapping[str, Iterable[WriteRequest]],
        *,
        replicate_to: int | None = None,
        replicate_timeout: float | None = None,
    ) -> None:
        """Put and delete any number of items: ``{"airports": [PutRequest(item), DeleteRequest(key), ...]}``.

        Sent in requests of 25. Each write is atomic, the batch is not: after an error the
        requests before the failed one have been applied. Two writes of one request may not
        name the same key. ``replicate_to``: as for ``Table.put``, of each request.

        Raises:
            NotReplicated: all was written, and of some request fewer regions than asked for have it in time.
        """
        late: NotReplicated | None = None
        for request in requests.batch_writes(writes):
            try:
                await self._write_all(request, replicate_to, replicate_timeout)
            except NotReplicated as error:
                late = error
        if late is not None:
            raise late

    async def _write_all(
        self, request: BatchWriteItem, replicate_to: int | None, replicate_timeout: float | None
    ) -> None:
        left = _count(request)
        while left:
            result = await send_replicated(self._transport, request, replicate_to, replicate_timeout)
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

    # Transactions and snapshots.

    async def transact_write(
        self,
        writes: Iterable[TransactWriteAction],
        *,
        token: str | None = None,
        replicate_to: int | None = None,
        replicate_timeout: float | None = None,
    ) -> None:
        """Make all of ``writes`` (``kvdb.actions``: put, update, delete, check), at most 100, or none.

        With a ``token`` of 1 to 36 characters, sending the same transaction again within ten
        minutes does nothing more; a client of a server makes one up, for its retries.
        ``replicate_to``: as for ``Table.put``.

        Raises:
            TransactionCanceled: a member was refused; ``reasons`` has one a member, in order.
            NotReplicated: it was made, and fewer regions than asked for have it in time.
            IdempotentParameterMismatch: the token was used for another transaction.
        """
        request = TransactWriteItems(_members(writes), token)
        await send_replicated(self._transport, request, replicate_to, replicate_timeout)

    async def transact_get(self, gets: Iterable[GetItem]) -> list[Item | None]:
        """The items of ``gets`` (``kvdb.actions.get``), at most 100, all as of one moment.

        In the order asked for; ``None`` where there is no item.

        Raises:
            TransactionCanceled: a transaction is at work on one of them.
        """
        result = await self._transport.send(TransactGetItems(_members(gets)))
        assert isinstance(result, TransactGetItemsResult)
        return result.responses

    async def snapshot(self) -> AsyncSnapshot:
        """Hold the present moment, to read at it with ``as_of=``; ``async with`` releases it.

        It is released by itself when it is left unused for a minute.
        """
        result = await self._transport.send(OpenSnapshot())
        assert isinstance(result, OpenSnapshotResult)
        return AsyncSnapshot(self._transport, result)

    # Changes.

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
        """Iterate the changes of all tables that have a stream, as ``Table.changes`` does those of one."""
        request = subscribe(None, from_, filter, names, values, patterns, view, heartbeat_ms)
        async with aclosing(self._transport.subscribe(request)) as pages:
            async for page in pages:
                for record in page.records:
                    yield change_of(record)
                if on_progress is not None:
                    on_progress(page.cursor)

    async def cursor(self) -> str:
        """The present as a place: ``changes(from_=cursor)`` gives what comes after this call."""
        async with aclosing(self._transport.subscribe(Subscribe())) as pages:
            async for page in pages:
                return page.cursor
        raise ServiceUnavailable("the feed ended before it began")

    async def streams(self, table: str | None = None) -> list[StreamSummary]:
        """The streams of one table, or of all: enabled ones, and ended ones that are still kept."""
        found: list[StreamSummary] = []
        start: str | None = None
        while True:
            result = await self._transport.send(ListStreams(table, None, start))
            assert isinstance(result, ListStreamsResult)
            found += result.streams
            start = result.last_evaluated_stream_arn
            if start is None:
                return found

    async def describe_stream(self, stream_arn: str) -> StreamDescription:
        """A stream with all its shards, parents before children.

        Raises:
            ResourceNotFound: there is no such stream.
        """
        shards: list[Shard] = []
        start: str | None = None
        while True:
            result = await self._transport.send(DescribeStream(stream_arn, None, start))
            assert isinstance(result, DescribeStreamResult)
            shards += result.stream_description.shards
            start = result.stream_description.last_evaluated_shard_id
            if start is None:
                return dataclasses.replace(result.stream_description, shards=shards)

    async def update_stream(
        self,
        stream_arn: str,
        *,
        retention_ms: int | None = None,
        split: str | None = None,
        merge: Iterable[str] | None = None,
        rotate: bool = False,
    ) -> StreamDescription:
        """Change how long a stream keeps records, or how it is divided: one at a time.

        ``split``: an open shard's id; ``merge``: two adjacent ones; ``rotate``: all begin anew.
        Gives the stream with its open shards.
        """
        request = UpdateStream(
            stream_arn, retention_ms, split, None if merge is None else list(merge), rotate
        )
        result = await self._transport.send(request)
        assert isinstance(result, UpdateStreamResult)
        return result.stream_description

    # The database itself.

    async def check(
        self, *, deep: bool = False, on_progress: Callable[[CheckDescription], None] | None = None
    ) -> CheckDescription:
        """Read every sstable to its last byte while calls go on, and say what is damaged.

        ``deep`` looks at every key. ``on_progress`` is told now and then how far it has come. A check
        that is under way already, and looks at as much, is joined.

        Raises:
            ServiceUnavailable: the database was opened anew before the check had ended.
        """
        result = await self._transport.send(StartCheck(deep))
        assert isinstance(result, StartCheckResult)
        first = check = result.check
        while check.status == "RUNNING":
            await self._transport.pause(_CHECK_POLL_MS)
            described = await self._transport.send(DescribeCheck())
            assert isinstance(described, DescribeCheckResult)
            if described.check is None or described.check.check_id < first.check_id:
                raise ServiceUnavailable("the database was opened anew before the check had ended")
            check = described.check
            if on_progress is not None:
                on_progress(check)
        return check

    async def restore_table(
        self,
        backup_arn: str,
        table: str,
        *,
        source: str | None = None,
        in_place: bool = False,
    ) -> AsyncTable:
        """Make ``table`` of what a backup has of it; of ``source``, where the backup has several tables.

        ``in_place``: the table is there, and goes back to what it was; once that is whole the two change
        places at once. What was there is kept aside, as a table that its description names, until
        ``confirm_restore`` or ``roll_back_restore``.

        Raises:
            BackupNotFound, BackupInUse: there is no such backup, or not yet.
            TableAlreadyExists, TableInUse, TableNotFound: as the target may not be.
            The error it failed with, as CorruptionError: there is no new table then.
        """
        job_id = await self.begin_restore_table(backup_arn, table, source=source, in_place=in_place)
        _require_completed(await self.wait_for_job(job_id))
        return self.table(table)

    async def begin_restore_table(
        self, backup_arn: str, table: str, *, source: str | None = None, in_place: bool = False
    ) -> str:
        """``restore_table`` without waiting: gives the id of the job, for ``wait_for_job``."""
        request = RestoreTableFromBackup(table, backup_arn, source_table_name=source, in_place=in_place)
        result = await self._transport.send(request)
        assert isinstance(result, RestoreTableFromBackupResult)
        return result.job_id

    async def restore_table_to_point(
        self,
        source: str,
        table: str,
        *,
        at: datetime | None = None,
        seqno: int | None = None,
        label: str | None = None,
        in_place: bool = False,
        wait: bool = True,
    ) -> AsyncTable:
        """Make ``table`` of what ``source`` was: at a time (with its zone), at a commit, at a label;
        without any of them at the newest point that the archive has. The rest as ``restore_table``.

        Raises:
            PointInTimeRecoveryUnavailable: it is not enabled for ``source``.
            InvalidRestoreTime: the point cannot be restored.
            Others as ``restore_table``.
        """
        request = table_requests.restore_to_point(
            source, table, at=at, seqno=seqno, label=label, in_place=in_place
        )
        result = await self._transport.send(request)
        assert isinstance(result, RestoreTableToPointInTimeResult)
        if wait:
            _require_completed(await self.wait_for_job(result.job_id))
        return self.table(table)

    async def confirm_restore(self, table: str) -> TableDescription:
        """A restore in place is as wanted: drop what was kept aside."""
        return await self._settle_restore(table, roll_back=False)

    async def roll_back_restore(self, table: str) -> TableDescription:
        """A restore in place is not wanted: what was kept aside takes its place again, at once."""
        return await self._settle_restore(table, roll_back=True)

    async def _settle_restore(self, table: str, *, roll_back: bool) -> TableDescription:
        result = await self._transport.send(SettleRestore(table, roll_back))
        assert isinstance(result, SettleRestoreResult)
        return result.table_description

    # The continuous archive.

    async def archive(self) -> ArchiveDescription | None:
        """How the archive of the database is doing; ``None``: it has none."""
        result = await self._transport.send(DescribeArchive())
        assert isinstance(result, DescribeArchiveResult)
        return result.archive

    async def label_archive(self, label: str) -> LabelArchiveResult:
        """Give the present a name, to be restored by; once this returns it is in the archive.

        Raises:
            ValidationError: the label is taken, or is none.
            ContinuousBackupsUnavailable: the database has no archive, or it has stopped.
            ServiceUnavailable: the archive is behind.
        """
        result = await self._transport.send(LabelArchive(label))
        assert isinstance(result, LabelArchiveResult)
        return result

    # Backups, in the store that the database was opened with.

    async def create_backup(self, name: str, table: str | None = None, *, wait: bool = True) -> str:
        """Back up a table, or the whole database, as of a moment in this call; gives the backup's ARN.

        Writes go on meanwhile, and what the store has already is not stored again. Without ``wait`` the
        backup is only begun: ``wait_for_job`` takes the ARN.

        Raises:
            TableNotFound, TableInUse, BackupInUse: it cannot be backed up now.
            ValidationError: the database was opened without a backup store.
            The error it failed with, as BackupStoreError.
        """
        result = await self._transport.send(CreateBackup(name, table))
        assert isinstance(result, CreateBackupResult)
        backup_arn = result.backup_details.backup_arn
        if wait:
            _require_completed(await self.wait_for_job(backup_arn))
        return backup_arn

    async def backup(self, backup_arn: str) -> BackupDescription:
        """What a backup is of; by its ARN or id.

        Raises:
            BackupNotFound: there is none in the store.
        """
        result = await self._transport.send(DescribeBackup(backup_arn))
        assert isinstance(result, DescribeBackupResult)
        return result.backup_description

    async def backups(self, table: str | None = None) -> list[BackupSummary]:
        """The backups in the store, oldest first: of one table, or all."""
        found: list[BackupSummary] = []
        start: str | None = None
        while True:
            result = await self._transport.send(ListBackups(table, exclusive_start_backup_arn=start))
            assert isinstance(result, ListBackupsResult)
            found += result.backup_summaries
            start = result.last_evaluated_backup_arn
            if start is None:
                return found

    async def delete_backup(self, backup_arn: str) -> BackupDescription:
        """Delete a backup; what only it had leaves the store in the background.

        Raises:
            BackupNotFound, BackupInUse
        """
        result = await self._transport.send(DeleteBackup(backup_arn))
        assert isinstance(result, DeleteBackupResult)
        return result.backup_description

    # Jobs: backups, restores, exports, imports under way.

    async def job(self, job_id: str) -> JobDescription:
        """How far a job has come, or how it ended; by its id or ARN.

        Raises:
            JobNotFound: there is none, or it was over long ago.
        """
        result = await self._transport.send(DescribeJob(job_id))
        assert isinstance(result, DescribeJobResult)
        return result.job

    async def jobs(self, kind: str | None = None, resource_arn: str | None = None) -> list[JobDescription]:
        """The jobs, newest first: of a kind, about a resource; those that are over, too."""
        found: list[JobDescription] = []
        start: str | None = None
        while True:
            request = ListJobs(kind, resource_arn, exclusive_start_job_id=start)
            result = await self._transport.send(request)
            assert isinstance(result, ListJobsResult)
            found += result.jobs
            start = result.last_evaluated_job_id
            if start is None:
                return found

    async def cancel_job(self, job_id: str) -> JobDescription:
        """Have a job end before its time, and take away what it has left; ``wait_for_job`` for that.

        Raises:
            JobNotFound: there is none.
            ValidationError: it is over.
        """
        result = await self._transport.send(CancelJob(job_id))
        assert isinstance(result, CancelJobResult)
        return result.job

    async def wait_for_job(
        self, job_id: str, *, on_progress: Callable[[JobDescription], None] | None = None
    ) -> JobDescription:
        """The job when it is over, however it ended; ``on_progress`` is told how far it has come."""
        while True:
            job = await self.job(job_id)
            if on_progress is not None:
                on_progress(job)
            if job.status != "IN_PROGRESS":
                return job
            await self._transport.pause(_JOB_POLL_MS)

    def transaction(self) -> AsyncTransaction:
        """Reads and writes that happen together or not at all, as if nobody else were there.

        ``async with db.transaction() as tx:`` reads at the moment it is entered and commits when it is
        left. Strictly serializable, phantoms included.

        Raises, when it is left:
            TransactionConflict: what it has read was changed meanwhile; nothing was written.
            TransactionCanceled: a write was refused, as by a unique index; ``reasons`` tell.
        """
        return AsyncTransaction(self._transport)

    async def transact(
        self, work: Callable[[AsyncTransaction], Awaitable[_Outcome]], *, attempts_max: int = 20
    ) -> _Outcome:
        """Run ``work`` in a transaction, and again after a conflict, up to ``attempts_max`` times.

        ``work`` may run many times, but what it does through the transaction happens once.

        Raises:
            TransactionConflict: others were always faster.
            Whatever ``work`` raises, at once; nothing was written.
        """
        attempt = 1
        while True:
            try:
                async with self.transaction() as transaction:
                    return await work(transaction)
            except TransactionConflict:
                if attempt >= attempts_max:
                    raise
            await self._transport.pause(min(_PAUSE_MS << attempt, _PAUSE_MS_MAX))
            attempt += 1

    def session(self, token: str | None = None, *, timeout: float | None = None) -> AsyncSession:
        """A client of the same database whose calls see, in every region, what its calls have seen in any.

        ``token``: go on with a session, which may be another process's (``AsyncSession.token``); else it
        begins anew. A region that has not what the session has seen is given ``timeout`` seconds (5) for it.

        Raises, from each call:
            ReplicaBehind: the region has not what the session has seen; nothing was done.
        """
        terms = Terms(session_timeout_ms=requests.timeout_ms("timeout", timeout))
        return AsyncSession(AsyncSessionTransport(self._transport, token, terms))

    async def call(self, request: Request) -> Result:
        """Send one request of ``kvdb.api``, for what the methods here do not say."""
        return await self._transport.send(request)

    async def call_under(self, request: Request, terms: Terms) -> Answer:
        """As ``call``, with what came of ``kvdb.Terms``: a session's token, who has a write."""
        return await self._transport.send_under(request, terms)


class AsyncSession(AsyncClient):
    """A client whose calls see what it has seen, from ``AsyncClient.session``. Closing it closes nothing."""

    __slots__ = ("_session",)

    def __init__(self, transport: AsyncSessionTransport) -> None:
        super().__init__(transport)
        self._session = transport

    async def __aenter__(self) -> AsyncSession:
        return self

    @property
    def token(self) -> str | None:
        """What the session has seen, to go on with elsewhere; ``None``: nothing yet."""
        return self._session.token

    @property
    def replication(self) -> Replication | None:
        """Which regions have the session's last write with ``replicate_to``, as far as it waited."""
        return self._session.replication


class AsyncSnapshot:
    """A moment of the whole database that reads can be told to see, from ``AsyncClient.snapshot``."""

    __slots__ = ("_transport", "seqno", "snapshot_id")

    def __init__(self, transport: AsyncTransport, opened: OpenSnapshotResult) -> None:
        self._transport = transport
        self.snapshot_id = opened.snapshot_id
        self.seqno = opened.seqno
        """The commit it stands at."""

    async def __aenter__(self) -> AsyncSnapshot:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.release()

    async def release(self) -> None:
        """Let go of it. Releasing twice is fine."""
        await self._transport.send(ReleaseSnapshot(self.snapshot_id))


def _members(given: Iterable[_Member]) -> list[_Member]:
    if isinstance(given, (str, bytes, Mapping)) or not isinstance(given, Iterable):
        raise ValidationError(f"a transaction must be a list, not {type(given).__name__}")
    return list(given)


def _require_completed(job: JobDescription) -> None:
    if job.status == "FAILED":
        raise from_code(job.failure_code or "", job.failure_message or "")
    if job.status == "CANCELLED":
        raise ClosedError(f"the job was cancelled job={job.job_id}")


def _count(request: BatchWriteItem | BatchGetItem) -> int:
    if isinstance(request, BatchWriteItem):
        return sum(len(writes) for writes in request.request_items.values())
    return sum(len(wanted.keys) for wanted in request.request_items.values())


def _require_progress(before: int, left: int) -> None:
    # Sending again what was not served at all would go on for ever.
    if left >= before:
        raise ServiceUnavailable(f"a batch made no progress unprocessed={left}")
