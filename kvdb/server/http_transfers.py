"""Exports and imports in JSON: their requests and results as tables of fields.

What the contract knows beyond the service (``table_name`` of an import, its ``errors``) is left out.
"""

from __future__ import annotations

from kvdb.api import transfers as api
from kvdb.server.http_shapes import (
    EXPRESSION_VALUES,
    INTEGER,
    LONG,
    SECONDS,
    STRING,
    Field,
    list_of,
    map_of,
    struct,
    wrapped,
)
from kvdb.server.http_tables import TABLE_CREATION_PARAMETERS

_INCREMENT = Field(
    "IncrementalExportSpecification",
    "incremental_export_specification",
    struct(
        "IncrementalExportSpecification",
        api.IncrementalExportSpecification,
        Field("ExportFromTime", "export_from_time_ms", SECONDS),
        Field("ExportToTime", "export_to_time_ms", SECONDS),
        Field("ExportViewType", "export_view_type", STRING),
    ),
)
_FILTER = Field(
    "FilterSpecification",
    "filter_specification",
    struct(
        "FilterSpecification",
        api.FilterSpecification,
        Field("FilterExpression", "filter_expression", STRING),
        Field("ProjectionExpression", "projection_expression", STRING),
        Field("KeyConditionExpression", "key_condition_expression", STRING),
        Field("ExpressionAttributeNames", "expression_attribute_names", map_of(STRING)),
        Field("ExpressionAttributeValues", "expression_attribute_values", EXPRESSION_VALUES),
    ),
)
_CLIENT_TOKEN = Field("ClientToken", "client_token", STRING)
_NEXT_TOKEN = Field("NextToken", "next_token", STRING)
_TABLE_ARN = Field("TableArn", "table_arn", STRING)
_EXPORT_TIME = Field("ExportTime", "export_time_ms", SECONDS)
_PLACE = (
    Field("S3BucketOwner", "s3_bucket_owner", STRING),
    Field("S3Prefix", "s3_prefix", STRING),
    Field("S3SseAlgorithm", "s3_sse_algorithm", STRING),
)
_TYPES = (Field("ExportFormat", "export_format", STRING), Field("ExportType", "export_type", STRING))
_BUCKET = Field("S3Bucket", "s3_bucket", STRING, is_required=True)

EXPORT_TABLE = struct(
    "ExportTableToPointInTimeInput",
    api.ExportTableToPointInTime,
    _TABLE_ARN._replace(is_required=True),
    _BUCKET,
    _EXPORT_TIME,
    _CLIENT_TOKEN,
    *_PLACE,
    Field("S3SseKmsKeyId", "s3_sse_kms_key_id", STRING),
    *_TYPES,
    _INCREMENT,
    _FILTER,
)
_EXPORT = struct(
    "ExportDescription",
    api.ExportDescription,
    Field("ExportArn", "export_arn", STRING),
    Field("ExportStatus", "export_status", STRING),
    Field("StartTime", "start_time_ms", SECONDS),
    Field("EndTime", "end_time_ms", SECONDS),
    Field("ExportManifest", "export_manifest", STRING),
    _TABLE_ARN,
    Field("TableId", "table_id", STRING),
    _EXPORT_TIME,
    _CLIENT_TOKEN,
    _BUCKET,
    *_PLACE,
    Field("FailureCode", "failure_code", STRING),
    Field("FailureMessage", "failure_message", STRING),
    *_TYPES,
    Field("BilledSizeBytes", "billed_size_bytes", LONG),
    Field("ItemCount", "item_count", LONG),
    _INCREMENT,
    _FILTER,
)
WRITE_EXPORT = wrapped(Field("ExportDescription", "export_description", _EXPORT))
DESCRIBE_EXPORT = struct(
    "DescribeExportInput", api.DescribeExport, Field("ExportArn", "export_arn", STRING, is_required=True)
)
LIST_EXPORTS = struct(
    "ListExportsInput",
    api.ListExports,
    _TABLE_ARN,
    Field("MaxResults", "max_results", INTEGER),
    _NEXT_TOKEN,
)
WRITE_LIST_EXPORTS = wrapped(
    Field(
        "ExportSummaries",
        "export_summaries",
        list_of(
            struct(
                "ExportSummary",
                api.ExportSummary,
                Field("ExportArn", "export_arn", STRING),
                Field("ExportStatus", "export_status", STRING),
                Field("ExportType", "export_type", STRING),
            )
        ),
    ),
    _NEXT_TOKEN,
)

