"""Workers under kills, pauses past lease expiry and splits, from seeds; and bugs that have to be found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, replace

import pytest

from kvdb.api.items import UpdateItem
from kvdb.consumer import worker as worker_module
from kvdb.consumer.lane import Lane
from kvdb.consumer.lease import Lease, LeaseTable, Progress, Window
from kvdb.consumer.shard_work import ShardWork
from tests.support.worker_sim import Coverage, simulate

SEEDS = 6
Plant = Callable[[pytest.MonkeyPatch], None]


@pytest.mark.parametrize("exactly_once", [False, True], ids=["at least once", "exactly once"])
def test_every_change_is_handled_whatever_happens_to_workers(exactly_once: bool) -> None:
    runs = [simulate(seed, exactly_once=exactly_once) for seed in range(1, SEEDS + 1)]

    met = Coverage(*(sum(of_runs) for of_runs in zip(*map(astuple, runs), strict=True)))
    assert met.changes >= SEEDS * 100
    assert min(met.kills, met.pauses, met.divisions) >= SEEDS * 3, met
    assert min(met.calls_failed, met.answers_lost) >= SEEDS, met
    assert min(met.kills_in_handler, met.pauses_in_handler, met.leases_lost, met.repeats) >= SEEDS, met


# Bugs, each planted by itself: a simulation that does not find them proves nothing.


def without_fencing(patch: pytest.MonkeyPatch) -> None:
    """A checkpoint looks neither at owner and token nor at where the lease stands."""
    step = LeaseTable._step

    def unfenced(
        self: LeaseTable, lease: Lease, progress: Progress, window: Window | None, lane: int
    ) -> UpdateItem:
        fenced = step(self, lease, progress, window, lane)
        values = dict(fenced.expression_attribute_values or {})
        for name in (":owner", ":token", ":old", ":old_lanes"):
            del values[name]
        return replace(
            fenced, condition_expression="attribute_exists(leaseKey)", expression_attribute_values=values
        )

    patch.setattr(LeaseTable, "_step", unfenced)


def children_before_parents(patch: pytest.MonkeyPatch) -> None:
    """A shard is begun while the one it came from is still being worked on."""
    patch.setattr("kvdb.consumer.balance.is_ready", lambda lease, leases: True)
    patch.setattr(worker_module, "is_ready", lambda lease, leases: True)


def checkpoint_before_handler(patch: pytest.MonkeyPatch) -> None:
    """What was read counts as handled."""
    admit = ShardWork._admit

    def admitted(self: ShardWork, entry: object) -> None:
        admit(self, entry)  # type: ignore[arg-type]
        self._outstanding.finish((entry.number,))  # type: ignore[attr-defined]

    patch.setattr(ShardWork, "_admit", admitted)


def lanes_by_turns(patch: pytest.MonkeyPatch) -> None:
    """Parallel lanes take records in turn, not by item."""
    patch.setattr(
        ShardWork, "_lane_of", lambda self, record: int(record.dynamodb.sequence_number) % self.lane_count
    )


def failed_batches_are_done(patch: pytest.MonkeyPatch) -> None:
    """A handler that raises is taken for one that returned."""
    patch.setattr(Lane, "_failed", lambda self, batch, judged, answer=None: self._succeeded(batch, answer))


@pytest.mark.parametrize(
    ("plant", "exactly_once"),
    [
        (without_fencing, True),
        (children_before_parents, False),
        (checkpoint_before_handler, False),
        (lanes_by_turns, False),
        (failed_batches_are_done, True),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_planted_bug_is_found(monkeypatch: pytest.MonkeyPatch, plant: Plant, exactly_once: bool) -> None:
    plant(monkeypatch)
    with pytest.raises(AssertionError, match="seed"):
        # Each is found by one of the first few; the rest is for days when the dice fall otherwise.
        for seed in range(1, 41):
            simulate(seed, exactly_once=exactly_once)
