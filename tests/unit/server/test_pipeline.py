"""Admission counts honestly, and an error leaves the server without its inside."""

from __future__ import annotations

import logging

import pytest

from kvdb.errors import (
    ClosedError,
    CorruptionError,
    DeadlineExceeded,
    DiskError,
    InternalError,
    RequestLimitExceeded,
    ServiceUnavailable,
    ValidationError,
)
from kvdb.server.pipeline import Pipeline
from kvdb.testing import sim_env


def pipeline(calls_max: int = 2, bytes_max: int = 1000) -> tuple[Pipeline, object]:
    env = sim_env()
    made = Pipeline(
        env,
        ["GetItem", "Scan"],
        concurrent_calls_max=calls_max,
        request_bytes_max=bytes_max,
        data_dir="/srv/data/",
    )
    return made, env


def test_one_call_too_many_is_refused_and_counted() -> None:
    door, env = pipeline(calls_max=2)
    door.begin("GetItem", 10)
    door.begin("Scan", 10)
    with pytest.raises(RequestLimitExceeded, match="max=2"):
        door.begin("GetItem", 10)
    read = env.metrics.read()
    assert (read["server_calls_in_flight"], read["server_calls_refused_total"]) == (2, 1)


def test_a_released_call_makes_room_for_one() -> None:
    door, _ = pipeline(calls_max=1)
    call = door.begin("GetItem", 10)
    call.release()
    call.release()
    door.begin("GetItem", 10)
    with pytest.raises(RequestLimitExceeded):
        door.begin("GetItem", 10)


def test_more_bytes_than_may_be_in_flight_are_refused_but_for_a_call_alone() -> None:
    door, _ = pipeline(calls_max=9, bytes_max=100)
    large = door.begin("GetItem", 500)
    with pytest.raises(RequestLimitExceeded, match="bytes of calls at once max=100"):
        door.begin("GetItem", 1)
    large.release()
    large.release()
    door.begin("GetItem", 60)
    door.begin("GetItem", 40)
    with pytest.raises(RequestLimitExceeded):
        door.begin("GetItem", 1)


def test_latency_is_observed_by_operation() -> None:
    door, env = pipeline()
    call = door.begin("Scan", 10)
    env.clock.advance_ms(7)
    call.succeeded()
    read = env.metrics.read()
    assert (read["server_Scan_ms_count"], read["server_Scan_ms_sum"]) == (1, 7.0)
    assert read["server_GetItem_ms_count"] == 0


def test_failures_are_counted() -> None:
    door, env = pipeline()
    door.begin("Scan", 10).failed(ValidationError("no"))
    assert env.metrics.read()["server_calls_failed_total"] == 1
    assert env.metrics.read()["server_Scan_ms_count"] == 1


def test_request_ids_differ() -> None:
    door, _ = pipeline()
    first, second = door.begin("Scan", 10), door.begin("Scan", 10)
    assert first.request_id != second.request_id
    assert first.request_id.startswith(door.server_id)


def test_an_error_of_the_request_is_told_as_it_is() -> None:
    door, _ = pipeline()
    error = ValidationError("no")
    assert door.begin("Scan", 10).failed(error) is error


@pytest.mark.parametrize("error", [KeyError("secret /srv/data/x"), InternalError("secret")])
def test_a_mistake_of_ours_is_told_by_its_request_id_alone(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    door, _ = pipeline()
    call = door.begin("Scan", 10)
    with caplog.at_level(logging.ERROR, "kvdb.server"):
        told = call.failed(error)
    assert type(told) is InternalError
    assert told.message == f"internal server error request_id={call.request_id}"
    assert call.request_id in caplog.text
    assert "secret" in caplog.text


def test_a_closed_database_means_a_stopping_server() -> None:
    door, _ = pipeline()
    assert type(door.begin("Scan", 10).failed(ClosedError("the database is closed"))) is ServiceUnavailable


def test_time_that_ran_out_is_the_deadline() -> None:
    door, _ = pipeline()
    assert type(door.begin("Scan", 10).failed(TimeoutError())) is DeadlineExceeded


def test_messages_about_files_leave_out_the_directory() -> None:
    door, _ = pipeline()
    damage = door.begin("Scan", 10).failed(CorruptionError("bad block", file="/srv/data/12.sst", offset=5))
    assert (damage.message, damage.file) == ("bad block file=12.sst offset=5", "12.sst")
    assert (
        str(door.begin("Scan", 10).failed(DiskError("refused file=/srv/data/7.log")).message)
        == "refused file=7.log"
    )
