"""Frames between regions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kvdb.errors import CorruptionError
from kvdb.replica.messages import (
    OK,
    SCANNED,
    WRITES,
    Greeting,
    Hello,
    Message,
    Pages,
    Part,
    Pull,
    Refusal,
    Refused,
    Report,
    SharedTable,
    Want,
    decode,
    encode,
)
from kvdb.table import row
from kvdb.table.described import table_described
from kvdb.table.lineage import lineage_of
from tests.support.peer_frames import framed, of_next_release

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "replica_frames_1.json").read_text("utf-8"))

MESSAGES: list[Message] = [
    Hello(1, "amsterdam", 7),
    Hello(1, "amsterdam", 7, ("a-feature", "another")),
    Greeting(2, "amsterdam", 7, b"id", 1_700_000_000_000, [SharedTable("t", "uuid", b"descriptor")]),
    Greeting(2, "amsterdam", 7, b"id", 0, []),
    Pull(3, "berlin", b"id", [Want("t", "theirs", "ours", WRITES, 1 << 40, 5, b"cursor")]),
    Pages(4, "amsterdam", b"id", [Part("t", "uuid", OK, [b"row", b""], 9, b"")]),
    Refusal(5, "no"),
]
MORE_THAN_RELEASE_1: list[Message] = [
    Hello(1, "amsterdam", 7, (), 12),
    Hello(1, "amsterdam", 7, (), 0, (Refused("t", "it has other keys here"),)),
    Greeting(2, "berlin", 8, b"id", 5, [SharedTable("t", "uuid", b"...", (Report("cairo", 3, 1),))]),
    Greeting(2, "amsterdam", 7, b"id", 0, [], (), 1 << 50),
    Pull(3, "berlin", b"id", [], 12),
    Pages(4, "amsterdam", b"id", [Part("t", "uuid", OK, [b"row", b""], 9, b"", more=1)], 12),
]


@pytest.mark.parametrize(
    "message", MESSAGES + MORE_THAN_RELEASE_1, ids=lambda message: type(message).__name__
)
def test_a_message_comes_back_as_it_was(message: Message) -> None:
    assert decode(encode(message)) == message


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_every_flipped_bit_is_found(message: Message) -> None:
    frame = encode(message)
    for at in range(len(frame) * 8):
        damaged = bytearray(frame)
        damaged[at // 8] ^= 1 << (at % 8)
        with pytest.raises(CorruptionError):
            decode(bytes(damaged))


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_every_frame_that_is_cut_short_is_found(message: Message) -> None:
    frame = encode(message)
    for length in range(len(frame)):
        with pytest.raises(CorruptionError):
            decode(frame[:length])


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (1, ["1", "a", 2]),
        (1, [-1, "a", 2]),
        (1, [1, "a"]),
        (1, [1, "a", 2, "features"]),
        (1, [1, "a", 2, [3]]),
        (1, {}),
        (2, [1, "a", 2, b"", 0, {}]),
        (2, [1, "a", 2, b"", 0, [["t", "u"]]]),
        (3, [1, "a", b"", [["t"]]]),
        (4, [1, "a", b"", [["t", "u", OK, ["text"], 0, b""]]]),
        (4, [1, "a", b"", [["t", "u", OK, b"row", 0, b""]]]),
        (5, []),
    ],
)
def test_fields_that_are_missing_or_of_other_types_are_refused(kind: int, body: object) -> None:
    with pytest.raises(CorruptionError, match="malformed"):
        decode(framed(kind, body))


def test_a_kind_that_is_not_known_is_refused_by_its_number() -> None:
    with pytest.raises(CorruptionError, match="kind=6"):
        decode(framed(6, [1]))


def test_a_later_format_is_refused_with_both_numbers() -> None:
    with pytest.raises(CorruptionError, match="version=2 known=1"):
        decode(b"\x02" + encode(MESSAGES[0])[1:])


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_what_the_next_release_has_added_is_not_looked_at(message: Message) -> None:
    heard = decode(of_next_release(message))
    if isinstance(heard, (Hello, Greeting)):
        assert heard.features[-1] == "of-the-next-release"
        heard = heard._replace(features=heard.features[:-1])
    assert heard == message


@pytest.mark.parametrize(
    "golden", GOLDEN["frames"] + GOLDEN["later frames"], ids=lambda golden: golden["what"]
)
def test_frames_of_earlier_releases_are_read_for_ever(golden: dict[str, str]) -> None:
    frame = bytes.fromhex(golden["bytes"])
    message = decode(frame)
    assert type(message).__name__ == golden["what"]
    assert encode(message) == frame


def test_what_frames_of_earlier_releases_carry_is_read_for_ever() -> None:
    """A table's description, and its rows: with counters and sets that were merged, and a tombstone."""
    stored = GOLDEN["of a shared table"]
    greeting, pages = (decode(bytes.fromhex(stored[name])) for name in ("greeting", "pages"))
    assert isinstance(greeting, Greeting)
    assert isinstance(pages, Pages)
    table = table_described(greeting.tables[0].descriptor)
    setting = table.replication
    assert setting is not None
    assert (table.name, setting.regions) == ("orders", ("amsterdam", "berlin", "cairo"))
    assert (setting.resolver, setting.counters, setting.sets, setting.relays) == (
        "attributes",
        ("n",),
        ("tags",),
        True,
    )
    assert [index.name for index in table.indexes] == ["by-city"]
    told = {each.name: each.value for each in table.settings}
    assert (told["ttl"], told["region:cairo"], told["billing"]) == ("expires", 1, "PAY_PER_REQUEST")
    (part,) = pages.parts
    assert part.status == SCANNED
    assert [(row.item_of(version), row.is_tombstone(version)) for version in part.rows] == [
        ({"id": "a", "n": 6, "tags": {"x", "y"}}, False),
        ({"id": "b", "city": "Köln", "blob": b"\x00\xff"}, False),
        ({"id": "gone"}, True),
    ]
    assert [len(lineage_of(version).seen) for version in part.rows] == [2, 1, 2]


def test_release_1_can_read_what_says_no_more_than_it_did() -> None:
    of_release_1 = {golden["bytes"] for golden in GOLDEN["frames"]}
    assert {encode(message).hex() for message in MESSAGES} <= of_release_1
