"""What a text means, and in which words a wrong one is refused."""

from __future__ import annotations

import pytest

from kvdb.errors import ValidationError
from kvdb.expr.messages import ExpressionKind
from kvdb.expr.nodes import (
    Add,
    And,
    Arithmetic,
    Between,
    Call,
    Comparison,
    Delete,
    In,
    Not,
    Or,
    Path,
    Remove,
    Set,
    Value,
)
from kvdb.expr.parser import parse_condition, parse_projection, parse_update
from kvdb.limits import EXPRESSION_BYTES_MAX, EXPRESSION_DEPTH_MAX, EXPRESSION_OPERATORS_MAX

A, B, C, D = (Comparison("=", Path((name,)), Value(":v")) for name in "abcd")


def tree(text: str) -> object:
    return parse_condition(text, "FilterExpression")


def refusal(text: str) -> str:
    with pytest.raises(ValidationError) as caught:
        tree(text)
    prefix = "Invalid FilterExpression: "
    assert caught.value.message.startswith(prefix)
    return caught.value.message.removeprefix(prefix)


# Meaning


@pytest.mark.parametrize("comparator", ["=", "<>", "<", "<=", ">", ">="])
def test_a_comparison_takes_each_comparator(comparator: str) -> None:
    assert tree(f"a {comparator} :v") == Comparison(comparator, Path(("a",)), Value(":v"))


def test_either_side_may_be_a_path_a_value_or_a_size() -> None:
    assert tree(":v < a.b") == Comparison("<", Value(":v"), Path(("a", "b")))
    assert tree("a = size(b)") == Comparison("=", Path(("a",)), Call("size", (Path(("b",)),)))


def test_a_path_has_names_placeholders_and_indices() -> None:
    assert tree("a.#b[3][0].c = :v") == Comparison("=", Path(("a", "#b", 3, 0, "c")), Value(":v"))


def test_blanks_may_stand_between_any_two_tokens() -> None:
    assert tree("a . #b [ 3 ]\n=\t:v") == tree("a.#b[3]=:v")


def test_between_keeps_its_own_and() -> None:
    lower, upper = Value(":l"), Value(":u")
    assert tree("a BETWEEN :l AND :u AND a = :v") == And((Between(Path(("a",)), lower, upper), A))


def test_in_takes_a_list_of_operands() -> None:
    assert tree("a IN (:x, b, (:y))") == In(Path(("a",)), (Value(":x"), Path(("b",)), Value(":y")))


def test_a_call_is_a_condition() -> None:
    assert tree("contains(a, :v)") == Call("contains", (Path(("a",)), Value(":v")))


def test_and_binds_closer_than_or() -> None:
    assert tree("a = :v OR b = :v AND c = :v") == Or((A, And((B, C))))


def test_not_binds_closer_than_and() -> None:
    assert tree("NOT a = :v AND b = :v") == And((Not(A), B))


def test_parentheses_override_precedence() -> None:
    assert tree("(a = :v OR b = :v) AND c = :v") == And((Or((A, B)), C))
    assert tree("NOT (a = :v AND b = :v)") == Not(And((A, B)))


def test_a_chain_of_one_operator_is_one_node() -> None:
    assert tree("a = :v AND b = :v AND c = :v AND d = :v") == And((A, B, C, D))


def test_keywords_are_read_in_any_case() -> None:
    assert tree("not a = :v oR b = :v aNd c = :v") == Or((Not(A), And((B, C))))


def test_a_chain_of_nots_is_no_deeper_than_two() -> None:
    assert tree("NOT NOT a = :v") == tree("NOT NOT NOT NOT a = :v") == Not(Not(A))
    assert tree("NOT NOT NOT a = :v") == Not(A)


@pytest.mark.parametrize("text", ["(a) = :v", "a = (:v)", "(a = :v)", "(a) = (:v)", "((a) = :v)"])
def test_parentheses_around_an_operand_or_a_condition_change_nothing(text: str) -> None:
    assert tree(text) == A


def test_a_size_in_parentheses_is_still_an_operand() -> None:
    assert tree("(size(a)) > :v") == Comparison(">", Call("size", (Path(("a",)),)), Value(":v"))


