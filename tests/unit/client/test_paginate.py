"""Pages follow one another by their last key."""

from __future__ import annotations

import asyncio

from kvdb.api.items import Page, Query, Scan
from kvdb.client import paginate

QUERY = Query("t", "k", limit=2, scan_index_forward=False)


def test_the_next_page_starts_after_the_last_key_and_is_the_same_otherwise() -> None:
    following = paginate.following(QUERY, Page([], 0, 2, {"id": 7}))
    assert following == Query("t", "k", limit=2, scan_index_forward=False, exclusive_start_key={"id": 7})
    assert QUERY.exclusive_start_key is None


def test_nothing_follows_the_last_page() -> None:
    assert paginate.following(Scan("t"), Page([{"id": 1}], 1, 1)) is None


def test_walking_asks_until_the_last_page() -> None:
    answers = [Page([], 0, 1, {"id": 1}), Page([], 0, 1, {"id": 2}), Page([], 0, 0)]
    asked: list[object] = []

    def send(request: Query | Scan) -> Page:
        asked.append(request.exclusive_start_key)
        return answers[len(asked) - 1]

    async def send_async(request: Query | Scan) -> Page:
        return send(request)

    async def walk() -> list[Page]:
        return [page async for page in paginate.pages_async(send_async, Scan("t"))]

    assert list(paginate.pages(send, Scan("t"))) == answers
    assert asked == [None, {"id": 1}, {"id": 2}]
    asked.clear()
    assert asyncio.run(walk()) == answers
    assert asked == [None, {"id": 1}, {"id": 2}]
