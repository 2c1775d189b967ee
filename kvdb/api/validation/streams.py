"""Stream operations: what can be said of a request without looking at a stream.

Sources: service model of DynamoDB Streams for patterns and bounds; the form of the messages as in
the other modules. What is kvdb's own is refused in plain words.
"""

from __future__ import annotations

from collections.abc import Sequence

from kvdb import limits
from kvdb.api.streams import (
    DescribeStream,
    GetRecords,
    GetShardIterator,
    ListStreams,
    ShardFilter,
    Subscribe,
    UpdateStream,
)
from kvdb.api.validation.fields import (
    check_bool,
    check_expressions,
    check_int,
    check_list,
    check_long,
    check_table_name,
    constraint,
    enum_faults,
    invalid,
    name_faults,
    refuse_if,
    wrong_type,
)
from kvdb.api.validation.settings import VIEW_TYPES, check_retention
from kvdb.errors import ValidationError

_ARN_CHARS = (37, 1024)
_SHARD_ID_CHARS = (28, 65)
_TYPES = ("AT_TIMESTAMP", "AFTER_SEQUENCE_NUMBER", "LATEST", "TRIM_HORIZON", "AT_SEQUENCE_NUMBER")
_STARTS = ("NOW", "START", "CURSOR", "TIMESTAMP")


def check_list_streams(request: ListStreams) -> None:
    check_int("limit", request.limit)
    faults: list[str] = []
    if request.table_name is not None:
        _check_text("table_name", request.table_name)
        faults += name_faults(request.table_name, "tableName", chars_min=limits.TABLE_NAME_CHARS_MIN)
    faults += _limit_faults(request.limit)
    if request.exclusive_start_stream_arn is not None:
        faults += _length_faults(request.exclusive_start_stream_arn, "exclusiveStartStreamArn", _ARN_CHARS)
    refuse_if(faults)


def check_describe_stream(request: DescribeStream) -> None:
    check_int("limit", request.limit)
    faults = [*_length_faults(request.stream_arn, "streamArn", _ARN_CHARS), *_limit_faults(request.limit)]
    if request.exclusive_start_shard_id is not None:
        faults += _length_faults(request.exclusive_start_shard_id, "exclusiveStartShardId", _SHARD_ID_CHARS)
    if (wanted := request.shard_filter) is not None:
        if not isinstance(wanted, ShardFilter):
            raise wrong_type("shard_filter", wanted, "a ShardFilter")
        faults += enum_faults(wanted.type, "shardFilter.type", ("CHILD_SHARDS",))
        faults += _length_faults(wanted.shard_id, "shardFilter.shardId", _SHARD_ID_CHARS)
    refuse_if(faults)


def check_get_shard_iterator(request: GetShardIterator) -> None:
    check_long("timestamp_ms", request.timestamp_ms)
    faults = [
        *_length_faults(request.stream_arn, "streamArn", _ARN_CHARS),
        *_length_faults(request.shard_id, "shardId", _SHARD_ID_CHARS),
        *enum_faults(request.shard_iterator_type, "shardIteratorType", _TYPES),
    ]
    if request.sequence_number is not None:
        bounds = limits.SEQUENCE_NUMBER_CHARS_MIN, limits.SEQUENCE_NUMBER_CHARS_MAX
        faults += _length_faults(request.sequence_number, "sequenceNumber", bounds)
    refuse_if(faults)
    kind = request.shard_iterator_type
    for member, given, wanted in (
        ("SequenceNumber", request.sequence_number, kind.endswith("_SEQUENCE_NUMBER")),
        ("Timestamp", request.timestamp_ms, kind == "AT_TIMESTAMP"),
    ):
        if wanted and given is None:
            raise ValidationError(f"{member} is required for ShardIteratorType {kind}")
        if given is not None and not wanted:
            raise ValidationError(f"{member} must not be given for ShardIteratorType {kind}")


def check_get_records(request: GetRecords) -> None:
    check_int("limit", request.limit)
    bounds = 1, limits.SHARD_ITERATOR_CHARS_MAX
    faults = [
        *_length_faults(request.shard_iterator, "shardIterator", bounds),
        *_limit_faults(request.limit, limits.GET_RECORDS_MAX),
    ]
    refuse_if(faults)


def check_update_stream(request: UpdateStream) -> None:
    check_bool("rotate", request.rotate)
    faults = [*_length_faults(request.stream_arn, "streamArn", _ARN_CHARS)]
    if request.split_shard_id is not None:
        faults += _length_faults(request.split_shard_id, "splitShardId", _SHARD_ID_CHARS)
    if request.merge_shard_ids is not None:
        check_list("merge_shard_ids", request.merge_shard_ids)
        for place, shard_id in enumerate(request.merge_shard_ids, 1):
            faults += _length_faults(shard_id, f"mergeShardIds.{place}.member", _SHARD_ID_CHARS)
    refuse_if(faults)
    asked = (request.retention_ms, request.split_shard_id, request.merge_shard_ids, request.rotate or None)
    if sum(each is not None for each in asked) != 1:
        raise invalid("one of retention_ms, split_shard_id, merge_shard_ids and rotate must be given")
    if request.retention_ms is not None:
        check_retention(request.retention_ms)
    if request.merge_shard_ids is not None and len(set(request.merge_shard_ids)) != 2:
        raise invalid("merge_shard_ids must name two shards")


def check_subscribe(request: Subscribe) -> None:
    if request.table_name is not None:
        check_table_name(request.table_name)
    check_long("timestamp_ms", request.timestamp_ms)
    check_long("heartbeat_ms", request.heartbeat_ms)
    faults = [*enum_faults(request.start, "start", _STARTS)]
    if request.view_type is not None:
        faults += enum_faults(request.view_type, "viewType", VIEW_TYPES)
    if request.cursor is not None:
        faults += _length_faults(request.cursor, "cursor", (1, limits.SHARD_ITERATOR_CHARS_MAX))
    refuse_if(faults)
    for member, given, start in (
        ("cursor", request.cursor, "CURSOR"),
        ("timestamp_ms", request.timestamp_ms, "TIMESTAMP"),
    ):
        if (given is not None) != (request.start == start):
            raise invalid(f"{member} and start {start} go together")
    if not limits.HEARTBEAT_MS_MIN <= request.heartbeat_ms <= limits.HEARTBEAT_MS_MAX:
        raise invalid(
            f"heartbeat_ms must be between {limits.HEARTBEAT_MS_MIN} and {limits.HEARTBEAT_MS_MAX}: "
            f"{request.heartbeat_ms}"
        )
    check_expressions(
        request.expression_attribute_names,
        request.expression_attribute_values,
        FilterExpression=request.filter_expression,
    )
    if request.filter_patterns is not None:
        check_list("filter_patterns", request.filter_patterns)


def _check_text(member: str, value: object) -> None:
    if not isinstance(value, str):
        raise wrong_type(member, value, "str")


def _length_faults(value: object, place: str, bounds: tuple[int, int]) -> Sequence[str]:
    _check_text(place, value)
    assert isinstance(value, str)
    least, most = bounds
    if len(value) < least:
        return [constraint(value, place, f"have length greater than or equal to {least}")]
    if len(value) > most:
        return [constraint(value[:80], place, f"have length less than or equal to {most}")]
    return ()


def _limit_faults(limit: int | None, most: int | None = None) -> Sequence[str]:
    if limit is not None and limit < 1:
        return [constraint(limit, "limit", "have value greater than or equal to 1")]
    if limit is not None and most is not None and limit > most:
        return [constraint(limit, "limit", f"have value less than or equal to {most}")]
    return ()
