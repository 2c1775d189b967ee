from kvdb.rpc.gen import items_pb2 as _items_pb2
from kvdb.rpc.gen import tables_pb2 as _tables_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class IncrementalExportSpecification(_message.Message):
    __slots__ = ("export_from_time_ms", "export_to_time_ms", "export_view_type")
    EXPORT_FROM_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    EXPORT_TO_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    EXPORT_VIEW_TYPE_FIELD_NUMBER: _ClassVar[int]
    export_from_time_ms: int
    export_to_time_ms: int
    export_view_type: str
    def __init__(self, export_from_time_ms: _Optional[int] = ..., export_to_time_ms: _Optional[int] = ..., export_view_type: _Optional[str] = ...) -> None: ...

class FilterSpecification(_message.Message):
    __slots__ = ("filter_expression", "projection_expression", "key_condition_expression", "expression_attribute_names", "expression_attribute_values")
    FILTER_EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    PROJECTION_EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    KEY_CONDITION_EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_ATTRIBUTE_NAMES_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_ATTRIBUTE_VALUES_FIELD_NUMBER: _ClassVar[int]
    filter_expression: str
    projection_expression: str
    key_condition_expression: str
    expression_attribute_names: _items_pb2.NameMap
    expression_attribute_values: _items_pb2.AttributeMap
    def __init__(self, filter_expression: _Optional[str] = ..., projection_expression: _Optional[str] = ..., key_condition_expression: _Optional[str] = ..., expression_attribute_names: _Optional[_Union[_items_pb2.NameMap, _Mapping]] = ..., expression_attribute_values: _Optional[_Union[_items_pb2.AttributeMap, _Mapping]] = ...) -> None: ...

class ExportTableToPointInTimeRequest(_message.Message):
    __slots__ = ("table_arn", "s3_bucket", "export_time_ms", "client_token", "s3_bucket_owner", "s3_prefix", "s3_sse_algorithm", "s3_sse_kms_key_id", "export_format", "export_type", "incremental_export_specification", "filter_specification")
    TABLE_ARN_FIELD_NUMBER: _ClassVar[int]
    S3_BUCKET_FIELD_NUMBER: _ClassVar[int]
    EXPORT_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    CLIENT_TOKEN_FIELD_NUMBER: _ClassVar[int]
    S3_BUCKET_OWNER_FIELD_NUMBER: _ClassVar[int]
    S3_PREFIX_FIELD_NUMBER: _ClassVar[int]
    S3_SSE_ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    S3_SSE_KMS_KEY_ID_FIELD_NUMBER: _ClassVar[int]
    EXPORT_FORMAT_FIELD_NUMBER: _ClassVar[int]
    EXPORT_TYPE_FIELD_NUMBER: _ClassVar[int]
    INCREMENTAL_EXPORT_SPECIFICATION_FIELD_NUMBER: _ClassVar[int]
    FILTER_SPECIFICATION_FIELD_NUMBER: _ClassVar[int]
    table_arn: str
    s3_bucket: str
    export_time_ms: int
    client_token: str
    s3_bucket_owner: str
    s3_prefix: str
    s3_sse_algorithm: str
    s3_sse_kms_key_id: str
    export_format: str
    export_type: str
    incremental_export_specification: IncrementalExportSpecification
    filter_specification: FilterSpecification
    def __init__(self, table_arn: _Optional[str] = ..., s3_bucket: _Optional[str] = ..., export_time_ms: _Optional[int] = ..., client_token: _Optional[str] = ..., s3_bucket_owner: _Optional[str] = ..., s3_prefix: _Optional[str] = ..., s3_sse_algorithm: _Optional[str] = ..., s3_sse_kms_key_id: _Optional[str] = ..., export_format: _Optional[str] = ..., export_type: _Optional[str] = ..., incremental_export_specification: _Optional[_Union[IncrementalExportSpecification, _Mapping]] = ..., filter_specification: _Optional[_Union[FilterSpecification, _Mapping]] = ...) -> None: ...

