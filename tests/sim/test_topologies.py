"""Chains, stars, rings and trees of regions whose tables relay, and whose settings change everywhere."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from unittest.mock import patch

import pytest

from kvdb.table import settings
from kvdb.table.descriptor import SharedSetting, TableDescriptor
from kvdb.table.settings import Settings
from kvdb.table.shipping import Shipper
from tests.support.topology_sim import TopologyWorld, run_seed


def test_regions_that_are_connected_somehow_converge_in_items_and_settings() -> None:
    changes = writes = cuts = crashes = rewired = conflicts = 0
    for seed in range(1, 46):
        world = run_seed(seed, 80)
        changes += sum(map(len, world.changes.values()))
        writes += world.covered.writes
        cuts += world.covered.cuts
        crashes += world.covered.crashes
        conflicts += world.covered.conflicts
        rewired += world.rewired
    # Runs that met little have shown little.
    assert writes > 350
    assert changes > 90
    assert min(crashes, conflicts) > 18, (crashes, conflicts)
    assert min(cuts, rewired) > 9, (cuts, rewired)


def test_the_same_seed_is_the_same_run() -> None:
    assert run_seed(5).hash == run_seed(5).hash != run_seed(6).hash


def first_heard_wins() -> AbstractContextManager[object]:
    def joined(one: Settings, other: Settings) -> Settings:
        both = {setting.name: setting for setting in (*other, *one)}
        return tuple(both[name] for name in sorted(both))

    return patch.object(settings, "joined", joined)


def what_is_removed_is_not_told() -> AbstractContextManager[object]:
    noted = settings.noted

    def forgetful(before: TableDescriptor, after: TableDescriptor, stamp: object) -> TableDescriptor:
        told = noted(before, after, stamp)  # type: ignore[arg-type]
        kept: tuple[SharedSetting, ...] = tuple(
            each for each in told.settings if each.value is not None or not each.name.startswith("index:")
        )
        return type(told)(
            **{name: getattr(told, name) for name in told.__slots__} | {"settings": kept}  # type: ignore[arg-type]
        )

    return patch.object(settings, "noted", forgetful)


def relays_leave_no_notes() -> AbstractContextManager[object]:
    made = Shipper.__init__

    def deaf(self: Shipper, *arguments: object) -> None:
        made(self, *arguments)  # type: ignore[arg-type]
        self._relays = False

    return patch.object(Shipper, "__init__", deaf)


@pytest.mark.parametrize("bug", [first_heard_wins, what_is_removed_is_not_told, relays_leave_no_notes])
def test_a_planted_bug_is_found(bug: Callable[[], AbstractContextManager[object]]) -> None:
    with bug():
        for seed in range(1, 200):
            try:
                run_seed(seed, 80)
            except Exception:
                return
    pytest.fail("the bug was not found")


def test_who_is_reached_by_way_of_others_only_is_no_peer() -> None:
    world = TopologyWorld(2)
    for node in world.nodes.values():
        assert sorted(node.regions.pullers) == sorted(world.neighbours(node.name))
