"""Bad input: the same class, code and message through every door, and nothing written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import NamedTuple

import pytest

import kvdb
from kvdb import Attr, DeleteRequest, Key, PutRequest, Terms, actions
from kvdb.api.items import BatchGetItem, BatchWriteItem, GetItem, KeysAndAttributes, PutItem, Query, Scan
from kvdb.api.tables import AttributeDefinition, CreateTable, KeySchemaElement, ListTables
from tests.conftest import client_of

KEY = {"country": "IS", "icao": "BIKF"}
ICELAND = Key("country").eq("IS")


class Bad(NamedTuple):
    """A call that must be refused; ``says`` is part of the message, where it is worth pinning."""

    name: str
    call: Callable[[kvdb.Client, kvdb.Table], object]
    error: type[kvdb.KvdbError] = kvdb.ValidationError
    says: str = ""


def nested(levels: int) -> object:
    value: object = "x"
    for _ in range(levels):
        value = {"a": value}
    return value


def itself() -> list[object]:
    value: list[object] = []
    value.append(value)
    return value


VALUES = [
    Bad("no such type", lambda db, t: t.put({**KEY, "x": object()}), says="unsupported type object"),
    Bad("complex number", lambda db, t: t.put({**KEY, "x": 1j}), says="unsupported type complex"),
    Bad("deep inside", lambda db, t: t.put({**KEY, "x": [{"y": {1.5j}}]})),
    Bad("NaN", lambda db, t: t.put({**KEY, "x": float("nan")})),
    Bad("decimal NaN", lambda db, t: t.put({**KEY, "x": Decimal("sNaN")})),
    Bad("infinity", lambda db, t: t.put({**KEY, "x": float("inf")})),
    Bad("39 digits", lambda db, t: t.put({**KEY, "x": 10**38 + 1}), says="38 significant digits"),
    Bad("39 digits in a fraction", lambda db, t: t.put({**KEY, "x": Decimal("0." + "1" * 39)})),
    Bad("a number out of range", lambda db, t: t.put({**KEY, "x": 10**126}), says="overflow"),
    Bad("a very long number", lambda db, t: t.put({**KEY, "x": 10**20_000 + 1})),
    Bad("a number too small", lambda db, t: t.put({**KEY, "x": Decimal("1E-131")}), says="underflow"),
    Bad("a long number in a set", lambda db, t: t.put({**KEY, "x": {1, 10**38 + 1}})),
    Bad("one number twice", lambda db, t: t.put({**KEY, "x": {0.1, Decimal("0.1")}})),
    Bad("empty set", lambda db, t: t.put({**KEY, "x": set()}), says="may not be empty"),
    Bad("mixed set", lambda db, t: t.put({**KEY, "x": {1, "1"}})),
    Bad("set of nothing", lambda db, t: t.put({**KEY, "x": {None}})),
    Bad("number for a name", lambda db, t: t.put({**KEY, 5: "x"})),
    Bad("number for an inner name", lambda db, t: t.put({**KEY, "x": {5: "x"}})),
    Bad("lone surrogate", lambda db, t: t.put({**KEY, "x": "\ud800"})),
    Bad("lone surrogate in a name", lambda db, t: t.put({**KEY, "\ud800": 1})),
    Bad("empty name", lambda db, t: t.put({**KEY, "": 1})),
    Bad("long name", lambda db, t: t.put({**KEY, "n" * 65_536: 1})),
    Bad("33 maps", lambda db, t: t.put({**KEY, "x": nested(33)}), says="Nesting Levels"),
    Bad("32 maps", lambda db, t: t.put({**KEY, "x": nested(32)}), says="Nesting Levels"),
    Bad("10,000 maps", lambda db, t: t.put({**KEY, "x": nested(10_000)}), says="Nesting Levels"),
    Bad("a list in itself", lambda db, t: t.put({**KEY, "x": itself()}), says="Nesting Levels"),
    Bad("item is a list", lambda db, t: t.put([KEY])),
    Bad("item is nothing", lambda db, t: t.put(None)),
    Bad("item over 400 KB", lambda db, t: t.put({**KEY, "x": "x" * 409_600}), says="Item size has exceeded"),
    Bad(
        "item over a message",
        lambda db, t: t.put({**KEY, "x": "x" * (17 << 20)}),
        says="Item size has exceeded",
    ),
    Bad(
        "a batched item over a message",
        lambda db, t: db.batch_write({"airports": [PutRequest({**KEY, "x": b"x" * (17 << 20)})]}),
        says="Item size has exceeded",
    ),
]
KEYS = [
    Bad("key of the wrong type", lambda db, t: t.get({"country": 1, "icao": "X"})),
    Bad("sort key of the wrong type", lambda db, t: t.get({"country": "IS", "icao": b"X"})),
    Bad("key attribute missing", lambda db, t: t.get({"country": "IS"})),
    Bad("key attribute too many", lambda db, t: t.get({**KEY, "x": 1})),
    Bad("empty key", lambda db, t: t.get({})),
    Bad("empty key value", lambda db, t: t.get({"country": "", "icao": "X"})),
    Bad("key is a text", lambda db, t: t.get("IS")),
    Bad("key is nothing", lambda db, t: t.delete(None)),
    Bad("partition key too long", lambda db, t: t.get({"country": "x" * 2049, "icao": "X"}), says="2048"),
    Bad("sort key too long", lambda db, t: t.get({"country": "IS", "icao": "x" * 1025}), says="1024"),
    Bad("item without its key", lambda db, t: t.put({"country": "IS"}), says="Missing the key icao"),
    Bad("item with a key of the wrong type", lambda db, t: t.put({"country": "IS", "icao": 5})),
    Bad("a set for a key", lambda db, t: t.delete({"country": {"IS"}, "icao": "X"})),
    Bad("start key of another shape", lambda db, t: list(t.scan(start_key={"x": 1}))),
    Bad("empty start key", lambda db, t: list(t.scan(start_key={}))),
    Bad(
        "start key outside the partition",
        lambda db, t: list(t.query(ICELAND, start_key={**KEY, "country": "X"})),
    ),
]
EXPRESSIONS = [
    Bad("malformed condition", lambda db, t: t.put(KEY, condition="a = ")),
    Bad("empty condition", lambda db, t: t.put(KEY, condition="")),
    Bad("reserved word", lambda db, t: t.put(KEY, condition="name = :n", values={":n": 1}), says="reserved"),
    Bad("undefined value", lambda db, t: t.put(KEY, condition="a = :missing"), says=":missing"),
    Bad("undefined name", lambda db, t: t.put(KEY, condition="attribute_exists(#n)"), says="#n"),
    Bad(
        "unused value", lambda db, t: t.put(KEY, condition="attribute_exists(a)", values={":v": 1}), says=":v"
    ),
    Bad("values without a condition", lambda db, t: t.put(KEY, values={":v": 1})),
    Bad("names without a condition", lambda db, t: t.put(KEY, names={"#n": "n"})),
    Bad(
        "no names",
        lambda db, t: t.put(KEY, condition="attribute_exists(a)", names={}),
        says="must not be empty",
    ),
    Bad(
        "no values",
        lambda db, t: t.put(KEY, condition="attribute_exists(a)", values={}),
        says="must not be empty",
    ),
    Bad(
        "a name that is no text", lambda db, t: t.put(KEY, condition="attribute_exists(#n)", names={"#n": 5})
    ),
    Bad("names that are no mapping", lambda db, t: t.put(KEY, condition="attribute_exists(a)", names="a")),
    Bad("value of no type", lambda db, t: t.put(KEY, condition="a = :v", values={":v": object()})),
    Bad("value of 39 digits", lambda db, t: t.put(KEY, condition="a = :v", values={":v": 10**38 + 1})),
    Bad("value nested too deep", lambda db, t: t.put(KEY, condition="a = :v", values={":v": nested(40)})),
    Bad("empty set for a value", lambda db, t: t.put(KEY, condition="a = :v", values={":v": set()})),
    Bad("placeholder without colon", lambda db, t: t.put(KEY, condition="a = :v", values={"v": 1})),
    Bad("long expression", lambda db, t: t.put(KEY, condition="a" * 4097), says="expression size: 4097"),
    Bad("deep expression", lambda db, t: t.put(KEY, condition="(" * 4000)),
    Bad("condition is a number", lambda db, t: t.put(KEY, condition=5)),
    Bad("key condition for a condition", lambda db, t: t.put(KEY, condition=Key("a").eq(1))),
    Bad("condition for a key condition", lambda db, t: list(t.query(Attr("country").eq("IS")))),
    Bad("no key condition", lambda db, t: list(t.query(None))),
    Bad("no equality on the partition key", lambda db, t: list(t.query(Key("country").gt("A")))),
    Bad("key condition on another attribute", lambda db, t: list(t.query(ICELAND & Key("x").eq(1)))),
    Bad("key condition of the wrong type", lambda db, t: list(t.query(Key("country").eq(5)))),
    Bad("filter on a key attribute", lambda db, t: list(t.query(ICELAND, filter=Attr("icao").eq("X")))),
    Bad("malformed projection", lambda db, t: t.get(KEY, projection="a,,b")),
    Bad("overlapping projection", lambda db, t: t.get(KEY, projection="a, a.b"), says="overlap"),
    Bad("projection is a number", lambda db, t: t.get(KEY, projection=5)),
]
TERMS = [
    Bad("replicated but not shared", lambda db, t: t.put(KEY, replicate_to=1), says="airports is not"),
    Bad("replicated to nobody", lambda db, t: t.put(KEY, replicate_to=0), says="1 to 15, not 0"),
    Bad("replicated to too many", lambda db, t: t.put(KEY, replicate_to=16), says="1 to 15, not 16"),
    Bad("replicated to a name", lambda db, t: t.put(KEY, replicate_to="berlin"), says="a whole number"),
    Bad("time without regions", lambda db, t: t.put(KEY, replicate_timeout=1.0), says="with replicate_to"),
    Bad("no time", lambda db, t: t.put(KEY, replicate_to=1, replicate_timeout=0), says="1 to 30000, not 0"),
    Bad("an hour", lambda db, t: t.put(KEY, replicate_to=1, replicate_timeout=3600), says="not 3600000"),
    Bad("time in words", lambda db, t: t.put(KEY, replicate_to=1, replicate_timeout="x"), says="of seconds"),
    Bad("never", lambda db, t: t.put(KEY, replicate_to=1, replicate_timeout=float("nan")), says="of seconds"),
    Bad("update not shared", lambda db, t: t.update(KEY, "SET n = :n", values={":n": 1}, replicate_to=1)),
    Bad("delete not shared", lambda db, t: t.delete(KEY, replicate_to=1), says="airports is not"),
    Bad("batch not shared", lambda db, t: db.batch_write({t.name: [PutRequest(KEY)]}, replicate_to=1)),
    Bad(
        "transaction not shared", lambda db, t: db.transact_write([actions.put(t.name, KEY)], replicate_to=1)
    ),
    Bad("a replicated read", lambda db, t: db.call_under(GetItem(t.name, KEY), Terms(replicate_to=1))),
    Bad(
        "no token", lambda db, t: db.call_under(GetItem(t.name, KEY), Terms("x")), says="not a session token"
    ),
    Bad("no session", lambda db, t: db.call_under(GetItem(t.name, KEY), Terms(session_timeout_ms=1))),
    Bad("session of rubbish", lambda db, t: db.session("rubbish"), says="not a session token"),
    Bad("session of a number", lambda db, t: db.session(7), says="not int"),
]

CALLS = [
    Bad("unknown table", lambda db, t: db.table("nowhere").get({"id": 1}), kvdb.ResourceNotFound),
    Bad("table name is a number", lambda db, t: db.table(5).get({"id": 1})),
    Bad("table name is nothing", lambda db, t: db.table(None).put({"id": 1})),
    Bad("table name of other letters", lambda db, t: db.table("a b").get({"id": 1}), says="pattern"),
    Bad("short table name", lambda db, t: db.create_table("ab", key=("id", "S"))),
    Bad("long table name", lambda db, t: db.create_table("a" * 256, key=("id", "S"))),
    Bad("table exists", lambda db, t: db.create_table("airports", key=("id", "S")), kvdb.ResourceInUse),
    Bad("key type of no kind", lambda db, t: db.create_table("other", key=("id", "X")), says="enum"),
    Bad("key without a type", lambda db, t: db.create_table("other", key="id")),
    Bad("empty key name", lambda db, t: db.create_table("other", key=("", "S"))),
    Bad("key name is a number", lambda db, t: db.create_table("other", key=(5, "S"))),
    Bad("one name for both keys", lambda db, t: db.create_table("other", key=("a", "S"), sort=("a", "S"))),
    Bad(
        "key roles of no kind",
        lambda db, t: db.call(
            CreateTable("other", [KeySchemaElement("a", "MIDDLE")], [AttributeDefinition("a", "S")])
        ),
    ),
    Bad(
        "key schema of texts", lambda db, t: db.call(CreateTable("other", ["a"], [])), says="KeySchemaElement"
    ),
    Bad(
        "unused definition",
        lambda db, t: db.call(
            CreateTable("other", [KeySchemaElement("a", "HASH")], [AttributeDefinition(n, "S") for n in "ab"])
        ),
    ),
    Bad("limit of nothing", lambda db, t: t.query_page(ICELAND, limit=0), says="greater than or equal to 1"),
    Bad("negative limit", lambda db, t: t.scan_page(limit=-1)),
    Bad("limit over 32 bits", lambda db, t: db.call(ListTables(limit=1 << 40))),
    Bad("limit is a text", lambda db, t: t.scan_page(limit="5")),
    Bad("limit is a flag", lambda db, t: t.scan_page(limit=True)),
    Bad("page size is a text", lambda db, t: list(t.scan(page_size="5"))),
    Bad("walk limit is a text", lambda db, t: list(t.scan(limit="5"))),
    Bad("segment without total", lambda db, t: list(t.scan(segment=1))),
    Bad("segment past total", lambda db, t: list(t.scan(segment=3, total_segments=3))),
    Bad("too many segments", lambda db, t: list(t.scan(segment=0, total_segments=1_000_001))),
    Bad("return values of no kind", lambda db, t: db.call(PutItem("airports", KEY, return_values="SOME"))),
    Bad(
        "return values of an update", lambda db, t: db.call(PutItem("airports", KEY, return_values="ALL_NEW"))
    ),
    Bad("select of no kind", lambda db, t: db.call(Scan("airports", select="SOME"))),
    Bad("select of an index", lambda db, t: db.call(Scan("airports", select="ALL_PROJECTED_ATTRIBUTES"))),
    Bad(
        "select against projection",
        lambda db, t: db.call(
            Query(
                "airports",
                "country = :c",
                projection_expression="a",
                select="COUNT",
                expression_attribute_values={":c": "IS"},
            )
        ),
    ),
    Bad("limit past 32 bits", lambda db, t: t.query_page(ICELAND, limit=2**70), says="32 bits"),
    Bad("half a character in an expression", lambda db, t: t.put(KEY, condition="a = \ud800")),
    Bad("half a character in a key's name", lambda db, t: t.get({**KEY, "\ud800": 1})),
    Bad("half a character in one name of a key", lambda db, t: t.get({"country": "IS", "\ud800": 1})),
    Bad("no batch", lambda db, t: db.call(BatchWriteItem({}))),
    Bad("empty batch", lambda db, t: db.call(BatchWriteItem({"airports": []}))),
    Bad(
        "batch of 26",
        lambda db, t: db.call(
            BatchWriteItem({"airports": [PutRequest({**KEY, "icao": str(n)}) for n in range(26)]})
        ),
    ),
    Bad(
        "batch names a key twice",
        lambda db, t: db.batch_write({"airports": [PutRequest(KEY), DeleteRequest(KEY)]}),
    ),
    Bad("batch reads a key twice", lambda db, t: db.batch_get({"airports": [KEY, KEY]})),
    Bad(
        "batch of 101 keys",
        lambda db, t: db.call(
            BatchGetItem({"airports": KeysAndAttributes([{**KEY, "icao": str(n)} for n in range(101)])})
        ),
    ),
    Bad("batch of items", lambda db, t: db.batch_write({"airports": [KEY]})),
    Bad("batch is a list", lambda db, t: db.batch_write([PutRequest(KEY)])),
    Bad("batch of one put", lambda db, t: db.batch_write({"airports": PutRequest(KEY)})),
    Bad("batch reads a key itself", lambda db, t: db.batch_get({"airports": KEY})),
    Bad("batch reads texts", lambda db, t: db.batch_get({"airports": ["IS"]})),
    Bad("batch gets a list", lambda db, t: db.call(BatchGetItem({"airports": [KEY]}))),
    Bad("projection of no table", lambda db, t: db.call(GetItem("", KEY)), says="greater than or equal to 1"),
    Bad("no request", lambda db, t: db.call("GetItem"), kvdb.KvdbError),
]


@pytest.fixture(scope="module")
def tables() -> Iterator[list[tuple[kvdb.Client, kvdb.Table]]]:
    """The same table through each door; every test leaves it empty."""
    with client_of("embedded") as first, client_of("grpc") as second:
        yield [
            (client, client.create_table("airports", key=("country", "S"), sort=("icao", "S")))
            for client in (first, second)
        ]


@pytest.mark.parametrize(
    "bad", [*VALUES, *KEYS, *EXPRESSIONS, *TERMS, *CALLS], ids=lambda bad: bad.name.replace(" ", "-")
)
def test_every_door_refuses_alike(bad: Bad, tables: list[tuple[kvdb.Client, kvdb.Table]]) -> None:
    found = []
    for client, table in tables:
        with pytest.raises(bad.error) as raised:
            bad.call(client, table)
        found.append((type(raised.value), raised.value.code, raised.value.message, raised.value.retryable))
        assert table.count() == 0
        assert client.tables() == ["airports"]
    assert len(set(found)) == 1, found
    assert bad.says in found[0][2]
