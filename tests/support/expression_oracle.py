"""What expressions mean and what is wrong with them, read off the trees they are written from.

Shares nothing with kvdb: it walks trees of its own, spells every type out, computes with fractions
and edits documents in place. A tree is a ``Said`` (an operator, function or action, and what of);
its leaves are ``Literal``, ``Undefined`` and paths, tuples of names and indices.

Faults are stages of messages: of the first stage that has any, one is what should be reported.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]
Item: TypeAlias = dict[str, object]
Stages: TypeAlias = Iterator[set[str]]


@dataclass(frozen=True, slots=True)
class Said:
    """What something is (an operator, function or action) and what of."""

    word: str
    operands: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Literal:
    value: object


@dataclass(frozen=True, slots=True)
class Undefined:
    """A placeholder that the request does not define, as a value or as a step of a path."""

    placeholder: str


COMPARATORS = ("=", "<>", "<", "<=", ">", ">=")
JOINS = ("AND", "OR", "NOT")
TYPES = ("S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS")
RESERVED = "name"
"""The one reserved word that is ever written bare."""
DEPTH_MAX = 32
INDEX_MAX = 2**31 - 1
IN_MAX = 100

# Values


def type_of(value: object) -> str:
    if isinstance(value, set):
        (kind,) = {"SS" if type(e) is str else "BS" if type(e) is bytes else "NS" for e in value}
        return kind
    return "NULL" if value is None else _KINDS[type(value)]


_KINDS: dict[type, str] = {
    str: "S",
    int: "N",
    Decimal: "N",
    bytes: "B",
    bool: "BOOL",
    dict: "M",
    list: "L",
}


def same(one: object, other: object) -> bool:
    if type_of(one) != type_of(other):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return sorted(one) == sorted(other) and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return one == other


def in_order(one: object, other: object) -> bool | None:
    """Whether one <= other; None when they have no common order."""
    if type_of(one) != type_of(other):
        return None
    if isinstance(one, str) and isinstance(other, str):
        return one.encode() <= other.encode()
    if isinstance(one, bytes) and isinstance(other, bytes):
        return one <= other
    if type_of(one) == "N":
        return Fraction(one) <= Fraction(other)  # type: ignore[arg-type]
    return None


def sizes(value: object) -> list[object]:
    if type_of(value) in ("N", "BOOL", "NULL"):
        return []
    if isinstance(value, str):
        return [sum(2 if ord(character) > 0xFFFF else 1 for character in value)]
    return [len(value)]  # type: ignore[arg-type]


def part_of(part: object, whole: object) -> bool:
    if type_of(whole) in ("S", "B"):
        return type_of(part) == type_of(whole) and part in whole  # type: ignore[operator]
    if type_of(whole) in ("L", "SS", "NS", "BS"):
        return any(same(element, part) for element in whole)  # type: ignore[attr-defined]
    return False


def found(operand: object, item: Item) -> list[object]:
    """What an operand is: one value, or none when it is missing."""
    if isinstance(operand, Literal):
        return [operand.value]
    if isinstance(operand, Said):
        return [size for value in found(operand.operands[0], item) for size in sizes(value)]
    assert isinstance(operand, tuple)
    place: object = item
    for step in operand:
        if not isinstance(place, dict if isinstance(step, str) else list):
            return []
        try:
            place = place[step]
        except (KeyError, IndexError):
            return []
    return [place]


# Conditions


_BINARY: dict[str, Callable[[object, object], bool]] = {
    "=": same,
    "IN": same,
    "<": lambda a, b: in_order(a, b) is True and in_order(b, a) is False,
    "<=": lambda a, b: in_order(a, b) is True,
    ">": lambda a, b: in_order(b, a) is True and in_order(a, b) is False,
    ">=": lambda a, b: in_order(b, a) is True,
    "attribute_type": lambda value, name: type_of(value) == name,
    "begins_with": lambda a, b: type_of(a) == type_of(b) and type_of(a) in "SB" and a[: len(b)] == b,  # type: ignore
    "contains": lambda a, b: part_of(b, a),
}


def holds(condition: Said, item: Item) -> bool:
    word, operands = condition.word, condition.operands
    if word in JOINS:
        answers = [holds(each, item) for each in operands]  # type: ignore[arg-type]
        return all(answers) if word == "AND" else any(answers) if word == "OR" else not answers[0]
    first, *rest = [found(operand, item) for operand in operands]
    if word == "attribute_exists":
        return bool(first)
    if word == "attribute_not_exists":
        return not first
    if word == "BETWEEN":
        low, high = rest
        above = any(in_order(a, b) is True for a in low for b in first)
        return above and any(in_order(a, b) is True for a in first for b in high)
    if word == "<>":
        return not any(same(a, b) for a in first for b in rest[0])
    return any(_BINARY[word](a, b) for a in first for other in rest for b in other)


# What is wrong with a text: operands, functions and paths


def leaves(condition: Said) -> Iterator[Said]:
    if condition.word in JOINS:
        for each in condition.operands:
            yield from leaves(each)  # type: ignore[arg-type]
    else:
        yield condition


def parts(operand: object) -> Iterator[object]:
    """An operand and what it is made of, a call after its operands."""
    if isinstance(operand, Said):
        for each in operand.operands:
            yield from parts(each)
    yield operand


def path_faults(path: Path, bare: bool) -> set[str]:
    """``bare``: whether reserved names are written as they are."""
    faults = {
        f"List index is not within the allowable range; index: [{step}]"
        for step in path
        if isinstance(step, int) and step > INDEX_MAX
    }
    if len(path) > DEPTH_MAX:
        faults.add(f"The document path has too many nesting levels; nesting levels: {len(path)}")
    if bare and RESERVED in path:
        faults.add(f"Attribute name is a reserved keyword; reserved keyword: {RESERVED}")
    return faults


_TESTS = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
}
_COUNTS = {**_TESTS, "size": 1}
_SETTERS = ("if_not_exists", "list_append")
_FUNCTION = "The function is not allowed"


def _text_faults_of_leaf(leaf: Said, bare: bool) -> set[str]:
    faults: set[str] = set()
    if leaf.word == "size":
        faults.add(f"{_FUNCTION} to be used this way in an expression; function: size")
    for part in (part for operand in leaf.operands for part in parts(operand)):
        if isinstance(part, tuple):
            faults |= path_faults(part, bare)
        elif isinstance(part, Said) and part.word in _TESTS:
            faults.add(f"{_FUNCTION} to be used this way in an expression; function: {part.word}")
        elif isinstance(part, Said):
            faults |= _function_faults(part.word)
    return faults | (set() if leaf.word in (*COMPARATORS, "BETWEEN", "IN") else _function_faults(leaf.word))


def _function_faults(word: str) -> set[str]:
    if word in _SETTERS:
        return {f"{_FUNCTION} in a condition expression; function: {word}"}
    return set() if word in _COUNTS else {f"Invalid function name; function: {word}"}


def undefined_in(operand: object) -> set[str]:
    if isinstance(operand, tuple):
        return {
            "An expression attribute name used in the document path is not defined; "
            f"attribute name: {step.placeholder}"
            for step in operand
            if isinstance(step, Undefined)
        }
    if isinstance(operand, Undefined):
        return {
            "An expression attribute value used in expression is not defined; "
            f"attribute value: {operand.placeholder}"
        }
    return set()


def condition_stages(condition: Said, *, bare: bool) -> Stages:
    """The faults of the text, then those of each leaf."""
    every = list(leaves(condition))
    yield {fault for leaf in every for fault in _text_faults_of_leaf(leaf, bare)}
    for leaf in every:
        yield _leaf_faults(leaf)


def _leaf_faults(leaf: Said) -> set[str]:
    flat = [part for operand in leaf.operands for part in parts(operand)]
    faults = {fault for part in flat for fault in undefined_in(part)}
    calls = [part for part in (*flat, leaf) if isinstance(part, Said) and part.word in _COUNTS]
    for call in calls:
        faults |= _call_faults(call)
    first, *others = leaf.operands
    if isinstance(first, tuple) and first in [each for each in others if isinstance(each, tuple)]:
        faults.add(
            "The first operand must be distinct from the remaining operands for this operator or function; "
            f"operator: {leaf.word}, first operand: {path_text(first)}"
        )
    if leaf.word in ("<", "<=", ">", ">=", "BETWEEN"):
        faults |= {
            _operand_type(leaf.word, kind) for kind in _known_types(leaf.operands) if kind not in "SNB"
        }
    if leaf.word == "BETWEEN" and not faults:
        faults |= _bound_faults(*leaf.operands[1:])
    if leaf.word == "IN" and len(others) > IN_MAX:
        faults.add(f"The IN operator is provided with too many operands; number of operands: {len(others)}")
    return faults


def _known_types(operands: tuple[object, ...]) -> list[str]:
    """Of what the request alone says."""
    return [
        type_of(each.value) if isinstance(each, Literal) else "N"
        for each in operands
        if isinstance(each, (Literal, Said))
    ]


def _operand_type(word: str, kind: str) -> str:
    return (
        f"Incorrect operand type for operator or function; operator or function: {word}, operand type: {kind}"
    )


def _call_faults(call: Said) -> set[str]:
    word, operands = call.word, call.operands
    if len(operands) != _COUNTS[word]:
        return {
            "Incorrect number of operands for operator or function; "
            f"operator or function: {word}, number of operands: {len(operands)}"
        }
    faults = set()
    if word.startswith("attribute_") and not isinstance(operands[0], tuple):
        faults.add(f"Operator or function requires a document path; operator or function: {word}")
    if word == "begins_with":
        faults |= {_operand_type(word, kind) for kind in _known_types(operands) if kind not in "SB"}
    if word == "size":
        faults |= {
            _operand_type(word, kind) for kind in _known_types(operands) if kind in ("N", "BOOL", "NULL")
        }
    if word == "attribute_type":
        faults |= _type_name_faults(operands[1])
    return faults


def _type_name_faults(operand: object) -> set[str]:
    if isinstance(operand, Undefined):
        return set()
    if not isinstance(operand, Literal):
        every = "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}"
        return {_operand_type("attribute_type", every if isinstance(operand, tuple) else "N")}
    if not isinstance(operand.value, str):
        return {_operand_type("attribute_type", type_of(operand.value))}
    if operand.value not in TYPES:
        valid = "{B,NULL,SS,BOOL,L,BS,N,NS,S,M}"
        return {f"Invalid attribute type name found; type: {operand.value}, valid types: {valid}"}
    return set()


def _bound_faults(low: object, high: object) -> set[str]:
    if not (isinstance(low, Literal) and isinstance(high, Literal)):
        return set()
    shown = (
        f"lower bound operand: AttributeValue: {{{bound_text(low.value)}}}, "
        f"upper bound operand: AttributeValue: {{{bound_text(high.value)}}}"
    )
    if type_of(low.value) != type_of(high.value):
        return {f"The BETWEEN operator requires same data type for lower and upper bounds; {shown}"}
    if not in_order(low.value, high.value):
        return {
            "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; " + shown
        }
    return set()


def bound_text(value: object) -> str:
    if isinstance(value, bytes):
        return f"B:{b64encode(value).decode()}"
    return f"{type_of(value)}:{value:f}" if isinstance(value, Decimal) else f"{type_of(value)}:{value}"


def path_text(path: Path) -> str:
    return "[" + ", ".join(f"[{step}]" if isinstance(step, int) else str(step) for step in path) + "]"


# Projections


def kept(paths: list[Path], value: object) -> list[object]:
    """What of ``value`` lies on one of ``paths``: one value, or none."""
    if () in paths:
        return [value]
    if isinstance(value, dict):
        parts = {name: kept(_below(paths, name), value[name]) for name in value}
        return [{name: part[0] for name, part in parts.items() if part}] if any(parts.values()) else []
    if isinstance(value, list):
        elements = [kept(_below(paths, index), element) for index, element in enumerate(value)]
        return [[element[0] for element in elements if element]] if any(elements) else []
    return []


def _below(paths: list[Path], step: str | int) -> list[Path]:
    return [path[1:] for path in paths if path and type(path[0]) is type(step) and path[0] == step]


def clash_faults(paths: list[Path]) -> set[str]:
    """Paths of which one starts with another, or that take one place as a map and as a list."""
    faults = set()
    for at, two in enumerate(paths):
        for one in paths[:at]:
            differ = [(a, b) for a, b in zip(one, two, strict=False) if a != b]
            if differ and isinstance(differ[0][0], str) == isinstance(differ[0][1], str):
                continue
            faults.add(
                f"Two document paths {'conflict' if differ else 'overlap'} with each other; must remove or "
                f"rewrite one of these paths; path one: {path_text(one)}, path two: {path_text(two)}"
            )
    return faults


def projection_stages(paths: list[Path], *, bare: bool) -> Stages:
    yield {fault for path in paths for fault in path_faults(path, bare)}
    yield {fault for path in paths for fault in undefined_in(path)}
    yield clash_faults(paths)
