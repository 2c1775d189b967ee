"""The crash sweep: power loss before every file call of a workload, and what each must leave intact.

One run of a seeded workload visits every mutating file call. Before each, ``IMAGES`` disks that
a power loss there could leave are made (one strict, one with everything, one prefix, three
random), the real engine is opened on each, and what it holds is compared with the ledger of
what was acknowledged. Nothing here knows how the engine works.

    python -m tests.support.crash --images 20000 --seed 1     the sweep, as long as you like
    python -m tests.support.crash --seed 7 --sync commit --call 120 --image random:3
                                                              one image again, as a failure names it
"""

from __future__ import annotations

import argparse
import itertools
import logging
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import NamedTuple, get_args

from kvdb.env.fs import File
from kvdb.errors import KvdbError
from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.engine import Engine
from kvdb.options import EngineOptions, SyncMode
from kvdb.testing import InlineJobs, ManualClock, MemFileSystem, PowerLoss, sim_env
from kvdb.testing.mem_fs import CrashMode

DIRECTORY = "data/db"
State = dict[bytes, bytes]
HISTORY_MS = 1_000_000_000
"""Longer than any workload runs."""


class ImageKind(NamedTuple):
    """One way to lose power at a moment."""

    mode: CrashMode
    seed: int = 0

    def __str__(self) -> str:
        return f"{self.mode}:{self.seed}"


IMAGES = (
    ImageKind("strict"),
    ImageKind("all"),
    ImageKind("prefix", 1),
    ImageKind("random", 1),
    ImageKind("random", 2),
    ImageKind("random", 3),
)


class BrokenPromise(AssertionError):
    """A crash left what it must not leave; the message ends with the line that shows it again."""


STAMPED = b"stamped-"
ECHO, ECHOED_AT = b"echo-", len(b"key-")


class Change(NamedTuple):
    """One operation: ``value`` at ``key``, or ``None`` for no value there; with ``end`` a range
    delete; the key ``STAMPED`` gets its seqno behind it; the key ``ECHO`` gets its seqno and the number of
    the key before."""

    key: bytes
    value: bytes | None
    end: bytes | None = None


class Write(NamedTuple):
    """One batch of a workload."""

    changes: tuple[Change, ...]

    def batch(self) -> WriteBatch:
        batch = WriteBatch()
        for key, value, end in self.changes:
            if end is not None:
                batch.delete_range(key, end)
            elif value is None:
                batch.delete(key)
            elif key == STAMPED:
                batch.put_stamped(key, b"", value)
            elif key == ECHO:
                batch.echo(key, ECHOED_AT)
            else:
                batch.put(key, value)
        return batch

    def applied_to(self, state: State, last_seqno: int) -> State:
        """The content after it, when the write before it had ``last_seqno``."""
        state = dict(state)
        before = b""
        for seqno, (key, value, end) in enumerate(self.changes, last_seqno + 1):
            if end is not None:
                state = {each: kept for each, kept in state.items() if not key <= each < end}
            elif value is None:
                state.pop(key, None)
            elif key == STAMPED:
                state[key + seqno.to_bytes(8, "big")] = value
            elif key == ECHO:
                state[key + seqno.to_bytes(8, "big") + before[ECHOED_AT:]] = value
            else:
                state[key] = value
            before = key
        return state


@dataclass
class Ledger:
    """What was promised so far. ``states[n]`` is the content after the first n writes, of which the
    last has ``seqnos[n]``."""

    states: list[State] = field(default_factory=lambda: [{}])
    seqnos: list[int] = field(default_factory=lambda: [0])
    acknowledged: int = 0
    durable: int = 0
    """Writes that no crash may take back, whatever the sync mode."""

    def issue(self, write: Write, seqnos: int = 0) -> int:
        """A write begins; it is whole or absent until it is acknowledged. Returns its number.

        It takes so many seqnos, or one for each change.
        """
        self.states.append(write.applied_to(self.states[-1], self.seqnos[-1]))
        self.seqnos.append(self.seqnos[-1] + (seqnos or len(write.changes)))
        return len(self.states) - 1

    def explains(self, found: State, *, loses_acknowledged: bool) -> bool:
        """Whether ``found`` is the content after some number of writes that a crash may keep."""
        least = self.durable if loses_acknowledged else self.acknowledged
        return found in self.states[least:]

    def describe(self, found: State) -> str:
        kept = [number for number, state in enumerate(self.states) if state == found]
        what = f"the content after write {kept[0]}" if kept else "no prefix of the writes (a torn batch?)"
        return (
            f"found {what}; acknowledged {self.acknowledged}, durable {self.durable}, "
            f"issued {len(self.states) - 1}"
        )


