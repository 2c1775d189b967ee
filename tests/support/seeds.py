"""The command line of a simulation: so many runs, each from one seed."""

from __future__ import annotations

import argparse
import logging
from typing import NamedTuple

SEEDS_MAX = 100_000


class Runs(NamedTuple):
    """What was asked for."""

    seeds: range
    acts: int

    def __str__(self) -> str:
        return f"{len(self.seeds)} seeds from {self.seeds.start}"


def runs_of(arguments: list[str], about: str | None, *, seeds: int, acts: int = 60) -> Runs:
    """What the arguments ask for, or so many seeds of so many acts. Nothing is logged from then on."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=seeds)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--acts", type=int, default=acts)
    options = parser.parse_args(arguments)
    if not 0 < options.seeds <= SEEDS_MAX:
        parser.error(f"--seeds must be 1 to {SEEDS_MAX}")
    logging.disable(logging.CRITICAL)
    return Runs(range(options.first, options.first + options.seeds), options.acts)
