"""Instruments and their registry."""

from __future__ import annotations

import pytest

from kvdb.metrics import SAMPLES_MAX, Registry


def test_a_counter_counts() -> None:
    counter = Registry().counter("writes_total")
    counter.add()
    counter.add(4)
    assert counter.value == 5


def test_a_gauge_gives_what_was_set() -> None:
    gauge = Registry().gauge("tables")
    assert gauge.value == 0.0
    gauge.set(3)
    assert gauge.value == 3


def test_a_gauge_may_be_read_by_a_function_each_time() -> None:
    values = [1.0]
    gauge = Registry().gauge("level0_tables")
    gauge.read_by(lambda: values[-1])
    values.append(2.0)
    assert gauge.value == 2.0


def test_an_observation_counts_in_the_bucket_whose_bound_holds_it() -> None:
    histogram = Registry().histogram("commit_ms", bounds=(1.0, 10.0))
    for value in (0.5, 1.0, 5.0, 50.0):
        histogram.observe(value)
    assert histogram.counts == [2, 1, 1]
    assert histogram.total == 56.5


def test_a_family_gives_what_there_is_with_its_labels_and_no_more_than_it_may() -> None:
    registry = Registry()
    family = registry.gauge_family("pending", ("table", "region"))
    assert registry.read() == {}
    family.read_by(lambda: [(("orders", "berlin"), 3), (('a"b\\c\n', "cairo"), 0)])
    assert registry.read() == {
        'pending{table="orders",region="berlin"}': 3,
        r'pending{table="a\"b\\c\n",region="cairo"}': 0,
    }
    family.read_by(lambda: (((str(at), "x"), at) for at in range(1_000_000)))
    assert len(registry.read()) == SAMPLES_MAX


def test_asking_twice_gives_one_instrument() -> None:
    registry = Registry()
    assert registry.counter("a") is registry.counter("a")


def test_a_name_is_of_one_kind() -> None:
    registry = Registry()
    registry.counter("a")
    with pytest.raises(AssertionError):
        registry.gauge("a")


def test_reading_gives_every_instrument_in_order_of_name() -> None:
    registry = Registry()
    registry.histogram("c_ms").observe(2.0)
    registry.gauge("b").set(7)
    registry.counter("a_total").add()
    assert list(registry.read().items()) == [("a_total", 1), ("b", 7), ("c_ms_count", 1), ("c_ms_sum", 2.0)]
