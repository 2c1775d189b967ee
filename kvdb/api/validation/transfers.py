"""Checks of the calls about exports and imports.

Sources: service model for patterns and bounds. What a message of the service's says was recorded from it
in October 2026 by ack-api-quirks; the others are ours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from kvdb import limits
from kvdb.api.tables import CreateTable
from kvdb.api.transfers import (
    CsvOptions,
    DescribeExport,
    DescribeImport,
    ExportTableToPointInTime,
    FilterSpecification,
    ImportTable,
    IncrementalExportSpecification,
    InputFormatOptions,
    ListExports,
    ListImports,
    S3BucketSource,
)
from kvdb.api.validation import tables
from kvdb.api.validation.fields import (
    check_expressions,
    check_int,
    check_list,
    check_long,
    check_table_name,
    constraint,
    enum_faults,
    refuse_if,
    wrong_type,
)
from kvdb.errors import ValidationError

EXPORT_FORMATS: Final = ("DYNAMODB_JSON", "CBOR", "CSV", "ION")
INPUT_FORMATS: Final = ("DYNAMODB_JSON", "CBOR", "CSV", "ION")
_BUCKET: Final = re.compile(r"[a-z0-9A-Z]+[.\-\w]*[a-z0-9A-Z]+", re.ASCII)
_OWNER: Final = re.compile(r"[0-9]{12}")
_PREFIX_CHARS_MAX: Final = 1024
_ARN_CHARS_MAX: Final = 1024
_TOKEN_CHARS_MAX: Final = 1024
_DELIMITERS: Final = ",;:|\t "
_HEADERS_MAX: Final = 255
_ION: Final = "Ion is not supported: choose DYNAMODB_JSON or CBOR"


def check_export(request: ExportTableToPointInTime) -> None:
    check_long("export_time_ms", request.export_time_ms)
    faults = [
        *_text_faults(request.table_arn, "tableArn", 1, _ARN_CHARS_MAX),
        *_bucket_faults(request.s3_bucket, "s3Bucket"),
        *_optional_faults(request.s3_prefix, "s3Prefix", 0, _PREFIX_CHARS_MAX),
        *_token_faults(request.client_token),
        *_owner_faults(request.s3_bucket_owner, "s3BucketOwner"),
        *_enum_faults(request.export_format, "exportFormat", EXPORT_FORMATS),
        *_enum_faults(request.export_type, "exportType", ("FULL_EXPORT", "INCREMENTAL_EXPORT")),
        *_enum_faults(request.s3_sse_algorithm, "s3SseAlgorithm", ("AES256", "KMS")),
    ]
    refuse_if(faults)
    if request.export_format == "ION":
        raise ValidationError(_ION)
    if request.s3_sse_kms_key_id is not None or request.s3_sse_algorithm == "KMS":
        raise ValidationError("Invalid Request: KMS Key Id is not supported for this encryption type")
    _check_prefix(request.s3_prefix)
    _check_increment(request)
    _check_filter(request.filter_specification)


def _check_increment(request: ExportTableToPointInTime) -> None:
    asked = request.incremental_export_specification
    if request.export_type != "INCREMENTAL_EXPORT":
        if asked is not None:
            raise ValidationError("IncrementalExportSpecification is for ExportType INCREMENTAL_EXPORT only")
        return
    if not isinstance(asked, IncrementalExportSpecification):
        raise ValidationError("ExportType INCREMENTAL_EXPORT needs an IncrementalExportSpecification")
    check_long("export_from_time_ms", asked.export_from_time_ms)
    check_long("export_to_time_ms", asked.export_to_time_ms)
    refuse_if(
        _enum_faults(
            asked.export_view_type,
            "incrementalExportSpecification.exportViewType",
            ("NEW_IMAGE", "NEW_AND_OLD_IMAGES"),
        )
    )
    if asked.export_from_time_ms is None:
        raise ValidationError("an incremental export needs an ExportFromTime")
    if request.export_time_ms is not None:
        raise ValidationError("ExportTime is for ExportType FULL_EXPORT only")
    if request.export_format == "CSV":
        raise ValidationError("an incremental export cannot be CSV: choose DYNAMODB_JSON or CBOR")


def _check_filter(asked: FilterSpecification | None) -> None:
    if asked is None:
        return
    if not isinstance(asked, FilterSpecification):
        raise wrong_type("filter_specification", asked, "a FilterSpecification")
    check_expressions(
        asked.expression_attribute_names,
        asked.expression_attribute_values,
        asked.projection_expression,
        FilterExpression=asked.filter_expression,
        KeyConditionExpression=asked.key_condition_expression,
    )


def check_described_export(request: DescribeExport) -> None:
    refuse_if(_text_faults(request.export_arn, "exportArn", 1, _ARN_CHARS_MAX))


def check_list_exports(request: ListExports) -> None:
    _check_page(request.max_results, "maxResults", request.table_arn, request.next_token)


def check_import(request: ImportTable) -> None:
    source = request.s3_bucket_source
    if not isinstance(source, S3BucketSource):
        raise wrong_type("s3_bucket_source", source, "an S3BucketSource")
    refuse_if(
        [
            *_bucket_faults(source.s3_bucket, "s3BucketSource.s3Bucket"),
            *_optional_faults(source.s3_key_prefix, "s3BucketSource.s3KeyPrefix", 0, _PREFIX_CHARS_MAX),
            *_owner_faults(source.s3_bucket_owner, "s3BucketSource.s3BucketOwner"),
            *_token_faults(request.client_token),
            *enum_faults(request.input_format, "inputFormat", INPUT_FORMATS),
            *_enum_faults(request.input_compression_type, "inputCompressionType", ("GZIP", "ZSTD", "NONE")),
        ]
    )
    if request.input_format == "ION":
        raise ValidationError(_ION)
    _check_prefix(source.s3_key_prefix)
    _check_csv(request.input_format_options, request.input_format)
    created = request.table_creation_parameters
    if (created is None) == (request.table_name is None):
        raise ValidationError(
            "one of TableCreationParameters and, at the native doors, table_name must be given"
        )
    if created is None:
        check_table_name(request.table_name)
        return
    if not isinstance(created, CreateTable):
        raise wrong_type("table_creation_parameters", created, "a CreateTable")
    tables.check_create_table(created)
    if created.local_secondary_indexes:
        raise ValidationError("a table with local secondary indexes cannot be imported: create it first")


def _check_csv(options: InputFormatOptions | None, input_format: str) -> None:
    if options is None or options.csv is None:
        return
    csv = options.csv
    if input_format != "CSV":
        raise ValidationError("InputFormatOptions.Csv is for InputFormat CSV only")
    if not isinstance(csv, CsvOptions):
        raise wrong_type("csv", csv, "a CsvOptions")
    if csv.delimiter is not None and (len(csv.delimiter) != 1 or csv.delimiter not in _DELIMITERS):
        raise ValidationError("the delimiter of a CSV file is one of  , ; : | tab space")
    if csv.header_list is not None:
        check_list("header_list", csv.header_list)
        if not 1 <= len(csv.header_list) <= _HEADERS_MAX or not all(
            isinstance(name, str) and 1 <= len(name) <= limits.ATTRIBUTE_NAME_BYTES_MAX
            for name in csv.header_list
        ):
            raise ValidationError(f"a list of CSV headers has 1 to {_HEADERS_MAX} names")


def check_described_import(request: DescribeImport) -> None:
    refuse_if(_text_faults(request.import_arn, "importArn", 1, _ARN_CHARS_MAX))


def check_list_imports(request: ListImports) -> None:
    _check_page(request.page_size, "pageSize", request.table_arn, request.next_token)


def _check_page(size: int | None, place: str, table_arn: str | None, next_token: str | None) -> None:
    check_int(place, size)
    faults = [
        *_optional_faults(table_arn, "tableArn", 1, _ARN_CHARS_MAX),
        *_optional_faults(next_token, "nextToken", 1, _TOKEN_CHARS_MAX),
    ]
    if size is not None and not 1 <= size <= limits.LIST_TRANSFERS_PAGE_MAX:
        rule = "greater than or equal to 1" if size < 1 else "less than or equal to 25"
        faults.append(constraint(size, place, f"have value {rule}"))
    refuse_if(faults)


def _check_prefix(prefix: str | None) -> None:
    if prefix and any(part in ("..", ".") for part in prefix.split("/")):
        raise ValidationError(f"a prefix must not lead out of its bucket: {prefix[:80]!r}")


def _text_faults(value: object, place: str, least: int, most: int) -> Sequence[str]:
    if not isinstance(value, str):
        raise wrong_type(place, value, "str")
    if len(value) < least:
        return [constraint(value, place, f"have length greater than or equal to {least}")]
    if len(value) > most:
        return [constraint(value[:80], place, f"have length less than or equal to {most}")]
    return ()


def _optional_faults(value: object, place: str, least: int, most: int) -> Sequence[str]:
    return () if value is None else _text_faults(value, place, least, most)


def _enum_faults(value: object, place: str, allowed: tuple[str, ...]) -> Sequence[str]:
    return () if value is None else enum_faults(value, place, allowed)


def _pattern_faults(value: object, place: str, pattern: re.Pattern[str]) -> Sequence[str]:
    if not isinstance(value, str):
        raise wrong_type(place, value, "str")
    if pattern.fullmatch(value) is None:
        rule = f"satisfy regular expression pattern: {pattern.pattern}"
        return [constraint(value[:80], place, rule)]
    return ()


def _bucket_faults(value: object, place: str) -> Sequence[str]:
    return [*_text_faults(value, place, 0, 255), *_pattern_faults(value, place, _BUCKET)]


def _owner_faults(value: object, place: str) -> Sequence[str]:
    return () if value is None else _pattern_faults(value, place, _OWNER)


def _token_faults(value: object) -> Sequence[str]:
    return _optional_faults(value, "clientToken", 1, _TOKEN_CHARS_MAX)
