from __future__ import annotations

import pytest

from kvdb import limits
from kvdb.api.items import (
    Capacity,
    ConditionCheck,
    ConsumedCapacity,
    DeleteItem,
    GetItem,
    ItemCollectionMetrics,
    PutItem,
    TransactGetItems,
    TransactWriteAction,
    TransactWriteItems,
    TransactWriteItemsResult,
    UpdateItem,
)
from kvdb.api.tables import CreateTable, OnDemandThroughput, ProvisionedThroughput
from kvdb.database.database import Database
from kvdb.errors import (
    CancellationReason,
    IdempotentParameterMismatch,
    KvdbError,
    ResourceNotFound,
    TransactionCanceled,
    TransactionConflict,
    TransactionInProgress,
    ValidationError,
)
from kvdb.limits import OPEN
from kvdb.lsm.batch import WriteBatch
from kvdb.table import keys
from kvdb.table.claims import GRAIN_BYTES
from kvdb.table.latches import Grant
from tests.support.builders import open_database, table_request
from tests.support.indexes import index, indexed_table

NO_FAULT = CancellationReason()
CONFLICT = CancellationReason("TransactionConflict", "Transaction is ongoing for the item")
FAILED = CancellationReason("ConditionalCheckFailed", "The conditional request failed")


@pytest.fixture
def db() -> Database:
    database = open_database()
    database.call(table_request("one", ("id", "S")))
    database.call(table_request("two", ("id", "S"), ("at", "N")))
    return database


def put(key: str, **more: object) -> PutItem:
    return PutItem("one", {"id": key, **more})


def write(db: Database, *members: TransactWriteAction, **more: object) -> TransactWriteItemsResult:
    result = db.call(TransactWriteItems(list(members), **more))  # type: ignore[arg-type]
    assert isinstance(result, TransactWriteItemsResult)
    return result


def refusal(db: Database, *members: TransactWriteAction, **more: object) -> KvdbError:
    with pytest.raises(KvdbError) as caught:
        write(db, *members, **more)
    return caught.value


def reasons(db: Database, *members: TransactWriteAction, **more: object) -> list[CancellationReason]:
    error = refusal(db, *members, **more)
    assert isinstance(error, TransactionCanceled), error
    return list(error.reasons)


def got(db: Database, key: str) -> object:
    return db.call(GetItem("one", {"id": key})).item  # type: ignore[union-attr]


def key_of(db: Database, key: str) -> bytes:
    return db._floor.catalog.table("one").keys.of_key({"id": key})


# Writes.


def test_members_of_every_kind_and_several_tables_are_one_commit(db):
    db.call(put("gone"))
    db.call(put("held", n=1))
    before = db._floor.engine.last_seqno
    assert (
        write(
            db,
            put("new"),
            DeleteItem("one", {"id": "gone"}),
            UpdateItem("two", {"id": "x", "at": 1}, "SET n = :n", expression_attribute_values={":n": 5}),
            ConditionCheck("one", {"id": "held"}, "n = :n", expression_attribute_values={":n": 1}),
        )
        == TransactWriteItemsResult()
    )
    assert (got(db, "new"), got(db, "gone"), got(db, "held")) == ({"id": "new"}, None, {"id": "held", "n": 1})
    assert db.call(GetItem("two", {"id": "x", "at": 1})).item == {"id": "x", "at": 1, "n": 5}
    # Three operations: what is only checked is not written.
    assert db._floor.engine.last_seqno == before + 3


def test_every_failed_condition_is_told_in_order_and_nothing_is_written(db):
    db.call(put("a", n=1))
    assert reasons(
        db,
        put("b"),
        PutItem(
            "one",
            {"id": "a"},
            "attribute_not_exists(id)",
            return_values_on_condition_check_failure="ALL_OLD",
        ),
        DeleteItem("one", {"id": "c"}, "attribute_exists(id)"),
        ConditionCheck("one", {"id": "d"}, "attribute_exists(id)"),
    ) == [NO_FAULT, FAILED._replace(item={"id": "a", "n": 1}), FAILED, FAILED]
    assert (got(db, "a"), got(db, "b")) == ({"id": "a", "n": 1}, None)


def test_the_message_lists_the_codes(db):
    error = refusal(db, put("b"), DeleteItem("one", {"id": "c"}, "attribute_exists(id)"))
    assert str(error) == (
        "Transaction cancelled, please refer cancellation reasons for specific reasons "
        "[None, ConditionalCheckFailed]"
    )


