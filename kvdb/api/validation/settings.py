"""What a table may be set to: throughput, billing, streams, time to live, tags.

Sources: dynalite, validations/createTable.js, updateTable.js, tagResource.js, untagResource.js;
dynoxide, create_table.rs and update_table.rs; the catalogue of messages that ack-api-quirks
recorded from the service in October 2026; service model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from kvdb import limits
from kvdb.api import arn
from kvdb.api.tables import (
    BillingMode,
    DescribeLimits,
    IndexSpecification,
    ListTagsOfResource,
    OnDemandThroughput,
    ProvisionedThroughput,
    StreamSpecification,
    Tag,
    TagResource,
    UntagResource,
    UpdateTimeToLive,
    WarmThroughput,
)
from kvdb.api.validation.fields import (
    attribute_name_faults,
    check_bool,
    check_list,
    check_long,
    check_table_name,
    constraint,
    enum_faults,
    invalid,
    refuse_if,
    wrong_type,
)
from kvdb.errors import ValidationError

VIEW_TYPES = ("NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES", "KEYS_ONLY")
_BILLING_MODES = ("PROVISIONED", "PAY_PER_REQUEST")
_TABLE_CLASSES = ("STANDARD", "STANDARD_INFREQUENT_ACCESS")
_is_tag_text = re.compile(r"[\w .:/=+\-@]*").fullmatch
"""Letters, digits and blanks of any language, and six signs. Source: developer guide, Tagging."""

TOO_MANY_TAGS = "Number of Tags exceed the current limit for the provided ResourceArn"


# Throughput and billing: single fields.


def billing_faults(mode: object) -> Sequence[str]:
    return () if mode is None else enum_faults(mode, "billingMode", _BILLING_MODES)


def provisioned_faults(throughput: ProvisionedThroughput | None, at: str) -> list[str]:
    if throughput is None:
        return []
    if not isinstance(throughput, ProvisionedThroughput):
        raise wrong_type("provisioned_throughput", throughput, "a ProvisionedThroughput")
    faults = []
    for units, member in (
        (throughput.write_capacity_units, "writeCapacityUnits"),
        (throughput.read_capacity_units, "readCapacityUnits"),
    ):
        check_long(member, units)
        if units is None:
            faults.append(constraint(None, f"{at}.{member}", "not be null"))
        elif units < 1:
            faults.append(constraint(units, f"{at}.{member}", "have value greater than or equal to 1"))
    return faults


def check_throughput_types(on_demand: OnDemandThroughput | None, warm: WarmThroughput | None) -> None:
    if on_demand is not None:
        if not isinstance(on_demand, OnDemandThroughput):
            raise wrong_type("on_demand_throughput", on_demand, "an OnDemandThroughput")
        check_long("max_read_request_units", on_demand.max_read_request_units)
        check_long("max_write_request_units", on_demand.max_write_request_units)
    if warm is not None:
        if not isinstance(warm, WarmThroughput):
            raise wrong_type("warm_throughput", warm, "a WarmThroughput")
        check_long("read_units_per_second", warm.read_units_per_second)
        check_long("write_units_per_second", warm.write_units_per_second)


# Throughput and billing: how fields fit together.


def check_new_billing(mode: BillingMode | None, throughput: ProvisionedThroughput | None) -> None:
    """Of a new table. Without a mode and a throughput it is on demand (``CreateTable.billing_mode``)."""
    if mode == "PAY_PER_REQUEST" and throughput is not None:
        raise invalid(
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
            "PAY_PER_REQUEST"
        )
    if mode == "PROVISIONED" and throughput is None:
        raise invalid(
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"
        )
    check_units_bound(throughput)


def check_units_bound(throughput: ProvisionedThroughput | None) -> None:
    if throughput is None:
        return
    for units, member in (
        (throughput.read_capacity_units, "ReadCapacityUnits"),
        (throughput.write_capacity_units, "WriteCapacityUnits"),
    ):
        if units > limits.CAPACITY_UNITS_MAX:
            raise ValidationError(f"Given value {units} for {member} is out of bounds")


def check_new_on_demand(
    asked: OnDemandThroughput | None, *, is_provisioned: bool, index_name: str | None = None
) -> None:
    """Of a new table or index. -1 belongs into UpdateTable. Source: dynoxide, create_table.rs."""
    members = on_demand_members(asked)
    owner = "" if index_name is None else f" for index : {index_name}"
    if members and is_provisioned:
        raise invalid(
            f"{members[0][0]} for OnDemandThroughput{owner} cannot be specified when table BillingMode is "
            "PROVISIONED."
        )
    check_on_demand_range(asked, index_name, least=1)


def on_demand_members(asked: OnDemandThroughput | None) -> list[tuple[str, int]]:
    """What is given, by the service's name of it."""
    if asked is None:
        return []
    members = (
        ("MaxReadRequestUnits", asked.max_read_request_units),
        ("MaxWriteRequestUnits", asked.max_write_request_units),
    )
    return [(member, units) for member, units in members if units is not None]


def check_on_demand_range(asked: OnDemandThroughput | None, index_name: str | None, *, least: int) -> None:
    """``least``: 1, or -1 where that takes a bound away. 0 is never a bound."""
    owner = "table" if index_name is None else f"index : {index_name}"
    for member, units in on_demand_members(asked):
        if units < least or units == 0:
            raise invalid(f"Requested {member} for OnDemandThroughput for {owner} is outside of valid range")


