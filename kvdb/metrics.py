"""Counters, gauges and histograms. A ``Registry`` is handed down in ``Env``; none is global.

An instrument is one attribute add on the hot path. Two threads adding at once may
lose an increment (Python's ``+=`` is not atomic); metrics tolerate that, locks on
every operation would not pay.

Units stand in the names: ``_bytes``, ``_ms``, ``_total`` for counters.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Final, TypeAlias

SAMPLES_MAX: Final = 4_096
"""Of one family: every number that is kept for ever elsewhere costs something."""

_LATENCY_BOUNDS_MS = (
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    25.0,
    50.0,
    100.0,
    250.0,
    500.0,
    1000.0,
    5000.0,
)


class Counter:
    """A number that only grows."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def add(self, amount: int = 1) -> None:
        self.value += amount


class Gauge:
    """A number read when asked: ``set`` stores one, ``read_by`` computes one."""

    __slots__ = ("_read",)

    def __init__(self) -> None:
        self._read: Callable[[], float] = lambda: 0.0

    def set(self, value: float) -> None:
        self._read = lambda: value

    def read_by(self, read: Callable[[], float]) -> None:
        self._read = read

    @property
    def value(self) -> float:
        return self._read()


class GaugeFamily:
    """Gauges of one name, told apart by the values of their labels; which there are, is read when asked."""

    __slots__ = ("_read", "labels")

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = tuple(labels)
        self._read: Callable[[], Iterable[tuple[tuple[str, ...], float]]] = lambda: ()

    def read_by(self, read: Callable[[], Iterable[tuple[tuple[str, ...], float]]]) -> None:
        """``read`` gives the values of the labels, in their order, and the number."""
        self._read = read

    def samples(self) -> list[tuple[str, float]]:
        """Each with its labels as text, ``table="orders",region="berlin"``; at most ``SAMPLES_MAX``."""
        return [
            (
                ",".join(
                    f'{name}="{_escaped(value)}"' for name, value in zip(self.labels, values, strict=True)
                ),
                number,
            )
            for values, number in islice(self._read(), SAMPLES_MAX)
        ]


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


class Histogram:
    """Counts of observations by upper bound, with their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


Instrument: TypeAlias = Counter | Gauge | GaugeFamily | Histogram


class Registry:
    """The instruments of one database, by name. Asking twice for a name gives the same instrument."""

    def __init__(self) -> None:
        self._instruments: dict[str, Instrument] = {}

    def counter(self, name: str) -> Counter:
        instrument = self._instruments.setdefault(name, Counter())
        assert isinstance(instrument, Counter), name
        return instrument

    def gauge(self, name: str) -> Gauge:
        instrument = self._instruments.setdefault(name, Gauge())
        assert isinstance(instrument, Gauge), name
        return instrument

    def gauge_family(self, name: str, labels: Sequence[str]) -> GaugeFamily:
        instrument = self._instruments.setdefault(name, GaugeFamily(labels))
        assert isinstance(instrument, GaugeFamily), name
        return instrument

    def histogram(self, name: str, bounds: Sequence[float] = _LATENCY_BOUNDS_MS) -> Histogram:
        instrument = self._instruments.setdefault(name, Histogram(bounds))
        assert isinstance(instrument, Histogram), name
        return instrument

    def instruments(self) -> list[tuple[str, Instrument]]:
        """Every instrument by name, in the order of the names."""
        return sorted(self._instruments.items())

    def read(self) -> dict[str, float]:
        """Every instrument's present value; a histogram gives ``name_count`` and ``name_sum``, a family
        ``name{labels}`` for each of its gauges."""
        values: dict[str, float] = {}
        for name, instrument in sorted(self._instruments.items()):
            if isinstance(instrument, Histogram):
                values[f"{name}_count"] = sum(instrument.counts)
                values[f"{name}_sum"] = instrument.total
            elif isinstance(instrument, GaugeFamily):
                values |= {f"{name}{{{labels}}}": number for labels, number in instrument.samples()}
            else:
                values[name] = instrument.value
        return values
