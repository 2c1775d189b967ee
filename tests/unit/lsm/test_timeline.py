from __future__ import annotations

from kvdb.lsm.timeline import TICKS_MAX, Tick, Timeline


def test_a_moment_is_found_to_the_second() -> None:
    timeline = Timeline()
    for seqno, wall_ms in ((1, 5_000), (4, 5_999), (7, 6_000), (9, 8_500)):
        timeline.note(seqno, wall_ms)
    assert [timeline.seqno_at(wall_ms) for wall_ms in (4_999, 5_000, 5_999, 6_000, 7_999, 8_499)] == [
        0, 6, 6, 8, 8, None,
    ]  # fmt: skip
    assert [timeline.wall_ms_of(seqno) for seqno in (0, 1, 6, 7, 9, 99)] == [
        None, 5_000, 5_000, 6_000, 8_000, 8_000,
    ]  # fmt: skip


def test_ticks_given_out_make_the_same_timeline_again() -> None:
    timeline = Timeline()
    for i in range(1, 50):
        timeline.note(i * 3, i * 700)
    ticks = timeline.ticks(0, 1_000)
    assert Timeline(ticks).ticks(0, 1_000) == ticks
    assert timeline.ticks(30, 60) == tuple(tick for tick in ticks if 30 < tick.seqno <= 60)


def test_a_wall_clock_that_goes_back_makes_no_tick() -> None:
    timeline = Timeline([Tick(1, 10)])
    timeline.note(2, 3_000)
    assert timeline.ticks(0, 9) == (Tick(1, 10),)


def test_there_is_a_bound_and_the_newest_ticks_stay_exact() -> None:
    timeline = Timeline()
    count = TICKS_MAX * 2
    for i in range(1, count + 1):
        timeline.note(i, i * 1_000)
    assert len(timeline.ticks(0, count)) <= TICKS_MAX
    for i in range(count - TICKS_MAX // 2 + 1, count):
        assert timeline.seqno_at(i * 1_000) == i
    assert timeline.wall_ms_of(1) == 1_000
    found = [timeline.seqno_at(i * 1_000) or count for i in range(1, count + 1)]
    assert found == sorted(found)
    assert all(seqno >= i for i, seqno in enumerate(found, 1))
