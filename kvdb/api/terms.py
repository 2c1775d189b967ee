"""The terms of a call: what it is promised beside its answer, and what came of that. Native.

A *session* is what one user sees: whatever it has read or written in one region, it finds in every other
one, or the region waits until it has that, or says that it has not. ``replicate_to`` has a write wait until
so many other regions have it durably. Either is about tables that are shared between regions; a session
costs nothing where a table is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from kvdb.api.operations import Result

NEW_SESSION: Final = "new"
"""In the place of a token: a session that has seen nothing yet."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Of one call."""

    session: str | None = None
    """A token, or ``NEW_SESSION``; ``None``: the call belongs to no session."""
    session_timeout_ms: int | None = None
    """How long to wait for what the session has seen; 5 seconds unless given."""
    replicate_to: int | None = None
    """How many other regions must have the write; ``None``: nobody waits for any."""
    replicate_timeout_ms: int | None = None
    """How long to wait for them; 5 seconds unless given."""


class Replication(NamedTuple):
    """Who has a write, and all that were made to its table before. It stands in any case."""

    wanted: int
    regions: tuple[str, ...]
    """The other regions that have it durably, as far as they have told."""

    @property
    def is_reached(self) -> bool:
        return len(self.regions) >= self.wanted


class Answer(NamedTuple):
    """A result, and what came of the terms."""

    result: Result
    session: str | None = None
    """The token to show with the next call; ``None``: the call belonged to no session."""
    replication: Replication | None = None
    """``None``: it was not asked for."""
