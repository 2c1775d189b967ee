"""Jobs: long work that a call begins: kept on disk, done in bounded steps, cancellable, resumed.

A call submits a job and is answered at once. ``RUNNING_MAX`` slots, each a job of ``env.jobs`` with a
thread of its own, take the jobs in the order they came. Where a job stands is a row of the catalog's
keyspace (``table/keys.job_key``), written when the job begins, at each checkpoint and at its end; in
between, how far it has come is known to this process only. A restart goes on from the last checkpoint.

Format of a record, the value of a job's row, msgpack:

    record := [1, database_id, job_id, kind, resource, token, request, started_ms, checkpoint, done, total,
               unit, ending, status, result, failure code, failure message, ended_ms | nil]

``request``, ``checkpoint`` and ``result`` are the kind's own plain values. ``database_id`` is that of the
database that began it: a restored copy has another one, and forgets the jobs of its original at open.

A kind of job is a ``Runner``, registered by its name in ``database/database``:

    class Counting:
        unit = "items"                                      of done and total

        def steps(self, job: JobRecord) -> Steps:
            at = job.checkpoint or 0                        None: it begins; else go on from here
            while at < 1000:
                at += 1                                     one bounded piece of work: some 100 ms
                yield Advance(at, 1000)                     shown; forgotten by a crash
                if at % 100 == 0:
                    yield Advance(at, 1000, checkpoint=at)  durable: will be ``job.checkpoint``
            return {"counted": at}                          the result: the job is COMPLETED

        def undo(self, job: JobRecord) -> None:
            ...                                             take away what is half done

and whoever serves the call says ``jobs.submit("count", {"of": "x"}, resource=table_arn)``.

What a runner may count on, and must do:

- steps after the last checkpoint are done again after a crash, and so may be the return: every step must
  do no harm when done twice, a finished job's last step included;
- the generator is closed (``GeneratorExit``) when the job is cancelled or the database closes: let files
  go in ``finally``, and undo nothing there;
- an error that is ``retryable`` (a store that does not answer, a full disk) begins ``steps`` anew from the
  last checkpoint after a pause, ``TRIES_MAX`` times without any advance; any other makes the job FAILED
  with the error's code and message, or ``failure_code`` of the runner's own ``JobFailed``;
- ``undo`` is called once the job is to be FAILED or CANCELLED, perhaps more than once, perhaps in another
  process than ``steps`` was; after it the job has that status.

Bounds: ``UNFINISHED_MAX`` jobs that are not over, the last ``FINISHED_MAX`` that are.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator, Mapping
from dataclasses import astuple, dataclass, replace
from typing import Final, Protocol, TypeAlias, cast

import msgpack

from kvdb.api.jobs import JobStatus
from kvdb.backup import names
from kvdb.env.env import Env
from kvdb.env.worker import Plain
from kvdb.errors import (
    ClosedError,
    CorruptionError,
    InternalError,
    JobNotFound,
    KvdbError,
    LimitExceeded,
    ReadOnlyDatabase,
    ReadOnlyDegraded,
    ValidationError,
    disk_error,
)
from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.engine import Engine
from kvdb.table import keys

_log = logging.getLogger("kvdb.backup")

RUNNING_MAX: Final = 4
UNFINISHED_MAX: Final = 50
"""Source: API Reference, ExportTableToPointInTime and RestoreTableFromBackup, LimitExceededException."""
FINISHED_MAX: Final = 1000
TRIES_MAX: Final = 12
PAUSE_MS: Final = 500
"""Before the second try; doubles each time, up to ``PAUSE_MS_MAX``."""
PAUSE_MS_MAX: Final = 60_000
TOKEN_MS: Final = 8 * 60 * 60 * 1000
"""For how long a client token stands for its job. Source: API Reference, ExportTableToPointInTime."""
RECORD_BYTES_MAX: Final = 1024 * 1024
_MESSAGE_CHARS_MAX: Final = 2000
_FORMAT_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job as it stands. The fields are in the order of the stored form."""

    database_id: bytes
    job_id: str
    kind: str
    resource: str
    """The ARN of what it is about."""
    token: str
    """The client's, for calls that have one; ``""``: none."""
    request: Plain
    started_ms: int
    checkpoint: Plain = None
    done: int = 0
    total: int = 0
    """0 while it is not known."""
    unit: str = "bytes"
    ending: JobStatus | None = None
    """What it is to become once it is undone."""
    status: JobStatus = "IN_PROGRESS"
    result: Plain = None
    failure_code: str = ""
    failure_message: str = ""
    ended_ms: int | None = None

    @property
    def arn(self) -> str:
        """As the service's ARNs of backups, exports and imports."""
        return f"{self.resource}/{self.kind}/{self.job_id}"

    @property
    def is_over(self) -> bool:
        return self.status != "IN_PROGRESS"

    def encoded(self) -> bytes:
        return cast(bytes, msgpack.packb([_FORMAT_VERSION, *astuple(self)]))


