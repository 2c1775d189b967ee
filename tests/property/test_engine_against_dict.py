"""Whatever the order of writes, flushes, compactions, reopenings and crashes, the engine equals a dict.

``EngineAgainstHistory`` does the same with history kept: it equals the dict that was, at every
seqno and every second of the window.
"""

from __future__ import annotations

import dataclasses

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from kvdb.errors import ReadPointExpired
from kvdb.lsm.engine import Engine, Snapshot, WriteBatch
from kvdb.options import EngineOptions
from kvdb.testing import InlineJobs, ManualClock, MemFileSystem, sim_env
from kvdb.testing.manual_clock import START_WALL_MS

KEYS = st.binary(min_size=1, max_size=3) | st.sampled_from([b"a", b"ab", b"abc", b"b", b"\x00", b"\xff\xff"])
VALUES = st.binary(max_size=40) | st.just(bytes(80))
CHOICE = st.integers(0, 1_000)
SMALL = EngineOptions(
    memtable_size_bytes=4_000,
    block_size_bytes=64,
    sstable_size_bytes=500,
    level0_tables_max=2,
    level0_tables_stall=4,
    base_level_bytes=8_000,
    frozen_memtables_max=1,
    block_cache_bytes=300,
    open_sstables_max=2,
)
Content = dict[bytes, bytes]
Change = tuple[bytes, bytes, bytes | None]
"""Start and end of the keys that an operation changes, and what they become."""


