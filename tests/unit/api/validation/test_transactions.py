from __future__ import annotations

import pytest

from kvdb import limits
from kvdb.api import validation
from kvdb.api.items import (
    CommitTransaction,
    ConditionCheck,
    DeleteItem,
    GetItem,
    ListItemVersions,
    PutItem,
    Query,
    ReadKey,
    ReadRange,
    ReleaseSnapshot,
    TransactGetItems,
    TransactWriteItems,
    UpdateItem,
)
from kvdb.limits import OPEN
from tests.support.sound_requests import changed, message_of

PUT = PutItem("table", {"a": "1"})
GET = GetItem("table", {"a": "1"})
CHECK = ConditionCheck("table", {"a": "1"}, "attribute_exists(a)")
AT = "failed to satisfy constraint: Member must"


@pytest.mark.parametrize("kind", [TransactWriteItems, TransactGetItems])
def test_a_transaction_has_1_to_100_members(kind):
    member = PUT if kind is TransactWriteItems else GET
    validation.check(kind([member] * 100))
    assert message_of(kind([])) == (
        f"1 validation error detected: Value '[]' at 'transactItems' {AT} have length "
        "greater than or equal to 1"
    )
    assert message_of(kind([member] * 101)) == (
        f"1 validation error detected: Value at 'transactItems' {AT} have length less than or equal to 100"
    )
    validation.check(kind([member] * 1_000), OPEN)


@pytest.mark.parametrize(
    ("token", "rule"),
    [("", "have length greater than or equal to 1"), ("t" * 37, "have length less than or equal to 36")],
)
def test_a_token_has_1_to_36_characters(token, rule):
    assert message_of(changed(TransactWriteItems, client_request_token=token)) == (
        f"1 validation error detected: Value '{token}' at 'clientRequestToken' {AT} {rule}"
    )
    validation.check(changed(TransactWriteItems, client_request_token="t" * 36))


def test_what_is_returned_is_an_enum():
    request = changed(
        TransactWriteItems, return_consumed_capacity="SOME", return_item_collection_metrics="SOME"
    )
    assert message_of(request) == (
        f"2 validation errors detected: Value 'SOME' at 'returnConsumedCapacity' {AT} satisfy enum value "
        f"set: [INDEXES, TOTAL, NONE]; Value 'SOME' at 'returnItemCollectionMetrics' {AT} satisfy enum "
        "value set: [SIZE, NONE]"
    )
    assert "[INDEXES, TOTAL, NONE]" in message_of(changed(TransactGetItems, return_consumed_capacity="SOME"))


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (PutItem("table", ["a"]), "item must be a mapping, not list"),  # type: ignore[arg-type]
        (UpdateItem("table", ["a"]), "key must be a mapping, not list"),  # type: ignore[arg-type]
        (DeleteItem("table", ["a"]), "key must be a mapping, not list"),  # type: ignore[arg-type]
        (ConditionCheck("table", ["a"], "a = b"), "key must be a mapping, not list"),  # type: ignore[arg-type]
        (ConditionCheck("table", {}, None), "condition_expression must be str, not NoneType"),  # type: ignore[arg-type]
        (
            ConditionCheck("", {}, "a = b"),
            f"1 validation error detected: Value '' at 'tableName' {AT} have length "
            "greater than or equal to 1",
        ),
        (
            ConditionCheck("table", {}, "a = b", return_values_on_condition_check_failure="SOME"),  # type: ignore[arg-type]
            "1 validation error detected: Value 'SOME' at 'returnValuesOnConditionCheckFailure' "
            f"{AT} satisfy enum value set: [ALL_OLD, NONE]",
        ),
        (
            GET,
            "transact_items must be a list of PutItem, UpdateItem, DeleteItem and ConditionCheck, "
            "not GetItem",
        ),
    ],
)
def test_every_member_is_checked(member, message):
    assert message_of(TransactWriteItems([CHECK, member])) == message
    assert message_of(CommitTransaction("snapshot", [], [CHECK, member])) == message


def test_a_read_transaction_gets_items():
    assert message_of(TransactGetItems([PUT])) == "transact_items must be a list of GetItem, not PutItem"  # type: ignore[list-item]
    assert message_of(TransactGetItems([GetItem("table", 5)])) == "key must be a mapping, not int"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reads", "message"),
    [
        (GET, "reads must be a list, not GetItem"),
        ([GET], "reads must be a list of ReadKey and ReadRange, not GetItem"),
        ([ReadKey("table", 5)], "key must be a mapping, not int"),  # type: ignore[arg-type]
        ([ReadRange(GET)], "request must be a Query or a Scan, not GetItem"),  # type: ignore[arg-type]
        ([ReadRange(Query("table", "a = :a"), 5)], "last_key must be a mapping, not int"),  # type: ignore[arg-type]
        (
            [ReadKey("table", {})] * (limits.TRANSACTION_READS_MAX + 1),
            "a transaction may read 10000 items and ranges, not 10001",
        ),
    ],
)
def test_a_commit_names_what_was_read(reads, message):
    assert message_of(CommitTransaction("snapshot", reads, [])) == message


def test_a_commit_writes_as_much_as_a_transaction_may():
    assert message_of(CommitTransaction("snapshot", [], [PUT] * 101)) == (
        "a transaction may write 100 items, not 101"
    )
    validation.check(CommitTransaction("snapshot", [], [PUT] * 1_000), OPEN)


@pytest.mark.parametrize("kind", [ReleaseSnapshot, CommitTransaction])
def test_a_snapshot_is_named_by_text(kind):
    assert message_of(changed(kind, snapshot_id=5)) == "snapshot_id must be str, not int"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"limit": 0}, "limit must be 1 to 1000: 0"),
        ({"limit": 1001}, "limit must be 1 to 1000: 1001"),
        ({"before_seqno": -1}, "before_seqno must not be negative: -1"),
        ({"before_seqno": "1"}, "before_seqno must be int, not str"),
        ({"key": 5}, "key must be a mapping, not int"),
    ],
)
def test_versions_are_listed_in_pages(fields, message):
    assert message_of(changed(ListItemVersions, **fields)) == message


@pytest.mark.parametrize(
    "member",
    [
        PutItem("table", {"a": "1"}, conditional_operator="OR"),
        PutItem("table", {"a": "1"}, expected={}),
        UpdateItem("table", {"a": "1"}, attribute_updates={}),
    ],
)
def test_a_member_takes_no_parameters_of_before_2014(member):
    for request in (TransactWriteItems([member]), CommitTransaction("snapshot", [], [member])):
        assert message_of(request).startswith("a member of a transaction takes expressions only, no ")
