from __future__ import annotations

import pytest

from kvdb.api import validation
from kvdb.api.items import (
    BatchGetItem,
    BatchWriteItem,
    DeleteItem,
    GetItem,
    KeysAndAttributes,
    PutItem,
    PutRequest,
    Query,
    Scan,
    UpdateItem,
)
from kvdb.api.tables import (
    CreateTable,
    DescribeTable,
)
from tests.support.sound_requests import changed, message_of


@pytest.mark.parametrize("kind", [GetItem, PutItem, UpdateItem, DeleteItem, Query, Scan])
@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "",
            "1 validation error detected: Value '' at 'tableName' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1",
        ),
        (
            "a b",
            "1 validation error detected: Value 'a b' at 'tableName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
        ),
        (
            "t" * 256,
            f"1 validation error detected: Value '{'t' * 256}' at 'tableName' failed to satisfy constraint: "
            "Member must have length less than or equal to 255",
        ),
    ],
)
def test_item_operations_refuse_a_bad_table_name(kind, name, message):
    assert message_of(changed(kind, table_name=name)) == message


@pytest.mark.parametrize("kind", [GetItem, PutItem, DeleteItem, Query, Scan, CreateTable, DescribeTable])
def test_a_table_name_that_is_no_text_is_refused_by_field(kind):
    assert message_of(changed(kind, table_name=5)) == "table_name must be str, not int"


def test_faults_of_single_fields_are_counted_and_joined():
    request = changed(PutItem, table_name="a b", return_values="SOME")
    assert message_of(request) == (
        "2 validation errors detected: "
        "Value 'a b' at 'tableName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; "
        "Value 'SOME' at 'returnValues' failed to satisfy constraint: "
        "Member must satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]"
    )


@pytest.mark.parametrize("kind", [PutItem, DeleteItem])
def test_put_and_delete_return_nothing_but_the_old_item(kind):
    request = changed(kind, return_values="ALL_NEW")
    assert message_of(request) == "ReturnValues can only be ALL_OLD or NONE"


@pytest.mark.parametrize("kind", [PutItem, DeleteItem])
def test_return_values_on_failure_is_an_enum(kind):
    request = changed(kind, return_values_on_condition_check_failure="ALL_NEW")
    assert message_of(request).endswith("Member must satisfy enum value set: [ALL_OLD, NONE]")


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        (GetItem, "key"),
        (PutItem, "item"),
        (DeleteItem, "key"),
        (Query, "exclusive_start_key"),
        (Scan, "exclusive_start_key"),
    ],
)
def test_items_and_keys_are_mappings(kind, field):
    assert message_of(changed(kind, **{field: ["a"]})) == f"{field} must be a mapping, not list"


@pytest.mark.parametrize("kind", [GetItem, PutItem, DeleteItem, Scan])
def test_names_need_an_expression(kind):
    request = changed(kind, expression_attribute_names={"#a": "a"})
    assert message_of(request) == "ExpressionAttributeNames can only be specified when using expressions"


@pytest.mark.parametrize(
    ("request_", "absent"),
    [
        (changed(PutItem, expression_attribute_values={":a": 1}), "ConditionExpression is null"),
        (changed(DeleteItem, expression_attribute_values={":a": 1}), "ConditionExpression is null"),
        (changed(Scan, expression_attribute_values={":a": 1}), "FilterExpression is null"),
        (
            changed(Query, key_condition_expression=None),
            "FilterExpression and KeyConditionExpression are null",
        ),
    ],
)
def test_values_need_an_expression_that_takes_values(request_, absent):
    expected = f"ExpressionAttributeValues can only be specified when using expressions: {absent}"
    assert message_of(request_) == expected


def test_a_projection_takes_names_but_no_values():
    request = changed(
        Scan,
        projection_expression="#a",
        expression_attribute_names={"#a": "a"},
        expression_attribute_values={":a": 1},
    )
    assert message_of(request).endswith("FilterExpression is null")


def test_an_expression_that_is_no_text_is_refused_by_field():
    assert message_of(changed(PutItem, condition_expression=5)) == "ConditionExpression must be str, not int"


def test_a_query_needs_a_key_condition():
    request = changed(Query, key_condition_expression=None, expression_attribute_values=None)
    assert message_of(request) == (
        "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
    )


def test_query_and_scan_word_a_bad_limit_differently():
    assert message_of(changed(Query, limit=0)) == (
        "1 validation error detected: Value at 'Limit' failed to satisfy constraint: "
        "Member must have value greater than or equal to 1"
    )
    assert message_of(changed(Scan, limit=0)) == (
        "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: "
        "Member must have value greater than or equal to 1"
    )


@pytest.mark.parametrize("limit", [True, "5", 1.0])
def test_a_limit_is_a_whole_number(limit):
    assert message_of(changed(Scan, limit=limit)) == f"limit must be int, not {type(limit).__name__}"


def test_select_is_an_enum():
    assert message_of(changed(Query, select="ALL")).endswith(
        "Value 'ALL' at 'select' failed to satisfy constraint: Member must satisfy enum value set: "
        "[SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]"
    )


def test_specific_attributes_need_a_projection():
    needs = (
        "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"
    )
    assert message_of(changed(Scan, select="SPECIFIC_ATTRIBUTES")) == needs
    wrapped = f"1 validation error detected: {needs}"
    assert message_of(changed(Query, select="SPECIFIC_ATTRIBUTES")) == wrapped


