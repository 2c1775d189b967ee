from __future__ import annotations

import pytest

from kvdb.api.items import GetItem, PutItem, Query
from kvdb.api.operations import OPERATIONS
from kvdb.database import dispatch
from kvdb.errors import ResourceNotFound, UnknownOperation, ValidationError
from tests.support.builders import open_database


def test_every_operation_is_served_and_nothing_else():
    assert {operation.request for operation in OPERATIONS} == dispatch.SERVED


def test_a_request_is_checked_before_it_is_served():
    floor = open_database()._floor
    with pytest.raises(ValidationError, match="ReturnValues can only be ALL_OLD or NONE"):
        dispatch.serve(floor, PutItem("absent", {}, return_values="ALL_NEW"))  # type: ignore[arg-type]
    with pytest.raises(ResourceNotFound):
        dispatch.serve(floor, PutItem("absent", {}))


def test_only_point_operations_are_for_event_loops():
    floor = open_database()._floor
    with pytest.raises(UnknownOperation, match="not a point operation: Query"):
        dispatch.submit(floor, Query("absent", "a = :a"), print, print)
    with pytest.raises(ResourceNotFound):
        dispatch.submit(floor, GetItem("absent", {}), print, print)
