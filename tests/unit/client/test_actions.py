"""The members of transactions are the requests of single items."""

from __future__ import annotations

from kvdb import Attr, actions
from kvdb.api.items import ConditionCheck, DeleteItem, GetItem, PutItem, UpdateItem

KEY = {"id": 1}


def test_plain_members_carry_nothing_else() -> None:
    assert actions.put("t", KEY) == PutItem("t", KEY)
    assert actions.update("t", KEY, "REMOVE a") == UpdateItem("t", KEY, "REMOVE a")
    assert actions.delete("t", KEY) == DeleteItem("t", KEY)
    assert actions.check("t", KEY, "attribute_exists(a)") == ConditionCheck("t", KEY, "attribute_exists(a)")
    assert actions.get("t", KEY) == GetItem("t", KEY)


def test_members_take_conditions_and_ask_for_the_stored_item() -> None:
    built = Attr("a").eq(5)
    for member in (
        actions.put("t", KEY, condition=built, return_old_on_failure=True),
        actions.update("t", KEY, "REMOVE b", condition=built, return_old_on_failure=True),
        actions.delete("t", KEY, condition=built, return_old_on_failure=True),
        actions.check("t", KEY, built, return_old_on_failure=True),
    ):
        assert list(member.expression_attribute_names.values()) == ["a"]
        assert list(member.expression_attribute_values.values()) == [5]
        assert member.condition_expression == "#c0 = :c0"
        assert member.return_values_on_condition_check_failure == "ALL_OLD"
    text = actions.delete("t", KEY, condition="#a = :a", names={"#a": "a"}, values={":a": 5})
    assert text == DeleteItem("t", KEY, "#a = :a", {"#a": "a"}, {":a": 5})


def test_a_read_takes_a_projection() -> None:
    assert actions.get("t", KEY, projection="#a", names={"#a": "a"}) == GetItem(
        "t", KEY, projection_expression="#a", expression_attribute_names={"#a": "a"}
    )
    assert list(actions.get("t", KEY, projection=["a"]).expression_attribute_names.values()) == ["a"]
