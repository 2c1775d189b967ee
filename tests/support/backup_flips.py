"""Bit flips in backups: one bit of one object or manifest is wrong; a restore must say so, by name.

    python -m tests.support.backup_flips --flips 20000 --seed 1

A flip is *silent* when the restore makes a target, or names another object, or when the verification
of one in ten does not name the object.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys

from kvdb.backup import restore
from kvdb.backup.manifest import Manifest
from kvdb.backup.names import manifest_name
from kvdb.backup.store import BackupStore
from kvdb.backup.verify import verify
from kvdb.env.env import Env
from kvdb.errors import CorruptionError, FormatTooNew
from kvdb.testing import MemFileSystem, sim_env
from tests.support.backups import created_while_written, fill, flip, make_table, store_of
from tests.support.engines import open_engine

FLIPS_PER_BACKUP = 2_500
_VERIFY_EACH = 10


class SilentFlip(AssertionError):
    """A flip that nobody noticed."""


def small_backup(seed: int) -> tuple[MemFileSystem, Env, BackupStore, Manifest]:
    """A database of a seeded history, with a log that is not flushed, and its backup in ``store``."""
    fs = MemFileSystem()
    engine, env = open_engine(fs, seed=seed)
    make_table(engine, "one", 1)
    fill(engine, random.Random(seed), 60)
    store = store_of(env)
    made = created_while_written(env, engine, store, key=b"\0\0\0\1zz")
    return fs, env, store, made


def flip_many(seed: int, flips: int) -> int:
    """So many flips, in backup after backup, in objects by their size; returns how many backups."""
    done = backups = 0
    while done < flips:
        fs, _, store, made = small_backup(seed)
        fs.make_dir("scratch")
        chance = random.Random(seed)
        names = [part.object_name for part in made.parts] + [manifest_name(made.backup_id)]
        sizes = [fs.file_size(f"store/{name}") + 100 for name in names]
        count = min(FLIPS_PER_BACKUP, flips - done)
        for number, name in enumerate(chance.choices(names, weights=sizes, k=count)):
            bit = chance.randrange(fs.file_size(f"store/{name}") * 8)
            flip(fs, f"store/{name}", bit // 8, bit % 8)
            _check(fs, sim_env(fs, seed=number), store, made, name, is_verified=number % _VERIFY_EACH == 0)
            flip(fs, f"store/{name}", bit // 8, bit % 8)
        done += count
        backups += 1
        seed += 1
    return backups


def _check(
    fs: MemFileSystem, env: Env, store: BackupStore, made: Manifest, name: str, *, is_verified: bool
) -> None:
    try:
        restore.restore(env, restore.plan_backup(store, made.backup_id), "target")
    except FormatTooNew as error:
        found = str(error).partition("file=")[2]
    except CorruptionError as error:
        found = error.file
    except Exception as error:
        raise SilentFlip(f"a flipped bit of {name} gave {type(error).__name__}: {error}") from error
    else:
        raise SilentFlip(f"a backup with a flipped bit of {name} was restored")
    if found != name:
        raise SilentFlip(f"a flipped bit of {name} was said to be in {found}")
    if fs.exists("target"):
        raise SilentFlip(f"a flipped bit of {name} left a target")
    if is_verified:
        outcome = verify(env, store, made.backup_id, "files", scratch_parent="scratch")
        named = [finding.object_name for finding in outcome.findings if finding.severity == "damage"]
        if named != [name]:
            raise SilentFlip(f"a flipped bit of {name}: verify named {named}")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.support.backup_flips", description=__doc__)
    parser.add_argument("--flips", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1, help="of the first backup")
    chosen = parser.parse_args(arguments)
    logging.getLogger("kvdb").setLevel(logging.CRITICAL)
    try:
        backups = flip_many(chosen.seed, chosen.flips)
    except SilentFlip as silent:
        print(silent, file=sys.stderr)
        return 1
    print(f"{chosen.flips} flips in {backups} backups: every one refused by name, before there was a target")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
