"""Every legacy parameter of the contract is refused by its name."""

from __future__ import annotations

import pytest

from kvdb.api.items import (
    BatchGetItem,
    DeleteItem,
    GetItem,
    KeysAndAttributes,
    PutItem,
    Query,
    Scan,
    UpdateItem,
)
from kvdb.api.validation.legacy import check_no_legacy
from kvdb.errors import ValidationError


@pytest.mark.parametrize(
    ("request_", "name"),
    [
        (GetItem("abc", {}, attributes_to_get=["a"]), "AttributesToGet"),
        (PutItem("abc", {}, expected={}), "Expected"),
        (PutItem("abc", {}, conditional_operator="OR"), "ConditionalOperator"),
        (UpdateItem("abc", {}, attribute_updates={}), "AttributeUpdates"),
        (DeleteItem("abc", {}, expected={}), "Expected"),
        (Query("abc", key_conditions={}), "KeyConditions"),
        (Query("abc", query_filter={}), "QueryFilter"),
        (Scan("abc", scan_filter={}), "ScanFilter"),
        (BatchGetItem({"abc": KeysAndAttributes([], attributes_to_get=["a"])}), "AttributesToGet"),
    ],
)
def test_a_legacy_parameter_is_refused_by_name(request_, name):
    with pytest.raises(ValidationError) as caught:
        check_no_legacy(request_)
    assert caught.value.message == f"legacy parameter is not served, use expressions: {name}"


def test_expressions_pass():
    check_no_legacy(PutItem("abc", {}, condition_expression="a = :a"))
    check_no_legacy(BatchGetItem({"abc": KeysAndAttributes([])}))
