"""Resolving conflicts: commutative, associative, idempotent, total; and what a winner is."""

from __future__ import annotations

from functools import reduce
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvdb.item.value import Item
from kvdb.replica.conflict import decide
from kvdb.table import row
from kvdb.table.descriptor import ResolverKind
from tests.support.versions import Copy

items = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {},
        optional={
            "v": st.integers(0, 3),
            "w": st.sampled_from(["x", "y"]),
            "n": st.one_of(st.integers(-5, 5), st.just("not a number")),
            "s": st.one_of(
                st.sets(st.sampled_from("abc"), min_size=1), st.sets(st.integers(1, 3), min_size=1)
            ),
        },
    ),
)
acts = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(1, 3), items, st.integers(1, 3)),
        st.tuples(st.just("send"), st.integers(1, 3), st.integers(1, 3), st.just(0)),
    ),
    max_size=14,
)
kinds = st.sampled_from(["last_writer", "attributes", "callable"])


def largest(key: Item, earlier: Item | None, later: Item | None) -> Item | None:
    """Of each attribute the value whose text is the largest; what is deleted says nothing."""
    outcome: Item = {}
    for item in filter(None, (earlier, later)):
        for name, value in item.items():
            if name not in outcome or _text(value) > _text(outcome[name]):
                outcome[name] = value
    return outcome


def _text(value: object) -> str:
    return repr(sorted(value, key=repr) if isinstance(value, set) else value)


def played(history: list[tuple[str, int, object, int]], kind: ResolverKind) -> list[Copy]:
    function = largest if kind == "callable" else None
    copies = [Copy(region, kind, function) for region in (1, 2, 3)]
    for act, region, what, later_ms in history:
        copy = copies[region - 1]
        if act == "write":
            copy.write(what, later_ms=later_ms)  # type: ignore[arg-type]
        elif copy.version is not None:
            copies[int(str(what)) - 1].take(copy.version)
    return copies


@given(acts, st.sampled_from(["last_writer", "attributes"]))
def test_whatever_the_order_of_all_versions_the_outcome_is_one(
    history: list[tuple[str, int, object, int]], kind: ResolverKind
) -> None:
    copies = played(history, kind)
    versions = [version for copy in copies for version in [*copy.made[-2:], *filter(None, [copy.version])]]
    if not versions:
        return
    resolver = copies[0].resolver
    outcomes = {
        reduce(lambda one, other: decide(one, other, resolver).version, order)
        for order in list(permutations(versions[:5]))[::7]
    }
    assert len(outcomes) == 1
    outcome = outcomes.pop()
    for version in versions[:5]:
        assert decide(outcome, version, resolver).version == outcome


@given(acts, kinds)
def test_copies_that_have_exchanged_everything_are_the_same_bytes(
    history: list[tuple[str, int, object, int]], kind: ResolverKind
) -> None:
    copies = played(history, kind)
    # A function need not keep any contract for that.
    for _ in range(9 if kind == "callable" else 2):
        for source in copies:
            for target in copies:
                if source.version is not None:
                    target.take(source.version)
    assert len({copy.version for copy in copies}) == 1


@given(acts)
def test_the_last_writer_wins(history: list[tuple[str, int, object, int]]) -> None:
    copies = played(history, "last_writer")
    made = [version for copy in copies for version in copy.made]
    if not made:
        return
    for version in made:
        copies[0].take(version)
    assert copies[0].version is not None
    newest = max(made, key=row.stamp_of)
    assert row.stamp_of(copies[0].version) == row.stamp_of(newest)
    assert row.item_bytes(copies[0].version) == row.item_bytes(newest)


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(-9, 9)), max_size=12), st.booleans())
def test_a_counter_loses_no_addition(additions: list[tuple[int, int]], sends: bool) -> None:
    copies = [Copy(region, "attributes") for region in (1, 2, 3)]
    copies[0].write({"n": 0})
    for copy in copies[1:]:
        copy.take(copies[0].version or b"")
    for region, amount in additions:
        item = copies[region - 1].item
        assert item is not None
        copies[region - 1].write({"n": item["n"] + amount})  # type: ignore[operator]
        if sends:
            copies[region % 3].take(copies[region - 1].version or b"")
    for source in copies * 2:
        for target in copies:
            target.take(source.version or b"")
    item = copies[0].item
    assert item is not None
    assert item["n"] == sum(amount for _, amount in additions)


def two_with(item: Item) -> tuple[Copy, Copy]:
    one, other = Copy(1, "attributes"), Copy(2, "attributes")
    one.write(item)
    other.take(one.version or b"")
    return one, other


@pytest.mark.parametrize("turned", [False, True])
def test_attributes_written_apart_both_stay(turned: bool) -> None:
    one, other = two_with({"v": 0, "w": "x"})
    one.write({"v": 1, "w": "x"})
    other.write({"v": 0, "w": "y"})
    if turned:
        one, other = other, one
    verdict = one.take(other.version or b"")
    assert verdict.is_conflict
    assert verdict.outcome == "MERGED"
    assert one.item == {"id": "a", "v": 1, "w": "y"}


def test_sets_merge_element_by_element() -> None:
    one, other = two_with({"s": {"a", "b"}})
    one.write({"s": {"a", "b", "c"}})
    other.write({"s": {"b"}})
    one.take(other.version or b"")
    assert one.item == {"id": "a", "s": {"b", "c"}}


def test_a_delete_takes_what_was_written_before_it_and_no_more() -> None:
    one, other = two_with({"v": 0, "w": "x", "n": 5})
    one.write(None)
    other.write({"v": 7, "w": "x", "n": 6}, later_ms=5)
    one.take(other.version or b"")
    assert one.item == {"id": "a", "v": 7, "n": 1}


def test_a_version_that_was_replaced_is_no_conflict() -> None:
    one, other = two_with({"v": 0})
    other.write({"v": 1})
    assert not one.take(other.version or b"").is_conflict
    one.write({"v": 2})
    assert not other.take(one.version or b"").is_conflict
    assert other.item == {"id": "a", "v": 2}


def test_a_conflict_is_seen_on_both_sides() -> None:
    one, other = Copy(1), Copy(2)
    one.write({"v": 1})
    other.write({"v": 2})
    mine, theirs = one.version, other.version
    assert one.take(theirs or b"").is_conflict
    assert other.take(mine or b"").is_conflict
    assert one.version == other.version
    assert one.item == {"id": "a", "v": 2}


def test_what_a_function_decided_apart_comes_to_one() -> None:
    """The second write of the one is made while both first ones are on their way."""
    one, other = (Copy(region, "callable", largest) for region in (1, 2))
    one.write({"v": 3})
    other.write({"v": 2})
    first, second = one.version or b"", other.version or b""
    one.write({"v": 1})
    other.take(first)
    other.take(one.version or b"")
    assert one.take(second).travels
    assert (one.item, other.item) == ({"id": "a", "v": 2}, {"id": "a", "v": 3})
    ones, others = one.version or b"", other.version or b""
    one.take(others)
    other.take(ones)
    assert one.version == other.version
