from __future__ import annotations

import pytest

from kvdb.api.items import DeleteItem, PutItem, UpdateItem
from kvdb.errors import ConditionalCheckFailed, ValidationError
from kvdb.item.size import item_size
from kvdb.limits import OPEN, LimitsProfile
from kvdb.table.writes import UPDATE_TOO_LARGE, DeleteWrite, PutWrite, UpdateWrite, sized_item

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


# Updates.


def update(text: str | None = None, profile: LimitsProfile | None = None, **values: object) -> UpdateWrite:
    """``SET`` and the like; ``values`` are the ``:placeholders``."""
    given = {f":{name}": value for name, value in values.items()} or None
    request = UpdateItem("table", {"p": "x"}, text, expression_attribute_values=given)
    return UpdateWrite.of_request(request) if profile is None else UpdateWrite.of_request(request, profile)


def size_after(write: UpdateWrite, old: dict[str, object] | None) -> int:
    new = write.apply(old)
    assert new is not None
    return write.size_of(new, old, 0 if old is None else item_size(old))


def test_an_update_changes_some_attributes_and_keeps_the_rest():
    assert update("SET v = :v REMOVE w", v=2).apply({"p": "x", "v": 1, "w": 1, "z": 1}) == {
        "p": "x",
        "v": 2,
        "z": 1,
    }


def test_an_update_leaves_the_old_item_as_it_was():
    old = {"p": "x", "v": {"a": [1, 2]}}
    update("SET v.a[0] = :v", v=9).apply(old)
    assert old == {"p": "x", "v": {"a": [1, 2]}}


@pytest.mark.parametrize("text", ["SET v = :v", "ADD v :v"])
def test_an_update_makes_the_item_it_does_not_find(text):
    assert update(text, v=2).apply(None) == {"p": "x", "v": 2}
    assert update().apply(None) == {"p": "x"}


@pytest.mark.parametrize(("text", "values"), [("REMOVE v", {}), ("DELETE v :v", {"v": {1}})])
def test_taking_away_from_nothing_makes_nothing(text, values):
    assert update(text, **values).apply(None) is None


def test_an_update_without_an_expression_leaves_the_item_as_it_is():
    assert update().apply(OLD) == OLD


def test_an_update_may_be_held_to_a_condition():
    request = UpdateItem(
        "table",
        {"p": "x"},
        "SET v = v + :one",
        "v = :one",
        expression_attribute_values={":one": 1},
        return_values_on_condition_check_failure="ALL_OLD",
    )
    write = UpdateWrite.of_request(request)
    assert write.apply(OLD) == NEW
    with pytest.raises(ConditionalCheckFailed) as refused:
        write.apply(NEW)
    assert refused.value.item == NEW
    with pytest.raises(ConditionalCheckFailed) as refused:
        write.apply(None)
    assert refused.value.item is None


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("SET v = :v", {"v": "much longer than before"}),
        ("SET v = :v", {"v": 7}),
        ("REMOVE v", {}),
        ("SET m.a = :v, w = :v", {"v": {"deep": [1, 2, 3]}}),
        ("ADD v :v DELETE s :s", {"v": 5, "s": {"a"}}),
    ],
)
def test_the_size_after_an_update_is_that_of_the_item(text, values):
    old = {"p": "x", "v": 1, "m": {"a": 1, "b": "x"}, "s": {"a", "b"}, "other": "y" * 100}
    write = update(text, **values)
    new = write.apply(old)
    assert new is not None
    assert size_after(write, old) == item_size(new)
    created = update("SET v = :v", v=5)
    assert size_after(created, None) == item_size({"p": "x", "v": 5})


LIMIT = 409_600


@pytest.mark.parametrize(
    ("text", "overhead"),
    [
        ("SET a = :v", 22),
        ("SET a = :v, b = :w", 41),
        ("SET a = :v REMOVE r", 24),
        ("SET a = :v ADD n :w", 41),
    ],
)
def test_an_update_counts_what_it_writes_and_something_for_each_action(text, overhead):
    others = {"w": 1} if ":w" in text else {}
    touched = len("a") + (len("b") + 2 if others else 0)
    fits = LIMIT - overhead - touched
    size_after(update(text, v="x" * fits, **others), {"p": "x"})
    with pytest.raises(ValidationError, match=f"^{UPDATE_TOO_LARGE}$"):
        size_after(update(text, v="x" * (fits + 1), **others), {"p": "x"})


def test_what_an_update_leaves_alone_counts_towards_the_item_only():
    old = {"p": "x", "u": "u" * 21}
    whole = LIMIT - item_size(old) - len("a")
    size_after(update("SET a = :v", v="x" * (LIMIT - 23)), {"p": "x", "u": "12345678"})
    with pytest.raises(ValidationError):
        size_after(update("SET a = :v", v="x" * (whole + 1)), old)


def test_an_update_under_the_open_limits_may_write_more():
    write = update("SET a = :v", OPEN, v="x" * LIMIT)
    assert size_after(write, {"p": "x"}) > LIMIT


def test_updates_show_the_places_they_touched():
    write = update("SET m.a = :v, n = :v", v=5)
    old = {"p": "x", "m": {"a": 1, "b": 2}}
    assert write.shown(old) == {"m": {"a": 1}}
    assert write.shown(write.apply(old)) == {"m": {"a": 5}, "n": 5}
    assert write.shown(None) is None
    assert update("REMOVE v").shown(update("REMOVE v").apply(OLD)) is None
