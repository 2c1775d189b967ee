"""Leases: who works on which shard, and how far. Rows of an ordinary kvdb table, one a shard.

    leaseKey                       S   "<stream label>/<shard id>", the table's key
    streamArn, shardId             S
    parentShardIds                 L   lease keys of the shards that come before
    checkpoint                     S   TRIM_HORIZON, a sequence number that is handled, or SHARD_END
    laneCheckpoints                L   where parallel lanes are ahead of it: a sequence number or ""
                                       a lane; empty when they are level
    handledTime                    N   creation time of the last record handled, ms since 1970
    leaseOwner                     S   the worker that holds it; absent: nobody
    leaseCounter                   N   grows with every heartbeat
    fencingToken                   N   grows whenever the lease changes hands
    ownerSwitchesSinceCheckpoint   N   how often it did without getting further
    handoverTo                     S   a worker that has too few and asks for this one
    windowState                    M   {"start": ms, "parts": n} of an open tumbling window
    attempts                       M   lane -> {"at": sequence number, "count": n}: a batch that was
                                       begun and has not ended, noted when there may be a reason

and beside them

    #origin                            where this application began: tableName, streamArn,
                                       sequenceNumber, startingPosition; and doneUpTo, once many
                                       shards that are still listed are finished and forgotten
    #state/<lease key>/<n>             ``part`` n of a window's state, JSON text

Every write is conditional. Who holds a lease writes only where owner and token are still its own,
so a worker that was thought dead and comes back changes nothing any more (it is fenced).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from kvdb.api.items import TransactWriteAction, UpdateItem
from kvdb.client import actions
from kvdb.client.sync import Client
from kvdb.errors import ConditionalCheckFailed, ResourceInUse, TransactionCanceled, ValidationError
from kvdb.item.value import Item
from kvdb.limits import TUMBLING_STATE_BYTES_MAX

TRIM_HORIZON: Final = "TRIM_HORIZON"
SHARD_END: Final = "SHARD_END"

STATE_PART_CHARS: Final = 300 * 1024
"""Of a window's state in one row; it is ASCII, so a row stays under 400 KB."""
STATE_PARTS_MAX: Final = -(-TUMBLING_STATE_BYTES_MAX // STATE_PART_CHARS)

_CONDITION_FAILED = "ConditionalCheckFailed"
_KEY = "leaseKey"
_ORIGIN = "#origin"
_MINE = "leaseOwner = :owner AND fencingToken = :token"
_UNSEEN = "fencingToken = :token AND leaseCounter = :counter"
_CHANGE_HANDS = (
    "leaseCounter = leaseCounter + :one, fencingToken = fencingToken + :one, "
    "ownerSwitchesSinceCheckpoint = ownerSwitchesSinceCheckpoint + :one"
)


@dataclass(frozen=True, slots=True)
class Window:
    """An open tumbling window: when it began, and the state its batches have made so far."""

    start_ms: int
    state: str = "{}"
    """JSON text, ASCII."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the changes of a shard are handled."""

    checkpoint: str
    lanes: tuple[str, ...] = ()
    handled_ms: int = 0

    @property
    def is_finished(self) -> bool:
        return self.checkpoint == SHARD_END


@dataclass(frozen=True, slots=True)
class Attempt:
    """A batch that was begun: the first sequence number of it, and how often."""

    at: str
    count: int


@dataclass(frozen=True, slots=True)
class Lease:
    """One row."""

    key: str
    stream_arn: str
    shard_id: str
    parents: tuple[str, ...]
    progress: Progress
    owner: str | None = None
    counter: int = 0
    token: int = 0
    switches: int = 0
    handover_to: str | None = None
    window_start_ms: int | None = None
    state_parts: int = 0
    attempts: Mapping[int, Attempt] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an application began to read a table's changes."""

    table_name: str
    stream_arn: str
    sequence_number: str
    """The last commit then. Everything after it is handled."""
    starting_position: str
    """``TRIM_HORIZON``: so is what was kept of before; ``LATEST``: it is not."""
    done_up_to: str = ""
    """Shards that ended up to this number are finished, whether they have leases or not."""


class LeaseTable:
    """The leases of one application. Thread-safe; keeps nothing in memory."""

    def __init__(self, client: Client, name: str) -> None:
        self._client = client
        self._table = client.table(name)
        self.name = name

    def ensure(self) -> None:
        """Make the table if there is none.

        Raises:
            ValidationError: there is one of that name with another key.
        """
        try:
            self._client.create_table(self.name, key=(_KEY, "S"))
        except ResourceInUse:
            self._table.wait_until_active()
            schema = self._table.describe().key_schema
            if [element.attribute_name for element in schema] != [_KEY]:
                raise ValidationError(
                    f"table {self.name!r} is no table of leases: its key is not {_KEY}"
                ) from None

    def origin(self) -> Origin | None:
        """Where the application began; ``None`` before it has."""
        row = self._table.get({_KEY: _ORIGIN}, consistent=True)
        if row is None:
            return None
        return Origin(
            table_name=str(row["tableName"]),
            stream_arn=str(row["streamArn"]),
            sequence_number=str(row["sequenceNumber"]),
            starting_position=str(row["startingPosition"]),
            done_up_to=str(row.get("doneUpTo", "")),
        )

    def settle_origin(self, origin: Origin) -> Origin:
        """Store ``origin`` unless another worker was first; gives the one that holds."""
        row = {
            _KEY: _ORIGIN,
            "tableName": origin.table_name,
            "streamArn": origin.stream_arn,
            "sequenceNumber": origin.sequence_number,
            "startingPosition": origin.starting_position,
        }
        with suppress(ConditionalCheckFailed):
            self._table.put(row, condition=f"attribute_not_exists({_KEY})")
        settled = self.origin()
        assert settled is not None
        return settled

    def settle_done(self, sequence_number: str) -> None:
        """Note that every shard that ended up to ``sequence_number`` is finished."""
        with suppress(ConditionalCheckFailed):
            self._table.update(
                {_KEY: _ORIGIN},
                "SET doneUpTo = :number",
                condition="attribute_not_exists(doneUpTo) OR doneUpTo < :number",
                values={":number": sequence_number},
            )

    def all(self) -> list[Lease]:
        """Every lease, in the order of the keys."""
        rows = self._table.scan(filter="attribute_exists(checkpoint)", consistent=True)
        return sorted(map(_lease_of, rows), key=lambda lease: lease.key)

    def create(self, lease: Lease) -> None:
        """Store a new lease; one that is there already stays as it is."""
        with suppress(ConditionalCheckFailed):
            self._table.put(_row_of(lease), condition=f"attribute_not_exists({_KEY})")

    def forget(self, lease: Lease) -> None:
        """Delete a finished lease, and what is left of its state; one that is not finished stays."""
        with suppress(ConditionalCheckFailed):
            self._table.delete({_KEY: lease.key}, condition="checkpoint = :end", values={":end": SHARD_END})

    def take(self, lease: Lease, owner: str) -> Lease | None:
        """Become the owner of a lease as it was seen; ``None`` when it has moved since."""
        return self._change(
            lease,
            f"SET leaseOwner = :owner, {_CHANGE_HANDS} REMOVE handoverTo",
            _UNSEEN,
            {":owner": owner, ":token": lease.token, ":counter": lease.counter, ":one": 1},
        )

    def ask_for(self, lease: Lease, owner: str) -> bool:
        """Ask the present holder to hand the lease over to ``owner``; whether the request stands."""
        asked = self._change(
            lease,
            "SET handoverTo = :owner",
            "fencingToken = :token AND attribute_exists(leaseOwner) AND attribute_not_exists(handoverTo)",
            {":owner": owner, ":token": lease.token},
        )
        return asked is not None

    def renew(self, lease: Lease) -> Lease | None:
        """One heartbeat; the lease as it is, or ``None`` when it is somebody else's."""
        return self._change(lease, "SET leaseCounter = leaseCounter + :one", _MINE, _mine(lease, {":one": 1}))

    def begin_attempt(self, lease: Lease, lane: int, attempt: Attempt) -> bool:
        """Note that a batch of a lane is begun; whether the lease is still this holder's."""
        told = {"at": attempt.at, "count": attempt.count}
        noted = self._change(
            lease, "SET attempts.#l = :attempt", _MINE, _mine(lease, {":attempt": told}), {"#l": str(lane)}
        )
        return noted is not None

    def release(self, lease: Lease, to: str | None) -> bool:
        """Give the lease to ``to``, or to nobody; whether it was still this holder's."""
        if to is None:
            update = f"SET {_CHANGE_HANDS} REMOVE leaseOwner, handoverTo"
            values = _mine(lease, {":one": 1})
        else:
            update = f"SET leaseOwner = :to, {_CHANGE_HANDS} REMOVE handoverTo"
            values = _mine(lease, {":one": 1, ":to": to})
        return self._change(lease, update, _MINE, values) is not None

    def checkpoint(
        self,
        lease: Lease,
        progress: Progress,
        window: Window | None,
        writes: Sequence[TransactWriteAction] = (),
        *,
        lane: int = 0,
    ) -> bool:
        """Move a held lease from ``lease.progress`` to ``progress``, together with ``writes``, or do nothing.

        ``False``: the lease is somebody else's, or not where it was thought to be. What was noted of
        the batch of ``lane`` goes.

        Raises:
            TransactionCanceled: a member of ``writes`` was refused.
        """
        states = self._state_writes(lease, window)
        step = self._step(lease, progress, window, lane)
        if not states and not writes:
            return self._send(step)
        try:
            self._client.transact_write([step, *states, *writes])
        except TransactionCanceled as error:
            if error.reasons and error.reasons[0].code == _CONDITION_FAILED:
                return False
            raise
        return True

    def window_of(self, lease: Lease) -> Window | None:
        """The open tumbling window of a lease, with its state."""
        if lease.window_start_ms is None:
            return None
        parts = [
            self._table.get({_KEY: _state_key(lease.key, part)}, consistent=True)
            for part in range(lease.state_parts)
        ]
        return Window(lease.window_start_ms, "".join(str(row["part"]) for row in parts if row is not None))

    def stored(self, key: str) -> Lease | None:
        """The lease as it is stored."""
        row = self._table.get({_KEY: key}, consistent=True)
        return None if row is None else _lease_of(row)

    def _step(self, lease: Lease, progress: Progress, window: Window | None, lane: int) -> UpdateItem:
        values = _mine(
            lease,
            {
                ":old": lease.progress.checkpoint,
                ":old_lanes": list(lease.progress.lanes),
                ":new": progress.checkpoint,
                ":new_lanes": list(progress.lanes),
                ":handled": progress.handled_ms,
                ":zero": 0,
            },
        )
        update = (
            "SET #c = :new, laneCheckpoints = :new_lanes, handledTime = :handled, "
            "ownerSwitchesSinceCheckpoint = :zero"
        )
        if window is None:
            update += " REMOVE windowState, attempts.#l"
        else:
            update += ", windowState = :window REMOVE attempts.#l"
            values[":window"] = {"start": window.start_ms, "parts": len(_parts(window))}
        condition = f"{_MINE} AND #c = :old AND laneCheckpoints = :old_lanes AND "
        names = {"#c": "checkpoint", "#l": str(lane)}
        if lease.window_start_ms is None:
            condition += "attribute_not_exists(windowState)"
        else:
            condition += "windowState.#s = :start"
            names["#s"] = "start"
            values[":start"] = lease.window_start_ms
        return actions.update(
            self.name, {_KEY: lease.key}, update, condition=condition, names=names, values=values
        )

    def _state_writes(self, lease: Lease, window: Window | None) -> list[TransactWriteAction]:
        parts = _parts(window)
        writes: list[TransactWriteAction] = [
            actions.put(self.name, {_KEY: _state_key(lease.key, number), "part": part})
            for number, part in enumerate(parts)
        ]
        writes += [
            actions.delete(self.name, {_KEY: _state_key(lease.key, number)})
            for number in range(len(parts), lease.state_parts)
        ]
        return writes

    def _send(self, step: UpdateItem) -> bool:
        try:
            self._client.call(step)
        except ConditionalCheckFailed:
            return False
        return True

    def _change(
        self,
        lease: Lease,
        update: str,
        condition: str,
        values: Mapping[str, object],
        names: Mapping[str, str] | None = None,
    ) -> Lease | None:
        try:
            row = self._table.update(
                {_KEY: lease.key},
                update,
                condition=condition,
                names=names,
                values=values,
                return_values="ALL_NEW",
            )
        except ConditionalCheckFailed:
            return None
        assert row is not None
        return _lease_of(row)


def moved(lease: Lease, progress: Progress, window: Window | None, lane: int) -> Lease:
    """What ``LeaseTable.checkpoint`` leaves of a lease."""
    return replace(
        lease,
        progress=progress,
        switches=0,
        window_start_ms=None if window is None else window.start_ms,
        state_parts=len(_parts(window)),
        attempts={each: attempt for each, attempt in lease.attempts.items() if each != lane},
    )


def lease_key(stream_label: str, shard_id: str) -> str:
    """The key of the lease of one shard."""
    return f"{stream_label}/{shard_id}"


def _state_key(key: str, part: int) -> str:
    return f"#state/{key}/{part}"


def _parts(window: Window | None) -> list[str]:
    if window is None:
        return []
    starts: Iterable[int] = range(0, len(window.state), STATE_PART_CHARS)
    return [window.state[start : start + STATE_PART_CHARS] for start in starts]


def _mine(lease: Lease, more: Mapping[str, object]) -> dict[str, object]:
    return {":owner": lease.owner, ":token": lease.token, **more}


def _row_of(lease: Lease) -> Item:
    return {
        _KEY: lease.key,
        "streamArn": lease.stream_arn,
        "shardId": lease.shard_id,
        "parentShardIds": list(lease.parents),
        "checkpoint": lease.progress.checkpoint,
        "laneCheckpoints": list(lease.progress.lanes),
        "handledTime": lease.progress.handled_ms,
        "leaseCounter": lease.counter,
        "fencingToken": lease.token,
        "ownerSwitchesSinceCheckpoint": lease.switches,
        "attempts": {},
    }


def _lease_of(row: Item) -> Lease:
    owner, handover_to = row.get("leaseOwner"), row.get("handoverTo")
    window, attempts = row.get("windowState"), row.get("attempts")
    return Lease(
        key=_text(row, _KEY),
        stream_arn=_text(row, "streamArn"),
        shard_id=_text(row, "shardId"),
        parents=_texts(row, "parentShardIds"),
        progress=Progress(
            _text(row, "checkpoint"), _texts(row, "laneCheckpoints"), _number(row, "handledTime")
        ),
        owner=None if owner is None else str(owner),
        counter=_number(row, "leaseCounter"),
        token=_number(row, "fencingToken"),
        switches=_number(row, "ownerSwitchesSinceCheckpoint"),
        handover_to=None if handover_to is None else str(handover_to),
        window_start_ms=_number(window, "start") if isinstance(window, dict) else None,
        state_parts=_number(window, "parts") if isinstance(window, dict) else 0,
        attempts=_attempts(attempts) if isinstance(attempts, dict) else {},
    )


def _attempts(stored: Item) -> dict[int, Attempt]:
    return {
        int(lane): Attempt(_text(attempt, "at"), _number(attempt, "count"))
        for lane, attempt in stored.items()
        if isinstance(attempt, dict)
    }


def _text(row: Item, name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str):
        raise ValidationError(f"a lease has no {name}: {row.get(_KEY)!r}")
    return value


def _texts(row: Item, name: str) -> tuple[str, ...]:
    value = row.get(name)
    if not isinstance(value, list):
        raise ValidationError(f"a lease has no {name}: {row.get(_KEY)!r}")
    return tuple(map(str, value))


def _number(row: Item, name: str) -> int:
    value = row.get(name)
    if not isinstance(value, int):
        raise ValidationError(f"a lease has no {name}: {row.get(_KEY)!r}")
    return value
