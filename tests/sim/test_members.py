"""Regions that are taken out of a table, go on alone and are added again, over and over."""

from __future__ import annotations

from tests.support.members_sim import run_seed


def test_nothing_that_went_on_alone_comes_back_and_nothing_is_lost() -> None:
    taken_out = added = alone = 0
    repairs = {"deleted": 0, "reseeded": 0}
    for seed in range(1, 31):
        world = run_seed(seed)
        taken_out += world.taken_out
        added += world.added
        alone += world.alone
        for repair, count in world.repairs.items():
            repairs[repair] += count
    # Runs that met little have shown little.
    assert min(taken_out, alone, repairs["deleted"]) > 25, (taken_out, alone, repairs)
    assert min(added, repairs["reseeded"] * 10) > 9, (added, repairs)