@dataclass(frozen=True)
class Workload:
    """A reproducible sequence of engine calls."""

    seed: int
    sync: SyncMode = "commit"
    steps: int = 60
    claims: SyncMode | None = None
    """The promise that is checked, when it is not that of ``sync`` (a planted bug)."""

    @property
    def loses_acknowledged(self) -> bool:
        return (self.claims or self.sync) in ("interval", "none")

    def options(self) -> EngineOptions:
        """Tiny sizes, so that flush, rotation and compaction happen within a few dozen writes."""
        chance = random.Random(self.seed)
        return EngineOptions(
            sync=self.sync,
            sync_interval_ms=50,
            memtable_size_bytes=chance.choice([2_000, 5_000]),
            frozen_memtables_max=chance.choice([1, 2]),
            block_size_bytes=512,
            level0_tables_max=2,
            level0_tables_stall=4,
            base_level_bytes=6_000,
            sstable_size_bytes=chance.choice([3_000, 50_000]),
            ballast_bytes=700 if self.seed % 4 == 1 else 0,
            log_pad_bytes=512 if self.seed % 5 == 2 else 0,
            history_retention_ms=HISTORY_MS if self.keeps_history else 0,
        )

    @property
    def keeps_history(self) -> bool:
        """Whether every state since the beginning can be read again, by its seqno."""
        return self.seed % 3 == 0

    def writes(self) -> Iterator[Write]:
        """Writes without end. Values never repeat, so that a stale one is seen."""
        chance = random.Random(self.seed + 1)
        number = 0
        while True:
            count = chance.choice([1, 1, 1, 2, 5])
            changes: list[Change] = []
            for key in chance.sample(range(24), count):
                number += 1
                kind = chance.random()
                if kind < 0.05:
                    end = b"key-%02d" % min(key + chance.randrange(1, 12), 24)
                    changes.append(Change(b"key-%02d" % key, None, end))
                elif kind < 0.07:
                    changes.append(Change(STAMPED, None, STAMPED + b"\xff"))
                    changes.append(Change(ECHO, None, ECHO + b"\xff"))
                elif kind < 0.25:
                    changes.append(Change(b"key-%02d" % key, None))
                elif kind < 0.3:
                    changes.append(Change(STAMPED, b"%d" % number))
                else:
                    changes.append(Change(b"key-%02d" % key, _value(chance, number)))
                if kind >= 0.07 and number % 3 == 0 and changes[-1].key != STAMPED:
                    changes.append(Change(ECHO, b""))
            yield Write(tuple(changes))

    def actions(self) -> list[str]:
        chance = random.Random(self.seed + 2)
        names = ["write", "burst", "jobs", "tick", "flush", "compact", "reopen", "kill"]
        drawn = chance.choices(names, weights=[60, 8, 12, 4, 6, 3, 3, 3], k=self.steps)
        # Every other flush is an ingest, which begins with one.
        flushes = itertools.count()
        return ["ingest" if name == "flush" and next(flushes) % 2 == 0 else name for name in drawn]

    def ingests(self) -> Iterator[Write]:
        """Writes without end that only put, their keys ascending."""
        chance = random.Random(self.seed + 3)
        for number in itertools.count():
            keys = sorted(chance.sample(range(24), chance.choice([1, 4, 12])))
            yield Write(tuple(Change(b"key-%02d" % key, b"in %d" % number * 40) for key in keys))


def _value(chance: random.Random, number: int) -> bytes:
    """A value of its own, up to three sectors long; some are zeros, as a torn sector is."""
    size = chance.choice([0, 20, 20, 200, 600, 1500])
    filling = chance.choice([b"\0", b"\xff", b"x", chance.randbytes(7)])
    return b"%d:" % number + (filling * size)[:size]


