"""Peers that lie, are broken, or are somebody else: refused or waited out, while others go on."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import ExitStack
from unittest.mock import patch

import msgpack
import pytest

from kvdb.api.tables import CreateReplica, DeleteReplica, DeleteTable, UpdateTable
from kvdb.env.hlc import Stamp, region_number
from kvdb.item.size import item_size
from kvdb.item.value import Item
from kvdb.replica.applier import Applier, PeerFault, Taken
from kvdb.replica.messages import (
    BEGIN,
    FRAME_BYTES_MAX,
    OK,
    SCAN,
    SCANNED,
    WRITES,
    Greeting,
    Hello,
    Message,
    Pages,
    Part,
    Pull,
    Refusal,
    Want,
    decode,
    encode,
)
from kvdb.replica.puller import ANSWER_MS_MAX, BACKOFF_MS_MAX, HURRY_MS, Puller, TableLink
from kvdb.table import row
from kvdb.table.catalog import Table
from kvdb.table.lineage import Lineage
from tests.support.peer_frames import mutated_frame, of_next_release, of_release_1
from tests.support.regions import TABLE, World

BERLIN = region_number("berlin")


@pytest.fixture
def world() -> World:
    made = World("amsterdam", "berlin", "cairo")
    made.share()
    made.put("berlin", {"id": "before"})
    made.run()
    return made


def version(world: World, item: Item, *, ahead_ms: int = 0, size: int | None = None) -> bytes:
    stamp = Stamp(world.clock.wall_ms() + ahead_ms, 0, BERLIN)
    return row.encode(item, item_size(item) if size is None else size, stamp)


def lying(rows: Callable[[], list[bytes]]) -> Callable[[Message], Message]:
    def lie(message: Message) -> Message:
        if not isinstance(message, Pages):
            return message
        parts = [part._replace(rows=rows(), position=part.position + 1) for part in message.parts]
        return message._replace(parts=parts)

    return lie


def assert_goes_on_without_berlin(world: World, fault: str) -> None:
    """Nothing of the lie is here, the fault is named, cairo is heard, and honesty heals."""
    world.put("cairo", {"id": "from-cairo"})
    world.run()
    puller = world.puller("amsterdam", "berlin")
    faults = [puller.fault, *(link.fault for link in puller.links.values())]
    assert any(fault in each for each in faults), faults
    assert world.get("amsterdam", "lie") is None
    assert world.get("amsterdam", "from-cairo") == {"id": "from-cairo"}
    world.links["amsterdam", "berlin"].lie = None
    world.put("berlin", {"id": "honest"})
    world.run()
    assert world.get("amsterdam", "honest") == {"id": "honest"}
    assert not puller.fault


YEAR_2100_MS = 4_102_444_800_000
LIES: list[tuple[str, Callable[[World], list[bytes]], str]] = [
    (
        "year 2100",
        lambda world: [version(world, {"id": "lie"}, ahead_ms=YEAR_2100_MS - world.clock.wall_ms())],
        "stamp from the future",
    ),
    (
        "year 2100 in the lineage",
        lambda world: [
            row.encode(
                {"id": "lie"},
                item_size({"id": "lie"}),
                Stamp(world.clock.wall_ms(), 0, BERLIN),
                Lineage({7: (YEAR_2100_MS, 0)}).encoded(Stamp(0, 0, BERLIN)),
            )
        ],
        "stamp from the future",
    ),
    ("no row", lambda world: [b"\x01\x00nonsense"], "a version that is none"),
    ("another format", lambda world: [b"\x09" + version(world, {"id": "lie"})[1:]], "a version that is none"),
    ("no key", lambda world: [version(world, {"other": "lie"})], "a version that is none"),
    ("a key of another type", lambda world: [version(world, {"id": 5})], "a version that is none"),
    ("a wrong size", lambda world: [version(world, {"id": "lie"}, size=1)], "size or key"),
    (
        "a tombstone with attributes",
        lambda world: [
            row.encode({"id": "lie", "n": 1}, 0, Stamp(world.clock.wall_ms(), 0, BERLIN), is_tombstone=True)
        ],
        "size or key",
    ),
]


@pytest.mark.parametrize(
    ("lie", "fault"), [(lie, fault) for _, lie, fault in LIES], ids=[n for n, _, _ in LIES]
)
def test_a_version_that_no_honest_peer_sends_is_refused(
    world: World, lie: Callable[[World], list[bytes]], fault: str
) -> None:
    world.links["amsterdam", "berlin"].lie = lying(lambda: lie(world))
    assert_goes_on_without_berlin(world, fault)


def test_a_clock_that_is_a_little_ahead_is_waited_for(world: World) -> None:
    world.links["amsterdam", "berlin"].lie = lying(
        lambda: [row.encode({"id": "ahead"}, item_size({"id": "ahead"}), ahead)]
    )
    ahead = Stamp(world.clock.wall_ms() + 70_000, 0, BERLIN)
    world.run(5_000)
    assert world.get("amsterdam", "ahead") is None
    world.run(20_000)
    assert world.get("amsterdam", "ahead") == {"id": "ahead"}


def test_damaged_frames_are_refused(world: World) -> None:
    def damaged(message: Message) -> bytes:
        frame = bytearray(encode(message))
        frame[-1] ^= 1
        return bytes(frame)

    world.links["amsterdam", "berlin"].lie = damaged
    assert_goes_on_without_berlin(world, "bad checksum")


def test_frames_of_a_later_format_are_refused(world: World) -> None:
    world.links["amsterdam", "berlin"].lie = lambda message: b"\x02" + encode(message)[1:]
    assert_goes_on_without_berlin(world, "version=2 known=1")


def test_frames_that_are_too_large_are_refused(world: World) -> None:
    world.links["amsterdam", "berlin"].lie = lambda message: bytes(FRAME_BYTES_MAX + 1)
    assert_goes_on_without_berlin(world, "bad length")


def test_pages_of_a_table_that_was_not_asked_for_are_refused(world: World) -> None:
    def lie(message: Message) -> Message:
        if not isinstance(message, Pages):
            return message
        return message._replace(parts=[Part("unknown", "uuid", OK, [], 1, b"")])

    world.links["amsterdam", "berlin"].lie = lie
    assert_goes_on_without_berlin(world, "not asked for")


def test_a_position_that_goes_back_is_refused(world: World) -> None:
    def lie(message: Message) -> Message:
        if not isinstance(message, Pages):
            return message
        return message._replace(parts=[part._replace(position=0) for part in message.parts])

    world.links["amsterdam", "berlin"].lie = lie
    assert_goes_on_without_berlin(world, "goes back")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"region": "dublin"}, "region dublin answers"),
        ({"number": 7}, "a number that is not its own"),
        ({"number": region_number("amsterdam")}, "a number that is not its own"),
    ],
)
def test_another_region_behind_the_address_is_refused(
    world: World, change: dict[str, object], fault: str
) -> None:
    def lie(message: Message) -> Message:
        return message._replace(**change) if isinstance(message, Greeting) else message  # type: ignore[arg-type]

    world.links["amsterdam", "berlin"].lie = lie
    assert_goes_on_without_berlin(world, fault)


def test_this_very_database_behind_the_address_is_refused(world: World) -> None:
    own = world["amsterdam"]._floor.engine.database_id

    def lie(message: Message) -> Message:
        return message._replace(database_id=own) if isinstance(message, Greeting) else message

    world.links["amsterdam", "berlin"].lie = lie
    assert_goes_on_without_berlin(world, "this very database")


def test_another_database_in_the_middle_is_refused(world: World) -> None:
    def lie(message: Message) -> Message:
        return message._replace(database_id=b"other") if isinstance(message, Pages) else message

    world.links["amsterdam", "berlin"].lie = lie
    assert_goes_on_without_berlin(world, "another region or database")


def test_an_answer_that_is_played_again_changes_nothing(world: World) -> None:
    link = world.links["amsterdam", "berlin"]
    kept: list[bytes] = []

    def record(message: Message) -> Message:
        kept.append(encode(message))
        return message

    link.lie = record
    world.put("berlin", {"id": "x", "n": 1})
    world.run(1_000)
    link.lie = None
    world.put("berlin", {"id": "x", "n": 2})
    world.run()
    link._answers += kept
    world.run()
    assert world.get("amsterdam", "x") == {"id": "x", "n": 2}
    assert world.statuses("amsterdam")["berlin"] == "ACTIVE"


def test_a_source_answers_only_its_members_and_only_for_itself(world: World) -> None:
    source = world["berlin"].regions.source
    floor = world["berlin"]._floor
    database_id, uuid = floor.engine.database_id, floor.catalog.table(TABLE).descriptor.uuid

    def asked(region: str, database: bytes, *wants: Want) -> Message:
        return source.answer(encode(Pull(1, region, database, list(wants))))

    want = Want(TABLE, uuid, "mine", WRITES, 0, 0, b"")
    assert isinstance(asked("amsterdam", b"other", want), Refusal)
    for region, each in [
        ("dublin", want),
        ("amsterdam", want._replace(table="unknown")),
        ("amsterdam", want._replace(uuid="another")),
        ("amsterdam", want._replace(position=1 << 40)),
        ("amsterdam", want._replace(mode=77)),
    ]:
        answer = asked(region, database_id, each)
        assert isinstance(answer, Pages)
        assert answer.parts[0].status != OK
        assert answer.parts[0].rows == []
    assert isinstance(source.answer(b"nonsense"), Refusal)
    assert isinstance(source.answer(encode(Refusal(1, "what"))), Refusal)
    assert isinstance(asked("amsterdam", database_id, *[want] * 300), Refusal)


def test_questions_that_are_nearly_right_get_an_answer(world: World) -> None:
    source = world["berlin"].regions.source
    floor = world["berlin"]._floor
    uuid = floor.catalog.table(TABLE).descriptor.uuid
    wants = [Want(TABLE, uuid, "mine", mode, 1, 1, b"") for mode in (BEGIN, SCAN, WRITES)]
    questions = [Hello(1, "amsterdam", 5), Pull(1, "amsterdam", floor.engine.database_id, wants)]
    kinds = set()
    for seed in range(300):
        chance = random.Random(seed)
        answer = source.answer(mutated_frame(chance.choice(questions), chance))
        kinds.add(type(answer))
        assert decode(encode(answer)) == answer
    assert kinds == {Greeting, Pages, Refusal}


def test_who_asks_in_a_later_format_is_told_of_both_and_waits_it_out(world: World) -> None:
    link = world.links["amsterdam", "berlin"]
    asked: list[int] = []

    def later(frame: bytes) -> bytes:
        asked.append(world.clock.monotonic_ns() // 1_000_000)
        return b"\x02" + frame[1:]

    link.dress = later
    world.run(30_000)
    assert "version=2 known=1" in world.puller("amsterdam", "berlin").fault
    # It waits, though not for longer than a second: berlin asks, too, and so is there. Else it were 240.
    assert 5 < len(asked) < 40
    link.dress = lambda frame: frame
    world.put("berlin", {"id": "honest"})
    world.run()
    assert world.get("amsterdam", "honest") == {"id": "honest"}


@pytest.mark.parametrize("of_another_release", [of_release_1, of_next_release])
def test_a_peer_of_another_release_is_understood_and_understands(
    of_another_release: Callable[[Message], bytes],
) -> None:
    """Berlin is of another release than the others: what it says, and what is said to it."""
    world = World("amsterdam", "berlin", "cairo")
    for pair, link in world.links.items():
        if "berlin" in pair:
            link.lie = of_another_release
            link.dress = lambda frame: of_another_release(decode(frame))
    world.share()
    world.put("berlin", {"id": "x", "n": 1})
    world.put("amsterdam", {"id": "y", "n": 2})
    world.put("berlin", {"id": "gone"})
    world.run()
    world.delete("cairo", "gone")
    world.run()
    for name in world.names:
        assert world.get(name, "x") == {"id": "x", "n": 1}
        assert world.get(name, "y") == {"id": "y", "n": 2}
        assert world.get(name, "gone") is None
        assert set(world.statuses(name).values()) == {"ACTIVE"}
    world["amsterdam"].call(UpdateTable(TABLE, replica_updates=[DeleteReplica("berlin")]))
    world.run()
    world["berlin"].call(DeleteTable(TABLE))
    world["amsterdam"].call(UpdateTable(TABLE, replica_updates=[CreateReplica("berlin")]))
    world.run()
    assert world.get("berlin", "x") == {"id": "x", "n": 1}
    assert set(world.statuses("berlin").values()) == {"ACTIVE"}


def test_an_answer_of_the_next_release_that_is_not_known_is_refused_by_its_number(world: World) -> None:
    def lie(message: Message) -> Message:
        if not isinstance(message, Pages):
            return message
        parts = [part._replace(status=77, position=1 << 40, rows=[]) for part in message.parts]
        return message._replace(parts=parts)

    world.links["amsterdam", "berlin"].lie = lie
    assert_goes_on_without_berlin(world, "status 77")


def described(change: Callable[[list[object]], None]) -> Callable[[Message], Message]:
    """A peer that describes its tables otherwise: ``change`` is made to the fields."""

    def lie(message: Message) -> Message:
        if not isinstance(message, Greeting):
            return message
        tables = []
        for table in message.tables:
            fields = msgpack.unpackb(table.descriptor)
            change(fields)
            tables.append(table._replace(descriptor=msgpack.packb(fields)))
        return message._replace(tables=tables)

    return lie


def test_a_setting_of_the_next_release_at_the_end_is_left_out(world: World) -> None:
    world.links["amsterdam", "berlin"].lie = described(lambda fields: fields.extend([None, ["later"]]))
    world.put("berlin", {"id": "x"})
    world.run()
    assert world.get("amsterdam", "x") == {"id": "x"}
    assert world.statuses("amsterdam")["berlin"] == "ACTIVE"


def test_a_known_setting_that_says_more_is_refused_and_others_go_on(world: World) -> None:
    world.links["amsterdam", "berlin"].lie = described(lambda fields: fields[-4].extend(["", "later"]))  # type: ignore[attr-defined]
    world.run()
    world.put("berlin", {"id": "x"})
    world.put("cairo", {"id": "from-cairo"})
    world.run()
    assert "later release" in world.puller("amsterdam", "berlin").refused[TABLE]
    assert world.statuses("amsterdam") == {
        "amsterdam": "ACTIVE",
        "berlin": "CREATION_FAILED",
        "cairo": "ACTIVE",
    }
    assert world.get("amsterdam", "x") is None
    assert world.get("amsterdam", "from-cairo") == {"id": "from-cairo"}
    world.links["amsterdam", "berlin"].lie = None
    world.run()
    assert world.get("amsterdam", "x") == {"id": "x"}


def behind(world: World, count: int) -> Puller:
    """Amsterdam's puller of berlin, which has answered with the first of ``count`` pages of one item."""
    world["berlin"].regions.source.page_rows = 1
    puller, link = world.puller("amsterdam", "berlin"), world.links["amsterdam", "berlin"]
    link.is_cut = True
    for number in range(count):
        world.put("berlin", {"id": f"new-{number}"})
    for _ in range(2):
        puller.step(0)
        world.clock.advance_ms(ANSWER_MS_MAX)
    link.is_cut = False
    while not isinstance(puller._asked, Pull):
        puller.step(0)
        world.clock.advance_ms(BACKOFF_MS_MAX // 2)
    return puller


def has(world: World, count: int) -> list[bool]:
    return [world.get("amsterdam", f"new-{number}") is not None for number in range(count)]


def test_the_next_question_goes_out_before_a_page_is_taken_in(world: World) -> None:
    puller = behind(world, 3)
    asked: list[object] = []
    take = Applier.take

    def taking(self: Applier, *arguments: object) -> Taken:
        asked.append(puller._asked)
        return take(self, *arguments)  # type: ignore[arg-type]

    with patch.object(Applier, "take", taking):
        puller.step(0)
        puller.step(0)
    assert has(world, 3) == [True, True, True]
    questions = [each for each in asked if isinstance(each, Pull)]
    assert len(questions) == 2
    places = [next(want.position for want in each.wants) for each in questions]
    assert places == sorted(set(places))


def test_what_comes_after_a_page_that_was_refused_is_not_taken(world: World) -> None:
    puller = behind(world, 3)
    take = Applier.take
    refused: list[int] = []

    def once_refusing(self: Applier, *arguments: object) -> Taken:
        if not refused:
            refused.append(1)
            raise PeerFault("not this one")
        return take(self, *arguments)  # type: ignore[arg-type]

    with patch.object(Applier, "take", once_refusing):
        puller.step(0)
        puller.step(0)
        assert refused and has(world, 3) == [False, False, False]
    world.run()
    assert has(world, 3) == [True, True, True]


def test_a_page_that_waited_too_long_for_the_one_before_is_thrown_away(world: World) -> None:
    puller = behind(world, 2)
    take = Applier.take

    def slowly(self: Applier, *arguments: object) -> Taken:
        world.clock.advance_ms(ANSWER_MS_MAX)
        return take(self, *arguments)  # type: ignore[arg-type]

    with patch.object(Applier, "take", slowly):
        puller.step(0)
    assert has(world, 2) == [True, False]
    world.run()
    assert has(world, 2) == [True, True]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"rows": [], "cursor": b"r\xff"}, "does not move on"),
        ({"cursor": b""}, "does not move on"),
        ({"cursor": b"r\xff"}, "not where its last item is"),
    ],
)
def test_a_scan_that_need_not_end_is_refused(change: dict[str, object], fault: str) -> None:
    def lie(message: Message) -> Message:
        if not isinstance(message, Pages):
            return message
        parts = [
            part._replace(status=OK, **change) if part.status == SCANNED else part  # type: ignore[arg-type]
            for part in message.parts
        ]
        return message._replace(parts=parts)

    world = World("berlin", "amsterdam")
    link = world.links["amsterdam", "berlin"]
    link.is_cut = True
    world.share()
    world.put("berlin", {"id": "x"})
    link.is_cut, link.lie = False, lie
    world.run()
    assert fault in world.puller("amsterdam", "berlin").links[TABLE].fault
    assert world.get("amsterdam", "x") is None
    link.lie = None
    world.run()
    assert world.get("amsterdam", "x") == {"id": "x"}


