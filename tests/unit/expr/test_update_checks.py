"""Which names and values an update refuses, in whose words and in which order."""

from __future__ import annotations

import pytest

from kvdb.errors import ValidationError
from kvdb.expr.compiler import Placeholders, compile_update

VALUES: dict[str, object] = {
    ":s": "a",
    ":n": 1,
    ":b": b"a",
    ":bool": True,
    ":null": None,
    ":ss": {"a"},
    ":ns": {1},
    ":bs": {b"a"},
    ":m": {"a": [1]},
    ":l": [1],
}


def refusal(text: str, names: dict[str, str] | None = None) -> str:
    with pytest.raises(ValidationError) as caught:
        compile_update(text, Placeholders(names, VALUES))
    prefix = "Invalid UpdateExpression: "
    assert caught.value.message.startswith(prefix)
    return caught.value.message.removeprefix(prefix)


def test_undefined_names_come_before_undefined_values() -> None:
    name = "An expression attribute name used in the document path is not defined; attribute name: "
    value = "An expression attribute value used in expression is not defined; attribute value: "
    assert refusal("SET a = if_not_exists(:zz), #c = b") == f"{name}#c"
    assert refusal("SET a.#x = list_append(#y, :l)", {"#x": "x"}) == f"{name}#y"
    assert refusal("SET a = if_not_exists(:zz) REMOVE a") == f"{value}:zz"
    assert refusal("DELETE a :zz") == f"{value}:zz"


@pytest.mark.parametrize(
    ("text", "one", "two"),
    [
        ("set d[1] = a, d.b = a, c[1].a = a, #c = if_not_exists(a)", "[c, [1], a]", "[c]"),
        ("set #c[3].#d = a, #c[3] = a", "[c, [3], [3]]", "[c, [3]]"),
        ("set a = b remove a", "[a]", "[a]"),
        ("remove a.b set a.b.c.d = b", "[a, b]", "[a, b, c, d]"),
        ("add a.b :n delete a :s", "[a, b]", "[a]"),
        ("set #c = b, c = b", "[c]", "[c]"),
    ],
)
def test_paths_may_not_overlap(text: str, one: str, two: str) -> None:
    assert refusal(text, {"#c": "c", "#d": "[3]"}) == (
        "Two document paths overlap with each other; "
        f"must remove or rewrite one of these paths; path one: {one}, path two: {two}"
    )


@pytest.mark.parametrize(
    ("text", "one", "two"),
    [
        ("set #c[3].#d = a, #c.#d[3] = if_not_exists(a)", "[c, [3], [3]]", "[c, [3], [3]]"),
        ("remove a.#c set a[1] = #d", "[a, c]", "[a, [1]]"),
    ],
)
def test_paths_may_not_take_a_place_as_a_map_and_as_a_list(text: str, one: str, two: str) -> None:
    assert refusal(text, {"#c": "c", "#d": "[3]"}) == (
        "Two document paths conflict with each other; "
        f"must remove or rewrite one of these paths; path one: {one}, path two: {two}"
    )


def test_what_is_read_may_overlap_with_what_is_written() -> None:
    compile_update("SET a = b.c, b.d = a, e[0] = e REMOVE f.g, f.h", Placeholders(None, None))


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (":s", "STRING"),
        (":b", "BINARY"),
        (":bool", "BOOLEAN"),
        (":null", "NULL"),
        (":m", "MAP"),
        (":l", "LIST"),
        (":n", "NUMBER"),
    ],
)
@pytest.mark.parametrize("action", ["ADD", "DELETE"])
def test_add_and_delete_say_what_they_do_not_take(action: str, value: str, name: str) -> None:
    if (action, value) == ("ADD", ":n"):
        compile_update("ADD a :n", Placeholders(None, VALUES))
        return
    assert refusal(f"{action.lower()} a.b {value}") == (
        f"Incorrect operand type for operator or function; operator: {action}, operand type: {name}"
    )


@pytest.mark.parametrize("operator", ["+", "-"])
@pytest.mark.parametrize("value", sorted(VALUES.keys() - {":n"}))
def test_operators_say_what_they_do_not_take(operator: str, value: str) -> None:
    found = value[1:].upper()
    message = f"Incorrect operand type for operator or function; operator or function: {operator}, "
    assert refusal(f"SET a = b {operator} {value}") == f"{message}operand type: {found}"
    assert refusal(f"SET a = {value} {operator} b") == f"{message}operand type: {found}"


@pytest.mark.parametrize("value", sorted(VALUES.keys() - {":l"}))
def test_list_append_says_what_it_does_not_take(value: str) -> None:
    found = value[1:].upper()
    message = "Incorrect operand type for operator or function; operator or function: list_append, "
    assert refusal(f"SET a = list_append({value}, a)") == f"{message}operand type: {found}"
    assert refusal(f"SET a = list_append(a, {value})") == f"{message}operand type: {found}"


def test_of_two_wrong_operands_the_left_one_is_named() -> None:
    assert refusal("SET a = :s + :b").endswith("operand type: S")
    assert refusal("SET a = if_not_exists(b) + :b").endswith("number of operands: 1")


@pytest.mark.parametrize("function", ["if_not_exists", "list_append"])
@pytest.mark.parametrize("operands", ["c", "c, c, c"])
def test_functions_take_two_operands(function: str, operands: str) -> None:
    count = operands.count("c")
    assert refusal(f"SET a = {function}({operands})") == (
        "Incorrect number of operands for operator or function; "
        f"operator or function: {function}, number of operands: {count}"
    )


@pytest.mark.parametrize("first", [":s", "if_not_exists(a, b)"])
def test_if_not_exists_asks_for_a_path(first: str) -> None:
    assert refusal(f"SET a = if_not_exists({first}, c)") == (
        "Operator or function requires a document path; operator or function: if_not_exists"
    )


def test_faults_of_actions_come_before_those_of_values() -> None:
    text = "set b = list_append(:s, a), c = if_not_exists(a) add d.b :s"
    assert refusal(text).endswith("operator: ADD, operand type: STRING")
    assert refusal("set b = list_append(:s, a), b.c = a").startswith("Two document paths overlap")