class Run:
    """A workload on a file system, with its ledger."""

    def __init__(self, workload: Workload, fs: MemFileSystem) -> None:
        self.ledger = Ledger()
        self._workload = workload
        self._fs = fs
        self._writes = workload.writes()
        self._ingests = workload.ingests()
        self._opened = 0
        self._engine: Engine | None = None

    def run(self) -> None:
        self._open()
        for action in self._workload.actions():
            getattr(self, f"_{action}")()
        self._close()

    def _open(self) -> None:
        self._opened += 1
        self._env = sim_env(self._fs, seed=self._workload.seed * 1000 + self._opened)
        self._engine = Engine.open(DIRECTORY, self._env, self._workload.options())
        if dict(self._engine.scan(b"", b"")) != self.ledger.states[-1]:
            raise BrokenPromise("a restart lost writes, though the machine ran on")
        # What recovery found it has written anew, synced.
        self.ledger.durable = self.ledger.acknowledged

    def _close(self) -> None:
        self._live().close()
        self.ledger.durable = self.ledger.acknowledged

    def _reopen(self) -> None:
        self._close()
        self._open()

    def _kill(self) -> None:
        self._fs.kill_processes()
        self._open()

    def _write(self) -> None:
        write = next(self._writes)
        number = self.ledger.issue(write)
        self._live().write(write.batch())
        self.ledger.acknowledged = number

    def _burst(self) -> None:
        """Several batches in one commit group: they are submitted while another is being told."""

        def submit(write: Write, then: Callable[[], None]) -> None:
            number = self.ledger.issue(write)

            def done(seqno: int, error: BaseException | None) -> None:
                if error is not None:
                    raise error
                self.ledger.acknowledged = number
                then()

            self._live().submit(write.batch(), done)

        def follow() -> None:
            for _ in range(3):
                submit(next(self._writes), lambda: None)

        submit(next(self._writes), follow)

    def _jobs(self) -> None:
        assert isinstance(self._env.jobs, InlineJobs)
        self._env.jobs.run_until_idle()

    def _tick(self) -> None:
        assert isinstance(self._env.clock, ManualClock)
        self._env.clock.advance_ms(self._workload.options().sync_interval_ms)
        self._jobs()
        if self._workload.sync == "interval":
            self.ledger.durable = self.ledger.acknowledged

    def _flush(self) -> None:
        self._live().flush()
        self.ledger.durable = self.ledger.acknowledged

    def _ingest(self) -> None:
        write = next(self._ingests)
        number = self.ledger.issue(write, seqnos=1)
        self._live().ingest((key, value) for key, value, _ in write.changes if value is not None)
        self.ledger.acknowledged = self.ledger.durable = number

    def _compact(self) -> None:
        self._live().compact()
        self.ledger.durable = self.ledger.acknowledged

    def _live(self) -> Engine:
        assert self._engine is not None
        return self._engine


@dataclass
class Report:
    """What a sweep did; a sweep that did too little must fail, so tests look at this."""

    calls: int = 0
    images: int = 0
    nested: int = 0

    def __add__(self, other: Report) -> Report:
        return Report(self.calls + other.calls, self.images + other.images, self.nested + other.nested)


