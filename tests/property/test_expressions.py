"""Expressions mean what a naive reading of the rules says, whatever they are asked of.

What they should mean, ``tests/support/expression_oracle`` says; ``test_expression_fuzz`` asks it of
many more of them, these shrink when they fail, and come by way of the builders too.
"""

from __future__ import annotations

from decimal import Decimal

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from kvdb.errors import ValidationError
from kvdb.expr.builder import Attr, BuiltCondition
from kvdb.expr.compiler import (
    Placeholders,
    compile_condition,
    compile_key_condition,
    compile_projection,
)
from kvdb.expr.rendering import render_projection
from tests.support.expression_oracle import (
    COMPARATORS,
    TYPES,
    Literal,
    Path,
    Said,
    clash_faults,
    holds,
    kept,
    same,
)
from tests.support.strategies import raw_values

# Few names, values and places, so that tests often find something and often agree, and
# flat strategies, so that thousands of examples take seconds.
_NAMES = ("a", "b", "c.d", "name")
_ORDERED = (
    0,
    1,
    -3,
    10**37,
    Decimal("1.5"),
    Decimal("1E-130"),
    "",
    "a",
    "ab",
    "é\U0001f600",
    b"",
    b"a",
    b"\xff",
)
_WITHOUT_ORDER = (
    True,
    False,
    None,
    [],
    [1],
    ["a", 1, True],
    {},
    {"a": 1},
    {"name": {"b": "a"}},
    {"b": [[0], "a"]},
)
_SETS = ({1}, {1, Decimal("1.5")}, {"a", "ab"}, {b"a"})
_CONFUSED = (0, 1, False, True)  # Python thinks that some of these are equal
_EVERY_VALUE = (*_ORDERED, *_WITHOUT_ORDER, *_SETS, *_CONFUSED, *_CONFUSED)
_VALUES = st.sampled_from(_EVERY_VALUE)
_PATHS = st.sampled_from(
    [
        *((name, *rest) for name in _NAMES for rest in [(), (), ("a",), ("b",), (0,)]),
        *(("a", "name", "b"), ("a", "b", 0), ("b", "b", 0, 0), ("name", 1), ("name", 2), ("b", 0, "name")),
    ]
)
_ITEMS = st.dictionaries(
    st.sampled_from(_NAMES),
    _VALUES | st.lists(_VALUES, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), _VALUES, max_size=3),
    max_size=4,
)


def literals(values: tuple[object, ...]) -> SearchStrategy[object]:
    return st.sampled_from([Literal(value) for value in values])


def said(word: str, *operands: SearchStrategy[object]) -> SearchStrategy[Said]:
    return st.tuples(*operands).map(lambda found: Said(word, found))


_SIZES: SearchStrategy[object] = _PATHS.map(lambda path: Said("size", (path,)))
_ANY: SearchStrategy[object] = _PATHS | literals(_EVERY_VALUE) | _SIZES
_SORTABLE: SearchStrategy[object] = _PATHS | literals(_ORDERED) | _SIZES
_PREFIXED: SearchStrategy[object] = _PATHS | literals(("", "a", "ab", b"", b"a", b"ab"))
_LEAVES = st.one_of(
    *(said(word, _ANY, _ANY) for word in ("=", "<>")),
    *(said(word, _SORTABLE, _SORTABLE) for word in ("<", "<=", ">", ">=")),
    said("BETWEEN", _SORTABLE, _SORTABLE, _SORTABLE),
    said("IN", _ANY, _ANY),
    said("IN", _PATHS, _ANY, _ANY, _ANY),
    said("attribute_exists", _PATHS),
    said("attribute_not_exists", _PATHS),
    said("attribute_type", _PATHS, literals(TYPES)),
    said("begins_with", _PREFIXED, _PREFIXED),
    said("contains", _PATHS | literals(_EVERY_VALUE), _ANY),
)


def joined(parts: SearchStrategy[Said]) -> SearchStrategy[Said]:
    return said("AND", parts, parts) | said("OR", parts, parts) | said("NOT", parts)


