"""What an update makes of an item."""

from __future__ import annotations

import copy
from decimal import Decimal

import pytest

from kvdb.errors import ValidationError
from kvdb.expr.compiler import Placeholders, Update, compile_update
from kvdb.limits import NESTING_LEVELS_MAX

Item = dict[str, object]
Names = dict[str, str]
Values = dict[str, object]

ABSENT = "The provided expression refers to an attribute that does not exist in the item"
WRONG_TYPE = "An operand in the update expression has an incorrect data type"
WRONG_PATH = "The document path provided in the update expression is invalid for update"
OVERFLOW = "Number overflow. Attempting to store a number with magnitude larger than supported range"


def update(text: str, values: Values | None = None, names: Names | None = None) -> Update:
    placeholders = Placeholders(names, values)
    compiled = compile_update(text, placeholders)
    placeholders.check_all_used()
    return compiled


def updated(text: str, item: Item, values: Values | None = None, names: Names | None = None) -> Item:
    before = copy.deepcopy(item)
    after = update(text, values, names).applied_to(item)
    assert item == before
    return after


def refusal(text: str, item: Item, values: Values | None = None) -> str:
    with pytest.raises(ValidationError) as caught:
        updated(text, item, values)
    return caught.value.message


# SET


def test_set_writes_a_value_where_there_was_one_and_where_there_was_none() -> None:
    assert updated("SET a = :v, b = :v", {"a": 1, "c": 2}, {":v": "x"}) == {"a": "x", "b": "x", "c": 2}


def test_set_copies_an_attribute() -> None:
    assert updated("SET b = a.x[0]", {"a": {"x": [[7]]}}) == {"a": {"x": [[7]]}, "b": [7]}


def test_what_set_copies_must_be_there() -> None:
    assert refusal("SET b = a", {}) == ABSENT
    assert refusal("SET b = a.x", {"a": {}}) == ABSENT
    assert refusal("SET b = a + :one", {}, {":one": 1}) == ABSENT
    assert refusal("SET b = list_append(a, :l)", {}, {":l": []}) == ABSENT


def test_null_and_false_are_there() -> None:
    item: Item = {"a": None, "b": False}
    assert updated("SET c = a, d = if_not_exists(b, :v)", item, {":v": 1}) == {**item, "c": None, "d": False}


def test_every_action_reads_the_item_as_it_was() -> None:
    assert updated("SET a = b, b = a", {"a": 1, "b": 2}) == {"a": 2, "b": 1}
    assert updated("REMOVE a SET b = a", {"a": 1}) == {"b": 1}
    assert updated("ADD n :one SET m = n", {"n": 1}, {":one": 1}) == {"n": 2, "m": 1}
    assert refusal("SET x = :v, y = x", {}, {":v": 1}) == ABSENT


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("SET n = n + :v", 12),
        ("SET n = n - :v", 8),
        ("SET n = :v - n", -8),
        ("SET n = (n - :v)", 8),
        ("SET n = ((n) - (:v))", 8),
        ("SET n = n + n REMOVE x", 20),
        ("SET n = n + m.k", Decimal("10.5")),
        ("SET n = if_not_exists(n, :v) + if_not_exists(z, :v)", 12),
        ("SET n = if_not_exists(z, if_not_exists(y, :v)) - n", -8),
    ],
)
def test_set_adds_and_subtracts(text: str, result: object) -> None:
    values = {":v": 2} if ":v" in text else None
    assert updated(text, {"n": 10, "m": {"k": Decimal("0.5")}}, values)["n"] == result


def test_sums_are_exact_or_refused() -> None:
    large, small = Decimal("1E+37"), Decimal("0.1")
    assert updated("SET n = :l + n", {"n": 1}, {":l": large}) == {"n": 10**37 + 1}
    assert updated("SET n = n + n", {"n": Decimal("0.5")}) == {"n": 1}
    assert type(updated("SET n = n + n", {"n": Decimal("0.5")})["n"]) is int
    # The service calls a sum of too many digits an overflow too.
    assert refusal("SET n = :l + n", {"n": small}, {":l": 10**38}) == OVERFLOW
    assert refusal("ADD n :l", {"n": 9 * 10**125}, {":l": 9 * 10**125}) == OVERFLOW


@pytest.mark.parametrize("value", ["1", True, None, [1], {"a": 1}, {1}, b"1"])
def test_only_numbers_are_added_or_subtracted(value: object) -> None:
    assert refusal("SET n = n + :one", {"n": value}, {":one": 1}) == WRONG_TYPE
    assert refusal("SET n = :one - n", {"n": value}, {":one": 1}) == WRONG_TYPE


