"""Writes, from request to durable row: latch, read, apply, mutate, commit.

The story is told once, as a generator that yields what it has to wait for (an *effect*): a
``Grant`` that is not complete yet, or a ``WriteBatch`` to be committed. Two drivers run it:

- ``run`` for threads: waits for the effect where it stands;
- ``submit`` for an event loop: never waits; every step runs on the loop's own thread, and the
  commit thread or the thread that frees a latch only schedules the next one.

However the generator ends (return, refusal, failed commit, closed half-way), it gives its latches
back. Until then no other writer sees the items, so between the read and the commit nothing
changes them: two writers of one item never lose an update.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, TypeAlias, TypeVar

from kvdb.api.items import (
    ConsumedCapacity,
    DeleteItem,
    DeleteItemResult,
    ItemCollectionMetrics,
    PutItem,
    PutItemResult,
    ReturnValues,
    UpdateItem,
    UpdateItemResult,
)
from kvdb.env.hlc import HybridClock
from kvdb.errors import ServiceUnavailable
from kvdb.item.value import Item
from kvdb.limits import AWS, LimitsProfile
from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.engine import Engine
from kvdb.table import mutation, row
from kvdb.table.capacity import Tally, admit_writes
from kvdb.table.catalog import Catalog, Table
from kvdb.table.change import Arrivals
from kvdb.table.claims import Claims, Refused, all_collection_metrics, collection_metrics
from kvdb.table.latches import Grant, Latches
from kvdb.table.mutation import Change
from kvdb.table.writes import CheckWrite, DeleteWrite, PutWrite, UpdateWrite, Write

_log = logging.getLogger("kvdb.table")

R = TypeVar("R")

_NO_COSTS = (None, None)

Effect: TypeAlias = Grant | WriteBatch
Steps: TypeAlias = Generator[Effect, int, R]
"""A write under way. What it is sent back is the last seqno of the batch it yielded; of no meaning
after a grant."""

Done: TypeAlias = Callable[[R | None, BaseException | None], None]
Defer: TypeAlias = Callable[[Callable[[], None]], object]


class Target(NamedTuple):
    """One write and the row it is for."""

    table: Table
    key: bytes
    """Engine key of the row."""
    write: Write


class Writer:
    """Makes the steps of every write of items.

    A write of one item or of many, with or without more to ask before it may happen, is made of
    the same parts: a ``Target`` of each request; ``latched`` keys; ``decide`` for each target,
    under its latch; ``commit`` of all changes together.
    """

    def __init__(
        self,
        catalog: Catalog,
        engine: Engine,
        latches: Latches,
        hlc: HybridClock,
        profile: LimitsProfile = AWS,
        arrivals: Arrivals | None = None,
    ) -> None:
        """``arrivals``: who is told of changes that streams record."""
        self._catalog = catalog
        self._engine = engine
        self._latches = latches
        self._hlc = hlc
        self._arrivals = arrivals or Arrivals()
        self.profile = profile

    def under(self, profile: LimitsProfile) -> Writer:
        """The same writer, held to other limits."""
        return Writer(self._catalog, self._engine, self._latches, self._hlc, profile, self._arrivals)

    def put_item(self, request: PutItem) -> Steps[PutItemResult]:
        """Source: API Reference, PutItem."""
        change = yield from self._write_one(self.put_target(request))
        old = change.old if request.return_values == "ALL_OLD" else None
        return PutItemResult(old, *self._costs(request, change))

    def delete_item(self, request: DeleteItem) -> Steps[DeleteItemResult]:
        """Source: API Reference, DeleteItem."""
        change = yield from self._write_one(self.delete_target(request))
        old = change.old if request.return_values == "ALL_OLD" else None
        return DeleteItemResult(old, *self._costs(request, change))

    def update_item(self, request: UpdateItem) -> Steps[UpdateItemResult]:
        """Source: API Reference, UpdateItem."""
        target = self.update_target(request)
        change = yield from self._write_one(target)
        shown = None
        if request.return_values != "NONE":
            assert isinstance(target.write, UpdateWrite)
            shown = _shown(request.return_values, target.write, change)
        return UpdateItemResult(shown, *self._costs(request, change))

    def _costs(
        self, request: PutItem | UpdateItem | DeleteItem, change: Change
    ) -> tuple[ConsumedCapacity | None, ItemCollectionMetrics | None]:
        """What was consumed, and what the item's collection has come to, as far as asked for."""
        if request.return_consumed_capacity == request.return_item_collection_metrics == "NONE":
            return _NO_COSTS
        consumed = metrics = None
        if request.return_consumed_capacity != "NONE":
            tally = Tally()
            tally.add_write(change)
            consumed = tally.consumed(request.table_name, request.return_consumed_capacity)
        if request.return_item_collection_metrics != "NONE":
            metrics = collection_metrics(self._engine, change)
        return consumed, metrics

    def collection_metrics(
        self, changes: Iterable[tuple[str, Change]]
    ) -> dict[str, list[ItemCollectionMetrics]] | None:
        """What the collections that the changes of one call touch have come to; see ``table/claims``."""
        return all_collection_metrics(self._engine, changes) or None

    # The parts.

    def put_target(self, request: PutItem) -> Target:
        """Raises what a put can be refused for before anything is read."""
        write = PutWrite.of_request(request, self.profile)
        return put_target(self._catalog.table(request.table_name), write)

    def update_target(self, request: UpdateItem) -> Target:
        """As ``put_target``."""
        write = UpdateWrite.of_request(request, self.profile)
        return update_target(self._catalog.table(request.table_name), request.key, write)

    def delete_target(self, request: DeleteItem) -> Target:
        """As ``put_target``."""
        write = DeleteWrite.of_request(request)
        return key_target(self._catalog.table(request.table_name), request.key, write)

    def write(self, targets: Sequence[Target]) -> Steps[list[Change]]:
        """Commit all targets, of distinct keys, in one batch.

        Raises:
            ConditionalCheckFailed: a write refused its item; nothing was written.
            ResourceNotFound: a table was dropped meanwhile; nothing was written.
            ThroughputExceeded, Throttled: a table is asked for too much; nothing was written.
        """
        grant = self._latches.request(in_key_order(targets))
        return (yield from self._write_under(grant, targets))

    def load(self, targets: Sequence[Target]) -> Steps[list[Change]]:
        """As ``write``, for an import: it takes none of the tables' throughput."""
        grant = self._latches.request(in_key_order(targets))
        return (yield from self._write_under(grant, targets, admit=_admit_all))

    def _write_one(self, target: Target) -> Steps[Change]:
        """``write`` for one item, which an open transaction refuses with ``TransactionConflict``."""
        grant = self._latches.request_single(target.key)
        try:
            if not grant.is_complete:
                yield grant
            change = self.decide(target)
            indexes = change.indexes
            if change.table.meter is not None:
                admit_writes([change])
            if indexes.make_claims or indexes.recorder is not None:
                yield from self.commit([change])
            else:
                # As ``commit``, spelled out: this is the shortest path there is.
                batch = WriteBatch()
                mutation.add(batch, change, self._hlc.tick())
                if batch.operations:
                    yield batch
                    if indexes.shipper is not None:
                        self._arrivals.announce()
            return change
        finally:
            self._latches.give_back(grant)

    def _write_under(
        self,
        grant: Grant,
        targets: Sequence[Target],
        admit: Callable[[Sequence[Change]], None] = admit_writes,
    ) -> Steps[list[Change]]:
        try:
            if not grant.is_complete:
                yield grant
            changes = [self.decide(target) for target in targets]
            admit(changes)
            yield from self.commit(changes)
            return changes
        finally:
            self._latches.give_back(grant)

    def decide(self, target: Target) -> Change:
        """Read and apply. Under the latch, where the table can be seen to be there still."""
        table, key, write = target
        if table.is_dropped:
            raise table.refusal()
        indexes = table.indexes
        is_old_known = write.needs_old or bool(indexes.maintained)
        old, old_size, old_row = None, 0, None
        shipper, tombstone = indexes.shipper, None
        if shipper is not None and shipper.rules is not None:
            is_old_known = True
        if is_old_known or indexes.recorder is not None or shipper is not None:
            old_row = self._engine.get(key)
            if old_row is None:
                # What it replaces goes into the lineage of the version that is made.
                if shipper is not None:
                    tombstone = shipper.tombstones.of(self._engine, key)
            elif is_old_known:
                old, old_size = row.opened(old_row)
        new = write.apply(old)
        if new is not None and isinstance(write, UpdateWrite):
            indexes.check(new, write.touched_names)
        new_size = 0 if new is None else write.size_of(new, old, old_size)
        return Change(
            table,
            indexes,
            key,
            old,
            new,
            old_size=old_size,
            new_size=new_size,
            is_old_known=is_old_known,
            old_row=old_row,
            tombstone=tombstone,
        )

    def commit(
        self, changes: Sequence[Change], batch: WriteBatch | None = None, refused: Refused | None = None
    ) -> Steps[int | None]:
        """Make all changes in one batch, under the latches of their keys.

        ``batch`` may bring what is to become durable with them, and a guard. Gives the batch's last
        seqno, or ``None`` when there was nothing to write. ``refused`` makes another error of the
        one that a change of ``changes`` is refused with.

        Raises:
            UniqueViolation, ItemCollectionSizeLimitExceeded: nothing was written.
        """
        if batch is None:
            batch = WriteBatch()
        make_claims = is_recorded = False
        for change in changes:
            indexes = change.indexes
            mutation.add(batch, change, self._hlc.tick())
            make_claims = make_claims or indexes.make_claims
            is_recorded = is_recorded or indexes.recorder is not None or indexes.shipper is not None
        seqno: int | None = None
        if make_claims and (claims := Claims(changes)).keys:
            seqno = yield from self._commit_claiming(claims, batch, refused)
        elif len(batch) or batch.guard is not None:
            seqno = yield batch
        if is_recorded:
            self._arrivals.announce()
        return seqno

    def _commit_claiming(
        self, claims: Claims, batch: WriteBatch, refused: Refused | None
    ) -> Steps[int | None]:
        grant = self._latches.request(claims.keys)
        try:
            if not grant.is_complete:
                yield grant
            claims.settle(self._engine, batch, refused)
            return (yield batch)
        finally:
            self._latches.give_back(grant)


