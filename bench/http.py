"""The HTTP door beside a bare server of the same bytes: requests a second, p50 and p99.

    python -m bench.http [--seconds S] [--peer NAME=URL ...] [--json FILE]

Put, get, update with a condition, query of 10 and batch of 25, at 1, 16 and 32 connections, against
``kvdb serve --http`` in sync mode commit on a disk. The bare server stands on the same parser and
loop, looks into nothing, and answers as many bytes as kvdb does. A peer is any DynamoDB endpoint
that is up already. All are loaded by the same client, in turn, from a process of its own; a request
is written when the answer before it has come. Cold start and memory are those of kvdb.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httptools
import uvloop

_TABLE = "bench-orders"
_ITEMS = 1_000
_CONNECTIONS = (1, 16, 32)
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
    """One connection that always has one request under way, until the time is over."""

    def __init__(self, requests: list[bytes], first: int, until: float, taken: list[float]) -> None:
        self._requests, self._next, self._until, self._taken = requests, first, until, taken
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.statuses: set[int] = set()
        self.answer_bytes = 0
        self._parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._send()

    def _send(self) -> None:
        self._next += 1
        self._received = 0
        self._started = time.perf_counter()
        self._transport.write(self._requests[self._next % len(self._requests)])  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        now = time.perf_counter()
        self._taken.append(now - self._started)
        self.statuses.add(self._parser.get_status_code())
        self.answer_bytes = max(self.answer_bytes, self._received)
        if now < self._until:
            self._send()
        elif not self.done.done():
            self.done.set_result(None)
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(ConnectionError("the server closed the connection"))


async def _load(host: str, port: int, workload: str, connections: int, seconds: float) -> dict[str, object]:
    make = WORKLOADS.get(workload)
    requests = [as_bytes(*make(number)) for number in range(_ITEMS)] if make else [as_bytes("GetItem", {})]
    taken: list[float] = []
    started = time.perf_counter()
    loop = asyncio.get_running_loop()
    wires = []
    for place in range(connections):
        first = place * _ITEMS // connections
        _, wire = await loop.create_connection(
            lambda first=first: _Wire(requests, first, started + seconds, taken),  # type: ignore[misc]
            host,
            port,
        )
        wires.append(wire)
    await asyncio.gather(*(wire.done for wire in wires))
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


def _client(host: str, port: int, workload: str, connections: int, seconds: float) -> dict[str, object]:
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


def _measure(name: str, host: str, port: int, seconds: float, rows: list[dict[str, object]]) -> None:
    for workload in WORKLOADS:
        for connections in _CONNECTIONS:
            figures = _client(host, port, workload, connections, seconds)
            row = {"server": name, "workload": workload, "connections": connections, **figures}
            rows.append(row)
            _print(row)


def _print(row: dict[str, object]) -> None:
    refused = "" if row["statuses"] == [200] else f"  statuses {row['statuses']}"
    print(
        f"{row['server']:<10} {row['workload']:<12} {row['connections']:>3} connections "
        f"{row['a_second']:>7}/s  p50 {row['p50_ms']:>7} ms  p99 {row['p99_ms']:>7} ms{refused}",
        flush=True,
    )


def _bare_rows(kvdb_rows: list[dict[str, object]], seconds: float) -> list[dict[str, object]]:
    rows = []
    for like in kvdb_rows:
        command = [sys.executable, "-m", "bench.http", "bare", str(like["answer_bytes"])]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            port = int(server.stdout.readline())
            workload, connections = str(like["workload"]), int(str(like["connections"]))
            figures = _client("127.0.0.1", port, workload, connections, seconds)
            server.kill()
        rows.append({"server": "bare", "workload": workload, "connections": connections, **figures})
        _print(rows[-1])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=HOST:PORT")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as directory:
        command = [
            sys.executable,
            "-m",
            "kvdb",
            "serve",
            "--http",
            "127.0.0.1:0",
            "--data-dir",
            directory + "/data",
        ]
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
            _fill(host, int(port))
            _measure("kvdb", host, int(port), chosen.seconds, rows)
            server.terminate()
            server.wait()
    rows += _bare_rows(list(rows), chosen.seconds)
    for peer in chosen.peer:
        name, _, address = peer.partition("=")
        host, _, port = address.rpartition(":")
        _fill(host, int(port))
        _measure(name, host, int(port), chosen.seconds, rows)
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