def decode_record(data: bytes) -> JobRecord:
    """The record of a stored form.

    Raises:
        CorruptionError: ``data`` is none, or of a format this kvdb does not know.
    """
    try:
        format_version, *fields = msgpack.unpackb(data)
        if format_version != _FORMAT_VERSION:
            raise CorruptionError(f"job record has an unknown format version={format_version}")
        return JobRecord(*fields)
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise CorruptionError("job record is not readable") from error


class Advance(tuple[int, int, Plain]):
    """How far a job has come: ``done`` of ``total``, and perhaps where to go on from after a crash."""

    __slots__ = ()

    def __new__(cls, done: int, total: int, checkpoint: Plain = None) -> Advance:
        return super().__new__(cls, (done, total, checkpoint))


Steps: TypeAlias = Generator[Advance, None, Plain]


class JobFailed(Exception):
    """A job cannot go on, for a reason that has a name of its own."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Runner(Protocol):
    """What a kind of job does; see the module's page."""

    @property
    def unit(self) -> str:
        """Of ``done`` and ``total``: "bytes" or "items"."""
        ...

    def steps(self, job: JobRecord) -> Steps:
        """The work, from ``job.checkpoint`` on."""
        ...

    def undo(self, job: JobRecord) -> None:
        """Take away what a job left half done that is to be FAILED or CANCELLED."""
        ...


