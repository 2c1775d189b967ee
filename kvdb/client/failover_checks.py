"""The health checks of several servers, round after round, for threads and asyncio.

A round asks all endpoints at once and lasts at most ``check_timeout_ms``; the next begins
``check_interval_ms`` after its end. The first begins with the client's first call. What a round
changes is logged, and told to ``on_switch`` from the thread, or the event loop, of the checks.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from kvdb.client.failover import Choice, Switch
from kvdb.client.transport import AsyncEndpoint, Endpoint
from kvdb.env.clock import Clock
from kvdb.env.jobs import ThreadJobRunner
from kvdb.options import FailoverOptions

OnSwitch = Callable[[Switch], object]

_NS_PER_MS = 1_000_000
_log = logging.getLogger("kvdb.client")


class Checker:
    """A job: a thread of its own, from ``begin`` to ``close``."""

    name = "failover"

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        choice: Choice,
        options: FailoverOptions,
        clock: Clock,
        on_switch: OnSwitch | None,
    ) -> None:
        self._endpoints = endpoints
        self._choice = choice
        self._options = options
        self._clock = clock
        self._on_switch = on_switch
        self._lock = threading.Lock()
        self._runner: ThreadJobRunner | None = None
        self._is_closed = False

    def begin(self) -> None:
        """Doing it again is fine."""
        if self._runner is not None or self._is_closed:
            return
        with self._lock:
            if self._runner is None and not self._is_closed:
                runner = ThreadJobRunner(self._clock, offload_bytes_min=0)
                runner.add(self).wake()
                self._runner = runner

    def step(self, now_ms: int) -> int | None:
        """One round."""
        timeout_s = self._options.check_timeout_ms / 1000
        waits = [endpoint.begin_check(timeout_s) for endpoint in self._endpoints]
        verdicts = [wait() for wait in waits]
        if self._is_closed:
            return None
        switch = self._choice.observe(verdicts, self._clock.monotonic_ns() // _NS_PER_MS)
        for index in self._choice.fallen:
            self._endpoints[index].break_feeds()
        _tell(switch, self._on_switch)
        return self._options.check_interval_ms

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
        if self._runner is not None:
            self._runner.close()


class AsyncChecker:
    """A task of the event loop that ``begin`` is called on."""

    def __init__(
        self,
        endpoints: Sequence[AsyncEndpoint],
        choice: Choice,
        options: FailoverOptions,
        clock: Clock,
        on_switch: OnSwitch | None,
    ) -> None:
        self._endpoints = endpoints
        self._choice = choice
        self._options = options
        self._clock = clock
        self._on_switch = on_switch
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Doing it again is fine."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while True:
            await self.round()
            await asyncio.sleep(self._options.check_interval_ms / 1000)

    async def round(self) -> None:
        timeout_s = self._options.check_timeout_ms / 1000
        verdicts = await asyncio.gather(*(endpoint.check(timeout_s) for endpoint in self._endpoints))
        switch = self._choice.observe(verdicts, self._clock.monotonic_ns() // _NS_PER_MS)
        for index in self._choice.fallen:
            self._endpoints[index].break_feeds()
        _tell(switch, self._on_switch)

    async def close(self) -> None:
        if self._task is None or self._task is asyncio.current_task():
            return
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task


def _tell(switch: Switch | None, on_switch: OnSwitch | None) -> None:
    if switch is None:
        return
    _log.warning(
        "endpoint switched from=%s to=%s number=%d reason=%s",
        *(switch.source, switch.target, switch.number, switch.reason),
    )
    if on_switch is None:
        return
    try:
        on_switch(switch)
    except Exception:
        # A program's own fault must not end the checks.
        _log.exception("on_switch failed number=%d", switch.number)