def test_of_faults_that_only_the_item_shows_the_first_is_told(db):
    add_to_nothing = "SET n = n + m"
    assert reasons(
        db,
        put("a"),
        UpdateItem("one", {"id": "b"}, add_to_nothing),
        UpdateItem("one", {"id": "c"}, add_to_nothing),
        DeleteItem("one", {"id": "d"}, "attribute_exists(id)"),
    ) == [
        NO_FAULT,
        CancellationReason(
            "ValidationError",
            "The provided expression refers to an attribute that does not exist in the item",
        ),
        NO_FAULT,
        FAILED,
    ]


@pytest.mark.parametrize(
    "member, message",
    [
        (
            PutItem("one", {"id": 5}),
            "One or more parameter values were invalid: Type mismatch for key id expected: S actual: N",
        ),
        (DeleteItem("two", {"id": "x"}), "The provided key element does not match the schema"),
        (
            UpdateItem("one", {"id": "x"}, "SET id = :i", expression_attribute_values={":i": "y"}),
            "One or more parameter values were invalid: Cannot update attribute id. "
            "This attribute is part of the key",
        ),
    ],
)
def test_what_does_not_fit_its_table_cancels(db, member, message):
    assert reasons(db, put("a"), member, PutItem("one", {})) == [
        NO_FAULT,
        CancellationReason("ValidationError", message),
        NO_FAULT,
    ]


@pytest.mark.parametrize(
    "member, error",
    [
        (PutItem("one", {"id": ""}), ValidationError),
        (DeleteItem("one", {"id": "x" * 2049}), ValidationError),
        (PutItem("one", {"id": "a"}, "attribute_exists("), ValidationError),
        (PutItem("one", {"id": "a", "x": "x" * limits.ITEM_BYTES_MAX}), ValidationError),
        (PutItem("absent", {"id": "a"}), ResourceNotFound),
    ],
)
def test_what_is_wrong_by_itself_refuses_the_call(db, member, error):
    assert type(refusal(db, put("b"), member)) is error


def test_no_two_members_are_for_one_item(db):
    error = refusal(db, put("a"), ConditionCheck("one", {"id": "a"}, "attribute_exists(id)"))
    assert (type(error), str(error)) == (
        ValidationError,
        "Transaction request cannot include multiple operations on one item",
    )


def test_a_transaction_brings_4_mb_at_most(db):
    members = [put(f"{number}", x="x" * 390_000) for number in range(11)]
    write(db, *members[:10])
    assert "exceeding the 4MB limit" in str(refusal(db, *members))
    db.call(TransactWriteItems(list(members)), profile=OPEN)
    # Deletes of as much are fine; updates that leave as much are not.
    update = "SET n = :n"
    one = {":n": 1}
    updates = [UpdateItem("one", {"id": f"{n}"}, update, expression_attribute_values=one) for n in range(11)]
    assert "exceeding the 4MB limit" in str(refusal(db, *updates))
    write(db, *(DeleteItem("one", {"id": f"{number}"}) for number in range(11)))
    assert got(db, "10") is None


# Conflicts.


def test_an_item_of_an_open_transaction_refuses_writes_and_cancels_transactions(db):
    latches = db._floor.latches
    grant = latches.request_transaction((key_of(db, "a"),))
    assert isinstance(grant, Grant)
    with pytest.raises(TransactionConflict, match=r"^Transaction is ongoing for the item$"):
        db.call(put("a"))
    assert reasons(db, put("b"), put("a")) == [NO_FAULT, CONFLICT]
    with pytest.raises(TransactionCanceled) as caught:
        db.call(TransactGetItems([GetItem("one", {"id": "a"}), GetItem("one", {"id": "b"})]))
    assert list(caught.value.reasons) == [CONFLICT, NO_FAULT]
    latches.give_back(grant)
    write(db, put("b"), put("a"))


def test_a_refused_transaction_leaves_no_latch(db):
    refusal(db, put("a"), DeleteItem("one", {"id": "c"}, "attribute_exists(id)"))
    write(db, put("a"), put("c"))
    assert not db._floor.latches._holders
    assert not db._floor.latches._transaction_keys


# Client tokens.


