from __future__ import annotations

import pytest

from kvdb import errors
from kvdb.cli.exits import Exit, exit_of, report


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ValidationError("x"), Exit.REFUSED),
        (errors.ResourceNotFound("x"), Exit.REFUSED),
        (errors.ConditionalCheckFailed(), Exit.CONDITION_FAILED),
        (errors.ServiceUnavailable("x"), Exit.UNAVAILABLE),
        (errors.DeadlineExceeded("x"), Exit.UNAVAILABLE),
        (errors.DatabaseLocked("x"), Exit.STORAGE),
        (errors.CorruptionError("x"), Exit.STORAGE),
        (errors.InternalError("x"), Exit.INTERNAL),
    ],
)
def test_an_error_has_an_exit_code(error: errors.KvdbError, code: Exit) -> None:
    assert exit_of(error) == code


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        (("None", "ConditionalCheckFailed"), Exit.CONDITION_FAILED),
        (("ConditionalCheckFailed", "ValidationError"), Exit.REFUSED),
        (("TransactionConflict", "None"), Exit.UNAVAILABLE),
        (("ThrottlingError", "ConditionalCheckFailed"), Exit.REFUSED),
        ((), Exit.REFUSED),
    ],
)
def test_a_cancelled_transaction_has_the_exit_code_of_its_reasons(codes: tuple[str, ...], code: Exit) -> None:
    reasons = [errors.CancellationReason(reason) for reason in codes]

    assert exit_of(errors.TransactionCanceled(reasons)) == code


def test_a_report_has_a_line_for_each_refused_member(capsys: pytest.CaptureFixture[str]) -> None:
    reasons = [
        errors.CancellationReason(),
        errors.CancellationReason("ConditionalCheckFailed", "did not hold", {"id": "\x1b[2J"}),
    ]

    report(errors.TransactionCanceled(reasons))

    assert capsys.readouterr().err.splitlines()[1:] == [
        r'kvdb: member 2: ConditionalCheckFailed: did not hold {"id": "\u001b[2J"}'
    ]


def test_every_error_of_the_tree_has_an_exit_code() -> None:
    assert all(exit_of(errors.from_code(code, "x")) != Exit.OK for code in errors.BY_CODE)


def test_a_report_names_code_and_message_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(errors.ResourceNotFound("no table")) == Exit.REFUSED
    assert capsys.readouterr() == ("", "kvdb: ResourceNotFoundException: no table\n")
