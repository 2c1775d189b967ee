"""How a region that is new to a table takes in what is there, and how soon it asks."""

from __future__ import annotations

from dataclasses import replace

from kvdb.env.hlc import region_number
from kvdb.replica.messages import BEGIN, SCAN, Greeting, Hello, Message, Pages, Pull, Want, encode
from kvdb.replica.puller import HELLO_MS
from tests.support.regions import TABLE, World


def asked(world: World, mode: int, *, position: int = 0, cursor: bytes = b"") -> Pages:
    """What amsterdam answers when berlin asks."""
    source = world["amsterdam"].regions.source
    want = Want(TABLE, uuid_of(world, "amsterdam"), uuid_of(world, "berlin"), mode, position, 0, cursor)
    answer: Message = source.answer(
        encode(Pull(1, "berlin", world["amsterdam"]._floor.engine.database_id, [want]))
    )
    assert isinstance(answer, Pages)
    return answer


def uuid_of(world: World, name: str) -> str:
    return world[name]._floor.catalog.table(TABLE).descriptor.uuid


def test_a_peer_that_shares_nothing_is_greeted_again_soon() -> None:
    world = World("amsterdam", "berlin")
    puller = world.puller("amsterdam", "berlin")
    puller.step(0)
    puller.step(0)
    assert puller.is_connected
    due_ms = puller.step(0)
    assert due_ms is not None and due_ms <= HELLO_MS


def test_who_shares_nothing_waits_for_the_news_that_something_is_shared() -> None:
    world = World("amsterdam", "berlin")
    source = world["amsterdam"].regions.source
    number = region_number("berlin")
    greeting, news = source.answer_and_news(encode(Hello(1, "berlin", number)))
    assert isinstance(greeting, Greeting) and news == "any"
    again = encode(Hello(2, "berlin", number, known=greeting.topology))
    assert source.answer_and_news(again)[1] == "topology"
    told: list[str] = []
    world["amsterdam"].regions.shared.when_next(lambda: told.append("shared"))
    world.share()
    assert told == ["shared"]
    assert source.answer_and_news(again)[1] == "any"


def test_who_pulls_is_told_at_once_that_what_is_shared_has_changed() -> None:
    world = World("amsterdam", "berlin")
    world.share()
    source, catalog = world["amsterdam"].regions.source, world["amsterdam"]._floor.catalog
    known = catalog.shared_seqno
    pull = encode(Pull(1, "berlin", world["amsterdam"]._floor.engine.database_id, [], known))
    assert source.answer_and_news(pull)[1] == "writes"
    catalog.change(catalog.table(TABLE), lambda descriptor: replace(descriptor, is_protected=True))
    pages, news = source.answer_and_news(pull)
    assert isinstance(pages, Pages) and pages.topology > known and news == "any"


def test_a_place_to_begin_at_is_news_and_so_is_every_page_up_to_the_last() -> None:
    world = World("amsterdam", "berlin")
    world.share()
    begun = asked(world, BEGIN)
    assert not begun.is_idle
    assert not asked(world, SCAN, position=begun.parts[0].position).is_idle