class ExportDescription(_message.Message):
    __slots__ = ("export_arn", "export_status", "start_time_ms", "table_arn", "table_id", "s3_bucket", "s3_sse_algorithm", "export_format", "end_time_ms", "export_manifest", "export_time_ms", "client_token", "s3_bucket_owner", "s3_prefix", "failure_code", "failure_message", "billed_size_bytes", "item_count", "export_type", "incremental_export_specification", "filter_specification")
    EXPORT_ARN_FIELD_NUMBER: _ClassVar[int]
    EXPORT_STATUS_FIELD_NUMBER: _ClassVar[int]
    START_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    TABLE_ARN_FIELD_NUMBER: _ClassVar[int]
    TABLE_ID_FIELD_NUMBER: _ClassVar[int]
    S3_BUCKET_FIELD_NUMBER: _ClassVar[int]
    S3_SSE_ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    EXPORT_FORMAT_FIELD_NUMBER: _ClassVar[int]
    END_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    EXPORT_MANIFEST_FIELD_NUMBER: _ClassVar[int]
    EXPORT_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    CLIENT_TOKEN_FIELD_NUMBER: _ClassVar[int]
    S3_BUCKET_OWNER_FIELD_NUMBER: _ClassVar[int]
    S3_PREFIX_FIELD_NUMBER: _ClassVar[int]
    FAILURE_CODE_FIELD_NUMBER: _ClassVar[int]
    FAILURE_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    BILLED_SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    ITEM_COUNT_FIELD_NUMBER: _ClassVar[int]
    EXPORT_TYPE_FIELD_NUMBER: _ClassVar[int]
    INCREMENTAL_EXPORT_SPECIFICATION_FIELD_NUMBER: _ClassVar[int]
    FILTER_SPECIFICATION_FIELD_NUMBER: _ClassVar[int]
    export_arn: str
    export_status: str
    start_time_ms: int
    table_arn: str
    table_id: str
    s3_bucket: str
    s3_sse_algorithm: str
    export_format: str
    end_time_ms: int
    export_manifest: str
    export_time_ms: int
    client_token: str
    s3_bucket_owner: str
    s3_prefix: str
    failure_code: str
    failure_message: str
    billed_size_bytes: int
    item_count: int
    export_type: str
    incremental_export_specification: IncrementalExportSpecification
    filter_specification: FilterSpecification
    def __init__(self, export_arn: _Optional[str] = ..., export_status: _Optional[str] = ..., start_time_ms: _Optional[int] = ..., table_arn: _Optional[str] = ..., table_id: _Optional[str] = ..., s3_bucket: _Optional[str] = ..., s3_sse_algorithm: _Optional[str] = ..., export_format: _Optional[str] = ..., end_time_ms: _Optional[int] = ..., export_manifest: _Optional[str] = ..., export_time_ms: _Optional[int] = ..., client_token: _Optional[str] = ..., s3_bucket_owner: _Optional[str] = ..., s3_prefix: _Optional[str] = ..., failure_code: _Optional[str] = ..., failure_message: _Optional[str] = ..., billed_size_bytes: _Optional[int] = ..., item_count: _Optional[int] = ..., export_type: _Optional[str] = ..., incremental_export_specification: _Optional[_Union[IncrementalExportSpecification, _Mapping]] = ..., filter_specification: _Optional[_Union[FilterSpecification, _Mapping]] = ...) -> None: ...

class ExportTableToPointInTimeResponse(_message.Message):
    __slots__ = ("export_description",)
    EXPORT_DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    export_description: ExportDescription
    def __init__(self, export_description: _Optional[_Union[ExportDescription, _Mapping]] = ...) -> None: ...

class DescribeExportRequest(_message.Message):
    __slots__ = ("export_arn",)
    EXPORT_ARN_FIELD_NUMBER: _ClassVar[int]
    export_arn: str
    def __init__(self, export_arn: _Optional[str] = ...) -> None: ...

class DescribeExportResponse(_message.Message):
    __slots__ = ("export_description",)
    EXPORT_DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    export_description: ExportDescription
    def __init__(self, export_description: _Optional[_Union[ExportDescription, _Mapping]] = ...) -> None: ...

class ListExportsRequest(_message.Message):
    __slots__ = ("table_arn", "max_results", "next_token")
    TABLE_ARN_FIELD_NUMBER: _ClassVar[int]
    MAX_RESULTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_TOKEN_FIELD_NUMBER: _ClassVar[int]
    table_arn: str
    max_results: int
    next_token: str
    def __init__(self, table_arn: _Optional[str] = ..., max_results: _Optional[int] = ..., next_token: _Optional[str] = ...) -> None: ...

class ExportSummary(_message.Message):
    __slots__ = ("export_arn", "export_status", "export_type")
    EXPORT_ARN_FIELD_NUMBER: _ClassVar[int]
    EXPORT_STATUS_FIELD_NUMBER: _ClassVar[int]
    EXPORT_TYPE_FIELD_NUMBER: _ClassVar[int]
    export_arn: str
    export_status: str
    export_type: str
    def __init__(self, export_arn: _Optional[str] = ..., export_status: _Optional[str] = ..., export_type: _Optional[str] = ...) -> None: ...

