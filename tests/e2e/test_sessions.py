"""Sessions and replicate_to between two real servers with a way that can be cut, through every door."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import boto3
import grpc
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

import kvdb
from kvdb import Key, NotReplicated, PutRequest, ReplicaBehind, Terms, ValidationError, actions
from kvdb.api.items import GetItem, GetItemResult, PutItem, Query, Scan
from kvdb.api.tables import CreateReplica, UpdateTable
from kvdb.client.sync import Client
from kvdb.limits import SESSION_TOKEN_CHARS_MAX
from kvdb.rpc.codec import STREAM_BY_REQUEST
from tests.e2e.test_replicas import eventually
from tests.support.command_line import run as run_command
from tests.support.cutting_proxy import CuttingProxy
from tests.support.server_process import ServerProcess

TABLE = "orders"


class Pair:
    """Two regions that share a table, and the ways between them."""

    def __init__(self, root: Path, stack: ExitStack) -> None:
        names = ("amsterdam", "berlin")
        self._ways = {name: stack.enter_context(CuttingProxy()) for name in names}
        self.servers: dict[str, ServerProcess] = {}
        for name, peer in (names, names[::-1]):
            server = ServerProcess(
                root / name,
                "--region",
                name,
                f"--peer={peer}={self._ways[peer].target}",
                doors=("grpc", "http"),
            )
            stack.callback(server.kill)
            self.servers[name] = server
            self._ways[name].upstream = server.address
        self.amsterdam: Client = stack.enter_context(kvdb.connect(self.servers["amsterdam"].target))
        self.berlin: Client = stack.enter_context(kvdb.connect(self.servers["berlin"].target))
        self.amsterdam.create_table(TABLE, key=("id", "S"))
        self.amsterdam.create_table("alone", key=("id", "S"))
        creations = [CreateReplica("berlin")]
        eventually(lambda: bool(self.amsterdam.call(UpdateTable(TABLE, replica_updates=creations))))
        eventually(lambda: len(self.berlin.table(TABLE).describe().replicas) == 2)
        eventually(self.is_following)

    def is_following(self) -> bool:
        """Whether a write comes to the other region."""
        self.amsterdam.table(TABLE).put({"id": "probe"}, replicate_to=1, replicate_timeout=0.5)
        self.berlin.table(TABLE).put({"id": "probe"}, replicate_to=1, replicate_timeout=0.5)
        return True

    def cut(self) -> None:
        for way in self._ways.values():
            way.cut()

    def heal(self) -> None:
        for way in self._ways.values():
            way.heal()
        eventually(self.is_following)

    def boto3(self, name: str) -> Any:
        return boto3.client(
            "dynamodb",
            endpoint_url=f"http://{self.servers[name].addresses['http']}",
            region_name="eu-west-1",
            aws_access_key_id="any",
            aws_secret_access_key="any",
            config=Config(retries={"total_max_attempts": 1}),
        )


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with ExitStack() as stack:
        yield Pair(tmp_path_factory.mktemp("pair"), stack)


@pytest.fixture(autouse=True)
def whole(pair: Pair) -> Iterator[None]:
    yield
    pair.heal()


def test_a_session_reads_its_writes_in_the_other_region_or_is_told(pair: Pair) -> None:
    pair.cut()
    session = pair.amsterdam.session()
    assert session.token is None
    session.table(TABLE).put({"id": "a", "n": 1})
    token = session.token
    assert token is not None
    assert len(token) < 120
    assert pair.berlin.table(TABLE).get({"id": "a"}) is None, "without the session the read is stale"
    there = pair.berlin.session(token, timeout=0.2)
    with pytest.raises(ReplicaBehind, match=r"region berlin has not taken in yet .* of region amsterdam"):
        there.table(TABLE).get({"id": "a"})
    for read in (
        lambda: list(there.table(TABLE).query(Key("id").eq("a"))),
        lambda: list(there.table(TABLE).scan()),
        lambda: there.table(TABLE).count(),
        lambda: there.batch_get({TABLE: [{"id": "a"}]}),
        lambda: there.transact_get([actions.get(TABLE, {"id": "a"})]),
        lambda: there.table(TABLE).put({"id": "a", "n": 2}),
        lambda: there.snapshot(),
    ):
        with pytest.raises(ReplicaBehind):
            read()
    pair.heal()
    assert pair.berlin.session(token).table(TABLE).get({"id": "a"}) == {"id": "a", "n": 1}
    there.table(TABLE).update({"id": "a"}, "SET n = n + :n", values={":n": 1})
    back = pair.amsterdam.session(there.token)
    assert back.table(TABLE).get({"id": "a"}) == {"id": "a", "n": 2}
    with back.transaction() as transaction:
        assert transaction.get(TABLE, {"id": "a"}) == {"id": "a", "n": 2}
        transaction.put(TABLE, {"id": "b"})
    assert len(pair.berlin.session(back.token).batch_get({TABLE: [{"id": "a"}, {"id": "b"}]})[TABLE]) == 2


def test_a_session_waits_for_what_is_under_way(pair: Pair) -> None:
    writer, reader = pair.amsterdam.session(), pair.berlin.session()
    for at in range(30):
        writer.table(TABLE).put({"id": "counter", "n": at})
        reader = pair.berlin.session(writer.token)
        assert reader.table(TABLE).get({"id": "counter"}) == {"id": "counter", "n": at}


def test_sessions_of_the_async_client_are_the_same(pair: Pair) -> None:
    async def talk() -> None:
        one = await kvdb.connect_async(pair.servers["amsterdam"].target)
        other = await kvdb.connect_async(pair.servers["berlin"].target)
        async with one, other, one.session() as session:
            writes = (session.table(TABLE).put({"id": f"many-{at}"}) for at in range(20))
            await asyncio.gather(*writes)
            there = other.session(session.token)
            found = [item["id"] async for item in there.table(TABLE).scan()]
            assert {f"many-{at}" for at in range(20)} <= set(found)
            await session.table(TABLE).put({"id": "kept"}, replicate_to=1)
            assert session.replication == kvdb.Replication(1, ("berlin",))

    asyncio.run(talk())


def test_a_client_of_both_regions_finds_the_session_where_it_is(pair: Pair) -> None:
    session = pair.amsterdam.session()
    pair.cut()
    session.table(TABLE).put({"id": "moved", "n": 1})
    with kvdb.connect([pair.servers["berlin"].target, pair.servers["amsterdam"].target]) as both:
        there = both.session(session.token, timeout=0.1)
        assert both.table(TABLE).get({"id": "moved"}) is None
        assert there.table(TABLE).get({"id": "moved"}) == {"id": "moved", "n": 1}
        there.table(TABLE).update({"id": "moved"}, "SET n = n + :n", values={":n": 1})
        assert there.table(TABLE).get({"id": "moved"}) == {"id": "moved", "n": 2}
    assert pair.amsterdam.table(TABLE).get({"id": "moved"}) == {"id": "moved", "n": 2}
    assert pair.berlin.table(TABLE).get({"id": "moved"}) is None


def test_a_write_with_replicate_to_is_there_when_it_returns_and_says_when_it_is_not(pair: Pair) -> None:
    table = pair.amsterdam.table(TABLE)
    for at in range(20):
        table.put({"id": "r", "n": at}, replicate_to=1)
        assert pair.berlin.table(TABLE).get({"id": "r"}) == {"id": "r", "n": at}
    pair.amsterdam.batch_write({TABLE: [PutRequest({"id": f"r{at}"}) for at in range(30)]}, replicate_to=1)
    assert pair.berlin.table(TABLE).get({"id": "r29"}) is not None
    pair.amsterdam.transact_write([actions.put(TABLE, {"id": "rt"})], replicate_to=1)
    assert pair.berlin.table(TABLE).get({"id": "rt"}) is not None
    assert table.update({"id": "r"}, "SET n = :n", values={":n": 7}, return_values="ALL_NEW", replicate_to=1)
    assert table.delete({"id": "r"}, return_old=True, replicate_to=1) == {"id": "r", "n": 7}
    assert pair.berlin.table(TABLE).get({"id": "r"}) is None

    pair.cut()
    with pytest.raises(NotReplicated, match="0 of 1 other regions have it in time: none") as late:
        table.put({"id": "s"}, return_old=True, replicate_to=1, replicate_timeout=0.2)
    assert (late.value.regions, late.value.attributes) == ((), None)
    with pytest.raises(NotReplicated):
        pair.amsterdam.batch_write(
            {TABLE: [PutRequest({"id": f"s{at}"}) for at in range(30)]}, replicate_to=1, replicate_timeout=0.1
        )
    assert table.get({"id": "s"}) == {"id": "s"}, "it stands"
    assert table.get({"id": "s29"}) is not None
    with pytest.raises(
        ValidationError, match="replicate_to=2, and the tables of the request are shared with 1"
    ):
        table.put({"id": "t"}, replicate_to=2)
    with pytest.raises(ValidationError, match="alone is not"):
        pair.amsterdam.table("alone").put({"id": "t"}, replicate_to=1)
    with pytest.raises(ValidationError, match="replicate_timeout must be a number of seconds"):
        table.put({"id": "t"}, replicate_to=1, replicate_timeout="soon")  # type: ignore[arg-type]
    assert table.get({"id": "t"}) is None


def test_terms_go_with_any_request_and_are_answered(pair: Pair) -> None:
    answer = pair.amsterdam.call_under(PutItem(TABLE, {"id": "u"}), Terms(session="new", replicate_to=1))
    assert answer.replication == kvdb.Replication(1, ("berlin",))
    read = pair.berlin.call_under(GetItem(TABLE, {"id": "u"}), Terms(session=answer.session))
    assert isinstance(read.result, GetItemResult)
    assert read.result.item == {"id": "u"}
    for request in (Scan(TABLE), Query(TABLE, "id = :i", expression_attribute_values={":i": "u"})):
        assert pair.berlin.call_under(request, Terms(session=read.session)).session == read.session


def test_a_stream_of_pages_promises_nothing_and_says_so(pair: Pair) -> None:
    method = STREAM_BY_REQUEST[Scan]
    with grpc.insecure_channel(pair.servers["amsterdam"].address) as channel:
        pages = channel.unary_stream(method.path)(
            method.encode_request(Scan(TABLE)), metadata=(("kvdb-session", "new"),)
        )
        with pytest.raises(grpc.RpcError) as refused:
            list(pages)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "for calls that have one answer" in refused.value.details()


BAD: list[tuple[str, str]] = [
    ("rubbish", "not a session token"),
    ("A" * (SESSION_TOKEN_CHARS_MAX + 1), "more than 4096 characters"),
]


@pytest.mark.parametrize(("token", "message"), BAD, ids=["rubbish", "long"])
def test_what_is_no_token_is_refused_by_every_door(pair: Pair, token: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        pair.amsterdam.session(token)
    with pytest.raises(ValidationError, match=message):
        pair.amsterdam.call_under(GetItem(TABLE, {"id": "a"}), Terms(session=token))
    client = with_headers(pair.boto3("amsterdam"), {"x-kvdb-session": token})
    with pytest.raises(ClientError, match=message):
        client.get_item(TableName=TABLE, Key={"id": {"S": "a"}})


# HTTP.


def with_headers(client: Any, headers: dict[str, str]) -> Any:
    """Have a boto3 client send these headers, as they are when it sends, and keep those of the answer."""

    def add(params: dict[str, Any], **_: object) -> None:
        params["headers"].update(headers)

    def keep(http_response: Any, **_: object) -> None:
        token = http_response.headers.get("x-kvdb-session")
        if token is not None:
            headers["x-kvdb-session"] = token

    client.meta.events.register("before-call.dynamodb", add)
    client.meta.events.register("after-call.dynamodb", keep)
    return client


def test_a_session_goes_over_http_in_headers(pair: Pair) -> None:
    headers = {"x-kvdb-session": "new", "x-kvdb-session-timeout-ms": "200"}
    here, there = with_headers(pair.boto3("amsterdam"), headers), with_headers(pair.boto3("berlin"), headers)
    key = {"id": {"S": "h"}}
    pair.cut()
    here.put_item(TableName=TABLE, Item=key)
    assert headers["x-kvdb-session"] != "new"
    assert "Item" not in pair.boto3("berlin").get_item(TableName=TABLE, Key=key)
    with pytest.raises(ClientError, match="region berlin has not taken in yet") as behind:
        there.get_item(TableName=TABLE, Key=key)
    assert behind.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    with pytest.raises(ClientError, match="region berlin has not taken in yet"):
        there.query(
            TableName=TABLE, KeyConditionExpression="id = :i", ExpressionAttributeValues={":i": key["id"]}
        )
    pair.heal()
    assert there.get_item(TableName=TABLE, Key=key)["Item"] == key
    assert there.query(
        TableName=TABLE, KeyConditionExpression="id = :i", ExpressionAttributeValues={":i": key["id"]}
    )["Items"] == [key]
    there.delete_item(TableName=TABLE, Key=key)
    assert "Item" not in here.get_item(TableName=TABLE, Key=key)


def test_replicate_to_goes_over_http_in_headers(pair: Pair) -> None:
    headers = {"x-kvdb-replicate-to": "1", "x-kvdb-replicate-timeout-ms": "300"}
    client = with_headers(pair.boto3("amsterdam"), headers)
    written = client.put_item(TableName=TABLE, Item={"id": {"S": "hr"}}, ReturnValues="ALL_OLD")
    told = written["ResponseMetadata"]["HTTPHeaders"]
    assert (told["x-kvdb-replicated"], told["x-kvdb-replicated-to"]) == ("true", "berlin")
    assert pair.berlin.table(TABLE).get({"id": "hr"}) == {"id": "hr"}
    many = client.batch_write_item(RequestItems={TABLE: [{"PutRequest": {"Item": {"id": {"S": "hb"}}}}]})
    assert many["ResponseMetadata"]["HTTPHeaders"]["x-kvdb-replicated"] == "true"
    pair.cut()
    written = client.put_item(TableName=TABLE, Item={"id": {"S": "hs"}})
    told = written["ResponseMetadata"]["HTTPHeaders"]
    assert (told["x-kvdb-replicated"], told["x-kvdb-replicated-to"]) == ("false", "")
    headers["x-kvdb-replicate-to"] = "many"
    with pytest.raises(ClientError, match="replicate-to must be a whole number: 'many'"):
        client.put_item(TableName=TABLE, Item={"id": {"S": "ht"}})
    headers["x-kvdb-replicate-to"] = "1"
    with pytest.raises(ClientError, match="replicate_to is for writes of items, not for GetItem"):
        client.get_item(TableName=TABLE, Key={"id": {"S": "hs"}})


# The command line.


def test_commands_keep_a_session_in_a_file_and_wait_for_regions(pair: Pair, tmp_path: Path) -> None:
    file = str(tmp_path / "session")
    amsterdam, berlin = (["--endpoint", pair.servers[name].target] for name in ("amsterdam", "berlin"))
    done = run_command(
        "put", TABLE, '{"id": "c", "n": 1}', "--session", file, "--replicate-to", "1", *amsterdam
    )
    assert done.exit_code == 0, done.output
    assert len((tmp_path / "session").read_text(encoding="utf-8").splitlines()) == 1
    read = run_command("get", TABLE, '{"id": "c"}', "--session", file, "--json", *berlin)
    assert json.loads(read.output) == {"id": "c", "n": 1}
    pair.cut()
    late = run_command(
        "put", TABLE, '{"id": "c", "n": 2}', "--session", file,
        *("--replicate-to", "1", "--replicate-timeout", "0.1"), *amsterdam,
    )  # fmt: skip
    assert late.exit_code == 5
    assert "NotReplicated: the write was made, and 0 of 1 other regions have it" in late.output
    behind = run_command("scan", TABLE, "--session", file, "--session-timeout", "0.1", *berlin)
    assert behind.exit_code == 5
    assert "ReplicaBehind: region berlin has not taken in yet" in behind.output
    (tmp_path / "session").write_text("rubbish", encoding="utf-8")
    assert (
        "not a session token" in run_command("get", TABLE, '{"id": "c"}', "--session", file, *berlin).output
    )
