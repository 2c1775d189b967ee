"""``Database``: open a directory, wire the rooms, call, close.

A call walks: ``dispatch`` checks the request and picks the function, the table floor serves it,
and whatever goes wrong leaves here as a ``KvdbError``. An exception that is none is a mistake of
ours: its text goes to the log, the caller gets ``InternalError``.

Closing waits for the calls that run, stops the jobs, closes the engine. Calls after that raise
``ClosedError``.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from kvdb.api import validation
from kvdb.api.items import Page, Query
from kvdb.api.operations import Request, Result
from kvdb.api.replicas import ConflictPage, FollowConflicts
from kvdb.api.streams import FeedPage, Subscribe
from kvdb.api.terms import Answer, Terms
from kvdb.backup.archive import Archive
from kvdb.backup.backup_jobs import BACKUP, SWEEP, BackupRunner, SweepRunner, require_store
from kvdb.backup.continuous import POINT, ContinuousBackups, plan_of_point
from kvdb.backup.jobs import Jobs, Runner
from kvdb.backup.places import open_store
from kvdb.backup.restore import Plan, plan_backup
from kvdb.backup.restore_jobs import RESTORE, RestoreRunner, plans
from kvdb.backup.service import BackupService
from kvdb.backup.store import BackupStore
from kvdb.backup.transfer.calls import TransferService
from kvdb.backup.transfer.kinds import EXPORT, IMPORT, ExportRunner, ImportRunner, StoreOf
from kvdb.backup.transfer.layout import is_object_name
from kvdb.database import dispatch, recovery
from kvdb.database.background import Background
from kvdb.database.dispatch import TableFloor
from kvdb.database.promise import Promise
from kvdb.database.subscription import Subscription, Subscriptions
from kvdb.env.env import Env
from kvdb.env.fork import FORKED, on_fork
from kvdb.env.fs import OsFileSystem
from kvdb.env.memory_fs import MemoryFileSystem
from kvdb.env.worker import Plain
from kvdb.errors import ClosedError, InternalError, KvdbError, ValidationError, disk_error
from kvdb.limits import PROFILES, LimitsProfile
from kvdb.lsm.engine import Engine
from kvdb.lsm.verify import Report
from kvdb.options import DatabaseOptions, EngineOptions
from kvdb.replica.regions import Regions
from kvdb.stream.service import StreamService
from kvdb.table.catalog import Catalog
from kvdb.table.change import Arrivals
from kvdb.table.client_tokens import ClientTokens
from kvdb.table.latches import Latches
from kvdb.table.snapshots import Snapshots
from kvdb.table.writer import Defer, Done, Writer

_log = logging.getLogger("kvdb.database")

MEMORY_PATH = ":memory:"
_MEMORY_DIRECTORY = "/memory"
NO_EXPORT_ROOT = "this database was opened without an export root (export_root, or serve --export-root)"


class Database:
    """One open database, for any number of threads and event loops."""

    def __init__(self, env: Env, floor: TableFloor, *, owns_env: bool) -> None:
        """Wired already; ``open`` is the way in."""
        self.env = env
        self._floor = floor
        self._owns_env = owns_env
        self._guard = threading.Lock()
        self._changed = threading.Condition(self._guard)
        self._running = 0
        self._is_closing = False
        self._is_closed = False
        self._closed_reason = "the database is closed"
        self._subscriptions = Subscriptions(env.clock, self._running_call)
        on_fork(self)

    @classmethod
    def open(cls, path: str, options: DatabaseOptions | None = None, env: Env | None = None) -> Database:
        """Open the database in directory ``path``, making it when there is none.

        With ``read_only`` among the engine's options nothing at all is written, the database must
        exist, others may read it too, and every write raises ``ReadOnlyDatabase``.
        ``":memory:"`` keeps everything in this process and nothing on disk. Without ``env`` the
        database gets the system's clock, files and threads, and ends its threads when closed.

        Raises:
            NotADatabase, FormatTooNew, DatabaseLocked: the directory was left untouched.
            CorruptionError: a file is damaged; names file and offset.
            DiskError: the file system refused a call.
        """
        options = options or DatabaseOptions()
        in_memory = path == MEMORY_PATH
        engine_options = _engine_options(options, in_memory=in_memory)
        owns_env = env is None
        if env is None:
            env = Env.system(
                region=options.region,
                offload_bytes_min=options.engine.offload_bytes_min,
                fs=MemoryFileSystem() if in_memory else None,
            )
        try:
            engine = Engine.open(_MEMORY_DIRECTORY if in_memory else path, env, engine_options)
            try:
                store = _backup_store(env, options, in_memory=in_memory and owns_env)
                buckets = _buckets(env, options, in_memory=in_memory and owns_env)
                floor = _wired(env, engine, options, store, buckets)
            except BaseException:
                engine.close()
                raise
        except BaseException as error:
            if owns_env:
                env.jobs.close()
            if isinstance(error, OSError):
                raise disk_error(error, path) from error
            raise
        if floor.continuous.archive is not None:
            floor.continuous.archive.start()
        return cls(env, floor, owns_env=owns_env)

    def call(self, request: Request, *, profile: LimitsProfile | None = None) -> Result:
        """Serve one request, blocking; from any thread.

        ``profile`` holds this call to other limits than those the database was opened with.

        Raises:
            KvdbError: and nothing else.
        """
        self._enter()
        try:
            return dispatch.serve(self._under(profile), request)
        except KvdbError:
            raise
        except Exception as error:
            raise _as_kvdb_error(error, request) from None
        finally:
            self._leave()

    def promise(self, request: Request, terms: Terms, *, within_ms: int | None = None) -> Promise:
        """What ``terms`` promise of one call: ``run`` it, or ``run_async``; see ``database/promise``.

        ``within_ms``: whoever calls waits no longer than that.

        Raises:
            ValidationError: the terms cannot be kept, or are none for this request.
            RequestLimitExceeded: too many calls wait for other regions.
        """
        self._enter()
        try:
            return Promise(self._floor.catalog, self._floor.regions, request, terms, within_ms)
        finally:
            self._leave()

    def call_under(self, request: Request, terms: Terms) -> Answer:
        """As ``call``, with a promise kept beside; blocking.

        Raises:
            ReplicaBehind: this region has not in time what the session has seen; nothing was done.
            Others as ``call`` and ``promise``.
        """
        result, outcome = self.promise(request, terms).run(lambda: self.call(request))
        return Answer(result, *outcome)

    def call_briefly(self, request: Query, *, profile: LimitsProfile | None = None) -> Page | None:
        """As ``call``, on an event loop: the answer if that takes next to no time, else ``None``.

        ``None`` means that nothing was done; ``call`` is then for another thread.
        """
        self._enter()
        try:
            return dispatch.serve_briefly(self._under(profile), request)
        except KvdbError:
            raise
        except Exception as error:
            raise _as_kvdb_error(error, request) from None
        finally:
            self._leave()

    def submit(
        self,
        request: Request,
        done: Done[Result],
        defer: Defer,
        *,
        profile: LimitsProfile | None = None,
    ) -> None:
        """Serve a get, put, update or delete of one item from an event loop, never waiting.

        ``done(result, None)`` or ``done(None, error)`` is called exactly once, on the thread that
        calls ``submit``: at once if nothing has to be waited for, else by a function handed to
        ``defer`` (``loop.call_soon_threadsafe``). ``error`` is always a ``KvdbError``.

        A loop must not ``close`` the database on its own thread before its calls are done: close
        waits for them, and they wait for the loop.
        """
        try:
            self._enter()
        except ClosedError as closed:
            done(None, closed)
            return

        is_answered = False

        def leave_and_answer(result: Result | None, error: BaseException | None) -> None:
            nonlocal is_answered
            is_answered = True
            self._leave()
            done(result, None if error is None else _as_kvdb_error(error, request))

        try:
            dispatch.submit(self._under(profile), request, leave_and_answer, defer)
        except Exception as error:
            # What ``done`` itself raises is its caller's affair; it is not called for that again.
            if is_answered:
                raise
            leave_and_answer(None, error)

    def subscribe(self, request: Subscribe) -> Subscription[FeedPage]:
        """Follow changes from a point on; see ``database/subscription``. Close what this gives.

        Raises:
            KvdbError: as ``stream/feed``; ``LimitExceeded``: there are as many feeds as there may be.
        """
        self._enter()
        try:
            validation.check_subscribe(request)
            feed = self._floor.streams.feed(request)
            return self._subscriptions.open(feed, request.heartbeat_ms, self._floor.arrivals)
        finally:
            self._leave()

    def follow_conflicts(self, request: FollowConflicts) -> Subscription[ConflictPage]:
        """Follow the conflicts of a table from a place on. Close what this gives.

        Raises:
            KvdbError: as ``ConflictLog.feed``; ``LimitExceeded``: there are as many feeds as there may be.
        """
        self._enter()
        try:
            validation.check_follow_conflicts(request)
            conflicts = self._floor.regions.conflicts
            feed = conflicts.feed(request)
            return self._subscriptions.open(feed, request.heartbeat_ms, conflicts.arrivals)
        finally:
            self._leave()

    def check(self, *, deep: bool = False, pause_ms: float = 0) -> Report:
        """Whether every sstable of this moment is what was written, checked while calls go on.

        ``deep`` looks at every key. ``pause_ms`` is slept between two steps of a block or a
        megabyte, to leave the disk to others. Damage is reported and not raised. The log and the
        manifest are verified whenever the database is opened.

        Raises:
            ClosedError: the database is closed, now or before the check has ended.
        """
        self._enter()
        try:
            verification = self._floor.engine.verify(deep=deep)
        finally:
            self._leave()
        while verification.step() is not None:
            if self._is_closing:
                raise ClosedError(self._closed_reason)
            if pause_ms:
                self.env.clock.sleep_ms(pause_ms)
        return verification.report

    @property
    def regions(self) -> Regions:
        """Its peers: connect them here, and answer theirs."""
        return self._floor.regions

    def when_written(self, call: Callable[[], None]) -> object:
        """Have ``call`` called once, on any thread, soon after the next write that streams or peers hear of;
        gives what ``forget_written`` takes. A hint: whoever waits looks again by himself after a while."""
        return self._floor.arrivals.when_next(call)

    def forget_written(self, token: object) -> None:
        """Not any more; no error when it was called already."""
        self._floor.arrivals.forget(token)

    @property
    def why_degraded(self) -> str | None:
        """Why every write is refused until the database is opened again; ``None``: they are not."""
        return self._floor.engine.why_degraded

    @property
    def archive(self) -> Archive | None:
        """The continuous archive, if there is one."""
        return self._floor.continuous.archive

    def close(self) -> None:
        """Wait for running calls, stop the jobs, close the engine. Closing twice is fine."""
        with self._changed:
            if self._is_closing:
                self._changed.wait_for(lambda: self._is_closed)
                return
            self._is_closing = True
            self._floor.arrivals.announce()
            self._floor.regions.conflicts.arrivals.announce()
        self._floor.regions.waits.stop()
        with self._changed:
            self._changed.wait_for(lambda: self._running == 0)
        try:
            self._floor.regions.stop()
            self._floor.backups.jobs.stop()
            self._floor.background.stop()
            if self.archive is not None:
                self.archive.stop()
            self._floor.engine.close()
        finally:
            if self._owns_env:
                self.env.jobs.close()
            with self._changed:
                self._is_closed = True
                self._changed.notify_all()

    def forked(self) -> None:
        self._closed_reason = FORKED
        self._is_closing = self._is_closed = True
        # Whoever held it at the fork is not in this process.
        self._guard = threading.Lock()
        self._changed = threading.Condition(self._guard)

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @contextlib.contextmanager
    def _running_call(self) -> Iterator[None]:
        self._enter()
        try:
            yield
        finally:
            self._leave()

    def _under(self, profile: LimitsProfile | None) -> TableFloor:
        return self._floor if profile is None else self._floor.under(profile)

    def _enter(self) -> None:
        with self._guard:
            if self._is_closing:
                raise ClosedError(self._closed_reason)
            self._running += 1

    def _leave(self) -> None:
        with self._guard:
            self._running -= 1
            if self._is_closing:
                self._changed.notify_all()


def _backup_store(env: Env, options: DatabaseOptions, *, in_memory: bool) -> BackupStore | None:
    if options.backup_store is None:
        return None
    # What is in memory only may have its backups on disk.
    return open_store(options.backup_store, replace(env, fs=OsFileSystem()) if in_memory else env)


def _buckets(env: Env, options: DatabaseOptions, *, in_memory: bool) -> StoreOf:
    """Where the buckets of exports and imports are."""
    files = replace(env, fs=OsFileSystem()) if in_memory else env
    root = options.export_root

    def store_of(bucket: str) -> BackupStore:
        if root is None:
            raise ValidationError(NO_EXPORT_ROOT)
        return open_store(f"{root.rstrip('/')}/{bucket}", files, is_name=is_object_name)

    return store_of


def _wired(
    env: Env, engine: Engine, options: DatabaseOptions, store: BackupStore | None, buckets: StoreOf
) -> TableFloor:
    recovery.restore_clock(env, engine, options.region)
    catalog = Catalog(engine, env, options)
    latches = Latches()
    arrivals = Arrivals()
    writer = Writer(catalog, engine, latches, env.hlc, PROFILES[options.limits], arrivals)
    tokens = ClientTokens(engine, env)
    snapshots = Snapshots(engine, env)
    background = Background(env, engine, catalog, latches, writer, tokens, snapshots)
    archive = _archive(env, engine, options)
    jobs = _jobs(env, engine, catalog, latches, writer, background, store, buckets, archive)
    recovery.finish_dropped_tables(engine, catalog, background)
    recovery.finish_creating_indexes(engine, catalog, background)
    recovery.finish_deleting_tables(engine, catalog, background)
    recovery.go_on_sweeping(engine, catalog, background)
    recovery.go_on_counting(engine, catalog, background)
    recovery.go_on_sweeping_tokens(engine, tokens, background)
    recovery.go_on_keeping_streams(engine, catalog, background)
    streams = StreamService(catalog, engine, env, options.region_name)
    regions = Regions(
        catalog,
        engine,
        latches,
        writer,
        env,
        region=options.region_name,
        number=options.region,
        horizon_ms=options.replica_horizon_ms,
        profile=PROFILES[options.limits],
        on_changed=background.look_after_shared,
    )
    backups = BackupService(
        env,
        jobs,
        catalog,
        store,
        on_restored=background.look_after_restored,
        on_dropped=background.remove_dropped_rows,
    )
    continuous = ContinuousBackups(engine, catalog, env, archive, backups)
    return TableFloor(
        engine,
        catalog,
        latches,
        writer,
        tokens,
        snapshots,
        streams,
        backups,
        TransferService(env, engine, catalog, jobs, buckets),
        arrivals,
        background,
        continuous,
        regions,
    )


def _archive(env: Env, engine: Engine, options: DatabaseOptions) -> Archive | None:
    if options.archive is None:
        return None
    return Archive(env, engine, open_store(options.archive.url, env), options.archive)


def _jobs(
    env: Env,
    engine: Engine,
    catalog: Catalog,
    latches: Latches,
    writer: Writer,
    background: Background,
    store: BackupStore | None,
    buckets: StoreOf,
    archive: Archive | None,
) -> Jobs:
    """The kinds of jobs (``backup/jobs``), by their names in ARNs; those under way go on."""
    transfers: Mapping[str, Runner] = {
        EXPORT: ExportRunner(env, engine, catalog, buckets),
        IMPORT: ImportRunner(engine, catalog, writer, latches, buckets, writer.profile),
    }
    restores = RestoreRunner(
        env,
        engine,
        catalog,
        plans(
            {
                "backup": lambda backup_id: _plan(store, backup_id),
                POINT: lambda seqno: plan_of_point(archive, seqno),
            }
        ),
        on_restored=background.look_after_restored,
        on_dropped=background.remove_dropped_rows,
    )
    own: Mapping[str, Runner] = {
        BACKUP: BackupRunner(env, engine, store),
        SWEEP: SweepRunner(env, store),
        RESTORE: restores,
    }
    jobs = Jobs(engine, env, {**own, **transfers})
    if not engine.is_read_only:
        restores.forget_others(jobs)
    jobs.resume()
    return jobs


def _plan(store: BackupStore | None, backup_id: Plain) -> Plan:
    """What a restore from a backup of the store does."""
    assert isinstance(backup_id, str), "requests are checked before they become jobs"
    return plan_backup(require_store(store), backup_id)


def _engine_options(options: DatabaseOptions, *, in_memory: bool) -> EngineOptions:
    """The engine's options; with an archive it holds its logs.

    Raises:
        ValidationError: there is nothing to archive.
    """
    if options.archive is None:
        return options.engine
    if in_memory or options.engine.read_only:
        raise ValidationError("a database in memory, or one that is opened read-only, has no archive")
    return replace(options.engine, log_hold_bytes=options.archive.held_bytes_max)


def _as_kvdb_error(error: BaseException, request: Request) -> KvdbError:
    if isinstance(error, KvdbError):
        return error
    if isinstance(error, OSError):
        return disk_error(error, "unknown")
    _log.error("a call failed unexpectedly operation=%s", type(request).__name__, exc_info=error)
    return InternalError("internal server error; the log has the details")
