"""Keyword arguments of the everyday face -> api requests on items. Pure; both faces use these.

Conditions are builders (``kvdb.Key``, ``kvdb.Attr``) or texts. A builder brings its own
placeholders and a text takes the caller's ``names`` and ``values``; one request may mix both,
so the two are merged, and a builder's placeholders step aside where the caller has taken a name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple, Protocol, TypeAlias, TypeVar

from kvdb.api.items import (
    BatchGetItem,
    BatchWriteItem,
    ConditionCheck,
    DeleteItem,
    DeleteRequest,
    GetItem,
    KeysAndAttributes,
    PutItem,
    PutRequest,
    Query,
    ReturnConsumedCapacity,
    ReturnValues,
    ReturnValuesOnConditionCheckFailure,
    Scan,
    Select,
    UpdateItem,
    WriteRequest,
)
from kvdb.api.terms import Terms
from kvdb.api.transfers import FilterSpecification
from kvdb.errors import ValidationError
from kvdb.expr.builder import BuiltCondition, BuiltKeyCondition
from kvdb.expr.rendering import PathLike, Rendered, render_projection
from kvdb.expr.update_builder import BuiltUpdate
from kvdb.limits import BATCH_GET_KEYS_MAX, BATCH_WRITE_REQUESTS_MAX

Condition: TypeAlias = BuiltCondition | str
"""A condition or filter, built or written."""
KeyCondition: TypeAlias = BuiltKeyCondition | str
Update: TypeAlias = BuiltUpdate | str
"""An update, built or written."""
Projection: TypeAlias = str | Iterable[PathLike]
"""A projection expression, or the paths themselves: ``["icao", "runways[0].length"]``."""
Names: TypeAlias = Mapping[str, str]
"""``"#placeholder"`` -> attribute name."""
Values: TypeAlias = Mapping[str, object]
"""``":placeholder"`` -> attribute value."""


class OpenedSnapshot(Protocol):
    """What ``Client.snapshot`` gives."""

    @property
    def snapshot_id(self) -> str: ...


AsOf: TypeAlias = int | datetime | OpenedSnapshot
"""When a read reads: a commit (its seqno), a time (aware of its zone), or an open snapshot."""

_Element = TypeVar("_Element")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ReadPoint(NamedTuple):
    """The three fields of a read; at most one is given."""

    as_of_seqno: int | None = None
    as_of_ms: int | None = None
    snapshot_id: str | None = None


def read_point(as_of: AsOf | None) -> ReadPoint:
    """Raises: ValidationError: ``as_of`` is none of the three, or a time without its zone."""
    if as_of is None:
        return ReadPoint()
    if isinstance(as_of, datetime):
        if as_of.tzinfo is None:
            raise ValidationError(f"as_of must say its time zone: {as_of}")
        return ReadPoint(as_of_ms=(as_of - _EPOCH) // timedelta(milliseconds=1))
    if isinstance(as_of, int) and not isinstance(as_of, bool):
        return ReadPoint(as_of_seqno=as_of)
    snapshot_id = getattr(as_of, "snapshot_id", None)
    if isinstance(snapshot_id, str):
        return ReadPoint(snapshot_id=snapshot_id)
    raise ValidationError(f"as_of must be a seqno, a datetime or a snapshot, not {type(as_of).__name__}")


class _Placeholders:
    """The names and values of one request, from its caller and its builders."""

    def __init__(self, names: Names | None, values: Values | None) -> None:
        self.names = names
        self.values = values

    def condition(self, condition: Condition | None, prefix: str) -> str | None:
        """The text of a condition or filter, its placeholders added."""
        if isinstance(condition, BuiltCondition):
            return self._merged(condition.render, prefix)
        return condition

    def key_condition(self, condition: KeyCondition) -> str:
        if isinstance(condition, BuiltKeyCondition):
            return self._merged(condition.render, "k")
        return condition

    def update(self, update: Update) -> str:
        """The text of an update, its placeholders added."""
        if isinstance(update, BuiltUpdate):
            return self._merged(update.render, "u")
        return update

    def projection(self, projection: Projection | None) -> str | None:
        if isinstance(projection, str) or not isinstance(projection, Iterable):
            # No text and no paths either is the database's to refuse, like any other wrong type.
            return projection
        return self._merged(partial(render_projection, tuple(projection)), "p")

    def _merged(self, render: Callable[[str], Rendered], prefix: str) -> str:
        rendered = render(prefix)
        names, values = self.names or {}, self.values or {}
        while rendered.names.keys() & names.keys() or rendered.values.keys() & values.keys():
            prefix += "_"
            rendered = render(prefix)
        if rendered.names:
            self.names = {**names, **rendered.names}
        if rendered.values:
            self.values = {**values, **rendered.values}
        return rendered.text


class BoundCondition(NamedTuple):
    """A condition as text, and every name and value it takes."""

    text: str | None
    names: Names | None
    values: Values | None


def bound_condition(
    condition: Condition | None, names: Names | None, values: Values | None
) -> BoundCondition:
    """A filter that stands alone."""
    placeholders = _Placeholders(names, values)
    text = placeholders.condition(condition, "f")
    return BoundCondition(text, placeholders.names, placeholders.values)


def get_item(
    table_name: str,
    key: Mapping[str, object],
    projection: Projection | None,
    names: Names | None,
    *,
    consistent: bool,
    as_of: AsOf | None = None,
) -> GetItem:
    if projection is not None and not isinstance(projection, str):
        placeholders = _Placeholders(names, None)
        projection = placeholders.projection(projection)
        names = placeholders.names
    if as_of is None:
        return GetItem(table_name, key, consistent, projection, names)
    seqno, ms, snapshot_id = read_point(as_of)
    return GetItem(
        table_name,
        key,
        consistent,
        projection,
        names,
        as_of_seqno=seqno,
        as_of_ms=ms,
        snapshot_id=snapshot_id,
    )


def put_item(
    table_name: str,
    item: Mapping[str, object],
    condition: Condition | None,
    names: Names | None,
    values: Values | None,
    *,
    return_old: bool,
    return_old_on_failure: bool,
) -> PutItem:
    if isinstance(condition, BuiltCondition):
        placeholders = _Placeholders(names, values)
        condition = placeholders.condition(condition, "c")
        names, values = placeholders.names, placeholders.values
    return PutItem(
        table_name, item, condition, names, values, _old_if(return_old), _old_if(return_old_on_failure)
    )


def delete_item(
    table_name: str,
    key: Mapping[str, object],
    condition: Condition | None,
    names: Names | None,
    values: Values | None,
    *,
    return_old: bool,
    return_old_on_failure: bool,
) -> DeleteItem:
    if isinstance(condition, BuiltCondition):
        placeholders = _Placeholders(names, values)
        condition = placeholders.condition(condition, "c")
        names, values = placeholders.names, placeholders.values
    return DeleteItem(
        table_name, key, condition, names, values, _old_if(return_old), _old_if(return_old_on_failure)
    )


def update_item(
    table_name: str,
    key: Mapping[str, object],
    update: Update | None,
    condition: Condition | None,
    names: Names | None,
    values: Values | None,
    *,
    return_values: ReturnValues,
    return_old_on_failure: bool,
) -> UpdateItem:
    """Without an update it only makes the item where there is none."""
    placeholders = _Placeholders(names, values)
    update_text = None if update is None else placeholders.update(update)
    condition_text = placeholders.condition(condition, "c")
    return UpdateItem(
        table_name,
        key,
        update_text,
        condition_text,
        placeholders.names,
        placeholders.values,
        return_values,
        _old_if(return_old_on_failure),
    )


def condition_check(
    table_name: str,
    key: Mapping[str, object],
    condition: Condition,
    names: Names | None,
    values: Values | None,
    *,
    return_old_on_failure: bool,
) -> ConditionCheck:
    placeholders = _Placeholders(names, values)
    text = placeholders.condition(condition, "c")
    # No condition at all is the database's to refuse, in its words.
    return ConditionCheck(
        table_name,
        key,
        text,  # type: ignore[arg-type]
        placeholders.names,
        placeholders.values,
        _old_if(return_old_on_failure),
    )


def _old_if(wanted: bool) -> ReturnValuesOnConditionCheckFailure:
    return "ALL_OLD" if wanted else "NONE"


def query(
    table_name: str,
    key_condition: KeyCondition,
    *,
    filter: Condition | None,
    projection: Projection | None,
    reverse: bool,
    limit: int | None,
    start_key: Mapping[str, object] | None,
    names: Names | None,
    values: Values | None,
    consistent: bool,
    index: str | None = None,
    select: Select | None = None,
    as_of: AsOf | None = None,
    capacity: ReturnConsumedCapacity = "NONE",
) -> Query:
    """``limit`` is the service's: items evaluated by one page."""
    seqno, ms, snapshot_id = read_point(as_of)
    placeholders = _Placeholders(names, values)
    key_text = placeholders.key_condition(key_condition)
    filter_text = placeholders.condition(filter, "f")
    projection_text = placeholders.projection(projection)
    return Query(
        table_name=table_name,
        key_condition_expression=key_text,
        filter_expression=filter_text,
        projection_expression=projection_text,
        expression_attribute_names=placeholders.names,
        expression_attribute_values=placeholders.values,
        scan_index_forward=not reverse,
        limit=limit,
        exclusive_start_key=start_key,
        consistent_read=consistent,
        select=select,
        index_name=index,
        return_consumed_capacity=capacity,
        as_of_seqno=seqno,
        as_of_ms=ms,
        snapshot_id=snapshot_id,
    )


