"""Peers that lie over gRPC: named in ``kvdb replica status``, believed by nobody; everything else goes on."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import cast

import grpc
import pytest

import kvdb
from kvdb.api.tables import CreateReplica, UpdateTable
from kvdb.client.sync import Client
from kvdb.env.hlc import Stamp, region_number
from kvdb.item.size import item_size
from kvdb.options import DatabaseOptions
from kvdb.replica import puller
from kvdb.replica.messages import (
    FRAME_BYTES_MAX,
    OK,
    SCANNED,
    Greeting,
    Hello,
    Message,
    Pages,
    Part,
    Pull,
    Refusal,
    decode,
    encode,
)
from kvdb.rpc.gen import replicas_pb2
from kvdb.server import replica_door
from kvdb.server.replica_link import EXCHANGE
from kvdb.table import row
from tests.support.command_line import run as run_command
from tests.support.lying_peer import Lie, LyingPeer, Raw, honest
from tests.support.peer_frames import framed, of_next_release, of_release_1
from tests.support.served import in_memory_options, served_doors
from tests.support.waiting import eventually, free_port

NAMES = ("amsterdam", "berlin", "cairo")
TABLES = ("orders", "others")
YEAR_2100 = Stamp(4_102_444_800_000, 0, region_number("berlin"))


class Regions:
    """Three servers; berlin's answers to amsterdam come by way of a liar."""

    def __init__(self, stack: ExitStack) -> None:
        addresses = {name: f"127.0.0.1:{free_port()}" for name in NAMES}
        self.liar = stack.enter_context(LyingPeer(addresses["berlin"]))
        self.clients: dict[str, Client] = {}
        self.serial = 0
        for name in NAMES:
            targets = {peer: f"grpc://{address}" for peer, address in addresses.items() if peer != name}
            if name == "amsterdam":
                targets["berlin"] = self.liar.target
            options = in_memory_options(
                database=DatabaseOptions(region_name=name, region=region_number(name)),
                grpc_address=addresses[name],
                peers=tuple(targets.items()),
                # A server that would wait so long for its peers' streams when it stops fails the tests.
                grace_ms=600_000,
            )
            stack.enter_context(served_doors(options))
            self.clients[name] = stack.enter_context(kvdb.connect(f"grpc://{addresses[name]}"))
        self.endpoint = f"grpc://{addresses['amsterdam']}"
        self.address = addresses["amsterdam"]
        for table in TABLES:
            self.share(table)

    def share(self, table: str) -> None:
        self.clients["cairo"].create_table(table, key=("id", "S"))
        creations = [CreateReplica(name) for name in NAMES[:2]]
        eventually(
            lambda: self.clients["cairo"].call(UpdateTable(table, replica_updates=creations)) is not None
        )
        eventually(lambda: all(table in list(client.tables()) for client in self.clients.values()))

    def put(self, name: str, table: str = "orders") -> str:
        self.serial += 1
        identity = f"{name}-{self.serial}"
        self.clients[name].table(table).put({"id": identity})
        return identity

    def has(self, name: str, identity: str, table: str = "orders") -> bool:
        return self.clients[name].table(table).get({"id": identity}, consistent=True) is not None

    def items(self, name: str) -> list[str]:
        return sorted(
            f"{table} {json.dumps(item, sort_keys=True, default=str)}"
            for table in TABLES
            for item in self.clients[name].table(table).scan()
        )

    def status(self) -> list[dict[str, object]]:
        """What the command line shows of berlin, asked of amsterdam."""
        shown = run_command("replica", "status", "--json", "--endpoint", self.endpoint)
        assert shown.exit_code == 0, shown.output
        return [each for each in map(json.loads, shown.output.splitlines()) if each["peer"] == "berlin"]

    def faults(self) -> str:
        return " | ".join(str(each.get("fault", "")) for each in self.status())


