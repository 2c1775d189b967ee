from __future__ import annotations

import pytest

from kvdb.api.items import DeleteItem, PutItem
from kvdb.errors import ConditionalCheckFailed, ValidationError
from kvdb.table.writes import DeleteWrite, PutWrite, sized_item

OLD = {"p": "x", "v": 1}
NEW = {"p": "x", "v": 2}


def put(**fields: object) -> PutWrite:
    return PutWrite.of_request(PutItem("table", NEW, **fields))  # type: ignore[arg-type]


def delete(**fields: object) -> DeleteWrite:
    return DeleteWrite.of_request(DeleteItem("table", {"p": "x"}, **fields))  # type: ignore[arg-type]


IS_ONE = {"condition_expression": "v = :one", "expression_attribute_values": {":one": 1}}


def test_a_put_replaces_whatever_was_there():
    assert put().apply(None) == NEW
    assert put().apply(OLD) == NEW


def test_a_delete_leaves_nothing():
    assert delete().apply(OLD) is None
    assert delete().apply(None) is None


@pytest.mark.parametrize("make", [put, delete])
def test_the_old_item_is_needed_for_a_condition_or_an_answer_only(make):
    assert not make().needs_old
    assert make(**IS_ONE).needs_old
    assert make(return_values="ALL_OLD").needs_old


@pytest.mark.parametrize("make", [put, delete])
def test_a_condition_is_held_against_the_old_item(make):
    make(**IS_ONE).apply(OLD)
    for other in ({"p": "x", "v": 2}, None):
        with pytest.raises(ConditionalCheckFailed):
            make(**IS_ONE).apply(other)


def test_an_absent_item_is_an_empty_one_to_a_condition():
    assert put(condition_expression="attribute_not_exists(p)").apply(None) == NEW


@pytest.mark.parametrize("make", [put, delete])
def test_a_refusal_shows_the_item_when_asked_to(make):
    wrong = {"p": "x", "v": 7}
    with pytest.raises(ConditionalCheckFailed) as refused:
        make(**IS_ONE).apply(wrong)
    assert refused.value.item is None
    with pytest.raises(ConditionalCheckFailed) as refused:
        make(**IS_ONE, return_values_on_condition_check_failure="ALL_OLD").apply(wrong)
    assert refused.value.item == wrong


def test_a_write_may_be_applied_again():
    write = put(**IS_ONE)
    with pytest.raises(ConditionalCheckFailed):
        write.apply(None)
    assert write.apply(OLD) == NEW


def test_a_put_keeps_a_copy_of_the_callers_item():
    item = {"p": "x", "tags": ["a"]}
    write = PutWrite.of_request(PutItem("table", item))
    item["tags"].append("b")
    assert write.item == {"p": "x", "tags": ["a"]}


def test_an_item_has_up_to_409600_bytes_names_included():
    whole = {"p": "x" * (409_600 - 1)}
    assert sized_item(whole)[1] == 409_600
    with pytest.raises(ValidationError, match=r"^Item size has exceeded the maximum allowed size$"):
        sized_item({"p": "x" * 409_600})
    assert put().size_of(NEW, None, 0) == len("p") + len("x") + len("v") + 2


def test_unused_placeholders_are_refused():
    with pytest.raises(ValidationError, match="unused"):
        put(condition_expression="v = :one", expression_attribute_values={":one": 1, ":two": 2})


def test_a_malformed_condition_is_refused():
    with pytest.raises(ValidationError, match=r"^Invalid ConditionExpression: "):
        delete(condition_expression="v =")
