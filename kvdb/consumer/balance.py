"""Which leases a worker should take: pure, from what it sees.

Every worker is due an equal share of the leases that can be worked on. One that has fewer takes
those that nobody holds, and those whose holder has shown no sign of life; when there are none, it
asks the holder of most to hand one over, one at a time. So shares meet without anyone deciding
for all, and a lease is never taken from a worker that lives and answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import NamedTuple

from kvdb.consumer.lease import Lease
from kvdb.consumer.shard_sync import is_ready


class Choice(NamedTuple):
    """What to do next."""

    take: list[Lease]
    ask_for: Lease | None = None


def choose(leases: Mapping[str, Lease], me: str, silent: Collection[str], turn: int) -> Choice:
    """What worker ``me`` should take or ask for. ``silent``: keys of leases whose holder seems dead.

    ``turn``, any number, decides where in the list it begins, so that workers who look at once
    do not all reach for the same lease.
    """
    able = [lease for lease in leases.values() if _can_be_worked_on(lease, leases)]
    free = [lease for lease in able if lease.owner is None or lease.key in silent]
    loads = Counter(lease.owner for lease in able if lease.owner is not None and lease.key not in silent)
    share = -(-len(able) // len(loads.keys() | {me}))
    wanted = share - loads[me]
    start = turn % len(free) if free else 0
    take = (free[start:] + free[:start])[: max(wanted, 0)]
    if take or wanted <= 0 or any(lease.handover_to == me for lease in able):
        return Choice(take)
    return Choice([], _to_ask_for(able, loads, me, silent))


def _can_be_worked_on(lease: Lease, leases: Mapping[str, Lease]) -> bool:
    return not lease.progress.is_finished and is_ready(lease, leases)


def _to_ask_for(able: list[Lease], loads: Counter[str], me: str, silent: Collection[str]) -> Lease | None:
    """One of the busiest worker's leases, if that leaves it no worse off than ``me``."""
    others = [(load, owner) for owner, load in loads.items() if owner != me]
    if not others:
        return None
    load, busiest = max(others)
    if load - loads[me] < 2:
        return None
    return next(
        (
            lease
            for lease in able
            if lease.owner == busiest and lease.handover_to is None and lease.key not in silent
        ),
        None,
    )
