"""The admin port: health, readiness, metrics in Prometheus' text form.

    GET /health    200 while the process serves this port
    GET /ready     200 while the doors are open and the database takes writes, else 503 and why
    GET /metrics   every instrument of the database and its doors

    histogram server_GetItem_ms  ->  kvdb_server_call_seconds{operation="GetItem"}
    any other  name_ms           ->  kvdb_name_seconds; a counter keeps its _total

Nothing here changes anything, and no item or key appears; of tables, only the names of those that regions
share.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from kvdb.env.env import Env
from kvdb.metrics import Counter, GaugeFamily, Histogram, Registry
from kvdb.options import ServerOptions
from kvdb.server.http_protocol import HttpConnection, HttpRequest
from kvdb.server.listener import Listener

_TEXT = b"text/plain; charset=utf-8"
_METRICS_TEXT = b"text/plain; version=0.0.4; charset=utf-8"
_CALL = re.compile(r"server_([A-Z][A-Za-z]*)_ms")
_MS_PER_S = 1000


class AdminDoor:
    """One listening address. Belongs to the event loop it is started on."""

    def __init__(self, options: ServerOptions, env: Env, why_not_ready: Callable[[], str | None]) -> None:
        assert options.admin_address is not None
        self._metrics = env.metrics
        self._why_not_ready = why_not_ready
        self._listener = Listener(options.admin_address, options, env, self._serve, name="admin")

    async def start(self) -> str:
        """Listen; gives the bound ``HOST:PORT``. Raises as ``Listener.start``."""
        return await self._listener.start()

    async def stop(self, grace_ms: int) -> None:
        await self._listener.stop(grace_ms)

    def _serve(self, connection: HttpConnection, request: HttpRequest) -> None:
        status, media_type, body = self._answer(request)
        head = b"HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n" % (status, media_type, len(body))
        connection.respond(head, b"" if request.method == b"HEAD" else body)

    def _answer(self, request: HttpRequest) -> tuple[bytes, bytes, bytes]:
        if request.method not in (b"GET", b"HEAD"):
            return b"405 Method Not Allowed", _TEXT, b"GET only\n"
        path = request.url.partition(b"?")[0]
        if path == b"/health":
            return b"200 OK", _TEXT, b"ok\n"
        if path == b"/ready":
            why_not = self._why_not_ready()
            if why_not is None:
                return b"200 OK", _TEXT, b"ready\n"
            return b"503 Service Unavailable", _TEXT, f"not ready: {why_not}\n".encode()
        if path == b"/metrics":
            return b"200 OK", _METRICS_TEXT, prometheus_text(self._metrics).encode()
        return b"404 Not Found", _TEXT, b"/health, /ready or /metrics\n"


def prometheus_text(registry: Registry) -> str:
    """Every instrument, in the exposition format 0.0.4."""
    lines: list[str] = []
    typed: set[str] = set()
    for name, instrument in registry.instruments():
        metric, label = _named(name)
        if isinstance(instrument, Histogram):
            kind = "histogram"
            samples = list(_histogram(metric, label, instrument, is_ms=name.endswith("_ms")))
        elif isinstance(instrument, GaugeFamily):
            kind, scale = "gauge", _MS_PER_S if name.endswith("_ms") else 1
            samples = [
                f"{metric}{{{labels}}} {_number(number / scale)}" for labels, number in instrument.samples()
            ]
        else:
            kind = "counter" if isinstance(instrument, Counter) else "gauge"
            samples = [f"{metric} {_number(instrument.value)}"]
        if metric not in typed:
            typed.add(metric)
            lines.append(f"# TYPE {metric} {kind}")
        lines += samples
    return "\n".join(lines) + "\n"


def _named(name: str) -> tuple[str, str]:
    call = _CALL.fullmatch(name)
    if call is not None:
        return "kvdb_server_call_seconds", f'operation="{call[1]}"'
    return f"kvdb_{re.sub('[^a-zA-Z0-9_]', '_', name.removesuffix('_ms'))}" + (
        "_seconds" if name.endswith("_ms") else ""
    ), ""


def _histogram(metric: str, label: str, histogram: Histogram, *, is_ms: bool) -> Iterator[str]:
    scale = _MS_PER_S if is_ms else 1
    comma = f"{label}," if label else ""
    braces = f"{{{label}}}" if label else ""
    below = 0
    for bound, count in zip((*histogram.bounds, None), histogram.counts, strict=True):
        below += count
        upper = "+Inf" if bound is None else _number(bound / scale)
        yield f'{metric}_bucket{{{comma}le="{upper}"}} {below}'
    yield f"{metric}_sum{braces} {_number(histogram.total / scale)}"
    yield f"{metric}_count{braces} {below}"


def _number(value: float) -> str:
    return f"{value:.12g}"
