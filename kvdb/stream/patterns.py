"""Lambda's filter patterns: which change records a consumer wants, said in JSON.

    pattern := {name: pattern or rules, ..., "$or": [pattern, ...]}     all members have to match
    rules   := [rule, ...]                                             one has to match
    rule    := text | number | true | false | null                     equal, and of that type
             | {"prefix": text or ignoring}  | {"suffix": text or ignoring}
             | {"anything-but": text, number, list of them, or {"prefix" | "suffix" |
                                "equals-ignore-case": text or list of texts}}
             | {"numeric": [operator, number] or [">" or ">=", number, "<" or "<=", number]}
             | {"exists": true or false}
             | ignoring
    ignoring := {"equals-ignore-case": text}

Rules look at leaves: what is neither object nor absent. A list matches when one of its elements
does; an object is no leaf, so ``exists`` is false of it. Only ``exists: false`` matches what is
not there. Several patterns are alternatives.

Numbers of items are texts in DynamoDB JSON (``{"N": "12"}``), so they equal texts; ``numeric``
compares what such a text (of N or NS) stands for.

Patterns are compiled once to closures; a match walks no pattern.

Source: Lambda developer guide, "Filter rule syntax", and EventBridge user guide, "Comparison
operators".
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Final, NoReturn, TypeAlias

from kvdb.errors import ValidationError
from kvdb.limits import FILTER_PATTERN_CHARS_MAX, FILTER_PATTERNS_MAX

Event: TypeAlias = Mapping[str, object]
Matches: TypeAlias = Callable[[Event], bool]

_Test: TypeAlias = Callable[[object], bool]
"""Of a leaf, or of what stands at a place."""

_ABSENT: Final = object()
_NUMBER_MEMBERS = ("N", "NS")
_COMPARISONS: Mapping[str, Callable[[Decimal, Decimal], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_SHOWN_CHARS_MAX = 80


def compile_patterns(texts: Sequence[str]) -> Matches:
    """Whether an event (``stream/event``) matches one of the patterns; without any, every event does.

    Raises:
        ValidationError: there are too many, one is too long, or no pattern; names it and the fault.
    """
    if isinstance(texts, str) or not isinstance(texts, Sequence):
        raise ValidationError(f"filter patterns must be a list of JSON texts, not {type(texts).__name__}")
    if len(texts) > FILTER_PATTERNS_MAX:
        raise ValidationError(f"at most {FILTER_PATTERNS_MAX} filter patterns may be given: {len(texts)}")
    tests = [_Compiler(number).pattern(text) for number, text in enumerate(texts, start=1)]
    if not tests:
        return lambda event: True
    return tests[0] if len(tests) == 1 else _any_of(tests)


def _any_of(tests: Sequence[_Test]) -> _Test:
    return lambda value: any(test(value) for test in tests)


def _all_of(tests: Sequence[_Test]) -> _Test:
    return lambda value: all(test(value) for test in tests)


class _Compiler:
    """Compiles one pattern; knows its number, for what it says of faults."""

    def __init__(self, number: int) -> None:
        self._number = number

    def _fault(self, fault: str) -> ValidationError:
        return ValidationError(f"filter pattern {self._number}: {fault}")

    def pattern(self, text: str) -> _Test:
        if not isinstance(text, str):
            raise self._fault(f"must be a JSON text, not {type(text).__name__}")
        if len(text) > FILTER_PATTERN_CHARS_MAX:
            raise self._fault(f"longer than {FILTER_PATTERN_CHARS_MAX} characters: {len(text)}")
        try:
            pattern = json.loads(text, parse_float=Decimal, parse_int=Decimal, parse_constant=self._constant)
        except ValueError as error:
            raise self._fault(f"not JSON: {error}") from None
        except RecursionError:
            raise self._fault("nested too deep") from None
        if not isinstance(pattern, dict):
            raise self._fault("must be an object")
        return self._object(pattern, "pattern")

    def _constant(self, name: str) -> NoReturn:
        raise self._fault(f"not JSON: {name}")

    def _object(self, pattern: dict[str, object], path: str) -> _Test:
        if not pattern:
            raise self._fault(f"{path} is empty")
        members = [self._member(name, content, path) for name, content in pattern.items()]
        test = members[0] if len(members) == 1 else _all_of(members)
        return _of_object(test)

    def _member(self, name: str, content: object, path: str) -> _Test:
        """A test of the object that has the member."""
        if name == "$or":
            return self._alternatives(content, f"{path}.$or")
        path = f"{path}.{name}"
        if isinstance(content, dict):
            return _at(name, self._object(content, path))
        if isinstance(content, list):
            return _at(name, self._rules(content, path, is_number=name in _NUMBER_MEMBERS))
        raise self._fault(f"{path} must be an object, or a list of what is wanted there")

    def _alternatives(self, content: object, path: str) -> _Test:
        if not isinstance(content, list) or not content:
            raise self._fault(f"{path} must be a list of patterns")
        tests = []
        for alternative in content:
            if not isinstance(alternative, dict):
                raise self._fault(f"{path} must be a list of patterns")
            tests.append(self._object(alternative, path))
        return _any_of(tests)

    def _rules(self, rules: list[object], path: str, *, is_number: bool) -> _Test:
        if not rules:
            raise self._fault(f"{path} is an empty list")
        wanted = [rule for rule in rules if not _is_absence(rule)]
        may_be_absent = len(wanted) < len(rules)
        tests = [self._rule(rule, path, is_number=is_number) for rule in wanted]
        return _of_leaves(_any_of(tests), may_be_absent=may_be_absent)

    def _rule(self, rule: object, path: str, *, is_number: bool) -> _Test:
        if not isinstance(rule, dict):
            return self._equals(rule, path)
        if len(rule) != 1:
            raise self._fault(f"{path}: a rule has one member: {_shown(rule)}")
        ((name, operand),) = rule.items()
        if name == "numeric":
            return self._numeric(operand, path, is_number=is_number)
        if name == "exists":
            if operand is not True:
                raise self._fault(f"{path}: exists must be true or false")
            return lambda leaf: True
        if name == "anything-but":
            test = self._anything_but(operand, path)
            return lambda leaf: not test(leaf)
        if name in ("prefix", "suffix", "equals-ignore-case"):
            return self._of_text(name, operand, path)
        raise self._fault(f"{path}: unknown rule {_shown(name)}")

    def _equals(self, wanted: object, path: str) -> _Test:
        if wanted is None or isinstance(wanted, bool):
            return lambda leaf: leaf is wanted
        if isinstance(wanted, str):
            return lambda leaf: leaf == wanted
        if isinstance(wanted, Decimal):
            return lambda leaf: _is_number(leaf) and leaf == wanted
        raise self._fault(f"{path}: no rule: {_shown(wanted)}")

    def _of_text(self, name: str, operand: object, path: str) -> _Test:
        if name == "equals-ignore-case":
            folded = self._text(name, operand, path).casefold()
            return lambda leaf: isinstance(leaf, str) and leaf.casefold() == folded
        has = str.startswith if name == "prefix" else str.endswith
        if isinstance(operand, dict) and list(operand) == ["equals-ignore-case"]:
            part = self._text(name, operand["equals-ignore-case"], path).casefold()
            return lambda leaf: isinstance(leaf, str) and has(leaf.casefold(), part)
        wanted = self._text(name, operand, path)
        return lambda leaf: isinstance(leaf, str) and has(leaf, wanted)

    def _text(self, name: str, operand: object, path: str) -> str:
        if not isinstance(operand, str):
            raise self._fault(f"{path}: {name} takes a text: {_shown(operand)}")
        return operand

    def _anything_but(self, operand: object, path: str) -> _Test:
        """A test of what is not wanted."""
        if isinstance(operand, dict):
            if len(operand) != 1 or next(iter(operand)) not in ("prefix", "suffix", "equals-ignore-case"):
                raise self._fault(f"{path}: anything-but takes no {_shown(operand)}")
            ((name, texts),) = operand.items()
            wanted = texts if isinstance(texts, list) else [texts]
            if not wanted:
                raise self._fault(f"{path}: anything-but has an empty list")
            return _any_of([self._of_text(name, text, path) for text in wanted])
        unwanted = operand if isinstance(operand, list) else [operand]
        if not unwanted:
            raise self._fault(f"{path}: anything-but has an empty list")
        if not all(isinstance(each, (str, Decimal)) for each in unwanted):
            raise self._fault(f"{path}: anything-but takes texts and numbers: {_shown(operand)}")
        return _any_of([self._equals(each, path) for each in unwanted])

    def _numeric(self, operand: object, path: str, *, is_number: bool) -> _Test:
        if not isinstance(operand, list) or len(operand) not in (2, 4):
            raise self._fault(f"{path}: numeric takes an operator and a number, or two of each")
        pairs: list[tuple[str, Decimal]] = []
        for name, bound in zip(operand[::2], operand[1::2], strict=True):
            if not isinstance(name, str) or name not in _COMPARISONS:
                raise self._fault(f"{path}: numeric knows =, <, <=, > and >=: {_shown(name)}")
            if not isinstance(bound, Decimal):
                raise self._fault(f"{path}: numeric compares with a number: {_shown(bound)}")
            pairs.append((name, bound))
        if len(pairs) == 2:
            self._check_range(pairs, path)
        comparisons = [(_COMPARISONS[name], bound) for name, bound in pairs]

        def holds(leaf: object) -> bool:
            number = _number_of(leaf, is_text=is_number)
            return number is not None and all(compare(number, bound) for compare, bound in comparisons)

        return holds

    def _check_range(self, pairs: list[tuple[str, Decimal]], path: str) -> None:
        (low_name, low), (high_name, high) = pairs
        if low_name not in (">", ">=") or high_name not in ("<", "<="):
            raise self._fault(f"{path}: a range is > or >= a number, then < or <= another")
        if low > high or (low == high and (low_name, high_name) != (">=", "<=")):
            raise self._fault(f"{path}: the range is empty")


def _of_object(test: _Test) -> _Test:
    """A test of what stands where an object should: of a list, one element has to pass."""

    def holds(value: object) -> bool:
        if isinstance(value, dict):
            return test(value)
        if isinstance(value, list):
            return any(holds(element) for element in value)
        return test({})

    return holds


def _at(name: str, test: _Test) -> _Test:
    return lambda holder: isinstance(holder, dict) and test(holder.get(name, _ABSENT))


def _of_leaves(test: _Test, *, may_be_absent: bool) -> _Test:
    def holds(value: object) -> bool:
        if isinstance(value, list):
            leaves = [each for each in value if not isinstance(each, (dict, list))]
            return any(map(test, leaves)) if leaves else may_be_absent
        if value is _ABSENT or isinstance(value, dict):
            return may_be_absent
        return test(value)

    return holds


def _is_absence(rule: object) -> bool:
    return isinstance(rule, dict) and list(rule) == ["exists"] and rule["exists"] is False


def _is_number(leaf: object) -> bool:
    return isinstance(leaf, (int, float, Decimal)) and not isinstance(leaf, bool)


def _number_of(leaf: object, *, is_text: bool) -> Decimal | None:
    if isinstance(leaf, str) and is_text:
        try:
            number = Decimal(leaf)
        except InvalidOperation:
            return None
        return number if number.is_finite() else None
    if isinstance(leaf, Decimal):
        return leaf
    if isinstance(leaf, bool) or not isinstance(leaf, (int, float)):
        return None
    return Decimal(leaf)


def _shown(operand: object) -> str:
    text = json.dumps(operand, default=str)
    return text if len(text) <= _SHOWN_CHARS_MAX else f"{text[:_SHOWN_CHARS_MAX]}..."