def scan(
    table_name: str,
    *,
    filter: Condition | None,
    projection: Projection | None,
    limit: int | None,
    start_key: Mapping[str, object] | None,
    segment: int | None,
    total_segments: int | None,
    names: Names | None,
    values: Values | None,
    consistent: bool,
    index: str | None = None,
    select: Select | None = None,
    as_of: AsOf | None = None,
    capacity: ReturnConsumedCapacity = "NONE",
) -> Scan:
    """``limit`` is the service's: items evaluated by one page."""
    seqno, ms, snapshot_id = read_point(as_of)
    placeholders = _Placeholders(names, values)
    filter_text = placeholders.condition(filter, "f")
    projection_text = placeholders.projection(projection)
    return Scan(
        table_name=table_name,
        filter_expression=filter_text,
        projection_expression=projection_text,
        expression_attribute_names=placeholders.names,
        expression_attribute_values=placeholders.values,
        limit=limit,
        exclusive_start_key=start_key,
        consistent_read=consistent,
        select=select,
        index_name=index,
        return_consumed_capacity=capacity,
        as_of_seqno=seqno,
        as_of_ms=ms,
        snapshot_id=snapshot_id,
        segment=segment,
        total_segments=total_segments,
    )


def export_filter(
    key_condition: KeyCondition | None,
    filter: Condition | None,
    projection: Projection | None,
    names: Names | None,
    values: Values | None,
) -> FilterSpecification | None:
    """What an export is to be of; ``None``: of everything."""
    if key_condition is None and filter is None and projection is None:
        return None
    placeholders = _Placeholders(names, values)
    key_text = None if key_condition is None else placeholders.key_condition(key_condition)
    filter_text = placeholders.condition(filter, "f")
    projection_text = placeholders.projection(projection)
    return FilterSpecification(
        filter_text, projection_text, key_text, placeholders.names, placeholders.values
    )


