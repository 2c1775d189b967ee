"""The job that makes a table of this database from a backup, or from the archive as of a point.

Steps, kind "restore" (``jobs``):

    1. the table, CREATING, without rows; in place: under a name of its own
    2. the directory ``restoring-<job id>`` in the database's own: what was backed up, as a database
       (``restore``); every object is compared with its digest on the way
    3. the table's rows are read there and ingested here under the new table id, some megabytes a step
    4. the table is ACTIVE; in place: it changes names with what was there
    5. the directory goes

After step 2 a restart goes on at the last row that was ingested. A job that fails or is cancelled drops
its table and directory. What the catalog says is the truth: a table that is still being filled without
a job that fills it, as in a copy of the database, is dropped at open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

from kvdb.backup import names
from kvdb.backup.jobs import Advance, JobFailed, JobRecord, Jobs, Steps
from kvdb.backup.on_demand import spans_of_id
from kvdb.backup.restore import Plan, begin_stage, clear_stage, narrowed, staging
from kvdb.env.env import Env
from kvdb.env.fs import join
from kvdb.env.worker import Plain
from kvdb.errors import CorruptionError, ResourceInUse, ResourceNotFound, TableAlreadyExists
from kvdb.lsm.engine import Engine
from kvdb.lsm.iterator import Pair
from kvdb.metrics import Registry
from kvdb.options import EngineOptions
from kvdb.table import keys, restoring
from kvdb.table.catalog import Catalog
from kvdb.table.descriptor import TableDescriptor, decode_descriptor

RESTORE: Final = "restore"
_STAGE: Final = "restoring-"
_CHUNK_BYTES: Final = 8 * 1024 * 1024
_STAGE_OPTIONS: Final = EngineOptions(read_only=True, scrub_period_ms=0, block_cache_bytes=4 * 1024 * 1024)

PlanOf = Callable[[Plain], Plan]
"""What a restore's source says, as a plan; raises ``KvdbError``."""


@dataclass(frozen=True, slots=True)
class RestoreRequest:
    """What a restore job was asked for."""

    source: Plain
    """``{"backup": id}``, or what another ``PlanOf`` understands."""
    source_table_id: int
    source_name: str
    table: TableDescriptor
    """The table to be made; its id is given when it is."""
    incomplete: tuple[int, ...]
    """Indexes that the backup has a part of only: they are built when the rows are there."""
    in_place_of: str = ""
    """The table that it is to take the name of."""

    def to_plain(self) -> Plain:
        return {
            "source": self.source,
            "id": self.source_table_id,
            "name": self.source_name,
            "table": self.table.encoded(),
            "incomplete": list(self.incomplete),
            "in_place_of": self.in_place_of,
        }

    @classmethod
    def of(cls, job: JobRecord) -> RestoreRequest:
        """Raises ``CorruptionError``: the record of the job holds something else."""
        match job.request:
            case {
                "source": source,
                "id": int(table_id),
                "name": str(name),
                "table": bytes(table),
                "incomplete": list(incomplete),
                "in_place_of": str(in_place_of),
            }:
                numbers = tuple(number for number in incomplete if isinstance(number, int))
                return cls(source, table_id, name, decode_descriptor(table), numbers, in_place_of)
        raise CorruptionError(f"request of a restore job is not readable job={job.job_id}")


