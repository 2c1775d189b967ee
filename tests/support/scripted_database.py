"""A database that answers from a script, and holds its answers back when told to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from kvdb.api.items import Page, Query
from kvdb.api.operations import Request, Result
from kvdb.limits import LimitsProfile
from kvdb.testing import sim_env

Done = Callable[[Result | None, BaseException | None], None]


class ScriptedDatabase:
    """``serve(request)`` gives each answer or raises it.

    With ``holds``, a submitted request is answered only by ``finish_all``, as a write that
    waits for the disk.
    """

    def __init__(self, serve: Callable[[Request], Result], *, holds: bool = False) -> None:
        self.env = sim_env()
        self.holds = holds
        self.is_closed = False
        self.why_degraded: str | None = None
        self._serve = serve
        self._held: list[Callable[[], None]] = []

    def call(self, request: Request, *, profile: LimitsProfile | None = None) -> Result:
        return self._serve(request)

    def call_briefly(self, request: Query, *, profile: LimitsProfile | None = None) -> Page | None:
        """Every query is a long one here."""
        return None

    def submit(
        self,
        request: Request,
        done: Done,
        defer: Callable[[Callable[[], None]], object],
        *,
        profile: LimitsProfile | None = None,
    ) -> None:
        def finish() -> None:
            try:
                result = self._serve(request)
            except BaseException as error:
                done(None, error)
            else:
                done(result, None)

        if self.holds:
            self._held.append(lambda: defer(finish))
        else:
            finish()

    async def held(self, count: int) -> None:
        """Return when ``count`` requests wait."""
        while len(self._held) < count:
            await asyncio.sleep(0)

    def finish_all(self) -> None:
        held, self._held = self._held, []
        for finish in held:
            finish()

    def close(self) -> None:
        self.is_closed = True
