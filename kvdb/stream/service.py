"""The stream operations, answered: ListStreams, DescribeStream, GetShardIterator, GetRecords, UpdateStream;
and feeds, opened.

Sources: API Reference, Amazon DynamoDB Streams; ScyllaDB ``test_streams.py``, which passes against the
service, for what is refused and how.
"""

from __future__ import annotations

from bisect import bisect_right

from kvdb import limits
from kvdb.api.streams import (
    DescribeStream,
    DescribeStreamResult,
    GetRecords,
    GetRecordsResult,
    GetShardIterator,
    GetShardIteratorResult,
    ListStreams,
    ListStreamsResult,
    Shard,
    StreamDescription,
    StreamSummary,
    Subscribe,
    UpdateStream,
    UpdateStreamResult,
)
from kvdb.api.tables import KeySchemaElement
from kvdb.env.env import Env
from kvdb.errors import ResourceNotFound, TrimmedDataAccess, ValidationError
from kvdb.lsm.engine import Engine
from kvdb.stream import shards
from kvdb.stream.feed import Feed
from kvdb.stream.iterator import Iterator, decode_iterator, encode_iterator, seqno_of, sequence_number
from kvdb.stream.reader import TRIMMED, check_kept, position_at, read_page, rendered
from kvdb.stream.shards import ShardSpan
from kvdb.table.catalog import Catalog
from kvdb.table.streams import HashRange, Stream