def check_index_throughputs(indexes: Sequence[IndexSpecification], *, is_provisioned: bool) -> None:
    """Of the global indexes of a new table."""
    for index in indexes:
        check_throughput_types(index.on_demand_throughput, index.warm_throughput)
        check_units_bound(index.provisioned_throughput)
        if is_provisioned and index.provisioned_throughput is None:
            raise invalid(f"ProvisionedThroughput is not specified for index: {index.index_name}")
        if not is_provisioned and index.provisioned_throughput is not None:
            raise invalid(
                f"ProvisionedThroughput should not be specified for index: {index.index_name} when "
                "BillingMode is PAY_PER_REQUEST"
            )
        check_new_on_demand(
            index.on_demand_throughput, is_provisioned=is_provisioned, index_name=index.index_name
        )


# Streams and table classes.


def stream_faults(stream: StreamSpecification | None) -> Sequence[str]:
    if stream is None:
        return ()
    if not isinstance(stream, StreamSpecification):
        raise wrong_type("stream_specification", stream, "a StreamSpecification")
    check_bool("stream_enabled", stream.stream_enabled)
    if stream.retention_ms is not None:
        check_retention(stream.retention_ms)
        if not stream.stream_enabled:
            raise invalid("a stream that is not enabled has no retention_ms")
    if stream.stream_view_type is None:
        return ()
    return enum_faults(stream.stream_view_type, "streamSpecification.streamViewType", VIEW_TYPES)


def check_retention(retention_ms: int) -> None:
    check_long("retention_ms", retention_ms)
    if not limits.STREAM_RETENTION_MS_MIN <= retention_ms <= limits.STREAM_RETENTION_MS_MAX:
        raise invalid(
            f"retention_ms must be between {limits.STREAM_RETENTION_MS_MIN} (1 hour) and "
            f"{limits.STREAM_RETENTION_MS_MAX} (365 days): {retention_ms}"
        )


def check_new_stream(stream: StreamSpecification | None) -> None:
    if stream is None:
        return
    if stream.stream_enabled and stream.stream_view_type is None:
        raise invalid("Table is being created with a stream enabled, UpdateViewType is required")
    if not stream.stream_enabled and stream.stream_view_type is not None:
        raise invalid("Table is being created with a stream disabled, UpdateViewType should not be specified")


def check_stream_change(stream: StreamSpecification | None) -> None:
    if stream is None:
        return
    if stream.stream_enabled and stream.stream_view_type is None:
        raise invalid("If stream is being enabled then UpdateViewType is required")
    if not stream.stream_enabled and stream.stream_view_type is not None:
        raise invalid("If stream is being disabled, then UpdateViewType must not be specified")


def check_table_class(table_class: object) -> None:
    if table_class is not None and table_class not in _TABLE_CLASSES:
        raise ValidationError(
            "Invalid table-class parameter provided. Please try again with a valid table-class value: "
            f"[{', '.join(_TABLE_CLASSES)}]."
        )


# Time to live.


def check_update_time_to_live(request: UpdateTimeToLive) -> None:
    check_bool("enabled", request.enabled)
    refuse_if(attribute_name_faults(request.attribute_name, "timeToLiveSpecification.attributeName"))
    check_table_name(request.table_name)


# Tags.


def check_tag_resource(request: TagResource) -> None:
    _check_resource(request.resource_arn)
    check_list("tags", request.tags)
    if not request.tags:
        raise ValidationError("Atleast one Tag needs to be provided as Input.")
    check_tags(request.tags)


def check_tags(tags: Sequence[Tag]) -> None:
    """Of TagResource and CreateTable. How many a table may have is the table's affair."""
    seen: set[str] = set()
    for tag in tags:
        if not isinstance(tag, Tag):
            raise wrong_type("tags", tag, "a list of Tag")
        _check_tag_key(tag.key)
        if not isinstance(tag.value, str):
            raise wrong_type("tag value", tag.value, "str")
        if len(tag.value) > limits.TAG_VALUE_CHARS_MAX or not _is_tag_text(tag.value):
            raise ValidationError(f"The Tag Value provided is invalid, Value: {tag.value}")
        if tag.key in seen:
            raise ValidationError(f"Duplicate Tag Keys provided as input: Duplicate Tag Key found {tag.key}")
        seen.add(tag.key)


def check_untag_resource(request: UntagResource) -> None:
    _check_resource(request.resource_arn)
    check_list("tag_keys", request.tag_keys)
    if not request.tag_keys:
        raise ValidationError("Atleast one Tag Key needs to be provided as Input.")
    for key in request.tag_keys:
        _check_tag_key(key)


def check_list_tags_of_resource(request: ListTagsOfResource) -> None:
    _check_resource(request.resource_arn)
    if request.next_token is not None and not isinstance(request.next_token, str):
        raise wrong_type("next_token", request.next_token, "str")


def _check_tag_key(key: object) -> None:
    if not isinstance(key, str):
        raise wrong_type("tag key", key, "str")
    if not 1 <= len(key) <= limits.TAG_KEY_CHARS_MAX or not _is_tag_text(key):
        raise ValidationError(f"The Tag Key provided is invalid, Key: {key}")
    if key.startswith("aws:"):
        raise ValidationError(f"Tag Key cannot be prefixed with aws:, Key: {key}")


def _check_resource(resource: object) -> None:
    if not isinstance(resource, str):
        raise wrong_type("resource_arn", resource, "str")
    if not resource:
        raise ValidationError("Invalid TableArn")
    if not arn.is_arn(resource):
        raise invalid(f"ARNs must start with 'arn:': {resource}")
    if arn.table_arn_parts(resource) is None:
        raise ValidationError(f"Invalid TableArn: Invalid ResourceArn provided as input {resource}")


# Limits.


def check_describe_limits(request: DescribeLimits) -> None:
    """It asks for nothing in particular."""
