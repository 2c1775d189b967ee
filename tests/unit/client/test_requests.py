"""Keyword arguments become the requests the service's users know."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from kvdb import Attr, DeleteRequest, Key, PutRequest, Remove, Set
from kvdb.api.items import (
    BatchGetItem,
    BatchWriteItem,
    ConditionCheck,
    DeleteItem,
    GetItem,
    KeysAndAttributes,
    OpenSnapshotResult,
    PutItem,
    UpdateItem,
)
from kvdb.client import requests
from kvdb.client.sync import Snapshot
from kvdb.errors import ValidationError
from tests.support.scripted_transport import ScriptedTransport

PLAIN = {"projection": None, "limit": None, "start_key": None, "consistent": False}


def test_a_plain_put_carries_nothing_else() -> None:
    request = requests.put_item(
        "t", {"a": 1}, None, None, None, return_old=False, return_old_on_failure=False
    )
    assert request == PutItem("t", {"a": 1})


def test_old_items_are_asked_for() -> None:
    request = requests.delete_item("t", {}, None, None, None, return_old=True, return_old_on_failure=True)
    assert request == DeleteItem(
        "t", {}, return_values="ALL_OLD", return_values_on_condition_check_failure="ALL_OLD"
    )


def test_a_text_takes_the_callers_placeholders() -> None:
    request = requests.put_item(
        "t", {}, "#a = :a", {"#a": "a"}, {":a": 1}, return_old=False, return_old_on_failure=False
    )
    assert request.condition_expression == "#a = :a"
    assert (request.expression_attribute_names, request.expression_attribute_values) == (
        {"#a": "a"},
        {":a": 1},
    )


def test_a_builder_brings_its_own_placeholders() -> None:
    request = requests.delete_item(
        "t", {}, Attr("a").eq(1), None, None, return_old=False, return_old_on_failure=False
    )
    assert list(request.expression_attribute_names.values()) == ["a"]
    assert list(request.expression_attribute_values.values()) == [1]
    for placeholder in (*request.expression_attribute_names, *request.expression_attribute_values):
        assert placeholder in request.condition_expression


def test_an_update_is_text_or_built_and_shares_the_placeholders() -> None:
    plain = {"return_values": "NONE", "return_old_on_failure": False}
    assert requests.update_item("t", {"p": 1}, None, None, None, None, **plain) == UpdateItem("t", {"p": 1})
    written = requests.update_item("t", {}, "SET a = :a", None, None, {":a": 1}, **plain)
    assert written.update_expression == "SET a = :a"
    assert written.expression_attribute_values == {":a": 1}
    built = requests.update_item(
        "t",
        {},
        Set("n", Attr("n") + 1) & Remove("old"),
        Attr("n").lt(9),
        None,
        None,
        return_values="ALL_NEW",
        return_old_on_failure=True,
    )
    assert built.update_expression == "SET #u0 = #u0 + :u0 REMOVE #u1"
    assert built.condition_expression == "#c0 < :c0"
    assert built.expression_attribute_names == {"#u0": "n", "#u1": "old", "#c0": "n"}
    assert built.expression_attribute_values == {":u0": 1, ":c0": 9}
    assert (built.return_values, built.return_values_on_condition_check_failure) == ("ALL_NEW", "ALL_OLD")


def test_a_builder_without_values_adds_none() -> None:
    request = requests.put_item(
        "t", {}, Attr("a").exists(), None, None, return_old=False, return_old_on_failure=False
    )
    assert request.expression_attribute_values is None


def test_builders_step_aside_for_the_callers_names() -> None:
    first = requests.query("t", Key("a").eq(1), filter=None, reverse=False, names=None, values=None, **PLAIN)
    taken = first.expression_attribute_names | {}
    mine = dict.fromkeys(taken, "mine")
    request = requests.query(
        "t", Key("a").eq(1), filter="b", reverse=False, names=mine, values={":k0": "mine"}, **PLAIN
    )
    assert set(request.expression_attribute_names.values()) == {"mine", "a"}
    assert sorted(map(str, request.expression_attribute_values.values())) == ["1", "mine"]


def test_builders_of_one_request_do_not_clash() -> None:
    request = requests.query(
        "t",
        Key("a").eq(1),
        filter=Attr("b").eq(2),
        reverse=True,
        names=None,
        values=None,
        **{**PLAIN, "projection": ["c", "d.e"]},
    )
    assert sorted(request.expression_attribute_names.values()) == ["a", "b", "c", "d", "e"]
    assert sorted(request.expression_attribute_values.values()) == [1, 2]
    assert request.scan_index_forward is False


def test_one_shape_of_query_renders_to_one_text() -> None:
    texts = {
        requests.query(
            "t", Key("a").eq(value), filter=None, reverse=False, names=None, values=None, **PLAIN
        ).key_condition_expression
        for value in range(3)
    }
    assert len(texts) == 1


def test_paths_make_a_projection() -> None:
    request = requests.get_item("t", {}, ["name", "a[1]"], None, consistent=True)
    assert sorted(request.expression_attribute_names.values()) == ["a", "name"]
    assert requests.get_item("t", {}, "a", None, consistent=False) == GetItem("t", {}, False, "a")


def test_a_limit_is_a_page_only_without_a_filter() -> None:
    assert requests.page_limit(None, None, is_filtered=False) is None
    assert requests.page_limit(5, None, is_filtered=False) == 5
    assert requests.page_limit(5, None, is_filtered=True) is None
    assert requests.page_limit(5, 100, is_filtered=False) == 100


@pytest.mark.parametrize(("limit", "says"), [(0, "at least 1: 0"), ("5", "not str"), (True, "not bool")])
def test_a_limit_that_is_none_is_refused(limit: object, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        requests.page_limit(limit, None, is_filtered=False)


def test_a_plain_update_carries_nothing_else() -> None:
    request = requests.update_item(
        "t", {"id": 1}, "REMOVE a", None, None, None, return_values="NONE", return_old_on_failure=False
    )
    assert request == UpdateItem("t", {"id": 1}, "REMOVE a")


def test_an_update_takes_a_built_condition_beside_its_own_placeholders() -> None:
    request = requests.update_item(
        *("t", {"id": 1}, "SET #c0 = :c0", Attr("a").eq(2), {"#c0": "n"}, {":c0": 1}),
        return_values="ALL_NEW",
        return_old_on_failure=True,
    )
    assert request.update_expression == "SET #c0 = :c0"
    assert (request.return_values, request.return_values_on_condition_check_failure) == ("ALL_NEW", "ALL_OLD")
    assert sorted(request.expression_attribute_names.values()) == ["a", "n"]
    assert sorted(request.expression_attribute_values.values()) == [1, 2]


def test_a_check_is_a_condition_and_its_placeholders() -> None:
    request = requests.condition_check("t", {"id": 1}, "a = :a", None, {":a": 1}, return_old_on_failure=True)
    assert request == ConditionCheck("t", {"id": 1}, "a = :a", None, {":a": 1}, "ALL_OLD")


def test_a_moment_is_a_commit_a_time_or_a_snapshot() -> None:
    snapshot = Snapshot(ScriptedTransport(lambda request: None), OpenSnapshotResult("s1", 7))
    noon = datetime(2026, 1, 2, 12, 0, 0, 250_999, tzinfo=timezone(timedelta(hours=1)))
    assert requests.read_point(None) == (None, None, None)
    assert requests.read_point(7) == (7, None, None)
    assert requests.read_point(noon) == (None, 1_767_351_600_250, None)
    assert requests.read_point(snapshot) == (None, None, "s1")
    read = requests.get_item("t", {}, None, None, consistent=False, as_of=snapshot)
    assert read == GetItem("t", {}, snapshot_id="s1")


@pytest.mark.parametrize(
    ("as_of", "says"),
    [(True, "not bool"), ("yesterday", "not str"), (1.5, "not float"), (datetime(2026, 1, 1), "time zone")],
)
def test_what_is_no_moment_is_refused(as_of: object, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        requests.read_point(as_of)


def test_batches_are_cut_across_tables() -> None:
    puts = [PutRequest({"id": n}) for n in range(30)]
    first, second = requests.batch_writes({"a": puts[:20], "b": (put for put in puts[20:])})
    assert first == BatchWriteItem({"a": puts[:20], "b": puts[20:25]})
    assert second == BatchWriteItem({"b": puts[25:]})
    (gets,) = requests.batch_gets({"a": [{"id": 1}], "b": [{"id": 2}]})
    assert gets == BatchGetItem({"a": KeysAndAttributes([{"id": 1}]), "b": KeysAndAttributes([{"id": 2}])})


@pytest.mark.parametrize(
    "batch", [[PutRequest({})], {"a": PutRequest({})}, {"a": DeleteRequest({})}, {"a": {"id": 1}}, {"a": "x"}]
)
def test_a_batch_of_another_shape_is_refused(batch: object) -> None:
    with pytest.raises(ValidationError, match="a batch must"):
        list(requests.batch_writes(batch))