def test_a_path_in_parentheses_may_go_on_behind_them() -> None:
    assert tree("(a.b).c[0] = :v") == Comparison("=", Path(("a", "b", "c", 0)), Value(":v"))
    assert tree("a = (b).c") == Comparison("=", Path(("a",)), Path(("b", "c")))


def test_operands_of_calls_and_of_in_may_have_their_own_parentheses() -> None:
    assert tree("attribute_exists((a))") == Call("attribute_exists", (Path(("a",)),))
    assert tree("a IN ((:v))") == In(Path(("a",)), (Value(":v"),))


def test_a_projection_is_a_list_of_paths() -> None:
    assert parse_projection("a, #b.c , d[0]") == (Path(("a",)), Path(("#b", "c")), Path(("d", 0)))


# Syntax errors: the token, and what is written from the one before it to the one after


@pytest.mark.parametrize(
    ("text", "token", "near"),
    [
        ("a-b", "-", "a-b"),
        ("a b c", "b", "a b c"),
        ("a = 4", "4", "= 4"),
        ("a =", "<EOF>", "="),
        ("a", "<EOF>", "a"),
        ("   ", "<EOF>", ""),
        ("contains (a, :v", "<EOF>", ":v"),
        ("()", ")", "()"),
        ("a = :v)", ")", ":v)"),
        ("(a = :v", "<EOF>", ":v"),
        ("a = :v AND", "<EOF>", "AND"),
        ("a = :v b = :v", "b", ":v b ="),
        ("AND a = :v", "AND", "AND a"),
        ("ADD #v :i", "ADD", "ADD #v"),
        ("a = :v AND _x = :v", "_", "AND _x"),
        ("!!!", "!", "!!"),
        ("a..b = :v", ".", "..b"),
        ("a. = :v", "=", ". = :v"),
        ("a[b] = :v", "b", "[b]"),
        ("a[0 = :v", "=", "0 = :v"),
        ("[0].a = :v", "[", "[0"),
        ("a[-1] = :v", "-", "[-1"),
        ("a.:v = :v", ":v", ".:v ="),
        ("hits : incr = :v", ":", "hits : incr"),
        ("# = :v", "#", "# ="),
        ("a IN :v", ":v", "IN :v"),
        ("a IN ()", ")", "()"),
        ("a IN (:v,)", ")", ",)"),
        ("a BETWEEN :v", "<EOF>", ":v"),
        ("a BETWEEN :v OR :w", "OR", ":v OR :w"),
        ("size(a).b = :v", ".", ").b"),
        ("(size(a))[0] = :v", "[", ")[0"),
        ("(a) AND b = :v", "AND", ") AND b"),
        ("(a = :v AND b)", ")", "b)"),
        ("(NOT a)", ")", "a)"),
        ("(a = :v) = :v", "=", ") = :v"),
        ("a = :v = :v", "=", ":v = :v"),
        ("NOT", "<EOF>", "NOT"),
        ("ü = :v", "ü", "ü ="),
    ],
)
def test_a_syntax_error_shows_the_token_and_its_neighbours(text: str, token: str, near: str) -> None:
    assert refusal(text) == f'Syntax error; token: "{token}", near: "{near}"'


@pytest.mark.parametrize(
    ("text", "token", "near"),
    [
        ("a,", "<EOF>", ","),
        ("a b", "b", "a b"),
        (":v", ":v", ":v"),
        ("a, !!", "!", ", !!"),
        ("(a)", "(", "(a"),
    ],
)
def test_a_projection_takes_nothing_but_paths(text: str, token: str, near: str) -> None:
    with pytest.raises(ValidationError) as caught:
        parse_projection(text)
    message = f'Invalid ProjectionExpression: Syntax error; token: "{token}", near: "{near}"'
    assert caught.value.message == message


# Other faults of the text


def test_an_empty_expression_is_refused() -> None:
    assert refusal("") == "The expression can not be empty;"


