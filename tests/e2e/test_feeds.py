"""Feeds over gRPC: many readers, a server that is killed, one that stops, and one that is full."""

from __future__ import annotations

import threading
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest

import kvdb
from kvdb.client.changes import Change
from kvdb.errors import RequestLimitExceeded
from tests.support.served import in_memory_options, served
from tests.support.server_process import ServerProcess

PATIENT = kvdb.ClientOptions(attempts_max=60, backoff_ms=20, backoff_ms_max=200, deadline_ms=60_000)
COUNT = 400


def follow(db: kvdb.Client, place: str, found: list[Change], count: int) -> None:
    with closing(db.changes(place)) as feed:
        found += islice(feed, count)


def test_a_feed_goes_on_over_kills_of_the_server(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data")
    port = server.address
    try:
        with kvdb.connect(server.target, options=PATIENT) as db:
            table = db.create_table("ttt", key=("k", "N"), stream="NEW_IMAGE")
            readers: list[tuple[threading.Thread, list[Change]]] = []
            place = db.cursor()
            for _ in range(3):
                found: list[Change] = []
                reader = threading.Thread(target=follow, args=(db, place, found, COUNT))
                reader.start()
                readers.append((reader, found))
            for number in range(COUNT):
                if number in (130, 270):
                    server.kill()
                    server = ServerProcess(tmp_path / "data", "--grpc", port)
                put(table, number)
            for reader, found in readers:
                reader.join(60)
                assert [change.keys["k"] for change in found] == list(range(COUNT))
                numbers = [change.sequence_number for change in found]
                assert numbers == sorted(set(numbers))
    finally:
        server.kill()


def put(table: kvdb.Table, number: int) -> None:
    """Until it is acknowledged. A write that was done twice would change nothing, and leave no record."""
    while True:
        try:
            table.put({"k": number})
            return
        except kvdb.KvdbError as error:
            assert error.retryable


def test_a_server_that_stops_does_not_wait_for_feeds(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "data") as server:
        once = kvdb.ClientOptions(attempts_max=1)
        with kvdb.connect(server.target, options=once) as db:
            table = db.create_table("ttt", key=("k", "N"), stream="NEW_IMAGE")
            ended: list[BaseException] = []
            begun = threading.Event()

            def wait() -> None:
                try:
                    for _ in table.changes(on_progress=lambda cursor: begun.set()):
                        pass
                except kvdb.KvdbError as error:
                    ended.append(error)

            reader = threading.Thread(target=wait)
            reader.start()
            assert begun.wait(30)
            assert server.stop() == 0
            reader.join(30)
            assert [type(error).__name__ for error in ended] == ["ServiceUnavailable"]


def test_the_feeds_of_a_server_are_bounded() -> None:
    once = kvdb.ClientOptions(attempts_max=1)
    with (
        served(in_memory_options(subscriptions_max=1)) as address,
        kvdb.connect(f"grpc://{address}", options=once) as db,
    ):
        table = db.create_table("ttt", key=("k", "N"), stream="NEW_IMAGE")
        table.put({"k": 1})
        with closing(table.changes("start")) as feed:
            next(feed)
            with pytest.raises(RequestLimitExceeded, match="too many feeds at once max=1"):
                next(iter(table.changes("start")))
        # It is over as soon as the server has noticed.
        for _ in range(200):
            try:
                next(iter(table.changes("start")))
                break
            except RequestLimitExceeded:
                db._transport.pause(10)
        else:
            raise AssertionError("a feed that was closed is still counted")
