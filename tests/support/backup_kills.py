"""Processes that are killed while they back up or restore: what they leave, and the try after them.

    python -m tests.support.backup_kills backup|restore --directory DIR [--step N]

Each point is a process of its own (a fork of this one) that ends itself with SIGKILL before its n-th call
that changes a file, an append half done; n grows by ``step`` until a process comes to its end.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from kvdb.backup import on_demand, restore, shelf
from kvdb.backup.places import open_store
from kvdb.backup.verify import verify
from kvdb.env.env import Env
from kvdb.env.fs import FileSystem, OsFileSystem
from kvdb.errors import StorageError
from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.engine import Engine
from tests.support.backups import make_table
from tests.support.engines import content, small_options

_CHANGES = frozenset(("create", "rename", "remove", "make_dir", "remove_dir", "sync_dir", "truncate", "sync"))


class _Killing:
    """A file system or a file that ends the process before the n-th change."""

    def __init__(self, inner: Any, left: list[int]) -> None:
        self._inner = inner
        self._left = left

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._inner, name)
        if name == "append":
            return self._append
        if name not in _CHANGES and not name.startswith("open_"):
            return call

        def counted(*arguments: Any) -> Any:
            if name in _CHANGES and self._is_time():
                os.kill(os.getpid(), signal.SIGKILL)
            found = call(*arguments)
            return _Killing(found, self._left) if name == "create" or name.startswith("open_") else found

        return counted

    def _append(self, data: bytes) -> None:
        if self._is_time():
            self._inner.append(data[: len(data) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        self._inner.append(data)

    def _is_time(self) -> bool:
        self._left[0] -= 1
        return self._left[0] == 0


def killing(fs: FileSystem, call: int) -> FileSystem:
    found: Any = _Killing(fs, [call])
    return found  # type: ignore[no-any-return]


def was_killed(work: Callable[[], None]) -> bool:
    """Run ``work`` in a process of its own; whether it was killed. Any other end but a good one raises."""
    sys.stdout.flush()
    child = os.fork()
    if not child:
        try:
            work()
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, -signal.SIGKILL), f"exit status {status}"
    return status != 0


class Kills:
    """One directory with a database and a store."""

    def __init__(self, directory: str) -> None:
        self.data, self.store = f"{directory}/data", f"{directory}/store"
        self.target = f"{directory}/target"
        self.scratch = directory
        self.written = 0

    def write(self, count: int) -> None:
        engine = self._open(Env.system())
        if not self.written:
            make_table(engine, "one", 1)
        for _ in range(count):
            self.written += 1
            engine.write(WriteBatch().put(b"\0\0\0\0\x7f%05d" % self.written, os.urandom(60)))
        engine.close()

    def back_up(self, fs: FileSystem) -> None:
        env = Env.system(fs=fs)
        engine = self._open(env)
        on_demand.create(env, engine, open_store(self.store, env))
        engine.close()
        env.jobs.close()

    def check_backups(self, least: int) -> int:
        """Every backup that there is must be whole; returns how many there are."""
        env = Env.system()
        store = open_store(self.store, env)
        ids = shelf.backup_ids(store)
        assert len(ids) >= least, "an old backup is gone"
        for backup_id in ids[-2:]:
            outcome = verify(env, store, backup_id, "data", scratch_parent=self.scratch)
            assert outcome.is_clean, outcome.findings
        return len(ids)

    def restore(self, fs: FileSystem) -> None:
        env = Env.system(fs=fs)
        store = open_store(self.store, env)
        restore.restore(env, restore.plan_backup(store, shelf.backup_ids(store)[-1]), self.target)

    def content_of(self, directory: str) -> dict[bytes, bytes] | None:
        """``None``: it does not open."""
        env = Env.system()
        try:
            engine = Engine.open(directory, env, small_options(read_only=True))
        except StorageError:
            return None
        found = content(engine)
        engine.close()
        env.jobs.close()
        return found

    def _open(self, env: Env) -> Engine:
        return Engine.open(self.data, env, small_options())


def kill_backups(directory: str, step: int) -> int:
    """Points at which a backup was killed."""
    kills = Kills(directory)
    kills.write(150)
    assert not was_killed(lambda: kills.back_up(OsFileSystem()))
    have = call = points = 0
    while True:
        call += step
        kills.write(5)
        have = kills.check_backups(have)
        is_killed = was_killed(partial(kills.back_up, killing(OsFileSystem(), call)))
        after = kills.check_backups(have)
        assert after - have in ((0, 1) if is_killed else (1,))
        if not is_killed:
            return points
        points += 1
        have = after
        assert not was_killed(lambda: kills.back_up(OsFileSystem())), "the next try"
        assert kills.check_backups(have + 1) == have + 1


def kill_restores(directory: str, step: int) -> int:
    """Points at which a restore was killed."""
    kills = Kills(directory)
    kills.write(150)
    assert not was_killed(lambda: kills.back_up(OsFileSystem()))
    model = kills.content_of(kills.data)
    call = points = 0
    while True:
        call += step
        is_killed = was_killed(partial(kills.restore, killing(OsFileSystem(), call)))
        if Path(kills.target).exists():
            # Killed behind its last step, or not at all.
            assert kills.content_of(kills.target) == model
        else:
            assert is_killed
            stage = f"{kills.target}.restoring"
            if Path(stage).exists():
                assert kills.content_of(stage) in (None, model), "half a restore opens"
            assert not was_killed(lambda: kills.restore(OsFileSystem())), "the next try"
            assert kills.content_of(kills.target) == model
        _remove(Path(kills.target))
        if not is_killed:
            return points
        points += 1


def _remove(directory: Path) -> None:
    for path in sorted(directory.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    directory.rmdir()


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.support.backup_kills", description=__doc__)
    parser.add_argument("what", choices=["backup", "restore"])
    parser.add_argument("--directory", required=True)
    parser.add_argument("--step", type=int, default=1)
    chosen = parser.parse_args(arguments)
    logging.getLogger("kvdb").setLevel(logging.CRITICAL)
    run = kill_backups if chosen.what == "backup" else kill_restores
    print(run(chosen.directory, chosen.step))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
