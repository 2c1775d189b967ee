"""The checkers of histories accept what is legal and catch each kind of what is not."""

from __future__ import annotations

import random

import pytest

from tests.support.histories import Operation, Transaction, anomaly, first_unlinearizable

FINAL = 1_000


def register(state: object, call: object) -> tuple[object, object]:
    """A value that is read, written, or swapped if it is what one thinks."""
    kind, *operands = call  # type: ignore[misc]
    if kind == "read":
        return state, state
    if kind == "write":
        return operands[0], None
    return (operands[1], True) if state == operands[0] else (state, False)


READ, SWAP = ("read",), ("swap", 0, 1)

LINEARIZABLE = {
    "one by one": [Operation(0, 1, ("write", 1), None), Operation(2, 3, READ, 1)],
    "a read beside a write sees it": [Operation(0, 3, ("write", 1), None), Operation(1, 2, READ, 1)],
    "or does not": [Operation(0, 3, ("write", 1), None), Operation(1, 2, READ, 0)],
    "one of two swaps wins": [Operation(0, 2, SWAP, False), Operation(1, 3, SWAP, True)],
    "a later one is first": [
        Operation(0, 9, SWAP, False),
        Operation(1, 3, ("write", 5), None),
        Operation(4, 5, READ, 5),
        Operation(2, 8, ("swap", 5, 0), True),
    ],
}
NOT_LINEARIZABLE = {
    "a stale read": [Operation(0, 1, ("write", 1), None), Operation(2, 3, READ, 0)],
    "both swaps win": [Operation(0, 2, SWAP, True), Operation(1, 3, SWAP, True)],
    "neither swap wins": [Operation(0, 2, SWAP, False), Operation(1, 3, SWAP, False)],
    "a value from nowhere": [Operation(0, 1, READ, 7)],
    "back and forth": [
        Operation(0, 9, ("write", 1), None),
        Operation(1, 2, READ, 1),
        Operation(3, 4, READ, 0),
    ],
    "a lost write": [
        Operation(0, 1, ("write", 1), None),
        Operation(2, 3, ("swap", 0, 2), True),
    ],
}


@pytest.mark.parametrize("name", LINEARIZABLE)
def test_what_can_be_ordered_is_linearizable(name):
    assert first_unlinearizable({name: LINEARIZABLE[name]}, register, 0) is None


@pytest.mark.parametrize("name", NOT_LINEARIZABLE)
def test_what_cannot_be_ordered_is_not(name):
    histories = {"sound": LINEARIZABLE["one by one"], name: NOT_LINEARIZABLE[name]}
    assert first_unlinearizable(histories, register, 0) == name


def test_a_history_made_one_by_one_is_accepted_until_one_answer_is_changed():
    caught = 0
    for seed in range(200):
        chance = random.Random(seed)
        state, history = 0, []
        for number in range(30):
            call = chance.choice([READ, ("write", number), ("swap", chance.choice([state, -1]), number)])
            state, answer = register(state, call)  # type: ignore[assignment]
            # Each overlaps with a few around it.
            history.append(
                Operation(
                    10 * number - chance.randrange(30), 10 * number + chance.randrange(30), call, answer
                )
            )
        assert first_unlinearizable({0: history}, register, 0) is None
        place = chance.choice([place for place, each in enumerate(history) if each.call == READ])
        history[place] = history[place]._replace(answer=-2)
        caught += first_unlinearizable({0: history}, register, 0) == 0
    assert caught == 200


def transaction(name: str, at: int, until: int | None = None, **lists: object) -> Transaction:
    """``x=[1, 2]`` reads; ``x_=[3]`` appends."""
    reads = {key: tuple(value) for key, value in lists.items() if not key.endswith("_")}  # type: ignore[arg-type]
    appends = {key[:-1]: tuple(value) for key, value in lists.items() if key.endswith("_")}  # type: ignore[arg-type]
    return Transaction(name, at, at + 1 if until is None else until, reads, appends)


