"""Which rows a key condition asks for, or what is wrong with it; on the trees of ``expression_oracle``."""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.expression_oracle import JOINS, Literal, Said, Stages, condition_stages, leaves

_IN_KEY = "KeyConditionExpression"
_MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True)
class Key:
    """The key attributes of a table or index."""

    hashes: tuple[str, ...]
    ranges: tuple[str, ...]

    @property
    def is_simple(self) -> bool:
        return len(self.hashes) == 1 and len(self.ranges) <= 1


def wanted(condition: Said, key: Key) -> tuple[object, ...]:
    """What a sound key condition asks for: the values of the HASH attributes, those of the RANGE
    attributes but the last one tested, and the test of that one (operator, values) or ``None``."""
    tests = _tests(condition)
    hashes = tuple(tests[name][1][0] for name in key.hashes)
    ranges = [tests[name] for name in key.ranges if name in tests]
    last = ranges.pop() if ranges else None
    return hashes, tuple(values[0] for _, values in ranges), last


def key_stages(condition: Said, key: Key, *, bare: bool) -> Stages:
    yield from condition_stages(condition, bare=bare)
    yield _shape_faults(condition)
    names = [name for name, _, _ in map(_test, leaves(condition))]
    if len(set(names)) < len(names):
        yield {"KeyConditionExpressions must only contain one condition per key"}
    tests = _tests(condition)
    yield from _simple_stages(tests, key) if key.is_simple else _composite_stages(tests, key)


def _shape_faults(condition: Said) -> set[str]:
    faults = set()
    pending = [condition]
    while pending:
        node = pending.pop()
        if node.word in ("OR", "NOT"):
            faults.add(f"Invalid operator used in {_IN_KEY}: {node.word}")
        if node.word in JOINS:
            pending.extend(node.operands)  # type: ignore[arg-type]
        elif node.word in ("IN", "<>") or (node.word[0].islower() and node.word != "begins_with"):
            faults.add(f"Invalid operator used in {_IN_KEY}: {node.word}")
        else:
            faults |= _leaf_faults(node)
    return faults


def _leaf_faults(leaf: Said) -> set[str]:
    faults = set()
    paths = [operand for operand in leaf.operands if isinstance(operand, tuple)]
    if leaf.word in ("BETWEEN", "begins_with") and not isinstance(leaf.operands[0], tuple):
        faults.add(
            f"Invalid condition in {_IN_KEY}: {leaf.word} operator must have the key attribute "
            "as its first operand"
        )
    if any(isinstance(operand, Said) for operand in leaf.operands):
        faults.add("KeyConditionExpressions cannot contain nested operations")
    if any(len(path) > 1 for path in paths):
        faults.add(f"Invalid {_IN_KEY}: KeyConditionExpressions cannot have conditions on nested attributes")
    if len(paths) > 1:
        faults.add(f"Invalid condition in {_IN_KEY}: Multiple attribute names used in one condition")
    if not paths and not faults:
        faults.add(f"Invalid condition in {_IN_KEY}: No key attribute specified")
    return faults


def _test(leaf: Said) -> tuple[str, str, tuple[object, ...]]:
    (name,) = [operand[0] for operand in leaf.operands if isinstance(operand, tuple)]
    values = tuple(operand.value for operand in leaf.operands if isinstance(operand, Literal))
    is_turned = leaf.word in _MIRRORED and isinstance(leaf.operands[0], Literal)
    return str(name), _MIRRORED[leaf.word] if is_turned else leaf.word, values


def _tests(condition: Said) -> dict[str, tuple[str, tuple[object, ...]]]:
    return {name: (word, values) for name, word, values in map(_test, leaves(condition))}


def _simple_stages(tests: dict[str, tuple[str, tuple[object, ...]]], key: Key) -> Stages:
    (hash_name,) = key.hashes
    if len(tests) > 2:
        yield {"Conditions can be of length 1 or 2 only"}
    if len(tests) > 1 and not key.ranges:
        yield {"Query key condition not supported"}
    if hash_name not in tests:
        yield {f"Query condition missed key schema element: {hash_name}"}
    if tests[hash_name][0] != "=":
        yield {"Query key condition not supported"}
    if len(tests) == 2 and key.ranges[0] not in tests:
        yield {f"Query condition missed key schema element: {key.ranges[0]}"}


def _composite_stages(tests: dict[str, tuple[str, tuple[object, ...]]], key: Key) -> Stages:
    def is_equal(name: str) -> bool:
        return name in tests and tests[name][0] == "="

    if wanting := [name for name in key.hashes if not is_equal(name)]:
        yield {
            f"HASH key attributes {', '.join(wanting)} must have equality conditions specified in the query"
        }
    if set(tests) - {*key.hashes, *key.ranges}:
        yield {"Query key condition not supported"}
    for at, earlier in enumerate(key.ranges):
        later = [name for name in key.ranges[at + 1 :] if name in tests]
        if later and not is_equal(earlier):
            yield {
                f"RANGE key attributes {earlier} must have equality conditions specified in the query "
                f"because a condition is present on key attribute {later[0]}"
            }
