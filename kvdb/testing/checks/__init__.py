"""What every door must show: one function a behaviour, each for a client of an empty database.

``check_client(factory)`` runs them all, for whoever brings a transport of his own; the tests run
each by itself through every door. A behaviour that does not hold is an ``AssertionError``.

Reading order: ``airports`` (what they share), ``items``, ``updates``, ``indexes``, ``capacity``,
``lifecycle``, ``legacy``, ``bounds``, ``transactions``, ``snapshots``, ``changes``.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from kvdb.client.sync import Client
from kvdb.testing.checks import (
    bounds,
    capacity,
    changes,
    indexes,
    items,
    legacy,
    lifecycle,
    snapshots,
    transactions,
    updates,
)
from kvdb.testing.checks.airports import Check

__all__ = ["CHECKS", "NATIVE", "Check", "check_client"]

CHECKS: tuple[Check, ...] = (
    *items.CHECKS,
    *updates.CHECKS,
    *indexes.CHECKS,
    *capacity.CHECKS,
    *lifecycle.CHECKS,
    *legacy.CHECKS,
    *bounds.CHECKS,
    *transactions.CHECKS,
    *snapshots.CHECKS,
    *changes.CHECKS,
)
"""Every behaviour; a test of a transport may pick from them."""

NATIVE: frozenset[Check] = frozenset(
    (*indexes.NATIVE, *transactions.NATIVE, *snapshots.CHECKS, *changes.NATIVE)
)
"""Those that the HTTP door cannot show, because the service has no such thing."""


def check_client(factory: Callable[[], AbstractContextManager[Client]]) -> None:
    """Run every check, each on a client of its own from ``factory``."""
    for check in CHECKS:
        with factory() as client:
            check(client)