def page_limit(limit: int | None, page_size: int | None, *, is_filtered: bool) -> int | None:
    """How many items one page should evaluate when the caller wants ``limit`` in all.

    Raises:
        ValidationError: ``limit`` is no positive number.
    """
    if limit is None:
        return page_size
    if not isinstance(limit, int) or isinstance(limit, bool):
        raise ValidationError(f"limit must be int, not {type(limit).__name__}")
    if limit < 1:
        raise ValidationError(f"limit must be at least 1: {limit}")
    # A filter may drop any number of items, so then the limit says nothing about a page.
    if is_filtered or page_size is not None:
        return page_size
    return limit


def batch_writes(writes: Mapping[str, Iterable[WriteRequest]]) -> Iterator[BatchWriteItem]:
    """Any number of writes as requests of 25."""
    for chunk in _chunks(writes, BATCH_WRITE_REQUESTS_MAX):
        yield BatchWriteItem(chunk)


def batch_gets(keys: Mapping[str, Iterable[Mapping[str, object]]]) -> Iterator[BatchGetItem]:
    """Any number of keys as requests of 100."""
    for chunk in _chunks(keys, BATCH_GET_KEYS_MAX):
        yield BatchGetItem({table: KeysAndAttributes(of_table) for table, of_table in chunk.items()})


def _chunks(
    by_table: Mapping[str, Iterable[_Element]], elements_max: int
) -> Iterator[dict[str, list[_Element]]]:
    if not isinstance(by_table, Mapping):
        raise ValidationError(
            f"a batch must be a mapping of table names to lists, not {type(by_table).__name__}"
        )
    chunk: dict[str, list[_Element]] = {}
    count = 0
    for table, elements in by_table.items():
        if isinstance(elements, (str, bytes, Mapping, PutRequest, DeleteRequest)):
            raise ValidationError(f"a batch must hold a list for each table, not {type(elements).__name__}")
        for element in elements:
            chunk.setdefault(table, []).append(element)
            count += 1
            if count == elements_max:
                yield chunk
                chunk, count = {}, 0
    if chunk:
        yield chunk


def replication_terms(replicate_to: int | None, replicate_timeout: float | None) -> Terms:
    """The terms of a write that waits for other regions, so many seconds.

    Raises:
        ValidationError: the time is none.
    """
    return Terms(
        replicate_to=replicate_to, replicate_timeout_ms=timeout_ms("replicate_timeout", replicate_timeout)
    )


def timeout_ms(name: str, seconds: float | None) -> int | None:
    """Seconds as milliseconds; ``None`` stays."""
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds < 1e6:
        raise ValidationError(f"{name} must be a number of seconds: {seconds!r}")
    return round(seconds * 1000)
