"""ListItemVersions: what an item was, newest first.

A version is what one write made of the item, up to the next write; a deletion is one, too. How far
back they go is the engine's to say: ``history_retention_ms``, and one version more, the one that was
in force when the kept history begins. An answer ends before its items pass 1 MiB, but has at least
one, so paging by ``before_seqno`` comes to an end.
"""

from __future__ import annotations

from kvdb import limits
from kvdb.api.items import ItemVersion, ListItemVersions, ListItemVersionsResult
from kvdb.lsm.engine import Engine
from kvdb.table import row
from kvdb.table.catalog import Catalog


def list_versions(catalog: Catalog, engine: Engine, request: ListItemVersions) -> ListItemVersionsResult:
    """One page of an item's versions, up to ``limit``, or a hundred.

    The time of a write is its stamp's; a deletion leaves no stamp, so its time is the log's, which
    is exact to the second.

    Raises:
        ResourceNotFound: there is no such table.
        ValidationError: the key is not one of the table's.
    """
    table = catalog.table(request.table_name)
    key = table.keys.of_key(request.key)
    limit = request.limit or limits.VERSIONS_PAGE
    versions: list[ItemVersion] = []
    room_bytes = limits.PAGE_BYTES_MAX
    for seqno, stored in engine.versions(key, before_seqno=request.before_seqno):
        room_bytes -= 0 if stored is None else row.size_of(stored)
        if len(versions) == limit or (versions and room_bytes < 0):
            break
        if stored is None:
            versions.append(ItemVersion(seqno, engine.wall_ms_of(seqno) or 0, None))
        else:
            versions.append(ItemVersion(seqno, row.stamp_of(stored).wall_ms, row.item_of(stored)))
    return ListItemVersionsResult(versions)
