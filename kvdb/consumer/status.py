"""What the workers of an application are doing: a line a lease, with how far it is behind."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from kvdb.client.sync import Client
from kvdb.consumer.lease import Lease, LeaseTable
from kvdb.consumer.options import WorkerOptions
from kvdb.consumer.shard_sync import is_ready
from kvdb.consumer.source import ShardReader
from kvdb.errors import ResourceNotFound, TrimmedDataAccess, ValidationError

State = Literal["held", "free", "waits for parents", "finished", "trimmed"]


@dataclass(frozen=True, slots=True)
class LeaseStatus:
    """One lease. Lag is counted from its checkpoint: what is in work counts as behind."""

    lease: Lease
    state: State
    lag_records: int = 0
    is_more: bool = False
    """There are more than ``lag_records``; that many were counted."""
    lag_ms: int = 0
    """Age of the oldest record that is not handled."""


def lease_statuses(
    client: Client, table: str, options: WorkerOptions, *, count_max: int, now_ms: int
) -> list[LeaseStatus]:
    """Every lease of an application, in the order of the keys; counts up to ``count_max`` records each.

    Raises:
        ValidationError: no worker of that application has ever run for the table.
    """
    name = options.lease_table_of(table)
    try:
        leases = {lease.key: lease for lease in LeaseTable(client, name).all()}
    except ResourceNotFound:
        raise ValidationError(f"there are no leases of table {table!r}: no table {name!r}") from None
    return [_status(client, lease, leases, count_max, now_ms) for lease in leases.values()]


def _status(
    client: Client, lease: Lease, leases: dict[str, Lease], count_max: int, now_ms: int
) -> LeaseStatus:
    if lease.progress.is_finished:
        return LeaseStatus(lease, "finished")
    status = LeaseStatus(lease, "free" if lease.owner is None else "held")
    if not is_ready(lease, leases):
        status = LeaseStatus(lease, "waits for parents")
    reader = ShardReader(client, lease, "fail")
    try:
        return _counted(status, reader, count_max, now_ms)
    except TrimmedDataAccess:
        return LeaseStatus(lease, "trimmed")


def _counted(status: LeaseStatus, reader: ShardReader, count_max: int, now_ms: int) -> LeaseStatus:
    count, lag_ms = 0, 0
    while not reader.is_ended:
        if count >= count_max:
            return replace(status, lag_records=count, is_more=True, lag_ms=lag_ms)
        page = reader.read(count_max - count)
        if not page:
            break
        if not count:
            lag_ms = max(now_ms - page[0].dynamodb.approximate_creation_date_time_ms, 0)
        count += len(page)
    return replace(status, lag_records=count, lag_ms=lag_ms)
