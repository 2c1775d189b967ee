"""What happened when several did things at once, and whether it could have happened one by one.

Two checkers. Both are told when each operation began and ended, so an order that contradicts real
time is no excuse.

``first_unlinearizable`` is for single objects: is there an order of the operations, each at a moment
between its beginning and its end, in which a model gives the same answers? It walks all orders and
remembers where it has been (Wing and Gong 1993; Lowe 2017). Objects are checked one by one, for a
history is linearizable if that of each object is (Herlihy and Wing 1990).

``anomaly`` is for transactions that append to lists and read them. No search: a list tells in what
order its elements came, and so which transaction must have been before which; with the edges of
real time, strict serializability is that there is no cycle (Kingsbury and Alvaro 2020, "Elle").
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

Model = Callable[[Hashable, object], tuple[Hashable, object]]
"""``(state, call) -> (state after it, its answer)``."""


class Operation(NamedTuple):
    """One call on one object, and when."""

    invoked: int
    returned: int
    call: object
    answer: object


class Recorder:
    """A clock that never gives one time twice, and who did what by it. For any number of threads."""

    def __init__(self) -> None:
        self._ticks = itertools.count()
        self._guard = threading.Lock()
        self.operations: dict[Hashable, list[Operation]] = {}
        self.transactions: list[Transaction] = []

    def now(self) -> int:
        return next(self._ticks)

    def observe(self, subject: Hashable, call: object, do: Callable[[], object]) -> object:
        """Do it, and note what it answered."""
        invoked = self.now()
        answer = do()
        operation = Operation(invoked, self.now(), call, answer)
        with self._guard:
            self.operations.setdefault(subject, []).append(operation)
        return answer

    def note(self, transaction: Transaction) -> None:
        with self._guard:
            self.transactions.append(transaction)


def first_unlinearizable(
    operations: Mapping[Hashable, Sequence[Operation]], model: Model, initial: Hashable
) -> Hashable | None:
    """An object whose operations no order explains; ``None``: all are explained."""
    return next(
        (each for each, history in operations.items() if not _is_explained(history, model, initial)), None
    )


def _is_explained(history: Sequence[Operation], model: Model, initial: Hashable) -> bool:
    ordered = sorted(history, key=lambda operation: operation.invoked)
    everything = (1 << len(ordered)) - 1
    seen: set[tuple[int, Hashable]] = set()
    stack: list[tuple[int, Hashable]] = [(0, initial)]
    while stack:
        done, state = stack.pop()
        if done == everything:
            return True
        if (done, state) in seen:
            continue
        seen.add((done, state))
        stack += list(_steps(ordered, done, state, model))
    return False


def _steps(
    ordered: Sequence[Operation], done: int, state: Hashable, model: Model
) -> Iterable[tuple[int, Hashable]]:
    """Which operations may come next: those that began before any of the others had ended."""
    undone = [(place, each) for place, each in enumerate(ordered) if not done >> place & 1]
    first_end = min(each.returned for _, each in undone)
    for place, each in undone:
        if each.invoked > first_end:
            return
        after, answer = model(state, each.call)
        if answer == each.answer:
            yield done | 1 << place, after


@dataclass
class Transaction:
    """What one transaction read and appended, and when it began and ended."""

    name: str
    invoked: int
    returned: int
    reads: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """A list as it was before the transaction's own appends."""
    appends: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Elements no other transaction appends, to this list or any."""
    is_committed: bool = True


def anomaly(history: Sequence[Transaction]) -> str | None:
    """What is wrong with a history; ``None``: it is strictly serializable.

    Every committed append must have been read by somebody: end a history with a read of all lists.
    """
    committed = [each for each in history if each.is_committed]
    writers = {value: each for each in history for values in each.appends.values() for value in values}
    try:
        orders = _orders(committed)
        _check_reads(committed, writers, orders)
    except _Wrong as wrong:
        return str(wrong)
    edges = {each.name: _followers(each, committed, writers, orders) for each in committed}
    cycle = _cycle(edges)
    return None if cycle is None else "cycle: " + " -> ".join(cycle)


class _Wrong(Exception):
    pass


def _orders(committed: Sequence[Transaction]) -> dict[str, tuple[int, ...]]:
    """Each list as it was at the end, of which every read must have seen a beginning."""
    orders: dict[str, tuple[int, ...]] = {}
    for each in committed:
        for key, read in each.reads.items():
            longest = max(orders.get(key, ()), read, key=len)
            if longest[: len(read)] != read or longest[: len(orders.get(key, ()))] != orders.get(key, ()):
                raise _Wrong(f"incompatible orders: list {key} read as {read} and {orders[key]}")
            orders[key] = longest
    return orders


def _check_reads(
    committed: Sequence[Transaction],
    writers: Mapping[int, Transaction],
    orders: Mapping[str, tuple[int, ...]],
) -> None:
    for key, order in orders.items():
        if len(set(order)) != len(order):
            raise _Wrong(f"an element was appended twice: list {key} is {order}")
        for value in order:
            if value not in writers or not writers[value].is_committed:
                raise _Wrong(f"aborted read: nobody committed {value} of list {key}")
    for each in committed:
        for key, values in each.appends.items():
            order = orders.get(key, ())
            place = order.index(values[0]) if values[0] in order else -1
            if place < 0 or order[place : place + len(values)] != values:
                raise _Wrong(f"lost or torn append: {values} of {each.name} in list {key}: {order}")
        for key, read in each.reads.items():
            if read and read[-1] != writers[read[-1]].appends[key][-1]:
                raise _Wrong(f"intermediate read: {each.name} saw list {key} as {read}")


def _followers(
    each: Transaction,
    committed: Sequence[Transaction],
    writers: Mapping[int, Transaction],
    orders: Mapping[str, tuple[int, ...]],
) -> set[str]:
    """The transactions that must have been after ``each``."""
    after = {other.name for other in committed if each.returned < other.invoked}
    for key, read in each.reads.items():
        # It did not see the next append, so that came later.
        after |= {writers[value].name for value in orders[key][len(read) : len(read) + 1]}
    for key, values in each.appends.items():
        end = orders[key].index(values[-1]) + 1
        after |= {writers[value].name for value in orders[key][end : end + 1]}
        after |= {other.name for other in committed if values[-1] in other.reads.get(key, ())}
    return after - {each.name}


def _cycle(edges: Mapping[str, set[str]]) -> list[str] | None:
    """Some cycle of a graph, by walking it depth first."""
    finished: set[str] = set()
    for start in edges:
        path: list[str] = []
        stack: list[tuple[str, Iterable[str]]] = (
            [] if start in finished else [(start, iter(sorted(edges[start])))]
        )
        path += [start] if stack else []
        while stack:
            _, rest = stack[-1]
            following = next(iter(rest), None)
            if following is None:
                stack.pop()
                finished.add(path.pop())
            elif following in path:
                return [*path[path.index(following) :], following]
            elif following not in finished:
                path.append(following)
                stack.append((following, iter(sorted(edges[following]))))
    return None
