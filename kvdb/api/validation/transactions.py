"""Transactions, snapshots and item histories.

Sources: service model (TransactWriteItemList, TransactGetItemList, ClientRequestToken); dynoxide,
transact_write_items.rs, for the words. Where the service echoes a whole list of members, the list
is left out: what is too long to take is too long to repeat.
"""

from __future__ import annotations

from collections.abc import Sequence

from kvdb import limits
from kvdb.api.items import (
    CommitTransaction,
    ConditionCheck,
    DeleteItem,
    GetItem,
    ListItemVersions,
    OpenSnapshot,
    PutItem,
    Query,
    ReadKey,
    ReadRange,
    ReleaseSnapshot,
    Scan,
    TransactGetItems,
    TransactWriteAction,
    TransactWriteItems,
    UpdateItem,
)
from kvdb.api.validation import items
from kvdb.api.validation.fields import (
    ALL_OLD_OR_NONE,
    CAPACITIES,
    METRICS,
    check_expressions,
    check_int,
    check_list,
    check_long,
    check_mapping,
    constraint,
    enum_faults,
    refuse_if,
    table_name_faults,
    wrong_type,
)
from kvdb.errors import ValidationError
from kvdb.limits import LimitsProfile


def check_transact_write_items(request: TransactWriteItems, profile: LimitsProfile) -> None:
    refuse_if(
        [
            *enum_faults(request.return_consumed_capacity, "returnConsumedCapacity", CAPACITIES),
            *enum_faults(request.return_item_collection_metrics, "returnItemCollectionMetrics", METRICS),
            *_count_faults(request.transact_items, profile),
            *_token_faults(request.client_request_token),
        ]
    )
    _check_actions(request.transact_items)


def check_transact_get_items(request: TransactGetItems, profile: LimitsProfile) -> None:
    refuse_if(
        [
            *enum_faults(request.return_consumed_capacity, "returnConsumedCapacity", CAPACITIES),
            *_count_faults(request.transact_items, profile),
        ]
    )
    for get in request.transact_items:
        if not isinstance(get, GetItem):
            raise wrong_type("transact_items", get, "a list of GetItem")
        items.check_get_item(get)


def check_commit_transaction(request: CommitTransaction, profile: LimitsProfile) -> None:
    """Native, with faults of our own words; its writes are held to the rules of the service's."""
    _check_snapshot_id(request.snapshot_id)
    check_list("reads", request.reads)
    check_list("writes", request.writes)
    if len(request.reads) > limits.TRANSACTION_READS_MAX:
        raise ValidationError(
            f"a transaction may read {limits.TRANSACTION_READS_MAX} items and ranges, "
            f"not {len(request.reads)}"
        )
    if len(request.writes) > profile.transaction_actions_max:
        raise ValidationError(
            f"a transaction may write {profile.transaction_actions_max} items, not {len(request.writes)}"
        )
    for read in request.reads:
        _check_read(read)
    _check_actions(request.writes)


def check_open_snapshot(request: OpenSnapshot) -> None:
    """It asks for nothing in particular."""


def check_release_snapshot(request: ReleaseSnapshot) -> None:
    _check_snapshot_id(request.snapshot_id)


def check_list_item_versions(request: ListItemVersions) -> None:
    refuse_if(table_name_faults(request.table_name))
    check_mapping("key", request.key)
    check_int("limit", request.limit)
    if request.limit is not None and not 1 <= request.limit <= limits.VERSIONS_PAGE_MAX:
        raise ValidationError(f"limit must be 1 to {limits.VERSIONS_PAGE_MAX}: {request.limit}")
    check_long("before_seqno", request.before_seqno)
    if request.before_seqno is not None and request.before_seqno < 0:
        raise ValidationError(f"before_seqno must not be negative: {request.before_seqno}")


def _count_faults(members: Sequence[object], profile: LimitsProfile) -> list[str]:
    check_list("transact_items", members)
    if not members:
        return [constraint("[]", "transactItems", "have length greater than or equal to 1")]
    if len(members) > profile.transaction_actions_max:
        rule = f"have length less than or equal to {profile.transaction_actions_max}"
        return [f"Value at 'transactItems' failed to satisfy constraint: Member must {rule}"]
    return []


def _token_faults(token: str | None) -> list[str]:
    if token is None:
        return []
    if not isinstance(token, str):
        raise wrong_type("client_request_token", token, "str")
    if not token:
        return [constraint(token, "clientRequestToken", "have length greater than or equal to 1")]
    if len(token) > limits.CLIENT_TOKEN_CHARS_MAX:
        rule = f"have length less than or equal to {limits.CLIENT_TOKEN_CHARS_MAX}"
        return [constraint(token, "clientRequestToken", rule)]
    return []


def _check_actions(actions: Sequence[TransactWriteAction]) -> None:
    for action in actions:
        _refuse_legacy(action)
        if isinstance(action, PutItem):
            items.check_put_item(action)
        elif isinstance(action, UpdateItem):
            items.check_update_item(action)
        elif isinstance(action, DeleteItem):
            items.check_delete_item(action)
        elif isinstance(action, ConditionCheck):
            _check_condition(action)
        else:
            raise wrong_type(
                "transact_items", action, "a list of PutItem, UpdateItem, DeleteItem and ConditionCheck"
            )


def _refuse_legacy(action: TransactWriteAction) -> None:
    """The service's members have no parameters of before 2014."""
    for name in ("expected", "attribute_updates", "conditional_operator"):
        if getattr(action, name, None) is not None:
            raise ValidationError(f"a member of a transaction takes expressions only, no {name}")


def _check_condition(check: ConditionCheck) -> None:
    on_failure = check.return_values_on_condition_check_failure
    refuse_if(
        [
            *table_name_faults(check.table_name),
            *enum_faults(on_failure, "returnValuesOnConditionCheckFailure", ALL_OLD_OR_NONE),
        ]
    )
    check_mapping("key", check.key)
    if not isinstance(check.condition_expression, str):
        raise wrong_type("condition_expression", check.condition_expression, "str")
    check_expressions(
        check.expression_attribute_names,
        check.expression_attribute_values,
        ConditionExpression=check.condition_expression,
    )


def _check_read(read: ReadKey | ReadRange) -> None:
    if isinstance(read, ReadKey):
        refuse_if(table_name_faults(read.table_name))
        check_mapping("key", read.key)
        return
    if not isinstance(read, ReadRange):
        raise wrong_type("reads", read, "a list of ReadKey and ReadRange")
    if isinstance(read.request, Query):
        items.check_query(read.request)
    elif isinstance(read.request, Scan):
        items.check_scan(read.request)
    else:
        raise wrong_type("request", read.request, "a Query or a Scan")
    if read.last_key is not None:
        check_mapping("last_key", read.last_key)


def _check_snapshot_id(snapshot_id: object) -> None:
    if not isinstance(snapshot_id, str):
        raise wrong_type("snapshot_id", snapshot_id, "str")
