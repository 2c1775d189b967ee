"""The terms of a call: what it is promised beside its answer, and what came of that. Native.

A *session* is what one user sees: whatever it has read or written in one region, it finds in every other
one, or the region waits until it has that, or says that it has not. ``replicate_to`` has a write wait until
so many other regions have it durably. Either is about tables that are shared between regions; a session
costs nothing where a table is not.

Beside a request and its answer they travel as texts by name: metadata of gRPC, ``kvdb-`` before the name, and
headers of HTTP, ``x-kvdb-`` before it.

    with the request    session, session-timeout-ms, replicate-to, replicate-timeout-ms
    with the answer     session; replicated: true or false, replicated-to: the regions, with commas between
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from kvdb.api.operations import Result
from kvdb.errors import ValidationError

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


class Outcome(NamedTuple):
    """What came of the terms of a call."""

    session: str | None = None
    """The token to show with the next call; ``None``: the call belonged to no session."""
    replication: Replication | None = None
    """``None``: it was not asked for."""

    def texts(self) -> dict[str, str]:
        """As they go with an answer."""
        told = {} if self.session is None else {SESSION: self.session}
        if self.replication is not None:
            told[REPLICATED] = "true" if self.replication.is_reached else "false"
            told[REPLICATED_TO] = ",".join(self.replication.regions)
        return told


class Answer(NamedTuple):
    """A result, and what came of the terms."""

    result: Result
    session: str | None = None
    replication: Replication | None = None


SESSION: Final = "session"
SESSION_TIMEOUT: Final = "session-timeout-ms"
REPLICATE_TO: Final = "replicate-to"
REPLICATE_TIMEOUT: Final = "replicate-timeout-ms"
REPLICATED: Final = "replicated"
REPLICATED_TO: Final = "replicated-to"
ASKED: Final = (SESSION, SESSION_TIMEOUT, REPLICATE_TO, REPLICATE_TIMEOUT)
"""What goes with a request."""


def texts_of(terms: Terms) -> dict[str, str]:
    """The terms as they go with a request."""
    values = (terms.session, terms.session_timeout_ms, terms.replicate_to, terms.replicate_timeout_ms)
    return {name: str(value) for name, value in zip(ASKED, values, strict=True) if value is not None}


def terms_of(texts: Mapping[str, str]) -> Terms:
    """The terms that came with a request.

    Raises:
        ValidationError: a number is none.
    """
    return Terms(
        texts.get(SESSION),
        _number(texts, SESSION_TIMEOUT),
        _number(texts, REPLICATE_TO),
        _number(texts, REPLICATE_TIMEOUT),
    )


def outcome_of(texts: Mapping[str, str], terms: Terms) -> Outcome:
    """What came with the answer to a call of these terms."""
    replication = None
    if terms.replicate_to is not None and REPLICATED in texts:
        regions = tuple(name for name in texts.get(REPLICATED_TO, "").split(",") if name)
        replication = Replication(terms.replicate_to, regions)
    return Outcome(texts.get(SESSION), replication)


def _number(texts: Mapping[str, str], name: str) -> int | None:
    text = texts.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise ValidationError(f"{name} must be a whole number: {text[:20]!r}")
    return int(text)
