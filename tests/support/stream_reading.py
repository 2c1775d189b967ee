"""Reading a stream as a consumer does: shard by shard, parents before children, as far as there is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from kvdb.api.operations import Request, Result
from kvdb.api.streams import (
    DescribeStream,
    DescribeStreamResult,
    GetRecords,
    GetRecordsResult,
    GetShardIterator,
    GetShardIteratorResult,
    Record,
    Shard,
)
from kvdb.item.value import Item

Call = Callable[[Request], Result]


def shards_of(call: Call, stream_arn: str, *, page: int = 100) -> list[Shard]:
    """All shards, page by page."""
    found: list[Shard] = []
    start = None
    while True:
        result = call(DescribeStream(stream_arn, limit=page, exclusive_start_shard_id=start))
        assert isinstance(result, DescribeStreamResult)
        found += result.stream_description.shards
        start = result.stream_description.last_evaluated_shard_id
        if start is None:
            return found


def iterator(call: Call, stream_arn: str, shard_id: str, kind: str = "TRIM_HORIZON", **more: object) -> str:
    result = call(GetShardIterator(stream_arn, shard_id, kind, **more))  # type: ignore[arg-type]
    assert isinstance(result, GetShardIteratorResult)
    return result.shard_iterator


def read(call: Call, shard_iterator: str | None, limit: int | None = None) -> GetRecordsResult:
    assert shard_iterator is not None
    result = call(GetRecords(shard_iterator, limit))
    assert isinstance(result, GetRecordsResult)
    return result


@dataclass
class Consumer:
    """Remembers a place in every shard, and begins a shard when all of its parents have ended."""

    call: Call
    stream_arn: str
    places: dict[str, str | None] = field(default_factory=dict)
    """``None``: read to its end."""
    records: list[Record] = field(default_factory=list)
    by_shard: dict[str, list[Record]] = field(default_factory=lambda: defaultdict(list))

    def catch_up(self, limit: int | None = None) -> list[Record]:
        """Read what has come since; gives it."""
        before = len(self.records)
        while self._round(limit):
            pass
        return self.records[before:]

    def _round(self, limit: int | None) -> bool:
        has_more = False
        shards = shards_of(self.call, self.stream_arn)
        known = {shard.shard_id for shard in shards}
        for shard in shards:
            if any(self.places.get(parent, "") is not None for parent in known & set(shard.parent_shard_ids)):
                continue
            if shard.shard_id not in self.places:
                self.places[shard.shard_id] = iterator(self.call, self.stream_arn, shard.shard_id)
                has_more = True
            place = self.places[shard.shard_id]
            if place is None:
                continue
            page = read(self.call, place, limit)
            self.records += page.records
            self.by_shard[shard.shard_id] += page.records
            self.places[shard.shard_id] = page.next_shard_iterator
            has_more = has_more or bool(page.records) or page.next_shard_iterator is None
        return has_more


def replayed(records: Iterable[Record], key_names: Iterable[str]) -> dict[tuple[object, ...], Item]:
    """The table that a stream of new and old images makes, every record checked against what it follows."""
    table: dict[tuple[object, ...], Item] = {}
    names = tuple(key_names)
    for record in records:
        change = record.dynamodb
        key = tuple(change.keys[name] for name in names)
        assert change.old_image == table.get(key), (record, table.get(key))
        expected = (
            "INSERT" if change.old_image is None else "REMOVE" if change.new_image is None else "MODIFY"
        )
        assert record.event_name == expected
        assert change.new_image != change.old_image
        if change.new_image is None:
            del table[key]
        else:
            table[key] = change.new_image
    return table
