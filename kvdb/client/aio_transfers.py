"""``AsyncTransfers``: exports and imports, the part of a client that begins them and tells of them.

Both are jobs: ``wait_for_job`` of a client takes their ARNs, ``cancel_job`` ends one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from kvdb.api.transfers import (
    CsvOptions,
    DescribeExport,
    DescribeExportResult,
    DescribeImport,
    DescribeImportResult,
    ExportDescription,
    ExportSummary,
    ExportTableToPointInTimeResult,
    ImportSummary,
    ImportTable,
    ImportTableDescription,
    ImportTableResult,
    InputFormatOptions,
    ListExports,
    ListExportsResult,
    ListImports,
    ListImportsResult,
    S3BucketSource,
)
from kvdb.client import requests, table_requests
from kvdb.client.requests import Condition, KeyCondition, Names, Projection, Values
from kvdb.client.table_requests import Billing, Index, KeyAttribute
from kvdb.client.transport import AsyncTransport


class AsyncTransfers:
    """Exports and imports of a database, as a client sees them."""

    __slots__ = ()

    _transport: AsyncTransport

    async def export_table(
        self,
        table: str,
        bucket: str,
        prefix: str | None = None,
        *,
        format: str = "DYNAMODB_JSON",
        at: datetime | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        view: str = "NEW_AND_OLD_IMAGES",
        key_condition: KeyCondition | None = None,
        filter: Condition | None = None,
        projection: Projection | None = None,
        names: Names | None = None,
        values: Values | None = None,
        token: str | None = None,
    ) -> ExportDescription:
        """Begin to export a table to a bucket, a folder below the database's ``export_root``.

        All items as of ``at`` (the present), or what became of those that changed from ``since`` on,
        before ``until`` (the present); a moment of the past has to be in the kept history. Times count
        in whole seconds. ``format``: DYNAMODB_JSON, CBOR, CSV. Of the items of ``key_condition``, if given,
        those for which ``filter`` holds; of a change, its new image or its old one.

        Raises:
            TableNotFound: there is no such table.
            InvalidExportTime: it cannot be read as of then.
            ExportConflict: the token stands for another export.
            ValidationError: there is no export root, or an expression is malformed.
        """
        asked = requests.export_filter(key_condition, filter, projection, names, values)
        request = table_requests.export_table(
            table, bucket, prefix, format, at, since, until, view, asked, token
        )
        result = await self._transport.send(request)
        assert isinstance(result, ExportTableToPointInTimeResult)
        return result.export_description

    async def describe_export(self, export_arn: str) -> ExportDescription:
        """How far an export has come, or how it ended. Raises ``ExportNotFound``."""
        result = await self._transport.send(DescribeExport(export_arn))
        assert isinstance(result, DescribeExportResult)
        return result.export_description

    async def exports(self, table_arn: str | None = None) -> list[ExportSummary]:
        """The exports, newest first: of a table, or all."""
        found: list[ExportSummary] = []
        token: str | None = None
        while True:
            result = await self._transport.send(ListExports(table_arn, next_token=token))
            assert isinstance(result, ListExportsResult)
            found += result.export_summaries
            token = result.next_token
            if token is None:
                return found

    async def import_table(
        self,
        table: str,
        bucket: str,
        prefix: str | None = None,
        *,
        key: KeyAttribute | None = None,
        sort: KeyAttribute | None = None,
        indexes: Iterable[Index] = (),
        billing: Billing | None = None,
        format: str = "DYNAMODB_JSON",
        compression: str = "NONE",
        delimiter: str | None = None,
        header: Iterable[str] | None = None,
        token: str | None = None,
    ) -> ImportTableDescription:
        """Begin to import what lies in a bucket under ``prefix``: an export, or files of items.

        With ``key`` into a new table, which is there at once; without into one that exists. Bad records
        are left out and counted, and make the import FAILED at its end. ``format``: DYNAMODB_JSON, CBOR,
        CSV; ``compression``: NONE, GZIP, ZSTD. ``delimiter`` and ``header`` are for CSV: the columns of files
        whose first line does not name them.

        Raises:
            ResourceInUse, ResourceNotFound: there is such a table already, or none.
            ImportConflict: the token stands for another import.
            ValidationError: there is no export root, or an argument is not allowed.
        """
        created = options = None
        if key is not None:
            created = table_requests.create_table(table, key, sort, indexes, billing)
        if delimiter is not None or header is not None:
            options = InputFormatOptions(CsvOptions(delimiter, None if header is None else list(header)))
        request = ImportTable(
            S3BucketSource(bucket, s3_key_prefix=prefix),
            format,
            created,
            token,
            options,
            compression,
            table if created is None else None,
        )
        result = await self._transport.send(request)
        assert isinstance(result, ImportTableResult)
        return result.import_table_description

    async def describe_import(self, import_arn: str) -> ImportTableDescription:
        """How far an import has come, or how it ended. Raises ``ImportNotFound``."""
        result = await self._transport.send(DescribeImport(import_arn))
        assert isinstance(result, DescribeImportResult)
        return result.import_table_description

    async def imports(self, table_arn: str | None = None) -> list[ImportSummary]:
        """The imports, newest first: of a table, or all."""
        found: list[ImportSummary] = []
        token: str | None = None
        while True:
            result = await self._transport.send(ListImports(table_arn, next_token=token))
            assert isinstance(result, ListImportsResult)
            found += result.import_summary_list
            token = result.next_token
            if token is None:
                return found
