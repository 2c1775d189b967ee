"""Time to live: its rules, and the marks by which expired items are found.

While it is enabled, every write of an item that has a number in the attribute puts a *mark*: a key
(``table/keys``) of the second at which the item expires and of its row, in the batch of the row. So
what has expired lies side by side, oldest first, and the sweeper (``table/expiry``) looks at nothing
else, however large the table is. A mark is a hint and no more: writers do not look for the mark of
the item they replace unless they know that item anyway, so a mark may be of an item that has changed
or gone since. Whoever follows it looks at the item, and deletes the mark in any case.

Enabling makes marks a number of their own, so that a table's marks of before a disabling, which are
deleted like the rows of a dropped index, can never be mistaken for these.

Sources: API Reference, UpdateTimeToLive; developer guide, "Time to Live"; the messages, and that
what changes nothing is refused before what comes too soon, as ack-api-quirks recorded them from the
service in October 2026.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from kvdb import limits
from kvdb.api.tables import DescribeTimeToLiveResult, UpdateTimeToLive
from kvdb.errors import LimitExceeded, ValidationError
from kvdb.item.value import Item
from kvdb.lsm.batch import WriteBatch
from kvdb.table import keys
from kvdb.table.descriptor import TableDescriptor, TtlSetting

_SECOND_MAX = 2**63 - 1
_NONE = TtlSetting("", is_enabled=False, changed_ms=0)


class Marks:
    """The marks of one table in use. Immutable."""

    __slots__ = ("attribute", "prefix")

    def __init__(self, attribute: str, prefix: bytes) -> None:
        self.attribute = attribute
        self.prefix = prefix

    @classmethod
    def of(cls, table: TableDescriptor) -> Marks | None:
        ttl = table.ttl
        if ttl is None or not ttl.is_enabled:
            return None
        return cls(ttl.attribute, keys.index_prefix(table.table_id, ttl.number))

    def second_of(self, item: Item) -> int | None:
        """The last second in which an item has not expired; ``None``: it never will."""
        given = item.get(self.attribute)
        if type(given) is Decimal:
            # Not int() first: it would write out all digits of 1E+125.
            given = int(given) if 0 <= given <= _SECOND_MAX else None
        if type(given) is int and 0 <= given <= _SECOND_MAX:
            return given
        return None

    def add(self, batch: WriteBatch, row_key: bytes, old: Item | None, new: Item | None) -> None:
        """What becomes of the marks of one item; ``old`` is what is known of the item of before."""
        second = None if new is None else self.second_of(new)
        if old is not None:
            passed = self.second_of(old)
            if passed == second:
                return
            if passed is not None:
                batch.delete(keys.mark_key(self.prefix, passed, row_key))
        if second is not None:
            batch.put(keys.mark_key(self.prefix, second, row_key), b"")


def with_time_to_live(
    table: TableDescriptor, request: UpdateTimeToLive, *, now_ms: int, delay_ms: int
) -> TableDescriptor:
    """The table as an ``UpdateTimeToLive`` asks for.

    Raises:
        ValidationError: it is so already, or for another attribute, or was changed within the hour.
    """
    ttl = table.ttl or _NONE
    if ttl.is_enabled and ttl.attribute != request.attribute_name:
        raise ValidationError(
            f"TimeToLive is active on a different AttributeName: current AttributeName is {ttl.attribute}"
        )
    if ttl.is_enabled == request.enabled:
        raise ValidationError(f"TimeToLive is already {'enabled' if ttl.is_enabled else 'disabled'}")
    if table.ttl is not None and 0 <= now_ms - ttl.changed_ms < limits.TTL_CHANGE_PAUSE_MS:
        raise ValidationError("Time to live has been modified multiple times within a fixed interval")
    settles_ms = now_ms + delay_ms if delay_ms else 0
    if not request.enabled:
        off = TtlSetting(ttl.attribute, is_enabled=False, changed_ms=now_ms, settles_ms=settles_ms)
        return replace(table, ttl=off)
    number = table.next_index_number
    if number >= keys.COUNTERS_NUMBER:
        raise LimitExceeded(f"the table has had as many indexes as it ever can: {number - 1}")
    on = TtlSetting(request.attribute_name, True, now_ms, settles_ms, number, walk=b"")
    return replace(table, ttl=on, next_index_number=number + 1)


def described(table: TableDescriptor, *, now_ms: int) -> DescribeTimeToLiveResult:
    """Source: API Reference, DescribeTimeToLive. A disabled one has forgotten its attribute."""
    status = table.status_at(now_ms)
    if status in ("CREATING", "DELETING"):
        raise ValidationError(
            f"Cannot describe time to live while table is in {status} state: Current table state is {status}"
        )
    ttl = table.ttl or _NONE
    if now_ms < ttl.settles_ms:
        return DescribeTimeToLiveResult("ENABLING" if ttl.is_enabled else "DISABLING", ttl.attribute)
    if not ttl.is_enabled:
        return DescribeTimeToLiveResult("DISABLED")
    return DescribeTimeToLiveResult("ENABLED", ttl.attribute)