@pytest.mark.parametrize(
    "text",
    [
        "((a = :v))",
        "a = ((:v))",
        "NOT ((a = :v))",
        "((a)) = :v",
        "contains(a, ((b)))",
        "a = :v AND ((b = :v OR c = :v))",
    ],
)
def test_redundant_parentheses_are_refused(text: str) -> None:
    assert refusal(text) == "The expression has redundant parentheses;"


@pytest.mark.parametrize("text", ["((a = :v) OR b = :v)", "((a) = :v)", "(a) IN ((b), (c))"])
def test_parentheses_around_different_things_are_not_redundant(text: str) -> None:
    assert tree(text)


@pytest.mark.parametrize("name", ["foo", "Contains", "ATTRIBUTE_EXISTS", "Size"])
def test_function_names_are_known_only_as_they_are_written(name: str) -> None:
    assert refusal(f"{name}(a) = :v") == f"Invalid function name; function: {name}"


@pytest.mark.parametrize(
    ("text", "function"),
    [
        ("size(a)", "size"),
        ("(size(a))", "size"),
        ("NOT size(a)", "size"),
        ("a = :v OR size(a)", "size"),
        ("(size(a)) AND a = :v", "size"),
        ("attribute_exists(a) > b", "attribute_exists"),
        ("a = contains(a, b)", "contains"),
        ("a BETWEEN b AND attribute_exists(c)", "attribute_exists"),
        ("a IN (b, begins_with(c, d))", "begins_with"),
        ("size(contains(a, b)) > c", "contains"),
    ],
)
def test_a_function_in_the_wrong_place_is_refused(text: str, function: str) -> None:
    message = f"The function is not allowed to be used this way in an expression; function: {function}"
    assert refusal(text) == message


@pytest.mark.parametrize("function", ["if_not_exists", "list_append"])
def test_update_functions_are_refused_in_a_condition(function: str) -> None:
    message = f"The function is not allowed in a condition expression; function: {function}"
    assert refusal(f"{function}(a, b) = :v") == message


@pytest.mark.parametrize(
    ("text", "word"), [("views = :v", "views"), ("a.Status = :v", "Status"), (":v < abOrT", "abOrT")]
)
def test_a_reserved_word_is_refused_as_a_bare_name(text: str, word: str) -> None:
    assert refusal(text) == f"Attribute name is a reserved keyword; reserved keyword: {word}"


def test_a_projection_refuses_reserved_words_too() -> None:
    with pytest.raises(ValidationError) as caught:
        parse_projection("a, name")
    fault = "Attribute name is a reserved keyword; reserved keyword: name"
    assert caught.value.message == f"Invalid ProjectionExpression: {fault}"


def test_a_list_index_has_an_upper_bound() -> None:
    assert tree("a[2147483647] = :v")
    index = 2**31
    assert refusal(f"a[{index}] = :v") == f"List index is not within the allowable range; index: [{index}]"


def test_several_faults_are_reported_in_the_order_of_the_service() -> None:
    faulty = ["name = :v", "a = contains(a, b)", "foo(a) = :v", "((a = :v))", "a = 4"]
    expected = [
        "Attribute name is a reserved keyword",
        "The function is not allowed",
        "Invalid function name",
        "The expression has redundant",
        "Syntax error",
    ]
    for count, words in enumerate(expected, start=1):
        assert refusal(" OR ".join(faulty[:count])).startswith(words)


# Bounds


def test_an_expression_has_at_most_4096_bytes() -> None:
    fits = "a = :v" + " " * (EXPRESSION_BYTES_MAX - 6)
    assert tree(fits) == A
    message = "Expression size has exceeded the maximum allowed size; expression size: 4097"
    assert refusal(fits + " ") == message


@pytest.mark.parametrize(
    "kind", ["KeyConditionExpression", "ProjectionExpression", "UpdateExpression", "ConditionExpression"]
)
def test_only_conditions_and_filters_say_how_long_they_are(kind: ExpressionKind) -> None:
    with pytest.raises(ValidationError) as caught:
        parse_condition("a" * (EXPRESSION_BYTES_MAX + 1), kind)
    size = " expression size: 4097" if kind == "ConditionExpression" else ""
    assert caught.value.message == (
        f"Invalid {kind}: Expression size has exceeded the maximum allowed size;{size}"
    )


