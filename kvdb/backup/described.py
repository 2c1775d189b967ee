"""How a backup is described in the service's shapes: from its manifest, or from its job. Pure."""

from __future__ import annotations

from kvdb.api import arn
from kvdb.api.backups import (
    BackupDescription,
    BackupDetails,
    BackupStatus,
    BackupSummary,
    IndexInfo,
    SourceTableDetails,
    SourceTableFeatureDetails,
)
from kvdb.api.tables import (
    KeySchemaElement,
    OnDemandThroughput,
    Projection,
    ProvisionedThroughput,
    StreamSpecification,
)
from kvdb.backup.backup_jobs import BackupRequest
from kvdb.backup.jobs import JobRecord
from kvdb.backup.manifest import BackedTable, Manifest
from kvdb.table.descriptor import (
    IndexDescriptor,
    KeyAttribute,
    TableDescriptor,
    Throughput,
    decode_descriptor,
)


class Describing:
    """The words of one database: its region and account stand in ARNs."""

    def __init__(self, table_arn_prefix: str) -> None:
        self._prefix = table_arn_prefix

    def resource(self, table_name: str | None) -> str:
        """What the ARN of a backup begins with."""
        return arn.database_arn(self._prefix) if table_name is None else self._prefix + table_name

    def arn(self, manifest: Manifest) -> str:
        source = _source(manifest)
        return f"{self.resource(None if source is None else source.name)}/backup/{manifest.backup_id}"

    def summary(self, manifest: Manifest) -> BackupSummary:
        source = _source(manifest)
        details = self.details(manifest)
        return BackupSummary(
            *(details.backup_arn, details.backup_name, details.backup_status, details.backup_type),
            details.backup_creation_date_time_ms,
            details.backup_size_bytes,
            table_name=None if source is None else source.name,
            table_id=None if source is None else source.uuid,
            table_arn=None if source is None else self._prefix + source.name,
        )

    def details(self, manifest: Manifest, status: BackupStatus = "AVAILABLE") -> BackupDetails:
        return BackupDetails(
            self.arn(manifest),
            manifest.name or manifest.backup_id,
            status,
            "USER" if manifest.kind == "user" else "SYSTEM",
            manifest.created_ms,
            manifest.size_bytes,
            manifest.seqno,
        )

    def description(self, manifest: Manifest, status: BackupStatus = "AVAILABLE") -> BackupDescription:
        source = _source(manifest)
        descriptor = None if source is None else source.described()
        return BackupDescription(
            self.details(manifest, status),
            None if source is None or descriptor is None else self._table(descriptor, source),
            None if descriptor is None else _features(descriptor),
            tuple(table.name for table in manifest.tables),
        )

    # Backups that are being made.

    def details_of_job(self, job: JobRecord) -> BackupDetails:
        request = BackupRequest.of(job)
        return BackupDetails(job.arn, request.name, "CREATING", "USER", job.started_ms)

    def summary_of_job(self, job: JobRecord) -> BackupSummary:
        request = BackupRequest.of(job)
        table = None if request.table_name is None else decode_descriptor(request.descriptor)
        return BackupSummary(
            *(job.arn, request.name, "CREATING", "USER", job.started_ms, None),
            table_name=request.table_name,
            table_id=None if table is None else table.uuid,
            table_arn=None if table is None else self._prefix + table.name,
        )

    def description_of_job(self, job: JobRecord) -> BackupDescription:
        request = BackupRequest.of(job)
        if request.table_name is None:
            return BackupDescription(self.details_of_job(job))
        table = decode_descriptor(request.descriptor)
        source = BackedTable(table.name, table.table_id, table.uuid)
        return BackupDescription(
            self.details_of_job(job), self._table(table, source), _features(table), (table.name,)
        )

    def _table(self, table: TableDescriptor, source: BackedTable) -> SourceTableDetails:
        return SourceTableDetails(
            table_name=table.name,
            table_id=table.uuid,
            table_arn=self._prefix + table.name,
            table_creation_date_time_ms=table.created_ms,
            key_schema=_key_schema(table.keys[:1], table.keys[1:]),
            provisioned_throughput=_provisioned(table.throughput),
            on_demand_throughput=_on_demand(table.throughput),
            billing_mode=table.billing.mode,
            table_size_bytes=source.size_bytes,
            item_count=source.items,
        )


def _source(manifest: Manifest) -> BackedTable | None:
    return manifest.tables[0] if not manifest.is_whole and len(manifest.tables) == 1 else None


def _features(table: TableDescriptor) -> SourceTableFeatureDetails:
    stream = table.stream
    has_stream = stream is not None and stream.is_enabled
    return SourceTableFeatureDetails(
        tuple(_index(index) for index in table.indexes if index.kind == "LOCAL"),
        tuple(_index(index) for index in table.indexes if index.kind == "GLOBAL"),
        StreamSpecification(True, stream.view_type) if stream is not None and has_stream else None,
        table.ttl.attribute if table.ttl is not None and table.ttl.is_enabled else None,
    )


def _index(index: IndexDescriptor) -> IndexInfo:
    is_global = index.kind == "GLOBAL"
    return IndexInfo(
        index.name,
        _key_schema(index.partition, index.sort),
        Projection(
            index.projection_type,
            index.non_key_attributes if index.projection_type == "INCLUDE" else None,
        ),
        _provisioned(index.throughput) if is_global else None,
        _on_demand(index.throughput) if is_global else None,
    )


def _key_schema(
    partition: tuple[KeyAttribute, ...], sort: tuple[KeyAttribute, ...]
) -> tuple[KeySchemaElement, ...]:
    return (
        *(KeySchemaElement(key.name, "HASH") for key in partition),
        *(KeySchemaElement(key.name, "RANGE") for key in sort),
    )


def _provisioned(throughput: Throughput) -> ProvisionedThroughput:
    return ProvisionedThroughput(throughput.read_units, throughput.write_units)


def _on_demand(throughput: Throughput) -> OnDemandThroughput | None:
    if throughput.max_read_units is None and throughput.max_write_units is None:
        return None
    return OnDemandThroughput(throughput.max_read_units, throughput.max_write_units)
