"""What every call passes, whatever door it came by: admission, an id, metrics, the log, its error.

Admission bounds the whole server: a call is counted from before it is decoded until its work has
ended, also when its caller has gone away meanwhile. So the queues behind it (the pool of threads,
the latches, the commit queue) are bounded by it.

What leaves here as an error says nothing of the server's inside: a mistake of ours becomes an
``InternalError`` that names the request id under which the log has the rest, and the place of the
database directory is cut out of messages about its files.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from kvdb.api.operations import OPERATIONS
from kvdb.env.env import Env
from kvdb.errors import (
    ClosedError,
    CorruptionError,
    DeadlineExceeded,
    InternalError,
    KvdbError,
    RequestLimitExceeded,
    ServiceUnavailable,
    StorageError,
)
from kvdb.metrics import Histogram
from kvdb.options import ServerOptions

_log = logging.getLogger("kvdb.server")

_NS_PER_MS = 1_000_000


class Call:
    """One admitted call. ``release`` it when its work has ended; more than once does no harm."""

    __slots__ = ("_is_released", "_number", "_pipeline", "_request_bytes", "_started_ns", "operation")

    def __init__(
        self, pipeline: Pipeline, operation: str, number: int, started_ns: int, request_bytes: int
    ) -> None:
        self._pipeline = pipeline
        self._request_bytes = request_bytes
        self._number = number
        self._started_ns = started_ns
        self._is_released = False
        self.operation = operation

    @property
    def request_id(self) -> str:
        """Names this call in the log and to its caller."""
        return self._pipeline.request_id(self._number)

    def release(self) -> None:
        if not self._is_released:
            self._is_released = True
            self._pipeline.in_flight -= 1
            self._pipeline.bytes_in_flight -= self._request_bytes

    def succeeded(self) -> None:
        """The answer is ready: observe how long it took."""
        self._pipeline.observe(self, self._started_ns)

    def failed(self, error: BaseException) -> KvdbError:
        """What the caller is told of ``error``; the log is told the rest."""
        self._pipeline.observe(self, self._started_ns)
        told = self._pipeline.told(error, self)
        self._pipeline.errors.add()
        if _log.isEnabledFor(logging.DEBUG):
            _log.debug(
                "call refused operation=%s request_id=%s code=%s", self.operation, self.request_id, told.code
            )
        return told


class Pipeline:
    """For one event loop's thread: ``begin`` and every method of a ``Call`` belong to it."""

    def __init__(
        self,
        env: Env,
        operations: Iterable[str],
        *,
        concurrent_calls_max: int,
        request_bytes_max: int,
        data_dir: str,
    ) -> None:
        self._clock = env.clock
        self._concurrent_calls_max = concurrent_calls_max
        self._request_bytes_max = request_bytes_max
        self._data_dir_prefix = data_dir.rstrip("/") + "/"
        self._calls = 0
        self.in_flight = 0
        self.bytes_in_flight = 0
        self.server_id = env.entropy.bytes(4).hex()
        """Tells the request ids of one run of the server from another's."""
        self._metrics = env.metrics
        self._latency_ms: dict[str, Histogram] = {}
        self.expect(operations)
        self._refused = env.metrics.counter("server_calls_refused_total")
        self.errors = env.metrics.counter("server_calls_failed_total")
        env.metrics.gauge("server_calls_in_flight").read_by(lambda: self.in_flight)

    @classmethod
    def of_server(cls, env: Env, options: ServerOptions) -> Pipeline:
        """As the options say."""
        return cls(
            env,
            [operation.name for operation in OPERATIONS],
            concurrent_calls_max=options.concurrent_calls_max,
            request_bytes_max=options.request_bytes_in_flight_max,
            data_dir=options.data_dir,
        )

    def expect(self, operations: Iterable[str]) -> None:
        """Make room for calls of these names; each has a histogram."""
        for operation in operations:
            self._latency_ms[operation] = self._metrics.histogram(f"server_{operation}_ms")

    def begin(self, operation: str, request_bytes: int) -> Call:
        """Admit a call. One alone is always admitted, however large.

        Raises:
            RequestLimitExceeded: as many calls, or bytes of calls, as allowed are in flight;
                nothing was done.
        """
        if self.in_flight >= self._concurrent_calls_max:
            self._refused.add()
            raise RequestLimitExceeded(f"too many calls at once max={self._concurrent_calls_max}")
        if self.in_flight and self.bytes_in_flight + request_bytes > self._request_bytes_max:
            self._refused.add()
            raise RequestLimitExceeded(f"too many bytes of calls at once max={self._request_bytes_max}")
        self.in_flight += 1
        self.bytes_in_flight += request_bytes
        self._calls += 1
        return Call(self, operation, self._calls, self._clock.monotonic_ns(), request_bytes)

    def request_id(self, number: int) -> str:
        return f"{self.server_id}-{number:x}"

    def new_request_id(self) -> str:
        """For a request that is refused before it becomes a call."""
        self._calls += 1
        return self.request_id(self._calls)

    def observe(self, call: Call, started_ns: int) -> None:
        self._latency_ms[call.operation].observe((self._clock.monotonic_ns() - started_ns) / _NS_PER_MS)

    def told(self, error: BaseException, call: Call) -> KvdbError:
        """The error as it may leave the server."""
        if isinstance(error, TimeoutError):
            return DeadlineExceeded("the deadline passed")
        if isinstance(error, ClosedError):
            return ServiceUnavailable("the server is stopping")
        if isinstance(error, StorageError):
            return self._without_directory(error)
        if isinstance(error, KvdbError) and not isinstance(error, InternalError):
            return error
        return self._mistake(error, call.operation, call.request_id)

    def told_outside_call(self, error: Exception) -> KvdbError:
        """As ``told``, of what went wrong with a request that is no call yet."""
        self.errors.add()
        return self._mistake(error, "none", self.new_request_id())

    def _mistake(self, error: BaseException, operation: str, request_id: str) -> InternalError:
        _log.error("call failed operation=%s request_id=%s", operation, request_id, exc_info=error)
        return InternalError(f"internal server error request_id={request_id}")

    def _without_directory(self, error: StorageError) -> StorageError:
        error.message = error.message.replace(self._data_dir_prefix, "")
        if isinstance(error, CorruptionError):
            error.file = error.file.replace(self._data_dir_prefix, "")
        return error
