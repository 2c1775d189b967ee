"""The members of transactions: what ``Client.transact_write`` and ``transact_get`` take.

    from kvdb import Attr, actions

    db.transact_write([
        actions.put("orders", {"id": 7, "sku": "A1"}, condition=Attr("id").not_exists()),
        actions.update("stock", {"sku": "A1"}, "SET n = n - :one", values={":one": 1}),
        actions.check("shops", {"id": "main"}, Attr("open").eq(True)),
    ])

Conditions, ``names`` and ``values`` are as for the methods of a table. A refused member's stored
item comes with its reason when ``return_old_on_failure`` asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping

from kvdb.api.items import ConditionCheck, DeleteItem, GetItem, PutItem, UpdateItem
from kvdb.client import requests
from kvdb.client.requests import Condition, Names, Projection, Update, Values


def put(
    table: str,
    item: Mapping[str, object],
    *,
    condition: Condition | None = None,
    names: Names | None = None,
    values: Values | None = None,
    return_old_on_failure: bool = False,
) -> PutItem:
    """Write a whole item."""
    return requests.put_item(
        table,
        item,
        condition,
        names,
        values,
        return_old=False,
        return_old_on_failure=return_old_on_failure,
    )


def update(
    table: str,
    key: Mapping[str, object],
    update: Update,
    *,
    condition: Condition | None = None,
    names: Names | None = None,
    values: Values | None = None,
    return_old_on_failure: bool = False,
) -> UpdateItem:
    """Change some attributes of an item, which is made when there is none."""
    return requests.update_item(
        table,
        key,
        update,
        condition,
        names,
        values,
        return_values="NONE",
        return_old_on_failure=return_old_on_failure,
    )


def delete(
    table: str,
    key: Mapping[str, object],
    *,
    condition: Condition | None = None,
    names: Names | None = None,
    values: Values | None = None,
    return_old_on_failure: bool = False,
) -> DeleteItem:
    """Delete an item, if there is one."""
    return requests.delete_item(
        table,
        key,
        condition,
        names,
        values,
        return_old=False,
        return_old_on_failure=return_old_on_failure,
    )


def check(
    table: str,
    key: Mapping[str, object],
    condition: Condition,
    *,
    names: Names | None = None,
    values: Values | None = None,
    return_old_on_failure: bool = False,
) -> ConditionCheck:
    """Write nothing, but let the transaction fail if the condition does not hold."""
    return requests.condition_check(
        table, key, condition, names, values, return_old_on_failure=return_old_on_failure
    )


def get(
    table: str,
    key: Mapping[str, object],
    *,
    projection: Projection | None = None,
    names: Names | None = None,
) -> GetItem:
    """Read an item, or the projected part of it."""
    return requests.get_item(table, key, projection, names, consistent=False)
