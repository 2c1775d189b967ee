"""Pages one after the other: where the next one starts, and walking them with single calls."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator

from kvdb.api.items import Page, Query, Scan
from kvdb.api.operations import Request, Result


def following(request: Query | Scan, page: Page) -> Query | Scan | None:
    """The request for the page after ``page``; ``None`` when that was the last."""
    if page.last_evaluated_key is None:
        return None
    return dataclasses.replace(request, exclusive_start_key=page.last_evaluated_key)


def pages(send: Callable[[Request], Result], request: Query | Scan) -> Generator[Page, None, None]:
    """Every page, a call each. A page may be empty and not be the last."""
    following_request: Query | Scan | None = request
    while following_request is not None:
        page = send(following_request)
        assert isinstance(page, Page)
        yield page
        following_request = following(following_request, page)


async def pages_async(
    send: Callable[[Request], Awaitable[Result]], request: Query | Scan
) -> AsyncGenerator[Page, None]:
    """As ``pages``."""
    following_request: Query | Scan | None = request
    while following_request is not None:
        page = await send(following_request)
        assert isinstance(page, Page)
        yield page
        following_request = following(following_request, page)
