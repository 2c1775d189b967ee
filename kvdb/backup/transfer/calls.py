"""The calls about exports and imports: from a request of ``api`` to a job, and from a job to what is told.

A bucket is the first folder below the export root; without a root the calls are refused. No recovery
window has to be on, as it has at the service: the present can always be exported, the past as far as the
kept history reaches (``history_retention``), and what happened since then.

Messages: recorded from the service in October 2026 by ack-api-quirks, where it has any.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar, cast

from kvdb import limits
from kvdb.api.tables import (
    AttributeDefinition,
    CreateTable,
    IndexSpecification,
    KeySchemaElement,
    OnDemandThroughput,
    Projection,
    ProvisionedThroughput,
    TableDescription,
    WarmThroughput,
)
from kvdb.api.transfers import (
    BadRecord,
    CsvOptions,
    DescribeExport,
    DescribeExportResult,
    DescribeImport,
    DescribeImportResult,
    ExportDescription,
    ExportStatus,
    ExportSummary,
    ExportTableToPointInTime,
    ExportTableToPointInTimeResult,
    FilterSpecification,
    ImportStatus,
    ImportSummary,
    ImportTable,
    ImportTableDescription,
    ImportTableResult,
    IncrementalExportSpecification,
    InputFormatOptions,
    ListExports,
    ListExportsResult,
    ListImports,
    ListImportsResult,
    S3BucketSource,
)
from kvdb.backup.jobs import JobRecord, Jobs, TokenMismatch
from kvdb.backup.transfer.kinds import (
    EXPORT,
    IMPORT,
    StoreOf,
    facts_of,
    filter_of,
    load_state_of,
    plain_filter,
    to_ms_of,
)
from kvdb.backup.transfer.layout import iso_time
from kvdb.backup.transfer.source import ExportFilter, check_filter
from kvdb.env.env import Env
from kvdb.env.worker import Plain
from kvdb.errors import (
    ExportConflict,
    ExportNotFound,
    ImportConflict,
    ImportNotFound,
    InvalidExportTime,
    JobNotFound,
    ReadPointExpired,
    ResourceNotFound,
    TableNotFound,
    ValidationError,
)
from kvdb.item.value import normalise_item
from kvdb.limits import AWS, LimitsProfile
from kvdb.lsm.engine import Engine
from kvdb.table.catalog import Catalog, Table

Made = TypeVar("Made")

_SECOND_MS: Final = 1000
_CONFLICT: Final = "conflict: Duplicate request detected with conflicting parameters"
_TOKEN_CHARS: Final = 112
"""Of a page's token: what the service's model asks for at least."""
_ERRORS_TOLD_MAX: Final = 100
_EXPORT_STATUS: Final[Mapping[str, ExportStatus]] = {"IN_PROGRESS": "IN_PROGRESS", "COMPLETED": "COMPLETED"}


class TransferService:
    """Exports and imports of one database, as calls."""

    def __init__(self, env: Env, engine: Engine, catalog: Catalog, jobs: Jobs, store_of: StoreOf) -> None:
        self._env = env
        self._engine = engine
        self._catalog = catalog
        self._jobs = jobs
        self._store_of = store_of

    def export(
        self, request: ExportTableToPointInTime, profile: LimitsProfile
    ) -> ExportTableToPointInTimeResult:
        """Source: API Reference, ExportTableToPointInTime.

        Raises:
            TableNotFound: there is no such table.
            InvalidExportTime: it cannot be read as of then.
            ExportConflict: the client token stands for another export.
            LimitExceeded: there are too many jobs under way.
            ValidationError: there is no export root, or an expression is malformed.
        """
        self._store_of(request.s3_bucket)
        table, described = self._table(request.table_arn)
        asked = _filter(request.filter_specification)
        check_filter(table, asked)
        increment = request.incremental_export_specification or IncrementalExportSpecification()
        plain: dict[str, Plain] = {
            "table": table.descriptor.name,
            "table_id": table.descriptor.uuid,
            "bucket": request.s3_bucket,
            "prefix": (request.s3_prefix or "").strip("/"),
            "format": request.export_format or "DYNAMODB_JSON",
            "at_ms": _whole(request.export_time_ms),
            "from_ms": _whole(increment.export_from_time_ms),
            "to_ms": _whole(increment.export_to_time_ms),
            "view": increment.export_view_type or "NEW_AND_OLD_IMAGES",
            "filter": plain_filter(asked),
            "owner": request.s3_bucket_owner,
            "type": request.export_type,
        }
        if self._known(EXPORT, request.client_token) is None:
            self._check_moments(plain, described, profile)
        try:
            job = self._jobs.submit(
                EXPORT, plain, resource=described.table_arn, token=request.client_token or ""
            )
        except TokenMismatch:
            raise ExportConflict(f"Export {_CONFLICT}") from None
        return ExportTableToPointInTimeResult(described_export(job))

    def describe_export(self, request: DescribeExport) -> DescribeExportResult:
        """Source: API Reference, DescribeExport."""
        try:
            job = self._job(EXPORT, request.export_arn)
        except JobNotFound:
            raise ExportNotFound(f"Export not found: {request.export_arn}") from None
        return DescribeExportResult(described_export(job))

    def list_exports(self, request: ListExports) -> ListExportsResult:
        """Source: API Reference, ListExports."""
        page, next_token = self._page(EXPORT, request.table_arn, request.max_results, request.next_token)
        summaries = [
            ExportSummary(job.arn, _EXPORT_STATUS.get(job.status, "FAILED"), _export_type(job))
            for job in page
        ]
        return ListExportsResult(summaries, next_token)

    def import_table(
        self, request: ImportTable, create: Callable[[CreateTable], TableDescription]
    ) -> ImportTableResult:
        """Source: API Reference, ImportTable. The new table is there when this returns.

        Raises:
            ResourceInUse: there is a table of the new one's name.
            ResourceNotFound: there is no table to import into.
            ImportConflict: the client token stands for another import.
            LimitExceeded: there are too many jobs under way.
            ValidationError: there is no export root.
        """
        self._store_of(request.s3_bucket_source.s3_bucket)
        known = self._known(IMPORT, request.client_token)
        if known is not None:
            table_id, resource = cast("dict[str, str]", known.request)["table_id"], known.resource
        elif request.table_creation_parameters is not None:
            described = create(request.table_creation_parameters)
            table_id, resource = described.table_id, described.table_arn
        else:
            described = self._catalog.described(request.table_name or "")
            table_id, resource = described.table_id, described.table_arn
        try:
            job = self._jobs.submit(
                IMPORT,
                _plain_import(request, table_id),
                resource=resource,
                token=request.client_token or "",
            )
        except TokenMismatch:
            raise ImportConflict(f"Import {_CONFLICT}") from None
        return ImportTableResult(self._described_import(job))

    def describe_import(self, request: DescribeImport) -> DescribeImportResult:
        """Source: API Reference, DescribeImport."""
        try:
            job = self._job(IMPORT, request.import_arn)
        except JobNotFound:
            raise ImportNotFound(f"Import not found: {request.import_arn}") from None
        return DescribeImportResult(self._described_import(job))

    def list_imports(self, request: ListImports) -> ListImportsResult:
        """Source: API Reference, ListImports."""
        page, next_token = self._page(IMPORT, request.table_arn, request.page_size, request.next_token)
        summaries = [
            ImportSummary(
                job.arn,
                _import_status(job),
                job.resource,
                _source(job),
                cast("dict[str, str]", job.request)["format"],
                job.started_ms,
                job.ended_ms,
            )
            for job in page
        ]
        return ListImportsResult(summaries, next_token)

    def _table(self, name: str) -> tuple[Table, TableDescription]:
        try:
            table = self._catalog.table(name)
        except ResourceNotFound:
            raise TableNotFound(f"Table not found: {name}") from None
        return table, self._catalog.described(table.descriptor.name)

    def _check_moments(
        self, plain: Mapping[str, Plain], described: TableDescription, profile: LimitsProfile
    ) -> None:
        now_ms = self._env.hlc.wall_ms()
        at_ms, from_ms, to_ms = (cast("int | None", plain[name]) for name in ("at_ms", "from_ms", "to_ms"))
        created_ms = described.creation_date_time_ms // _SECOND_MS * _SECOND_MS
        if at_ms is not None:
            if not created_ms <= at_ms <= now_ms:
                raise InvalidExportTime("Export Time is invalid")
            self._require_kept(at_ms)
        if from_ms is None:
            return
        _check_window(from_ms, to_ms, created_ms, now_ms, profile)
        self._require_kept(from_ms - 1)

    def _require_kept(self, wall_ms: int) -> None:
        try:
            self._engine.snapshot_at(wall_ms=wall_ms).release()
        except ReadPointExpired as error:
            raise InvalidExportTime(
                f"the kept history does not reach back to {iso_time(wall_ms)}"
                f" (history_retention): {error.message}"
            ) from None

    def _job(self, kind: str, arn: str) -> JobRecord:
        job = self._jobs.get(arn)
        if job.kind != kind:
            raise JobNotFound(arn)
        return job

    def _known(self, kind: str, token: str | None) -> JobRecord | None:
        """The job that a client token stands for, so that a repeated call has no effect of its own."""
        if not token:
            return None
        return self._jobs.of_token(kind, token)

    def _page(
        self, kind: str, table_arn: str | None, size: int | None, token: str | None
    ) -> tuple[Sequence[JobRecord], str | None]:
        found = self._jobs.listed(kind, table_arn)[::-1]
        if token is not None:
            start = _start_of(token)
            found = [job for job in found if job.job_id < start]
        size = size or limits.LIST_TRANSFERS_PAGE_MAX
        page = found[:size]
        return page, _token_of(page[-1].job_id) if size < len(found) else None

    def _described_import(self, job: JobRecord) -> ImportTableDescription:
        request = cast("dict[str, Plain]", job.request)
        state, errors = load_state_of(job)
        delimiter, header = cast(str, request["delimiter"]), cast("list[str] | None", request["header"])
        csv = None if request["format"] != "CSV" else CsvOptions(delimiter, header)
        return ImportTableDescription(
            import_arn=job.arn,
            import_status=_import_status(job),
            table_arn=job.resource,
            table_id=cast(str, request["table_id"]),
            s3_bucket_source=_source(job),
            error_count=state.errors,
            input_format=cast(str, request["format"]),
            input_compression_type=cast(str, request["compression"]),
            start_time_ms=job.started_ms,
            processed_size_bytes=job.done,
            processed_item_count=state.processed,
            imported_item_count=state.imported,
            client_token=job.token or None,
            input_format_options=None if csv is None else InputFormatOptions(csv),
            table_creation_parameters=_created(request["created"]),
            end_time_ms=job.ended_ms,
            failure_code=job.failure_code or None,
            failure_message=job.failure_message or None,
            errors=tuple(BadRecord(name, line, reason) for name, line, reason in errors[:_ERRORS_TOLD_MAX]),
        )


def _check_window(
    from_ms: int, to_ms: int | None, created_ms: int, now_ms: int, profile: LimitsProfile
) -> None:
    """The bounds of an incremental export; its length is the service's affair only under its limits."""
    period = "Incremental export period"
    if from_ms < created_ms:
        raise InvalidExportTime(
            f"{period} from time cannot be less than the table creation time : {_shown(created_ms)}"
        )
    if (to_ms or 0) > now_ms:
        raise InvalidExportTime(
            f"{period} to time cannot be greater than the current time : {_shown(now_ms)}"
        )
    length_ms = (to_ms or now_ms // _SECOND_MS * _SECOND_MS) - from_ms
    between = "Difference between export period from time and export period to time is"
    least_ms = limits.EXPORT_WINDOW_MS_MIN if profile.name == AWS.name else _SECOND_MS
    if length_ms < least_ms:
        minutes = "less than 15 minutes" if profile.name == AWS.name else "less than a second"
        raise InvalidExportTime(f"{between} {minutes}")
    if profile.name == AWS.name and length_ms > limits.EXPORT_WINDOW_MS_MAX:
        raise InvalidExportTime(f"{between} greater than 24 hours")


def described_export(job: JobRecord) -> ExportDescription:
    """What the export calls tell of a job."""
    request = cast("dict[str, Plain]", job.request)
    checkpoint = cast("dict[str, int] | None", job.checkpoint) or {}
    is_completed = job.status == "COMPLETED"
    is_full = request["from_ms"] is None
    at_ms = cast("int | None", request["at_ms"]) or checkpoint.get("at_ms") or job.started_ms
    increment = None
    if not is_full:
        increment = IncrementalExportSpecification(
            cast(int, request["from_ms"]), to_ms_of(job), cast(str, request["view"])
        )
    is_cancelled = job.status == "CANCELLED"
    return ExportDescription(
        export_arn=job.arn,
        export_status=_EXPORT_STATUS.get(job.status, "FAILED"),
        start_time_ms=job.started_ms,
        table_arn=job.resource,
        table_id=cast(str, request["table_id"]),
        s3_bucket=cast(str, request["bucket"]),
        s3_sse_algorithm="AES256",
        export_format=cast(str, request["format"]),
        end_time_ms=job.ended_ms,
        export_manifest=facts_of(job, at_ms).summary_name if is_completed else None,
        export_time_ms=at_ms if is_full else None,
        client_token=job.token or None,
        s3_bucket_owner=cast("str | None", request["owner"]),
        s3_prefix=cast(str, request["prefix"]) or None,
        failure_code="Cancelled" if is_cancelled else job.failure_code or None,
        failure_message="the export was cancelled" if is_cancelled else job.failure_message or None,
        billed_size_bytes=checkpoint.get("bytes") if is_completed else None,
        item_count=checkpoint.get("items") if is_completed else None,
        export_type=cast("str | None", request["type"]),
        incremental_export_specification=increment,
        filter_specification=_told_filter(filter_of(cast("list[Plain]", request["filter"]))),
    )


def _export_type(job: JobRecord) -> str:
    is_full = cast("dict[str, Plain]", job.request)["from_ms"] is None
    return "FULL_EXPORT" if is_full else "INCREMENTAL_EXPORT"


def _import_status(job: JobRecord) -> ImportStatus:
    if job.status == "IN_PROGRESS" and job.ending == "CANCELLED":
        return "CANCELLING"
    return job.status


def _source(job: JobRecord) -> S3BucketSource:
    request = cast("dict[str, Plain]", job.request)
    return S3BucketSource(
        cast(str, request["bucket"]),
        cast("str | None", request["owner"]),
        cast(str, request["prefix"]) or None,
    )


def _filter(asked: FilterSpecification | None) -> ExportFilter:
    if asked is None:
        return ExportFilter()
    values = asked.expression_attribute_values
    return ExportFilter(
        asked.key_condition_expression,
        asked.filter_expression,
        asked.projection_expression,
        asked.expression_attribute_names,
        None if values is None else normalise_item(values)[0],
    )


def _told_filter(asked: ExportFilter) -> FilterSpecification | None:
    if asked == ExportFilter():
        return None
    return FilterSpecification(asked.filter, asked.projection, asked.key_condition, asked.names, asked.values)


def _plain_import(request: ImportTable, table_id: str) -> dict[str, Plain]:
    source, created = request.s3_bucket_source, request.table_creation_parameters
    options = request.input_format_options
    csv = CsvOptions() if options is None or options.csv is None else options.csv
    return {
        "table": request.table_name if created is None else created.table_name,
        "table_id": table_id,
        "bucket": source.s3_bucket,
        "prefix": source.s3_key_prefix or "",
        "format": request.input_format,
        "compression": request.input_compression_type or "NONE",
        "delimiter": csv.delimiter or ",",
        "header": None if csv.header_list is None else list(csv.header_list),
        "created": None if created is None else _plain_created(created),
        "owner": source.s3_bucket_owner,
    }


def _plain_created(created: CreateTable) -> Plain:
    kept = dataclasses.asdict(created)
    names = ("table_name", "key_schema", "attribute_definitions", "global_secondary_indexes", "billing_mode")
    return {name: _plain(kept[name]) for name in (*names, "provisioned_throughput", "on_demand_throughput")}


def _plain(value: object) -> Plain:
    """Tuples as lists, as they come back."""
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(member) for member in value]
    return cast(Plain, value)