@pytest.mark.parametrize(
    ("select", "target"), [("COUNT", "only the Count"), ("ALL_ATTRIBUTES", "ALL_ATTRIBUTES")]
)
def test_a_projection_excludes_other_selects(select, target):
    request = changed(Scan, select=select, projection_expression="a")
    assert message_of(request) == f"Cannot specify the ProjectionExpression when choosing to get {target}"


def test_projected_attributes_belong_to_indexes():
    expected = "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"
    assert message_of(changed(Scan, select="ALL_PROJECTED_ATTRIBUTES")) == expected


@pytest.mark.parametrize(
    ("segment", "total", "message"),
    [
        (
            0,
            None,
            "The TotalSegments parameter is required but was not present in the request "
            "when Segment parameter is present",
        ),
        (
            None,
            2,
            "The Segment parameter is required but was not present in the request "
            "when parameter TotalSegments is present",
        ),
        (
            2,
            2,
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
            "Segment: 2 is not less than TotalSegments: 2",
        ),
        (
            -1,
            2,
            "1 validation error detected: Value '-1' at 'segment' failed to satisfy constraint: "
            "Member must have value greater than or equal to 0",
        ),
        (
            0,
            1_000_001,
            "1 validation error detected: Value '1000001' at 'totalSegments' failed to satisfy constraint: "
            "Member must have value less than or equal to 1000000",
        ),
    ],
)
def test_segment_and_total_segments_go_together(segment, total, message):
    assert message_of(changed(Scan, segment=segment, total_segments=total)) == message


def test_the_largest_number_of_segments_passes():
    validation.check(changed(Scan, segment=999_999, total_segments=1_000_000))


@pytest.mark.parametrize("kind", [BatchGetItem, BatchWriteItem])
def test_a_batch_is_not_empty(kind):
    expected = f"The requestItems parameter is required for {kind.__name__}"
    assert message_of(changed(kind, request_items={})) == expected


def test_a_table_of_a_batch_is_not_empty():
    assert message_of(BatchGetItem({"table": KeysAndAttributes([])})) == (
        "1 validation error detected: "
        "Value at 'requestItems.table.member.keys' failed to satisfy constraint: "
        "Member must have length greater than or equal to 1"
    )
    assert message_of(BatchWriteItem({"table": []})) == (
        "1 validation error detected: Value at 'requestItems.table.member' failed to satisfy constraint: "
        "Member must have length greater than or equal to 1"
    )


def test_a_batch_get_takes_a_hundred_keys_over_all_tables():
    keys = [{"a": str(number)} for number in range(50)]
    hundred = {"one": KeysAndAttributes(keys), "two": KeysAndAttributes(keys)}
    validation.check(BatchGetItem(hundred))
    more = {"one": KeysAndAttributes(keys), "two": KeysAndAttributes([*keys, {"a": "x"}])}
    assert message_of(BatchGetItem(more)) == (
        "1 validation error detected: Value at 'RequestItems.two.member.Keys' failed to satisfy constraint: "
        "Member must have length less than or equal to 100"
    )


def test_a_batch_write_takes_twenty_five_writes_over_all_tables():
    writes = [PutRequest({"a": str(number)}) for number in range(13)]
    validation.check(BatchWriteItem({"one": writes, "two": writes[:12]}))
    assert "Member must have length less than or equal to 25" in message_of(
        BatchWriteItem({"one": writes, "two": writes})
    )


def test_a_batch_holds_only_puts_and_deletes():
    expected = "request_items must be lists of PutRequest and DeleteRequest, not dict"
    assert message_of(BatchWriteItem({"table": [{"a": "1"}]})) == expected


def test_an_update_knows_every_kind_of_return_value():
    for returns in ("NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"):
        validation.check(changed(UpdateItem, return_values=returns))


def test_values_without_an_expression_are_refused_by_the_fields_that_could_use_them():
    request = changed(UpdateItem, update_expression=None)
    assert message_of(request) == (
        "ExpressionAttributeValues can only be specified when using expressions: "
        "UpdateExpression and ConditionExpression are null"
    )


@pytest.mark.parametrize("kind", [GetItem, PutItem, UpdateItem, DeleteItem, Query, Scan, BatchGetItem])
def test_an_unknown_kind_of_consumed_capacity_is_refused(kind):
    assert message_of(changed(kind, return_consumed_capacity="SOME")) == (
        "1 validation error detected: Value 'SOME' at 'returnConsumedCapacity' failed to satisfy constraint: "
        "Member must satisfy enum value set: [INDEXES, TOTAL, NONE]"
    )


@pytest.mark.parametrize("kind", [PutItem, UpdateItem, DeleteItem, BatchWriteItem])
def test_an_unknown_kind_of_collection_metrics_is_refused(kind):
    assert message_of(changed(kind, return_item_collection_metrics="ALL")) == (
        "1 validation error detected: Value 'ALL' at 'returnItemCollectionMetrics' failed to satisfy "
        "constraint: Member must satisfy enum value set: [SIZE, NONE]"
    )


@pytest.mark.parametrize("kind", [Query, Scan])
def test_an_index_is_named_as_tables_are(kind):
    assert message_of(changed(kind, index_name="a")) == (
        "1 validation error detected: Value 'a' at 'indexName' failed to satisfy constraint: "
        "Member must have length greater than or equal to 3"
    )
    assert message_of(changed(kind, index_name=5)) == "index_name must be str, not int"
    validation.check(changed(kind, index_name="idx", select="ALL_PROJECTED_ATTRIBUTES"))