def test_a_transaction_sent_again_with_its_token_is_not_made_again(db):
    add = UpdateItem("one", {"id": "a"}, "ADD n :n", expression_attribute_values={":n": 1})
    for _ in range(3):
        write(db, add, client_request_token="t")
    assert got(db, "a") == {"id": "a", "n": 1}
    write(db, add, client_request_token="other")
    assert got(db, "a") == {"id": "a", "n": 2}


def test_a_replay_succeeds_though_its_conditions_no_longer_hold(db):
    once = PutItem("one", {"id": "a"}, "attribute_not_exists(id)")
    write(db, once, client_request_token="t")
    write(db, once, client_request_token="t")


def test_a_token_is_good_for_one_transaction(db):
    write(db, put("a"), client_request_token="t")
    assert type(refusal(db, put("b"), client_request_token="t")) is IdempotentParameterMismatch
    assert got(db, "b") is None


def test_a_cancelled_transaction_leaves_no_token(db):
    refused = DeleteItem("one", {"id": "c"}, "attribute_exists(id)")
    reasons(db, refused, client_request_token="t")
    write(db, put("a"), client_request_token="t")
    assert db._floor.tokens.count == 1


def test_a_token_whose_transaction_is_under_way_says_so(db):
    grant = db._floor.latches.request_transaction((keys.client_token_key("t"),))
    assert isinstance(grant, Grant)
    assert type(refusal(db, put("a"), client_request_token="t")) is TransactionInProgress


def test_tokens_outlive_a_restart(db):
    write(db, put("a"), client_request_token="t")
    env = db.env
    db.close()
    db = open_database(env)
    assert type(refusal(db, put("b"), client_request_token="t")) is IdempotentParameterMismatch
    write(db, put("a"), client_request_token="t")


# Capacity, collections, unique keys.


def test_units_count_twice_on_tables_and_once_on_indexes():
    db = open_database()
    db.call(indexed_table("one", ("id", "S"), None, ("g", "S"), across=[index("by-g", "g")]))
    db.call(table_request("two", ("id", "S")))
    members = [put("a", g="x"), put("b", pad="x" * 1500), PutItem("two", {"id": "a"})]
    found = write(db, *members, return_consumed_capacity="INDEXES", client_request_token="t")
    assert found.consumed_capacity == [
        ConsumedCapacity(
            "one",
            7.0,
            None,
            7.0,
            Capacity(6.0, None, 6.0),
            None,
            {"by-g": Capacity(1.0, None, 1.0)},
        ),
        ConsumedCapacity("two", 2.0, None, 2.0, Capacity(2.0, None, 2.0)),
    ]
    # A replay reads: two units for each item of up to 4 KB.
    again = write(db, *members, return_consumed_capacity="TOTAL", client_request_token="t")
    assert again.consumed_capacity == [
        ConsumedCapacity("one", 4.0, 4.0, None),
        ConsumedCapacity("two", 2.0, 2.0, None),
    ]
    # What is overwritten counts, and what is only checked.
    check = ConditionCheck("one", {"id": "absent"}, "attribute_not_exists(id)")
    found = write(db, put("b"), check, return_consumed_capacity="TOTAL")
    assert found.consumed_capacity == [ConsumedCapacity("one", 6.0, None, 6.0)]


def test_collections_that_were_touched_are_told():
    db = open_database()
    local = [index("by-l", "p", ranges=("l",))]
    db.call(indexed_table("rows", ("p", "S"), ("s", "N"), ("l", "N"), local=local))
    members = [PutItem("rows", {"p": p, "s": s}) for p, s in (("a", 1), ("a", 2), ("b", 1))]
    found = write(db, *members, return_item_collection_metrics="SIZE")
    assert found.item_collection_metrics == {
        "rows": [ItemCollectionMetrics({"p": "a"}, (0.0, 1.0)), ItemCollectionMetrics({"p": "b"}, (0.0, 1.0))]
    }


def test_a_collection_that_is_full_cancels_and_tells_by_which_member():
    db = open_database()
    local = [index("by-l", "p", ranges=("l",))]
    db.call(indexed_table("rows", ("p", "S"), ("s", "N"), ("l", "N"), local=local))
    counter = db._floor.catalog.table("rows").keys.counter_key({"p": "a"})
    full = limits.ITEM_COLLECTION_BYTES_MAX // GRAIN_BYTES
    db._floor.engine.write(WriteBatch().put(counter, full.to_bytes(4)))
    members = [PutItem("rows", {"p": p, "s": 1, "x": "x" * 100_000}) for p in "ba"]
    assert reasons(db, *members) == [
        NO_FAULT,
        CancellationReason("ItemCollectionSizeLimitExceeded", "Collection size exceeded."),
    ]


