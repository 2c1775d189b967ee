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
from collections.abc import Callable, Generator, Sequence
from typing import NamedTuple, TypeAlias, TypeVar

from kvdb.api.items import DeleteItem, DeleteItemResult, PutItem, PutItemResult
from kvdb.env.hlc import HybridClock
from kvdb.errors import ServiceUnavailable
from kvdb.item.value import Item
from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.engine import Engine
from kvdb.table import mutation, row
from kvdb.table.catalog import Catalog, Table, not_found
from kvdb.table.latches import Grant, Latches
from kvdb.table.writes import DeleteWrite, PutWrite, Write

_log = logging.getLogger("kvdb.table")

R = TypeVar("R")

Effect: TypeAlias = Grant | WriteBatch
Steps: TypeAlias = Generator[Effect, None, R]
"""A write under way."""

Done: TypeAlias = Callable[[R | None, BaseException | None], None]
Defer: TypeAlias = Callable[[Callable[[], None]], object]


class Target(NamedTuple):
    """One write and the row it is for."""

    table: Table
    key: bytes
    """Engine key of the row."""
    write: Write


class Writer:
    """Makes the steps of every write of items."""

    def __init__(self, catalog: Catalog, engine: Engine, latches: Latches, hlc: HybridClock) -> None:
        self._catalog = catalog
        self._engine = engine
        self._latches = latches
        self._hlc = hlc

    def put_item(self, request: PutItem) -> Steps[PutItemResult]:
        """Source: API Reference, PutItem."""
        write = PutWrite.of_request(request)
        table = self._catalog.table(request.table_name)
        (old,) = yield from self.write([Target(table, table.keys.of_item(write.item), write)])
        return PutItemResult(old if request.return_values == "ALL_OLD" else None)

    def delete_item(self, request: DeleteItem) -> Steps[DeleteItemResult]:
        """Source: API Reference, DeleteItem."""
        write = DeleteWrite.of_request(request)
        table = self._catalog.table(request.table_name)
        (old,) = yield from self.write([Target(table, table.keys.of_key(request.key), write)])
        return DeleteItemResult(old if request.return_values == "ALL_OLD" else None)

    def write(self, targets: Sequence[Target]) -> Steps[list[Item | None]]:
        """Commit all targets, of distinct keys, in one batch; gives the old items that had to be read.

        Raises:
            ConditionalCheckFailed: a write refused its item; nothing was written.
            ResourceNotFound: a table was dropped meanwhile; nothing was written.
        """
        grant = self._latches.request(_in_key_order(targets))
        try:
            if not grant.is_complete:
                yield grant
            batch = WriteBatch()
            olds = [self._apply(target, batch) for target in targets]
            if len(batch):
                yield batch
            return olds
        finally:
            self._latches.give_back(grant)

    def _apply(self, target: Target, batch: WriteBatch) -> Item | None:
        """Read, apply, mutate. Under the latch, where the table can be seen to be there still."""
        table, key, write = target
        if table.is_dropped:
            raise not_found()
        old = None
        if write.needs_old:
            stored = self._engine.get(key)
            old = None if stored is None else row.item_of(stored)
        new = write.apply(old)
        if new is not None:
            mutation.add_put(batch, key, new, size_bytes=write.size_of(new), stamp=self._hlc.tick())
        elif old is not None or not write.needs_old:
            mutation.add_delete(batch, key)
        return old


def _in_key_order(targets: Sequence[Target]) -> tuple[bytes, ...]:
    if len(targets) == 1:
        return (targets[0].key,)
    return tuple(sorted(target.key for target in targets))


def run(steps: Steps[R], engine: Engine, latches: Latches) -> R:
    """Drive a write on the caller's thread until it is acknowledged."""
    try:
        while True:
            effect = next(steps)
            if isinstance(effect, WriteBatch):
                engine.write(effect)
            else:
                latches.wait(effect)
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
    _Submission(steps, engine, latches, done, defer).resume(None)


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
        self._answer: tuple[BaseException | None] | None = None

    def resume(self, error: BaseException | None) -> None:
        """Run the generator up to its next wait; ``error`` is how the last one ended."""
        try:
            while True:
                effect = next(self._steps) if error is None else self._steps.throw(error)
                error = None
                if isinstance(effect, Grant):
                    self._latches.when_complete(effect, self._schedule_resume)
                    return
                self._answer = None
                self._is_submitting = True
                self._engine.submit(effect, self._committed)
                self._is_submitting = False
                if self._answer is None:
                    return
                (error,) = self._answer
        except StopIteration as stop:
            self._done(stop.value, None)
        except Exception as failure:
            self._steps.close()
            self._done(None, failure)

    def _committed(self, seqno: int, error: BaseException | None) -> None:
        # On this thread it may be our own submit that has not returned yet, or the submit of a later
        # write, which came to lead the commit of both.
        if self._is_submitting and threading.get_ident() == self._loop_thread:
            self._answer = (error,)
        else:
            self._schedule(lambda: self.resume(error))

    def _schedule_resume(self) -> None:
        self._schedule(lambda: self.resume(None))

    def _schedule(self, step: Callable[[], None]) -> None:
        try:
            self._defer(step)
        except RuntimeError:
            # The loop is closed. Nobody there waits any more, but others wait for the latches.
            _log.warning("an event loop closed before its write was answered")
            self._steps.close()
            self._done(None, ServiceUnavailable("the caller's event loop is closed"))
