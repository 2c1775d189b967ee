"""The kinds of jobs "export" and "import": see ``backup/jobs`` for what a kind is.

    request of an export     {"table", "table_id", "bucket", "prefix", "format", "at_ms" | nil,
                              "from_ms" | nil, "to_ms" | nil, "view", "filter", "owner" | nil, "type" | nil}
                              filter := [key condition, filter, projection, names, values], each | nil;
                              values as ``item/codec`` has them
    its checkpoint           {"seqno", "before", "at_ms", "after" | nil, "is_surveyed", "columns",
                              "files": [[count, md5], ...], "items", "bytes"}
    request of an import     {"table", "table_id", "bucket", "prefix", "format", "compression", "delimiter",
                              "header" | nil, "created" | nil, "owner" | nil}
    its checkpoint           {"state": [...], "objects": digest of their names,
                              "errors": [[object, line, reason], ...]}

An export reads at a snapshot, which a restart loses. It goes on at the same seqno if the kept history
reaches there; else it begins anew, at the present of then. Cancelled or failed, its data is taken away.
What an import has put stays; its bad records, if it had any, make it FAILED at its end, as at the service,
with everything else imported, and are written beside the data, as far as they are kept.
"""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Final, cast

from kvdb.backup.jobs import Advance, JobFailed, JobRecord, Steps
from kvdb.backup.store import BackupStore
from kvdb.backup.transfer.csv_records import CellType, CsvOptions
from kvdb.backup.transfer.export import Export, ExportState, discard
from kvdb.backup.transfer.layout import ERRORS_FOLDER, DataFile, ExportFacts
from kvdb.backup.transfer.load import Load, LoadState
from kvdb.backup.transfer.objects import InputFormat, find_input
from kvdb.backup.transfer.records import BadHeader, ViewType
from kvdb.backup.transfer.source import ChangeSource, ExportFilter, TableSource
from kvdb.backup.transfer.table_target import TableTarget
from kvdb.env.env import Env
from kvdb.env.worker import Plain
from kvdb.errors import CorruptionError, KvdbError, ReadPointExpired, ResourceNotFound, ValidationError
from kvdb.item import codec
from kvdb.limits import AWS, LimitsProfile
from kvdb.lsm.engine import Engine, Snapshot
from kvdb.table.catalog import Catalog, Table
from kvdb.table.latches import Latches
from kvdb.table.writer import Writer

_log = logging.getLogger("kvdb.backup")

EXPORT: Final = "export"
IMPORT: Final = "import"
ERRORS_MAX: Final = 500
"""Bad records of one import that are kept; the others are only counted."""
_REASON_BYTES_MAX: Final = 400
_NAME_BYTES_MAX: Final = 1_024

StoreOf = Callable[[str], BackupStore]
"""The store of a bucket. Raises ``ValidationError`` where there is no export root."""


class ExportRunner:
    """The kind "export"."""

    unit = "items"

    def __init__(self, env: Env, engine: Engine, catalog: Catalog, store_of: StoreOf) -> None:
        self._env = env
        self._engine = engine
        self._catalog = catalog
        self._store_of = store_of

    def steps(self, job: JobRecord) -> Steps:
        request = cast("dict[str, Plain]", job.request)
        table = table_of(self._catalog, request)
        total = self._catalog.described(table.descriptor.name).item_count
        with ExitStack() as held:
            moments = self._moments(job, held)
            state, at, before, at_ms = moments
            asked = filter_of(cast("list[Plain]", request["filter"]))
            if before is None:
                source: TableSource | ChangeSource = TableSource(self._engine, table, at, asked)
            else:
                source = ChangeSource(self._engine, table, before, at, _view(request), asked)
            facts = facts_of(job, at_ms)
            store = self._store_of(facts.bucket)
            if state is None and job.checkpoint is not None:
                # Of the moment before; there may be more of it than there will be.
                self.undo(job)
            export = Export(store, self._env.clock, facts, source, _loaded_state(facts, state))
            is_over = False
            while not is_over:
                is_over = export.step()
                kept = export.state
                checkpoint: dict[str, Plain] = {
                    "seqno": at.seqno,
                    "before": None if before is None else before.seqno,
                    "at_ms": at_ms,
                    "after": kept.after,
                    "is_surveyed": kept.is_surveyed,
                    "columns": dict(kept.columns),
                    "files": [[file.item_count, file.md5] for file in kept.files],
                    "items": kept.item_count,
                    "bytes": kept.raw_bytes,
                }
                yield Advance(kept.item_count, max(total, kept.item_count), checkpoint)
            return {"items": kept.item_count, "bytes": kept.raw_bytes, "manifest": facts.summary_name}

    def undo(self, job: JobRecord) -> None:
        facts = facts_of(job, 0)
        state = _loaded_state(facts, job.checkpoint) or ExportState()
        discard(self._store_of(facts.bucket), facts, len(state.files))

    def _moments(self, job: JobRecord, held: ExitStack) -> tuple[Plain, Snapshot, Snapshot | None, int]:
        """What to go on from, and the moments to read at: those of before, if they are kept."""
        request, checkpoint = cast("dict[str, Plain]", job.request), job.checkpoint
        if isinstance(checkpoint, dict):
            try:
                at = held.enter_context(self._engine.snapshot_at(seqno=cast(int, checkpoint["seqno"])))
                before = None
                if checkpoint["before"] is not None:
                    before = held.enter_context(
                        self._engine.snapshot_at(seqno=cast(int, checkpoint["before"]))
                    )
                return checkpoint, at, before, cast(int, checkpoint["at_ms"])
            except ReadPointExpired:
                _log.info("an export begins anew, for its moment is not kept any more")
        now_ms = self._env.hlc.wall_ms()
        try:
            if request["from_ms"] is not None:
                from_ms, to_ms = cast(int, request["from_ms"]), to_ms_of(job)
                before = held.enter_context(self._engine.snapshot_at(wall_ms=from_ms - 1))
                at = held.enter_context(self._engine.snapshot_at(wall_ms=to_ms - 1))
                return None, at, before, to_ms
            if request["at_ms"] is not None:
                at_ms = cast(int, request["at_ms"])
                return None, held.enter_context(self._engine.snapshot_at(wall_ms=at_ms)), None, at_ms
        except ReadPointExpired as error:
            raise JobFailed("InvalidExportTime", error.message) from None
        return None, held.enter_context(self._engine.snapshot()), None, now_ms