def test_the_size_of_an_expression_is_counted_in_bytes() -> None:
    text = "é" * 2049
    message = "Expression size has exceeded the maximum allowed size; expression size: 4098"
    assert refusal(text) == message


def test_an_expression_has_at_most_300_operators() -> None:
    comparisons = EXPRESSION_OPERATORS_MAX // 2
    fits = " OR ".join(["a=:v"] * comparisons)
    assert tree(f"NOT {fits}")
    message = f"The expression contains too many operators; operator count: {EXPRESSION_OPERATORS_MAX + 1}"
    assert refusal(f"NOT NOT {fits}") == message


def test_between_in_and_calls_are_one_operator_each() -> None:
    three = "a BETWEEN b AND c OR d IN (e) OR contains(f, g) OR "  # 6 operators
    fits = three * 49 + "NOT a=:v OR a=:v OR a=:v"
    assert tree(fits)
    assert refusal(f"NOT {fits}") == "The expression contains too many operators; operator count: 301"


def test_a_path_has_at_most_32_parts() -> None:
    assert tree(".".join(["a"] * 32) + " = :v")
    message = "The document path has too many nesting levels; nesting levels: 33"
    assert refusal(".".join(["a"] * 33) + " = :v") == message
    assert refusal("a" + "[0]" * 32 + " = :v") == message


def nested(depth: int) -> str:
    """NOT and parentheses, each around the next; the service counts the NOTs as operators."""
    return "NOT(" * depth + "a=:v" + ")" * depth


def test_299_nested_conditions_are_read() -> None:
    node = tree(nested(EXPRESSION_OPERATORS_MAX - 1))
    depth = 0
    while isinstance(node, Not):
        node, depth = node.condition, depth + 1
    assert (node, depth) == (A, 299)


def test_at_most_300_parentheses_may_be_open() -> None:
    depth = EXPRESSION_DEPTH_MAX
    message = "The expression is nested too deeply; at most 300 parentheses may be open at once"
    assert refusal("(" * depth) == 'Syntax error; token: "<EOF>", near: "("'
    assert refusal("(" * (depth + 1)) == message
    assert refusal("a = " + "(" * (depth + 1)) == message
    assert refusal("size(" * (depth + 1)) == message


@pytest.mark.parametrize("bomb", ["(", "not ", "a.", "[0]", "size(", "not(", "a=:v and (", "a in(", "f(a,"])
def test_a_bomb_of_20_000_is_refused_by_its_size(bomb: str) -> None:
    text = bomb * 20_000
    assert refusal(text).startswith("Expression size has exceeded the maximum allowed size;")


