"""Every class of error is the same class after the wire, and a bare status finds one too."""

from __future__ import annotations

import grpc
import pytest

from kvdb import errors
from kvdb.env.worker import WorkerDied
from kvdb.rpc import status

Code = grpc.StatusCode


def through_the_wire(error: errors.KvdbError, **limits: int) -> errors.KvdbError:
    metadata = ((status.DETAIL_KEY, status.encode_detail(error, **limits)),)
    return status.error_from(status.status_of(error), "status text", metadata)


REASONS = [
    errors.CancellationReason(),
    errors.CancellationReason("ConditionalCheckFailed", "The conditional request failed", {"id": 1}),
    errors.CancellationReason("ValidationError", "no number"),
    errors.CancellationReason("TransactionConflict", "", {}),
]


def example_of(cls: type[errors.KvdbError]) -> errors.KvdbError:
    return cls(REASONS) if cls is errors.TransactionCanceled else cls("what went wrong")


@pytest.mark.parametrize("cls", errors.BY_CODE.values(), ids=lambda cls: cls.__name__)
def test_every_class_has_a_status_and_comes_back(cls: type[errors.KvdbError]) -> None:
    assert cls in status.STATUS
    error = example_of(cls)
    found = through_the_wire(error)
    assert type(found) is cls
    assert (found.message, found.code, found.retryable) == (error.message, cls.code, cls.retryable)
    assert vars(found) == vars(error)


def test_the_table_names_no_other_class() -> None:
    assert set(status.STATUS) == set(errors.BY_CODE.values())


def test_a_class_of_another_room_has_the_status_of_its_parent() -> None:
    assert status.status_of(WorkerDied("gone")) is Code.INTERNAL


def test_the_old_item_of_a_failed_condition_comes_along() -> None:
    found = through_the_wire(errors.ConditionalCheckFailed(item={"id": 1, "x": None}))
    assert isinstance(found, errors.ConditionalCheckFailed)
    assert found.item == {"id": 1, "x": None}


def test_no_old_item_stays_none_and_an_empty_one_empty() -> None:
    assert through_the_wire(errors.ConditionalCheckFailed()).item is None
    assert through_the_wire(errors.ConditionalCheckFailed(item={})).item == {}


def test_an_old_item_larger_than_the_caller_takes_is_left_out() -> None:
    error = errors.ConditionalCheckFailed(item={"x": "x" * 10_000})
    assert through_the_wire(error).item is None
    assert through_the_wire(error, bytes_max=20_000).item == error.item


def test_the_reasons_of_a_cancelled_transaction_come_along() -> None:
    found = through_the_wire(errors.TransactionCanceled(REASONS))
    assert isinstance(found, errors.TransactionCanceled)
    assert found.reasons == tuple(REASONS)
    assert found.message.endswith("[None, ConditionalCheckFailed, ValidationError, TransactionConflict]")


def test_the_message_of_a_long_transaction_is_whole() -> None:
    error = errors.TransactionCanceled([errors.CancellationReason("ConditionalCheckFailed")] * 100)
    assert len(error.message) > status.MESSAGE_BYTES_MAX
    assert through_the_wire(error).message == error.message


def test_reasons_that_do_not_fit_lose_their_items_then_their_messages_then_go() -> None:
    reason = errors.CancellationReason("ConditionalCheckFailed", "m" * 100, {"x": "x" * 1_000})
    error = errors.TransactionCanceled([reason] * 40)

    def reasons_within(bytes_max: int) -> list[errors.CancellationReason]:
        assert len(status.encode_detail(error, bytes_max=bytes_max)) <= bytes_max
        return list(through_the_wire(error, bytes_max=bytes_max).reasons)

    without_item = reason._replace(item=None)
    assert reasons_within(1_500) == []
    assert reasons_within(5_000) == [without_item._replace(message=None)] * 40
    assert reasons_within(7_000) == [without_item] * 40
    assert reasons_within(50_000) == [reason] * 40
    some = reasons_within(20_000)
    items = sum(kept.item is not None for kept in some)
    assert some == [reason] * items + [without_item] * (40 - items)
    # One more would not have fitted: an item takes a little over 1,000 bytes.
    assert len(status.encode_detail(error, bytes_max=20_000)) > 20_000 - 2_000


@pytest.mark.parametrize("cls", [errors.Throttled, errors.ThroughputExceeded])
def test_the_reasons_of_throttling_come_along(cls: type[errors.Throttled]) -> None:
    reasons = (
        errors.ThrottlingReason("TableWriteProvisionedThroughputExceeded", "arn:t"),
        errors.ThrottlingReason("IndexReadMaxOnDemandThroughputExceeded", "arn:t/index/i"),
    )
    found = through_the_wire(cls("slow down", reasons=reasons))
    assert type(found) is cls
    assert found.reasons == reasons


def test_file_and_offset_of_damage_come_along() -> None:
    found = through_the_wire(errors.CorruptionError("bad block", file="000012.sst", offset=4096))
    assert isinstance(found, errors.CorruptionError)
    assert (found.message, found.file, found.offset) == (
        "bad block file=000012.sst offset=4096",
        "000012.sst",
        4096,
    )


@pytest.mark.parametrize(
    ("code", "message", "cls"),
    [
        (Code.UNAVAILABLE, "connection refused", errors.ServiceUnavailable),
        (Code.DEADLINE_EXCEEDED, "Deadline Exceeded", errors.DeadlineExceeded),
        (Code.UNIMPLEMENTED, "Method not found!", errors.UnknownOperation),
        (Code.RESOURCE_EXHAUSTED, "Concurrent RPC limit exceeded!", errors.RequestLimitExceeded),
        (
            Code.RESOURCE_EXHAUSTED,
            "SERVER: Received message larger than max (9 vs. 4)",
            errors.MessageTooLarge,
        ),
        (Code.CANCELLED, "Channel closed!", errors.ClosedError),
        (Code.INTERNAL, "RST_STREAM", errors.InternalError),
        (Code.UNKNOWN, None, errors.InternalError),
    ],
)
def test_a_status_of_grpc_itself_finds_its_class(
    code: grpc.StatusCode, message: str | None, cls: type[errors.KvdbError]
) -> None:
    found = status.error_from(code, message, None)
    assert type(found) is cls
    assert (message or code.name) in found.message


def test_a_code_of_a_later_server_is_an_internal_error() -> None:
    class Later(errors.KvdbError):
        code = "LaterException"

    assert type(through_the_wire(Later("later"))) is errors.InternalError


def test_a_detail_that_cannot_be_read_is_an_internal_error() -> None:
    found = status.error_from(Code.UNKNOWN, "", ((status.DETAIL_KEY, b"\xff"),))
    assert type(found) is errors.InternalError


def test_a_long_message_is_clipped_between_characters() -> None:
    assert status.clipped("short") == "short"
    clipped = status.clipped("ö" * 1000, 101)
    assert clipped == "ö" * 49 + "..."
    assert len(through_the_wire(errors.ValidationError("ö" * 100_000)).message.encode()) <= 2048


def test_a_message_with_a_lone_surrogate_is_sent_all_the_same() -> None:
    assert through_the_wire(errors.ValidationError("bad \ud800")).message == "bad ?"
