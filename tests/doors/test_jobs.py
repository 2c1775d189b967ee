"""Calls about jobs, through every native door."""

from __future__ import annotations

import pytest

from kvdb.api.jobs import ListJobs
from kvdb.errors import JobNotFound, ValidationError
from tests.conftest import DOORS, client_of


@pytest.mark.parametrize("door", [door for door in DOORS if door != "http"])
def test_a_job_that_is_not_there_is_named(door: str) -> None:
    with client_of(door) as client:
        assert client.jobs() == []
        for call in (client.job, client.cancel_job):
            with pytest.raises(JobNotFound, match="Job not found: 01700000000000-0123abcd"):
                call("01700000000000-0123abcd")
        with pytest.raises(ValidationError, match="job_id must have 1 to 1024 characters"):
            client.job("")
        with pytest.raises(ValidationError, match="limit must be 1 to 100: 101"):
            client.call(ListJobs(limit=101))
