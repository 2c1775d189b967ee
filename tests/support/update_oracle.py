"""What an update makes of an item, or what is wrong with it; on the trees of ``expression_oracle``.

An action is a ``Said``: SET of a path and a value, REMOVE of a path, ADD or DELETE of a path and a
value. A value is an operand, ``if_not_exists``, ``list_append``, ``+`` or ``-``.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Context, Decimal
from fractions import Fraction
from typing import NoReturn

from tests.support.expression_oracle import (
    DEPTH_MAX,
    Item,
    Literal,
    Path,
    Said,
    Stages,
    clash_faults,
    found,
    parts,
    path_faults,
    type_of,
    undefined_in,
)

MISSING = "The provided expression refers to an attribute that does not exist in the item"
WRONG_TYPE = "An operand in the update expression has an incorrect data type"
WRONG_PATH = "The document path provided in the update expression is invalid for update"
OVERFLOW = "Number overflow. Attempting to store a number with magnitude larger than supported range"
UNDERFLOW = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
_LONG_NAMES = {
    "S": "STRING",
    "N": "NUMBER",
    "B": "BINARY",
    "BOOL": "BOOLEAN",
    "L": "LIST",
    "M": "MAP",
}


class Refused(Exception):
    """The update does not fit the item; the message says why."""


class _Gone:
    """Stands where something was taken out of a list, until the gaps are closed."""


_GONE = _Gone()

# What is wrong whatever the item


def update_stages(actions: Sequence[Said], *, bare: bool) -> Stages:
    yield {fault for action in actions for fault in _text_faults(action, bare)}
    yield {fault for action in actions for part in _parts(action) for fault in undefined_in(part)}
    yield clash_faults([path_of(action) for action in actions])
    yield {fault for action in actions for fault in _action_faults(action)}
    yield {fault for action in actions for part in _parts(action) for fault in _call_faults(part)}


def path_of(action: Said) -> Path:
    path = action.operands[0]
    assert isinstance(path, tuple)
    return path


def _parts(action: Said) -> list[object]:
    return [part for operand in action.operands for part in parts(operand)]


def _text_faults(action: Said, bare: bool) -> set[str]:
    faults: set[str] = set()
    for part in _parts(action):
        if isinstance(part, tuple):
            faults |= path_faults(part, bare)
        elif isinstance(part, Said):
            if part.word in ("size", "contains"):
                faults.add(f"The function is not allowed in an update expression; function: {part.word}")
            elif part.word not in ("if_not_exists", "list_append", "+", "-"):
                faults.add(f"Invalid function name; function: {part.word}")
            for operand in part.operands:
                if isinstance(operand, Said) and operand.word in ("list_append", "contains"):
                    way = "to be used this way in an expression"
                    faults.add(f"The function is not allowed {way}; function: {operand.word}")
    return faults


def _action_faults(action: Said) -> set[str]:
    if action.word not in ("ADD", "DELETE"):
        return set()
    _, operand = action.operands
    assert isinstance(operand, Literal)
    kind = type_of(operand.value)
    if kind in ("SS", "NS", "BS") or (kind == "N" and action.word == "ADD"):
        return set()
    shown = _LONG_NAMES.get(kind, kind)
    return {
        f"Incorrect operand type for operator or function; operator: {action.word}, operand type: {shown}"
    }


def _call_faults(part: object) -> set[str]:
    if not isinstance(part, Said):
        return set()
    if part.word in ("if_not_exists", "list_append") and len(part.operands) != 2:
        return {
            "Incorrect number of operands for operator or function; "
            f"operator or function: {part.word}, number of operands: {len(part.operands)}"
        }
    if part.word == "if_not_exists":
        if isinstance(part.operands[0], tuple):
            return set()
        return {"Operator or function requires a document path; operator or function: if_not_exists"}
    needed = "L" if part.word == "list_append" else "N"
    return {
        "Incorrect operand type for operator or function; "
        f"operator or function: {part.word}, operand type: {type_of(operand.value)}"
        for operand in part.operands
        if isinstance(operand, Literal) and type_of(operand.value) != needed
    }


# What it makes of an item


def updated(actions: Sequence[Said], item: Item) -> Item:
    """The item afterwards. Every action reads what was there before.

    Raises:
        Refused: of the operands of SET, else of the first action that does not fit.
    """
    values = [_value(action.operands[1], item) if action.word == "SET" else None for action in actions]
    new = {name: _copied(value) for name, value in item.items()}
    appended: list[tuple[Path, int, object]] = []
    for action, value in zip(actions, values, strict=True):
        path = path_of(action)
        _check_parent(path, item)
        result = _result(action, value, item)
        if len(path) > 1 and result is not _GONE and depth_of(result) + len(path) - 1 > DEPTH_MAX:
            raise Refused(
                "Nesting Levels have exceeded supported limits: "
                "Attributes in the item have nested levels beyond supported limit"
            )
        (place,) = found(path[:-1], new)
        if isinstance(place, list):
            if path[-1] < len(place):  # type: ignore[operator]
                place[path[-1]] = result  # type: ignore[index]
            elif result is not _GONE:
                appended.append((path[:-1], path[-1], result))  # type: ignore[arg-type]
        else:
            assert isinstance(place, dict)
            place[path[-1]] = result
    for parent, _, result in sorted(appended, key=lambda each: each[1]):
        (place,) = found(parent, new)
        place.append(result)  # type: ignore[attr-defined]
    return _closed(new)  # type: ignore[return-value]


def _copied(value: object) -> object:
    """Nothing of it stands in two places, as ``deepcopy`` would leave it."""
    if isinstance(value, dict):
        return {name: _copied(each) for name, each in value.items()}
    return [_copied(each) for each in value] if isinstance(value, list) else value


def _closed(value: object) -> object:
    """Without what is gone."""
    if isinstance(value, dict):
        return {name: _closed(each) for name, each in value.items() if each is not _GONE}
    return [_closed(each) for each in value if each is not _GONE] if isinstance(value, list) else value


def depth_of(value: object) -> int:
    """Levels below an attribute: 1 for a scalar."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return 1 + max(map(depth_of, inner), default=0)