class EngineAgainstDict(RuleBasedStateMachine):
    snapshots = Bundle("snapshots")
    options = SMALL

    def __init__(self) -> None:
        super().__init__()
        self.fs = MemFileSystem()
        self.model: Content = {}
        self.now_ms = START_WALL_MS
        self.opened = 0
        self.seqno = 0
        self.open()

    def open(self) -> None:
        self.opened += 1
        self.env = sim_env(self.fs, seed=self.opened)
        assert isinstance(self.env.clock, ManualClock)
        self.env.clock.set_wall_ms(self.now_ms)
        self.engine = Engine.open("db", self.env, self.options)
        self.views: list[tuple[Snapshot, Content]] = []

    def write(self, batch: WriteBatch, *changes: Change) -> None:
        self.seqno += len(changes)
        assert self.engine.write(batch) == self.seqno
        for start, end, value in changes:
            for key in [key for key in self.model if start <= key < end]:
                del self.model[key]
            if value is not None:
                self.model[start] = value

    @rule(key=KEYS, value=VALUES)
    def put(self, key: bytes, value: bytes) -> None:
        self.write(WriteBatch().put(key, value), (key, key + b"\0", value))

    @rule(key=KEYS)
    def delete(self, key: bytes) -> None:
        self.write(WriteBatch().delete(key), (key, key + b"\0", None))

    @rule(start=KEYS, end=KEYS)
    def delete_range(self, start: bytes, end: bytes) -> None:
        if start < end:
            self.write(WriteBatch().delete_range(start, end), (start, end, None))

    @rule(prefix=KEYS, suffix=KEYS, value=VALUES, is_second=st.booleans())
    def put_stamped(self, prefix: bytes, suffix: bytes, value: bytes, is_second: bool) -> None:
        batch = WriteBatch()
        changes: list[Change] = []
        if is_second:
            batch.put(prefix, b"first")
            changes.append((prefix, prefix + b"\0", b"first"))
        batch.put_stamped(prefix, suffix, value)
        key = prefix + (self.seqno + len(batch)).to_bytes(8, "big") + suffix
        self.write(batch, *changes, (key, key + b"\0", value))

    @rule(prefix=KEYS, key=KEYS, value=st.none() | VALUES, at=st.integers(0, 4), is_alone=st.booleans())
    def echo(self, prefix: bytes, key: bytes, value: bytes | None, at: int, is_alone: bool) -> None:
        batch = WriteBatch()
        _ = batch.delete(key) if value is None else batch.put(key, value)
        batch.echo(prefix, at)
        echoed = prefix + (self.seqno + 2).to_bytes(8, "big") + key[at:]
        changes: list[Change] = [(key, key + b"\0", value), (echoed, echoed + b"\0", b"")]
        if not is_alone:
            batch.delete(b"other")
            changes.append((b"other", b"other\0", None))
        self.write(batch, *changes)

    @rule(operations=st.lists(st.tuples(KEYS, st.none() | VALUES), max_size=20))
    def batch(self, operations: list[tuple[bytes, bytes | None]]) -> None:
        batch = WriteBatch()
        for key, value in operations:
            _ = batch.delete(key) if value is None else batch.put(key, value)
        self.write(batch, *((key, key + b"\0", value) for key, value in operations))

    @rule(key=KEYS)
    def get(self, key: bytes) -> None:
        assert self.engine.get(key) == self.model.get(key)

    @rule(start=KEYS | st.just(b""), end=KEYS | st.just(b""), reverse=st.booleans())
    def scan(self, start: bytes, end: bytes, reverse: bool) -> None:
        expected = sorted(
            ((key, value) for key, value in self.model.items() if key >= start and (not end or key < end)),
            reverse=reverse,
        )
        assert list(self.engine.scan(start, end, reverse=reverse)) == expected

    @rule(target=snapshots)
    def snapshot(self) -> tuple[Snapshot, Content] | object:
        if len(self.views) >= 5:
            return multiple()
        view = (self.engine.snapshot(), dict(self.model))
        self.views.append(view)
        return view

    @rule(view=snapshots, key=KEYS, reverse=st.booleans())
    def read_snapshot(self, view: tuple[Snapshot, Content], key: bytes, reverse: bool) -> None:
        if view in self.views:
            snapshot, model = view
            assert self.engine.get(key, at=snapshot) == model.get(key)
            assert dict(self.engine.scan(b"", b"", at=snapshot, reverse=reverse)) == model

    @rule(view=consumes(snapshots))
    def release(self, view: tuple[Snapshot, Content]) -> None:
        if view in self.views:
            self.views.remove(view)
            view[0].release()

    @rule()
    def flush(self) -> None:
        self.engine.flush()

    @rule()
    def compact(self) -> None:
        self.engine.compact()

    @rule()
    def background(self) -> None:
        assert isinstance(self.env.jobs, InlineJobs)
        self.env.jobs.run_until_idle()

    @rule()
    def reopen(self) -> None:
        self.engine.close()
        self.open()

    @rule(mode=st.sampled_from(["strict", "all", "prefix", "random"]), seed=st.integers(0, 1000))
    def crash(self, mode: str, seed: int) -> None:
        self.fs = self.fs.after_crash(mode, seed)  # type: ignore[arg-type]
        self.open()

    @invariant()
    def same_content(self) -> None:
        assert dict(self.engine.scan(b"", b"")) == self.model
        assert self.engine.last_seqno == self.seqno

    def teardown(self) -> None:
        self.engine.close()
        assert self.fs.held_locks == 0


@dataclasses.dataclass
class Moment:
    """The content after a write, and what the write changed, with the seqno of each change."""

    seqno: int
    wall_ms: int
    content: Content
    changes: list[tuple[int, Change]]