class ListExportsResponse(_message.Message):
    __slots__ = ("export_summaries", "next_token")
    EXPORT_SUMMARIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_TOKEN_FIELD_NUMBER: _ClassVar[int]
    export_summaries: _containers.RepeatedCompositeFieldContainer[ExportSummary]
    next_token: str
    def __init__(self, export_summaries: _Optional[_Iterable[_Union[ExportSummary, _Mapping]]] = ..., next_token: _Optional[str] = ...) -> None: ...

class S3BucketSource(_message.Message):
    __slots__ = ("s3_bucket", "s3_bucket_owner", "s3_key_prefix")
    S3_BUCKET_FIELD_NUMBER: _ClassVar[int]
    S3_BUCKET_OWNER_FIELD_NUMBER: _ClassVar[int]
    S3_KEY_PREFIX_FIELD_NUMBER: _ClassVar[int]
    s3_bucket: str
    s3_bucket_owner: str
    s3_key_prefix: str
    def __init__(self, s3_bucket: _Optional[str] = ..., s3_bucket_owner: _Optional[str] = ..., s3_key_prefix: _Optional[str] = ...) -> None: ...

class CsvOptions(_message.Message):
    __slots__ = ("delimiter", "header_list")
    DELIMITER_FIELD_NUMBER: _ClassVar[int]
    HEADER_LIST_FIELD_NUMBER: _ClassVar[int]
    delimiter: str
    header_list: _items_pb2.TextList
    def __init__(self, delimiter: _Optional[str] = ..., header_list: _Optional[_Union[_items_pb2.TextList, _Mapping]] = ...) -> None: ...

class InputFormatOptions(_message.Message):
    __slots__ = ("csv",)
    CSV_FIELD_NUMBER: _ClassVar[int]
    csv: CsvOptions
    def __init__(self, csv: _Optional[_Union[CsvOptions, _Mapping]] = ...) -> None: ...

class ImportTableRequest(_message.Message):
    __slots__ = ("s3_bucket_source", "input_format", "table_creation_parameters", "client_token", "input_format_options", "input_compression_type", "table_name")
    S3_BUCKET_SOURCE_FIELD_NUMBER: _ClassVar[int]
    INPUT_FORMAT_FIELD_NUMBER: _ClassVar[int]
    TABLE_CREATION_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    CLIENT_TOKEN_FIELD_NUMBER: _ClassVar[int]
    INPUT_FORMAT_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    INPUT_COMPRESSION_TYPE_FIELD_NUMBER: _ClassVar[int]
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    s3_bucket_source: S3BucketSource
    input_format: str
    table_creation_parameters: _tables_pb2.CreateTableRequest
    client_token: str
    input_format_options: InputFormatOptions
    input_compression_type: str
    table_name: str
    def __init__(self, s3_bucket_source: _Optional[_Union[S3BucketSource, _Mapping]] = ..., input_format: _Optional[str] = ..., table_creation_parameters: _Optional[_Union[_tables_pb2.CreateTableRequest, _Mapping]] = ..., client_token: _Optional[str] = ..., input_format_options: _Optional[_Union[InputFormatOptions, _Mapping]] = ..., input_compression_type: _Optional[str] = ..., table_name: _Optional[str] = ...) -> None: ...

