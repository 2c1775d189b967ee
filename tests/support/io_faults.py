"""A workload on a disk that refuses calls: what the engine says, keeps, and lets go of.

DiskError, DiskFull, ServiceUnavailable
                                the write did not happen, now or later
ReadOnlyDegraded                a write that was under way may have happened, later ones did not
anything but a KvdbError        a mistake of ours
"""

from __future__ import annotations

from collections.abc import Callable

from kvdb.errors import DiskError, DiskFull, KvdbError, ReadOnlyDegraded, ServiceUnavailable
from kvdb.lsm.engine import Engine
from kvdb.testing import Fault, FaultyFileSystem, InlineJobs, ManualClock, MemFileSystem, sim_env
from tests.support.crash import DIRECTORY, State, Workload


class FaultRun:
    """One workload with one fault. ``run`` raises AssertionError where a promise is broken."""

    def __init__(self, workload: Workload, fault: Fault) -> None:
        self.disk = MemFileSystem()
        self.fs = FaultyFileSystem(self.disk)
        self.errors: list[tuple[type[KvdbError], str]] = []
        """What the engine raised. Not the errors themselves: their tracebacks hold files open."""
        self._workload = workload
        self._fault = fault
        self._writes = workload.writes()
        self._ingests = workload.ingests()
        self._state: State = {}
        self._perhaps: State | None = None
        """What else may be found at the next open, when a write's outcome is unknown."""
        self._engine: Engine | None = None

    @property
    def was_hit(self) -> bool:
        return any(call.failed for call in self.fs.calls)

    def run(self) -> None:
        self.fs.fail(self._fault)
        self._try(self._open)
        for action in self._workload.actions():
            self._mend_if_refused()
            self._try(getattr(self, f"_{action}"))
        self._mend_if_refused()
        self.fs.heal()
        self._check_reads()
        self._try(self._close)
        self.require_no_second_sync()
        for disk in (self.disk.after_crash("strict"), self.disk.after_crash("all")):
            engine = Engine.open(DIRECTORY, sim_env(disk, seed=99), self._workload.options())
            self._require_explained(dict(engine.scan(b"", b"")))
            engine.close()

    def require_no_second_sync(self) -> None:
        """After a failed sync the page cache may lie: that file is never synced again."""
        failed: set[str] = set()
        for call in self.fs.calls:
            if call.operation == "create":
                failed.discard(call.path)
            elif call.operation in ("sync", "sync_data"):
                assert call.path not in failed, f"synced again: {call.path}"
                if call.failed:
                    failed.add(call.path)

    def _mend_if_refused(self) -> None:
        """When an open was refused: on a mended disk it must succeed."""
        if self._engine is None:
            self.fs.heal()
            self._try(self._open)
            assert self._engine is not None, f"does not open on a mended disk: {self.errors[-1]}"

    def _try(self, action: Callable[[], None]) -> None:
        try:
            action()
        except KvdbError as error:
            self.errors.append((type(error), str(error)))
        if self._engine is None:
            self._require_nothing_held()
        assert self._engine is None or self._jobs_runner().errors == []

    def _open(self) -> None:
        self._env = sim_env(self.fs, seed=len(self.fs.calls))
        self._engine = Engine.open(DIRECTORY, self._env, self._workload.options())
        found = dict(self._engine.scan(b"", b""))
        self._require_explained(found)
        self._state, self._perhaps = found, None

    def _close(self) -> None:
        engine, self._engine = self._engine, None
        assert engine is not None
        engine.close()

    def _reopen(self) -> None:
        self._close()
        self._require_nothing_held()
        self._open()

    def _kill(self) -> None:
        self._reopen()

    def _write(self) -> None:
        write = next(self._writes)
        assert self._engine is not None
        after = write.applied_to(self._state, self._engine.last_seqno)
        was_degraded = any(cls is ReadOnlyDegraded for cls, _ in self.errors)
        try:
            self._engine.write(write.batch())
        except (DiskError, DiskFull, ServiceUnavailable):
            raise
        except ReadOnlyDegraded:
            if not was_degraded:
                self._perhaps = after
            raise
        self._state = after

    def _ingest(self) -> None:
        write = next(self._ingests)
        assert self._engine is not None
        was_degraded = any(cls is ReadOnlyDegraded for cls, _ in self.errors)
        after = write.applied_to(self._state, self._engine.last_seqno)
        try:
            self._engine.ingest((key, value) for key, value, _ in write.changes if value is not None)
        except ReadOnlyDegraded:
            # Whether a manifest record that could not be synced is there, only the next open knows.
            if not was_degraded:
                self._perhaps = after
            raise
        self._state = after

    def _burst(self) -> None:
        self._write()

    def _jobs(self) -> None:
        self._jobs_runner().run_until_idle()

    def _tick(self) -> None:
        assert isinstance(self._env.clock, ManualClock)
        self._env.clock.advance_ms(1_000)
        self._jobs()

    def _flush(self) -> None:
        assert self._engine is not None
        self._engine.flush()

    def _compact(self) -> None:
        assert self._engine is not None
        self._engine.compact()

    def _check_reads(self) -> None:
        """Whatever has failed before, reads of what is durable go on."""
        if self._engine is not None:
            assert dict(self._engine.scan(b"", b"")) == self._state

    def _jobs_runner(self) -> InlineJobs:
        assert isinstance(self._env.jobs, InlineJobs)
        return self._env.jobs

    def _require_explained(self, found: State) -> None:
        assert found == self._state or found == self._perhaps, "what was acknowledged is not what is found"

    def _require_nothing_held(self) -> None:
        held = (self.fs.open_files, self.fs.held_locks)
        assert held == (0, 0), f"left open: {held[0]} files, {held[1]} locks"
