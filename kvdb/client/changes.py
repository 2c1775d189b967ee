"""What a feed gives to people: ``Change``; and what they ask it with.

    for change in table.changes(from_="start"):
        print(change.kind, change.keys, change.new)

``from_`` is ``"now"``, ``"start"`` (the oldest change that is kept), a ``datetime`` or milliseconds
since 1970, or the cursor of an earlier change. ``filter`` is a condition on ``eventName``,
``tableName``, ``Keys``, ``NewImage``, ``OldImage`` and ``userIdentity``; ``patterns`` are Lambda's
filter patterns, as dicts or JSON texts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from kvdb.api.streams import EventName, Record, Subscribe
from kvdb.api.tables import StreamViewType
from kvdb.client.requests import Condition, Names, Values, bound_condition
from kvdb.errors import ValidationError
from kvdb.item.value import Item

HEARTBEAT_MS = 5_000


@dataclass(frozen=True, slots=True)
class Change:
    """What one write did to one item."""

    kind: EventName
    table: str
    keys: Item
    new: Item | None
    """``None``: there is no item any more, or the stream's view has no new images."""
    old: Item | None
    """Likewise of the item of before."""
    created_ms: int
    """When it was written, in milliseconds since 1970."""
    sequence_number: str
    commit_number: int
    """The same for all changes that were committed together."""
    cursor: str
    """``from_=cursor`` goes on behind this change, after any time and restart."""
    by_service: bool
    """Nobody asked for it: the item had expired."""


def change_of(record: Record) -> Change:
    body = record.dynamodb
    return Change(
        record.event_name,
        record.table_name,
        body.keys,
        body.new_image,
        body.old_image,
        body.approximate_creation_date_time_ms,
        body.sequence_number,
        record.commit_number,
        record.cursor,
        record.user_identity is not None,
    )


def subscribe(
    table_name: str | None,
    from_: str | int | datetime,
    filter: Condition | None,
    names: Names | None,
    values: Values | None,
    patterns: Iterable[str | Mapping[str, object]] | None,
    view: StreamViewType | None,
    heartbeat_ms: int,
) -> Subscribe:
    """The request that begins a feed."""
    text, bound_names, bound_values = bound_condition(filter, names, values)
    request = Subscribe(
        table_name,
        view_type=view,
        filter_expression=text,
        expression_attribute_names=None if bound_names is None else dict(bound_names),
        expression_attribute_values=None if bound_values is None else dict(bound_values),
        filter_patterns=None if patterns is None else [_pattern(each) for each in patterns],
        heartbeat_ms=heartbeat_ms,
    )
    return _beginning(request, from_)


def _beginning(request: Subscribe, from_: str | int | datetime) -> Subscribe:
    match from_:
        case "now":
            return request
        case "start":
            return replace(request, start="START")
        case bool():
            pass
        case str():
            return replace(request, start="CURSOR", cursor=from_)
        case int():
            return replace(request, start="TIMESTAMP", timestamp_ms=from_)
        case datetime():
            if from_.tzinfo is None:
                raise ValidationError("from_ must be a datetime with a time zone")
            return replace(request, start="TIMESTAMP", timestamp_ms=round(from_.timestamp() * 1000))
    raise ValidationError(
        'from_ must be "now", "start", a cursor, a datetime or milliseconds since 1970, '
        f"not {type(from_).__name__}"
    )


def _pattern(given: str | Mapping[str, object]) -> str:
    if isinstance(given, str):
        return given
    try:
        return json.dumps(given)
    except (TypeError, ValueError) as fault:
        raise ValidationError(f"a pattern is not JSON: {fault}") from fault