def test_if_not_exists_is_the_value_that_is_there_or_the_other() -> None:
    assert updated("SET a = if_not_exists(a, :v)", {}, {":v": 1}) == {"a": 1}
    assert updated("SET a = if_not_exists(b, :v)", {"a": 3, "b": 2}, {":v": 1}) == {"a": 2, "b": 2}
    assert updated("SET a = if_not_exists(m.k, m.j)", {"m": {"j": 5}})["a"] == 5
    # What is not needed is not looked for.
    assert updated("SET a = if_not_exists(a, zz)", {"a": 1}) == {"a": 1}


def test_list_append_joins_two_lists_in_either_order() -> None:
    assert updated("SET l = list_append(l, :v)", {"l": [1]}, {":v": [2]}) == {"l": [1, 2]}
    assert updated("SET l = list_append(:v, l)", {"l": [1]}, {":v": [2]}) == {"l": [2, 1]}
    text = "SET l = list_append(if_not_exists(l, :none), :v)"
    assert updated(text, {}, {":none": [], ":v": [2]}) == {"l": [2]}


def test_list_append_takes_nothing_but_lists() -> None:
    assert refusal("SET l = list_append(l, :v)", {"l": {1, 2}}, {":v": [2]}) == WRONG_TYPE
    assert refusal("SET l = list_append(:v, l)", {"l": "ab"}, {":v": [2]}) == WRONG_TYPE


# REMOVE


def test_remove_takes_attributes_away_and_ignores_what_is_not_there() -> None:
    assert updated("REMOVE a, b.c, d, l[0], l[9]", {"a": 1, "b": {"c": 1}, "l": [1, 2]}) == {
        "b": {},
        "l": [2],
    }


def test_remove_from_a_list_closes_the_gap_and_indices_are_those_before() -> None:
    item: Item = {"l": [2, 3, 4, 5, 6, 7]}
    assert updated("REMOVE l[1], l[0], l[5]", item) == {"l": [4, 5, 6]}
    assert updated("REMOVE l[1] SET l[3] = :v", item, {":v": 17}) == {"l": [2, 4, 17, 6, 7]}
    assert updated("SET l[3] = :v REMOVE l[1]", item, {":v": 17}) == {"l": [2, 4, 17, 6, 7]}
    assert updated("REMOVE l[0] SET l[1].x = :v", {"l": [0, {}]}, {":v": 1}) == {"l": [{"x": 1}]}


# ADD and DELETE


def test_add_counts_from_nothing() -> None:
    assert updated("ADD n :two, m :two", {"n": 3}, {":two": 2}) == {"n": 5, "m": 2}


def test_add_unites_sets() -> None:
    item: Item = {"s": {"a", "b"}}
    assert updated("ADD s :s, t :s", item, {":s": {"b", "c"}}) == {"s": {"a", "b", "c"}, "t": {"b", "c"}}
    assert updated("ADD n :n", {"n": {1}}, {":n": {Decimal("1.5")}}) == {"n": {1, Decimal("1.5")}}
    assert updated("ADD n :n", {"n": {b"a"}}, {":n": {b"b"}}) == {"n": {b"a", b"b"}}


def test_delete_takes_elements_and_with_the_last_the_attribute() -> None:
    item: Item = {"s": {"a", "b"}}
    assert updated("DELETE s :s", item, {":s": {"b", "z"}}) == {"s": {"a"}}
    assert updated("DELETE s :s, t :s", item, {":s": {"a", "b"}}) == {}
    assert updated("DELETE m.s :s, l[0] :s", {"m": item, "l": [{"a"}, 1]}, {":s": {"a", "b"}}) == {
        "m": {},
        "l": [1],
    }


@pytest.mark.parametrize("text", ["ADD a :v", "DELETE a :v", "SET b = :v ADD m.a :v", "DELETE m.a :v"])
@pytest.mark.parametrize("present", ["x", 1, True, None, [1], {"x": 1}, {"x"}, {b"x"}])
def test_add_and_delete_take_sets_of_one_type_only(text: str, present: object) -> None:
    assert refusal(text, {"a": present, "m": {"a": present}}, {":v": {1}}) == WRONG_TYPE


def test_add_takes_a_number_to_a_number_only() -> None:
    assert refusal("ADD a :v", {"a": {1}}, {":v": 1}) == WRONG_TYPE
    assert refusal("ADD a :v", {"a": True}, {":v": 1}) == WRONG_TYPE


# Places in documents


def test_set_writes_at_any_depth_and_shares_what_it_does_not_touch() -> None:
    item: Item = {"a": {"b": 3, "c": ["hi", {"x": {"y": [3, 5, 7]}}]}, "z": {"k": 1}}
    after = update("SET a.c[1].#x.y[1] = :v, a.d = a.b", {":v": 9}, {"#x": "x"}).applied_to(item)
    assert after == {"a": {"b": 3, "d": 3, "c": ["hi", {"x": {"y": [3, 9, 7]}}]}, "z": {"k": 1}}
    assert after["z"] is item["z"]
    assert item["a"] == {"b": 3, "c": ["hi", {"x": {"y": [3, 5, 7]}}]}


