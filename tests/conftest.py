"""Fixtures that several folders of tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

import kvdb
from tests.support.served import served

# No test asserts a time, so no example has a deadline: a busy machine is no finding. Examples follow
# from the test alone, so a run that failed fails again; ``--hypothesis-profile=search`` draws new ones.
settings.register_profile(
    "kvdb", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kvdb")

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
