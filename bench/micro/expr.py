"""Expressions, one step at a time: ``python -m bench.micro.expr``.

What a text costs the first time, what a request with a text that is known costs, and what an item
costs then; SQLite's filter of the same three terms beside, on the same items in a JSON column.
Nanoseconds, the best of several rounds, which is the one that was disturbed least.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable

from tabulate import tabulate

from bench import sample_items
from bench.stopwatch import us_each
from kvdb.expr import compiler
from kvdb.expr.compiler import (
    Placeholders,
    compile_condition,
    compile_key_condition,
    compile_projection,
    compile_update,
)
from kvdb.item.value import normalise_item

ROUNDS = 7
COUNT = 5_000
FILTER = "#total > :least AND is_paid = :paid AND begins_with(note, :note)"
UPDATE = "SET is_paid = :paid, #total = #total + :one"
NAMES = {"#total": "total"}
VALUES: dict[str, object] = {":least": 1_000, ":paid": False, ":note": "leave at"}
UPDATE_VALUES: dict[str, object] = {":paid": True, ":one": 1}
ITEMS = [normalise_item(sample_items.item(number, COUNT))[0] for number in range(COUNT)]
PASSING = [item for item in ITEMS if item["total"] > 1_000 and not item["is_paid"]]  # type: ignore[operator]


def condition_first_seen() -> float:
    texts = [f"{FILTER} OR a{number} = :paid" for number in range(compiler.PROGRAMS_MAX)]
    return us_each(lambda text: compile_condition(text, Placeholders(NAMES, VALUES)), texts)


def update_first_seen() -> float:
    texts = [f"{UPDATE}, a{number} = :one" for number in range(compiler.PROGRAMS_MAX)]
    return us_each(lambda text: compile_update(text, Placeholders(NAMES, UPDATE_VALUES)), texts)


def placeholders() -> float:
    return us_each(lambda _: Placeholders(NAMES, VALUES), range(COUNT))


def condition_known() -> float:
    return us_each(lambda _: compile_condition(FILTER, Placeholders(NAMES, VALUES)), range(COUNT))


def update_known() -> float:
    return us_each(lambda _: compile_update(UPDATE, Placeholders(NAMES, UPDATE_VALUES)), range(COUNT))


def key_condition_known() -> float:
    text, values = "customer = :c AND begins_with(#o, :o)", {":c": "customer-1", ":o": "2024"}
    names = {"#o": "order"}
    return us_each(
        lambda _: compile_key_condition(text, Placeholders(names, values), ("customer",), ("order",)),
        range(COUNT),
    )


def filter_item() -> float:
    """Of items of which a third fails the second term and the rest pass all three."""
    return us_each(compile_condition(FILTER, Placeholders(NAMES, VALUES)).holds, ITEMS)


def filter_passing_item() -> float:
    """All three terms are asked."""
    return us_each(compile_condition(FILTER, Placeholders(NAMES, VALUES)).holds, PASSING)


def update_item() -> float:
    return us_each(compile_update(UPDATE, Placeholders(NAMES, UPDATE_VALUES)).applied_to, ITEMS)


def project_item() -> float:
    return us_each(compile_projection("#total, note", Placeholders(NAMES, None)).applied_to, ITEMS)


def project_nested() -> float:
    text = "address.city, tags[0], #total"
    return us_each(compile_projection(text, Placeholders(NAMES, None)).applied_to, ITEMS)


def sqlite_filter() -> float:
    """An item, when SQLite scans all of them and counts those that pass."""
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE items (item TEXT)")
    db.executemany("INSERT INTO items VALUES (?)", [(json.dumps(item),) for item in ITEMS])
    terms = "json_extract(item, '$.total') > ? AND json_extract(item, '$.is_paid') = ?"
    statement = f"SELECT count(*) FROM items WHERE {terms} AND json_extract(item, '$.note') GLOB ?"

    def scan(_: int) -> None:
        ((count,),) = db.execute(statement, (1_000, False, "leave at*"))
        assert count == len(PASSING)

    found = us_each(scan, range(3)) / COUNT
    db.close()
    return found


STEPS: dict[str, Callable[[], float]] = {
    "condition of three terms: first seen": condition_first_seen,
    "update of two actions: first seen": update_first_seen,
    "placeholders of a request": placeholders,
    "  with the condition, known": condition_known,
    "  with the update, known": update_known,
    "  with a key condition, known": key_condition_known,
    "three-term filter: an item": filter_item,
    "  an item that passes": filter_passing_item,
    "  SQLite, json_extract: an item": sqlite_filter,
    "update: an item": update_item,
    "projection of two attributes: an item": project_item,
    "projection of nested paths: an item": project_nested,
}


def main() -> None:
    rows = [[name, round(min(step() for _ in range(ROUNDS)) * 1000)] for name, step in STEPS.items()]
    print(tabulate(rows, ["step", "ns"]))


if __name__ == "__main__":
    main()
