"""Tokens -> tree, by recursive descent: one method a grammar rule.

    condition  := all ("OR" all)*
    all        := term ("AND" term)*
    term       := "NOT"* ("(" condition ")" | test)
    test       := operand comparator operand
                | operand "BETWEEN" operand "AND" operand
                | operand "IN" "(" operand ("," operand)* ")"
                | call
    operand    := path | ":value" | call | "(" operand ")"
    call       := name "(" operand ("," operand)* ")"
    path       := name ("." name | "[" index "]")*           name bare or "#name"
    projection := path ("," path)*
    update     := section+                                    each kind of section at most once
    section    := "SET" set ("," set)* | "REMOVE" path ("," path)*
                | "ADD" path ":value" ("," path ":value")* | "DELETE" likewise
    set        := path "=" value
    value      := operand (("+" | "-") operand)? | "(" value ")"

A path may go on behind a parenthesis, ``(a).b``, but not in an update.

Before the first token is read the text's size is checked; at most
``EXPRESSION_DEPTH_MAX`` parentheses may be open at once, each worth two stack frames,
so no text can overflow the stack. Precedence: developer guide, "Condition and filter
expressions, operators, and functions".

Faults that depend on the text alone are found here. When a text has several, the one
reported is the service's choice: syntax, redundant parentheses, too many operators,
unknown function, misused function, then path; in an update the path comes before the
functions, and a repeated section last. Source: dynalite, which ranks them so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NoReturn, TypeVar, cast

from kvdb.expr import messages
from kvdb.expr.lexer import Token, TokenKind, tokenize
from kvdb.expr.messages import ExpressionKind
from kvdb.expr.nodes import (
    Action,
    Add,
    And,
    Arithmetic,
    ArithmeticOperator,
    Between,
    Call,
    Comparator,
    Comparison,
    Condition,
    Delete,
    In,
    Not,
    Operand,
    Or,
    Path,
    Remove,
    Set,
    Value,
)
from kvdb.expr.reserved import is_reserved
from kvdb.item.size import text_size
from kvdb.limits import (
    EXPRESSION_BYTES_MAX,
    EXPRESSION_DEPTH_MAX,
    EXPRESSION_OPERATORS_MAX,
    NESTING_LEVELS_MAX,
)

CONDITION_FUNCTIONS = frozenset(
    {"attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains"}
)
"""Functions that are true or false."""
OPERAND_FUNCTIONS = frozenset({"size"})
"""Functions that yield a value to compare."""
UPDATE_FUNCTIONS = frozenset({"if_not_exists", "list_append"})
"""Functions that yield a value to store."""

_NEVER_OPERANDS = CONDITION_FUNCTIONS | {"list_append"}
"""``list_append`` is the whole of a SET value or an error. Source: ScyllaDB test_update_expression.py."""
_COMPARATORS = frozenset({"=", "<>", "<", "<=", ">", ">="})
_OPERATORS = _COMPARATORS | {"AND", "OR", "NOT", "BETWEEN", "IN"}
_UPDATE_OPERATORS = frozenset({"+", "-"})
"""The ``=`` of SET does not count. Source: developer guide, "Service quotas", operators."""
_LIST_INDEX_MAX = 2**31 - 1

_BAD_UPDATE_PATH, _UNKNOWN_FUNCTION, _MISUSED_FUNCTION, _BAD_PATH, _SECTION_TWICE = range(5)
"""Ranks of the faults a text can have beside its syntax; the lowest is reported."""

_Node = TypeVar("_Node")


def parse_condition(text: str, kind: ExpressionKind) -> Condition:
    """The tree of a condition, filter or key condition.

    Raises:
        ValidationError: in the service's words, behind ``Invalid <kind>: ``.
    """
    parser = _Parser(text, kind)
    return parser.finished(parser.condition())


def parse_projection(text: str, kind: ExpressionKind = "ProjectionExpression") -> tuple[Path, ...]:
    """The document paths of a projection, in the order written.

    Raises:
        ValidationError: as ``parse_condition``.
    """
    parser = _Parser(text, kind)
    return parser.finished(parser.projection())


def parse_update(text: str, kind: ExpressionKind = "UpdateExpression") -> tuple[Action, ...]:
    """The actions of an update, in the order written.

    Raises:
        ValidationError: as ``parse_condition``.
    """
    parser = _Parser(text, kind)
    return parser.finished(parser.update())


class _Parser:
    def __init__(self, text: str, kind: ExpressionKind) -> None:
        self._text = text
        self._kind = kind
        self._is_update = kind == "UpdateExpression"
        self._faults: dict[int, str] = {}
        self._open = 0
        self._at = 0
        if not isinstance(text, str):
            self._refuse(f"an expression must be a string, not {type(text).__name__}")
        if not text:
            self._refuse(messages.EMPTY)
        size = text_size(text)
        if size > EXPRESSION_BYTES_MAX:
            self._refuse(messages.expression_too_long(kind, size))
        self._tokens = tokenize(text)

    def finished(self, node: _Node) -> _Node:
        """``node``, if the text ends here and has no fault."""
        if self._peek().kind is not TokenKind.END:
            self._fail()
        if _has_redundant_parentheses(self._tokens):
            self._refuse(messages.REDUNDANT_PARENTHESES)
        operators = _count_operators(self._tokens, _UPDATE_OPERATORS if self._is_update else _OPERATORS)
        if operators > EXPRESSION_OPERATORS_MAX:
            self._refuse(messages.too_many_operators(operators))
        if self._faults:
            self._refuse(self._faults[min(self._faults)])
        return node

    # Grammar rules

    def condition(self) -> Condition:
        node = self._condition(may_be_operand=False)
        assert not isinstance(node, (Path, Value))
        return node

    def projection(self) -> tuple[Path, ...]:
        paths = [self._path()]
        while self._take(","):
            paths.append(self._path())
        return tuple(paths)

    def update(self) -> tuple[Action, ...]:
        rules: dict[str, Callable[[], Action]] = {
            "SET": self._set,
            "REMOVE": self._remove,
            "ADD": self._add,
            "DELETE": self._delete,
        }
        actions: list[Action] = []
        seen: set[str] = set()
        while not actions or self._peek().kind is not TokenKind.END:
            section = self._peek().word
            if section not in rules:
                self._fail()
            if section in seen:
                self._note(_SECTION_TWICE, messages.section_twice(section))
            seen.add(section)
            self._at += 1
            actions.append(rules[section]())
            while self._take(","):
                actions.append(rules[section]())
        return tuple(actions)

    def _set(self) -> Set:
        path = self._path()
        self._expect("=")
        return Set(path, self._set_value())

    def _remove(self) -> Remove:
        return Remove(self._path())

    def _add(self) -> Add:
        return Add(self._path(), self._value())

    def _delete(self) -> Delete:
        return Delete(self._path(), self._value())

    def _set_value(self) -> Operand | Arithmetic:
        """One stack frame a parenthesis; what it holds may turn out to be an operand, ``(a) + :v``."""
        if self._peek().word == "(":
            self._open_parenthesis()
            value = self._set_value()
            self._close_parenthesis()
            if isinstance(value, Arithmetic):
                return value
        else:
            value = self._operand()
        operator = self._peek().word
        if operator not in ("+", "-"):
            return value
        self._at += 1
        left, right = self._used_as_operand(value), self._used_as_operand(self._operand())
        return Arithmetic(cast(ArithmeticOperator, operator), left, right)

    def _value(self) -> Value:
        token = self._peek()
        if token.kind is not TokenKind.VALUE_PLACEHOLDER:
            self._fail()
        self._at += 1
        return Value(token.text)

    def _condition(self, *, may_be_operand: bool) -> Condition | Path | Value:
        """Also ``all``: both loops stand here, so that a parenthesis costs two stack frames.

        What stands in parentheses may turn out to be an operand, as in ``(a) = :v``.
        """
        first = self._term(may_be_operand=may_be_operand)
        if self._peek().word not in ("AND", "OR"):
            return first
        alternatives = [[first]]
        while True:
            if self._take("AND"):
                alternatives[-1].append(self._term(may_be_operand=False))
            elif self._take("OR"):
                alternatives.append([self._term(may_be_operand=False)])
            else:
                break
        conditions = [self._joined(And, terms) for terms in alternatives]
        return self._joined(Or, conditions)

    def _term(self, *, may_be_operand: bool) -> Condition | Path | Value:
        negations = 0
        while self._take("NOT"):
            negations += 1
        node: Condition | Operand
        if self._peek().word == "(":
            self._open_parenthesis()
            node = self._condition(may_be_operand=True)
            self._close_parenthesis()
            node = self._rest_of_path(node) if isinstance(node, Path) else node
        else:
            node = self._operand()
        node = self._test(node, may_be_operand=may_be_operand and not negations)
        if not negations:
            return node
        # Two are as good as four, but not as none: a key condition may not have any.
        condition = Not(self._used_as_condition(node))
        return condition if negations % 2 else Not(condition)

    def _test(self, node: Condition | Operand, *, may_be_operand: bool) -> Condition | Path | Value:
        """What follows an operand; a condition that came out of parentheses stands for itself."""
        if not isinstance(node, (Path, Value, Call)):
            return node
        operator = self._peek().word
        if operator in _COMPARATORS:
            self._at += 1
            left, right = self._used_as_operand(node), self._used_as_operand(self._operand())
            return Comparison(cast(Comparator, operator), left, right)
        if self._take("BETWEEN"):
            lower = self._operand()
            self._expect("AND")
            upper = self._operand()
            return Between(*map(self._used_as_operand, (node, lower, upper)))
        if self._take("IN"):
            return In(self._used_as_operand(node), self._operands())
        if not isinstance(node, Call) and not (may_be_operand and operator == ")"):
            self._fail()
        return node if may_be_operand else self._used_as_condition(node)

    def _operand(self) -> Operand:
        opened = 0
        while self._peek().word == "(":
            self._open_parenthesis()
            opened += 1
        token = self._peek()
        operand: Operand
        if token.kind is TokenKind.VALUE_PLACEHOLDER:
            operand = self._value()
        elif token.kind is TokenKind.NAME and self._tokens[self._at + 1].word == "(":
            self._at += 1
            operand = self._call(token.text, self._operands())
        else:
            operand = self._path()
        for _ in range(opened):
            self._close_parenthesis()
            if isinstance(operand, Path) and not self._is_update:
                operand = self._rest_of_path(operand)
        return operand

    def _operands(self) -> tuple[Operand, ...]:
        """What a call or IN takes: operands in parentheses, none of them true or false."""
        self._open_parenthesis()
        operands = [self._used_as_operand(self._operand())]
        while self._take(","):
            operands.append(self._used_as_operand(self._operand()))
        self._close_parenthesis()
        return tuple(operands)

    def _call(self, function: str, operands: tuple[Operand, ...]) -> Call:
        of_conditions = CONDITION_FUNCTIONS | OPERAND_FUNCTIONS
        known, elsewhere = (
            (UPDATE_FUNCTIONS, of_conditions) if self._is_update else (of_conditions, UPDATE_FUNCTIONS)
        )
        if function in elsewhere:
            self._note(
                _MISUSED_FUNCTION, messages.function_of_another_kind(function, is_update=self._is_update)
            )
        elif function not in known:
            self._note(_UNKNOWN_FUNCTION, messages.unknown_function(function))
        return Call(function, operands)

    def _path(self) -> Path:
        return self._rest_of_path(Path((self._attribute_name(),)))

    def _rest_of_path(self, path: Path) -> Path:
        parts = list(path.parts)
        while True:
            if self._take("."):
                parts.append(self._attribute_name())
            elif self._take("["):
                parts.append(self._list_index())
                self._expect("]")
            else:
                break
        if len(parts) > NESTING_LEVELS_MAX:
            self._note_path(messages.path_too_deep(len(parts)))
        return Path(tuple(parts))

    def _attribute_name(self) -> str:
        token = self._peek()
        if token.kind not in (TokenKind.NAME, TokenKind.NAME_PLACEHOLDER):
            self._fail()
        if is_reserved(token.text):
            self._note_path(messages.reserved_word(token.text))
        self._at += 1
        return token.text

    def _list_index(self) -> int:
        token = self._peek()
        if token.kind is not TokenKind.INDEX:
            self._fail()
        index = int(token.text)
        if index > _LIST_INDEX_MAX:
            self._note_path(messages.list_index_out_of_range(token.text))
        self._at += 1
        return index

    # What a node is used as

    def _joined(self, join: type[And] | type[Or], nodes: Sequence[Condition | Path | Value]) -> Condition:
        conditions = tuple(map(self._used_as_condition, nodes))
        return conditions[0] if len(conditions) == 1 else join(conditions)

    def _used_as_condition(self, node: Condition | Path | Value) -> Condition:
        # ``_test`` lets a bare operand through only where nothing but ")" follows.
        assert not isinstance(node, (Path, Value))
        if isinstance(node, Call) and node.function in OPERAND_FUNCTIONS:
            self._note(_MISUSED_FUNCTION, messages.misused_function(node.function))
        return node

    def _used_as_operand(self, operand: Operand) -> Operand:
        if isinstance(operand, Call) and operand.function in _NEVER_OPERANDS:
            self._note(_MISUSED_FUNCTION, messages.misused_function(operand.function))
        return operand

    # Tokens and faults

    def _peek(self) -> Token:
        return self._tokens[self._at]

    def _take(self, word: str) -> bool:
        """Step over the token if it is ``word``."""
        taken = self._tokens[self._at].word == word
        self._at += taken
        return taken

    def _expect(self, word: str) -> None:
        if not self._take(word):
            self._fail()

    def _open_parenthesis(self) -> None:
        self._expect("(")
        self._open += 1
        if self._open > EXPRESSION_DEPTH_MAX:
            self._refuse(messages.TOO_DEEP)

    def _close_parenthesis(self) -> None:
        self._expect(")")
        self._open -= 1

    def _note(self, rank: int, message: str) -> None:
        """Keep the first fault of each rank until the syntax is known to be right."""
        self._faults.setdefault(rank, message)

    def _note_path(self, message: str) -> None:
        self._note(_BAD_UPDATE_PATH if self._is_update else _BAD_PATH, message)

    def _fail(self) -> NoReturn:
        """Syntax error at the next token, shown with its neighbours as they are written."""
        token = self._peek()
        near = self._tokens[max(0, self._at - 1) : self._at + 2]
        self._refuse(messages.syntax_error(token.text, self._text[near[0].start : near[-1].end]))

    def _refuse(self, message: str) -> NoReturn:
        messages.invalid(self._kind, message)


def _has_redundant_parentheses(tokens: list[Token]) -> bool:
    """Whether two pairs stand directly around the same thing, ``((a = b))``.

    The parentheses of a call and of an IN list are not a pair in this sense.
    The text parsed, so every parenthesis has its partner.
    """
    opened: list[int] = []
    closed_at: dict[int, int] = {}
    for at, token in enumerate(tokens):
        if token.word == "(":
            opened.append(at)
        elif token.word == ")":
            closed_at[opened.pop()] = at
    groups = {at: end for at, end in closed_at.items() if not _opens_a_list(tokens, at)}
    return any(groups.get(at + 1, -1) == end - 1 for at, end in groups.items())


def _opens_a_list(tokens: list[Token], at: int) -> bool:
    """Whether the parenthesis at ``at`` holds the operands of a call or of IN."""
    before = tokens[at - 1] if at else tokens[-1]
    return before.kind is TokenKind.NAME or before.word == "IN"


def _count_operators(tokens: list[Token], operators: frozenset[str]) -> int:
    """Operators and functions, as the service counts them; BETWEEN's AND is part of it."""
    words = [token.word for token in tokens]
    calls = sum(token.kind is TokenKind.NAME and after.word == "(" for token, after in pairwise(tokens))
    return sum(word in operators for word in words) - words.count("BETWEEN") + calls