class ImportRunner:
    """The kind "import"."""

    unit = "bytes"

    def __init__(
        self,
        engine: Engine,
        catalog: Catalog,
        writer: Writer,
        latches: Latches,
        store_of: StoreOf,
        profile: LimitsProfile = AWS,
    ) -> None:
        self._engine = engine
        self._catalog = catalog
        self._writer = writer
        self._latches = latches
        self._store_of = store_of
        self._profile = profile

    def steps(self, job: JobRecord) -> Steps:
        request = cast("dict[str, Plain]", job.request)
        table = table_of(self._catalog, request)
        store = self._store_of(cast(str, request["bucket"]))
        try:
            source = find_input(store, cast(str, request["prefix"]), _input_format(request, table))
        except ValidationError as error:
            raise JobFailed("S3NoSuchKey", error.message) from None
        digest = source.digest()
        if isinstance(job.checkpoint, dict) and job.checkpoint["objects"] != digest:
            raise JobFailed(
                "S3ObjectsChanged", "the objects under the prefix are others than at its beginning"
            )
        state, errors = _loaded_load(job.checkpoint)

        def keep(name: str, line: int, reason: str) -> None:
            if len(errors) < ERRORS_MAX:
                errors.append([_cut(name, _NAME_BYTES_MAX), line, _cut(reason, _REASON_BYTES_MAX)])

        target = TableTarget(table, self._writer, self._engine, self._latches)
        load = Load(store, source, target, keep, state, profile=self._profile)
        is_over = False
        while not is_over:
            try:
                is_over = load.step()
            except BadHeader as error:
                raise JobFailed("InvalidCsvHeader", str(error)) from None
            except ResourceNotFound as error:
                raise JobFailed("TableNotFound", error.message) from None
            except CorruptionError as error:
                raise JobFailed("S3ObjectDamaged", error.message) from None
            kept: Plain = {
                "state": list(dataclasses.astuple(load.state)),
                "objects": digest,
                "errors": list(errors),
            }
            yield Advance(load.bytes_done, max(source.size_bytes, load.bytes_done), kept)
        if load.state.errors:
            name = _put_errors(store, job, errors)
            raise JobFailed(
                "ItemValidationError",
                "Some of the items failed validation checks and were not imported."
                f" Please check the errors file for more details: {name}",
            )
        return {}

    def undo(self, job: JobRecord) -> None:
        """What was imported stays, as at the service."""


def _cut(text: str, bytes_max: int) -> str:
    return text.encode("utf-8", "replace")[:bytes_max].decode("utf-8", "ignore")


def _put_errors(store: BackupStore, job: JobRecord, errors: list[Plain]) -> str:
    place = f"{ERRORS_FOLDER}{job.job_id}.jsonl"
    lines = [
        json.dumps({"object": name, "line": line, "reason": reason}) + "\n"
        for name, line, reason in cast("list[tuple[str, int, str]]", errors)
    ]
    try:
        store.put(place, ["".join(lines).encode()], replace=True)
    except KvdbError as error:
        # They are in the job's record, too; a bucket that is only to be read from is no fault.
        _log.warning("the bad records of an import could not be written job=%s: %s", job.job_id, error)
        return "none could be written"
    return place