@pytest.mark.parametrize("bomb", ["(", "not ", "a.", "[0]", "size(", "not(", "a=:v and (", "a in(", "f(a,"])
def test_the_largest_bomb_that_is_read_is_refused_by_name(bomb: str) -> None:
    text = bomb * (EXPRESSION_BYTES_MAX // len(bomb))
    assert refusal(text).startswith(("The expression is nested too deeply;", "Syntax error;"))


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(ValidationError):
        tree("a = \ud800")


# Updates


def update_refusal(text: str) -> str:
    with pytest.raises(ValidationError) as caught:
        parse_update(text)
    prefix = "Invalid UpdateExpression: "
    assert caught.value.message.startswith(prefix)
    return caught.value.message.removeprefix(prefix)


def test_sections_come_in_any_order_and_letter_case() -> None:
    a, b, v = Path(("a",)), Path(("b", 1)), Value(":v")
    assert parse_update("add a :v dELETE b[1] :v, a :v REMOVE a SET b[1]=:v,a=:v") == (
        *(Add(a, v), Delete(b, v), Delete(a, v), Remove(a), Set(b, v), Set(a, v)),
    )


def test_set_takes_an_operand_a_sum_or_a_difference() -> None:
    a, v = Path(("a",)), Value(":v")
    call = Call("if_not_exists", (a, v))
    for text, value in (
        ("a", a),
        ("(a)", a),
        ("if_not_exists(a, :v)", call),
        ("a + :v", Arithmetic("+", a, v)),
        ("if_not_exists(a,:v)-a", Arithmetic("-", call, a)),
        ("((a) + (:v))", Arithmetic("+", a, v)),
    ):
        assert parse_update(f"SET a = {text}") == (Set(a, value),), text


@pytest.mark.parametrize(
    "text",
    [
        "whatever",
        "set",
        "set a",
        "add a",
        "delete a",
        "remove",
        "set a=set",
        "remove a = b",
        "add a = b",
        "delete a = b",
        "delete a b",
        "delete a if_not_exist(b)",
        "add a if_not_exist(b)",
        "remove a b",
        "set a b",
        "set :a = b",
        "add :a b",
        "remove :a",
        "set a = b / c",
        "set a = b * c",
        'set a[1] = "eight"',
        "set a[1] = 1",
        "set a[:x] = b",
        "set a[#x] = b",
        "set a = if_not_exist(a, 100)",
        "set if_not_exist(a, b) = a",
        "set (a = (b + c))",
        "set a = (b.c).d + e",
        "set a = (b.c)[0] + e",
        "set a = b + c + d",
        "set a = (b + c) - d",
        "set a = if_not_exists(c, b + c)",
        "set a = b,",
        "set a = b, remove c",
        ", set a = b",
        "set _a = :v",
    ],
)
def test_what_is_no_update_is_a_syntax_error(text: str) -> None:
    assert update_refusal(text).startswith("Syntax error; token: ")


def test_faults_of_an_update_are_ranked() -> None:
    assert update_refusal("set abOrt = f(b) set a = b").endswith("reserved keyword: abOrt")
    assert update_refusal("set c = f(b) set c = d") == "Invalid function name; function: f"
    twice = 'The "{}" section can only be used once in an update expression;'
    assert update_refusal("set a = b remove c set d = e") == twice.format("SET")
    assert update_refusal("add #d :e set a = b add e :f") == twice.format("ADD")
    assert update_refusal("") == "The expression can not be empty;"


def test_functions_of_conditions_are_refused_in_an_update() -> None:
    message = "The function is not allowed in an update expression; function: "
    for function in ("size", "contains", "attribute_exists"):
        assert update_refusal(f"set a = {function}(b)") == message + function


@pytest.mark.parametrize(
    "value",
    [
        "list_append(list_append(a, b), c)",
        "list_append(a, list_append(b, c))",
        "if_not_exists(a, list_append(b, c))",
        "list_append(a, b) + c",
    ],
)
def test_list_append_stands_for_a_whole_value_only(value: str) -> None:
    assert update_refusal(f"set a = {value}") == (
        "The function is not allowed to be used this way in an expression; function: list_append"
    )


def test_redundant_parentheses_are_refused_in_an_update_too() -> None:
    assert update_refusal("set a = ((b))") == "The expression has redundant parentheses;"
    assert update_refusal("set a = ((b + c))") == "The expression has redundant parentheses;"
    parse_update("set a = (b), c = (d + e), f = if_not_exists((a), b)")


def test_an_update_has_a_bound_on_its_operators() -> None:
    most = ",".join(["a=b+c"] * EXPRESSION_OPERATORS_MAX)
    assert len(parse_update(f"SET {most}")) == EXPRESSION_OPERATORS_MAX
    count = EXPRESSION_OPERATORS_MAX + 1
    for one_more in ("z=b-c", "z=if_not_exists(a,b)"):
        assert update_refusal(f"SET {most},{one_more}") == (
            f"The expression contains too many operators; operator count: {count}"
        )
    assert len(parse_update("SET " + ",".join(["a=b"] * 500))) == 500


@pytest.mark.parametrize("bomb", ["(", "f(", "if_not_exists(a, "])
def test_a_deep_update_is_refused_before_it_is_followed(bomb: str) -> None:
    assert update_refusal("SET a = " + bomb * 200_000).startswith("Expression size has exceeded")
    deep = "SET a = " + bomb * (EXPRESSION_DEPTH_MAX + 1)
    if len(deep) <= EXPRESSION_BYTES_MAX:
        assert update_refusal(deep).startswith("The expression is nested too deeply")
