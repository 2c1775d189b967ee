"""The HTTP door beside a bare server of the same bytes: requests a second, p50 and p99.

    python -m bench.http [--seconds S] [--rounds N] [--peer NAME=HOST:PORT ...] [--json FILE]

Put, get, update with a condition, query of 10 and batch of 25, at 1 and 16 connections, against
``kvdb serve --http`` in sync mode commit on a disk. The bare server stands on the same parser and
loop, looks into nothing, and answers as many bytes as kvdb does. A peer is any DynamoDB endpoint
that is up already. All are loaded by the same client, in turn, from a process of its own; a request
is written when the answer before it has come, on a new connection if the server closed the last.
In each round every server does the same workload one after the other; what counts is the median of
the rounds. Cold start and memory are those of kvdb.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import httptools
import uvloop

_TABLE = "bench-orders"
_ITEMS = 1_000
_CONNECTIONS = (1, 16)
_FIGURES = ("a_second", "p50_ms", "p99_ms")
_HEAD = (
    "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Amz-Target: DynamoDB_20120810.{}\r\n"
    "Content-Type: application/x-amz-json-1.0\r\nX-Amz-Date: 20260101T000000Z\r\n"
    "Authorization: AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/dynamodb/aws4_request, "
    "SignedHeaders=host, Signature=0000\r\nContent-Length: {}\r\n\r\n"
)
Body = dict[str, object]


def key(number: int) -> Body:
    return {"customer": {"S": f"customer-{number % 100:04}"}, "order": {"S": f"order-{number % _ITEMS:06}"}}


def item(number: int) -> Body:
    return {
        **key(number),
        "total": {"N": str(number * 7 % 9_999)},
        "note": {"S": "left at the door " * 4},
        "tags": {"SS": ["a", "b"]},
        "lines": {"L": [{"M": {"sku": {"S": f"sku-{line}"}, "count": {"N": "3"}}} for line in range(4)]},
    }


def put(number: int) -> tuple[str, Body]:
    return "PutItem", {"TableName": _TABLE, "Item": item(number)}


def get(number: int) -> tuple[str, Body]:
    return "GetItem", {"TableName": _TABLE, "Key": key(number * 7)}


def update(number: int) -> tuple[str, Body]:
    return "UpdateItem", {
        "TableName": _TABLE,
        "Key": key(number),
        "UpdateExpression": "SET #t = #t + :one",
        "ConditionExpression": "attribute_exists(#t)",
        "ExpressionAttributeNames": {"#t": "total"},
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }


def query(number: int) -> tuple[str, Body]:
    return "Query", {
        "TableName": _TABLE,
        "KeyConditionExpression": "customer = :c",
        "ExpressionAttributeValues": {":c": key(number)["customer"]},
    }


def batch(number: int) -> tuple[str, Body]:
    writes = [{"PutRequest": {"Item": item(number * 25 + place)}} for place in range(25)]
    return "BatchWriteItem", {"RequestItems": {_TABLE: writes}}


WORKLOADS: dict[str, Callable[[int], tuple[str, Body]]] = {
    "put": put,
    "get": get,
    "update": update,
    "query of 10": query,
    "batch of 25": batch,
}


def as_bytes(operation: str, body: Body) -> bytes:
    data = json.dumps(body, separators=(",", ":")).encode()
    return _HEAD.format(operation, len(data)).encode() + data


class _Wire(asyncio.Protocol):
    """One caller that always has one request under way, until the time is over.

    A server that closes after each answer costs it a connection for each request, as it costs any client.
    """

    def __init__(
        self, address: tuple[str, int], requests: list[bytes], first: int, until: float, taken: list[float]
    ) -> None:
        self._address = address
        self._requests, self._next, self._until, self._taken = requests, first, until, taken
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.statuses: set[int] = set()
        self.answer_bytes = 0

    async def run(self) -> None:
        """Connect as often as the server makes that needed, and send until the time is over."""
        loop = asyncio.get_running_loop()
        self._started = time.perf_counter()
        while not self.done.done():
            self._gone: asyncio.Future[None] = loop.create_future()
            await loop.create_connection(lambda: self, *self._address)
            await self._gone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._parser = httptools.HttpResponseParser(self)
        self._is_answered = False
        self._send()

    def _send(self) -> None:
        self._next += 1
        self._received = 0
        self._transport.write(self._requests[self._next % len(self._requests)])  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        now = time.perf_counter()
        self._taken.append(now - self._started)
        self.statuses.add(self._parser.get_status_code())
        self.answer_bytes = max(self.answer_bytes, self._received)
        self._is_answered = True
        self._started = now
        if now >= self._until:
            self.done.set_result(None)
            self._transport.close()
        elif self._parser.should_keep_alive():
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self._is_answered and not self.done.done():
            self.done.set_exception(ConnectionError("the server closed the connection unasked"))
        if not self._gone.done():
            self._gone.set_result(None)


async def _load(host: str, port: int, workload: str, connections: int, seconds: float) -> Body:
    make = WORKLOADS.get(workload)
    requests = [as_bytes(*make(number)) for number in range(_ITEMS)] if make else [as_bytes("GetItem", {})]
    taken: list[float] = []
    started = time.perf_counter()
    firsts = [place * _ITEMS // connections for place in range(connections)]
    wires = [_Wire((host, port), requests, first, started + seconds, taken) for first in firsts]
    await asyncio.gather(*(wire.run() for wire in wires), *(wire.done for wire in wires))
    elapsed = time.perf_counter() - started
    taken.sort()
    return {
        "a_second": round(len(taken) / elapsed),
        "p50_ms": round(taken[len(taken) // 2] * 1000, 3),
        "p99_ms": round(taken[len(taken) * 99 // 100] * 1000, 3),
        "statuses": sorted({status for wire in wires for status in wire.statuses}),
        "answer_bytes": max(wire.answer_bytes for wire in wires),
        "request_bytes": len(requests[0]),
    }


class _Bare(asyncio.Protocol):
    """Answers each request with so many bytes."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        self._transport.write(self._answer)  # type: ignore[attr-defined]