@dataclass
class Sweep:
    """Crash images at the calls of one workload.

    ``make_fs`` may give a disk that lies (a planted bug). ``nested_every``: of so many images one
    is crashed again at every file call of its own recovery, ``nested_depth`` deep. ``only``
    narrows the sweep to one call and image.
    """

    workload: Workload
    make_fs: Callable[[], MemFileSystem] = MemFileSystem
    nested_every: int = 0
    nested_depth: int = 1
    only: tuple[int, ImageKind] | None = None
    report: Report = field(default_factory=Report)

    def run(self) -> Report:
        """Raises ``BrokenPromise`` for the first image that breaks one."""
        fs = self.make_fs()
        run = Run(self.workload, fs)
        broken: list[BrokenPromise] = []

        def crash_here(operation: str, path: str) -> None:
            self.report.calls += 1
            call = fs.calls + 1
            if broken or (self.only is not None and self.only[0] != call):
                return
            # Kept for later: raised here, it would be an error of the workload's own file call,
            # which the engine under test may handle.
            try:
                for kind in IMAGES if self.only is None else [self.only[1]]:
                    self._check(fs, run.ledger, call, kind, f"{operation} {path}")
            except BrokenPromise as error:
                broken.append(error)

        fs.observer = crash_here
        run.run()
        if broken:
            raise broken[0]
        return self.report

    def _check(self, fs: MemFileSystem, ledger: Ledger, call: int, kind: ImageKind, what: str) -> None:
        self.report.images += 1
        image = fs.after_crash(kind.mode, kind.seed + call * 10)
        try:
            if self.nested_every and self.report.images % self.nested_every == 0:
                self._check_nested(image, ledger, self.nested_depth)
            check_image(image, ledger, self.workload)
        except BrokenPromise as broken:
            lie = "" if self.make_fs is MemFileSystem else " (on a disk made to lie)"
            raise BrokenPromise(
                f"{broken}\npower loss before call {call}: {what}{lie}\nreplay: "
                f"python -m tests.support.crash --seed {self.workload.seed} --sync {self.workload.sync} "
                f"--steps {self.workload.steps} --call {call} --image {kind}"
            ) from broken

    def _check_nested(self, image: MemFileSystem, ledger: Ledger, depth: int) -> None:
        """Crash the recovery of ``image`` at each of its calls."""
        fs = image.after_crash("all")
        broken: list[BrokenPromise] = []

        def crash_here(operation: str, path: str) -> None:
            for kind in (ImageKind("strict"), ImageKind("random", fs.calls)):
                self.report.nested += 1
                again = fs.after_crash(kind.mode, kind.seed)
                try:
                    if depth > 1 and self.report.nested % 10 == 0:
                        self._check_nested(again, ledger, depth - 1)
                    check_image(again, ledger, self.workload)
                except BrokenPromise as error:
                    message = f"{error}\nafter another power loss, in recovery, before call {fs.calls + 1}:"
                    broken.append(BrokenPromise(f"{message} {operation} {path} image {kind}"))

        fs.observer = crash_here
        _opened(fs, self.workload)
        if broken:
            raise broken[0]


def check_kill(workload: Workload, call: int, make_fs: Callable[[], MemFileSystem] = MemFileSystem) -> bool:
    """Kill the process before file call ``call``, open again, and lose power only then.

    Whatever the restart shows must be durable by then: what the dead process wrote and never
    synced is still in the page cache, and a recovery that builds on it builds on sand.
    Returns False when the workload makes fewer calls.
    """
    fs = make_fs()
    run = Run(workload, fs)
    fs.power_off_before(call)
    try:
        run.run()
    except PowerLoss:
        fs.kill_processes()
    else:
        return False
    engine = _opened(fs, workload)
    found = dict(engine.scan(b"", b""))
    if found not in run.ledger.states[run.ledger.acknowledged :]:
        raise BrokenPromise(f"killed before call {call}: {run.ledger.describe(found)}")
    engine.write(WriteBatch().put(b"probe", b"1"))
    engine.flush()
    for kind in IMAGES:
        after = dict(_opened(fs.after_crash(kind.mode, kind.seed), workload).scan(b"", b""))
        if after != {**found, b"probe": b"1"}:
            raise BrokenPromise(
                f"killed before call {call}, opened, written to, then lost power ({kind}): that is lost"
                f"\nworkload: {workload}"
            )
    return True


def check_image(image: MemFileSystem, ledger: Ledger, workload: Workload) -> None:
    """Open the engine on what a crash left, and hold it to its promises.

    It opens without help; it holds everything acknowledged (or, in modes interval and none, some
    prefix with all that was durable), every batch whole or not at all; what it recovered is
    durable and is recovered again just so; no file is left over; it takes writes.
    """
    engine = _opened(image, workload)
    found = dict(engine.scan(b"", b""))
    if not ledger.explains(found, loses_acknowledged=workload.loses_acknowledged):
        raise BrokenPromise(ledger.describe(found))
    if any(engine.get(key) != found.get(key) for key in ledger.states[-1]):
        raise BrokenPromise("get and scan disagree")
    if workload.keeps_history:
        _require_history(engine, ledger, found)
    _require_no_leftovers(image)
    second = _opened(image.after_crash("strict"), workload)
    if dict(second.scan(b"", b"")) != found:
        raise BrokenPromise("a second recovery finds something else than the first")
    _require_usable(second)
    second.close()


def _opened(fs: MemFileSystem, workload: Workload) -> Engine:
    try:
        return Engine.open(DIRECTORY, sim_env(fs, seed=fs.calls + 1), workload.options())
    except KvdbError as error:
        raise BrokenPromise(f"does not open: {type(error).__name__}: {error}") from error


