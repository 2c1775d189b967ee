"""Functions that resolve conflicts: what they are held to, and how a database is given them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import count

import pytest

from kvdb.errors import ValidationError
from kvdb.item.value import Item
from kvdb.replica.functions import FunctionFault, Functions, MergeFunction, name_of, outcome_of
from kvdb.testing.manual_clock import ManualClock

KEY: Item = {"id": "a"}
Version = Item | None


def outcome(
    function: Callable[..., object], earlier: Version, later: Version, *, is_tie: bool = False
) -> Item | None:
    copy = lambda item: None if item is None else {**KEY, **item}  # noqa: E731
    return outcome_of(
        function,  # type: ignore[arg-type]
        KEY,
        lambda: copy(earlier),
        lambda: copy(later),
        is_tie=is_tie,
    )


def larger(key: Item, earlier: Version, later: Version) -> Version:
    return max((each for each in (earlier, later) if each is not None), key=lambda each: repr(each["n"]))


def later_with_all_tags(key: Item, earlier: Version, later: Version) -> Version:
    """The order of its arguments matters, and yet it is sound."""
    assert earlier is not None
    assert later is not None
    return {**later, "tags": earlier["tags"] | later["tags"]}  # type: ignore[operator]


@pytest.mark.parametrize(
    ("function", "earlier", "later", "expected"),
    [
        (larger, {"n": 5}, {"n": 2}, {"id": "a", "n": 5}),
        (larger, None, {"n": 2}, {"id": "a", "n": 2}),
        (lambda key, earlier, later: None, {"n": 5}, {"n": 2}, None),
        (lambda key, earlier, later: later, {"n": 5}, None, None),
        (lambda key, earlier, later: {"n": 7}, {"n": 5}, {"n": 2}, {"id": "a", "n": 7}),
        (
            *(later_with_all_tags, {"n": 1, "tags": {"x"}}, {"n": 2, "tags": {"y"}}),
            {"id": "a", "n": 2, "tags": {"x", "y"}},
        ),
    ],
)
def test_a_sound_function_decides(
    function: Callable[..., object], earlier: Version, later: Version, expected: Version
) -> None:
    assert outcome(function, earlier, later) == expected


def adding(key: Item, earlier: Version, later: Version) -> Version:
    return {"n": sum(each["n"] for each in (earlier, later) if each is not None)}  # type: ignore[misc]


def raising(key: Item, earlier: Version, later: Version) -> Version:
    raise LookupError("no such thing")


def leaving(key: Item, earlier: Version, later: Version) -> Version:
    sys.exit(3)


numbers = count()


@pytest.mark.parametrize(
    ("function", "fault"),
    [
        (adding, "does not stay when it meets a version that it includes"),
        (raising, "raised LookupError: no such thing"),
        (leaving, "raised SystemExit: 3"),
        (lambda key, earlier, later: {"n": next(numbers)}, "not pure"),
        (lambda key, earlier, later: "rubbish", "must give an item or None, not str"),
        (lambda key, earlier, later: [later], "must give an item or None, not list"),
        (lambda key, earlier, later: {**later, "id": "b"}, "changed the key: id"),
        (lambda key, earlier, later: {**later, "id": 1}, "changed the key: id"),
        (lambda key, earlier, later: {"n": float("nan")}, "no item that can be stored"),
        (lambda key, earlier, later: {1: 2}, "no item that can be stored"),
        (lambda key, earlier, later: {"n": object()}, "no item that can be stored"),
        (lambda key, earlier, later: {"n": "x" * 500_000}, "size has exceeded"),
        (lambda key: None, "raised TypeError"),
    ],
)
def test_what_a_function_must_not_do_is_named(function: Callable[..., object], fault: str) -> None:
    with pytest.raises(FunctionFault, match=fault):
        outcome(function, {"n": 1}, {"n": 2})


def test_with_one_stamp_the_order_must_not_matter() -> None:
    earlier_one = lambda key, earlier, later: {"n": earlier["n"]}  # noqa: E731
    with pytest.raises(FunctionFault, match="the other way round"):
        outcome(earlier_one, {"n": 1}, {"n": 2}, is_tie=True)
    assert outcome(larger, {"n": 1}, {"n": 2}, is_tie=True) == {"id": "a", "n": 2}


def test_what_a_function_does_to_what_it_gets_harms_nobody() -> None:
    made: list[Item] = []

    def spoiling(key: Item, earlier: Version, later: Version) -> Version:
        n = max(each["n"] for each in (earlier, later) if each is not None)  # type: ignore[type-var]
        for spoiled in (key, earlier, later, *made):
            if spoiled is not None:
                spoiled.clear()
        made.append({"n": n})
        return made[-1]

    assert outcome(spoiling, {"n": 1}, {"n": 2}) == {"id": "a", "n": 2}


def test_functions_are_given_under_names() -> None:
    functions = Functions(ManualClock())
    with pytest.raises(ValidationError, match="no resolver was given here for table orders"):
        functions.named("orders", "")
    functions.give("orders", larger)
    functions.give("orders", larger)
    name = f"{__name__}:larger"
    assert name_of(larger) == name
    assert functions.named("orders", "") == functions.named("orders", name) == name
    assert functions.get("orders", name) is larger
    assert functions.get("orders", "other") is functions.get("other", name) is None
    functions.give("orders", adding, "v2")
    with pytest.raises(ValidationError, match=r"name one of the resolvers of table orders: .*larger, v2"):
        functions.named("orders", "")
    with pytest.raises(ValidationError, match="no resolver of this name was given here for table orders: v3"):
        functions.named("orders", "v3")
    with pytest.raises(ValidationError, match="two resolvers of table orders have one name: v2"):
        functions.give("orders", larger, "v2")


@pytest.mark.parametrize(
    ("function", "name", "fault"),
    [
        (7, None, "must be a function, not int"),
        (larger, "", "has 1 to 255 characters"),
        (larger, "x" * 256, "has 1 to 255 characters"),
    ],
)
def test_what_is_no_function_or_name_is_refused(
    function: MergeFunction, name: str | None, fault: str
) -> None:
    with pytest.raises(ValidationError, match=fault):
        Functions(ManualClock()).give("orders", function, name)


def test_there_are_not_any_number_of_functions() -> None:
    functions = Functions(ManualClock())
    for at in range(16):
        functions.give("orders", larger, f"v{at}")
    with pytest.raises(ValidationError, match="16 resolvers"):
        functions.give("orders", larger, "v16")


def test_a_function_that_takes_long_is_told() -> None:
    clock = ManualClock()
    functions = Functions(clock)
    assert functions.slowness("orders") == ""
    with functions.running("orders"):
        assert functions.slowness("orders") == ""
        clock.advance_ms(61_000)
        assert "running for 61 s" in functions.slowness("orders")
        assert functions.slowness("other") == ""
    assert functions.slowness("orders") == ""
