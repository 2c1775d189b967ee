"""What takes a second thread to show of feeds, through every door that has them."""

from __future__ import annotations

import threading
from contextlib import closing
from itertools import islice

import pytest

import kvdb
from tests.conftest import DOORS, client_of

NATIVE_DOORS = [door for door in DOORS if door != "http"]
DANISH = {"dynamodb": {"Keys": {"k": {"S": ["DK"]}}}}


def first(table: kvdb.Table, from_: str, **more: object) -> kvdb.Change:
    with closing(table.changes(from_, **more)) as feed:  # type: ignore[arg-type]
        (change,) = islice(feed, 1)
    return change


@pytest.mark.parametrize("door", NATIVE_DOORS)
def test_a_feed_waits_for_what_comes(door: str) -> None:
    with client_of(door) as client:
        table = client.create_table("ttt", key=("k", "S"), stream="NEW_IMAGE")
        place = client.cursor()
        writer = threading.Timer(0.05, lambda: table.put({"k": "a"}))
        writer.start()
        assert first(table, place).keys == {"k": "a"}
        writer.join()


@pytest.mark.parametrize("door", NATIVE_DOORS)
def test_a_quiet_feed_tells_how_far_it_has_come(door: str) -> None:
    with client_of(door) as client:
        table = client.create_table("ttt", key=("k", "S"), stream="NEW_IMAGE")
        place = client.cursor()
        cursors: list[str] = []
        writer = threading.Timer(0.6, lambda: table.put({"k": "DK"}))
        writer.start()
        table.put({"k": "IS"})
        first(table, place, patterns=[DANISH], on_progress=cursors.append, heartbeat_ms=100)
        writer.join()
        # Of the beginning, and then of the change that was passed over.
        assert len(cursors) >= 2
        assert first(table, cursors[-1]).keys == {"k": "DK"}