def _created(plain: Plain) -> CreateTable | None:
    """``_plain_created``, read back."""
    if not isinstance(plain, dict):
        return None
    members = cast("dict[str, list[dict[str, object]]]", plain)
    indexes = members["global_secondary_indexes"]
    return CreateTable(
        cast(str, plain["table_name"]),
        [KeySchemaElement(**each) for each in members["key_schema"]],  # type: ignore[arg-type]
        [AttributeDefinition(**each) for each in members["attribute_definitions"]],  # type: ignore[arg-type]
        global_secondary_indexes=None if indexes is None else [_index(each) for each in indexes],
        billing_mode=cast("None", plain["billing_mode"]),
        provisioned_throughput=_made(ProvisionedThroughput, plain["provisioned_throughput"]),
        on_demand_throughput=_made(OnDemandThroughput, plain["on_demand_throughput"]),
    )


def _index(plain: Mapping[str, object]) -> IndexSpecification:
    members = dict(plain)
    elements = cast("list[dict[str, object]]", plain["key_schema"])
    members["key_schema"] = tuple(KeySchemaElement(**each) for each in elements)  # type: ignore[arg-type]
    projection = dict(cast("dict[str, object]", plain["projection"]))
    if projection.get("non_key_attributes") is not None:
        projection["non_key_attributes"] = tuple(cast("list[str]", projection["non_key_attributes"]))
    members["projection"] = Projection(**projection)  # type: ignore[arg-type]
    for name, make in (
        ("provisioned_throughput", ProvisionedThroughput),
        ("on_demand_throughput", OnDemandThroughput),
        ("warm_throughput", WarmThroughput),
    ):
        members[name] = _made(make, cast(Plain, plain.get(name)))
    return IndexSpecification(**members)  # type: ignore[arg-type]


def _made(make: Callable[..., Made], plain: Plain) -> Made | None:
    return make(**plain) if isinstance(plain, dict) else None


def _token_of(job_id: str) -> str:
    return job_id.encode().hex().ljust(_TOKEN_CHARS, "0")


def _start_of(token: str) -> str:
    try:
        return bytes.fromhex(token).rstrip(b"\0").decode("ascii")
    except ValueError:
        raise ValidationError(f"no page has this token: {token[:40]}") from None


def _whole(wall_ms: int | None) -> int | None:
    """Whole seconds, as the service takes them."""
    return None if wall_ms is None else wall_ms // _SECOND_MS * _SECOND_MS


def _shown(wall_ms: int) -> str:
    return f"{iso_time(wall_ms)[:19]}Z"
