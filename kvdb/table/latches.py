"""Per-item latches: writers of one item queue, first come first served.

A ``Grant`` asks for some engine keys and takes their latches in key order; where one is taken it
stands in that latch's line. Since everybody takes them in the same order, nobody waits in a
circle. Nobody is made to wait here: a blocking caller waits with ``wait``, an event loop asks to
be called with ``when_complete``.

Transactions. The keys of a transaction are its own from ``request_transaction`` until it gives its
grant back, also those in whose line it still stands. Who meets them is refused or queues:

    a write of one item (``request_single``)      is refused: TransactionConflict
    another transaction                           is told which keys, and cancels itself
    everybody else (batches, jobs: ``request``)   queues, as behind any writer

A transaction queues behind the writes that were there before it. So of two transactions on one
item one is always refused, and a refusal never waits. Source: developer guide, "Transaction
conflict handling in DynamoDB".

Bounds: a latch exists only while somebody holds it, and a line is no longer than the calls in
flight, which the doors bound.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable

from kvdb.errors import TransactionConflict


class Grant:
    """A claim on the latches of ``keys``, some or all of them held. Made by ``Latches.request``."""

    __slots__ = ("_wake", "held", "is_transaction", "keys")

    def __init__(self, keys: tuple[bytes, ...], *, is_transaction: bool = False) -> None:
        self.is_transaction = is_transaction
        self.keys = keys
        """Distinct, in byte order."""
        self.held = 0
        """The first ``held`` keys are this grant's; it stands in the line of the next one."""
        self._wake: Callable[[], None] | None = None

    @property
    def is_complete(self) -> bool:
        return self.held == len(self.keys)

    @property
    def is_given_back(self) -> bool:
        return not self.keys


class Latches:
    """All latches of one database."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        # Who holds a key; and, made when first needed, the line of those who come next.
        self._holders: dict[bytes, Grant] = {}
        self._lines: dict[bytes, deque[Grant]] = {}
        self._transaction_keys: set[bytes] = set()

    def request(self, keys: tuple[bytes, ...]) -> Grant:
        """Claim ``keys``, distinct and in byte order. Give the grant back whatever happens."""
        grant = Grant(keys)
        with self._guard:
            self._advance(grant)
        return grant

    def request_single(self, key: bytes) -> Grant:
        """As ``request``, for a write of one item.

        Raises:
            TransactionConflict: the item is part of an open transaction; nothing is claimed.
        """
        grant = Grant((key,))
        with self._guard:
            if key in self._transaction_keys:
                raise TransactionConflict
            if key in self._holders:
                self._advance(grant)
            else:
                self._holders[key] = grant
                grant.held = 1
        return grant

    def request_transaction(self, keys: tuple[bytes, ...]) -> Grant | frozenset[bytes]:
        """As ``request``, for a transaction; or those of ``keys`` that other transactions have, and
        then nothing is claimed."""
        grant = Grant(keys, is_transaction=True)
        with self._guard:
            met = self._transaction_keys.intersection(keys)
            if met:
                return frozenset(met)
            self._transaction_keys.update(keys)
            self._advance(grant)
        return grant

    def busy(self, keys: Iterable[bytes]) -> list[bytes]:
        """Those of ``keys`` that somebody is writing, or that are part of an open transaction."""
        with self._guard:
            return [key for key in keys if key in self._holders or key in self._transaction_keys]

    def when_complete(self, grant: Grant, wake: Callable[[], None]) -> None:
        """Call ``wake`` once when ``grant`` holds all its latches: now, or where the last one is freed.

        ``wake`` must be brief and must not raise.
        """
        with self._guard:
            if not grant.is_complete:
                grant._wake = wake
                return
        wake()

    def wait(self, grant: Grant) -> None:
        """Block until ``grant`` holds all its latches."""
        signal = threading.Lock()
        signal.acquire()
        self.when_complete(grant, signal.release)
        signal.acquire()

    def give_back(self, grant: Grant) -> None:
        """Free what ``grant`` holds and leave the line it stands in. A second call does nothing."""
        if grant.held == 1 and not grant.is_transaction and self._gave_back_alone(grant):
            return
        completed: list[Grant] = []
        with self._guard:
            if not grant.is_complete:
                self._leave_line(grant)
            if grant.is_transaction:
                self._transaction_keys.difference_update(grant.keys)
            for key in grant.keys[: grant.held]:
                heir = self._pass_on(key)
                if heir is not None and heir.is_complete:
                    completed.append(heir)
            grant.keys, grant.held = (), 0
        for heir in completed:
            if heir._wake is not None:
                heir._wake()

    def _gave_back_alone(self, grant: Grant) -> bool:
        """``give_back`` of the one latch that is all a grant claims, if nobody stands in its line."""
        with self._guard:
            if len(grant.keys) != 1 or grant.keys[0] in self._lines:
                return False
            del self._holders[grant.keys[0]]
            grant.keys, grant.held = (), 0
            return True

    def any_held(self, prefix: bytes) -> bool:
        """Whether somebody holds the latch of a key that starts with ``prefix``. Cost: every held latch."""
        return bool(self.holders(prefix))

    def holders(self, prefix: bytes) -> list[Grant]:
        """Who holds the latch of a key that starts with ``prefix``. Cost: every held latch.

        Whoever changes what writers look at under their latch, and then waits until each of these
        grants ``is_given_back``, knows that every write begun before the change has ended,
        however many have begun since.
        """
        with self._guard:
            return [grant for key, grant in self._holders.items() if key.startswith(prefix)]

    def _advance(self, grant: Grant) -> None:
        """Take free latches in order, up to the first that is taken: stand in its line."""
        keys, holders = grant.keys, self._holders
        while grant.held < len(keys):
            key = keys[grant.held]
            if key in holders:
                self._lines.setdefault(key, deque()).append(grant)
                return
            holders[key] = grant
            grant.held += 1

    def _leave_line(self, grant: Grant) -> None:
        key = grant.keys[grant.held]
        line = self._lines[key]
        line.remove(grant)
        if not line:
            del self._lines[key]

    def _pass_on(self, key: bytes) -> Grant | None:
        """Hand a latch to the next in line, who then goes on to its other keys."""
        line = self._lines.get(key)
        if line is None:
            del self._holders[key]
            return None
        heir = line.popleft()
        if not line:
            del self._lines[key]
        self._holders[key] = heir
        heir.held += 1
        self._advance(heir)
        return heir