def _check_parent(path: Path, item: Item) -> None:
    for parent in found(path[:-1], item):
        if isinstance(parent, dict if isinstance(path[-1], str) else list):
            return
    raise Refused(WRONG_PATH)


def _result(action: Said, value: object, item: Item) -> object:
    if action.word == "SET":
        return value
    if action.word == "REMOVE":
        return _GONE
    path, operand = action.operands
    assert isinstance(operand, Literal)
    there = found(path, item)
    if not there:
        return operand.value if action.word == "ADD" else _GONE
    kind = type_of(there[0])
    if kind != type_of(operand.value) or kind not in ("N", "NS", "SS", "BS"):
        raise Refused(WRONG_TYPE)
    if kind == "N":
        return number_of(Fraction(there[0]) + Fraction(operand.value))  # type: ignore[arg-type]
    if action.word == "ADD":
        return {*there[0], *operand.value}  # type: ignore[misc]
    left = {each for each in there[0] if each not in operand.value}  # type: ignore[attr-defined, operator]
    return left or _GONE


def _value(value: object, item: Item) -> object:
    if not isinstance(value, Said):
        there = found(value, item)
        if not there:
            raise Refused(MISSING)
        return there[0]
    if value.word == "if_not_exists":
        path, otherwise = value.operands
        return found(path, item)[0] if found(path, item) else _value(otherwise, item)
    one, other = [_value(operand, item) for operand in value.operands]
    if type_of(one) != type_of(other) or type_of(one) != ("L" if value.word == "list_append" else "N"):
        raise Refused(WRONG_TYPE)
    if value.word == "list_append":
        return [*one, *other]  # type: ignore[misc]
    sign = -1 if value.word == "-" else 1
    return number_of(Fraction(one) + sign * Fraction(other))  # type: ignore[arg-type]


def number_of(exact: Fraction) -> int | Decimal:
    """The number as the service stores it, if it can."""
    if not exact:
        return 0
    scaled = exact * 10**400
    assert scaled.denominator == 1
    digits = str(abs(scaled.numerator))
    exponent = len(digits) - 1 - 400
    if exponent > 125:
        refuse(OVERFLOW)
    if exponent < -130:
        refuse(UNDERFLOW)
    if len(digits.rstrip("0")) > 38:
        refuse(OVERFLOW)
    if exact.denominator == 1:
        return exact.numerator
    number = Decimal(scaled.numerator).scaleb(-400, Context(prec=600))
    return number.normalize(Context(prec=600))


def refuse(message: str) -> NoReturn:
    raise Refused(message)