class Jobs:
    """The jobs of one database. From any thread."""

    def __init__(self, engine: Engine, env: Env, runners: Mapping[str, Runner]) -> None:
        """Load what the engine holds; ``resume`` then goes on with it."""
        self._engine = engine
        self._env = env
        self._runners = runners
        self._guard = threading.Lock()
        self._records: dict[str, JobRecord] = {}
        """By id, which is by time."""
        self._foreign: list[str] = []
        for key, value in engine.scan(*keys.job_range()):
            record = decode_record(value)
            if record.database_id == engine.database_id:
                self._records[record.job_id] = record
            else:
                self._foreign.append(keys.job_id_of(key))
        self._taken: set[str] = set()
        self._slots = [_Slot(self, env, number) for number in range(RUNNING_MAX)]
        self._handles = [env.jobs.add(slot) for slot in self._slots]

    def resume(self) -> None:
        """Go on with what a crash or a close interrupted; forget the jobs of another database."""
        if self._engine.is_read_only:
            return
        if self._foreign:
            batch = WriteBatch()
            for job_id in self._foreign:
                batch.delete(keys.job_key(job_id))
            self._engine.write(batch)
            self._foreign.clear()
        if any(not record.is_over for record in self._records.values()):
            self._wake()

    def submit(self, kind: str, request: Plain, *, resource: str, token: str = "") -> JobRecord:
        """Begin a job; durable when this returns. With the token of a job of its kind, gives that one.

        Raises:
            LimitExceeded: ``UNFINISHED_MAX`` jobs are not over.
            TokenMismatch: the token stands for a job with another request.
            KvdbError: as ``Engine.write``.
        """
        now_ms = self._env.clock.wall_ms()
        with self._guard:
            if token and (known := self._of_token(kind, token, now_ms)) is not None:
                if known.request != request or known.resource != resource:
                    raise TokenMismatch(known)
                return known
            if sum(not record.is_over for record in self._records.values()) >= UNFINISHED_MAX:
                raise LimitExceeded(f"Too many jobs are under way: at most {UNFINISHED_MAX} at a time")
            record = JobRecord(
                database_id=self._engine.database_id,
                job_id=self._new_id(now_ms),
                kind=kind,
                resource=resource,
                token=token,
                request=request,
                started_ms=now_ms,
                unit=self._runners[kind].unit,
            )
            self._store(record)
        self._wake()
        return record

    def get(self, job_id: str) -> JobRecord:
        """Raises ``JobNotFound``. ``job_id`` may be the job's ARN."""
        record = self._records.get(job_id.rpartition("/")[2])
        if record is None or job_id not in (record.job_id, record.arn):
            raise JobNotFound(f"Job not found: {job_id}")
        return record

    def of_token(self, kind: str, token: str) -> JobRecord | None:
        """The job of a kind that a client's token stands for."""
        return self._of_token(kind, token, self._env.clock.wall_ms())

    def listed(self, kind: str | None = None, resource: str | None = None) -> list[JobRecord]:
        """The jobs of a kind and about a resource, oldest first."""
        with self._guard:
            found = sorted(self._records.items())
        return [
            record
            for _, record in found
            if kind in (None, record.kind) and resource in (None, record.resource)
        ]

    def cancel(self, job_id: str) -> JobRecord:
        """Have a job end before its time. It is CANCELLED once what it left is undone.

        Raises:
            JobNotFound: there is no such job.
            ValidationError: it is over, or fails already.
        """
        job_id = self.get(job_id).job_id
        with self._guard:
            record = self._records[job_id]
            if record.is_over or record.ending == "FAILED":
                raise ValidationError(f"job is over already job={job_id} status={record.status}")
            record = replace(record, ending="CANCELLED")
            self._store(record)
        self._wake()
        return record

    def stop(self) -> None:
        """No more steps; returns when those that run have ended."""
        for handle in self._handles:
            handle.begin_stop()
        for handle, slot in zip(self._handles, self._slots, strict=True):
            handle.stop()
            slot.let_go()

    # For slots.

    def take(self) -> JobRecord | None:
        """The next job that nobody is at; ``None``: there is none."""
        with self._guard:
            for job_id, record in sorted(self._records.items()):
                if not record.is_over and job_id not in self._taken:
                    self._taken.add(job_id)
                    return record
        return None

    def runner(self, record: JobRecord) -> Runner | None:
        """``None``: a later kvdb began it."""
        return self._runners.get(record.kind)

    def now(self, record: JobRecord) -> JobRecord:
        """The record as it is by now."""
        return self._records[record.job_id]

    def advance(self, record: JobRecord, advance: Advance) -> None:
        """Show how far a job has come; with a checkpoint, durably."""
        done, total, checkpoint = advance
        with self._guard:
            present = replace(self._records[record.job_id], done=done, total=total)
            if checkpoint is None:
                self._records[record.job_id] = present
            else:
                self._store(replace(present, checkpoint=checkpoint))

    def fail(self, record: JobRecord, code: str, message: str) -> None:
        """It is to be undone, and FAILED then."""
        with self._guard:
            present = self._records[record.job_id]
            if present.ending is None:
                message = message[:_MESSAGE_CHARS_MAX]
                self._store(replace(present, ending="FAILED", failure_code=code, failure_message=message))

    def end(self, record: JobRecord, *, result: Plain = None) -> None:
        """It is over: completed, or undone."""
        with self._guard:
            present = self._records[record.job_id]
            status = present.ending or "COMPLETED"
            self._store(
                replace(present, status=status, result=result, ended_ms=self._env.clock.wall_ms()),
                forgetting=self._too_old(),
            )
            self._taken.discard(record.job_id)
        _log.info("job is over job=%s kind=%s status=%s", record.job_id, record.kind, status)

    def _too_old(self) -> list[str]:
        over = sorted(job_id for job_id, record in self._records.items() if record.is_over)
        return over[: max(0, len(over) + 1 - FINISHED_MAX)]

    def _store(self, record: JobRecord, forgetting: list[str] | None = None) -> None:
        """Under the lock: durable before it is seen."""
        stored = record.encoded()
        if len(stored) > RECORD_BYTES_MAX:
            raise InternalError(f"job record is too large bytes={len(stored)} job={record.job_id}")
        batch = WriteBatch().put(keys.job_key(record.job_id), stored)
        for job_id in forgetting or ():
            batch.delete(keys.job_key(job_id))
        self._engine.write(batch)
        records = {**self._records, record.job_id: record}
        for job_id in forgetting or ():
            del records[job_id]
        # Replaced and not changed: readers look into it without the lock.
        self._records = records

    def _new_id(self, now_ms: int) -> str:
        """Above every other, even if the clock was put back."""
        newest = max(self._records, default="")
        if newest:
            now_ms = max(now_ms, names.time_of(newest) + 1)
        return names.new_id(now_ms, self._env.entropy.bytes(4))

    def _of_token(self, kind: str, token: str, now_ms: int) -> JobRecord | None:
        for record in self._records.values():
            if (record.kind, record.token) == (kind, token) and now_ms - record.started_ms < TOKEN_MS:
                return record
        return None

    def _wake(self) -> None:
        # All of them: which one is free is known to them only, and an idle one has a look and sleeps.
        for handle in self._handles:
            handle.wake()


