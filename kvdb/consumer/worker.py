"""A worker: takes its share of a stream's shards, hands their records to a handler, gives them back.

    worker = Worker(db, table="orders", handler=handler, options=WorkerOptions(batch_size=500))
    worker.run()                # until ``stop`` is asked for from a signal handler or another thread

Workers of one application, in any number of processes, know one another through the table of leases
alone. Every ``failover_ms / 3`` each one

 1. renews what it holds, and lets go of what it lost or was asked for;
 2. reads all leases, and notes by its own monotonic clock since when each counter has stood still;
 3. now and then, or when a shard has ended, makes leases for new shards;
 4. takes, or asks for, what its share lacks (``balance``).

What holds whatever happens:

- Every change is handled at least once; changes of one item in order; a shard only after its parents.
- What is passed by was given up by the options, and is logged, counted and sent to ``on_failure``.
- A worker that was thought dead cannot move a checkpoint any more. What its handler does beside
  ``context.transaction`` nobody can stop, so it may happen twice; with ``exactly_once`` the
  checkpoint and the transaction are one commit, and that happens once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from kvdb.client.sync import Client
from kvdb.consumer.balance import choose
from kvdb.consumer.batch_call import Caller
from kvdb.consumer.destination import open_destination
from kvdb.consumer.held import HeldLease
from kvdb.consumer.invocation import Handler
from kvdb.consumer.lane import Lane
from kvdb.consumer.lease import Lease, LeaseTable, Origin
from kvdb.consumer.options import WorkerOptions
from kvdb.consumer.pool import TaskPool
from kvdb.consumer.shard_sync import begin, is_ready, synchronise
from kvdb.consumer.shard_work import NS_PER_MS, ShardWork, Wiring
from kvdb.env.env import Env
from kvdb.env.jobs import JobHandle
from kvdb.errors import InternalError, KvdbError, RetryableError, ValidationError
from kvdb.stream.patterns import compile_patterns

_log = logging.getLogger("kvdb.consumer")

_WATCH_MS = 100
"""How often ``run`` looks whether it should stop: a signal handler can only set a flag."""


class Worker:
    """One worker. ``client`` stays the caller's to close, after the worker has stopped.

    ``worker_id`` names it in leases and logs; no two that live at once may have the same.
    """

    def __init__(
        self,
        client: Client,
        *,
        table: str,
        handler: Handler,
        options: WorkerOptions | None = None,
        worker_id: str | None = None,
        env: Env | None = None,
    ) -> None:
        if not callable(handler):
            raise ValidationError(f"a handler must be a function of event and context, not {handler!r}")
        self.options = options = options or WorkerOptions()
        self._has_own_env = env is None
        self.env = env = env or Env.system()
        self.worker_id = worker_id or env.entropy.uuid()
        self._client = client
        self._table = table
        self._handler = handler
        self._leases = LeaseTable(client, options.lease_table_of(table))
        self._is_stopping = False
        self._error: KvdbError | None = None
        self._coordinator: Coordinator | None = None
        self._pool: TaskPool | None = None
        self._handle: JobHandle | None = None

    @property
    def error(self) -> KvdbError | None:
        """What ended the worker, if something did."""
        return self._error

    @property
    def held(self) -> list[str]:
        """The keys of the leases it works on."""
        return [] if self._coordinator is None else self._coordinator.held_keys

    def run(self) -> None:
        """Work until ``stop`` is asked for or something fails that cannot pass.

        Raises:
            KvdbError: what failed; leases are given back first, if that can be done.
        """
        self.start()
        self.wait()

    def wait(self) -> None:
        """What ``run`` does after ``start``."""
        try:
            while not self._is_stopping and self._error is None:
                self.env.clock.sleep_ms(_WATCH_MS)
        finally:
            self.stop()
        if self._error is not None:
            raise self._error

    def start(self) -> None:
        """Begin, in threads of its own.

        Raises:
            ValidationError: the table has no stream, or an option does not fit what is there.
        """
        if self._coordinator is not None:
            raise ValidationError("a worker starts once: make another one")
        env, options = self.env, self.options
        self._leases.ensure()
        origin = begin(self._client, self._leases, self._table, options.starting_position)
        caller = Caller(
            self._handler,
            options,
            self._client,
            self._leases,
            env,
            worker_id=self.worker_id,
            destination=open_destination(options, self._client, env),
        )
        self._pool = TaskPool(env.jobs, env.clock, options.threads_max)
        self._coordinator = Coordinator(self, self._client, self._leases, origin, caller, self._pool)
        self._handle = env.jobs.add(self._coordinator)
        self._coordinator.wake = self._handle.wake
        self._handle.wake()
        _log.info(
            "worker starts worker=%s table=%s leases=%s", self.worker_id, self._table, self._leases.name
        )

    def ask_to_stop(self) -> None:
        """Begin no more batches; ``run`` ends soon. May be called by a signal handler."""
        self._is_stopping = True

    def stop(self) -> None:
        """Let running batches end, write down how far they came, give the leases back. Twice is fine."""
        self._is_stopping = True
        if self._handle is None or self._pool is None or self._coordinator is None:
            return
        handle, self._handle = self._handle, None
        # The heart goes on beating until the last batch has ended.
        self._pool.stop()
        handle.stop()
        self._coordinator.give_all_back()
        if self._has_own_env:
            self.env.jobs.close()
        _log.info("worker stopped worker=%s", self.worker_id)

    @property
    def is_stopping(self) -> bool:
        return self._is_stopping or self._error is not None

    def fail(self, error: KvdbError) -> None:
        """Something failed that cannot pass: no more batches, and ``run`` raises it."""
        if self._error is None:
            self._error = error
            _log.error("worker fails worker=%s error=%s: %s", self.worker_id, error.code, error)


class Coordinator:
    """The job that looks after leases."""

    def __init__(
        self,
        worker: Worker,
        client: Client,
        leases: LeaseTable,
        origin: Origin,
        caller: Caller,
        pool: TaskPool,
    ) -> None:
        self._worker = worker
        self._client = client
        self._leases = leases
        self._origin = origin
        self._caller = caller
        self._pool = pool
        self._clock = worker.env.clock
        self._shards: dict[str, ShardWork] = {}
        self._seen: dict[str, tuple[int, int]] = {}
        """Lease key -> its counter, and since when it has stood there."""
        self._next_sync_ns = 0
        self.wake: Callable[[], None] = lambda: None
        """Asks for a step before the next heartbeat: a shard has come to rest."""
        self._turns = worker.env.entropy
        metrics = worker.env.metrics
        patterns = worker.options.filter_patterns
        self._wiring = Wiring(
            client=client,
            clock=self._clock,
            options=worker.options,
            matches=compile_patterns(patterns) if patterns else None,
            records_read=metrics.counter("worker_records_read_total"),
            records_filtered=metrics.counter("worker_records_filtered_total"),
            gaps=metrics.counter("worker_gaps_total"),
        )
        metrics.gauge("worker_leases_held").read_by(lambda: len(self._shards))
        metrics.gauge("worker_records_waiting").read_by(
            lambda: sum(shard.waiting for shard in list(self._shards.values()))
        )
        metrics.gauge("worker_behind_ms").read_by(self._behind_ms)
        self._taken = metrics.counter("worker_leases_taken_total")
        self._lost = metrics.counter("worker_leases_lost_total")

    @property
    def name(self) -> str:
        return "worker-leases"

    @property
    def held_keys(self) -> list[str]:
        return sorted(self._shards)

    def step(self, now_ms: int) -> int | None:
        options = self._worker.options
        try:
            self._look_after_leases()
        except RetryableError as error:
            _log.warning("leases wait worker=%s error=%s", self._worker.worker_id, error)
        except KvdbError as error:
            self._worker.fail(error)
            return None
        except Exception as error:  # a mistake of ours: it must end the worker, not a thread of it
            _log.exception("coordinator ended worker=%s", self._worker.worker_id)
            self._worker.fail(InternalError(f"the coordinator ended: {type(error).__name__}: {error}"))
            return None
        return options.heartbeat_ms

    def give_all_back(self) -> None:
        """Release everything, as far as that can be done. Lanes must be at rest."""
        for shard in self._shards.values():
            try:
                shard.held.release()
            except KvdbError as error:
                # It expires by itself.
                _log.warning("lease not given back lease=%s error=%s", shard.held.lease.key, error)
        self._shards.clear()

    def _look_after_leases(self) -> None:
        for shard in self._shards.values():
            shard.held.renew()
        if self._worker.is_stopping:
            return
        has_ended = self._let_go()
        leases = self._all_leases(is_due=has_ended)
        silent = self._silent(leases)
        for lease in leases.values():
            is_mine = lease.owner == self._worker.worker_id and lease.key not in self._shards
            if is_mine and not lease.progress.is_finished and is_ready(lease, leases):
                self._adopt(lease)
        choice = choose(leases, self._worker.worker_id, silent, self._turn())
        for lease in choice.take:
            taken = self._leases.take(lease, self._worker.worker_id)
            if taken is not None:
                self._work_on(taken)
        if choice.ask_for is not None:
            self._leases.ask_for(choice.ask_for, self._worker.worker_id)

    def _let_go(self) -> bool:
        """Drop what no lane works on any more; whether a shard has ended."""
        has_ended = False
        for key, shard in list(self._shards.items()):
            if shard.lanes_at_work:
                continue
            if shard.held.lease.progress.is_finished:
                has_ended = True
            elif shard.held.is_lost or not shard.held.is_mine:
                self._lost.add()
                _log.warning("lease lost lease=%s worker=%s", key, self._worker.worker_id)
            else:
                shard.held.release()
            del self._shards[key]
        return has_ended

    def _all_leases(self, *, is_due: bool) -> dict[str, Lease]:
        now_ns = self._clock.monotonic_ns()
        if is_due or now_ns >= self._next_sync_ns:
            leases = synchronise(self._client, self._leases, self._origin.table_name)
            self._next_sync_ns = now_ns + self._worker.options.shard_sync_ms * NS_PER_MS
        else:
            leases = self._leases.all()
        return {lease.key: lease for lease in leases}

    def _silent(self, leases: dict[str, Lease]) -> set[str]:
        """The leases of others whose counter has stood still for too long, by this process's clock."""
        now_ns = self._clock.monotonic_ns()
        seen = self._seen
        self._seen = {}
        silent: set[str] = set()
        for key, lease in leases.items():
            counter, since_ns = seen.get(key, (lease.counter, now_ns))
            if counter != lease.counter:
                since_ns = now_ns
            self._seen[key] = (lease.counter, since_ns)
            is_other = lease.owner is not None and lease.owner != self._worker.worker_id
            if is_other and now_ns - since_ns > self._worker.options.failover_ms * NS_PER_MS:
                silent.add(key)
        return silent

    def _adopt(self, lease: Lease) -> None:
        """A lease that somebody handed over, or whose taking was answered too late to be known."""
        taken = self._leases.take(lease, self._worker.worker_id)
        if taken is not None:
            self._work_on(taken)

    def _work_on(self, lease: Lease) -> None:
        worker = self._worker
        held = HeldLease(self._leases, lease, self._clock, worker.options.failover_ms)
        shard = ShardWork(held, self._wiring, lambda: worker.is_stopping, self._rested)
        lanes = [Lane(shard, number, self._caller, worker.fail) for number in range(shard.lane_count)]
        self._shards[lease.key] = shard
        self._taken.add()
        for lane in lanes:
            self._pool.add(lane)
        _log.info(
            "lease taken lease=%s worker=%s checkpoint=%s",
            lease.key,
            worker.worker_id,
            lease.progress.checkpoint,
        )

    def _rested(self) -> None:
        self.wake()

    def _turn(self) -> int:
        return int(self._turns.fraction() * (1 << 30))

    def _behind_ms(self) -> float:
        """How old the last change handled is, of the shard that is furthest behind; 0 with none waiting."""
        behind = [
            self._clock.wall_ms() - shard.held.lease.progress.handled_ms
            for shard in list(self._shards.values())
            if shard.waiting
        ]
        return float(max(behind, default=0))
