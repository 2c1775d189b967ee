"""Keyword arguments of the everyday face -> api requests on tables. Pure; both faces use these.

A key attribute is its name and type, ``("country", "S")``; the types are S, N and B. What a table
or index is made of is said once: its attribute definitions are gathered from its keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias, TypeVar

from kvdb.api.archive import RestoreTableToPointInTime
from kvdb.api.tables import (
    AttributeDefinition,
    AttributeType,
    BillingMode,
    CreateIndex,
    CreateTable,
    DeleteIndex,
    IndexSpecification,
    IndexUpdate,
    KeySchemaElement,
    KeyType,
    OnDemandThroughput,
    Projection,
    ProvisionedThroughput,
    StreamSpecification,
    StreamViewType,
    Tag,
    UpdateIndex,
    UpdateTable,
)
from kvdb.api.transfers import ExportTableToPointInTime, FilterSpecification, IncrementalExportSpecification
from kvdb.errors import ValidationError

KeyAttribute: TypeAlias = tuple[str, AttributeType]
"""Name and type of a key attribute: ``("country", "S")``."""
KeyAttributes: TypeAlias = KeyAttribute | Sequence[KeyAttribute]
"""One, or up to four of them."""
Projected: TypeAlias = Literal["ALL", "KEYS_ONLY"] | Iterable[str]
"""What an index holds: all attributes, the keys only, or the keys and these."""


_Element = TypeVar("_Element")


@dataclass(frozen=True, slots=True)
class Provisioned:
    """Billing mode PROVISIONED: what is asked for beyond these units is throttled."""

    reads: int
    """Read capacity units a second: 4 KB each, strongly consistent."""
    writes: int
    """Write capacity units a second: 1 KB each."""


@dataclass(frozen=True, slots=True)
class OnDemand:
    """Billing mode PAY_PER_REQUEST, with upper bounds where they are given; -1 takes one away."""

    reads_max: int | None = None
    """Read request units a second."""
    writes_max: int | None = None
    """Write request units a second."""


Billing: TypeAlias = Provisioned | OnDemand


@dataclass(frozen=True, slots=True)
class LocalIndex:
    """A second sort key for the table's partition key. Made with the table only."""

    name: str
    sort: KeyAttribute
    projection: Projected = "ALL"


@dataclass(frozen=True, slots=True)
class GlobalIndex:
    """A key of its own: items without all of its attributes are not in it.

    ``key`` and ``sort`` are one attribute each, or lists of up to four.
    """

    name: str
    key: KeyAttributes
    sort: KeyAttributes | None = None
    projection: Projected = "ALL"
    unique: bool = False
    """Two items with one index key are refused: ``UniqueViolation``."""
    billing: Billing | None = None
    """As the table is billed, by default."""


Index: TypeAlias = LocalIndex | GlobalIndex


def create_table(
    name: str,
    key: KeyAttribute,
    sort: KeyAttribute | None,
    indexes: Iterable[Index] = (),
    billing: Billing | None = None,
    tags: Mapping[str, str] | None = None,
    *,
    deletion_protection: bool = False,
    stream: StreamViewType | None = None,
    stream_retention_ms: int | None = None,
) -> CreateTable:
    """Raises: ValidationError: a key attribute is not a name and a type, or an index is none."""
    hash_key = _key_attribute("key", key)
    attributes = [hash_key]
    if sort is not None:
        attributes.append(_key_attribute("sort", sort))
    schema = _schema(attributes[:1], attributes[1:])
    request = CreateTable(name, list(schema), [])
    if stream is not None or stream_retention_ms is not None:
        request.stream_specification = StreamSpecification(
            stream is not None, stream, retention_ms=stream_retention_ms
        )
    for index in _listed("indexes", indexes):
        if isinstance(index, LocalIndex):
            index_sort = _key_attribute("sort", index.sort)
            request.local_secondary_indexes = [
                *(request.local_secondary_indexes or ()),
                IndexSpecification(
                    index.name, _schema([hash_key], [index_sort]), _projection(index.projection)
                ),
            ]
            attributes.append(index_sort)
        else:
            request.global_secondary_indexes = [
                *(request.global_secondary_indexes or ()),
                _specification(index),
            ]
            attributes += _index_keys(index)
    request.attribute_definitions = _definitions(attributes)
    request.billing_mode, request.provisioned_throughput, request.on_demand_throughput = _billing(billing)
    if tags is not None:
        request.tags = tag_list(tags)
    request.deletion_protection_enabled = deletion_protection
    return request


def update_table(
    name: str,
    *,
    billing: Billing | None = None,
    index_billing: Mapping[str, Billing] | None = None,
    add_indexes: Iterable[GlobalIndex] = (),
    drop_indexes: Iterable[str] = (),
    deletion_protection: bool | None = None,
) -> UpdateTable:
    """Raises: ValidationError: as ``create_table``."""
    request = UpdateTable(name, deletion_protection_enabled=deletion_protection)
    request.billing_mode, request.provisioned_throughput, request.on_demand_throughput = _billing(billing)
    updates: list[IndexUpdate] = [DeleteIndex(dropped) for dropped in _listed("drop_indexes", drop_indexes)]
    attributes: list[KeyAttribute] = []
    for index in _listed("add_indexes", add_indexes):
        updates.append(CreateIndex(_specification(index)))
        attributes += _index_keys(index)
    for index_name, of_index in (index_billing or {}).items():
        _, provisioned, on_demand = _billing(of_index)
        updates.append(UpdateIndex(index_name, provisioned, on_demand))
    if updates:
        request.global_secondary_index_updates = updates
    if attributes:
        request.attribute_definitions = _definitions(attributes)
    return request


