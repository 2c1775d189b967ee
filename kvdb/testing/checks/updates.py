"""Updates of items: clauses, document paths, what is returned, what is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from kvdb.api.items import PutItem, UpdateItem
from kvdb.client.sync import Client
from kvdb.client.sync_table import Table
from kvdb.errors import ConditionalCheckFailed, ValidationError
from kvdb.expr.builder import Attr
from kvdb.expr.update_builder import Add, Delete, Remove, Set
from kvdb.testing.checks.airports import KEF, Check, airports, key_of, raised

_KEY = key_of(KEF)


def _kept(table: Table) -> Mapping[str, object]:
    item = table.get(_KEY)
    assert item is not None
    return item


def an_update_makes_the_item_that_is_not_there(client: Client) -> None:
    table = airports(client)
    assert table.update(_KEY, "SET elevation = :e", values={":e": 171}) is None
    assert table.get(_KEY) == {**_KEY, "elevation": 171}


def an_update_without_an_expression_makes_a_bare_item(client: Client) -> None:
    table = airports(client)
    client.call(UpdateItem("airports", _KEY))
    assert table.get(_KEY) == _KEY
    table.put(KEF)
    client.call(UpdateItem("airports", _KEY))
    assert table.get(_KEY) == KEF


def set_computes_from_what_was_there(client: Client) -> None:
    table = airports(client, {**KEF, "trail": ["a"], "x": 1, "y": 2})
    table.update(
        _KEY,
        "SET elevation = elevation + :n, x = y, y = x, half = elevation - :h, "
        "trail = list_append(trail, :l), #f = list_append(:l, trail), "
        "seen = if_not_exists(seen, :n), x2 = if_not_exists(x, :n)",
        names={"#f": "first"},
        values={":n": 1, ":h": Decimal("0.5"), ":l": ["b"]},
    )
    assert _kept(table) == {
        **KEF,
        "elevation": 172,
        "half": Decimal("170.5"),
        "x": 2,
        "y": 1,
        "trail": ["a", "b"],
        "first": ["b", "a"],
        "seen": 1,
        "x2": 1,
    }


def remove_takes_attributes_and_list_elements_away(client: Client) -> None:
    table = airports(client, {**KEF, "trail": ["a", "b", "c", "d"], "m": {"x": 1, "y": {"z": 2}}})
    table.update(_KEY, "REMOVE trail[1], trail[2], m.y.z, elevation, nothing")
    assert _kept(table) == {**_KEY, "name": "Keflavik", "trail": ["a", "d"], "m": {"x": 1, "y": {}}}


def add_counts_and_joins_sets(client: Client) -> None:
    table = airports(client, {**KEF, "tags": {"a"}})
    update = "ADD elevation :n, visits :n, tags :t, codes :c"
    table.update(_KEY, update, values={":n": -1, ":t": {"a", "b"}, ":c": {1, 2}})
    assert _kept(table) == {**KEF, "elevation": 170, "visits": -1, "tags": {"a", "b"}, "codes": {1, 2}}


def delete_takes_members_out_of_a_set_and_an_empty_set_goes(client: Client) -> None:
    table = airports(client, {**KEF, "tags": {"a", "b"}, "codes": {b"x"}})
    values = {":t": {"a", "z"}, ":c": {b"x"}, ":n": {1}}
    table.update(_KEY, "DELETE tags :t, codes :c, nothing :n", values=values)
    assert _kept(table) == {**KEF, "tags": {"b"}}


def places_deep_inside_are_set(client: Client) -> None:
    table = airports(client, {**KEF, "m": {"l": [{"x": 1}, "b"]}})
    table.update(
        _KEY, "SET m.l[0].x = :a, m.#n = :a, m.l[7] = :c", names={"#n": "new.er"}, values={":a": 2, ":c": "c"}
    )
    assert _kept(table)["m"] == {"l": [{"x": 2}, "b", "c"], "new.er": 2}


def all_four_clauses_stand_in_one_update(client: Client) -> None:
    table = airports(client, {**KEF, "tags": {"a", "b"}})
    update = "ADD visits :one DELETE tags :t REMOVE #n SET elevation = :one"
    table.update(_KEY, update, names={"#n": "name"}, values={":one": 1, ":t": {"a"}})
    assert _kept(table) == {**_KEY, "elevation": 1, "visits": 1, "tags": {"b"}}


def updates_are_built_in_python(client: Client) -> None:
    table = airports(client, {**KEF, "tags": {"a", "b"}, "trail": []})
    update = (
        Set("elevation", Attr("elevation") + 1)
        & Set("trail", Attr("trail").append(["x"]))
        & Remove("name")
        & Add("visits", 1)
        & Delete("tags", {"a"})
    )
    table.update(_KEY, update, condition=Attr("elevation").eq(171))
    assert _kept(table) == {**_KEY, "elevation": 172, "trail": ["x"], "visits": 1, "tags": {"b"}}


def every_return_value_of_an_update_is_given(client: Client) -> None:
    table = airports(client)
    before = {**KEF, "m": {"x": 1, "y": 2}, "l": [1, 2, 3]}
    after = {**before, "elevation": 172, "m": {"x": 5, "y": 2}, "l": [1, 2, 9], "new": True}

    def answer(which: str) -> Mapping[str, object] | None:
        table.put(before)
        return table.update(
            _KEY,
            "SET elevation = :e, m.x = :x, l[2] = :l, #n = :t",
            names={"#n": "new"},
            values={":e": 172, ":x": 5, ":l": 9, ":t": True},
            return_values=which,  # type: ignore[arg-type]
        )

    assert answer("NONE") is None
    assert answer("ALL_OLD") == before
    assert answer("ALL_NEW") == after
    assert answer("UPDATED_OLD") == {"elevation": 171, "m": {"x": 1}, "l": [3]}
    assert answer("UPDATED_NEW") == {"elevation": 172, "m": {"x": 5}, "l": [9], "new": True}


def a_new_item_has_nothing_old_to_return(client: Client) -> None:
    table = airports(client)
    for which, wanted in (
        ("ALL_OLD", None),
        ("UPDATED_OLD", None),
        ("ALL_NEW", {**_KEY, "a": 1}),
        ("UPDATED_NEW", {"a": 1}),
    ):
        table.delete(_KEY)
        found = table.update(_KEY, "SET a = :a", values={":a": 1}, return_values=which)  # type: ignore[arg-type]
        assert found == wanted, which


def a_removed_attribute_is_not_in_what_is_new(client: Client) -> None:
    table = airports(client, KEF)
    assert table.update(_KEY, "REMOVE elevation", return_values="UPDATED_NEW") is None
    table.put(KEF)
    assert table.update(_KEY, "REMOVE elevation", return_values="UPDATED_OLD") == {"elevation": 171}


def an_update_is_held_to_its_condition(client: Client) -> None:
    table = airports(client, KEF)

    def refused(*, with_item: bool) -> ConditionalCheckFailed:
        return raised(
            ConditionalCheckFailed,
            lambda: table.update(
                _KEY,
                "SET elevation = :new",
                condition="elevation < :old",
                values={":new": 0, ":old": 100},
                return_old_on_failure=with_item,
            ),
        )

    assert refused(with_item=False).item is None
    assert refused(with_item=True).item == KEF
    assert table.get(_KEY) == KEF
    raised(
        ConditionalCheckFailed,
        lambda: table.update({**_KEY, "icao": "X"}, "SET a = icao", condition=Attr("icao").exists()),
    )
    assert table.count() == 1


_INVALID_PATH = "The document path provided in the update expression is invalid for update"
_NO_ATTRIBUTE = "The provided expression refers to an attribute that does not exist in the item"
_WRONG_TYPE = "An operand in the update expression has an incorrect data type"
_REFUSED: tuple[tuple[str, Mapping[str, object] | None, str], ...] = (
    ("SET icao = :v", {":v": "X"}, "Cannot update attribute icao. This attribute is part of the key"),
    ("REMOVE country", None, "Cannot update attribute country. This attribute is part of the key"),
    ("SET a.b = :v", {":v": 1}, _INVALID_PATH),
    ("SET name[0] = :v", {":v": 1}, "reserved keyword: name"),
    ("SET trail.x = :v", {":v": 1}, _INVALID_PATH),
    ("SET elevation[0] = :v", {":v": 1}, _INVALID_PATH),
    ("SET elevation = nothing", None, _NO_ATTRIBUTE),
    ("SET elevation = trail + :v", {":v": 1}, _WRONG_TYPE),
    ("SET elevation = elevation + :v", {":v": "x"}, "operator or function: +, operand type: S"),
    ("ADD trail :v", {":v": 1}, _WRONG_TYPE),
    ("DELETE elevation :v", {":v": {1}}, _WRONG_TYPE),
    ("SET a = :v, a.b = :v", {":v": 1}, "path one: [a], path two: [a, b]"),
    ("SET a = :v REMOVE a", {":v": 1}, "Two document paths overlap with each other"),
    ("SET a.b = :v REMOVE a[0]", {":v": 1}, "Two document paths conflict with each other"),
    ("SET a = :v SET b = :v", {":v": 1}, 'The "SET" section can only be used once in an update expression'),
    ("SET a = :v +", {":v": 1}, "Syntax error"),
    ("SET a = :missing", None, "is not defined; attribute value: :missing"),
    ("SET a = :v", {":v": 1, ":w": 1}, "unused in expressions: keys: {:w}"),
    ("SET a = upper(:v)", {":v": 1}, "Invalid function name; function: upper"),
)


def an_update_that_does_not_fit_is_refused_and_changes_nothing(client: Client) -> None:
    item = {**KEF, "trail": ["a"]}
    table = airports(client, item)
    for update, values, says in _REFUSED:
        told = raised(ValidationError, _updating(table, update, values)).message
        assert says in told, f"{update}: {told}"
        assert table.get(_KEY) == item, update


def _updating(table: Table, update: str, values: Mapping[str, object] | None) -> Callable[[], object]:
    return lambda: table.update(_KEY, update, values=values)


def puts_and_deletes_return_all_old_or_nothing(client: Client) -> None:
    airports(client, KEF)
    for which in ("ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"):
        request = PutItem("airports", KEF, return_values=which)
        assert "ReturnValues can only be ALL_OLD or NONE" in _message(client, request)


def _message(client: Client, request: PutItem) -> str:
    return raised(ValidationError, lambda: client.call(request)).message


CHECKS: tuple[Check, ...] = (
    an_update_makes_the_item_that_is_not_there,
    an_update_without_an_expression_makes_a_bare_item,
    set_computes_from_what_was_there,
    remove_takes_attributes_and_list_elements_away,
    add_counts_and_joins_sets,
    delete_takes_members_out_of_a_set_and_an_empty_set_goes,
    places_deep_inside_are_set,
    all_four_clauses_stand_in_one_update,
    updates_are_built_in_python,
    every_return_value_of_an_update_is_given,
    a_new_item_has_nothing_old_to_return,
    a_removed_attribute_is_not_in_what_is_new,
    an_update_is_held_to_its_condition,
    an_update_that_does_not_fit_is_refused_and_changes_nothing,
    puts_and_deletes_return_all_old_or_nothing,
)
