"""What ``Table.conflicts`` asks with: filters as people give them -> ``ListConflicts``, ``FollowConflicts``.

    for conflict in table.conflicts(follow=True):
        print(conflict.key, conflict.winner, conflict.winner_item)

``since`` is a ``datetime`` or milliseconds since 1970; ``after`` and ``before`` are sequence numbers of
earlier conflicts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from kvdb.api.replicas import FollowConflicts, ListConflicts, ListConflictsResult, Outcome
from kvdb.errors import ValidationError
from kvdb.item.value import Item


@dataclass(frozen=True, slots=True)
class ConflictQuery:
    """Which conflicts of a table are wanted."""

    table_name: str
    after: int = 0
    before: int | None = None
    newest_first: bool = False
    key: Item | None = None
    outcome: Outcome | None = None
    region: str | None = None
    since: int | datetime | None = None

    def listing(self, limit: int | None = None) -> ListConflicts:
        return ListConflicts(
            self.table_name,
            self.after,
            limit,
            self.before,
            self.newest_first,
            self.key,
            self.outcome,
            self.region,
            _ms(self.since),
        )

    def following(self, heartbeat_ms: int) -> FollowConflicts:
        """Raises: ValidationError: what is to come cannot be ended, or turned round."""
        if self.newest_first or self.before is not None:
            raise ValidationError("conflicts are followed oldest first and without an end")
        return FollowConflicts(
            self.table_name,
            self.after,
            self.key,
            self.outcome,
            self.region,
            _ms(self.since),
            heartbeat_ms,
        )


def rest(request: ListConflicts, page: ListConflictsResult) -> ListConflicts | None:
    """What to ask for behind a page; ``None``: there is no more."""
    place = page.last_evaluated_sequence_number
    if place is None:
        return None
    if request.newest_first:
        return replace(request, before_sequence_number=place)
    return replace(request, after_sequence_number=place)


def _ms(moment: int | datetime | None) -> int | None:
    if not isinstance(moment, datetime):
        return moment
    if moment.tzinfo is None:
        raise ValidationError("since must be a datetime with a time zone")
    return round(moment.timestamp() * 1000)