@pytest.fixture(scope="module")
def regions() -> Iterator[Regions]:
    with ExitStack() as stack:
        quick = stack.enter_context(pytest.MonkeyPatch.context())
        for module in (puller, replica_door):
            quick.setattr(module, "HELLO_MS", 100)
        quick.setattr(replica_door, "NEWS_MS", 50)
        quick.setattr(puller, "BACKOFF_MS_MAX", 50)
        quick.setattr(puller, "ANSWER_MS_MAX", 1_000)
        yield Regions(stack)


def parts_of(change: Callable[[Part], Part]) -> Lie:
    """A lie about one table's pages."""

    def lie(message: Message) -> Message:
        if not isinstance(message, Pages):
            return message
        parts = [change(part) if part.table == "orders" else part for part in message.parts]
        return message._replace(parts=parts)

    return lie


def greeting_of(**change: object) -> Lie:
    return lambda message: (
        message._replace(**change) if isinstance(message, Greeting) else message  # type: ignore[arg-type]
    )


def pages_of(**change: object) -> Lie:
    return lambda message: (
        message._replace(**change) if isinstance(message, Pages) else message  # type: ignore[arg-type]
    )


def from_2100(part: Part) -> Part:
    lie = row.encode({"id": "lie"}, item_size({"id": "lie"}), YEAR_2100)
    return part._replace(status=OK, rows=[lie], position=part.position + 1)


def damaged(message: Message) -> bytes:
    frame = bytearray(encode(message))
    frame[-1] ^= 1
    return bytes(frame)


def odd_row(part: Part) -> Part:
    return part._replace(status=OK, rows=[b"\x01\x00nonsense"], position=part.position + 1)


OF_ONE_TABLE: list[tuple[str, Lie, str]] = [
    ("stamps of the year 2100", parts_of(from_2100), "stamp from the future"),
    ("rows that are none", parts_of(odd_row), "a version that is none"),
    ("a position that goes back", parts_of(lambda part: part._replace(position=0)), "goes back"),
    ("an answer nobody knows", parts_of(lambda part: part._replace(status=77)), "status 77"),
]
OF_THE_PEER: list[tuple[str, Lie, str]] = [
    ("a wrong checksum", damaged, "bad checksum"),
    ("a table nobody asked for", pages_of(parts=[Part("unknown", "u", OK, [], 1, b"")]), "not asked for"),
    ("another database in the middle", pages_of(database_id=b"other"), "another region or database"),
    ("another region in the middle", pages_of(region="cairo"), "another region or database"),
    ("another region's name", greeting_of(region="cairo"), "region cairo answers"),
    ("another region's number", greeting_of(number=region_number("cairo")), "not its own"),
    ("a later format", lambda message: b"\x02" + encode(message)[1:], "version=2 known=1"),
    ("a kind nobody knows", lambda message: framed(9, [message.id]), "kind=9"),
    ("no frame", lambda message: b"", "bad length"),
    ("a frame a little too large", lambda message: bytes(FRAME_BYTES_MAX + 1), "bad length"),
    ("a frame far too large", lambda message: bytes(3 * FRAME_BYTES_MAX), "RESOURCE_EXHAUSTED"),
    ("bytes that are no message", lambda message: Raw(b"\xff" * 64), "cannot be read"),
    ("an answer to another question", lambda message: message._replace(id=1), "no answer"),
    ("a message of another kind", lambda message: Hello(message.id, "berlin", 1), "another kind of question"),
]


@pytest.mark.parametrize(
    ("lie", "fault"), [each[1:] for each in OF_ONE_TABLE], ids=[e[0] for e in OF_ONE_TABLE]
)
def test_a_lie_about_one_table_is_named_and_the_others_go_on(regions: Regions, lie: Lie, fault: str) -> None:
    before = regions.items("amsterdam")
    regions.liar.tell(lie)
    eventually(lambda: fault in regions.faults())
    told = regions.put("berlin")
    (link,) = [each for each in regions.status() if each.get("table") == "orders"]
    assert link["status"] == "REFUSED"
    other, third = regions.put("berlin", "others"), regions.put("cairo")
    eventually(lambda: regions.has("amsterdam", other, "others") and regions.has("amsterdam", third))
    # By way of nobody else: cairo does not relay.
    assert not regions.has("amsterdam", told)
    assert len(regions.items("amsterdam")) == len(before) + 2
    healed(regions, told)


