"""The answers of ``Database.submit`` as futures of an event loop."""

from __future__ import annotations

import asyncio
from typing import TypeVar

R = TypeVar("R")


def settle(answer: asyncio.Future[R], result: R | None, error: BaseException | None) -> None:
    """Give a future the answer of a call. On the loop's thread.

    Who was cancelled no longer waits; the operation has gone to its end all the same.
    """
    if answer.done():
        return
    if result is not None:
        answer.set_result(result)
    else:
        assert error is not None, "a call has a result or an error"
        answer.set_exception(error)