async def _serve_bare(answer_bytes: int) -> None:
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {}\r\n\r\n"
    body = max(0, answer_bytes - len(head) - 2)
    answer = head.format(body).encode() + b"x" * body
    server = await asyncio.get_running_loop().create_server(lambda: _Bare(answer), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


def _client(host: str, port: int, workload: str, connections: int, seconds: float) -> Body:
    command = [sys.executable, "-m", "bench.http", "load", host, str(port), workload]
    done = subprocess.run([*command, str(connections), str(seconds)], stdout=subprocess.PIPE, check=True)
    return dict(json.loads(done.stdout))


def _post(host: str, port: int, operation: str, body: Body) -> int:
    from http.client import HTTPConnection

    wire = HTTPConnection(host, port, timeout=30)
    head, _, data = as_bytes(operation, body).partition(b"\r\n\r\n")
    lines = [line.split(": ", 1) for line in head.decode().split("\r\n")[1:]]
    wire.request("POST", "/", data, dict(lines))
    status = wire.getresponse().status
    wire.close()
    return status


def _fill(host: str, port: int) -> None:
    keys = [("customer", "HASH"), ("order", "RANGE")]
    _post(
        host,
        port,
        "CreateTable",
        {
            "TableName": _TABLE,
            "KeySchema": [{"AttributeName": name, "KeyType": role} for name, role in keys],
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
            "BillingMode": "PAY_PER_REQUEST",
        },
    )
    deadline = time.monotonic() + 30
    while _post(host, port, *put(0)) != 200 and time.monotonic() < deadline:
        time.sleep(0.1)
    for number in range(_ITEMS):
        _post(host, port, *put(number))


def _measure(servers: dict[str, tuple[str, int]], seconds: float) -> list[Body]:
    """One round: each workload on each server, one after the other, and on a bare one like kvdb."""
    rows: list[Body] = []
    for workload in WORKLOADS:
        for connections in _CONNECTIONS:
            place: Body = {"workload": workload, "connections": connections}
            for name, (host, port) in servers.items():
                figures = _client(host, port, workload, connections, seconds)
                rows.append({"server": name, **place, **figures})
                if name == "kvdb":
                    figures = _bare(workload, connections, seconds, figures["answer_bytes"])
                    rows.append({"server": "bare", **place, **figures})
    return rows


def _medians(rounds: list[list[Body]]) -> list[Body]:
    found = []
    for rows in zip(*rounds, strict=True):
        middle = {name: median(float(str(row[name])) for row in rows) for name in _FIGURES}
        statuses = sorted({str(row["statuses"]) for row in rows})
        found.append({**rows[0], **middle, "statuses": " ".join(statuses)})
    return found


def _print(rows: list[Body]) -> None:
    rate = {(row["server"], row["workload"], row["connections"]): float(str(row["a_second"])) for row in rows}
    for row in rows:
        kvdb = rate["kvdb", row["workload"], row["connections"]]
        refused = "" if row["statuses"] == "[200]" else f"  statuses {row['statuses']}"
        print(
            f"{row['server']:<10} {row['workload']:<12} {row['connections']:>3} connections "
            f"{row['a_second']:>7.0f}/s  p50 {row['p50_ms']:>8.3f} ms  p99 {row['p99_ms']:>8.3f} ms  "
            f"kvdb {kvdb / float(str(row['a_second'])):.2f}x{refused}"
        )


def _bare(workload: str, connections: int, seconds: float, answer_bytes: object) -> Body:
    command = [sys.executable, "-m", "bench.http", "bare", str(answer_bytes)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        figures = _client("127.0.0.1", port, workload, connections, seconds)
        server.kill()
    return figures


@contextmanager
def _kvdb() -> Iterator[tuple[str, int]]:
    """A server on an empty directory; prints how it started."""
    with tempfile.TemporaryDirectory() as directory:
        options = ["--http", "127.0.0.1:0", "--data-dir", directory + "/data"]
        command = [sys.executable, "-m", "kvdb", "serve", *options]
        started = time.perf_counter()
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as server:
            assert server.stdout is not None
            host, _, port = server.stdout.readline().split("http=")[1].strip().rpartition(":")
            _post(host, int(port), "ListTables", {})
            print(f"cold start to the first answer: {time.perf_counter() - started:.2f} s")
            status = Path(f"/proc/{server.pid}/status").read_text(encoding="ascii")
            print(f"memory when idle: {int(status.split('VmRSS:')[1].split()[0]) / 1024:.0f} MiB")
            yield host, int(port)
            server.terminate()
            server.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=HOST:PORT")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    with _kvdb() as address:
        servers = {"kvdb": address}
        for peer in chosen.peer:
            name, _, where = peer.partition("=")
            host, _, port = where.rpartition(":")
            servers[name] = (host, int(port))
        for host, port in servers.values():
            _fill(host, port)
        rows = _medians([_measure(servers, chosen.seconds) for _ in range(chosen.rounds)])
    _print(rows)
    if chosen.json:
        chosen.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == ["load"]:
        host, port, workload, connections, seconds = sys.argv[2:]
        coroutine = _load(host, int(port), workload, int(connections), float(seconds))
        print(json.dumps(uvloop.run(coroutine)))
    elif sys.argv[1:2] == ["bare"]:
        uvloop.run(_serve_bare(int(sys.argv[2])))
    else:
        main()
