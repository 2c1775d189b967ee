"""Fixtures that several folders of tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import HealthCheck, settings

import kvdb
from kvdb.options import DatabaseOptions
from tests.support.awaited_transport import AwaitedTransport
from tests.support.http_transport import HttpTransport
from tests.support.served import event_loop_thread, http_options, in_memory_options, served, served_doors

# No test asserts a time, so no example has a deadline: a busy machine is no finding. Examples follow
# from the test alone, so a run that failed fails again; ``--hypothesis-profile=search`` draws new ones.
settings.register_profile(
    "kvdb", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kvdb")

DOORS = ("embedded", "grpc", "embedded-async", "grpc-async", "http")
_ONE_ATTEMPT = kvdb.ClientOptions(attempts_max=1)


@contextmanager
def client_of(door: str, database: DatabaseOptions | None = None) -> Iterator[kvdb.Client]:
    """A client of an empty database. Retries are off: they would hide faults."""
    database = database or DatabaseOptions()
    if door == "embedded":
        with kvdb.open(":memory:", options=database) as client:
            yield client
    elif door == "grpc":
        with (
            served(in_memory_options(database=database)) as address,
            kvdb.connect(f"grpc://{address}", options=_ONE_ATTEMPT) as client,
        ):
            yield client
    elif door == "http":
        with served_doors(http_options(database=database)) as addresses:
            assert addresses.http is not None
            with kvdb.Client(HttpTransport(addresses.http)) as client:
                yield client
    elif door == "embedded-async":
        with (
            event_loop_thread() as run,
            _awaited(run, lambda: kvdb.open_async(":memory:", options=database)) as client,
        ):
            yield client
    else:
        assert door == "grpc-async"
        with served(in_memory_options(database=database)) as address, event_loop_thread() as run:
            connect = lambda: kvdb.connect_async(f"grpc://{address}", options=_ONE_ATTEMPT)  # noqa: E731
            with _awaited(run, connect) as client:
                yield client


def _awaited(run: Callable[..., Any], connect: Callable[[], object]) -> kvdb.Client:
    return kvdb.Client(AwaitedTransport(run(connect)._transport, run))
