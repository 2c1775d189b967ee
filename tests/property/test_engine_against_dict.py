"""Whatever the order of writes, flushes, compactions, reopenings and crashes, the engine equals a dict."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from kvdb.lsm.engine import Engine, Snapshot, WriteBatch
from kvdb.options import EngineOptions
from kvdb.testing import MemFileSystem, sim_env

KEYS = st.binary(min_size=1, max_size=3) | st.sampled_from([b"a", b"ab", b"abc", b"b", b"\x00", b"\xff\xff"])
VALUES = st.binary(max_size=40) | st.just(bytes(80))
SMALL = EngineOptions(
    memtable_size_bytes=4_000,
    block_size_bytes=64,
    sstable_size_bytes=500,
    level0_tables_max=2,
    level0_tables_stall=4,
    frozen_memtables_max=1,
    block_cache_bytes=300,
    open_sstables_max=2,
)


class EngineAgainstDict(RuleBasedStateMachine):
    snapshots = Bundle("snapshots")

    def __init__(self) -> None:
        super().__init__()
        self.fs = MemFileSystem()
        self.model: dict[bytes, bytes] = {}
        self.opened = 0
        self.open()

    def open(self) -> None:
        self.opened += 1
        self.env = sim_env(self.fs, seed=self.opened)
        self.engine = Engine.open("db", self.env, SMALL)
        self.views: list[tuple[Snapshot, dict[bytes, bytes]]] = []

    @rule(key=KEYS, value=VALUES)
    def put(self, key: bytes, value: bytes) -> None:
        self.engine.write(WriteBatch().put(key, value))
        self.model[key] = value

    @rule(key=KEYS)
    def delete(self, key: bytes) -> None:
        self.engine.write(WriteBatch().delete(key))
        self.model.pop(key, None)

    @rule(operations=st.lists(st.tuples(KEYS, st.none() | VALUES), max_size=20))
    def batch(self, operations: list[tuple[bytes, bytes | None]]) -> None:
        batch = WriteBatch()
        for key, value in operations:
            if value is None:
                batch.delete(key)
                self.model.pop(key, None)
            else:
                batch.put(key, value)
                self.model[key] = value
        self.engine.write(batch)

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
    def snapshot(self) -> tuple[Snapshot, dict[bytes, bytes]] | object:
        if len(self.views) >= 5:
            return multiple()
        view = (self.engine.snapshot(), dict(self.model))
        self.views.append(view)
        return view

    @rule(view=snapshots, key=KEYS, reverse=st.booleans())
    def read_snapshot(self, view: tuple[Snapshot, dict[bytes, bytes]], key: bytes, reverse: bool) -> None:
        if view in self.views:
            snapshot, model = view
            assert self.engine.get(key, at=snapshot) == model.get(key)
            assert dict(self.engine.scan(b"", b"", at=snapshot, reverse=reverse)) == model

    @rule(view=consumes(snapshots))
    def release(self, view: tuple[Snapshot, dict[bytes, bytes]]) -> None:
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
        self.env.jobs.run_until_idle()

    @rule()
    def reopen(self) -> None:
        self.engine.close()
        self.open()

    @rule(mode=st.sampled_from(["strict", "all", "prefix", "random"]), seed=st.integers(0, 1000))
    def crash(self, mode: str, seed: int) -> None:
        self.fs = self.fs.after_crash(mode, seed)
        self.open()

    @invariant()
    def same_content(self) -> None:
        assert dict(self.engine.scan(b"", b"")) == self.model

    def teardown(self) -> None:
        self.engine.close()
        assert self.fs.held_locks == 0


TestEngineAgainstDict = EngineAgainstDict.TestCase
TestEngineAgainstDict.settings = settings(
    max_examples=150, stateful_step_count=60, deadline=None, suppress_health_check=list(HealthCheck)
)