@pytest.mark.parametrize(
    "told", [encode, lambda message: bytes(50_000)], ids=["pages", "frames that are of no use"]
)
def test_no_more_bytes_a_second_are_pulled_than_there_may_be(told: Callable[[Message], bytes]) -> None:
    world = World("amsterdam", "berlin")
    world.share()
    link, bytes_per_s_max = world.links["amsterdam", "berlin"], 20_000
    link.is_cut = True
    for at in range(200):
        world.put("berlin", {"id": f"{at}", "filler": "x" * 1_000})
    world["berlin"].regions.source.page_rows = 20
    world.puller("amsterdam", "berlin")._bytes_per_s_max = bytes_per_s_max
    came: list[tuple[int, int]] = []

    def counted(message: Message) -> bytes:
        frame = told(message)
        came.append((world.clock.monotonic_ns() // 1_000_000, len(frame)))
        return frame

    link.is_cut, link.lie = False, counted
    for _ in range(10):
        world.run(3_000)
        # Somebody who is in a hurry, too.
        world.puller("amsterdam", "berlin").refresh()
    total = sum(size for _, size in came)
    elapsed_ms = came[-1][0] - came[0][0]
    # A frame comes as a whole, and what follows it waits.
    assert (total - came[-1][1]) * 1_000 <= bytes_per_s_max * elapsed_ms
    if told is encode:
        assert total > 200 * 1_000
        assert world.get("amsterdam", "199") is not None
        assert elapsed_ms > 200 * 1_000 * 1_000 // bytes_per_s_max // 2


@pytest.mark.parametrize("block", range(4))
def test_answers_that_are_nearly_right_end_no_job_and_what_stays_wrong_is_said(block: int) -> None:
    for seed in range(25 * block, 25 * (block + 1)):
        chance = random.Random(seed)
        world = World("amsterdam", "berlin")

        def lie(message: Message, chance: random.Random = chance) -> bytes:
            return encode(message) if chance.random() < 0.5 else mutated_frame(message, chance)

        if chance.random() < 0.5:
            world.links["amsterdam", "berlin"].lie = lie
        world.share()
        for link in world.links.values():
            link.lie = lie
        world.put("berlin", {"id": "a", "n": 1})
        world.put("amsterdam", {"id": "b"})
        world.run(5_000)
        world.delete("berlin", "a")
        world.run(5_000)
        for link in world.links.values():
            link.lie = None
        world.put("berlin", {"id": "honest"})
        world.run(10_000)
        status = world.puller("amsterdam", "berlin").links.get(TABLE)
        assert world.get("amsterdam", "honest") is not None or status is None or status.fault, seed


def test_a_peer_that_asks_is_asked_again_at_once(world: World) -> None:
    link, puller = world.links["amsterdam", "berlin"], world.puller("amsterdam", "berlin")
    link.is_cut = True
    for _ in range(12):
        puller.step(0)
        world.clock.advance_ms(ANSWER_MS_MAX // 2)
    assert not puller.is_connected
    while puller._asked is not None:
        puller.step(0)
        world.clock.advance_ms(1_000)
    link.is_cut = False
    puller._due_ms = puller._now_ms() + BACKOFF_MS_MAX
    puller.step(0)
    assert puller._asked is None
    world.clock.advance_ms(HURRY_MS)
    asking = world.puller("berlin", "amsterdam")
    while asking._asked is None:
        asking.step(0)
        world.clock.advance_ms(25)
    puller.step(0)
    puller.step(0)
    assert puller.is_connected


def test_a_peer_is_asked_for_no_more_bytes_a_second_than_it_may_send(world: World) -> None:
    puller, link = world.puller("amsterdam", "berlin"), world.links["amsterdam", "berlin"]
    puller._bytes_per_s_max = 2_000
    world["berlin"].regions.source.page_rows = 1
    for number in range(30):
        world.put("berlin", {"id": f"new-{number}", "text": "x" * 200})
    received, seconds = 0, 0
    receive = link.receive

    def counting() -> bytes | None:
        nonlocal received
        frame = receive()
        received += 0 if frame is None else len(frame)
        return frame

    link.receive = counting  # type: ignore[method-assign]
    while not all(has(world, 30)):
        for _ in range(100):
            puller.step(0)
            world.clock.advance_ms(10)
        seconds += 1
        assert received <= 2_000 * (seconds + 1)
    assert seconds >= 3


@pytest.mark.parametrize("is_sound", [True, False])
def test_a_page_asked_for_ahead_of_one_that_was_not_taken_in_is_thrown_away(
    world: World, is_sound: bool
) -> None:
    world.run()
    world["berlin"].regions.source.page_rows = 1
    applier = world["amsterdam"].regions._applier
    take, refusals = applier.take, [PeerFault("not this one")]

    def taking(table: Table, region: str, *rest: object) -> Taken:
        if region == "berlin" and rest[0] and refusals:
            raise refusals.pop()
        return take(table, region, *rest)  # type: ignore[arg-type]

    for identity in "abc":
        world.put("berlin", {"id": identity})
    with ExitStack() as stack:
        stack.enter_context(patch.object(applier, "take", taking))
        if not is_sound:
            stack.enter_context(patch.object(TableLink, "is_at", lambda self, want: True))
        world.run()
    assert not refusals
    found = [world.get("amsterdam", identity) is not None for identity in "abc"]
    assert all(found) == is_sound
