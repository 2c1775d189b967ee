"""What a request's names and values must be for an update to make sense.

Several faults: undefined names come first, then undefined values, paths that overlap or
conflict, what ADD and DELETE are given, and last the operands of functions and operators,
each in the order written, a call's operands before the call.

Source: dynalite ``db/updateParser.pegjs`` and ``test/updateItem.js``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kvdb.expr import messages
from kvdb.expr.checks import check_apart, check_defined, placeholders_of
from kvdb.expr.messages import ExpressionKind
from kvdb.expr.names import Table, is_placeholder, resolved
from kvdb.expr.nodes import Action, Add, Arithmetic, Call, Delete, Operand, Path, Remove, Set, Value
from kvdb.item.value import type_name

_OPERANDS = 2
"""Both functions of updates take as many."""
_SETS = frozenset({"SS", "NS", "BS"})
_ALLOWED = {Add: _SETS | {"N"}, Delete: _SETS}

_Check = Callable[[Table], None]


class UpdateNeeds:
    """What one update asks of every request that sends it. Immutable, so shared.

    Nothing it asks depends on more of a value than its class.
    """

    __slots__ = ("_checks", "_in_order", "_kind", "_paths", "placeholders")

    def __init__(self, actions: tuple[Action, ...], kind: ExpressionKind) -> None:
        self._kind = kind
        # Names before values, each in the order written.
        found = [name for action in actions for name in _placeholders_in(action)]
        self._in_order = tuple(sorted(found, key=lambda name: not is_placeholder(name)))
        self.placeholders = frozenset(found)
        self._paths = tuple(action.path.parts for action in actions)
        self._checks = (
            *(check for action in actions for check in _action_checks(action, kind)),
            *(check for action in actions for check in _value_checks(action, kind)),
        )

    def check(self, table: Table) -> None:
        """Raises ``ValidationError``: a placeholder is not defined, or a check found a fault."""
        for placeholder in self._in_order:
            check_defined(placeholder, table, self._kind)
        check_apart(tuple([resolved(path, table) for path in self._paths]), self._kind)
        for check in self._checks:
            check(table)


def operands_in(action: Action) -> Iterator[Operand]:
    """What an action reads, calls and what is in them too, a call's operands before the call."""
    if isinstance(action, Set):
        value = action.value
        pending: list[Operand] = [value] if not isinstance(value, Arithmetic) else [value.left, value.right]
        seen: list[Operand] = []
        while pending:
            operand = pending.pop()
            seen.append(operand)
            if isinstance(operand, Call):
                pending.extend(operand.operands)
        # A walk from the right, root first, turned round: from the left, root last.
        yield from reversed(seen)
    elif not isinstance(action, Remove):
        yield action.value


def _placeholders_in(action: Action) -> Iterator[str]:
    yield from placeholders_of(action.path)
    for operand in operands_in(action):
        if not isinstance(operand, Call):
            yield from placeholders_of(operand)


def _action_checks(action: Action, kind: ExpressionKind) -> Iterator[_Check]:
    """What ADD and DELETE are given."""
    if isinstance(action, (Add, Delete)):
        word, placeholder, allowed = (
            type(action).__name__.upper(),
            action.value.placeholder,
            _ALLOWED[type(action)],
        )

        def check(table: Table) -> None:
            found = type_name(table[placeholder])
            if found not in allowed:
                messages.invalid(kind, messages.action_operand_type(word, found))

        yield check


def _value_checks(action: Action, kind: ExpressionKind) -> Iterator[_Check]:
    """The operands of functions and operators."""
    for operand in operands_in(action):
        if isinstance(operand, Call):
            yield from _call_checks(operand, kind)
    value = action.value if isinstance(action, Set) else None
    if isinstance(value, Arithmetic):
        for operand in (value.left, value.right):
            yield from _operand_type(value.operator, operand, "N", kind)


def _call_checks(call: Call, kind: ExpressionKind) -> Iterator[_Check]:
    if len(call.operands) != _OPERANDS:
        yield _always(kind, messages.operand_count(call.function, len(call.operands)))
    elif call.function == "list_append":
        for operand in call.operands:
            yield from _operand_type(call.function, operand, "L", kind)
    elif not isinstance(call.operands[0], Path):
        yield _always(kind, messages.needs_path(call.function))


def _operand_type(operator: str, operand: Operand, allowed: str, kind: ExpressionKind) -> Iterator[_Check]:
    """The type of a path or a call is the item's affair; that of a value is known."""
    if isinstance(operand, Value):
        placeholder = operand.placeholder

        def check(table: Table) -> None:
            found = type_name(table[placeholder])
            if found != allowed:
                messages.invalid(kind, messages.operand_type(operator, found))

        yield check


def _always(kind: ExpressionKind, message: str) -> _Check:
    def check(table: Table) -> None:
        messages.invalid(kind, message)

    return check