@pytest.mark.parametrize(
    ("lie", "fault"), [each[1:] for each in OF_THE_PEER], ids=[e[0] for e in OF_THE_PEER]
)
def test_a_lie_of_the_peer_is_named_and_other_peers_go_on(regions: Regions, lie: Lie, fault: str) -> None:
    before = regions.items("amsterdam")
    regions.liar.tell(lie)
    eventually(lambda: fault in regions.faults())
    told = regions.put("berlin")
    third = regions.put("cairo")
    eventually(lambda: regions.has("amsterdam", third))
    assert not regions.has("amsterdam", told)
    assert len(regions.items("amsterdam")) == len(before) + 1
    healed(regions, told)


def healed(regions: Regions, told: str) -> None:
    """What was held up by the lie comes, and all three have the same."""
    regions.liar.tell(honest)
    eventually(lambda: regions.has("amsterdam", told))
    eventually(lambda: not regions.faults().strip(" |"))
    eventually(lambda: regions.items("amsterdam") == regions.items("berlin") == regions.items("cairo"))
    assert "lie" not in str(regions.items("amsterdam"))


def test_this_very_database_behind_a_peers_address_is_refused(regions: Regions) -> None:
    with grpc.insecure_channel(regions.address) as channel:
        hello = replicas_pb2.ReplicaFrame(payload=encode(Hello(1, "dublin", region_number("dublin"))))
        (answer,) = channel.stream_stream(EXCHANGE)(iter([hello.SerializeToString()]), timeout=30)
    own = cast(Greeting, decode(replicas_pb2.ReplicaFrame.FromString(answer).payload)).database_id
    regions.liar.tell(greeting_of(database_id=own))
    eventually(lambda: "this very database" in regions.faults())
    told = regions.put("berlin")
    regions.liar.upstream, upstream = regions.address, regions.liar.upstream
    regions.liar.tell(honest)
    eventually(lambda: "this is region amsterdam" in regions.faults())
    regions.liar.upstream = upstream
    healed(regions, told)


def test_pages_that_are_played_again_change_nothing(regions: Regions) -> None:
    kept: list[Pages] = []

    def record(message: Message) -> Message:
        if isinstance(message, Pages) and any(part.rows for part in message.parts):
            kept.append(message)
        return message

    regions.liar.tell(record)
    orders = regions.clients["berlin"].table("orders")
    orders.put({"id": "x", "n": 1})
    eventually(lambda: regions.has("amsterdam", "x"))
    orders.put({"id": "x", "n": 2})
    newest = regions.clients["amsterdam"].table("orders")
    eventually(lambda: newest.get({"id": "x"}) == {"id": "x", "n": 2})
    assert kept
    first = next(part for part in kept[0].parts if part.rows)

    def again(message: Message) -> Message:
        return parts_of(lambda part: part._replace(rows=first.rows))(message)  # type: ignore[return-value]

    regions.liar.tell(again)
    told = regions.put("berlin")
    eventually(lambda: regions.liar.told > 10)
    assert newest.get({"id": "x"}) == {"id": "x", "n": 2}
    # What was withheld nobody can know of; the next write of the item brings it.
    regions.liar.tell(honest)
    orders.put({"id": told, "again": True})
    healed(regions, told)


