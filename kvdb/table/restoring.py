"""What becomes of a table's descriptor when its content is restored. Pure.

A restored table is another table: it has an id and uuid of its own, and is CREATING until all rows are
there. It has no stream, time to live, tags or replication, and is not protected, as at the service.

In place, it is made under a name of its own; then the two change names: what was there is kept aside,
where it can be read, until somebody confirms the restore or rolls it back. The name keeps its tags,
protection, billing, throughput, class and time to live. A stream ends with the content it told of.

Source: API Reference, RestoreTableFromBackup; developer guide, "Restoring a DynamoDB table from a backup".
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from kvdb.errors import ValidationError
from kvdb.limits import TABLE_NAME_CHARS_MAX
from kvdb.table.descriptor import Billing, RestoreSetting, TableDescriptor, Throughput, TtlSetting

NEVER_MS = 1 << 62
"""``settles_ms`` of what time alone does not end."""
_SUFFIX_CHARS = 20


def hidden_name(name: str, uuid: str) -> str:
    """Of a table that is restored in place of ``name``, until it is whole."""
    return f"{name[: TABLE_NAME_CHARS_MAX - _SUFFIX_CHARS]}.restoring-{uuid[:8]}"


def aside_name(name: str, uuid: str) -> str:
    """Of what was there before, until the restore is confirmed or rolled back."""
    return f"{name[: TABLE_NAME_CHARS_MAX - _SUFFIX_CHARS]}.before-{uuid[:8]}"


def begun(
    source: TableDescriptor,
    setting: RestoreSetting,
    *,
    name: str,
    uuid: str,
    now_ms: int,
    index_names: Collection[str] | None = None,
    billing: Billing | None = None,
    throughput: Throughput | None = None,
) -> TableDescriptor:
    """A table to be filled with the rows of ``source``. Its table id is the catalog's to give."""
    kept = [
        replace(index, status="ACTIVE", settles_ms=0, backfill=None, since_seqno=0)
        for index in source.indexes
        if index.status != "DELETING" and (index_names is None or index.name in index_names)
    ]
    if index_names is not None and (missing := set(index_names) - {index.name for index in kept}):
        raise ValidationError(
            f"One or more parameter values were invalid: the backup has no index of this name: {min(missing)}"
        )
    if billing is not None and billing.mode != source.billing.mode:
        kept = [
            replace(
                index, throughput=(throughput or Throughput()) if index.kind == "GLOBAL" else Throughput()
            )
            for index in kept
        ]
    return replace(
        source,
        table_id=0,
        name=name,
        uuid=uuid,
        created_ms=now_ms,
        indexes=tuple(kept),
        billing=billing or replace(source.billing, switches_ms=()),
        throughput=throughput or source.throughput,
        status="CREATING",
        settles_ms=NEVER_MS,
        is_protected=False,
        stream=None,
        tags=(),
        ttl=None,
        replication=None,
        settings=(),
        joined=(),
        restore=setting,
    )


def finished(table: TableDescriptor, incomplete: Collection[int], seqno: int) -> TableDescriptor:
    """Every row is there. ``incomplete``: the numbers of indexes that are still to be built."""
    assert table.restore is not None
    indexes = tuple(
        replace(index, status="CREATING", settles_ms=0)
        if index.number in incomplete
        else replace(index, since_seqno=seqno)
        for index in table.indexes
    )
    setting = replace(table.restore, is_in_progress=False)
    return replace(table, status="ACTIVE", settles_ms=0, indexes=indexes, restore=setting)


def exchanged(
    present: TableDescriptor,
    coming: TableDescriptor,
    *,
    aside: str,
    now_ms: int,
    setting: RestoreSetting | None,
) -> tuple[TableDescriptor, TableDescriptor]:
    """``coming`` under the name of ``present``, with its settings; and ``present``, called ``aside``."""
    ttl, next_number = None, coming.next_index_number
    if present.ttl is not None and present.ttl.is_enabled:
        # Marks of its own: the sweeper walks its rows.
        ttl = TtlSetting(present.ttl.attribute, True, now_ms, 0, next_number, walk=b"")
        next_number += 1
    front = replace(
        coming,
        name=present.name,
        billing=present.billing,
        throughput=present.throughput,
        table_class=present.table_class,
        is_protected=present.is_protected,
        tags=present.tags,
        ttl=ttl,
        next_index_number=next_number,
        stream=None,
        status="ACTIVE",
        settles_ms=0,
        restore=setting,
    )
    stream = present.stream
    back = replace(
        present,
        name=aside,
        is_protected=False,
        tags=(),
        ttl=None,
        stream=None if stream is None else replace(stream, is_enabled=False),
        restore=None,
    )
    return front, back
