"""Promises of calls: a session sees in every region what it has seen in one; a write says who has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from kvdb.api.items import (
    BatchGetItem,
    BatchWriteItem,
    CommitTransaction,
    DeleteItem,
    GetItem,
    GetItemResult,
    KeysAndAttributes,
    ListItemVersions,
    OpenSnapshot,
    PutItem,
    PutRequest,
    Query,
    ReadKey,
    ReadRange,
    Scan,
    TransactGetItems,
    TransactWriteItems,
    UpdateItem,
)
from kvdb.api.operations import Request
from kvdb.api.session_token import Place, View, decoded, encoded, table_tag
from kvdb.api.tables import (
    AttributeDefinition,
    ConflictResolution,
    CreateTable,
    DeleteReplica,
    DescribeTable,
    KeySchemaElement,
    UpdateTable,
)
from kvdb.api.terms import NEW_SESSION, Answer, Replication, Terms
from kvdb.database.promise import Promise, tables_of
from kvdb.env.hlc import region_number
from kvdb.errors import ClosedError, ReplicaBehind, ResourceNotFound, ServiceUnavailable, ValidationError
from kvdb.item.value import Item
from kvdb.limits import SESSION_WAIT_MS
from kvdb.replica import applier
from kvdb.replica.applier import Applier
from kvdb.replica.messages import Message, Pages
from tests.support.regions import TABLE, World

NEW = Terms(session=NEW_SESSION)
KEY = {"id": "a"}
GET = GetItem(TABLE, KEY)
SCHEMA, TYPES = [KeySchemaElement("id", "HASH")], [AttributeDefinition("id", "S")]


class Call:
    """One call under way."""

    def __init__(self, world: World, region: str, request: Request, terms: Terms) -> None:
        self._world, self._region, self._request = world, region, request
        self.promise: Promise = world[region].promise(request, terms)
        self.is_ready = self.is_over = False
        self.promise.when_ready(self._ready)

    def _ready(self) -> None:
        self.is_ready = True

    def _over(self) -> None:
        self.is_over = True

    def expire(self, duration_ms: int = SESSION_WAIT_MS) -> None:
        self._world.clock.advance_ms(duration_ms)
        self._world[self._region].regions.waits.step(0)

    def serve(self) -> None:
        assert self.is_ready
        self.promise.require_ready()
        self._result = self._world[self._region].call(self._request)
        self.promise.when_replicated(self._over)

    def answer(self) -> Answer:
        if not hasattr(self, "_result"):
            self.serve()
        assert self.is_over
        self.promise.close()
        return Answer(self._result, *self.promise.outcome())


def said(world: World, region: str, request: Request, terms: Terms = NEW) -> Answer:
    """The answer of a call that waits for nothing."""
    return Call(world, region, request, terms).answer()


def token_of(world: World, region: str, request: Request, token: str = NEW_SESSION) -> str:
    session = said(world, region, request, Terms(session=token)).session
    assert session is not None
    return session


def item_of(answer: Answer) -> Item | None:
    assert isinstance(answer.result, GetItemResult)
    return answer.result.item


def put(n: int) -> PutItem:
    return PutItem(TABLE, {**KEY, "n": n})


def cut(world: World, one: str, other: str, *, is_cut: bool = True) -> None:
    """The way on which ``one`` hears of ``other``, and back."""
    for pair in ((one, other), (other, one)):
        world.links[pair].is_cut = is_cut


@pytest.fixture
def world() -> Iterator[World]:
    made = World("amsterdam", "berlin", "cairo")
    made.share()
    yield made


def test_a_session_finds_its_write_in_another_region_or_is_told_that_it_is_not_there(world: World) -> None:
    cut(world, "amsterdam", "berlin")
    token = token_of(world, "amsterdam", put(1))
    assert world.get("berlin", "a") is None, "without the token the read is stale"
    call = Call(world, "berlin", GET, Terms(session=token))
    world.run(4_000)
    assert not call.is_ready
    call.expire()
    with pytest.raises(ReplicaBehind, match=r"region berlin .* of region amsterdam table=orders waited_ms="):
        call.answer()
    call = Call(world, "berlin", GET, Terms(session=token))
    cut(world, "amsterdam", "berlin", is_cut=False)
    world.run()
    assert item_of(call.answer()) == {**KEY, "n": 1}


def test_a_session_waits_as_long_as_it_says(world: World) -> None:
    cut(world, "amsterdam", "berlin")
    token = token_of(world, "amsterdam", put(1))
    call = Call(world, "berlin", GET, Terms(session=token, session_timeout_ms=10))
    call.expire(10)
    with pytest.raises(ReplicaBehind, match=r"waited_ms=10$"):
        call.answer()
    call = Call(world, "berlin", GET, Terms(session=token, session_timeout_ms=0))
    with pytest.raises(ReplicaBehind, match=r"waited_ms=0$"):
        call.answer()


def test_what_was_read_of_a_third_region_is_found_in_the_next_one(world: World) -> None:
    cut(world, "berlin", "cairo")
    world.put("cairo", {**KEY, "n": 1})
    world.run()
    answer = said(world, "amsterdam", GET)
    assert item_of(answer) == {**KEY, "n": 1}
    assert answer.session is not None
    call = Call(world, "berlin", GET, Terms(session=answer.session))
    world.run(4_000)
    call.expire()
    with pytest.raises(ReplicaBehind, match=r"region berlin .* of region cairo"):
        call.answer()
    cut(world, "berlin", "cairo", is_cut=False)
    world.run()
    assert item_of(said(world, "berlin", GET, Terms(session=answer.session))) == {**KEY, "n": 1}


def test_what_came_along_with_a_page_of_another_region_counts_as_seen() -> None:
    world = World("amsterdam", "berlin", "cairo", "delhi")
    world.share()
    for other in ("amsterdam", "delhi"):
        cut(world, other, "cairo")
    cut(world, "amsterdam", "berlin")
    world.put("berlin", {**KEY, "n": 1})
    world.run(2_000)
    assert world.get("delhi", "a") == {**KEY, "n": 1}
    # Berlin takes in what Cairo makes of it, which is no write of Berlin's for Delhi to hear of.
    world.put("cairo", {**KEY, "n": 2})
    world.run(2_000)
    cut(world, "amsterdam", "berlin", is_cut=False)
    world.run()
    answer = said(world, "amsterdam", GET)
    assert item_of(answer) == {**KEY, "n": 2}
    assert world.get("delhi", "a") == {**KEY, "n": 1}
    assert answer.session is not None
    call = Call(world, "delhi", GET, Terms(session=answer.session))
    call.expire()
    with pytest.raises(ReplicaBehind, match="of region cairo"):
        call.answer()


def test_what_a_region_has_shown_is_known_after_a_restart_without_its_peers(world: World) -> None:
    cut(world, "berlin", "cairo")
    world.put("cairo", {**KEY, "n": 1})
    world.run(2_000)
    world["amsterdam"].close()
    world.start("amsterdam", fs=world["amsterdam"].env.fs)
    for peer in ("berlin", "cairo"):
        cut(world, "amsterdam", peer)
    answer = said(world, "amsterdam", GET)
    assert item_of(answer) == {**KEY, "n": 1}
    call = Call(world, "berlin", GET, Terms(session=answer.session))
    call.expire()
    with pytest.raises(ReplicaBehind, match="of region cairo"):
        call.answer()


def test_what_a_page_has_shown_is_known_when_it_was_taken_in_part(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut(world, "amsterdam", "cairo")
    cut(world, "berlin", "cairo")
    for name in "abcdef":
        world.put("cairo", {"id": name, "n": 1})
    monkeypatch.setattr(applier, "ROWS_PER_BATCH", 2)
    take_chunk, taken = Applier._take_chunk, []

    def third_fails(self: Applier, *given: object, **named: object) -> object:
        taken.append(1)
        if len(taken) == 3:
            raise ServiceUnavailable("no room")
        return take_chunk(self, *given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Applier, "_take_chunk", third_fails)
    cut(world, "amsterdam", "cairo", is_cut=False)
    while len(taken) < 3:
        world.run(500)
    cut(world, "amsterdam", "cairo")
    world["amsterdam"].close()
    world.start("amsterdam", fs=world["amsterdam"].env.fs)
    assert len(said(world, "amsterdam", Scan(TABLE)).result.items) == 4  # type: ignore[union-attr]
    call = Call(world, "berlin", GET, Terms(session=token_of(world, "amsterdam", Scan(TABLE))))
    call.expire()
    with pytest.raises(ReplicaBehind, match="of region cairo"):
        call.answer()


def test_who_only_writes_waits_for_no_third_region(world: World) -> None:
    world.put("cairo", {**KEY, "n": 1})
    world.run()
    cut(world, "berlin", "cairo")
    world.put("cairo", {**KEY, "n": 2})
    world.run(2_000)
    token = token_of(world, "amsterdam", put(3))
    world.run(2_000)
    assert item_of(said(world, "berlin", GET, Terms(session=token))) == {**KEY, "n": 3}
    seen = token_of(world, "amsterdam", replace(put(4), return_values="ALL_OLD"))
    world.run(2_000)
    call = Call(world, "berlin", GET, Terms(session=seen))
    call.expire()
    with pytest.raises(ReplicaBehind, match="of region cairo"):
        call.answer()


REQUESTS: list[Request] = [
    GET,
    GetItem(TABLE, KEY, consistent_read=True),
    put(9),
    UpdateItem(TABLE, KEY, update_expression="SET n = :n", expression_attribute_values={":n": 9}),
    DeleteItem(TABLE, KEY),
    Query(TABLE, "id = :i", expression_attribute_values={":i": "a"}),
    Scan(TABLE),
    BatchGetItem({TABLE: KeysAndAttributes([KEY])}),
    BatchWriteItem({TABLE: [PutRequest({**KEY, "n": 9})]}),
    TransactGetItems([GET]),
    TransactWriteItems([put(9)]),
    CommitTransaction("none", [ReadKey(TABLE, KEY)], []),
    CommitTransaction("none", [ReadRange(Scan(TABLE))], []),
    CommitTransaction("none", [], [put(9)]),
    ListItemVersions(TABLE, KEY),
    OpenSnapshot(),
]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda each: type(each).__name__)
def test_every_call_that_has_to_do_with_items_honours_a_session(world: World, request_: Request) -> None:
    cut(world, "amsterdam", "berlin")
    token = token_of(world, "amsterdam", put(1))
    call = Call(world, "berlin", request_, Terms(session=token))
    assert not call.is_ready
    call.expire()
    with pytest.raises(ReplicaBehind, match="of region amsterdam"):
        call.serve()


def test_what_has_to_do_with_no_items_waits_for_nothing(world: World) -> None:
    cut(world, "amsterdam", "berlin")
    token = token_of(world, "amsterdam", put(1))
    assert token_of(world, "berlin", DescribeTable(TABLE), token) == token


def test_a_session_costs_nothing_where_a_table_is_not_shared(world: World) -> None:
    world["amsterdam"].call(CreateTable("alone", SCHEMA, TYPES))
    token = token_of(world, "amsterdam", PutItem("alone", KEY))
    assert decoded(token) == {}
    assert token_of(world, "amsterdam", GetItem("alone", KEY), token) == token


def test_a_table_that_has_not_come_yet_is_not_there(world: World) -> None:
    world["amsterdam"].call(CreateTable("other", SCHEMA, TYPES))
    with pytest.raises(ResourceNotFound):
        said(world, "berlin", GetItem("other", KEY))


def test_a_quiet_table_is_read_at_once_however_busy_others_are(world: World) -> None:
    world.put("amsterdam", {**KEY, "n": 1})
    world.run()
    world["amsterdam"].call(CreateTable("busy", SCHEMA, TYPES))
    for at in range(20):
        world["amsterdam"].call(PutItem("busy", {"id": f"{at}"}))
    token = token_of(world, "amsterdam", GET)
    assert item_of(said(world, "berlin", GET, Terms(session=token))) == {**KEY, "n": 1}


def test_a_token_of_another_database_of_the_region_is_refused(world: World) -> None:
    token = token_of(world, "amsterdam", put(1))
    world.start("amsterdam", seed=1)
    world.run(30_000)
    for region in ("amsterdam", "berlin"):
        call = Call(world, region, GET, Terms(session=token))
        world.run(4_000)
        with pytest.raises(ValidationError, match="with another database or table: begin a new session"):
            call.answer()


def changed(token: str, change: Callable[[View], View]) -> str:
    """The token with something else in it."""
    return encoded({tag: change(view) for tag, view in decoded(token).items()})


def test_a_token_from_the_future_is_refused_by_the_region_it_speaks_of(world: World) -> None:
    number = region_number("amsterdam")
    token = token_of(world, "amsterdam", put(1))
    ahead = changed(token, lambda view: {number: Place(view[number].origin, 1 << 40)})
    with pytest.raises(ValidationError, match="has yet to write"):
        said(world, "amsterdam", GET, Terms(session=ahead))
    call = Call(world, "berlin", GET, Terms(session=ahead))
    world.run(4_000)
    call.expire()
    with pytest.raises(ReplicaBehind):
        call.answer()


def test_a_session_outlives_a_region_that_is_taken_out(world: World) -> None:
    world.put("cairo", {**KEY, "n": 1})
    world.run()
    token = token_of(world, "amsterdam", GET)
    world["amsterdam"].call(UpdateTable(TABLE, replica_updates=[DeleteReplica("cairo")]))
    newer = token_of(world, "amsterdam", GET)
    written = token_of(world, "amsterdam", PutItem(TABLE, {"id": "b"}))
    behind = Call(world, "berlin", GET, Terms(session=newer))
    assert not behind.is_ready, "berlin has not heard of it"
    assert not Call(world, "berlin", GET, Terms(session=written)).is_ready
    world.run()
    assert behind.is_ready
    for each in (token, newer, written):
        assert item_of(said(world, "berlin", GET, Terms(session=each))) == {**KEY, "n": 1}
    with pytest.raises(ValidationError, match="not shared here"):
        said(world, "cairo", GET, Terms(session=newer))


def test_a_table_that_relays_keeps_sessions_of_regions_that_are_not_linked() -> None:
    world = World("amsterdam", "berlin", "cairo")
    world.share()
    world["amsterdam"].call(
        UpdateTable(TABLE, conflict_resolution=ConflictResolution("last_writer", relays=True))
    )
    world.run()
    cut(world, "amsterdam", "cairo")
    token = token_of(world, "amsterdam", put(1))
    call = Call(world, "cairo", GET, Terms(session=token))
    assert not call.is_ready
    world.run(2_000)
    assert item_of(call.answer()) == {**KEY, "n": 1}


def test_a_region_that_is_no_peer_of_a_table_that_does_not_relay_cannot_be_waited_for(world: World) -> None:
    token = token_of(world, "amsterdam", put(1))
    pullers = world["berlin"].regions._pullers
    del pullers["amsterdam"]
    cut(world, "amsterdam", "berlin")
    call = Call(world, "berlin", GET, Terms(session=token))
    with pytest.raises(ValidationError, match="no peer of region berlin, and the table is not relayed"):
        call.answer()


def test_a_peer_that_does_not_say_how_far_its_pages_reach_makes_reads_wait(world: World) -> None:
    def older(message: Message) -> Message:
        if not isinstance(message, Pages):
            return message
        return message._replace(parts=[part._replace(reaches=()) for part in message.parts])

    for pair, link in world.links.items():
        if pair == ("amsterdam", "berlin"):
            link.lie = older
    world.put("berlin", {**KEY, "n": 1})
    world.run(2_000)
    call = Call(world, "amsterdam", GET, NEW)
    call.expire()
    with pytest.raises(ReplicaBehind, match="region berlin has not told yet"):
        call.answer()
    assert decoded(token_of(world, "amsterdam", put(2))), "a write has seen itself alone"
    world.links["amsterdam", "berlin"].lie = None
    world.run(2_000)
    assert item_of(said(world, "amsterdam", GET)) == {**KEY, "n": 2}


def test_a_session_is_not_kept_waiting_by_a_database_that_closes(world: World) -> None:
    cut(world, "amsterdam", "berlin")
    token = token_of(world, "amsterdam", put(1))
    call = Call(world, "berlin", GET, Terms(session=token))
    world["berlin"].close()
    with pytest.raises(ClosedError):
        call.answer()


def test_a_session_that_has_seen_a_table_is_refused_where_its_name_is_that_of_another(world: World) -> None:
    token = token_of(world, "amsterdam", put(1))
    alone = World("berlin")
    alone["berlin"].call(CreateTable(TABLE, SCHEMA, TYPES))
    for terms in (Terms(session=token), Terms(session=token, replicate_to=1)):
        with pytest.raises(ValidationError, match=r"not shared here|orders is not"):
            said(alone, "berlin", put(2), terms)
    assert alone.get("berlin", "a") is None


# replicate_to.


def test_a_write_is_told_which_regions_have_it(world: World) -> None:
    call = Call(world, "amsterdam", put(1), Terms(replicate_to=2))
    call.serve()
    assert not call.is_over
    world.run(2_000)
    assert call.answer().replication == Replication(2, ("berlin", "cairo"))
    assert call.answer().replication.is_reached  # type: ignore[union-attr]
    for region in ("berlin", "cairo"):
        assert world.get(region, "a") == {**KEY, "n": 1}


def test_a_write_that_comes_to_too_few_in_time_stands_and_says_to_whom_it_came(world: World) -> None:
    cut(world, "amsterdam", "cairo")
    call = Call(world, "amsterdam", put(1), Terms(replicate_to=2, replicate_timeout_ms=3_000))
    call.serve()
    world.run(2_000)
    assert not call.is_over
    call.expire(1_000)
    replication = call.answer().replication
    assert replication == Replication(2, ("berlin",))
    assert not replication.is_reached
    assert world["amsterdam"].regions.waits.late.value
    assert world.get("amsterdam", "a") == {**KEY, "n": 1}


def test_who_waits_for_one_region_is_told_as_soon_as_one_has_it(world: World) -> None:
    cut(world, "amsterdam", "cairo")
    call = Call(world, "amsterdam", put(1), Terms(replicate_to=1))
    call.serve()
    world.run(1_000)
    assert call.answer().replication == Replication(1, ("berlin",))


def test_an_acknowledgement_of_before_a_reseed_does_not_count(world: World) -> None:
    world.put("amsterdam", {**KEY, "n": 1})
    world.run(2_000)
    acks, table = world["amsterdam"].regions.acks, world["amsterdam"]._floor.catalog.table(TABLE)
    position = world["amsterdam"].regions.positions.newest_write(table)
    assert acks.has_applied(table, "berlin", position)
    acks.note_applied(table, "berlin", "another table", 0)
    assert not acks.has_applied(table, "berlin", position)


@pytest.mark.parametrize(
    ("request_", "terms", "message"),
    [
        (put(1), Terms(replicate_to=3), "replicate_to=3, .* shared with 2 other regions: berlin, cairo"),
        (put(1), Terms(replicate_to=0), "replicate_to must be 1 to 15, not 0"),
        (put(1), Terms(replicate_to=True), "must be a whole number, not bool"),
        (put(1), Terms(replicate_to=1, replicate_timeout_ms=0), "replicate_timeout_ms must be 1 to 30000"),
        (put(1), Terms(replicate_to=1, replicate_timeout_ms=30_001), "must be 1 to 30000, not 30001"),
        (put(1), Terms(replicate_timeout_ms=1), "is for writes with replicate_to"),
        (put(1), Terms(session_timeout_ms=1), "is for calls of a session"),
        (put(1), Terms(session=NEW_SESSION, session_timeout_ms=-1), "session_timeout_ms must be 0 to 30000"),
        (put(1), Terms(session="rubbish"), "not a session token"),
        (put(1), Terms(session=7), "must be the text of a token"),  # type: ignore[arg-type]
        (GET, Terms(replicate_to=1), "replicate_to is for writes of items, not for GetItem"),
        (PutItem("alone", KEY), Terms(replicate_to=1), "shared with other regions: alone is not"),
        (
            BatchWriteItem({TABLE: [PutRequest(KEY)], "alone": [PutRequest(KEY)]}),
            Terms(replicate_to=1),
            "alone is not",
        ),
    ],
)
def test_terms_that_cannot_be_kept_are_refused_before_anything_is_done(
    world: World, request_: Request, terms: Terms, message: str
) -> None:
    world["amsterdam"].call(CreateTable("alone", SCHEMA, TYPES))
    with pytest.raises(ValidationError, match=message):
        world["amsterdam"].promise(request_, terms)
    assert world.get("amsterdam", "a") is None


def test_a_call_that_waits_for_nothing_is_answered_on_the_spot(world: World) -> None:
    answer = world["amsterdam"].call_under(put(1), NEW)
    assert answer.session is not None
    assert answer.replication is None
    read = world["amsterdam"].call_under(GET, Terms(session=answer.session))
    assert item_of(read) == {**KEY, "n": 1}
    assert decoded(read.session or "").keys() == {table_tag(TABLE)}


def test_every_request_with_items_names_its_tables() -> None:
    for request in REQUESTS:
        assert set(tables_of(request)) == (set() if isinstance(request, OpenSnapshot) else {TABLE})