def _admit_all(changes: Sequence[Change]) -> None:
    """Nothing is charged."""


def put_target(table: Table, write: PutWrite) -> Target:
    """Raises what a put can be refused for by its table's keys."""
    key = table.keys.of_item(write.item)
    table.indexes.check(write.item)
    table.refuse_inside(write.nested_names)
    return Target(table, key, write)


def update_target(table: Table, key: Mapping[str, object], write: UpdateWrite) -> Target:
    """As ``put_target``."""
    engine_key = table.keys.of_key(key)
    table.keys.refuse_change(write.touched_names)
    table.refuse_inside(write.nested_names)
    return Target(table, engine_key, write)


def key_target(table: Table, key: Mapping[str, object], write: DeleteWrite | CheckWrite) -> Target:
    """As ``put_target``."""
    engine_key = table.keys.of_key(key)
    table.refuse_inside(write.nested_names)
    return Target(table, engine_key, write)


def _shown(returns: ReturnValues, write: UpdateWrite, change: Change) -> Item | None:
    match returns:
        case "ALL_OLD":
            return change.old
        case "ALL_NEW":
            return change.new
        case "UPDATED_OLD":
            return write.shown(change.old)
        case _:
            return write.shown(change.new)


def in_key_order(targets: Sequence[Target]) -> tuple[bytes, ...]:
    """The keys to latch for these targets."""
    if len(targets) == 1:
        return (targets[0].key,)
    return tuple(sorted(target.key for target in targets))


