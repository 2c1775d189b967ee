from __future__ import annotations

from kvdb.backup.on_demand import Progress
from kvdb.cli.progress import Rate, label_of
from kvdb.testing import ManualClock

MIB = 1 << 20


def test_the_label_tells_how_far_and_how_fast() -> None:
    clock = ManualClock()
    rate = Rate(clock)
    assert label_of(Progress("fetch", 0, 40 * MIB), rate) == "fetch 0/40 MiB 0.0 MB/s"
    clock.advance_ms(2_000)
    assert label_of(Progress("fetch", 20 * MIB, 40 * MIB), rate) == "fetch 20/40 MiB 10.5 MB/s"


def test_a_job_that_began_anew_is_measured_anew() -> None:
    clock = ManualClock()
    rate = Rate(clock)
    rate.after(10 * MIB)
    clock.advance_ms(1_000)
    assert rate.after(5 * MIB) == 0
    clock.advance_ms(1_000)
    assert rate.after(6 * MIB) == MIB
