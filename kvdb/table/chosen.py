"""Where everything lies that is not of the chosen tables: for a copy of some of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kvdb.table import keys, replica_keys, stream_keys
from kvdb.table.descriptor import TableDescriptor
from kvdb.table.keys import KeyRange, prefix_range

_BY_TABLE = (
    *keys.prefixes_by_table(),
    *stream_keys.prefixes_by_table(),
    *replica_keys.prefixes_by_table(),
)
_OF_DATABASE = (*keys.prefixes_of_database(), *stream_keys.prefixes_of_database())


def others(tables: Iterable[TableDescriptor]) -> Iterator[KeyRange]:
    """The ranges of all keys but those of ``tables``, their descriptors and what the catalog has of them."""
    kept = list(tables)
    ids = sorted(table.table_id for table in kept)
    descriptors = sorted(keys.descriptor_key(table.name) for table in kept)
    yield from _gaps(keys.descriptor_range(), [KeyRange(key, key + b"\x00") for key in descriptors])
    for prefix in _BY_TABLE:
        yield from _gaps(
            prefix_range(prefix), [prefix_range(prefix + keys.table_prefix(each)) for each in ids]
        )
    for prefix in _OF_DATABASE:
        yield prefix_range(prefix)
    rows = KeyRange(keys.table_prefix(keys.FIRST_TABLE_ID), b"\xff" * 5)
    yield from _gaps(rows, [prefix_range(keys.table_prefix(each)) for each in ids])


def _gaps(whole: KeyRange, kept: list[KeyRange]) -> Iterator[KeyRange]:
    start = whole.start
    for each in kept:
        if start < each.start:
            yield KeyRange(start, each.start)
        start = each.end
    if start < whole.end:
        yield KeyRange(start, whole.end)