def _require_history(engine: Engine, ledger: Ledger, found: State) -> None:
    """A few moments of the past, all that a sweep has time for, read as they were."""
    # The seqno of an ingest may be taken though nothing was ingested.
    kept = max(
        number
        for number, (state, seqno) in enumerate(zip(ledger.states, ledger.seqnos, strict=True))
        if state == found and seqno <= engine.last_seqno
    )
    for number in {kept, kept - 1, kept // 2, kept // 5} - {-1}:
        with engine.snapshot_at(seqno=ledger.seqnos[number]) as snapshot:
            if dict(engine.scan(b"", b"", at=snapshot)) != ledger.states[number]:
                raise BrokenPromise(f"the past is not what it was: write {number} of {kept}")


def _require_no_leftovers(fs: MemFileSystem) -> None:
    """An open database has one log and one manifest, and no half-made file."""
    names = fs.list_dir(DIRECTORY)
    for pattern in ("*.log", "MANIFEST-*"):
        if sum(fnmatchcase(name, pattern) for name in names) != 1:
            raise BrokenPromise(f"leftover files: {names}")
    if any(name.endswith(".tmp") for name in names):
        raise BrokenPromise(f"temporary files left over: {names}")


def _require_usable(engine: Engine) -> None:
    engine.write(WriteBatch().put(b"probe", b"1"))
    if engine.get(b"probe") != b"1":
        raise BrokenPromise("does not keep a write after recovery")
    engine.write(WriteBatch().delete(b"probe"))


class _LyingFile:
    """A file whose syncs do nothing."""

    def __init__(self, file: File) -> None:
        self._file = file
        self.name = file.name
        self.append, self.read_at, self.size = file.append, file.read_at, file.size
        self.truncate, self.close = file.truncate, file.close

    def sync_data(self) -> None: ...

    def sync(self) -> None: ...


class LyingFileSystem(MemFileSystem):
    """Planted bugs: files matching ``unsynced`` are never synced; with ``forgets_names`` no name is."""

    def __init__(self, unsynced: str = "", *, forgets_names: bool = False) -> None:
        super().__init__()
        self._unsynced = unsynced
        self._forgets_names = forgets_names

    def create(self, path: str) -> File:
        file = super().create(path)
        return _LyingFile(file) if fnmatchcase(path, self._unsynced) else file

    def sync_dir(self, path: str) -> None:
        if not self._forgets_names:
            super().sync_dir(path)


def sweep_until(images: int, seed: int, sync: SyncMode | None = None, **settings: int) -> Report:
    """Sweep workload after workload, all sync modes in turn or one, until ``images`` were checked,
    those of crashed recoveries too."""
    report = Report()
    modes: tuple[SyncMode, ...] = (sync,) if sync else get_args(SyncMode)
    while report.images + report.nested < images:
        workload = Workload(seed, modes[seed % len(modes)])
        report += Sweep(workload, **settings).run()  # type: ignore[arg-type]  # nested_* only
        seed += 1
    return report


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.support.crash", description=__doc__)
    parser.add_argument(
        "--images",
        type=int,
        default=20_000,
        help="how many disks to check at least, those of crashed recoveries too",
    )
    parser.add_argument("--seed", type=int, default=1, help="of the first workload")
    parser.add_argument("--sync", choices=get_args(SyncMode), help="default: each in turn")
    parser.add_argument("--steps", type=int, default=Workload.steps)
    parser.add_argument("--call", type=int, help="replay: the file call before which power was lost")
    parser.add_argument("--image", default="strict:0", help="replay: mode:seed")
    chosen = parser.parse_args(arguments)
    logging.getLogger("kvdb").setLevel(logging.CRITICAL)
    try:
        if chosen.call is None:
            report = sweep_until(chosen.images, chosen.seed, chosen.sync, nested_every=50, nested_depth=2)
        else:
            mode, _, seed = chosen.image.partition(":")
            workload = Workload(chosen.seed, chosen.sync or "commit", chosen.steps)
            kind = ImageKind(mode, int(seed))
            report = Sweep(workload, only=(chosen.call, kind)).run()
    except BrokenPromise as broken:
        print(broken, file=sys.stderr)
        return 1
    print(f"{report.images} images at {report.calls} calls, {report.nested} of crashed recoveries: all kept")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