class StreamService:
    """Serves the streams of one database."""

    def __init__(self, catalog: Catalog, engine: Engine, env: Env, region: str) -> None:
        self._catalog = catalog
        self._streams = catalog.streams
        self._engine = engine
        self._env = env
        self._region = region

    def feed(self, request: Subscribe) -> Feed:
        """Raises as ``Feed``."""
        return Feed(self._catalog, self._engine, self._env, self._region, request)

    def list_streams(self, request: ListStreams) -> ListStreamsResult:
        arns = {
            self._streams.arn_of(stream): stream.descriptor
            for stream in self._streams.all()
            if request.table_name is None or stream.descriptor.table_name == request.table_name
        }
        names = sorted(arns)
        start = bisect_right(names, request.exclusive_start_stream_arn or "")
        end = start + min(request.limit or limits.LIST_STREAMS_PAGE_MAX, limits.LIST_STREAMS_PAGE_MAX)
        page = names[start:end]
        return ListStreamsResult(
            [StreamSummary(name, arns[name].table_name, arns[name].label) for name in page],
            page[-1] if end < len(names) else None,
        )

    def describe_stream(self, request: DescribeStream) -> DescribeStreamResult:
        stream = self._named(request.stream_arn)
        kept = shards.kept_shards(stream.divisions, stream.descriptor.trimmed_seqno)
        if request.shard_filter is not None:
            parent = request.shard_filter.shard_id
            kept = tuple(shard for shard in kept if parent in shard.parents)
        # By place in the list and not by id: an id that is gone meanwhile still has its place.
        first = request.exclusive_start_shard_id
        after = [shard for shard in kept if first is None or shard.shard_id > first]
        limit = min(request.limit or limits.SHARDS_PAGE_MAX, limits.SHARDS_PAGE_MAX)
        page = after[:limit]
        last = page[-1].shard_id if len(after) > limit else None
        return DescribeStreamResult(self._described(stream, page, last))

    def get_shard_iterator(self, request: GetShardIterator) -> GetShardIteratorResult:
        # Before the stream is looked at; see ``table/streams``.
        visible = self._engine.last_seqno
        stream = self._named(request.stream_arn)
        kept = shards.kept_shards(stream.divisions, stream.descriptor.trimmed_seqno)
        shard = next((shard for shard in kept if shard.shard_id == request.shard_id), None)
        if shard is None:
            raise ResourceNotFound(
                f"Requested resource not found: Shard: {request.shard_id} not found in stream: "
                f"{request.stream_arn}"
            )
        position = self._position(stream, shard, request, visible)
        place = Iterator(stream.id, shard.after, shard.start, shard.end, position, self._env.hlc.wall_ms())
        return GetShardIteratorResult(encode_iterator(place, self._streams.secret))

    def _position(
        self, stream: Stream, shard: ShardSpan, request: GetShardIterator, visible: int
    ) -> int | None:
        """Where an iterator begins; ``None``: wherever the shard does when it is read."""
        match request.shard_iterator_type:
            case "TRIM_HORIZON":
                return None
            case "LATEST":
                newest = visible if stream.hold_at is None else min(visible, stream.hold_at)
                return max(shard.after, newest if shard.upto is None else shard.upto)
            case "AT_TIMESTAMP":
                assert request.timestamp_ms is not None, "validation wants a timestamp"
                now_ms = self._env.hlc.wall_ms()
                if request.timestamp_ms > now_ms:
                    raise ValidationError(
                        f"Timestamp must not be in the future: {request.timestamp_ms} ms, now {now_ms} ms"
                    )
                return max(shard.after, position_at(self._engine, stream, request.timestamp_ms))
        assert request.sequence_number is not None, "validation wants a sequence number"
        seqno = seqno_of(request.sequence_number)
        if seqno < shard.after or seqno > (visible if shard.upto is None else shard.upto):
            raise ValidationError(
                f"Invalid SequenceNumber: {request.sequence_number} is not in shard {shard.shard_id}"
            )
        position = seqno - 1 if request.shard_iterator_type == "AT_SEQUENCE_NUMBER" else seqno
        check_kept(stream, max(position, shard.after))
        return max(position, shard.after)

    def get_records(self, request: GetRecords) -> GetRecordsResult:
        if not self._streams.all():
            raise ValidationError("Invalid ShardIterator")
        now_ms = self._env.hlc.wall_ms()
        place = decode_iterator(request.shard_iterator, self._streams.secret, now_ms)
        # Before the stream is looked at; see ``table/streams``.
        visible = self._engine.last_seqno
        stream = self._streams.get(place.stream_id)
        if stream is None:
            raise TrimmedDataAccess(TRIMMED)
        shard = _shard_of(stream, place)
        newest = visible if stream.hold_at is None else min(visible, stream.hold_at)
        upto = newest if shard.upto is None else shard.upto
        position = place.position
        if position is None:
            position = max(shard.after, stream.descriptor.trimmed_seqno)
        page = read_page(
            self._engine,
            [stream],
            position,
            upto,
            start=shard.start,
            end=shard.end,
            count_max=request.limit or limits.GET_RECORDS_MAX,
        )
        check_kept(self._streams.get(stream.id) or stream, position)
        stream_arn = self._streams.arn_of(stream)
        records = [rendered(change, region=self._region, stream_arn=stream_arn) for change in page.changes]
        following = None
        if shard.upto is None or page.reached < shard.upto:
            place = place._replace(position=page.reached, issued_ms=now_ms)
            following = encode_iterator(place, self._streams.secret)
        return GetRecordsResult(records, following)

    def update_stream(self, request: UpdateStream) -> UpdateStreamResult:
        stream = self._named(request.stream_arn)
        if request.retention_ms is not None:
            stream = self._streams.keep_for(stream.id, request.retention_ms)
        else:
            stream = self._streams.divide(stream.id, lambda present: _division(present, request))
        open_shards = shards.open_shards(stream.divisions)
        return UpdateStreamResult(self._described(stream, open_shards, None))

    def _named(self, stream_arn: str) -> Stream:
        stream = self._streams.named(stream_arn)
        if stream is None:
            raise ResourceNotFound(f"Requested resource not found: Stream: {stream_arn} not found")
        return stream

    def _described(
        self, stream: Stream, page: list[ShardSpan] | tuple[ShardSpan, ...], last: str | None
    ) -> StreamDescription:
        descriptor = stream.descriptor
        kinds: tuple[KeySchemaElement, ...] = (KeySchemaElement(descriptor.partition.name, "HASH"),)
        if descriptor.sort is not None:
            kinds += (KeySchemaElement(descriptor.sort.name, "RANGE"),)
        return StreamDescription(
            stream_arn=self._streams.arn_of(stream),
            stream_label=descriptor.label,
            stream_status="ENABLED" if stream.is_enabled else "DISABLED",
            stream_view_type=descriptor.view_type,
            creation_request_date_time_ms=descriptor.enabled_ms,
            table_name=descriptor.table_name,
            key_schema=kinds,
            shards=[_described_shard(shard) for shard in page],
            last_evaluated_shard_id=last,
            retention_ms=descriptor.retention_ms,
        )


def _division(stream: Stream, request: UpdateStream) -> tuple[HashRange, ...]:
    if not stream.is_enabled:
        raise ValidationError("the stream has ended")
    if request.split_shard_id is not None:
        return shards.split(stream.divisions, request.split_shard_id)
    if request.merge_shard_ids is not None:
        return shards.merge(stream.divisions, *request.merge_shard_ids)
    return shards.rotation(stream.divisions)


def _shard_of(stream: Stream, place: Iterator) -> ShardSpan:
    wanted = shards.shard_id(place.after, place.start, place.end)
    for shard in shards.shards_of(stream.divisions):
        if shard.shard_id == wanted:
            return shard
    raise TrimmedDataAccess(TRIMMED)


def _described_shard(shard: ShardSpan) -> Shard:
    return Shard(
        shard.shard_id,
        sequence_number(shard.after + 1),
        None if shard.upto is None else sequence_number(shard.upto),
        shard.parents[0] if shard.parents else None,
        shard.parents,
        shard.start,
        shard.end,
    )
