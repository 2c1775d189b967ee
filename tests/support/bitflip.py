"""Bit flips: of a seeded database, one bit of one file is wrong; the engine must say so, by name.

    python -m tests.support.bitflip --flips 100000 --seed 1   as many as you like, over many databases
    python -m tests.support.bitflip --seed 7 --file 000004.sst --bit 1234    one again, as a failure names it

A flip is *silent* when the engine opens and answers as if nothing were wrong, be the answers right or
not: every bit of every file is under a checksum that is looked at. An error of another kind than the
engine's own, and memory that grows without bound, end the run as well.
"""

from __future__ import annotations

import argparse
import logging
import random
import resource
import sys
from dataclasses import dataclass

from kvdb.errors import CorruptionError, FormatTooNew, NotADatabase, StorageError
from tests.support.crash import State
from tests.support.damage import Files, Sample, outcome, rich_sample

FLIPS_PER_DATABASE = 2_500
MEMORY_GROWTH_KIB_MAX = 96 * 1024
"""What a damaged length may make the engine take, over all flips of a run."""


class SilentFlip(AssertionError):
    """A flip that nobody noticed; the message ends with the line that shows it again."""


@dataclass
class Report:
    databases: int = 0
    flips: int = 0


def flipped(files: Files, name: str, bit: int) -> Files:
    content = bytearray(files[name])
    content[bit // 8] ^= 1 << bit % 8
    return {**files, name: bytes(content)}


def is_refusal_of(name: str, found: State | StorageError) -> bool:
    """Whether the engine refused, and named the file. IDENTITY may also say that this is no
    database, or a later one's: that is what it is for."""
    if name == "IDENTITY":
        return isinstance(found, (CorruptionError, NotADatabase, FormatTooNew))
    return isinstance(found, CorruptionError) and found.file == name and found.offset >= 0


def check_flip(sample: Sample, seed: int, name: str, bit: int) -> None:
    """Raises ``SilentFlip`` unless the flip is refused by name."""
    try:
        found = outcome(flipped(sample.files, name, bit))
    except Exception as error:
        raise SilentFlip(f"{type(error).__name__}: {error}\n{_replay(seed, name, bit)}") from error
    if not is_refusal_of(name, found):
        what = repr(found) if isinstance(found, StorageError) else "an answer"
        raise SilentFlip(f"a flipped bit of {name} gave {what}\n{_replay(seed, name, bit)}")


def flip_many(seed: int, flips: int) -> Report:
    """So many flips in database after database, in files by their size."""
    report = Report()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    while report.flips < flips:
        sample = rich_sample(seed)
        names = [name for name in sample.files if name != "LOCK"]
        sizes = [len(sample.files[name]) + 100 for name in names]
        chance = random.Random(seed)
        count = min(FLIPS_PER_DATABASE, flips - report.flips)
        for name in chance.choices(names, weights=sizes, k=count):
            check_flip(sample, seed, name, chance.randrange(len(sample.files[name]) * 8))
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
        if grown > MEMORY_GROWTH_KIB_MAX:
            raise SilentFlip(f"memory grew by {grown} KiB in the flips of seed {seed}")
        report.databases += 1
        report.flips += count
        seed += 1
    return report


def _replay(seed: int, name: str, bit: int) -> str:
    return f"replay: python -m tests.support.bitflip --seed {seed} --file {name} --bit {bit}"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.support.bitflip", description=__doc__)
    parser.add_argument("--flips", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1, help="of the first database")
    parser.add_argument("--file", help="replay: the file")
    parser.add_argument("--bit", type=int, help="replay: the bit")
    chosen = parser.parse_args(arguments)
    logging.getLogger("kvdb").setLevel(logging.CRITICAL)
    try:
        if chosen.file is not None:
            check_flip(rich_sample(chosen.seed), chosen.seed, chosen.file, chosen.bit)
            report = Report(1, 1)
        else:
            report = flip_many(chosen.seed, chosen.flips)
    except SilentFlip as silent:
        print(silent, file=sys.stderr)
        return 1
    print(f"{report.flips} flips in {report.databases} databases: every one refused by name")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
