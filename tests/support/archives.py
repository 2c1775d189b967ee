"""A database under a seeded workload, its archive, and a model of every commit."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from kvdb.backup.archive import Archive
from kvdb.backup.archive_history import History, read_history
from kvdb.backup.places import open_store
from kvdb.backup.restore import restore
from kvdb.backup.store import BackupStore
from kvdb.env.env import Env
from kvdb.env.fs import FileSystem
from kvdb.errors import KvdbError
from kvdb.lsm.engine import Engine, WriteBatch
from kvdb.options import ArchiveOptions, EngineOptions
from kvdb.testing import InlineJobs, ManualClock, MemFileSystem, sim_env
from tests.support.engines import content, small_options

Content = dict[bytes, bytes]


@dataclass
class Commit:
    """What the database was after one commit."""

    seqno: int
    wall_ms: int
    content: Content


@dataclass
class Archived:
    """One database and its archive in a simulated world. The store has a disk of its own."""

    seed: int
    options: EngineOptions = field(default_factory=lambda: small_options(log_hold_bytes=1 << 24))
    archive_options: ArchiveOptions = field(default_factory=lambda: ArchiveOptions("store"))
    fs: MemFileSystem = field(default_factory=MemFileSystem)
    store_fs: FileSystem = field(default_factory=MemFileSystem)
    commits: list[Commit] = field(default_factory=lambda: [Commit(0, 0, {})])
    opens: int = 0
    s3: tuple[str, dict[str, str]] | None = None
    """URL and settings of an object store, in the place of ``store_fs``."""

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.clock = ManualClock()
        self.labels: dict[str, int] = {}
        self.open()

    def open(self) -> None:
        """Open the database, and begin to archive it."""
        self.opens += 1
        self.env = sim_env(self.fs, clock=self.clock, seed=self.seed * 1000 + self.opens)
        self.engine = Engine.open("db", self.env, self.options)
        # What was never acknowledged as durable may be gone.
        self.commits = [commit for commit in self.commits if commit.seqno <= self.engine.last_seqno]
        assert content(self.engine) == self.commits[-1].content
        self.archive = Archive(self.env, self.engine, self.store(self.env), self.archive_options)
        self.archive.start()

    def store(self, env: Env) -> BackupStore:
        if self.s3 is not None:
            return open_store(self.s3[0], env, self.s3[1])
        store_env = sim_env(self.store_fs, clock=self.clock, seed=self.seed * 1000 + 500 + self.opens)
        return open_store("store", store_env)

    def jobs(self) -> None:
        assert isinstance(self.env.jobs, InlineJobs)
        self.env.jobs.run_until_idle()
        assert not self.env.jobs.errors

    def tick(self, ms: int = 1100) -> None:
        """Time goes on, and whatever is due runs."""
        self.clock.advance_ms(ms)
        self.jobs()

    def settle(self) -> None:
        """Until everything is in the archive, and its head says so."""
        for _ in range(20):
            self.tick(7_000)
            if self.archive.status().state == "ok" and self.history().last_seqno == self.engine.last_seqno:
                self.tick(7_000)
                return
        raise AssertionError(f"the archive does not settle: {self.archive.status()}")

    def label(self, label: str) -> None:
        """Give the present a name, if the archive can take one now."""
        seqno = self.engine.last_seqno
        try:
            self.archive.label(label)
            self.labels[label] = seqno
        except KvdbError:
            # The store fails, or there is no epoch yet.
            return

    def write(self, count: int = 1) -> None:
        for _ in range(count):
            batch = WriteBatch()
            model = dict(self.commits[-1].content)
            for _ in range(self.chance.choice([1, 1, 1, 4])):
                key = b"key-%03d" % self.chance.randrange(60)
                kind = self.chance.random()
                if kind < 0.15:
                    batch.delete(key)
                    model.pop(key, None)
                elif kind < 0.18:
                    batch.delete_range(key, key + b"\xff")
                    model.pop(key, None)
                else:
                    value = self.chance.randbytes(self.chance.choice([4, 30, 200]))
                    batch.put(key, value)
                    model[key] = value
            seqno = self.engine.write(batch)
            self.commits.append(Commit(seqno, self.engine._commit.wall_ms, model))
            if self.chance.random() < 0.5:
                self.clock.advance_ms(self.chance.choice([1, 3, 50, 700]))

    def close(self) -> None:
        self.archive.stop()
        self.engine.close()

    def crash(self, mode: str = "strict") -> None:
        """The power goes; the database is opened again."""
        self.fs = self.fs.after_crash(mode, seed=self.chance.randrange(1 << 30))  # type: ignore[arg-type]
        self.open()

    def history(self, epoch: str | None = None) -> History:
        return read_history(self.store(self.env), self.archive.database_id, epoch=epoch)

    def restored(self, seqno: int, *, history: History | None = None) -> tuple[int, Content]:
        """The seqno and content of a restore to a point, from the store alone."""
        plan = (history or self.history()).plan(seqno)
        fs = MemFileSystem()
        env = sim_env(fs, clock=ManualClock(), seed=seqno)
        restore(env, plan, "restored")
        engine = Engine.open("restored", env, self.options)
        found = content(engine)
        last = engine.last_seqno
        engine.close()
        assert last == plan.seqno
        return plan.seqno, found

    def commit_at(self, seqno: int) -> Commit:
        """The last commit at or before ``seqno``."""
        return max((each for each in self.commits if each.seqno <= seqno), key=lambda each: each.seqno)

    def commit_at_ms(self, wall_ms: int) -> Commit:
        return max((each for each in self.commits if each.wall_ms <= wall_ms), key=lambda each: each.seqno)