class TokenMismatch(Exception):
    """A client token stands for another request; which error that is, is the call's to say."""

    def __init__(self, record: JobRecord) -> None:
        super().__init__(record.job_id)
        self.record = record


class _Slot:
    """Job: one job of the database after the other, a step at a time."""

    def __init__(self, jobs: Jobs, env: Env, number: int) -> None:
        self.name = f"job-{number}"
        self._jobs = jobs
        self._env = env
        self._record: JobRecord | None = None
        self._steps: Steps | None = None
        self._tries = 0
        self._retry_ms = 0

    def step(self, now_ms: int) -> int | None:
        if self._record is None:
            self._record = self._jobs.take()
            self._tries = self._retry_ms = 0
            if self._record is None:
                return None
        runner = self._jobs.runner(self._record)
        if runner is None:
            # It stays as it is, for whoever knows it.
            _log.error("job is of no known kind job=%s kind=%s", self._record.job_id, self._record.kind)
            self._record = None
            return 0
        record = self._record = self._jobs.now(self._record)
        if self._retry_ms > now_ms and record.ending is None:
            return self._retry_ms - now_ms
        try:
            return self._step(runner, record)
        except (ClosedError, ReadOnlyDegraded, ReadOnlyDatabase) as error:
            # Nothing can be recorded before the database is opened again, which goes on with it then.
            _log.warning("a job waits until the database is opened again job=%s: %s", record.job_id, error)
            self.let_go()
            return None
        except KvdbError as error:
            return self._after(record, error, now_ms)
        except OSError as error:
            return self._after(record, disk_error(error, "unknown"), now_ms)
        except Exception:
            _log.exception("a job failed unexpectedly job=%s", record.job_id)
            return self._after(record, InternalError("internal error; the log has the details"), now_ms)

    def _step(self, runner: Runner, record: JobRecord) -> int:
        """One step, or the end."""
        if record.ending is not None:
            self.let_go()
            runner.undo(record)
            self._jobs.end(record)
            self._record = None
            return 0
        if self._steps is None:
            self._steps = runner.steps(record)
        try:
            advance = next(self._steps)
        except StopIteration as stop:
            self._jobs.end(record, result=stop.value)
            self._steps = self._record = None
            return 0
        except JobFailed as failed:
            self._steps = None
            self._jobs.fail(record, failed.code, failed.message)
            return 0
        self._jobs.advance(record, advance)
        self._tries = 0
        return 0

    def _after(self, record: JobRecord, error: KvdbError, now_ms: int) -> int:
        """Try again later, or give up."""
        self.let_go()
        self._tries += 1
        may_retry = error.retryable and self._tries < TRIES_MAX
        if may_retry or record.ending is not None:
            # What cannot be undone stays to be undone: nothing else takes it away.
            pause_ms = min(PAUSE_MS << min(self._tries - 1, 20), PAUSE_MS_MAX)
            _log.warning("a job tries again job=%s pause_ms=%d: %s", record.job_id, pause_ms, error)
            self._retry_ms = now_ms + pause_ms
            return pause_ms
        _log.error("a job fails job=%s kind=%s: %s", record.job_id, record.kind, error)
        try:
            self._jobs.fail(record, error.code, error.message)
        except KvdbError as refused:
            # It begins anew from its checkpoint, and meets the same fault or not.
            _log.warning("a job cannot be recorded as failed job=%s: %s", record.job_id, refused)
            self._retry_ms = now_ms + PAUSE_MS_MAX
            return PAUSE_MS_MAX
        self._tries = 0
        return 0

    def let_go(self) -> None:
        """Close what the job under way has open; it may go on from its checkpoint."""
        steps, self._steps = self._steps, None
        if steps is not None:
            steps.close()