def test_positions_that_run_ahead_are_found_out_and_nothing_is_missed(regions: Regions) -> None:
    def ahead(part: Part) -> Part:
        return part._replace(status=OK, rows=[], position=1 << 40)

    regions.liar.tell(parts_of(ahead))
    told = regions.put("berlin")
    eventually(lambda: regions.liar.told > 3)
    healed(regions, told)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"rows": [], "cursor": b"r\xff"}, "does not move on"),
        ({"cursor": b"r\xff"}, "not where its last item is"),
    ],
)
def test_a_scan_without_an_end_is_refused(regions: Regions, change: dict[str, object], fault: str) -> None:
    told = regions.put("berlin")
    eventually(lambda: regions.has("amsterdam", told))

    def endless(part: Part) -> Part:
        return part._replace(status=OK, **change) if part.status == SCANNED else part  # type: ignore[arg-type]

    regions.liar.tell(parts_of(endless))
    begun = run_command("replica", "reseed", "orders", "--yes", "--endpoint", regions.endpoint)
    assert begun.exit_code == 0, begun.output
    eventually(lambda: fault in regions.faults())
    third = regions.put("cairo")
    eventually(lambda: regions.has("amsterdam", third))
    healed(regions, told)


@pytest.mark.parametrize("of_another_release", [of_release_1, of_next_release])
def test_an_old_region_and_a_new_one_understand_each_other(
    regions: Regions, of_another_release: Callable[[Message], bytes]
) -> None:
    regions.liar.tell(of_another_release)
    regions.liar.dress = of_another_release
    told = regions.put("berlin")
    eventually(lambda: regions.has("amsterdam", told))
    assert not regions.faults().strip(" |")
    healed(regions, told)


def exchange(channel: grpc.Channel, *questions: bytes, end: threading.Event | None = None) -> Iterator[bytes]:
    """What a stream of questions is answered; it stays open until ``end``."""

    def asked() -> Iterator[bytes]:
        yield from questions
        if end is not None:
            end.wait(60)

    return cast("Iterator[bytes]", channel.stream_stream(EXCHANGE)(asked(), timeout=60))


def payload(answer: bytes) -> Message:
    return decode(replicas_pb2.ReplicaFrame.FromString(answer).payload)


def frame_of(payload: bytes) -> bytes:
    return replicas_pb2.ReplicaFrame(payload=payload).SerializeToString()


def test_callers_that_ask_nonsense_are_refused_and_peers_go_on(regions: Regions) -> None:
    hello = encode(Hello(1, "dublin", region_number("dublin")))
    pull = encode(Pull(2, "dublin", b"unknown", []))
    with grpc.insecure_channel(regions.address) as channel:
        answers = exchange(
            channel, *map(frame_of, (b"nonsense", hello[:-1], encode(Refusal(3, "?")), pull, hello))
        )
        refused = [payload(next(answers)) for _ in range(4)]
        for answer, reason in zip(
            refused, ("not known here", "bad checksum", "not a question", "another database"), strict=True
        ):
            assert isinstance(answer, Refusal)
            assert reason in answer.reason
        assert isinstance(payload(next(answers)), Greeting)
        with pytest.raises(grpc.RpcError):
            next(exchange(channel, b"\xff" * 64))
        with pytest.raises(grpc.RpcError, match="RESOURCE_EXHAUSTED"):
            next(exchange(channel, frame_of(bytes(64 * 1024 * 1024))))
    told = regions.put("berlin")
    eventually(lambda: regions.has("amsterdam", told))


def test_there_are_only_so_many_streams_and_those_of_peers_go_on(regions: Regions) -> None:
    hello, end = frame_of(encode(Hello(1, "dublin", region_number("dublin")))), threading.Event()
    with grpc.insecure_channel(regions.address) as channel:
        streams: list[Iterator[bytes]] = []
        with pytest.raises(grpc.RpcError, match="too many peers max=32"):
            for _ in range(33):
                streams.append(exchange(channel, hello, end=end))
                assert isinstance(payload(next(streams[-1])), Greeting)
        assert len(streams) > 16
        told = [regions.put("berlin"), regions.put("amsterdam")]
        eventually(lambda: regions.has("amsterdam", told[0]) and regions.has("berlin", told[1]))
        end.set()
