"""Figures of one run: their medians, their ratios, as a table and as JSON."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field
from statistics import median

from tabulate import tabulate

from kvdb.env.clock import SystemClock


@dataclass
class Figure:
    """One thing measured for kvdb and for its peer, once a round. Less is better, always."""

    name: str
    unit: str
    peer_name: str
    kvdb: list[float] = field(default_factory=list)
    peer: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float | None:
        """How many times the peer's figure kvdb's is."""
        return median(self.kvdb) / median(self.peer) if self.kvdb and self.peer else None

    def as_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "unit": self.unit,
            "ratio": self.ratio,
            "kvdb": {"median": _median(self.kvdb), "rounds": self.kvdb},
            "peer": {"name": self.peer_name, "median": _median(self.peer), "rounds": self.peer},
        }


class Report:
    """Figures by name, in the order they were first measured."""

    def __init__(self, settings: dict[str, object]) -> None:
        self._settings = settings
        self._figures: dict[str, Figure] = {}
        self.engine: dict[str, dict[str, dict[str, float]]] = {}
        """The engine beside several peers, by size, figure and store (``bench/engine``)."""

    def figure(self, name: str, unit: str, peer_name: str) -> Figure:
        return self._figures.setdefault(name, Figure(name, unit, peer_name))

    def as_json(self) -> dict[str, object]:
        return {
            "machine": {
                "python": platform.python_version(),
                "system": f"{platform.system()} {platform.release()}",
                "processor": platform.machine(),
                "cores": os.cpu_count(),
            },
            "wall_ms": SystemClock().wall_ms(),
            "settings": self._settings,
            "figures": [figure.as_json() for figure in self._figures.values()],
            "engine": self.engine,
        }

    def as_table(self) -> str:
        """Ratios first: they travel from machine to machine better than times do."""
        rows = [
            [
                "" if figure.ratio is None else f"{figure.ratio:.2f} x",
                figure.name,
                _text(figure.kvdb),
                _text(figure.peer),
                figure.unit,
                figure.peer_name,
                _spread(figure.kvdb),
            ]
            for figure in self._figures.values()
        ]
        headers = ["kvdb / peer", "measured", "kvdb", "peer", "unit", "peer is", "kvdb spread"]
        return tabulate(rows, headers, disable_numparse=True, colalign=("right", "left", "right", "right"))


def _median(values: list[float]) -> float | None:
    return median(values) if values else None


def _text(values: list[float]) -> str:
    middle = _median(values)
    if middle is None:
        return "-"
    return f"{middle:,.0f}" if middle >= 100 else f"{middle:.3g}"


def _spread(values: list[float]) -> str:
    """From the least to the most of all rounds, as a share of the median."""
    if len(values) < 2 or not median(values):
        return ""
    return f"{(max(values) - min(values)) / median(values):.0%}"