def run(steps: Steps[R], engine: Engine, latches: Latches) -> R:
    """Drive a write on the caller's thread until it is acknowledged."""
    try:
        effect = next(steps)
        while True:
            if isinstance(effect, WriteBatch):
                seqno = engine.write(effect)
            else:
                latches.wait(effect)
                seqno = 0
            effect = steps.send(seqno)
    except StopIteration as stop:
        result: R = stop.value
        return result
    finally:
        steps.close()


def submit(steps: Steps[R], engine: Engine, latches: Latches, done: Done[R], defer: Defer) -> None:
    """Drive a write from an event loop's thread without ever blocking it.

    ``done(result, None)`` or ``done(None, error)`` is called exactly once, on this thread: before
    ``submit`` returns if nothing had to be waited for, else from a call that ``defer`` scheduled.
    ``defer(fn)`` must arrange for ``fn()`` to run on this thread, and may be called from any; when
    it raises ``RuntimeError`` (a closed loop), ``done`` gets an error on the thread that found out.
    """
    _Submission(steps, engine, latches, done, defer).begin()


class _Submission:
    """One write on an event loop: a generator, and what to do when it has ended."""

    __slots__ = (
        "_answer",
        "_defer",
        "_done",
        "_engine",
        "_is_submitting",
        "_latches",
        "_loop_thread",
        "_steps",
    )

    def __init__(
        self, steps: Steps[R], engine: Engine, latches: Latches, done: Done[R], defer: Defer
    ) -> None:
        self._steps = steps
        self._engine = engine
        self._latches = latches
        self._done = done
        self._defer = defer
        self._loop_thread = threading.get_ident()
        self._is_submitting = False
        # What a commit that ended before ``Engine.submit`` returned left behind.
        self._answer: tuple[int, BaseException | None] | None = None

    def begin(self) -> None:
        self._run(partial(next, self._steps))

    def _run(self, advance: Callable[[], Effect]) -> None:
        """Run the generator up to its next wait."""
        try:
            while True:
                effect = advance()
                if isinstance(effect, Grant):
                    self._latches.when_complete(effect, self._schedule_resume)
                    return
                self._answer = None
                self._is_submitting = True
                self._engine.submit(effect, self._committed)
                self._is_submitting = False
                if self._answer is None:
                    return
                advance = self._after(*self._answer)
        except StopIteration as stop:
            self._done(stop.value, None)
        except Exception as failure:
            self._steps.close()
            self._done(None, failure)

    def _committed(self, seqno: int, error: BaseException | None) -> None:
        # On this thread it may be our own submit that has not returned yet, or the submit of a later
        # write, which came to lead the commit of both.
        if self._is_submitting and threading.get_ident() == self._loop_thread:
            self._answer = (seqno, error)
        else:
            self._schedule(lambda: self._run(self._after(seqno, error)))

    def _schedule_resume(self) -> None:
        self._schedule(lambda: self._run(self._after(0, None)))

    def _after(self, seqno: int, error: BaseException | None) -> Callable[[], Effect]:
        """How the generator goes on when a wait has ended so."""
        return partial(self._steps.send, seqno) if error is None else partial(self._steps.throw, error)

    def _schedule(self, step: Callable[[], None]) -> None:
        try:
            self._defer(step)
        except RuntimeError:
            # The loop is closed. Nobody there waits any more, but others wait for the latches.
            _log.warning("an event loop closed before its write was answered")
            self._steps.close()
            self._done(None, ServiceUnavailable("the caller's event loop is closed"))
