"""Group commit: how batches become durable, applied and visible, in one order.

Steps of a group, taken by one leader at a time:

    1. make room: a full memtable is frozen and its log sealed (``Store.make_room``)
    2. ask the guard of the first batch; a refused batch leaves the group
    3. fill the keys of stamped puts; append every batch of the group to the log with one write
    4. modes commit and group, or a batch that asks for it: one sync for all of them
    5. apply them to the memtable
    6. publish the last seqno: from here on reads see them
    7. tell the writers

Because 5 and 6 follow 4, a read in modes commit and group never returns what is not durable. A
batch with a guard begins a group, so that its guard sees all that is before it and nothing after.

The lead is a lock. A thread that gets it at once leads a group of its own batch alone; one that
does not joins the queue and waits. A leader serves one group, then hands the lock, held, to the
first thread that waits, so that no writer works long for others and none waits for ever. Whoever
lets go of it looks at the queue once more, and whoever joins the queue tries the lock once more:
so nothing is left waiting with nobody in the lead. ``submit`` never waits: when nobody leads it
wakes the commit thread (the log's own), which is started at its first use.

Failures. An append that fails is cut off again and its writers are told: nothing happened. A
sync that fails leaves the end of the log unknown: its writers get ReadOnlyDegraded, nothing of
the group is applied, and every later write is refused until the database is opened again. The
log is never synced a second time.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final, Protocol

import msgpack

from kvdb.env.env import Env
from kvdb.env.fork import FORKED, on_fork
from kvdb.env.jobs import Spawned
from kvdb.env.process import EXIT_IO_ERROR
from kvdb.errors import ClosedError, KvdbError, ReadOnlyDegraded, ValidationError, disk_error, is_no_room
from kvdb.lsm.batch import INGEST_MARK, BatchOperations, WriteBatch
from kvdb.lsm.coding import pack
from kvdb.lsm.memtable import RANGES_MAX, Memtable
from kvdb.lsm.timeline import TICK_MS, Timeline
from kvdb.lsm.wal import LogWriter
from kvdb.options import EngineOptions, SyncMode

_log = logging.getLogger("kvdb.lsm.commit")

Done = Callable[[int, BaseException | None], None]
"""``done(last_seqno, error)``: how a submitted batch ended. Must not raise."""

_STRENGTH: Final[dict[SyncMode, int]] = {"none": 0, "interval": 1, "group": 2, "commit": 2}
_GROUP_BATCHES_MAX: Final = 1024
_GROUP_BYTES_MAX: Final = 4 * 1024 * 1024


class Store(Protocol):
    """What a commit needs of the engine that owns it."""

    def admit(self, batch: WriteBatch) -> None:
        """Called before a batch joins the queue.

        Raises:
            KvdbError: there is no room for it on the disk.
        """
        ...

    def make_room(self, commit: Commit, alone: WriteBatch | None) -> None:
        """Called by the leader before a group, once the memtable has ``free_bytes``; may call
        ``commit.rotate``, and sets ``free_bytes``. ``alone`` is the group's one batch when that was
        not in the queue.

        Raises:
            KvdbError: there is no room, and the group must be refused.
        """
        ...

    def free_space(self) -> bool:
        """An append found no room on the disk: make some. False when that cannot be done."""
        ...


class _Pending:
    """A batch on its way, and whom to tell; or a thread that wants the lead for something else."""

    __slots__ = ("batch", "done", "error", "is_done", "is_leader", "seqno", "turn", "wants_lead")

    def __init__(self, batch: WriteBatch, done: Done | None = None, *, wants_lead: bool = False) -> None:
        self.wants_lead = wants_lead
        """There is no batch to serve: its thread does something else in its turn."""
        self.batch = batch
        self.done = done
        self.seqno = 0
        self.error: BaseException | None = None
        self.is_done = False
        self.is_leader = False
        self.turn: threading.Lock | None = None
        """Held while its thread waits: for its result, or for the lead."""


class Commit:
    """The one way into log and memtable."""

    def __init__(
        self,
        env: Env,
        options: EngineOptions,
        store: Store,
        log: LogWriter,
        memtable: Memtable,
        timeline: Timeline,
        *,
        wall_ms: int,
    ) -> None:
        """``wall_ms`` is the newest wall time that is known: that of the log never goes back."""
        self.visible_seqno = log.last_seqno
        """What reads may see: everything up to here is applied."""
        self.free_bytes = 0
        """Below this the memtable takes a write without a question to the store."""
        self._env = env
        self._options = options
        self._store = store
        self.log = log
        self.memtable = memtable
        # The leader's own: making one, with its buffer, costs more than using it.
        self._pack = msgpack.Packer().pack
        self._now_ms = env.hlc.wall_ms
        self._timeline = timeline
        self._wall_ms = wall_ms
        self._tick_due_ms = 0
        """From this wall time on the next commit is noted in the timeline."""
        self._strength = _STRENGTH[options.sync]
        self._is_synced_first = options.sync in ("commit", "group")
        self._group_delay_ms = options.group_delay_ms if options.sync == "group" else 0
        self._queue: deque[_Pending] = deque()
        self._queue_lock = threading.Lock()
        self._lead = threading.Lock()
        """Log and memtable are changed by who holds it."""
        self._failure: KvdbError | None = None
        self._is_closed = False
        self._closed_reason = "the database is closed"
        self._thread: Spawned | None = None
        self._thread_turn = threading.Semaphore(0)
        self._thread_leads = False
        """The lead was handed to the commit thread, which has not begun."""
        self._groups = env.metrics.counter("lsm_commit_groups_total")
        self._batches = env.metrics.counter("lsm_commit_batches_total")
        self._syncs = env.metrics.counter("lsm_log_syncs_total")
        env.metrics.gauge("lsm_is_degraded").read_by(
            lambda: float(isinstance(self._failure, ReadOnlyDegraded))
        )
        on_fork(self)

    @property
    def wall_ms(self) -> int:
        """The wall time of the newest group, or of the newest before the database was opened."""
        return self._wall_ms

    @property
    def failure(self) -> KvdbError | None:
        """Why writes are refused, if they are."""
        return self._failure

    def write(self, batch: WriteBatch) -> int:
        """Commit ``batch`` and return its last seqno once the sync mode's promise holds.

        Raises:
            ValidationError: it asks for a weaker promise than reads rely on.
            DiskError, DiskFull: the log could not be written; nothing happened.
            ReadOnlyDegraded: a sync failed, now or before; the outcome of this batch is
                unknown if it failed now.
            ClosedError: the engine is closed.
            Whatever its guard raised: nothing happened.
        """
        if batch.sync is not None:
            self._require_sound(batch)
        if not self._lead.acquire(False):
            return self._write_in_company(batch)
        try:
            if self._is_closed:
                raise ClosedError(self._closed_reason)
            if self._group_delay_ms:
                return self._wait_for_company(batch)
            return self._commit_alone(batch)
        finally:
            # As ``_end_lead``, spelled out: every write of a writer alone ends here.
            if self._queue:
                self._pass_lead()
            else:
                self._lead.release()
                if self._queue and self._lead.acquire(False):
                    self._pass_lead()

    def submit(self, batch: WriteBatch, done: Done) -> None:
        """Commit ``batch`` without waiting for the disk; ``done`` is called exactly once.

        In modes interval and none, with nobody else writing, that is before this returns.

        Raises:
            ValidationError, ClosedError: as ``write``; ``done`` is not called.
        """
        self._require_sound(batch)
        with self._queue_lock:
            self._require_open()
            self._queue.append(_Pending(batch, done))
        if not self._lead.acquire(False):
            return
        if (self._is_synced_first or self._asks_for_sync(batch)) and self._wake_thread():
            return
        self._lead_until(None)

    def ingest(self, make_way: Callable[[], None], install: Callable[[int], None]) -> int:
        """Between two groups: ``make_way()``, then a mark in the log takes a seqno and is durable with
        all that is before it, then ``install(seqno)``, then reads see that seqno.

        Raises:
            KvdbError: as ``write``, or what the two raise; a seqno may be taken all the same.
        """
        with self.between_groups():
            self._require_open()
            if self._failure is not None:
                raise self._failure
            make_way()
            seqno = self.log.last_seqno + 1
            try:
                self._append([pack(INGEST_MARK)], [1])
                self.seal()
                self.memtable.apply(INGEST_MARK, seqno)
                try:
                    install(seqno)
                finally:
                    self._publish(seqno)
            except (KvdbError, OSError):
                raise
            except BaseException as error:
                raise self._interrupted(error) from error
            return seqno

    def sync(self) -> None:
        """Make durable what was acknowledged before (mode interval's job; closing in every mode)."""
        with self.between_groups():
            if self._failure is None:
                self.seal()

    def seal(self) -> None:
        """Make the log durable to its end. Only by who leads.

        Raises:
            ReadOnlyDegraded: the sync failed.
        """
        if self.log.synced_to < self.log.size:
            self._sync_log()

    def rotate(self, log: LogWriter, memtable: Memtable) -> None:
        """Write to ``log`` and ``memtable`` from now on. Only from within ``Store.make_room``."""
        self.log.close()
        self.log = log
        self.memtable = memtable

    def refuse(self, error: KvdbError) -> None:
        """Raise ``error`` for every write from now on: the database is not open for writing."""
        self._failure = error

    @contextlib.contextmanager
    def between_groups(self) -> Iterator[None]:
        """Lead, and write nothing: log, memtable and what is visible agree, and stay as they are."""
        self._take_lead()
        try:
            yield
        finally:
            self._end_lead()

    def degrade(self, reason: str) -> None:
        """Refuse every later write: something durable is no longer known for sure."""
        if self._failure is None:
            _log.error("writes stop reason=%s", reason)
            if self._options.on_fsync_error == "exit":
                self._env.exit_now(EXIT_IO_ERROR)
            self._failure = ReadOnlyDegraded(f"database is read-only until reopened: {reason}")

    def close(self) -> None:
        """Refuse new writes, finish those under way, sync, end the commit thread."""
        with self._queue_lock:
            if self._is_closed:
                return
            self._is_closed = True
        self._drain()
        if self._thread is not None:
            self._thread_turn.release()
            self._thread.join()
        self.sync()
        self.log.close()

    def forked(self) -> None:
        self._is_closed = True
        self._closed_reason = FORKED
        # Whoever held them at the fork is not in this process.
        self._queue_lock = threading.Lock()
        self._lead = threading.Lock()
        self._queue = deque()

    def _require_open(self) -> None:
        if self._is_closed:
            raise ClosedError(self._closed_reason)

    def _require_sound(self, batch: WriteBatch) -> None:
        if batch.sync is None or not self._is_synced_first:
            return
        if _STRENGTH[batch.sync] < self._strength:
            raise ValidationError(
                f"a write of mode {batch.sync} in a database of mode {self._options.sync}:"
                " its reads never see what is not durable"
            )

    def _asks_for_sync(self, batch: WriteBatch) -> bool:
        return batch.sync is not None and _STRENGTH[batch.sync] > self._strength

    def _write_in_company(self, batch: WriteBatch) -> int:
        """Join the queue, and wait to be served or to lead."""
        if self._failure is None:
            self._store.admit(batch)
        pending = _Pending(batch)
        self._wait(pending)
        if pending.error is not None:
            raise pending.error
        return pending.seqno

    def _wait_for_company(self, batch: WriteBatch) -> int:
        """Lead a group of this batch and of whom the delay of mode group brings."""
        if self._failure is None:
            self._store.admit(batch)
        pending = _Pending(batch)
        with self._queue_lock:
            self._queue.appendleft(pending)
        self._lead_group()
        if pending.error is not None:
            raise pending.error
        return pending.seqno

    def _wait(self, pending: _Pending, *, is_closing: bool = False) -> None:
        """Stand in the queue until ``pending`` is done, by whoever leads, or by leading."""
        pending.turn = threading.Lock()
        pending.turn.acquire()
        with self._queue_lock:
            if not is_closing:
                self._require_open()
            self._queue.append(pending)
        # The leader may have gone before it could see this; then nobody else would.
        if not self._lead.acquire(False):
            pending.turn.acquire()
            if pending.is_done:
                return
        self._lead_until(pending)

    def _take_lead(self) -> None:
        """Wait for the lead, in turn, with nothing to write."""
        if self._lead.acquire(False):
            return
        pending = _Pending(WriteBatch(), wants_lead=True)
        pending.turn = threading.Lock()
        pending.turn.acquire()
        with self._queue_lock:
            self._queue.append(pending)
        if not self._lead.acquire(False):
            pending.turn.acquire()
        with self._queue_lock:
            self._queue.remove(pending)

    def _drain(self) -> None:
        """Wait until everything queued is done, as a writer with nothing to write."""
        with self._queue_lock:
            if not self._queue and self._lead.acquire(False):
                self._lead.release()
                return
        self._wait(_Pending(WriteBatch()), is_closing=True)

    def _wake_thread(self) -> bool:
        """Hand the lead to the commit thread; False when this world has no threads."""
        if self._thread is None:
            self._thread = self._env.jobs.spawn("commit", self._run_thread)
            if self._thread is None:
                return False
        self._thread_leads = True
        self._thread_turn.release()
        return True

    def _run_thread(self) -> None:
        while True:
            self._thread_turn.acquire()
            if not self._thread_leads:
                return
            self._thread_leads = False
            self._lead_until(None)

    def _lead_until(self, own: _Pending | None) -> None:
        """Holding the lead: serve groups until ``own`` is done, or one; then pass it on."""
        try:
            if own is None:
                self._lead_group()
            while own is not None and not own.is_done:
                self._lead_group()
        finally:
            self._end_lead()

    def _end_lead(self) -> None:
        """Pass the lead on, or let go of it when nobody waits."""
        if self._queue:
            self._pass_lead()
            return
        self._lead.release()
        # Who joined the queue before that found the lead taken.
        if self._queue and self._lead.acquire(False):
            self._pass_lead()

    def _pass_lead(self) -> None:
        """Hand the lead to whoever waits first; serve those who cannot take it, then let go."""
        while True:
            with self._queue_lock:
                heir = next((pending for pending in self._queue if pending.turn is not None), None)
                if heir is not None:
                    heir.is_leader = True
            if heir is not None:
                assert heir.turn is not None
                heir.turn.release()
                return
            if not self._queue:
                self._lead.release()
                if not self._queue or not self._lead.acquire(False):
                    return
            elif self._is_synced_first and self._wake_thread():
                return
            else:
                self._lead_group()

    def _lead_group(self) -> None:
        if self._group_delay_ms:
            self._env.clock.sleep_ms(self._group_delay_ms)
        group = self._take_group()
        if group:
            self._serve(group)

    def _serve(self, group: list[_Pending]) -> None:
        """Commit a group and tell its writers."""
        error: BaseException | None = None
        try:
            self._commit_group(group)
        except BaseException as raised:
            error = raised
        for pending in group:
            pending.error = pending.error or error
            pending.is_done = True
            if pending.done is not None:
                pending.done(pending.seqno, pending.error)
            elif pending.turn is not None and not pending.is_leader:
                pending.turn.release()

    def _take_group(self) -> list[_Pending]:
        group: list[_Pending] = []
        others: list[_Pending] = []
        size = 0
        queue = self._queue
        with self._queue_lock:
            while queue and len(group) < _GROUP_BATCHES_MAX:
                if queue[0].wants_lead:
                    others.append(queue.popleft())
                    continue
                if group and queue[0].batch.guard is not None:
                    break
                size += queue[0].batch.size_bytes
                if group and size > _GROUP_BYTES_MAX:
                    break
                group.append(queue.popleft())
            queue.extendleft(reversed(others))
        return group

    def _commit_alone(self, batch: WriteBatch) -> int:
        """``_commit_group`` for a group of one batch, the common case: no lists, no pending."""
        if self._failure is not None:
            raise self._failure
        if self.memtable.size_bytes >= self.free_bytes:
            self._store.make_room(self, batch)
        if batch.guard is not None:
            batch.guard()
        operations = batch.operations
        if not operations:
            return self.visible_seqno
        log = self.log
        seqno = log.last_seqno + 1
        if batch.holes is not None:
            batch.stamp(seqno)
        payload = self._pack(operations)
        count = len(operations) >> 1
        wall_ms = self._now_ms()
        if wall_ms > self._wall_ms:
            self._wall_ms = wall_ms
        try:
            try:
                log.append_one(payload, count, self._wall_ms)
            except OSError as error:
                self._append_again(error, [payload], [count])
            if self._is_synced_first or (batch.sync is not None and self._asks_for_sync(batch)):
                self.seal()
            if count == 1 and type(operations[1]) is not list:
                self.memtable.apply_one(operations[0], operations[1], seqno)
            elif count == 2 and type(operations[3]) is int and type(operations[1]) is bytes:
                self.memtable.apply_echoed(operations, seqno)
            else:
                self._apply_to_memtable(operations, seqno)
            seqno += count - 1
            if self._wall_ms >= self._tick_due_ms:
                self._note_tick()
            self.visible_seqno = seqno
        except KvdbError:
            raise
        except BaseException as error:
            raise self._interrupted(error) from error
        self._groups.value += 1
        self._batches.value += 1
        return seqno

    def _commit_group(self, group: list[_Pending]) -> None:
        if self._failure is not None:
            raise self._failure
        if self.memtable.size_bytes >= self.free_bytes:
            self._store.make_room(self, None)
        if not self._is_admitted(group[0]):
            group = group[1:]
        batches = [pending.batch for pending in group if pending.batch.operations]
        seqno = self.log.last_seqno + 1
        for batch in batches:
            if batch.holes is not None:
                batch.stamp(seqno)
            seqno += len(batch)
        encoded = [batch.encoded() for batch in batches]
        try:
            if batches:
                self._append(encoded, [len(batch) for batch in batches])
            if self._is_synced_first or any(self._asks_for_sync(batch) for batch in batches):
                self.seal()
            self._apply(group)
        except KvdbError:
            raise
        except BaseException as error:
            raise self._interrupted(error) from error
        self._groups.value += 1
        self._batches.value += len(group)

    def _interrupted(self, error: BaseException) -> BaseException:
        """Half way through (Ctrl-C, no memory) log and memtable may differ."""
        self.degrade(f"commit was interrupted: {type(error).__name__}")
        return error

    def _is_admitted(self, pending: _Pending) -> bool:
        """Whether the guard of a batch lets it pass; what it raises is the batch's own error."""
        if pending.batch.guard is None:
            return True
        try:
            pending.batch.guard()
        except BaseException as error:
            pending.error = error
            return False
        return True

    def _tick(self) -> int:
        """The wall time of a group. That of the log never goes back."""
        wall_ms = self._now_ms()
        if wall_ms > self._wall_ms:
            self._wall_ms = wall_ms
        return self._wall_ms

    def _append(self, batches: list[bytes], counts: list[int]) -> None:
        try:
            self.log.append(batches, counts, wall_ms=self._tick())
        except OSError as error:
            self._append_again(error, batches, counts)

    def _append_again(self, error: OSError, batches: list[bytes], counts: list[int]) -> None:
        """After a failed append: undo it, and try once more if it failed for want of room and there
        is some now. Nothing of the group is in the log: this is no second try of a failed sync.

        Raises:
            DiskError, DiskFull: nothing was written.
            ReadOnlyDegraded: the log could not be cut off where it was good.
        """
        self._drop_tail(error)
        if not is_no_room(error) or not self._store.free_space():
            raise disk_error(error, "the log") from error
        try:
            self.log.append(batches, counts, wall_ms=self._wall_ms)
        except OSError as second:
            self._drop_tail(second)
            raise disk_error(second, "the log") from second

    def _drop_tail(self, error: OSError) -> None:
        try:
            self.log.drop_tail()
        except OSError as second:
            self.degrade(f"log append failed and could not be undone: {error}; {second}")
            assert self._failure is not None
            raise self._failure from error

    def _apply(self, group: list[_Pending]) -> None:
        seqno = self.visible_seqno + 1
        for pending in group:
            operations = pending.batch.operations
            if operations:
                self._apply_to_memtable(operations, seqno)
                seqno += len(operations) >> 1
            pending.seqno = seqno - 1
        assert seqno == self.log.last_seqno + 1
        self._publish(seqno - 1)

    def _publish(self, last_seqno: int) -> None:
        """From here on reads see everything up to ``last_seqno``."""
        if self._wall_ms >= self._tick_due_ms and last_seqno > self.visible_seqno:
            self._note_tick()
        self.visible_seqno = last_seqno

    def _note_tick(self) -> None:
        """The next seqno to become visible is the first of its second."""
        self._tick_due_ms = (self._wall_ms // TICK_MS + 1) * TICK_MS
        self._timeline.note(self.visible_seqno + 1, self._wall_ms)

    def _apply_to_memtable(self, operations: BatchOperations, seqno: int) -> None:
        memtable = self.memtable
        memtable.apply(operations, seqno)
        if memtable.range_count >= RANGES_MAX:
            self.free_bytes = 0

    def _sync_log(self) -> None:
        try:
            self.log.sync()
            self._syncs.add()
        except OSError as error:
            self.degrade(f"log sync failed: {error}")
            assert self._failure is not None
            raise self._failure from error
