"""Power loss before every file call loses nothing acknowledged; and the sweep that says so sees bugs.

A failure names its seed and prints the line that shows the one image again.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kvdb.options import SyncMode
from kvdb.testing import MemFileSystem
from tests.support.crash import IMAGES, BrokenPromise, LyingFileSystem, Run, Sweep, Workload, check_kill, main

SWEEPS = [
    *(Workload(seed, "commit", steps=27) for seed in range(1, 6)),
    *(Workload(seed, "group", steps=28) for seed in range(6, 8)),
    *(Workload(seed, "interval", steps=36) for seed in range(8, 10)),
    *(Workload(seed, "none", steps=28) for seed in range(10, 12)),
]
IMAGES_MIN = 920
"""A sweep that checked fewer has not swept."""


def test_there_are_at_least_ten_thousand_images() -> None:
    assert len(SWEEPS) * IMAGES_MIN >= 10_000


@pytest.mark.parametrize("workload", SWEEPS, ids=lambda workload: f"{workload.sync}-{workload.seed}")
def test_every_crash_keeps_the_promise_of_the_sync_mode(workload: Workload) -> None:
    report = Sweep(workload).run()
    assert report.images == report.calls * len(IMAGES)
    assert report.images >= IMAGES_MIN


@pytest.mark.parametrize(("sync", "seed"), [("commit", 12), ("none", 13)])
def test_every_crash_around_a_roll_of_the_manifest_keeps_it_too(
    sync: SyncMode, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kvdb.lsm.manifest.MANIFEST_BYTES_MAX", 200)
    workload = Workload(seed, sync, steps=24)
    made: list[str] = []
    fs = MemFileSystem(observer=lambda operation, path: made.append(f"{operation} {path}"))
    Run(workload, fs).run()
    manifests = sum("create" in call and "MANIFEST-" in call for call in made)
    opens = 1 + sum(action in ("reopen", "kill") for action in workload.actions())
    assert manifests >= opens + 3, "the manifest rolls beside those that each open begins"
    assert Sweep(workload).run().images >= 500


NESTED: list[tuple[SyncMode, int]] = [("commit", 21), ("group", 22), ("none", 23)]
NESTED_MIN = 700


def test_there_are_at_least_two_thousand_crashes_of_recoveries() -> None:
    assert len(NESTED) * NESTED_MIN >= 2_000


@pytest.mark.parametrize(("sync", "seed"), NESTED)
def test_a_crash_of_the_recovery_from_a_crash_loses_nothing_either(sync: SyncMode, seed: int) -> None:
    report = Sweep(Workload(seed, sync, steps=10), nested_every=101, nested_depth=2).run()
    assert report.nested >= NESTED_MIN


@pytest.mark.parametrize(("sync", "seed"), [("commit", 24), ("none", 25)])
def test_what_a_restart_shows_after_a_kill_at_any_call_no_power_loss_takes_back(
    sync: SyncMode, seed: int
) -> None:
    workload = Workload(seed, sync, steps=30)
    call = 1
    while check_kill(workload, call):
        call += 3
    assert call >= 150


PLANTED_IN = SWEEPS[0]
"""An honest disk and engine pass this one: it is part of the sweep above."""
BUGS: dict[str, Callable[[Workload], Sweep]] = {
    "no file is synced": lambda honest: Sweep(honest, lambda: LyingFileSystem("*")),
    "no directory is synced": lambda honest: Sweep(honest, lambda: LyingFileSystem(forgets_names=True)),
    "acknowledged before the sync": lambda honest: Sweep(
        Workload(honest.seed, "none", honest.steps, claims="commit")
    ),
    "acknowledged long before the sync": lambda honest: Sweep(
        Workload(honest.seed, "interval", honest.steps, claims="commit")
    ),
    "the log is not synced": lambda honest: Sweep(honest, lambda: LyingFileSystem("*.log")),
    "sstables are not synced": lambda honest: Sweep(honest, lambda: LyingFileSystem("*.sst")),
    "the manifest is not synced": lambda honest: Sweep(honest, lambda: LyingFileSystem("*/MANIFEST-*")),
    "a temporary file is renamed before its sync": lambda honest: Sweep(
        honest, lambda: LyingFileSystem("*.tmp")
    ),
}


@pytest.mark.parametrize("bug", BUGS)
def test_the_sweep_catches_a_planted_bug(bug: str) -> None:
    with pytest.raises(BrokenPromise):
        BUGS[bug](PLANTED_IN).run()


def test_a_restart_on_a_disk_that_forgets_names_is_caught() -> None:
    with pytest.raises(BrokenPromise, match="killed before call 5"):
        check_kill(PLANTED_IN, 5, lambda: LyingFileSystem(forgets_names=True))


def test_a_failure_prints_the_line_that_shows_it_again(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BrokenPromise) as broken:
        Sweep(Workload(31, "none", 20, claims="commit")).run()
    replay = str(broken.value).splitlines()[-1]
    assert replay.startswith("replay: python -m tests.support.crash --seed 31 --sync none --steps 20 --call ")
    # Without the planted claim, the same image is a legal one.
    assert main(replay.split()[4:]) == 0
    assert "1 images" in capsys.readouterr().out


def test_a_workload_makes_the_same_calls_each_time() -> None:
    def trace() -> list[tuple[str, str]]:
        seen: list[tuple[str, str]] = []
        fs = MemFileSystem(observer=lambda operation, path: seen.append((operation, path)))
        Run(Workload(seed=5, steps=30), fs).run()
        return seen

    assert len(trace()) > 100
    assert trace() == trace()
