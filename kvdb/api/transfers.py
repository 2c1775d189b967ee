"""Requests and results about exports and imports. Both are jobs: ``api/jobs`` tells of them too.

A bucket is a folder of the export root that the database was opened with. What the service does not
know: the formats CBOR and, for exports, CSV; imports into a table that exists.

Source: service model, ExportTableToPointInTime, ImportTable and their describes and lists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from kvdb.api.tables import CreateTable

ExportStatus = Literal["IN_PROGRESS", "COMPLETED", "FAILED"]
ExportType = Literal["FULL_EXPORT", "INCREMENTAL_EXPORT"]
ImportStatus = Literal["IN_PROGRESS", "COMPLETED", "CANCELLING", "CANCELLED", "FAILED"]


@dataclass(frozen=True, slots=True)
class IncrementalExportSpecification:
    """Source: API Reference."""

    export_from_time_ms: int | None = None
    """Inclusive. Whole seconds count, here and below."""
    export_to_time_ms: int | None = None
    """Exclusive; ``None``: the present."""
    export_view_type: str | None = None
    """NEW_IMAGE, or NEW_AND_OLD_IMAGES, the default."""


@dataclass(frozen=True, slots=True)
class FilterSpecification:
    """Source: API Reference."""

    filter_expression: str | None = None
    projection_expression: str | None = None
    key_condition_expression: str | None = None
    expression_attribute_names: Mapping[str, str] | None = None
    expression_attribute_values: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class ExportTableToPointInTime:
    table_arn: str
    """Its name, too, at the native doors."""
    s3_bucket: str
    export_time_ms: int | None = None
    """``None``: the present."""
    client_token: str | None = None
    s3_bucket_owner: str | None = None
    s3_prefix: str | None = None
    s3_sse_algorithm: str | None = None
    s3_sse_kms_key_id: str | None = None
    export_format: str | None = None
    """DYNAMODB_JSON, the default; native: CBOR, CSV. ION is refused."""
    export_type: str | None = None
    incremental_export_specification: IncrementalExportSpecification | None = None
    filter_specification: FilterSpecification | None = None


@dataclass(frozen=True, slots=True)
class ExportDescription:
    export_arn: str
    export_status: ExportStatus
    start_time_ms: int
    table_arn: str
    table_id: str
    s3_bucket: str
    s3_sse_algorithm: str
    export_format: str
    end_time_ms: int | None = None
    export_manifest: str | None = None
    """The name of its summary, once it is COMPLETED."""
    export_time_ms: int | None = None
    client_token: str | None = None
    s3_bucket_owner: str | None = None
    s3_prefix: str | None = None
    failure_code: str | None = None
    failure_message: str | None = None
    billed_size_bytes: int | None = None
    item_count: int | None = None
    export_type: str | None = None
    incremental_export_specification: IncrementalExportSpecification | None = None
    filter_specification: FilterSpecification | None = None


@dataclass(frozen=True, slots=True)
class ExportTableToPointInTimeResult:
    export_description: ExportDescription


@dataclass(frozen=True, slots=True)
class DescribeExport:
    export_arn: str


@dataclass(frozen=True, slots=True)
class DescribeExportResult:
    export_description: ExportDescription


@dataclass(frozen=True, slots=True)
class ListExports:
    """The exports, newest first."""

    table_arn: str | None = None
    max_results: int | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True)
class ExportSummary:
    export_arn: str
    export_status: ExportStatus
    export_type: str


@dataclass(frozen=True, slots=True)
class ListExportsResult:
    export_summaries: list[ExportSummary]
    next_token: str | None = None


@dataclass(frozen=True, slots=True)
class S3BucketSource:
    s3_bucket: str
    s3_bucket_owner: str | None = None
    s3_key_prefix: str | None = None


@dataclass(frozen=True, slots=True)
class CsvOptions:
    delimiter: str | None = None
    header_list: list[str] | None = None


@dataclass(frozen=True, slots=True)
class InputFormatOptions:
    csv: CsvOptions | None = None


@dataclass(frozen=True, slots=True)
class ImportTable:
    s3_bucket_source: S3BucketSource
    input_format: str
    """DYNAMODB_JSON, CSV; native: CBOR. ION is refused."""
    table_creation_parameters: CreateTable | None = None
    """The new table; exactly one of this and ``table_name`` is given."""
    client_token: str | None = None
    input_format_options: InputFormatOptions | None = None
    input_compression_type: str | None = None
    """NONE, the default, GZIP or ZSTD. An export's files are gzip, whatever is said."""
    table_name: str | None = None
    """Native: a table that exists."""


@dataclass(frozen=True, slots=True)
class BadRecord:
    """One record that was left out. Native."""

    object_name: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class ImportTableDescription:
    import_arn: str
    import_status: ImportStatus
    table_arn: str
    table_id: str
    s3_bucket_source: S3BucketSource
    error_count: int
    input_format: str
    input_compression_type: str
    start_time_ms: int
    processed_size_bytes: int
    processed_item_count: int
    imported_item_count: int
    client_token: str | None = None
    input_format_options: InputFormatOptions | None = None
    table_creation_parameters: CreateTable | None = None
    end_time_ms: int | None = None
    failure_code: str | None = None
    failure_message: str | None = None
    errors: tuple[BadRecord, ...] = ()
    """Native: the first of ``error_count``."""


@dataclass(frozen=True, slots=True)
class ImportTableResult:
    import_table_description: ImportTableDescription


@dataclass(frozen=True, slots=True)
class DescribeImport:
    import_arn: str


@dataclass(frozen=True, slots=True)
class DescribeImportResult:
    import_table_description: ImportTableDescription


@dataclass(frozen=True, slots=True)
class ListImports:
    """The imports, newest first."""

    table_arn: str | None = None
    page_size: int | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True)
class ImportSummary:
    import_arn: str
    import_status: ImportStatus
    table_arn: str
    s3_bucket_source: S3BucketSource
    input_format: str
    start_time_ms: int
    end_time_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ListImportsResult:
    import_summary_list: list[ImportSummary]
    next_token: str | None = None


TransferRequest: TypeAlias = (
    ExportTableToPointInTime | DescribeExport | ListExports | ImportTable | DescribeImport | ListImports
)
TransferResult: TypeAlias = (
    ExportTableToPointInTimeResult
    | DescribeExportResult
    | ListExportsResult
    | ImportTableResult
    | DescribeImportResult
    | ListImportsResult
)