class RestoreRunner:
    """Kind "restore"."""

    unit = "bytes"

    def __init__(
        self,
        env: Env,
        engine: Engine,
        catalog: Catalog,
        plan_of: PlanOf,
        *,
        on_restored: Callable[[], None],
        on_dropped: Callable[[], None],
    ) -> None:
        """``on_restored``: there is a table to look after; ``on_dropped``: there are rows to remove."""
        self._env = env
        self._engine = engine
        self._catalog = catalog
        self._plan_of = plan_of
        self._on_restored = on_restored
        self._on_dropped = on_dropped

    def steps(self, job: JobRecord) -> Steps:
        request = RestoreRequest.of(job)
        stage = self._stage(job.job_id)
        try:
            table = self._catalog.begin_restore(request.table)
        except TableAlreadyExists as error:
            raise JobFailed(error.code, error.message) from error
        setting = table.descriptor.restore
        if setting is not None and setting.is_in_progress:
            done = 0
            if job.checkpoint is None:
                for done, total in self._staged(request, stage):
                    yield Advance(done, 2 * total)
                yield Advance(done, 2 * done, {"after": b"", "done": done})
            yield from self._copied(job, request, stage, table.descriptor)
            self._finish(request)
        if request.in_place_of:
            self._exchange(request)
        clear_stage(self._env.fs, stage)
        self._on_restored()
        return None

    def undo(self, job: JobRecord) -> None:
        request = RestoreRequest.of(job)
        hidden = request.table.name if request.in_place_of else ""
        self._catalog.abandon_restore(request.table.uuid, hidden)
        self._on_dropped()
        clear_stage(self._env.fs, self._stage(job.job_id))

    def forget_others(self, jobs: Jobs) -> None:
        """At open: drop what no job will finish."""
        fs, directory = self._env.fs, self._engine.directory
        under_way = [job for job in jobs.listed(RESTORE) if not job.is_over]
        uuids = {RestoreRequest.of(job).table.uuid for job in under_way}
        for table in self._catalog.all_tables():
            setting = table.descriptor.restore
            is_filling = setting is not None and setting.is_in_progress
            if is_filling and table.descriptor.uuid not in uuids:
                self._catalog.abandon_restore(table.descriptor.uuid)
                self._on_dropped()
        wanted = {_STAGE + job.job_id for job in under_way}
        for name in fs.list_dir(directory):
            if names.is_id(name.removeprefix(_STAGE)) and name.startswith(_STAGE) and name not in wanted:
                clear_stage(fs, join(directory, name))

    def _stage(self, job_id: str) -> str:
        return join(self._engine.directory, _STAGE + job_id)

    def _staged(self, request: RestoreRequest, stage: str) -> Iterator[tuple[int, int]]:
        """Step 2; how many bytes of how many."""
        plan = narrowed(self._plan_of(request.source), spans_of_id(request.source_table_id))
        clear_stage(self._env.fs, stage)
        begin_stage(self._env.fs, stage)
        steps = staging(self._env, plan, stage)
        try:
            for progress in steps:
                yield progress.bytes_done, progress.bytes_total
        finally:
            steps.close()

    def _copied(
        self, job: JobRecord, request: RestoreRequest, stage: str, table: TableDescriptor
    ) -> Iterator[Advance]:
        """Step 3, from the checkpoint on."""
        after, done = b"", job.done
        match job.checkpoint:
            case {"after": bytes(place), "done": int(count)}:
                after, done = place, count
        with self._opened(stage) as source:
            self._require_same(source, request)
            source_prefix = keys.table_prefix(request.source_table_id)
            target_prefix = keys.table_prefix(table.table_id)
            chunk: list[Pair] = []
            size = 0
            for key, value in self._rows(source, request, table, after):
                chunk.append((target_prefix + key[len(source_prefix) :], value))
                size += len(key) + len(value)
                if size >= _CHUNK_BYTES:
                    self._engine.ingest(chunk)
                    done += size
                    yield Advance(done, max(job.total, done), {"after": key, "done": done})
                    chunk, size = [], 0
            self._engine.ingest(chunk)
            yield Advance(done + size, done + size)

    def _rows(
        self, source: Engine, request: RestoreRequest, table: TableDescriptor, after: bytes
    ) -> Iterator[Pair]:
        """What of the source goes into the table: rows, index rows, counters; in key order."""
        complete = {index.number for index in table.indexes} - set(request.incomplete)
        numbers = sorted({keys.TABLE_NUMBER, *complete, keys.COUNTERS_NUMBER})
        ranges = (keys.prefix_range(keys.index_prefix(request.source_table_id, number)) for number in numbers)
        if after:
            ranges = (each.after(after) for each in ranges)
        return chain.from_iterable(
            source.scan(each.start, each.end) for each in ranges if each.start < each.end
        )

    @contextmanager
    def _opened(self, stage: str) -> Iterator[Engine]:
        # Its instruments are not this database's.
        engine = Engine.open(stage, replace(self._env, metrics=Registry()), _STAGE_OPTIONS)
        try:
            yield engine
        finally:
            engine.close()

    def _require_same(self, source: Engine, request: RestoreRequest) -> None:
        """What was staged has the table that was asked for."""
        stored = source.get(keys.descriptor_key(request.source_name))
        if stored is None or decode_descriptor(stored).table_id != request.source_table_id:
            raise JobFailed(
                "ResourceNotFoundException", f"table was not there at this point table={request.source_name}"
            )

    def _finish(self, request: RestoreRequest) -> None:
        try:
            self._catalog.finish_restore(request.table.uuid, request.incomplete)
        except ResourceNotFound as error:
            raise JobFailed(error.code, "table was dropped while it was restored") from error

    def _exchange(self, request: RestoreRequest) -> None:
        """Step 4 of a restore in place; nothing when it is done."""
        name, uuid = request.in_place_of, request.table.uuid
        aside = restoring.aside_name(name, uuid)
        setting = request.table.restore
        assert setting is not None
        setting = replace(setting, is_in_progress=False, aside=aside)
        try:
            self._catalog.exchange(name, uuid, aside=aside, setting=setting)
        except (ResourceNotFound, ResourceInUse) as error:
            raise JobFailed(
                error.code, f"the restored table cannot take its place: {error.message}"
            ) from error


def plans(by_key: Mapping[str, PlanOf]) -> PlanOf:
    """One ``PlanOf`` of several: which one, the only key of a source says."""

    def plan_of(source: Plain) -> Plan:
        if isinstance(source, dict) and len(source) == 1:
            ((key, value),) = source.items()
            if key in by_key:
                return by_key[key](value)
        raise CorruptionError("source of a restore is not readable")

    return plan_of