def final(**lists: object) -> Transaction:
    return transaction("final", FINAL, **lists)


SERIALIZABLE = {
    "one by one": [transaction("a", 0, x_=[1]), transaction("b", 2, x=[1], x_=[2]), final(x=[1, 2])],
    "beside one another, in the other order": [
        transaction("a", 0, 5, x=[1], x_=[2]),
        transaction("b", 1, 6, x_=[1]),
        final(x=[1, 2]),
    ],
    "a read may come before what ran beside it": [
        transaction("a", 0, 5, x_=[1], y_=[2]),
        transaction("b", 1, 6, x=[], y=[]),
        final(x=[1], y=[2]),
    ],
    "an aborted one left nothing": [
        Transaction("a", 0, 5, {}, {"x": (1,)}, is_committed=False),
        final(x=[]),
    ],
}
ANOMALIES = {
    "lost update": (
        [transaction("a", 0, 5, x=[], x_=[1]), transaction("b", 1, 6, x=[], x_=[2]), final(x=[1, 2])],
        "cycle",
    ),
    "lost append": ([transaction("a", 0, x_=[1]), final(x=[])], "lost or torn append"),
    "torn append": (
        [transaction("a", 0, 5, x_=[1, 2]), transaction("b", 1, 6, x_=[3]), final(x=[1, 3, 2])],
        "lost or torn",
    ),
    "appended twice": ([transaction("a", 0, x_=[1]), final(x=[1, 1])], "appended twice"),
    "write cycle": (
        [
            transaction("a", 0, 5, x_=[1], y_=[4]),
            transaction("b", 1, 6, x_=[2], y_=[3]),
            final(x=[1, 2], y=[3, 4]),
        ],
        "cycle",
    ),
    "aborted read": (
        [Transaction("a", 0, 5, {}, {"x": (1,)}, is_committed=False), final(x=[1])],
        "aborted read",
    ),
    "a value from nowhere": ([final(x=[7])], "aborted read"),
    "intermediate read": (
        [transaction("a", 0, 5, x_=[1, 2]), transaction("b", 1, 6, x=[1]), final(x=[1, 2])],
        "intermediate read",
    ),
    "circular information": (
        [
            transaction("a", 0, 5, x_=[1], y=[2]),
            transaction("b", 1, 6, y_=[2], x=[1]),
            final(x=[1], y=[2]),
        ],
        "cycle",
    ),
    "half of a transaction": (
        [transaction("a", 0, 5, x_=[1], y_=[2]), transaction("b", 1, 6, x=[1], y=[]), final(x=[1], y=[2])],
        "cycle",
    ),
    "write skew": (
        [transaction("a", 0, 5, x=[], y_=[1]), transaction("b", 1, 6, y=[], x_=[2]), final(x=[2], y=[1])],
        "cycle",
    ),
    "long fork": (
        [
            transaction("a", 0, 9, x_=[1]),
            transaction("b", 0, 9, y_=[2]),
            transaction("c", 0, 9, x=[1], y=[]),
            transaction("d", 0, 9, x=[], y=[2]),
            final(x=[1], y=[2]),
        ],
        "cycle",
    ),
    "a stale read": (
        [transaction("a", 0, x_=[1]), transaction("b", 5, x=[]), final(x=[1])],
        "cycle",
    ),
    "incompatible orders": (
        [
            transaction("a", 0, 9, x_=[1]),
            transaction("b", 0, 9, x_=[2]),
            transaction("c", 0, 9, x=[2]),
            final(x=[1, 2]),
        ],
        "incompatible orders",
    ),
}


@pytest.mark.parametrize("name", SERIALIZABLE)
def test_what_can_be_ordered_has_no_anomaly(name):
    assert anomaly(SERIALIZABLE[name]) is None


@pytest.mark.parametrize("name", ANOMALIES)
def test_every_anomaly_is_found(name):
    history, kind = ANOMALIES[name]
    assert kind in str(anomaly(history))
    assert kind in str(anomaly(history[::-1]))
