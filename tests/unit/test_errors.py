"""The error tree: its codes, and that a client rebuilds what a server raised."""

from __future__ import annotations

import pytest

from kvdb import errors
from kvdb.errors import (
    BY_CODE,
    ConditionalCheckFailed,
    CorruptionError,
    InternalError,
    KvdbError,
    RequestError,
    RetryableError,
    StorageError,
    from_code,
)

CLASSES = [value for value in vars(errors).values() if isinstance(value, type)]
ERROR_CLASSES = [cls for cls in CLASSES if issubclass(cls, KvdbError)]


def test_every_class_has_a_code_of_its_own() -> None:
    assert {cls.code for cls in ERROR_CLASSES} == set(BY_CODE)
    assert len(BY_CODE) == len(ERROR_CLASSES)


@pytest.mark.parametrize("cls", ERROR_CLASSES)
def test_a_class_is_rebuilt_from_its_code(cls: type[KvdbError]) -> None:
    error = from_code(cls.code, "the message")
    assert type(error) is cls
    assert (str(error), error.message, error.retryable) == ("the message", "the message", cls.retryable)


def test_an_unknown_code_is_an_internal_error() -> None:
    assert type(from_code("FromTheFuture", "x")) is InternalError


@pytest.mark.parametrize("cls", ERROR_CLASSES)
def test_only_errors_of_the_retryable_branch_invite_a_retry(cls: type[KvdbError]) -> None:
    assert cls.retryable == issubclass(cls, RetryableError)


@pytest.mark.parametrize("cls", ERROR_CLASSES)
def test_every_error_says_who_has_to_act(cls: type[KvdbError]) -> None:
    assert cls is KvdbError or issubclass(cls, RequestError | RetryableError | StorageError | InternalError)


def test_every_class_is_drawn_in_the_tree() -> None:
    assert errors.__doc__ is not None
    assert [cls.__name__ for cls in ERROR_CLASSES if cls.__name__ not in errors.__doc__] == []


def test_corruption_names_file_and_offset() -> None:
    error = CorruptionError("block checksum mismatch", file="000012.sst", offset=40960)
    assert str(error) == "block checksum mismatch file=000012.sst offset=40960"


def test_corruption_without_a_place_is_only_its_message() -> None:
    assert str(CorruptionError("bad")) == "bad"


def test_the_detail_fields_of_a_rebuilt_error_are_empty() -> None:
    refused, corrupt = from_code(ConditionalCheckFailed.code, "x"), from_code(CorruptionError.code, "x")
    assert isinstance(refused, ConditionalCheckFailed)
    assert isinstance(corrupt, CorruptionError)
    assert (refused.item, corrupt.file, corrupt.offset) == (None, "", -1)


def test_a_refused_condition_carries_the_stored_item() -> None:
    assert ConditionalCheckFailed(item={"a": 1}).item == {"a": 1}
    assert str(ConditionalCheckFailed()) == "The conditional request failed"
