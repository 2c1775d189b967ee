"""What a write holds besides its items: keys of unique indexes, and the sizes of item collections.

Both are latched like items, after all items of the write, in key order. So nobody who waits for an
item holds a claim, and nobody waits in a circle.

**Unique indexes.** Who gives an item a new key in a unique index holds that index key from before
he looks whether another item has it until his batch is committed: of two writers who want one key,
the second sees what the first has done.

**Item collections** (tables with local indexes): an item and its rows in local indexes count towards
the size of the collection of all items with its partition key, which may not grow past 10 GB. The
size is kept in *grains* of 64 KiB, counted so that most writes need not count at all: an item of
``size`` bytes, rows in local indexes included, has

    (size + offset) // GRAIN   grains,     offset = crc32c(engine key) % GRAIN

so each item has a fixed place in its grain, the expected number of grains is size / GRAIN, and the
sum over a collection is a function of what lies in it: exact whatever the order of writes, without
drift, and of standard error below ``sqrt(size * GRAIN) / 2``: 13 MB at 10 GB. Only a write that
changes its item's grains (one in 300 for items of 200 bytes) claims the collection's counter, which
is a row of its own (``keys``; its value is ``u32 grains``), written in the same batch. Memory: none.
Source of the limit: developer guide, "Item collection size limit".
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import google_crc32c

from kvdb import limits
from kvdb.api.items import ItemCollectionMetrics
from kvdb.errors import ItemCollectionSizeLimitExceeded, KvdbError, UniqueViolation
from kvdb.item.value import Item
from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.engine import Engine
from kvdb.table import keys
from kvdb.table.index import Index
from kvdb.table.mutation import Change

GRAIN_BYTES = 64 * 1024

_COUNT = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class _UniqueKey:
    """A key in a unique index that an item comes to."""

    index: Index
    key: bytes
    row_key: bytes
    change: Change


Refused: TypeAlias = Callable[[Change, KvdbError], KvdbError]
"""Another error for the one that a change, the last of several, is refused with."""


@dataclass(slots=True)
class _Grown:
    """What a write adds to the grains of one collection."""

    grains: int
    change: Change


class Claims:
    """What the changes of one write claim. Made under the latches of its items."""

    __slots__ = ("_collections", "_leaving", "_unique", "keys")

    def __init__(self, changes: Sequence[Change]) -> None:
        self._unique: list[_UniqueKey] = []
        self._leaving: set[bytes] = set()
        self._collections: dict[bytes, _Grown] = {}
        for change in changes:
            if change.indexes.unique:
                self._claim_unique_keys(change)
            if change.indexes.local:
                self._claim_collection(change)
        self.keys = tuple(sorted({*(claim.key for claim in self._unique), *self._collections}))
        """To be latched; mostly none."""

    def settle(self, engine: Engine, batch: WriteBatch, refused: Refused | None = None) -> None:
        """Under the latches of ``keys``: refuse, or add to the batch what the claims are for.

        Raises, or what ``refused`` makes of it:
            UniqueViolation: another item has a key in a unique index.
            ItemCollectionSizeLimitExceeded: a collection would come to be too large.
        """
        self._check_unique_keys(engine, refused)
        for counter, grown in self._collections.items():
            grains = grains_of(engine.get(counter)) + grown.grains
            if grown.grains > 0 and grains * GRAIN_BYTES > limits.ITEM_COLLECTION_BYTES_MAX:
                error = ItemCollectionSizeLimitExceeded("Collection size exceeded.")
                raise error if refused is None else refused(grown.change, error)
            if grains > 0:
                batch.put(counter, _COUNT.pack(grains))
            else:
                batch.delete(counter)

    def _claim_unique_keys(self, change: Change) -> None:
        for index in change.indexes.unique:
            old_key = None if change.old is None else index.keys.index_key(change.old)
            new_key = None if change.new is None else index.keys.index_key(change.new)
            if old_key == new_key:
                continue
            if old_key is not None:
                self._leaving.add(old_key + change.table_key)
            if new_key is not None:
                self._unique.append(_UniqueKey(index, new_key, new_key + change.table_key, change))

    def _check_unique_keys(self, engine: Engine, refused: Refused | None) -> None:
        taken: set[bytes] = set()
        for claim in self._unique:
            held = claim.key in taken or any(
                key not in self._leaving and key != claim.row_key
                for key, _ in engine.scan(*keys.prefix_range(claim.key))
            )
            if held:
                error = UniqueViolation(f"another item has the key already index={claim.index.name}")
                raise error if refused is None else refused(claim.change, error)
            taken.add(claim.key)

    def _claim_collection(self, change: Change) -> None:
        grown = _grains(change, change.new, change.new_size) - _grains(change, change.old, change.old_size)
        if grown:
            counter = change.table.keys.counter_key(change.new or change.old or {})
            before = self._collections.get(counter)
            if before is None:
                self._collections[counter] = _Grown(grown, change)
            else:
                before.grains += grown
                before.change = change if grown > 0 else before.change


def _grains(change: Change, item: Item | None, size: int) -> int:
    if item is None:
        return 0
    rows = (index for index in change.indexes.local if index.keys.index_key(item) is not None)
    whole = size + sum(index.size_of(item, size) for index in rows)
    offset: int = google_crc32c.value(change.key) % GRAIN_BYTES
    return (whole + offset) // GRAIN_BYTES


def grains_of(stored: bytes | None) -> int:
    """The grains of a collection whose counter is ``stored``."""
    return 0 if stored is None else int(_COUNT.unpack(stored)[0])


def all_collection_metrics(
    engine: Engine, changes: Iterable[tuple[str, Change]]
) -> dict[str, list[ItemCollectionMetrics]]:
    """``collection_metrics`` of every collection that the changes of one call touch, by the name that
    the call has for its table."""
    found: dict[str, list[ItemCollectionMetrics]] = {}
    for table_name, change in changes:
        metrics = collection_metrics(engine, change)
        if metrics is not None and metrics not in found.setdefault(table_name, []):
            found[table_name].append(metrics)
    return found


def collection_metrics(engine: Engine, change: Change) -> ItemCollectionMetrics | None:
    """Between which two whole GB the item's collection lies; ``None`` without local indexes."""
    item = change.new or change.old
    if not change.table.indexes.local or item is None:
        return None
    table_keys = change.table.keys
    size_gb = grains_of(engine.get(table_keys.counter_key(item))) * GRAIN_BYTES // limits.GB
    name = table_keys.partition.name
    return ItemCollectionMetrics({name: item[name]}, (float(size_gb), float(size_gb + 1)))
