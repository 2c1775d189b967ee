from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvdb.errors import TransactionConflict
from kvdb.table.latches import Grant, Latches

A, B, C = b"1a", b"1b", b"2c"


def woken(latches: Latches, grant: Grant) -> list[str]:
    """A list that gets an entry when ``grant`` is complete."""
    calls: list[str] = []
    latches.when_complete(grant, lambda: calls.append("woken"))
    return calls


def test_a_free_latch_is_taken_at_once():
    latches = Latches()
    grant = latches.request((A,))
    assert grant.is_complete
    assert woken(latches, grant) == ["woken"]


def test_a_taken_latch_passes_to_the_waiters_in_the_order_they_came():
    latches = Latches()
    first, second, third = (latches.request((A,)) for _ in range(3))
    calls = [woken(latches, grant) for grant in (second, third)]
    assert calls == [[], []]
    latches.give_back(first)
    assert (second.is_complete, third.is_complete) == (True, False)
    assert calls == [["woken"], []]
    latches.give_back(second)
    assert calls == [["woken"], ["woken"]]


def test_a_grant_of_several_keys_is_complete_when_it_has_them_all():
    latches = Latches()
    one, two = latches.request((A,)), latches.request((B,))
    both = latches.request((A, B))
    calls = woken(latches, both)
    latches.give_back(one)
    assert (both.held, calls) == (1, [])
    latches.give_back(two)
    assert calls == ["woken"]


def test_a_waiter_that_leaves_the_line_lets_go_of_what_it_holds():
    latches = Latches()
    holder = latches.request((B,))
    leaver = latches.request((A, B, C))
    behind = latches.request((A,))
    latches.give_back(leaver)
    assert behind.is_complete
    assert latches.request((C,)).is_complete
    latches.give_back(holder)
    assert latches.request((B,)).is_complete


def test_giving_back_twice_does_nothing():
    latches = Latches()
    first = latches.request((A,))
    latches.give_back(first)
    second = latches.request((A,))
    latches.give_back(first)
    assert not latches.request((A,)).is_complete
    assert second.is_complete


def test_any_held_looks_at_the_prefix():
    latches = Latches()
    grant = latches.request((A,))
    assert latches.any_held(b"1")
    assert not latches.any_held(b"2")
    latches.give_back(grant)
    assert not latches.any_held(b"1")


def test_wait_returns_when_another_thread_gives_back():
    latches = Latches()
    holder, waiter = latches.request((A,)), latches.request((A,))
    passed = threading.Event()

    def wait() -> None:
        latches.wait(waiter)
        passed.set()

    thread = threading.Thread(target=wait)
    thread.start()
    assert not passed.is_set()
    latches.give_back(holder)
    thread.join(10)
    assert passed.is_set()


@given(st.lists(st.tuples(st.booleans(), st.sets(st.sampled_from([A, B, C]), min_size=1)), max_size=40))
def test_no_key_is_ever_held_twice_and_all_are_free_in_the_end(moves):
    latches = Latches()
    live: list[Grant] = []
    for gives_back, wanted in moves:
        if gives_back and live:
            latches.give_back(live.pop(0))
        else:
            live.append(latches.request(tuple(sorted(wanted))))
        held = [key for grant in live for key in grant.keys[: grant.held]]
        assert len(held) == len(set(held))
        # Key order rules out circles: somebody can always go on.
        assert not live or any(grant.is_complete for grant in live)
    for grant in live:
        latches.give_back(grant)
    assert not latches.any_held(b"")


def test_whoever_waits_for_the_holders_of_a_moment_is_not_held_up_by_later_ones():
    latches = Latches()
    first = latches.request((A,))
    holders = latches.holders(b"1")
    latches.request((B,))
    queued = latches.request((A,))
    assert holders == [first]
    latches.give_back(first)
    assert all(grant.is_given_back for grant in holders)
    assert not queued.is_given_back


def claimed(latches: Latches, *keys: bytes) -> Grant:
    grant = latches.request_transaction(keys)
    assert isinstance(grant, Grant)
    return grant


def test_a_single_write_is_refused_by_an_open_transaction_and_not_by_others():
    latches = Latches()
    transaction = claimed(latches, A, B)
    with pytest.raises(TransactionConflict, match=r"^Transaction is ongoing for the item$"):
        latches.request_single(B)
    assert latches.request_single(C).is_complete
    latches.give_back(transaction)
    writer = latches.request_single(B)
    assert writer.is_complete
    assert not latches.request_single(B).is_complete


def test_a_transaction_has_also_the_keys_it_still_waits_for():
    latches = Latches()
    writer = latches.request_single(B)
    transaction = claimed(latches, A, B)
    assert not transaction.is_complete
    with pytest.raises(TransactionConflict):
        latches.request_single(B)
    latches.give_back(writer)
    assert transaction.is_complete


def test_of_two_transactions_on_one_item_the_second_is_told_which_keys_and_claims_nothing():
    latches = Latches()
    first = claimed(latches, A, B)
    assert latches.request_transaction((B, C)) == {B}
    assert latches.request_single(C).is_complete
    latches.give_back(first)
    assert isinstance(latches.request_transaction((B,)), Grant)


def test_a_batch_queues_behind_a_transaction():
    latches = Latches()
    transaction = claimed(latches, B)
    batch = latches.request((A, B))
    calls = woken(latches, batch)
    latches.give_back(transaction)
    assert calls == ["woken"]


def test_busy_keys_are_those_written_and_those_of_open_transactions():
    latches = Latches()
    latches.request_single(B)
    claimed(latches, B, C)
    assert latches.busy([A, B, C]) == [B, C]


@given(st.data())
def test_whoever_comes_and_goes_nothing_is_left_behind_and_nobody_waits_in_a_circle(data):
    latches = Latches()
    grants: list[Grant] = []
    key_sets = st.sets(st.sampled_from([A, B, C]), min_size=1).map(lambda keys: tuple(sorted(keys)))
    for _ in range(data.draw(st.integers(1, 12))):
        kind = data.draw(st.sampled_from(["single", "batch", "transaction", "end"]))
        keys = data.draw(key_sets)
        if kind == "end" and grants:
            # Somebody can always go on: of those who wait, not all wait for one another.
            complete = [grant for grant in grants if grant.is_complete]
            assert complete
            ended = data.draw(st.sampled_from(complete))
            grants.remove(ended)
            latches.give_back(ended)
        elif kind == "transaction":
            got = latches.request_transaction(keys)
            grants += [got] if isinstance(got, Grant) else []
        elif kind == "batch":
            grants.append(latches.request(keys))
        elif kind == "single":
            try:
                grants.append(latches.request_single(keys[0]))
            except TransactionConflict:
                assert any(grant.is_transaction and keys[0] in grant.keys for grant in grants)
    while grants:
        ended = next(grant for grant in grants if grant.is_complete)
        grants.remove(ended)
        latches.give_back(ended)
    assert (latches._holders, latches._lines, latches._transaction_keys) == ({}, {}, set())