class EngineAgainstHistory(EngineAgainstDict):
    options = dataclasses.replace(SMALL, history_retention_ms=20_000)

    def __init__(self) -> None:
        super().__init__()
        self.moments = [Moment(0, 0, {}, [])]

    def write(self, batch: WriteBatch, *changes: Change) -> None:
        before = self.seqno
        super().write(batch, *changes)
        numbered = list(enumerate(changes, before + 1))
        if changes:
            self.moments.append(Moment(self.seqno, self.now_ms, dict(self.model), numbered))

    def last_by(self, wall_ms: int) -> Moment:
        """The last moment of the second of ``wall_ms``, or before."""
        return [moment for moment in self.moments if moment.wall_ms // 1000 <= wall_ms // 1000][-1]

    @property
    def oldest(self) -> Moment:
        return self.last_by(self.now_ms - self.options.history_retention_ms)

    @rule(elapsed_ms=st.sampled_from([1, 300, 1_000, 7_000, 25_000]))
    def wait(self, elapsed_ms: int) -> None:
        self.now_ms += elapsed_ms
        assert isinstance(self.env.clock, ManualClock)
        self.env.clock.advance_ms(elapsed_ms)

    @rule(choice=CHOICE, reverse=st.booleans())
    def read_at_a_seqno(self, choice: int, reverse: bool) -> None:
        moment = self.moments[choice % len(self.moments)]
        if moment.seqno < self.oldest.seqno:
            if all(snapshot.seqno != moment.seqno for snapshot, _ in self.views):
                self.expect_expired(moment)
            return
        with self.engine.snapshot_at(seqno=moment.seqno) as snapshot:
            assert dict(self.engine.scan(b"", b"", at=snapshot, reverse=reverse)) == moment.content
            for key in self.model:
                assert self.engine.get(key, at=snapshot) == moment.content.get(key)

    def expect_expired(self, moment: Moment) -> None:
        try:
            self.engine.snapshot_at(seqno=moment.seqno)
        except ReadPointExpired:
            return
        raise AssertionError(f"history before {self.oldest.seqno} is promised to nobody")

    @rule(age_ms=st.integers(0, 20_000))
    def read_at_a_time(self, age_ms: int) -> None:
        moment = self.last_by(self.now_ms - age_ms)
        with self.engine.snapshot_at(wall_ms=self.now_ms - age_ms) as snapshot:
            assert dict(self.engine.scan(b"", b"", at=snapshot)) == moment.content

    @rule(choice=CHOICE)
    def when_it_was_written(self, choice: int) -> None:
        moment = self.moments[choice % len(self.moments)]
        if moment.seqno:
            assert self.engine.wall_ms_of(moment.seqno) == moment.wall_ms // 1000 * 1000

    @rule(choice=CHOICE, start=KEYS, end=KEYS | st.just(b""))
    def changed_since(self, choice: int, start: bytes, end: bytes) -> None:
        seqno = self.moments[choice % len(self.moments)].seqno
        changed = any(
            number > seqno and (not end or first < end) and start < last
            for moment in self.moments
            for number, (first, last, _) in moment.changes
        )
        if end and start >= end:
            return
        found = self.engine.changed_since(start, end, seqno)
        # Before the kept history it may say more than it knows, never less.
        assert found == changed or (found and seqno < self.oldest.seqno)

    @rule(choice=CHOICE, key=KEYS | st.none())
    def versions(self, choice: int, key: bytes | None) -> None:
        before = self.moments[choice % len(self.moments)].seqno + 1
        if key is None:
            key = min(self.model, default=b"a")
        written = [
            (number, value)
            for moment in self.moments
            for number, (first, last, value) in moment.changes
            if first <= key < last
        ][::-1]
        oldest = self.oldest.seqno
        older = [number for number, _ in written if number < before and number <= oldest][:1]
        expected = [each for each in written if each[0] < before and (each[0] > oldest or each[0] in older)]
        found = list(self.engine.versions(key, before_seqno=before))
        # The delete in force when history begins leaves no trace once it is compacted away.
        is_gone = bool(expected) and expected[-1][1] is None and expected[-1][0] <= oldest
        # Nor need anything be left of what was replaced before it begins.
        is_gone |= any(before <= number <= oldest for number, _ in written)
        assert found == expected or (is_gone and found == expected[:-1])
        newest = self.engine.newest_seqno(key)
        assert newest == (written[0][0] if written else None) or (newest is None and written[0][1] is None)


TestEngineAgainstDict = EngineAgainstDict.TestCase
TestEngineAgainstHistory = EngineAgainstHistory.TestCase
TestEngineAgainstDict.settings = TestEngineAgainstHistory.settings = settings(
    max_examples=100, stateful_step_count=60, deadline=None, suppress_health_check=list(HealthCheck)
)
