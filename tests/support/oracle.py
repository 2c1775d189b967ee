"""A table as a dict: what kvdb should answer, written without kvdb's rooms.

Keys are compared as Python compares them (UTF-8 bytes, exact decimals, bytes); conditions are
pairs of an expression text and a Python function that means the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

Item = dict[str, object]

PARTITION = "p"
SORT = "s"


def ordinal(value: object) -> object:
    """Something that sorts and compares as the service sorts a key value."""
    if isinstance(value, str):
        return value.encode()
    return value if isinstance(value, bytes) else Decimal(value)  # type: ignore[arg-type]


@dataclass(frozen=True)
class OracleCondition:
    """An expression on the attributes ``v`` (a number) and ``t`` (a text), and its meaning."""

    text: str
    values: Mapping[str, object]
    holds: Callable[[Item], bool]

    def __repr__(self) -> str:
        return f"{self.text} {dict(self.values)}"


def conditions(number: int, text: str) -> list[OracleCondition]:
    """One of each kind, with these operands."""

    def has_number(item: Item) -> bool:
        return isinstance(item.get("v"), (int, Decimal))

    both = {":n": number, ":t": text}
    n, t = {":n": number}, {":t": text}
    return [
        OracleCondition("attribute_exists(v)", {}, lambda item: "v" in item),
        OracleCondition("attribute_not_exists(v)", {}, lambda item: "v" not in item),
        OracleCondition("v = :n", n, lambda item: has_number(item) and item["v"] == number),
        OracleCondition("v <> :n", n, lambda item: not (has_number(item) and item["v"] == number)),
        OracleCondition("v < :n", n, lambda item: has_number(item) and item["v"] < number),
        OracleCondition("v >= :n", n, lambda item: has_number(item) and item["v"] >= number),
        OracleCondition("v IN (:n, :t)", both, lambda item: has_number(item) and item["v"] == number),
        OracleCondition(
            "v BETWEEN :n AND :m",
            {":n": number, ":m": number + 2},
            lambda item: has_number(item) and number <= item["v"] <= number + 2,
        ),
        OracleCondition("begins_with(t, :t)", t, lambda item: str(item.get("t", "\0")).startswith(text)),
        OracleCondition("contains(t, :t)", t, lambda item: "t" in item and text in str(item["t"])),
        OracleCondition("size(t) > :n", n, lambda item: "t" in item and len(str(item["t"])) > number),
        OracleCondition(
            "NOT v = :n AND attribute_exists(t)",
            n,
            lambda item: not (has_number(item) and item["v"] == number) and "t" in item,
        ),
        OracleCondition(
            "v = :n OR t = :t",
            both,
            lambda item: (has_number(item) and item["v"] == number) or item.get("t") == text,
        ),
    ]


SORT_TESTS: Mapping[str, Callable[..., bool]] = {
    "=": lambda value, first, second: value == first,
    "<": lambda value, first, second: value < first,
    "<=": lambda value, first, second: value <= first,
    ">": lambda value, first, second: value > first,
    ">=": lambda value, first, second: value >= first,
    "BETWEEN": lambda value, first, second: first <= value <= second,
    "begins_with": lambda value, first, second: value.startswith(first),
}
"""How a key condition may test the sort key, on ordinals."""


@dataclass
class OracleTable:
    """One table. ``sort_type`` is ``None`` for a table without sort key."""

    partition_type: str
    sort_type: str | None
    rows: dict[tuple[object, object], Item] = field(default_factory=dict)

    def place(self, item: Mapping[str, object]) -> tuple[object, object]:
        return ordinal(item[PARTITION]), None if self.sort_type is None else ordinal(item[SORT])

    def get(self, key: Mapping[str, object]) -> Item | None:
        return self.rows.get(self.place(key))

    def put(self, item: Item, condition: OracleCondition | None = None) -> bool:
        """Whether the condition held; the item is stored if so."""
        place = self.place(item)
        if condition is not None and not condition.holds(self.rows.get(place, {})):
            return False
        self.rows[place] = item
        return True

    def delete(self, key: Mapping[str, object], condition: OracleCondition | None = None) -> bool:
        place = self.place(key)
        if condition is not None and not condition.holds(self.rows.get(place, {})):
            return False
        self.rows.pop(place, None)
        return True

    def partition(
        self, value: object, test: tuple[str, object, object] | None, *, is_reverse: bool
    ) -> list[Item]:
        """The rows of one partition in sort-key order, those that pass the sort-key test."""
        return [item for item in self._in_order(value, is_reverse=is_reverse) if self._passes(item, test)]

    def key_of(self, item: Item) -> Item:
        names = (PARTITION,) if self.sort_type is None else (PARTITION, SORT)
        return {name: item[name] for name in names}

    def _passes(self, item: Item, test: tuple[str, object, object] | None) -> bool:
        if test is None:
            return True
        operator, first, second = test
        return SORT_TESTS[operator](ordinal(item[SORT]), ordinal(first), ordinal(second))

    def _in_order(self, value: object, *, is_reverse: bool) -> Iterator[Item]:
        wanted = ordinal(value)
        places = [place for place in self.rows if place[0] == wanted]
        for place in sorted(places, key=lambda place: place[1] or 0, reverse=is_reverse):  # type: ignore
            yield self.rows[place]
