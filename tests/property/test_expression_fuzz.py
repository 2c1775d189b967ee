"""A hundred thousand random expressions mean, or are refused for, what an oracle says.

Each is written down, compiled and asked of a few items. A refusal must be in the words the oracle
knows: those of a fault of the first stage that has one.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import partial

import pytest

from kvdb.errors import ValidationError
from kvdb.expr.compiler import (
    Placeholders,
    compile_condition,
    compile_key_condition,
    compile_projection,
    compile_update,
)
from kvdb.expr.messages import ExpressionKind
from tests.support.expression_fuzz import Fuzz, Script
from tests.support.expression_oracle import (
    Stages,
    condition_stages,
    holds,
    kept,
    projection_stages,
    same,
)
from tests.support.key_condition_oracle import key_stages, wanted
from tests.support.update_oracle import Refused, path_of, update_stages, updated

ITEMS = 3
"""Items each expression is asked of."""
REDUNDANT = "The expression has redundant parentheses;"
SEEDS = range(1, 5)
CONDITIONS, UPDATES, PROJECTIONS, KEY_CONDITIONS = 12_000, 8_000, 2_500, 2_500
assert len(SEEDS) * (CONDITIONS + UPDATES + PROJECTIONS + KEY_CONDITIONS) == 100_000


def compiled(
    fuzz: Fuzz,
    script: Script,
    kind: ExpressionKind,
    stages: Stages,
    compile_text: Callable[[Placeholders], object],
) -> object | None:
    """What the expression is compiled to; ``None`` when it is refused, as it should be."""
    expected = {REDUNDANT} if script.is_doubled else next(filter(None, stages), set())
    if fuzz.odds(100):
        script.values[":unused"] = 1
    placeholders = Placeholders(script.names or None, script.values or None)
    try:
        # The second time it is known that such a request fits, and only its values are bound.
        for _ in range(2):
            found = compile_text(placeholders)
    except ValidationError as refused:
        prefix = f"Invalid {kind}: "
        messages = {refused.message, refused.message.removeprefix(prefix)}
        assert messages & expected, (refused.message, expected)
        return None
    assert not expected, expected
    try:
        placeholders.check_all_used()
    except ValidationError as refused:
        unused = "Value provided in ExpressionAttributeValues unused in expressions: keys: {:unused}"
        assert refused.message == unused
        assert ":unused" in script.values
        return None
    assert ":unused" not in script.values
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_conditions_and_filters(seed: int) -> None:
    fuzz = Fuzz(seed)
    outcomes = {True: 0, False: 0, None: 0}
    for number in range(CONDITIONS):
        said = fuzz.condition()
        script = Script(fuzz)
        text = script.condition(said)
        kind: ExpressionKind = "FilterExpression" if number % 2 else "ConditionExpression"
        stages = condition_stages(said, bare=script.is_bare)
        condition = compiled(
            fuzz,
            script,
            kind,
            stages,
            partial(compile_condition, text, kind=kind),
        )
        for _ in range(ITEMS) if condition is not None else ():
            item = fuzz.item()
            answer = condition.holds(item)  # type: ignore[attr-defined]
            assert answer is holds(said, item), (text, script.names, script.values, item)
            outcomes[answer] += 1
        outcomes[None] += condition is None
    assert min(outcomes.values()) > CONDITIONS // 20, outcomes


@pytest.mark.parametrize("seed", SEEDS)
def test_updates(seed: int) -> None:
    fuzz = Fuzz(seed)
    outcomes = {"compiled": 0, "refused": 0, "applied": 0, "unfit": 0}
    for _ in range(UPDATES):
        actions = fuzz.update()
        script = Script(fuzz)
        text = script.update(actions)
        stages = update_stages(actions, bare=script.is_bare)
        update = compiled(fuzz, script, "UpdateExpression", stages, partial(compile_update, text))
        outcomes["refused" if update is None else "compiled"] += 1
        for _ in range(ITEMS) if update is not None else ():
            item = fuzz.item()
            before = deepcopy(item)
            shown = (text, script.names, script.values, before)
            try:
                expected = updated(actions, item)
            except Refused as refused:
                with pytest.raises(ValidationError) as error:
                    update.applied_to(item)  # type: ignore[attr-defined]
                assert error.value.message == str(refused), shown
                outcomes["unfit"] += 1
            else:
                new = update.applied_to(item)  # type: ignore[attr-defined]
                assert same(new, expected), shown
                (touched,) = kept([path_of(action) for action in actions], expected) or [{}]
                assert same(update.touched_in(new), touched), shown  # type: ignore[attr-defined]
                outcomes["applied"] += 1
            assert same(item, before), shown
    assert min(outcomes.values()) > UPDATES // 20, outcomes


@pytest.mark.parametrize("seed", SEEDS)
def test_projections(seed: int) -> None:
    fuzz = Fuzz(seed)
    refusals = 0
    for _ in range(PROJECTIONS):
        paths = fuzz.projection()
        script = Script(fuzz)
        text = script.projection(paths)
        stages = projection_stages(paths, bare=script.is_bare)
        projection = compiled(fuzz, script, "ProjectionExpression", stages, partial(compile_projection, text))
        refusals += projection is None
        for _ in range(ITEMS) if projection is not None else ():
            item = fuzz.item()
            (expected,) = kept(paths, item) or [{}]
            assert same(projection.applied_to(item), expected), (text, item)  # type: ignore[attr-defined]
    assert PROJECTIONS // 20 < refusals < PROJECTIONS // 2


@pytest.mark.parametrize("seed", SEEDS)
def test_key_conditions(seed: int) -> None:
    fuzz = Fuzz(seed)
    refusals = 0
    for _ in range(KEY_CONDITIONS):
        key = fuzz.key()
        said = fuzz.key_condition(key)
        script = Script(fuzz)
        text = script.condition(said)
        stages = key_stages(said, key, bare=script.is_bare)
        found = compiled(
            fuzz,
            script,
            "KeyConditionExpression",
            stages,
            partial(compile_key_condition, text, hash_names=key.hashes, range_names=key.ranges),
        )
        refusals += found is None
        if found is not None:
            last = found.sort and (found.sort.op, found.sort.operands)  # type: ignore[attr-defined]
            asked = (found.partition_values, found.sort_values, last)  # type: ignore[attr-defined]
            assert repr(asked) == repr(wanted(said, key)), text
    assert KEY_CONDITIONS // 20 < refusals < KEY_CONDITIONS * 3 // 4
