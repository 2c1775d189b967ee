"""Placeholders: what a request may define, and that all of it is used."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kvdb.errors import ValidationError
from kvdb.expr.names import Placeholders, is_placeholder, resolved
from kvdb.limits import ATTRIBUTE_NAME_BYTES_MAX, EXPRESSION_VARIABLES_BYTES_MAX


def refusal(names: object, values: object) -> str:
    with pytest.raises(ValidationError) as caught:
        Placeholders(names, values)
    return caught.value.message


def test_names_and_values_stand_in_one_table() -> None:
    assert Placeholders({"#a": "name"}, {":v": 1}).table == {"#a": "name", ":v": 1}


def test_a_request_without_placeholders_has_an_empty_table() -> None:
    placeholders = Placeholders(None, None)
    assert placeholders.table == {}
    placeholders.check_all_used()


def test_values_are_normalised_once() -> None:
    given = [1.5, (1, 2), bytearray(b"x"), Decimal("1.0")]
    table = Placeholders(None, {":v": given}).table
    assert table[":v"] == [Decimal("1.5"), [1, 2], b"x", 1]
    given.clear()
    assert table[":v"] != []


def test_an_empty_map_is_refused() -> None:
    assert refusal({}, None) == "ExpressionAttributeNames must not be empty"
    assert refusal(None, {}) == "ExpressionAttributeValues must not be empty"


def test_names_are_looked_at_before_values() -> None:
    assert refusal({"a": "a"}, {}) == 'ExpressionAttributeNames contains invalid key: Syntax error; key: "a"'


@pytest.mark.parametrize("placeholder", ["a", "#", "", ":a", "#a-b", "#a b", "##a", "#é", "#a\n"])
def test_a_malformed_name_placeholder_is_refused(placeholder: str) -> None:
    message = f'ExpressionAttributeNames contains invalid key: Syntax error; key: "{placeholder}"'
    assert refusal({placeholder: "a"}, None) == message


@pytest.mark.parametrize("placeholder", ["a", ":", "", "#a", ":a-b", "::a", ":a\n"])
def test_a_malformed_value_placeholder_is_refused(placeholder: str) -> None:
    message = f'ExpressionAttributeValues contains invalid key: Syntax error; key: "{placeholder}"'
    assert refusal(None, {placeholder: 1}) == message


def test_a_placeholder_has_at_most_255_bytes() -> None:
    assert Placeholders({"#" + "a" * 254: "a"}, {":" + "a" * 254: 1})
    assert refusal({"#" + "a" * 255: "a"}, None) == (
        "ExpressionAttributeNames contains invalid key: "
        "The expression attribute map contains a key that is too long; size of key: 256"
    )
    # Only of names the size is told.
    assert refusal(None, {":" + "é" * 127 + "a": 1}) == (
        "ExpressionAttributeValues contains invalid key: "
        "The expression attribute map contains a key that is too long;"
    )


def test_a_value_that_is_no_attribute_value_is_refused_with_its_placeholder() -> None:
    message = refusal(None, {":a": 1, ":b": set()})
    assert message.startswith(
        "ExpressionAttributeValues contains invalid value: One or more parameter values"
    )
    assert message.endswith(" for key :b")


def test_an_empty_attribute_name_is_refused() -> None:
    message = "ExpressionAttributeNames contains invalid value: Empty attribute name for key #a"
    assert refusal({"#a": ""}, None) == message


def test_an_attribute_name_is_a_string_of_at_most_65535_bytes() -> None:
    assert refusal({"#a": 1}, None) == "ExpressionAttributeNames must map #a to a string, not int"
    assert Placeholders({"#a": "x" * ATTRIBUTE_NAME_BYTES_MAX}, None)
    assert refusal({"#a": "x" * ATTRIBUTE_NAME_BYTES_MAX + "x"}, None).endswith("for key #a")


@pytest.mark.parametrize("given", [["#a"], "#a", 1])
def test_the_maps_must_be_mappings(given: object) -> None:
    kind = type(given).__name__
    assert refusal(given, None) == f"ExpressionAttributeNames must be a mapping, not {kind}"
    assert refusal(None, given) == f"ExpressionAttributeValues must be a mapping, not {kind}"


def test_placeholders_must_be_strings() -> None:
    assert refusal({1: "a"}, None) == "ExpressionAttributeNames must have strings for keys, not int"


def test_all_of_it_has_at_most_two_megabytes() -> None:
    room = EXPRESSION_VARIABLES_BYTES_MAX - len("#a") - len("name") - len(":v")
    assert Placeholders({"#a": "name"}, {":v": "x" * room})
    message = refusal({"#a": "name"}, {":v": "x" * (room + 1)})
    assert message == (
        "ExpressionAttributeNames and ExpressionAttributeValues exceed the maximum allowed size; "
        f"size: {EXPRESSION_VARIABLES_BYTES_MAX + 1}"
    )


def test_what_no_expression_used_is_refused() -> None:
    placeholders = Placeholders({"#b": "b", "#a": "a", "#c": "c"}, {":v": 1})
    placeholders.mark_used(["#c", ":v"])
    with pytest.raises(ValidationError) as caught:
        placeholders.check_all_used()
    message = "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a, #b}"
    assert caught.value.message == message


def test_unused_values_are_refused_when_all_names_are_used() -> None:
    placeholders = Placeholders({"#a": "a"}, {":v": 1, ":w": 2})
    placeholders.mark_used(["#a", ":v"])
    with pytest.raises(ValidationError) as caught:
        placeholders.check_all_used()
    message = "Value provided in ExpressionAttributeValues unused in expressions: keys: {:w}"
    assert caught.value.message == message


def test_what_several_expressions_use_adds_up() -> None:
    placeholders = Placeholders({"#a": "a"}, {":v": 1})
    placeholders.mark_used(["#a"])
    placeholders.mark_used(["#a", ":v"])
    placeholders.check_all_used()


def test_a_path_is_resolved_part_by_part() -> None:
    assert resolved(("a", "#b", 3, "#b"), {"#b": "a.b"}) == ("a", "a.b", 3, "a.b")


def test_only_names_with_a_hash_are_placeholders() -> None:
    assert [is_placeholder(part) for part in ("#a", "a", 0)] == [True, False, False]
