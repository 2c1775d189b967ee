"""The parameters of before 2014: they work as the expressions that replaced them."""

from __future__ import annotations

from collections.abc import Callable

from kvdb.api.items import (
    AttributeValueUpdate,
    BatchGetItem,
    BatchGetItemResult,
    DeleteItem,
    ExpectedAttributeValue,
    GetItem,
    GetItemResult,
    KeysAndAttributes,
    LegacyCondition,
    Page,
    PutItem,
    Query,
    Scan,
    UpdateItem,
    UpdateItemResult,
)
from kvdb.api.operations import Request
from kvdb.client.sync import Client
from kvdb.errors import ConditionalCheckFailed, ValidationError
from kvdb.testing.checks.airports import AEY, CPH, KEF, RKV, Check, airports, key_of, raised

_KEY = key_of(KEF)


def _equal(value: object) -> ExpectedAttributeValue:
    return ExpectedAttributeValue(value=value, has_value=True)


def _put(value: object) -> AttributeValueUpdate:
    return AttributeValueUpdate("PUT", value, True)


def _items(client: Client, request: Query | Scan) -> list[object]:
    page = client.call(request)
    assert isinstance(page, Page)
    return list(page.items)


def expected_values_hold_a_write_back(client: Client) -> None:
    table = airports(client, KEF)
    changed = {**KEF, "elevation": 172}
    for expected in (
        {"elevation": _equal(1)},
        {"icao": ExpectedAttributeValue(exists=False)},
        {"elevation": ExpectedAttributeValue(comparison_operator="GT", attribute_value_list=[171])},
        {"nothing": ExpectedAttributeValue(comparison_operator="NOT_NULL")},
    ):
        raised(ConditionalCheckFailed, _calling(client, PutItem("airports", changed, expected=expected)))
        raised(ConditionalCheckFailed, _calling(client, DeleteItem("airports", _KEY, expected=expected)))
    assert table.get(_KEY) == KEF
    either = {"elevation": _equal(171), "name": _equal("nobody")}
    raised(ConditionalCheckFailed, _calling(client, PutItem("airports", changed, expected=either)))
    client.call(PutItem("airports", changed, expected=either, conditional_operator="OR"))
    assert table.get(_KEY) == changed


def attribute_updates_change_an_item(client: Client) -> None:
    table = airports(client, {**KEF, "tags": {"a", "b"}, "log": ["x"]})
    request = UpdateItem(
        "airports",
        _KEY,
        attribute_updates={
            "elevation": AttributeValueUpdate("ADD", 1, True),
            "name": _put("K"),
            "tags": AttributeValueUpdate("DELETE", {"a"}, True),
            "log": AttributeValueUpdate("ADD", ["y"], True),
            "nothing": AttributeValueUpdate("DELETE"),
        },
        return_values="ALL_NEW",
    )
    result = client.call(request)
    assert isinstance(result, UpdateItemResult)
    wanted = {**KEF, "elevation": 172, "name": "K", "tags": {"b"}, "log": ["x", "y"]}
    assert result.attributes == wanted
    assert table.get(_KEY) == wanted


def key_conditions_and_filters_query(client: Client) -> None:
    airports(client, KEF, RKV, AEY, CPH)
    iceland = LegacyCondition("EQ", ["IS"])
    only_iceland = Query("airports", key_conditions={"country": iceland})
    assert _items(client, only_iceland) == [AEY, KEF, RKV]
    between = {"country": iceland, "icao": LegacyCondition("BETWEEN", ["BIAR", "BIKF"])}
    assert _items(client, Query("airports", key_conditions=between)) == [AEY, KEF]
    filtered = Query(
        "airports",
        key_conditions={"country": iceland},
        query_filter={
            "elevation": LegacyCondition("GT", [100]),
            "name": LegacyCondition("BEGINS_WITH", ["Akur"]),
        },
        conditional_operator="OR",
        attributes_to_get=["name"],
    )
    assert _items(client, filtered) == [{"name": "Akureyri"}, {"name": "Keflavik"}]


def every_comparison_filters_a_scan(client: Client) -> None:
    airports(client, {**KEF, "tags": {"a", "b"}}, AEY)
    for condition, wanted in (
        (LegacyCondition("NE", [6]), ["BIKF"]),
        (LegacyCondition("LE", [6]), ["BIAR"]),
        (LegacyCondition("LT", [7]), ["BIAR"]),
        (LegacyCondition("GE", [171]), ["BIKF"]),
        (LegacyCondition("IN", [1, 6, 2]), ["BIAR"]),
    ):
        found = _items(client, Scan("airports", scan_filter={"elevation": condition}))
        assert [item["icao"] for item in found] == wanted, condition  # type: ignore[index]
    for condition, wanted in (
        (LegacyCondition("CONTAINS", ["a"]), ["BIKF"]),
        (LegacyCondition("NOT_CONTAINS", ["z"]), ["BIKF"]),
        (LegacyCondition("NULL"), ["BIAR"]),
        (LegacyCondition("NOT_NULL"), ["BIKF"]),
    ):
        found = _items(client, Scan("airports", scan_filter={"tags": condition}))
        assert [item["icao"] for item in found] == wanted, condition  # type: ignore[index]


def attributes_to_get_project(client: Client) -> None:
    airports(client, KEF)
    part = {"name": "Keflavik", "icao": "BIKF"}
    found = client.call(GetItem("airports", _KEY, attributes_to_get=["name", "icao", "nothing"]))
    assert isinstance(found, GetItemResult)
    assert found.item == part
    keys = KeysAndAttributes([_KEY], attributes_to_get=["name", "icao"])
    batch = client.call(BatchGetItem({"airports": keys}))
    assert isinstance(batch, BatchGetItemResult)
    assert batch.responses == {"airports": [part]}
    assert _items(client, Scan("airports", attributes_to_get=["name", "icao"])) == [part]


def old_and_new_parameters_do_not_mix(client: Client) -> None:
    airports(client, KEF)
    both = "Can not use both expression and non-expression parameters in the same request"
    for request in (
        PutItem("airports", KEF, "attribute_exists(icao)", expected={"icao": _equal("BIKF")}),
        UpdateItem("airports", _KEY, "SET a = country", attribute_updates={"b": _put(1)}),
        GetItem("airports", _KEY, projection_expression="a", attributes_to_get=["b"]),
        Scan("airports", filter_expression="attribute_exists(a)", attributes_to_get=["b"]),
    ):
        assert both in raised(ValidationError, _calling(client, request)).message
    lonely = PutItem("airports", KEF, conditional_operator="AND")
    assert "ConditionalOperator" in raised(ValidationError, _calling(client, lonely)).message


def _calling(client: Client, request: Request) -> Callable[[], object]:
    return lambda: client.call(request)


CHECKS: tuple[Check, ...] = (
    expected_values_hold_a_write_back,
    attribute_updates_change_an_item,
    key_conditions_and_filters_query,
    every_comparison_filters_a_scan,
    attributes_to_get_project,
    old_and_new_parameters_do_not_mix,
)