def test_writes_past_the_end_of_a_list_append_in_the_order_of_their_indices() -> None:
    values: Values = {":a": "a", ":b": "b", ":c": "c"}
    assert updated("SET l[84] = :a, l[17] = :b, l[37] = :c", {"l": [0]}, values) == {"l": [0, "b", "c", "a"]}
    assert updated("SET l[5] = :a REMOVE l[0] ADD l[3] :b", {"l": [0]}, {":a": "a", ":b": 1}) == {
        "l": [1, "a"]
    }


@pytest.mark.parametrize("verb", ["SET {} = :v", "REMOVE {}", "ADD {} :v", "DELETE {} :v"])
@pytest.mark.parametrize("path", ["s.a", "s[1]", "gone.a", "gone[1]", "m[1]", "l.a", "l[5].a", "m.gone.a"])
def test_all_of_a_path_but_its_last_step_must_be_there(verb: str, path: str) -> None:
    values: Values | None = {":v": {"x"}} if ":v" in verb else None
    item: Item = {"s": "x", "m": {"1": "a"}, "l": ["a", "b"]}
    assert refusal(verb.format(path), item, values) == WRONG_PATH


def test_an_operand_that_is_missing_comes_before_a_wrong_path() -> None:
    assert refusal("REMOVE gone.a SET b = gone", {}) == ABSENT
    assert refusal("ADD n :s SET b = gone", {"n": 1}, {":s": {1}}) == ABSENT


def nested(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = {"a": value}
    return value


def test_nothing_is_written_deeper_than_an_item_may_be_nested() -> None:
    deepest = nested(NESTING_LEVELS_MAX - 2)
    assert updated("SET m.x = d", {"m": {}, "d": deepest})["m"] == {"x": deepest}
    assert refusal("SET m.x.y = d", {"m": {"x": {}}, "d": deepest}).startswith("Nesting Levels have exceeded")
    assert updated("SET m.x.y = d.a", {"m": {"x": {}}, "d": deepest})["d"] == deepest


# What a request is told


def test_paths_are_resolved_in_the_order_written() -> None:
    found = update("REMOVE #a.b SET c[0] = :v, d = e.f", {":v": 1}, {"#a": "x.y"})
    assert found.paths == (("x.y", "b"), ("c", 0), ("d",))
    assert found.top_level_names == {"x.y", "c", "d"}
    assert found.nested_names == {"x.y", "c", "e"}
    assert (found.set_count, found.remove_count) == (2, 1)


def test_types_are_known_where_the_request_alone_says_them() -> None:
    text = "SET a = :v, b = c, d = e + :n, f = list_append(g, g), m.x = :v ADD h :n DELETE s :s REMOVE r"
    found = update(text, {":v": "x", ":n": 1, ":s": {b"x"}})
    assert found.known_types == {"a": "S", "d": "N", "f": "L", "h": "N", "s": "BS"}


@pytest.mark.parametrize(
    ("text", "creates"),
    [("SET a = :v", True), ("ADD a :v REMOVE b", True), ("REMOVE a", False), ("DELETE a :v REMOVE b", False)],
)
def test_an_update_that_only_takes_away_makes_no_item(text: str, creates: bool) -> None:
    assert update(text, {":v": {1}} if ":v" in text else None).creates is creates


def test_touched_is_the_part_of_a_document_that_lies_on_the_paths() -> None:
    old: Item = {"p": 1, "a": {"b": "yo", "c": [1, 7, 3]}, "d": "cat"}
    both = update("SET a.c[1] = :v, a.b = :w", {":v": 8, ":w": "dog"})
    assert both.touched_in(old) == {"a": {"b": "yo", "c": [7]}}
    assert both.touched_in(both.applied_to(old)) == {"a": {"b": "dog", "c": [8]}}
    added = update("SET a.x = :v, fresh = :v", {":v": 8})
    assert added.touched_in(old) == {}
    assert added.touched_in(added.applied_to(old)) == {"a": {"x": 8}, "fresh": 8}


def test_touched_takes_indices_as_written() -> None:
    # Odd, but what the service does: source ScyllaDB test_returnvalues.py.
    appended = update("SET l[100] = :v", {":v": 70})
    assert appended.touched_in(appended.applied_to({"l": [1, 2]})) == {}
    removed = update("REMOVE l[1]")
    assert removed.touched_in(removed.applied_to({"l": [1, 2, 3]})) == {"l": [3]}


def test_an_update_may_be_applied_again() -> None:
    found = update("SET l = list_append(l, :v) ADD n :n DELETE s :s", {":v": [1], ":n": 1, ":s": {"a"}})
    once = found.applied_to({"l": [], "s": {"a", "b", "c"}})
    assert once == {"l": [1], "n": 1, "s": {"b", "c"}}
    assert found.applied_to(once) == {"l": [1, 1], "n": 2, "s": {"b", "c"}}
    assert found.applied_to({"l": []}) == {"l": [1], "n": 1}
