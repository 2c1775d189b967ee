"""The terms of a call: session and replicate_to."""

from __future__ import annotations

from kvdb import limits
from kvdb.api.items import (
    BatchWriteItem,
    CommitTransaction,
    DeleteItem,
    PutItem,
    TransactWriteItems,
    UpdateItem,
)
from kvdb.api.operations import Request
from kvdb.api.terms import Terms
from kvdb.errors import ValidationError

WRITES = frozenset((PutItem, UpdateItem, DeleteItem, BatchWriteItem, TransactWriteItems, CommitTransaction))
"""Requests that write items."""


def check_terms(request: Request, terms: Terms) -> None:
    """Raises: ValidationError: the terms are none, or none for this request."""
    if terms.session is not None and not isinstance(terms.session, str):
        raise ValidationError(
            f"session must be the text of a token, or new, not {type(terms.session).__name__}"
        )
    if terms.session_timeout_ms is not None:
        if terms.session is None:
            raise ValidationError("session_timeout_ms is for calls of a session")
        _check_number("session_timeout_ms", terms.session_timeout_ms, 0, limits.SESSION_WAIT_MS_MAX)
    if terms.replicate_to is None:
        if terms.replicate_timeout_ms is not None:
            raise ValidationError("replicate_timeout_ms is for writes with replicate_to")
        return
    _check_number("replicate_to", terms.replicate_to, 1, limits.REGIONS_MAX - 1)
    if terms.replicate_timeout_ms is not None:
        _check_number("replicate_timeout_ms", terms.replicate_timeout_ms, 1, limits.REPLICATE_WAIT_MS_MAX)
    if type(request) not in WRITES:
        raise ValidationError(f"replicate_to is for writes of items, not for {type(request).__name__}")


def _check_number(name: str, value: object, least: int, most: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValidationError(f"{name} must be a whole number, not {type(value).__name__}")
    if not least <= value <= most:
        raise ValidationError(f"{name} must be {least} to {most}, not {value}")
