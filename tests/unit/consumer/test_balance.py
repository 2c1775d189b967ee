"""Who takes what: pure, from what a worker sees."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvdb.consumer.balance import choose
from kvdb.consumer.lease import SHARD_END, Lease, Progress


def lease(
    key: str, owner: str | None = None, *, checkpoint: str = "1", parents: tuple[str, ...] = ()
) -> Lease:
    return Lease(key, "arn", key, parents, Progress(checkpoint), owner)


def seen(*leases: Lease) -> dict[str, Lease]:
    return {each.key: each for each in leases}


def test_a_worker_alone_takes_everything_that_is_free() -> None:
    choice = choose(seen(lease("a"), lease("b"), lease("c")), "me", set(), turn=1)
    assert [each.key for each in choice.take] == ["b", "c", "a"]


def test_a_share_is_what_is_there_over_those_who_work() -> None:
    leases = seen(*(lease(f"{n}", "other" if n < 2 else None) for n in range(6)))
    assert len(choose(leases, "me", set(), turn=0).take) == 3


def test_what_is_finished_or_waits_for_its_parents_is_left() -> None:
    leases = seen(
        lease("done", checkpoint=SHARD_END),
        lease("child", parents=("done",)),
        lease("parent", "other"),
        lease("waiting", parents=("parent", "done")),
        lease("orphan", parents=("forgotten",)),
    )
    choice = choose(leases, "me", set(), turn=0)
    assert [each.key for each in choice.take] == ["child", "orphan"]


def test_a_silent_holder_counts_for_nothing() -> None:
    leases = seen(*(lease(f"{n}", "dead") for n in range(4)))
    assert len(choose(leases, "me", {"0", "1", "2", "3"}, turn=0).take) == 4


def test_the_busiest_is_asked_when_nothing_is_free() -> None:
    leases = seen(lease("a", "x"), *(lease(f"{n}", "y") for n in range(3)))
    choice = choose(leases, "me", set(), turn=0)
    assert choice.take == []
    assert choice.ask_for is not None
    assert choice.ask_for.owner == "y"


@pytest.mark.parametrize("mine", [0, 1])
def test_nobody_is_asked_for_what_would_leave_them_worse_off(mine: int) -> None:
    leases = seen(
        *(lease(f"m{n}", "me") for n in range(mine)), *(lease(f"{n}", "y") for n in range(mine + 1))
    )
    assert choose(leases, "me", set(), turn=0) == ([], None)


def test_one_request_at_a_time() -> None:
    asked = replace(lease("0", "y"), handover_to="me")
    leases = seen(asked, *(lease(f"{n}", "y") for n in range(1, 5)))
    assert choose(leases, "me", set(), turn=0).ask_for is None


def test_what_somebody_else_asked_for_is_not_asked_for() -> None:
    asked = replace(lease("0", "y"), handover_to="x")
    leases = seen(asked, *(lease(f"{n}", "y") for n in range(1, 5)))
    choice = choose(leases, "me", set(), turn=0)
    assert choice.ask_for is not None
    assert choice.ask_for.key == "1"


@given(st.lists(st.sampled_from([None, "a", "b", "c"]), max_size=20), st.integers(0, 99))
def test_workers_who_choose_in_turn_come_to_equal_shares(owners: list[str | None], turn: int) -> None:
    leases = seen(*(lease(f"{n:02d}", owner) for n, owner in enumerate(owners)))
    for _ in range(40):
        for me in ("a", "b", "c"):
            choice = choose(leases, me, set(), turn)
            taken = [*choice.take, *([choice.ask_for] if choice.ask_for is not None else [])]
            leases.update((each.key, replace(each, owner=me)) for each in taken)
    loads = [sum(each.owner == me for each in leases.values()) for me in ("a", "b", "c")]
    assert sum(loads) == len(owners)
    assert max(loads) - min(loads) <= 1