_PAIRS = _LEAVES | joined(_LEAVES)
_CONDITIONS = _LEAVES | joined(_PAIRS) | joined(joined(_PAIRS))

# Writing a condition down


class Writer:
    """Conditions as text, with placeholders, parentheses and letter case as ``choices`` has bits."""

    def __init__(self, choices: int) -> None:
        self._choices = choices
        self.names: dict[str, str] = {}
        self.values: dict[str, object] = {}

    def condition(self, said: Said, within: str = "") -> str:
        word = said.word
        if word in ("AND", "OR"):
            text = f" {self._case(word)} ".join(self.condition(each, word) for each in said.operands)
            needed = within == "NOT" or (within == "AND" and word == "OR")
            return f"({text})" if needed or (within and self._flip()) else text
        if word == "NOT":
            return f"{self._case('NOT')} {self.condition(said.operands[0], 'NOT')}"
        return self._leaf(word, [self._operand(operand) for operand in said.operands])

    def _leaf(self, word: str, operands: list[str]) -> str:
        if word in COMPARATORS:
            return f"{operands[0]} {word} {operands[1]}"
        if word == "BETWEEN":
            between, conjunction = self._case(word), self._case("AND")
            return f"{operands[0]} {between} {operands[1]} {conjunction} {operands[2]}"
        if word == "IN":
            return f"{operands[0]} {self._case(word)} ({', '.join(operands[1:])})"
        return f"{word}({', '.join(operands)})"

    def _operand(self, operand: object) -> str:
        if isinstance(operand, Literal):
            text = f":v{len(self.values)}"
            self.values[text] = operand.value
        elif isinstance(operand, Said):
            text = f"size({self._path(operand.operands[0])})"
        else:
            assert isinstance(operand, tuple)
            text = self._path(operand)
        return f"({text})" if self._flip() else text

    def _path(self, path: Path) -> str:
        steps = [f"[{step}]" if isinstance(step, int) else f".{self._name(step)}" for step in path]
        return "".join(steps)[1:]

    def _name(self, name: str) -> str:
        # "name" is a reserved word and "c.d" no word at all.
        if name in ("a", "b") and self._flip():
            return name
        placeholder = f"#n{_NAMES.index(name)}"
        self.names[placeholder] = name
        return placeholder

    def _case(self, word: str) -> str:
        return word if self._flip() else word.lower()

    def _flip(self) -> bool:
        self._choices, bit = divmod(self._choices, 2)
        return bit == 1


@settings(max_examples=1500, deadline=None)
@given(_CONDITIONS, st.tuples(_ITEMS, _ITEMS), st.integers(0, 2**64 - 1))
def test_a_condition_holds_where_a_naive_reading_says_so(
    condition: Said, items: tuple[dict[str, object], ...], choices: int
) -> None:
    writer = Writer(choices)
    text = writer.condition(condition)
    placeholders = Placeholders(writer.names or None, writer.values or None)
    try:
        compiled = compile_condition(text, placeholders)
    except ValidationError as refused:
        assume(not _is_about_operands(refused.message))
        raise
    placeholders.check_all_used()
    for item in items:
        assert compiled.holds(item) is holds(condition, item)


def _is_about_operands(message: str) -> bool:
    """Operands drawn at random need not go together; the unit tests say which do."""
    faults = ("Incorrect operand type", "The first operand must be distinct", "The BETWEEN operator requires")
    return any(fault in message for fault in faults)


def built(condition: Said) -> BuiltCondition | None:
    """The same condition by way of the builders; None where they have no way to say it."""
    word, operands = condition.word, condition.operands
    if word in ("AND", "OR", "NOT"):
        parts = [built(each) for each in operands]
        if None in parts:
            return None
        first, *rest = [part for part in parts if part is not None]
        return ~first if word == "NOT" else first & rest[0] if word == "AND" else first | rest[0]
    if isinstance(operands[0], Literal):
        return None
    subject = _built_operand(operands[0])
    arguments = [_built_operand(operand) for operand in operands[1:]]
    methods = {"=": "eq", "<>": "ne", "<": "lt", "<=": "lte", ">": "gt", ">=": "gte", "BETWEEN": "between"}
    methods |= {"attribute_exists": "exists", "attribute_not_exists": "not_exists"}
    if word == "IN":
        return subject.is_in(arguments)
    method = getattr(subject, methods.get(word, word), None)
    return method(*arguments) if method is not None else None