def table_of(catalog: Catalog, request: Mapping[str, Plain]) -> Table:
    """The table a job is about, if it is still the same.

    Raises:
        JobFailed: it was dropped.
    """
    name = cast(str, request["table"])
    try:
        table = catalog.table(name)
    except ResourceNotFound:
        raise JobFailed("TableNotFound", f"Table not found: {name}") from None
    if table.descriptor.uuid != request["table_id"]:
        raise JobFailed("TableNotFound", f"Table not found: {name} was dropped and made anew")
    return table


def facts_of(job: JobRecord, at_ms: int) -> ExportFacts:
    """What an export's manifests say of it; ``at_ms`` is the moment that it reads at."""
    request = cast("dict[str, Plain]", job.request)
    output = request["format"]
    return ExportFacts(
        export_id=job.job_id,
        export_arn=job.arn,
        table_arn=job.resource,
        table_id=cast(str, request["table_id"]),
        bucket=cast(str, request["bucket"]),
        prefix=cast(str, request["prefix"]),
        format="CBOR" if output == "CBOR" else "CSV" if output == "CSV" else "DYNAMODB_JSON",
        start_ms=job.started_ms,
        export_ms=at_ms,
        from_ms=cast("int | None", request["from_ms"]),
        to_ms=to_ms_of(job),
        view=_view(request),
    )


def _view(request: Mapping[str, Plain]) -> ViewType:
    return "NEW_IMAGE" if request["view"] == "NEW_IMAGE" else "NEW_AND_OLD_IMAGES"


def to_ms_of(job: JobRecord) -> int:
    """The moment before which an incremental export ends: that of its beginning, if none was given."""
    asked = cast("dict[str, Plain]", job.request)["to_ms"]
    return job.started_ms // 1000 * 1000 if asked is None else cast(int, asked)


def plain_filter(asked: ExportFilter) -> list[Plain]:
    """A filter as part of a job's request."""
    values = None if asked.values is None else codec.encode_item(dict(asked.values))
    names: Plain = None if asked.names is None else dict(asked.names)
    return [asked.key_condition, asked.filter, asked.projection, names, values]


def filter_of(plain: list[Plain]) -> ExportFilter:
    """``plain_filter``, read back."""
    key_condition, condition, projection, names, values = plain
    return ExportFilter(
        cast("str | None", key_condition),
        cast("str | None", condition),
        cast("str | None", projection),
        cast("dict[str, str] | None", names),
        None if values is None else codec.decode_item(cast(bytes, values), 0),
    )


def _loaded_state(facts: ExportFacts, checkpoint: Plain) -> ExportState | None:
    if not isinstance(checkpoint, dict):
        return None
    files = cast("list[tuple[int, bytes]]", checkpoint["files"])
    return ExportState(
        after=cast("bytes | None", checkpoint["after"]),
        is_surveyed=cast(bool, checkpoint["is_surveyed"]),
        columns=cast("dict[str, CellType]", checkpoint["columns"]),
        files=[DataFile(count, md5, facts.data_name(n)) for n, (count, md5) in enumerate(files)],
        item_count=cast(int, checkpoint["items"]),
        raw_bytes=cast(int, checkpoint["bytes"]),
    )


def _loaded_load(checkpoint: Plain) -> tuple[LoadState, list[Plain]]:
    if not isinstance(checkpoint, dict):
        return LoadState(), []
    return LoadState(*cast("list[int]", checkpoint["state"])), list(cast("list[Plain]", checkpoint["errors"]))


def load_state_of(job: JobRecord) -> tuple[LoadState, list[tuple[str, int, str]]]:
    """How far an import has come, and its bad records: object, line and reason."""
    state, errors = _loaded_load(job.checkpoint)
    return state, [tuple(error) for error in cast("list[list[object]]", errors)]  # type: ignore[misc]


def _input_format(request: Mapping[str, Plain], table: Table) -> InputFormat:
    descriptor = table.descriptor
    keys = [
        *descriptor.keys,
        *(key for index in descriptor.indexes for key in (*index.partition, *index.sort)),
    ]
    types: dict[str, CellType] = {key.name: key.type for key in keys}
    given, packed = request["format"], request["compression"]
    header = cast("list[str] | None", request["header"])
    return InputFormat(
        "CBOR" if given == "CBOR" else "CSV" if given == "CSV" else "DYNAMODB_JSON",
        "GZIP" if packed == "GZIP" else "ZSTD" if packed == "ZSTD" else "NONE",
        CsvOptions(cast(str, request["delimiter"]), header, types),
    )
