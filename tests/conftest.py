"""Fixtures that several folders of tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import kvdb
from tests.support.served import served

DOORS = ("embedded", "grpc")


def client_of(door: str) -> Iterator[kvdb.Client]:
    if door == "embedded":
        with kvdb.open(":memory:") as client:
            yield client
        return
    options = kvdb.ClientOptions(attempts_max=1)
    with served() as address, kvdb.connect(f"grpc://{address}", options=options) as client:
        yield client


@pytest.fixture(params=DOORS)
def door(request: pytest.FixtureRequest) -> Iterator[kvdb.Client]:
    """A client of an empty database, once through every door. Retries are off: they would hide faults."""
    yield from client_of(request.param)