class BadRecord(_message.Message):
    __slots__ = ("object_name", "line", "reason")
    OBJECT_NAME_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    object_name: str
    line: int
    reason: str
    def __init__(self, object_name: _Optional[str] = ..., line: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class ImportTableDescription(_message.Message):
    __slots__ = ("import_arn", "import_status", "table_arn", "table_id", "s3_bucket_source", "error_count", "input_format", "input_compression_type", "start_time_ms", "processed_size_bytes", "processed_item_count", "imported_item_count", "client_token", "input_format_options", "table_creation_parameters", "end_time_ms", "failure_code", "failure_message", "errors")
    IMPORT_ARN_FIELD_NUMBER: _ClassVar[int]
    IMPORT_STATUS_FIELD_NUMBER: _ClassVar[int]
    TABLE_ARN_FIELD_NUMBER: _ClassVar[int]
    TABLE_ID_FIELD_NUMBER: _ClassVar[int]
    S3_BUCKET_SOURCE_FIELD_NUMBER: _ClassVar[int]
    ERROR_COUNT_FIELD_NUMBER: _ClassVar[int]
    INPUT_FORMAT_FIELD_NUMBER: _ClassVar[int]
    INPUT_COMPRESSION_TYPE_FIELD_NUMBER: _ClassVar[int]
    START_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    PROCESSED_SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    PROCESSED_ITEM_COUNT_FIELD_NUMBER: _ClassVar[int]
    IMPORTED_ITEM_COUNT_FIELD_NUMBER: _ClassVar[int]
    CLIENT_TOKEN_FIELD_NUMBER: _ClassVar[int]
    INPUT_FORMAT_OPTIONS_FIELD_NUMBER: _ClassVar[int]
    TABLE_CREATION_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    END_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    FAILURE_CODE_FIELD_NUMBER: _ClassVar[int]
    FAILURE_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    import_arn: str
    import_status: str
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
    client_token: str
    input_format_options: InputFormatOptions
    table_creation_parameters: _tables_pb2.CreateTableRequest
    end_time_ms: int
    failure_code: str
    failure_message: str
    errors: _containers.RepeatedCompositeFieldContainer[BadRecord]
    def __init__(self, import_arn: _Optional[str] = ..., import_status: _Optional[str] = ..., table_arn: _Optional[str] = ..., table_id: _Optional[str] = ..., s3_bucket_source: _Optional[_Union[S3BucketSource, _Mapping]] = ..., error_count: _Optional[int] = ..., input_format: _Optional[str] = ..., input_compression_type: _Optional[str] = ..., start_time_ms: _Optional[int] = ..., processed_size_bytes: _Optional[int] = ..., processed_item_count: _Optional[int] = ..., imported_item_count: _Optional[int] = ..., client_token: _Optional[str] = ..., input_format_options: _Optional[_Union[InputFormatOptions, _Mapping]] = ..., table_creation_parameters: _Optional[_Union[_tables_pb2.CreateTableRequest, _Mapping]] = ..., end_time_ms: _Optional[int] = ..., failure_code: _Optional[str] = ..., failure_message: _Optional[str] = ..., errors: _Optional[_Iterable[_Union[BadRecord, _Mapping]]] = ...) -> None: ...

class ImportTableResponse(_message.Message):
    __slots__ = ("import_table_description",)
    IMPORT_TABLE_DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    import_table_description: ImportTableDescription
    def __init__(self, import_table_description: _Optional[_Union[ImportTableDescription, _Mapping]] = ...) -> None: ...

class DescribeImportRequest(_message.Message):
    __slots__ = ("import_arn",)
    IMPORT_ARN_FIELD_NUMBER: _ClassVar[int]
    import_arn: str
    def __init__(self, import_arn: _Optional[str] = ...) -> None: ...

class DescribeImportResponse(_message.Message):
    __slots__ = ("import_table_description",)
    IMPORT_TABLE_DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    import_table_description: ImportTableDescription
    def __init__(self, import_table_description: _Optional[_Union[ImportTableDescription, _Mapping]] = ...) -> None: ...

class ListImportsRequest(_message.Message):
    __slots__ = ("table_arn", "page_size", "next_token")
    TABLE_ARN_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    NEXT_TOKEN_FIELD_NUMBER: _ClassVar[int]
    table_arn: str
    page_size: int
    next_token: str
    def __init__(self, table_arn: _Optional[str] = ..., page_size: _Optional[int] = ..., next_token: _Optional[str] = ...) -> None: ...

class ImportSummary(_message.Message):
    __slots__ = ("import_arn", "import_status", "table_arn", "s3_bucket_source", "input_format", "start_time_ms", "end_time_ms")
    IMPORT_ARN_FIELD_NUMBER: _ClassVar[int]
    IMPORT_STATUS_FIELD_NUMBER: _ClassVar[int]
    TABLE_ARN_FIELD_NUMBER: _ClassVar[int]
    S3_BUCKET_SOURCE_FIELD_NUMBER: _ClassVar[int]
    INPUT_FORMAT_FIELD_NUMBER: _ClassVar[int]
    START_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    END_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    import_arn: str
    import_status: str
    table_arn: str
    s3_bucket_source: S3BucketSource
    input_format: str
    start_time_ms: int
    end_time_ms: int
    def __init__(self, import_arn: _Optional[str] = ..., import_status: _Optional[str] = ..., table_arn: _Optional[str] = ..., s3_bucket_source: _Optional[_Union[S3BucketSource, _Mapping]] = ..., input_format: _Optional[str] = ..., start_time_ms: _Optional[int] = ..., end_time_ms: _Optional[int] = ...) -> None: ...

class ListImportsResponse(_message.Message):
    __slots__ = ("import_summary_list", "next_token")
    IMPORT_SUMMARY_LIST_FIELD_NUMBER: _ClassVar[int]
    NEXT_TOKEN_FIELD_NUMBER: _ClassVar[int]
    import_summary_list: _containers.RepeatedCompositeFieldContainer[ImportSummary]
    next_token: str
    def __init__(self, import_summary_list: _Optional[_Iterable[_Union[ImportSummary, _Mapping]]] = ..., next_token: _Optional[str] = ...) -> None: ...
