"""What stands in a secondary index, written without kvdb's rooms: a dict of rows in, a list out.

The table is keyed by ``p`` (a text) and ``s`` (a number). An index is a name, its HASH and RANGE
attributes with their types, what it keeps, and whether its keys are unique.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from tests.support.oracle import ordinal

Item = dict[str, object]
Key = tuple[str, object]

TABLE_KEY = ("p", "s")
_HASH_BYTES, _RANGE_BYTES = 2048, 1024


def is_of_type(value: object, kind: str) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, {"S": str, "N": (int, Decimal), "B": bytes}[kind])  # type: ignore[arg-type]


def bytes_of(value: object) -> int:
    """Towards the limit of a key; numbers do not count."""
    if isinstance(value, str):
        return len(value.encode())
    return len(value) if isinstance(value, bytes) else 0


@dataclass(frozen=True)
class OracleIndex:
    name: str
    hashes: Mapping[str, str]
    """Attribute name -> type."""
    ranges: Mapping[str, str] = field(default_factory=dict)
    keeps: tuple[str, ...] | str = "ALL"
    is_unique: bool = False
    is_local: bool = False

    @property
    def types(self) -> dict[str, str]:
        return {**self.hashes, **self.ranges}

    def is_fault(self, name: str, value: object) -> bool:
        """Whether an index key may not have this value, so that a write of it is refused."""
        kind = self.types.get(name)
        if kind is None:
            return False
        return not is_of_type(value, kind) or (kind != "N" and not bytes_of(value))

    def has(self, item: Item) -> bool:
        if any(name not in item or self.is_fault(name, item[name]) for name in self.types):
            return False
        return (
            sum(bytes_of(item[name]) for name in self.hashes) <= _HASH_BYTES
            and sum(bytes_of(item[name]) for name in self.ranges) <= _RANGE_BYTES
        )

    def key_of(self, item: Item) -> tuple[object, ...]:
        return tuple(ordinal(item[name]) for name in self.types)

    def part_of(self, item: Item) -> Item:
        if self.keeps == "ALL":
            return item
        extra = () if self.keeps == "KEYS_ONLY" else self.keeps
        kept = {*TABLE_KEY, *self.types, *extra}
        return {name: value for name, value in item.items() if name in kept}

    def content(self, items: Iterable[Item]) -> list[Item]:
        """What the index keeps of a table's items, in the order of index key, then table key."""
        inside = [item for item in items if self.has(item)]
        return [self.part_of(item) for item in sorted(inside, key=self._place)]

    def partition(self, items: Iterable[Item], values: Mapping[str, object]) -> list[Item]:
        """The part of ``content`` whose HASH attributes have these values."""
        wanted = [ordinal(values[name]) for name in self.hashes]
        return [
            item for item in self.content(items) if [ordinal(item[name]) for name in self.hashes] == wanted
        ]

    def start_names(self) -> set[str]:
        return {*TABLE_KEY, *self.types}

    def _place(self, item: Item) -> tuple[object, ...]:
        return (*self.key_of(item), ordinal(item["p"]), ordinal(item["s"]))


@dataclass
class OracleRows:
    """The items of one table, and the rules its indexes lay on writes."""

    indexes: dict[str, OracleIndex]
    rows: dict[tuple[object, object], Item] = field(default_factory=dict)

    @staticmethod
    def place(item: Mapping[str, object]) -> tuple[object, object]:
        return ordinal(item["p"]), ordinal(item["s"])

    def has_fault(self, item: Item, names: Iterable[str] | None = None) -> bool:
        """Whether some index key has a value it may not have, among ``names`` or everywhere."""
        return any(
            index.is_fault(name, value)
            for index in self.indexes.values()
            for name, value in item.items()
            if names is None or name in names
        )

    def collides(self, changes: Mapping[tuple[object, object], Item | None]) -> bool:
        """Whether two items would have one key in a unique index after these changes."""
        after = {**self.rows, **changes}
        for index in self.indexes.values():
            if index.is_unique:
                taken = [
                    index.key_of(item) for item in after.values() if item is not None and index.has(item)
                ]
                if len(set(taken)) < len(taken):
                    return True
        return False

    def apply(self, changes: Mapping[tuple[object, object], Item | None]) -> None:
        for place, item in changes.items():
            if item is None:
                self.rows.pop(place, None)
            else:
                self.rows[place] = item