def test_a_unique_key_that_is_taken_cancels():
    db = open_database()
    unique = [index("by-email", "email", unique=True)]
    db.call(indexed_table("users", ("id", "S"), None, ("email", "S"), across=unique))
    one, two, three = (PutItem("users", {"id": n, "email": f"{n}@x"}) for n in "123")
    write(db, one, two)
    taken = PutItem("users", {"id": "4", "email": "1@x"})
    assert [reason.code for reason in reasons(db, three, taken)] == ["None", "UniqueViolation"]
    # Two may change their keys with one another, as only a transaction can.
    write(db, PutItem("users", {"id": "1", "email": "2@x"}), PutItem("users", {"id": "2", "email": "1@x"}))


def throttled(**settings: object) -> Database:
    db = open_database()
    db.call(table_request("one", ("id", "S")))
    slow: CreateTable = table_request("slow", ("id", "S"))
    for name, value in settings.items():
        setattr(slow, name, value)
    db.call(slow)
    return db


@pytest.mark.parametrize(
    "settings, code",
    [
        (
            {"billing_mode": "PROVISIONED", "provisioned_throughput": ProvisionedThroughput(1, 1)},
            "ProvisionedThroughputExceeded",
        ),
        (
            {"billing_mode": "PAY_PER_REQUEST", "on_demand_throughput": OnDemandThroughput(1, 1)},
            "ThrottlingError",
        ),
    ],
)
def test_a_table_that_is_asked_for_too_much_cancels(settings, code):
    db = throttled(**settings)
    slow = PutItem("slow", {"id": "a", "x": "x" * 350_000})
    write(db, slow)
    found = reasons(db, put("b"), PutItem("slow", {"id": "b"}))
    assert [reason.code for reason in found] == ["None", code]
    assert got(db, "b") is None
    db.call(TransactGetItems([GetItem("slow", {"id": "a"})]))
    for _ in range(5):
        try:
            db.call(TransactGetItems([GetItem("slow", {"id": "a"})]))
        except TransactionCanceled as cancelled:
            assert [reason.code for reason in cancelled.reasons] == [code]
            return
    pytest.fail("reads were never throttled")


# Reads.


def test_items_are_read_in_order_absent_ones_as_none(db):
    write(db, put("a", n=1, m=2), PutItem("two", {"id": "x", "at": 1}))
    found = db.call(
        TransactGetItems(
            [
                GetItem("one", {"id": "absent"}),
                GetItem("two", {"id": "x", "at": 1}),
                GetItem("one", {"id": "a"}, projection_expression="n"),
                GetItem("one", {"id": "b"}),
            ],
            "TOTAL",
        )
    )
    assert found.responses == [None, {"id": "x", "at": 1}, {"n": 1}, None]
    assert found.consumed_capacity == [
        ConsumedCapacity("one", 6.0, 6.0, None),
        ConsumedCapacity("two", 2.0, 2.0, None),
    ]


def test_an_item_that_has_nothing_projected_is_none(db):
    write(db, put("a"))
    found = db.call(TransactGetItems([GetItem("one", {"id": "a"}, projection_expression="n")]))
    assert found.responses == [None]


def test_reads_have_the_faults_of_writes(db):
    def fault(*gets: GetItem) -> KvdbError:
        with pytest.raises(KvdbError) as caught:
            db.call(TransactGetItems(list(gets)))
        return caught.value

    good = GetItem("one", {"id": "a"})
    assert str(fault(good, good)) == "Transaction request cannot include multiple operations on one item"
    assert type(fault(good, GetItem("absent", {"id": "a"}))) is ResourceNotFound
    assert type(fault(good, GetItem("one", {"id": ""}))) is ValidationError
    mismatched = fault(good, GetItem("one", {"id": 1}))
    assert isinstance(mismatched, TransactionCanceled)
    assert [reason.code for reason in mismatched.reasons] == ["None", "ValidationError"]


def test_reads_are_of_4_mb_at_most(db):
    for number in range(11):
        db.call(put(f"{number}", x="x" * 390_000))
    gets = [GetItem("one", {"id": f"{number}"}) for number in range(11)]
    assert len(db.call(TransactGetItems(gets[:10])).responses) == 10
    with pytest.raises(ValidationError, match="exceeding the 4MB limit"):
        db.call(TransactGetItems(gets))