def _built_operand(operand: object) -> object:
    if isinstance(operand, Literal):
        return operand.value
    return Attr(operand.operands[0]).size() if isinstance(operand, Said) else Attr(operand)


@settings(max_examples=700, deadline=None)
@given(_CONDITIONS, st.tuples(_ITEMS, _ITEMS))
def test_a_built_condition_holds_where_a_naive_reading_says_so(
    condition: Said, items: tuple[dict[str, object], ...]
) -> None:
    rendered_condition = built(condition)
    assume(rendered_condition is not None)
    assert rendered_condition is not None
    rendered = rendered_condition.render("p")
    placeholders = Placeholders(rendered.names or None, rendered.values or None)
    try:
        compiled = compile_condition(rendered.text, placeholders)
    except ValidationError as refused:
        assume(not _is_about_operands(refused.message))
        raise
    placeholders.check_all_used()
    for item in items:
        assert compiled.holds(item) is holds(condition, item)


# Projections


@settings(max_examples=1000, deadline=None)
@given(st.lists(_PATHS, min_size=1, max_size=4), _ITEMS)
@example([("a", 2), ("a", 0)], {"a": ["x", "y", "z"]})
@example([("a", 0, "b"), ("a", 0, "name")], {"a": [{"b": 1, "name": 2}]})
def test_a_projection_keeps_what_lies_on_its_paths(paths: list[Path], item: dict[str, object]) -> None:
    rendered = render_projection(paths)
    placeholders = Placeholders(rendered.names, None)
    try:
        projection = compile_projection(rendered.text, placeholders)
    except ValidationError as refused:
        assert "Two document paths" in refused.message
        assert clash_faults(paths)
        return
    assert not clash_faults(paths)
    placeholders.check_all_used()
    assert projection.paths == tuple(paths)
    (expected,) = kept(paths, item) or [{}]
    assert same(projection.applied_to(item), expected)


# Any text

_WORDS = """
    a b.c [0] [ ] ( ) , . = <> < <= > >= AND OR NOT BETWEEN IN and #a #b :v :w size contains begins_with
    attribute_type attribute_exists if_not_exists name 1 99999999999 + - ! é SET
"""
_PIECES = st.lists(st.sampled_from(_WORDS.split()), max_size=20)
_TEXTS = _PIECES.map(" ".join) | _PIECES.map("".join) | st.text(max_size=20)


@settings(max_examples=1000, deadline=None)
@given(_TEXTS, st.dictionaries(st.sampled_from((":v", ":w")), _VALUES, max_size=2), _ITEMS)
def test_any_text_is_compiled_or_refused(
    text: str, values: dict[str, object], item: dict[str, object]
) -> None:
    placeholders = Placeholders({"#a": "a"}, values or None)
    for compile_text in (
        lambda: compile_condition(text, placeholders, "FilterExpression").holds(item),
        lambda: compile_projection(text, placeholders).applied_to(item),
        lambda: compile_key_condition(text, placeholders, ("a",), ("b",)),
        placeholders.check_all_used,
    ):
        try:
            compile_text()
        except ValidationError as refused:
            assert refused.message


@settings(max_examples=200, deadline=None)
@given(
    st.none() | st.dictionaries(st.text(max_size=4) | st.just("#a"), st.text(max_size=4) | st.integers()),
    st.none() | st.dictionaries(st.text(max_size=4) | st.just(":v"), raw_values() | st.floats()),
)
def test_any_placeholders_are_taken_or_refused(
    names: dict[str, str] | None, values: dict[str, object] | None
) -> None:
    try:
        placeholders = Placeholders(names, values)
    except ValidationError as refused:
        assert refused.message
    else:
        assert placeholders.table.keys() == (names or {}).keys() | (values or {}).keys()
