from __future__ import annotations

import json
from pathlib import Path

import pytest

from kvdb.api.items import TransactWriteItems
from kvdb.database.dispatch import SERVED
from tests.support.command_line import Directory

served = pytest.mark.skipif(TransactWriteItems not in SERVED, reason="transactions are not served yet")

KEY = {"country": "IS", "icao": "BIKF"}
KEFLAVIK = {**KEY, "elevation": 171}


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    return Directory(tmp_path / "data")


def put(item: dict[str, object], **more: object) -> dict[str, object]:
    return {"put": {"table": "airports", "item": item, **more}}


@served
def test_write_makes_all_of_it(directory: Directory) -> None:
    directory.put({"country": "PE", "icao": "SPJC"}, {"country": "PE", "icao": "SPQU"}, KEFLAVIK)
    gone = {"delete": {"table": "airports", "key": {"country": "PE", "icao": "SPJC"}}}
    changed = {
        "update": {
            "table": "airports",
            "key": KEY,
            "update": "SET elevation = elevation + :n, #s = :s",
            "condition": "elevation = :old",
            "names": {"#s": "set"},
            "values": {":n": 1, ":old": 171, ":s": {"$set": ["a"]}},
        }
    }
    held = {
        "check": {
            "table": "airports",
            "key": {"country": "PE", "icao": "SPQU"},
            "condition": "attribute_exists(icao)",
        }
    }

    result = directory.run("transact", "write", json.dumps([gone, changed, held, put({**KEY, "icao": "X"})]))

    assert (result.exit_code, result.output) == (0, "")
    found = directory.items(
        "query", "airports", "--key-condition", "country = :c", "--values", '{":c": "IS"}'
    )
    assert found == [{**KEY, "elevation": 172, "set": {"$set": ["a"]}}, {**KEY, "icao": "X"}]
    assert directory.items("scan", "airports", "--filter", "country = :c", "--values", '{":c": "PE"}') == [
        {"country": "PE", "icao": "SPQU"}
    ]


@served
def test_a_write_that_is_refused_names_its_members_and_writes_nothing(directory: Directory) -> None:
    directory.put(KEFLAVIK)
    refused = put(KEY, condition="attribute_not_exists(icao)", return_old_on_failure=True)

    result = directory.run("transact", "write", json.dumps([put({**KEY, "icao": "X"}), refused]))

    assert (result.exit_code, result.stdout) == (4, "")
    assert result.stderr.splitlines() == [
        "kvdb: TransactionCanceledException: Transaction cancelled, please refer cancellation reasons for "
        "specific reasons [None, ConditionalCheckFailed]",
        "kvdb: member 2: ConditionalCheckFailed: The conditional request failed "
        '{"country": "IS", "elevation": 171, "icao": "BIKF"}',
    ]
    assert directory.items() == [KEFLAVIK]


@served
def test_a_token_makes_a_second_sending_harmless(directory: Directory) -> None:
    counted = {"update": {"table": "airports", "key": KEY, "update": "ADD times :one", "values": {":one": 1}}}

    for _ in range(2):
        assert directory.run("transact", "write", json.dumps([counted]), "--token", "once").exit_code == 0

    assert directory.items() == [{**KEY, "times": 1}]


@served
def test_get_prints_items_in_the_order_asked_for(directory: Directory) -> None:
    directory.put(KEFLAVIK)
    wanted = [
        {"table": "airports", "key": {**KEY, "icao": "none"}},
        {"table": "airports", "key": KEY, "projection": "#e", "names": {"#e": "elevation"}},
    ]
    members = json.dumps(wanted)

    programs = directory.run("transact", "get", "-", "--json", stdin=members.encode())
    people = directory.run("transact", "get", members)

    assert programs.stdout == 'null\n{"elevation": 171}\n'
    assert people.stdout == "── 1: airports: no such item ──\n── 2: airports ──\nelevation  171\n"


@pytest.mark.parametrize(
    ("command", "members", "fault"),
    [
        ("write", "{", "not JSON: "),
        ("write", "{}", "not a JSON list"),
        ("write", "[5]", 'member 1 must be {"KIND": {...}}, KIND one of put, update, delete, check'),
        ("write", '[{"put": {}, "delete": {}}]', "member 1 must be"),
        ("write", '[{"get": {}}]', "member 1 must be"),
        ("write", '[{"put": []}]', "member 1 must hold an object"),
        ("write", '[{"put": {"table": "t"}}]', "member 1 lacks item"),
        ("write", '[{"put": {"table": 5, "item": {}}}]', "member 1 table must be a text"),
        ("write", '[{"put": {"table": "t", "item": []}}]', "member 1 item must be an object"),
        ("write", '[{"put": {"table": "t", "item": {}, "key": {}}}]', "member 1 has no field 'key'"),
        (
            "write",
            '[{"delete": {"table": "t", "key": {}, "return_old_on_failure": 1}}]',
            "return_old_on_failure must be true or false",
        ),
        ("write", '[{"check": {"table": "t", "key": {}}}]', "member 1 lacks condition"),
        ("get", '[{"table": "t", "key": {}}, {"key": {}}]', "member 2 lacks table"),
        ("get", '[{"table": "t", "key": {}, "item": {}}]', "member 1 has no field 'item'"),
    ],
)
def test_members_that_cannot_be_read_are_a_usage_error(
    directory: Directory, command: str, members: str, fault: str
) -> None:
    result = directory.run("transact", command, members)

    assert (result.exit_code, result.stdout) == (2, "")
    assert fault in result.stderr
