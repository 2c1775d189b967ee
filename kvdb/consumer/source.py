"""The records of one shard, in order, from a checkpoint on."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from kvdb.api.streams import (
    GetRecords,
    GetRecordsResult,
    GetShardIterator,
    GetShardIteratorResult,
    Record,
)
from kvdb.client.sync import Client
from kvdb.consumer.lease import TRIM_HORIZON, Lease
from kvdb.consumer.options import OnTrimmed
from kvdb.errors import ExpiredIterator, ResourceNotFound, TrimmedDataAccess
from kvdb.limits import GET_RECORDS_MAX

_log = logging.getLogger("kvdb.consumer")


class ShardReader:
    """Reads on where it stopped; an iterator that expired meanwhile is replaced."""

    def __init__(self, client: Client, lease: Lease, on_trimmed: OnTrimmed) -> None:
        self._client = client
        self._lease = lease
        self._on_trimmed = on_trimmed
        self._position = lease.progress.checkpoint
        self._iterator: str | None = None
        self.is_ended = False
        """The shard has ended, and everything in it was read."""
        self.gaps = 0
        """How often records had been trimmed before they were read."""

    def read(self, limit: int) -> Sequence[Record]:
        """Up to ``limit`` records; none when there are none yet.

        Raises:
            TrimmedDataAccess: records after the checkpoint were trimmed; unless they are to be skipped.
        """
        try:
            page = self._page(min(limit, GET_RECORDS_MAX))
        except ExpiredIterator:
            self._iterator = None
            page = self._page(min(limit, GET_RECORDS_MAX))
        except (TrimmedDataAccess, ResourceNotFound) as error:
            self._skip_gap(error)
            return ()
        if page.records:
            self._position = page.records[-1].dynamodb.sequence_number
        self._iterator = page.next_shard_iterator
        self.is_ended = page.next_shard_iterator is None
        return page.records

    def _page(self, limit: int) -> GetRecordsResult:
        if self._iterator is None:
            self._iterator = self._new_iterator()
        page = self._client.call(GetRecords(self._iterator, limit))
        assert isinstance(page, GetRecordsResult)
        return page

    def _new_iterator(self) -> str:
        lease = self._lease
        if self._position == TRIM_HORIZON:
            request = GetShardIterator(lease.stream_arn, lease.shard_id, "TRIM_HORIZON")
        else:
            request = GetShardIterator(
                lease.stream_arn, lease.shard_id, "AFTER_SEQUENCE_NUMBER", self._position
            )
        result = self._client.call(request)
        assert isinstance(result, GetShardIteratorResult)
        return result.shard_iterator

    def _skip_gap(self, error: TrimmedDataAccess | ResourceNotFound) -> None:
        """Go on behind what is gone, if that is wanted: with the oldest record, or the next shard."""
        fact = f"shard={self._lease.shard_id} checkpoint={self._position}"
        if self._on_trimmed == "fail":
            raise TrimmedDataAccess(f"records were trimmed before they were handled {fact}") from error
        _log.error("records were trimmed before they were handled, skipping them %s", fact)
        self.gaps += 1
        self._iterator = None
        if isinstance(error, ResourceNotFound):
            self.is_ended = True
        else:
            self._position = TRIM_HORIZON
