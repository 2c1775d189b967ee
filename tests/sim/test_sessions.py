"""Sessions and replicate_to under loss, cuts and crashes: a sample of seeds, and bugs that they find."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from unittest.mock import patch

import pytest

from kvdb.api.session_token import View
from kvdb.replica.messages import Part, Want
from kvdb.replica.positions import Positions
from kvdb.replica.source import Source
from kvdb.table.catalog import Table
from tests.support.session_sim import Served, run_seed


def test_sessions_and_writes_get_what_they_are_promised_whatever_happens() -> None:
    total = Served()
    for seed in range(1, 81):
        served = run_seed(seed).served
        for name in vars(total):
            setattr(total, name, getattr(total, name) + getattr(served, name))
    # Runs that served nobody have shown nothing.
    assert min(total.calls, total.behind) > 1_000, total
    assert total.elsewhere > 200, total
    assert total.replicated > 100, total


def test_the_same_seed_is_the_same_run() -> None:
    assert run_seed(4).hash == run_seed(4).hash != run_seed(5).hash


def token_of_one_region() -> AbstractContextManager[object]:
    """Who reads in a region has seen no more than what was written there."""

    def seen(self: Positions, table: Table) -> View:
        return self.written(table)

    return patch.object(Positions, "seen", seen)


def a_write_is_not_seen() -> AbstractContextManager[object]:
    """Who only writes has seen nothing."""
    return patch.object(Positions, "written", lambda self, table: {})


def sent_is_taken() -> AbstractContextManager[object]:
    """What went out to a peer counts as what it has."""
    written = Source._written

    def counted(self: Source, table: Table, want: Want, region: str, room: int) -> Part:
        part = written(self, table, want, region, room)
        self._acks.note_applied(table, region, want.own_uuid, part.position)
        return part

    return patch.object(Source, "_written", counted)


# With the seed at which each was found first: others follow, should the simulation change.
PLANTED: list[tuple[Callable[[], AbstractContextManager[object]], int]] = [
    (token_of_one_region, 26),
    (a_write_is_not_seen, 1),
    (sent_is_taken, 1),
]


@pytest.mark.parametrize(("bug", "seed"), PLANTED, ids=lambda value: getattr(value, "__name__", ""))
def test_a_planted_bug_is_found(bug: Callable[[], AbstractContextManager[object]], seed: int) -> None:
    with bug():
        for each in (*range(seed, seed + 20), *range(1, 1_000)):
            try:
                run_seed(each)
            except Exception:
                return
    pytest.fail("the bug was not found")
