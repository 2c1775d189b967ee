"""The messages of ``transfers.proto``, a pair each."""

from __future__ import annotations

from kvdb.api import transfers
from kvdb.rpc import fields
from kvdb.rpc.fields import Pair
from kvdb.rpc.gen import transfers_pb2
from kvdb.rpc.table_pairs import CREATE_TABLE

_INCREMENT = fields.optional_message(
    "incremental_export_specification",
    Pair(
        transfers.IncrementalExportSpecification,
        transfers_pb2.IncrementalExportSpecification,
        *map(fields.optional, ("export_from_time_ms", "export_to_time_ms", "export_view_type")),
    ),
)
_FILTER = fields.optional_message(
    "filter_specification",
    Pair(
        transfers.FilterSpecification,
        transfers_pb2.FilterSpecification,
        *map(fields.optional, ("filter_expression", "projection_expression", "key_condition_expression")),
        fields.optional_names("expression_attribute_names"),
        fields.optional_placeholder_values("expression_attribute_values"),
    ),
)
_EXPORT = fields.message(
    "export_description",
    Pair(
        transfers.ExportDescription,
        transfers_pb2.ExportDescription,
        *map(fields.scalar, ("export_arn", "export_status", "start_time_ms", "table_arn", "table_id")),
        *map(fields.scalar, ("s3_bucket", "s3_sse_algorithm", "export_format")),
        *map(fields.optional, ("end_time_ms", "export_manifest", "export_time_ms", "client_token")),
        *map(fields.optional, ("s3_bucket_owner", "s3_prefix", "failure_code", "failure_message")),
        *map(fields.optional, ("billed_size_bytes", "item_count", "export_type")),
        _INCREMENT,
        _FILTER,
    ),
)
EXPORT_TABLE = Pair(
    transfers.ExportTableToPointInTime,
    transfers_pb2.ExportTableToPointInTimeRequest,
    *map(fields.scalar, ("table_arn", "s3_bucket")),
    *map(fields.optional, ("export_time_ms", "client_token", "s3_bucket_owner", "s3_prefix")),
    *map(fields.optional, ("s3_sse_algorithm", "s3_sse_kms_key_id", "export_format", "export_type")),
    _INCREMENT,
    _FILTER,
)
EXPORT_TABLE_RESULT = Pair(
    transfers.ExportTableToPointInTimeResult, transfers_pb2.ExportTableToPointInTimeResponse, _EXPORT
)
DESCRIBE_EXPORT = Pair(
    transfers.DescribeExport, transfers_pb2.DescribeExportRequest, fields.scalar("export_arn")
)
DESCRIBE_EXPORT_RESULT = Pair(transfers.DescribeExportResult, transfers_pb2.DescribeExportResponse, _EXPORT)
LIST_EXPORTS = Pair(
    transfers.ListExports,
    transfers_pb2.ListExportsRequest,
    *map(fields.optional, ("table_arn", "max_results", "next_token")),
)
LIST_EXPORTS_RESULT = Pair(
    transfers.ListExportsResult,
    transfers_pb2.ListExportsResponse,
    fields.messages(
        "export_summaries",
        Pair(
            transfers.ExportSummary,
            transfers_pb2.ExportSummary,
            *map(fields.scalar, ("export_arn", "export_status", "export_type")),
        ),
    ),
    fields.optional("next_token"),
)

_SOURCE = fields.message(
    "s3_bucket_source",
    Pair(
        transfers.S3BucketSource,
        transfers_pb2.S3BucketSource,
        fields.scalar("s3_bucket"),
        *map(fields.optional, ("s3_bucket_owner", "s3_key_prefix")),
    ),
)
_CSV = Pair(
    transfers.CsvOptions,
    transfers_pb2.CsvOptions,
    fields.optional("delimiter"),
    fields.wrapped("header_list", fields.texts("values")),
)
_OPTIONS = fields.optional_message(
    "input_format_options",
    Pair(
        transfers.InputFormatOptions, transfers_pb2.InputFormatOptions, fields.optional_message("csv", _CSV)
    ),
)
_CREATED = fields.optional_message("table_creation_parameters", CREATE_TABLE)
_BAD_RECORD = Pair(
    transfers.BadRecord,
    transfers_pb2.BadRecord,
    *map(fields.scalar, ("object_name", "line", "reason")),
)
_IMPORT = fields.message(
    "import_table_description",
    Pair(
        transfers.ImportTableDescription,
        transfers_pb2.ImportTableDescription,
        *map(fields.scalar, ("import_arn", "import_status", "table_arn", "table_id")),
        _SOURCE,
        *map(fields.scalar, ("error_count", "input_format", "input_compression_type", "start_time_ms")),
        *map(fields.scalar, ("processed_size_bytes", "processed_item_count", "imported_item_count")),
        fields.optional("client_token"),
        _OPTIONS,
        _CREATED,
        *map(fields.optional, ("end_time_ms", "failure_code", "failure_message")),
        fields.messages("errors", _BAD_RECORD, tuple),
    ),
)
IMPORT_TABLE = Pair(
    transfers.ImportTable,
    transfers_pb2.ImportTableRequest,
    _SOURCE,
    fields.scalar("input_format"),
    _CREATED,
    fields.optional("client_token"),
    _OPTIONS,
    *map(fields.optional, ("input_compression_type", "table_name")),
)
IMPORT_TABLE_RESULT = Pair(transfers.ImportTableResult, transfers_pb2.ImportTableResponse, _IMPORT)
DESCRIBE_IMPORT = Pair(
    transfers.DescribeImport, transfers_pb2.DescribeImportRequest, fields.scalar("import_arn")
)
DESCRIBE_IMPORT_RESULT = Pair(transfers.DescribeImportResult, transfers_pb2.DescribeImportResponse, _IMPORT)
LIST_IMPORTS = Pair(
    transfers.ListImports,
    transfers_pb2.ListImportsRequest,
    *map(fields.optional, ("table_arn", "page_size", "next_token")),
)
LIST_IMPORTS_RESULT = Pair(
    transfers.ListImportsResult,
    transfers_pb2.ListImportsResponse,
    fields.messages(
        "import_summary_list",
        Pair(
            transfers.ImportSummary,
            transfers_pb2.ImportSummary,
            *map(fields.scalar, ("import_arn", "import_status", "table_arn")),
            _SOURCE,
            *map(fields.scalar, ("input_format", "start_time_ms")),
            fields.optional("end_time_ms"),
        ),
    ),
    fields.optional("next_token"),
)
