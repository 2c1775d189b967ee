"""The records of a shard from a checkpoint on, whatever happens to iterators."""

from __future__ import annotations

import pytest

from kvdb.api.operations import Request
from kvdb.api.streams import GetRecords
from kvdb.consumer.lease import TRIM_HORIZON, Lease, Progress
from kvdb.consumer.source import ShardReader
from kvdb.errors import ExpiredIterator, ResourceNotFound, TrimmedDataAccess
from tests.support.workers import Shop


def reader(shop: Shop, checkpoint: str = TRIM_HORIZON, *, on_trimmed: str = "fail") -> ShardReader:
    shard_id = shop.open_shards()[0]
    lease = Lease("key", shop.stream_arn, shard_id, (), Progress(checkpoint))
    return ShardReader(shop.client, lease, on_trimmed)  # type: ignore[arg-type]


def read_all(source: ShardReader) -> list[object]:
    found: list[object] = []
    while page := source.read(1_000):
        found += [(record.dynamodb.new_image or {})["n"] for record in page]
        if source.is_ended:
            break
    return found


def test_it_reads_on_page_by_page_and_ends_with_the_shard() -> None:
    shop = Shop()
    source = reader(shop)
    shop.put(1, 2, 3)
    assert len(source.read(2)) == 2
    assert read_all(source) == [3]
    assert not source.is_ended
    shop.put(4)
    shop.split()
    assert read_all(source) == [4]
    source.read(1)
    assert source.is_ended


def test_it_begins_behind_the_checkpoint() -> None:
    shop = Shop()
    shop.put(1, 2, 3)
    first = reader(shop).read(1)[0]
    assert read_all(reader(shop, first.dynamodb.sequence_number)) == [2, 3]


def test_an_expired_iterator_is_replaced_by_one_at_the_same_place() -> None:
    shop = Shop()
    shop.put(1, 2, 3)
    source = reader(shop)
    source.read(2)
    expired: list[Request] = []

    def expire(request: Request) -> None:
        if isinstance(request, GetRecords) and not expired:
            expired.append(request)
            raise ExpiredIterator("too old")

    shop.transport.before = expire
    assert read_all(source) == [3]
    assert expired


@pytest.mark.parametrize("error", [TrimmedDataAccess, ResourceNotFound])
def test_what_is_gone_is_an_error_or_skipped_and_counted(error: type[Exception]) -> None:
    shop = Shop()
    shop.put(1, 2)

    def trim(request: Request) -> None:
        if isinstance(request, GetRecords) and not source.gaps:
            raise error("gone")

    shop.transport.before = trim
    source = reader(shop)
    with pytest.raises(TrimmedDataAccess, match="before they were handled shard="):
        source.read(10)
    source = reader(shop, on_trimmed="skip")
    assert source.read(10) == ()
    assert source.gaps == 1
    assert source.is_ended == (error is ResourceNotFound)
    if not source.is_ended:
        assert read_all(source) == [1, 2]
