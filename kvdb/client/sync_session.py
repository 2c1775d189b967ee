"""``SessionTransport``: a transport whose calls belong to one session.

Generated from ``aio_session`` by ``python -m tools.gen_sync``: change that module, not this one. Every
method raises ``KvdbError`` and nothing else on its own account.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Generator

from kvdb.api.items import Page, Query, Scan
from kvdb.api.operations import Request, Result
from kvdb.api.replicas import ConflictPage, FollowConflicts
from kvdb.api.session_token import decoded, joined_tokens
from kvdb.api.streams import FeedPage, Subscribe
from kvdb.api.terms import NEW_SESSION, Answer, Replication, Terms
from kvdb.client.paginate import pages
from kvdb.client.transport import Transport


class SessionTransport:
    """Shows the token of what was seen with each call, and keeps that of its answer. Calls may run at once:
    each sees what those have seen that had ended before it began."""

    __slots__ = ("_guard", "_terms", "_transport", "replication", "token")

    def __init__(self, transport: Transport, token: str | None, terms: Terms) -> None:
        """Raises: ValidationError: ``token`` is none."""
        if token is not None:
            decoded(token)
        self._transport = transport
        self._guard = threading.Lock()
        self._terms = terms
        self.token = token
        self.replication: Replication | None = None

    @property
    def endpoint(self) -> str | None:
        return self._transport.endpoint

    @property
    def endpoint_switches(self) -> int:
        return self._transport.endpoint_switches

    def send(self, request: Request) -> Result:
        return (self.send_under(request, Terms())).result

    def send_under(self, request: Request, terms: Terms) -> Answer:
        asked = dataclasses.replace(
            terms,
            session=self.token or NEW_SESSION,
            session_timeout_ms=self._terms.session_timeout_ms,
        )
        answer = self._transport.send_under(request, asked)
        with self._guard:
            self.token = joined_tokens(self.token, answer.session)
            if answer.replication is not None:
                self.replication = answer.replication
        return answer

    def stream(self, request: Query | Scan) -> Generator[Page, None, None]:
        # Page by page: each is a call of the session.
        return pages(self.send, request)

    def subscribe(self, request: Subscribe) -> Generator[FeedPage, None, None]:
        return self._transport.subscribe(request)

    def follow_conflicts(self, request: FollowConflicts) -> Generator[ConflictPage, None, None]:
        return self._transport.follow_conflicts(request)

    def pause(self, ms: int) -> None:
        self._transport.pause(ms)

    def close(self) -> None:
        """The connection is its client's."""
