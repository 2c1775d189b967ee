"""A script of engine calls with every answer, to be run under other options: the answers must not change.

The script is made of a seed alone; the answers are what the engine says, in order, as plain values.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import TypeAlias

from kvdb.lsm.engine import Engine, Snapshot, WriteBatch
from kvdb.options import EngineOptions
from kvdb.testing import InlineJobs, ManualClock, MemFileSystem, sim_env

Answer: TypeAlias = "bytes | list[tuple[bytes, bytes]] | int | None"
Pairs = dict[bytes, bytes]


class Script:
    """One run. ``answers`` yields each answer of the engine with the one a dict would give."""

    def __init__(self, seed: int, options: EngineOptions, *, steps: int) -> None:
        self._chance = random.Random(seed)
        self._options = options
        self._steps = steps
        self._fs = MemFileSystem()
        self._opened = 0
        self._model: Pairs = {}
        self._snapshots: list[tuple[Snapshot, Pairs]] = []
        self._open()

    def answers(self) -> Iterator[tuple[Answer, Answer]]:
        kinds = ["write", "range", "get", "scan", "snapshot", "seen", "jobs", "flush", "compact", "reopen"]
        for _ in range(self._steps):
            (kind,) = self._chance.choices(kinds, weights=[50, 3, 14, 6, 3, 8, 8, 3, 1, 1])
            yield from getattr(self, f"_{kind}")()
        yield list(self._engine.scan(b"", b"")), sorted(self._model.items())
        yield len(self._engine.verify(deep=True).run().findings), 0
        self._release()
        self._engine.close()

    def _open(self) -> None:
        self._opened += 1
        self._env = sim_env(self._fs, seed=self._opened)
        self._engine = Engine.open("db", self._env, self._options)

    def _key(self) -> bytes:
        return b"key-%03d" % self._chance.randrange(150)

    def _write(self) -> Iterator[tuple[Answer, Answer]]:
        batch = WriteBatch()
        for _ in range(self._chance.choice([1, 1, 1, 4])):
            key = self._key()
            if self._chance.random() < 0.25:
                batch.delete(key)
                self._model.pop(key, None)
            else:
                value = self._chance.randbytes(3) * self._chance.choice([0, 3, 30, 200])
                batch.put(key, value)
                self._model[key] = value
        self._engine.write(batch)
        return iter(())

    def _range(self) -> Iterator[tuple[Answer, Answer]]:
        start, end = sorted((self._key(), self._key()))
        if start < end:
            self._engine.write(WriteBatch().delete_range(start, end))
            self._model = {key: value for key, value in self._model.items() if not start <= key < end}
        return iter(())

    def _get(self) -> Iterator[tuple[Answer, Answer]]:
        key = self._key()
        yield self._engine.get(key), self._model.get(key)

    def _scan(self) -> Iterator[tuple[Answer, Answer]]:
        start, end = sorted((self._key(), self._key()))
        expected = sorted(pair for pair in self._model.items() if start <= pair[0] < end)
        yield list(self._engine.scan(start, end)) if start < end else [], expected
        if start < end:
            yield list(self._engine.scan(start, end, reverse=True)), expected[::-1]

    def _snapshot(self) -> Iterator[tuple[Answer, Answer]]:
        if len(self._snapshots) == 4:
            self._snapshots.pop(0)[0].release()
        self._snapshots.append((self._engine.snapshot(), dict(self._model)))
        return iter(())

    def _seen(self) -> Iterator[tuple[Answer, Answer]]:
        if self._snapshots:
            snapshot, model = self._chance.choice(self._snapshots)
            key = self._key()
            yield self._engine.get(key, at=snapshot), model.get(key)
            yield list(self._engine.scan(b"", b"", at=snapshot)), sorted(model.items())

    def _jobs(self) -> Iterator[tuple[Answer, Answer]]:
        assert isinstance(self._env.clock, ManualClock)
        assert isinstance(self._env.jobs, InlineJobs)
        self._env.clock.advance_ms(self._options.sync_interval_ms)
        self._env.jobs.run_until_idle()
        yield len(self._env.jobs.errors), 0

    def _flush(self) -> Iterator[tuple[Answer, Answer]]:
        self._engine.flush()
        return iter(())

    def _compact(self) -> Iterator[tuple[Answer, Answer]]:
        self._engine.compact()
        return iter(())

    def _reopen(self) -> Iterator[tuple[Answer, Answer]]:
        self._release()
        self._engine.close()
        self._open()
        return iter(())

    def _release(self) -> None:
        for snapshot, _ in self._snapshots:
            snapshot.release()
        self._snapshots.clear()


def first_wrong_answer(seed: int, options: EngineOptions, *, steps: int) -> str | None:
    """Run a script and compare each answer with the dict's; ``None`` when all are right."""
    answers = 0
    for answers, (found, expected) in enumerate(Script(seed, options, steps=steps).answers(), 1):
        if found != expected:
            return f"answer {answers} of script {seed}: {found!r} is not {expected!r}"
    assert answers >= steps // 5, "a script that asks little has shown little"
    return None