def tag_list(tags: Mapping[str, str]) -> list[Tag]:
    """Raises: ValidationError: ``tags`` is no mapping."""
    if not isinstance(tags, Mapping):
        raise ValidationError(f"tags must be a mapping of keys to values, not {type(tags).__name__}")
    return [Tag(key, value) for key, value in tags.items()]


def _specification(index: GlobalIndex) -> IndexSpecification:
    if not isinstance(index, GlobalIndex):
        raise ValidationError(f"an index must be a LocalIndex or a GlobalIndex, not {type(index).__name__}")
    _, provisioned, on_demand = _billing(index.billing)
    return IndexSpecification(
        index.name,
        _schema(_key_attributes("key", index.key), _key_attributes("sort", index.sort or ())),
        _projection(index.projection),
        provisioned,
        on_demand,
        is_unique=index.unique,
    )


def _index_keys(index: GlobalIndex) -> list[KeyAttribute]:
    return [*_key_attributes("key", index.key), *_key_attributes("sort", index.sort or ())]


def _key_attributes(argument: str, given: KeyAttributes) -> list[KeyAttribute]:
    if isinstance(given, (tuple, list)) and given and isinstance(given[0], (tuple, list)):
        return [_key_attribute(argument, attribute) for attribute in given]
    return [] if given == () else [_key_attribute(argument, given)]


def _key_attribute(argument: str, given: object) -> KeyAttribute:
    if isinstance(given, (tuple, list)) and len(given) == 2:
        return given[0], given[1]
    raise ValidationError(f'{argument} must be a name and a type like ("id", "S"): {given!r}')


def _schema(hashes: Iterable[KeyAttribute], ranges: Iterable[KeyAttribute]) -> tuple[KeySchemaElement, ...]:
    roles: tuple[tuple[Iterable[KeyAttribute], KeyType], ...] = ((hashes, "HASH"), (ranges, "RANGE"))
    return tuple(KeySchemaElement(name, role) for attributes, role in roles for name, _ in attributes)


def _definitions(attributes: Iterable[KeyAttribute]) -> list[AttributeDefinition]:
    """Each attribute once; one that is given two types is the database's to refuse."""
    definitions: list[AttributeDefinition] = []
    for attribute in attributes:
        definition = AttributeDefinition(*attribute)
        if definition not in definitions:
            definitions.append(definition)
    return definitions


def _projection(projected: Projected) -> Projection:
    if isinstance(projected, str):
        return Projection(projected)  # type: ignore[arg-type]  # another text is the database's to refuse
    return Projection("INCLUDE", tuple(_listed("projection", projected)))


def _listed(argument: str, given: Iterable[_Element]) -> list[_Element]:
    if isinstance(given, (str, bytes, Mapping)) or not isinstance(given, Iterable):
        raise ValidationError(f"{argument} must be a list, not {type(given).__name__}")
    return list(given)


def _billing(
    billing: Billing | None,
) -> tuple[BillingMode | None, ProvisionedThroughput | None, OnDemandThroughput | None]:
    match billing:
        case None:
            return None, None, None
        case Provisioned():
            return "PROVISIONED", ProvisionedThroughput(billing.reads, billing.writes), None
        case OnDemand(None, None):
            return "PAY_PER_REQUEST", None, None
        case OnDemand():
            return "PAY_PER_REQUEST", None, OnDemandThroughput(billing.reads_max, billing.writes_max)
    raise ValidationError(f"billing must be Provisioned or OnDemand, not {type(billing).__name__}")


def export_table(
    table: str,
    bucket: str,
    prefix: str | None,
    format: str,
    at: datetime | None,
    since: datetime | None,
    until: datetime | None,
    view: str,
    filter: FilterSpecification | None,
    token: str | None,
) -> ExportTableToPointInTime:
    """Raises: ValidationError: a time is none, or ``until`` comes without ``since``."""
    if since is None and until is not None:
        raise ValidationError("until goes with since: an export of what changed")
    increment = None
    if since is not None:
        increment = IncrementalExportSpecification(_time_ms("since", since), _time_ms("until", until), view)
    return ExportTableToPointInTime(
        table,
        bucket,
        _time_ms("at", at),
        token,
        s3_prefix=prefix,
        export_format=format,
        export_type="FULL_EXPORT" if increment is None else "INCREMENTAL_EXPORT",
        incremental_export_specification=increment,
        filter_specification=filter,
    )


def restore_to_point(
    source: str,
    table: str,
    *,
    at: datetime | None,
    seqno: int | None,
    label: str | None,
    in_place: bool,
) -> RestoreTableToPointInTime:
    """To the newest point when none is given."""
    is_latest = at is None and seqno is None and label is None
    return RestoreTableToPointInTime(
        table,
        source,
        use_latest_restorable_time=is_latest or None,
        restore_date_time_ms=_time_ms("at", at),
        seqno=seqno,
        label=label,
        in_place=in_place,
    )


def _time_ms(name: str, moment: datetime | None) -> int | None:
    if moment is None:
        return None
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise ValidationError(f"{name} must be a datetime with a time zone: {moment!r}")
    return round(moment.timestamp() * 1000)