_SOURCE = Field(
    "S3BucketSource",
    "s3_bucket_source",
    struct(
        "S3BucketSource",
        api.S3BucketSource,
        Field("S3BucketOwner", "s3_bucket_owner", STRING),
        _BUCKET,
        Field("S3KeyPrefix", "s3_key_prefix", STRING),
    ),
    is_required=True,
)
_INPUT_FORMAT = Field("InputFormat", "input_format", STRING, is_required=True)
_OPTIONS = Field(
    "InputFormatOptions",
    "input_format_options",
    struct(
        "InputFormatOptions",
        api.InputFormatOptions,
        Field(
            "Csv",
            "csv",
            struct(
                "CsvOptions",
                api.CsvOptions,
                Field("Delimiter", "delimiter", STRING),
                Field("HeaderList", "header_list", list_of(STRING)),
            ),
        ),
    ),
)
_COMPRESSION = Field("InputCompressionType", "input_compression_type", STRING)
_CREATED = Field("TableCreationParameters", "table_creation_parameters", TABLE_CREATION_PARAMETERS)
_IMPORT_ARN = Field("ImportArn", "import_arn", STRING)
_IMPORT_STATUS = Field("ImportStatus", "import_status", STRING)
_TIMES = (Field("StartTime", "start_time_ms", SECONDS), Field("EndTime", "end_time_ms", SECONDS))

IMPORT_TABLE = struct(
    "ImportTableInput",
    api.ImportTable,
    _CLIENT_TOKEN,
    _SOURCE,
    _INPUT_FORMAT,
    _OPTIONS,
    _COMPRESSION,
    _CREATED._replace(is_required=True),
)
WRITE_IMPORT = wrapped(
    Field(
        "ImportTableDescription",
        "import_table_description",
        struct(
            "ImportTableDescription",
            api.ImportTableDescription,
            _IMPORT_ARN,
            _IMPORT_STATUS,
            _TABLE_ARN,
            Field("TableId", "table_id", STRING),
            _CLIENT_TOKEN,
            _SOURCE,
            Field("ErrorCount", "error_count", LONG),
            _INPUT_FORMAT,
            _OPTIONS,
            _COMPRESSION,
            _CREATED,
            *_TIMES,
            Field("ProcessedSizeBytes", "processed_size_bytes", LONG),
            Field("ProcessedItemCount", "processed_item_count", LONG),
            Field("ImportedItemCount", "imported_item_count", LONG),
            Field("FailureCode", "failure_code", STRING),
            Field("FailureMessage", "failure_message", STRING),
        ),
    )
)
DESCRIBE_IMPORT = struct("DescribeImportInput", api.DescribeImport, _IMPORT_ARN._replace(is_required=True))
LIST_IMPORTS = struct(
    "ListImportsInput", api.ListImports, _TABLE_ARN, Field("PageSize", "page_size", INTEGER), _NEXT_TOKEN
)
WRITE_LIST_IMPORTS = wrapped(
    Field(
        "ImportSummaryList",
        "import_summary_list",
        list_of(
            struct(
                "ImportSummary",
                api.ImportSummary,
                _IMPORT_ARN,
                _IMPORT_STATUS,
                _TABLE_ARN,
                _SOURCE,
                _INPUT_FORMAT,
                *_TIMES,
            )
        ),
    ),
    _NEXT_TOKEN,
)
