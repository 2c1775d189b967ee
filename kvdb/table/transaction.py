"""TransactWriteItems, TransactGetItems, and the end of native transactions.

A transaction of writes, in order:

1. every member is compiled, its table found, its key made; what is wrong with a member's key or
   item beside its table cancels the transaction, what is wrong otherwise refuses the call;
2. a client token that is known already answers the call (``table/client_tokens``);
3. the latches of all items, and of the token, are claimed at once; another transaction that has
   one of them cancels this one;
4. under the latches every member is decided, as a write by itself would be; all refusals are
   collected, one reason a member;
5. all changes and the token are one engine batch.

So nothing that a condition saw changes before the commit, and everything is durable and visible
together. A transaction of reads reads at one snapshot. While an item is being written it is not
read, but cancelled, as at the service; only in this are reads worse off than ``snapshot=True``.

A native transaction has read at a snapshot and says what (``table/read_set``). Its writes queue for
their latches behind other writers; under them, and again by the guard of the commit, nothing that
it has read may have changed since the snapshot. So it is as if all of it had happened at the moment
of the commit: with single writes, transactions and others of its kind it is strictly serializable.
One without writes is so at its snapshot, and has nothing to commit.

Sources: API Reference, TransactWriteItems, TransactGetItems, TransactionCanceledException; which
faults cancel and which refuse: dynoxide, transact_write_items.rs and transact_get_items.rs
(captured from the service).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

from kvdb.api import arn
from kvdb.api.items import (
    CommitTransaction,
    CommitTransactionResult,
    ConditionCheck,
    GetItem,
    PutItem,
    TransactGetItems,
    TransactGetItemsResult,
    TransactWriteAction,
    TransactWriteItems,
    TransactWriteItemsResult,
    UpdateItem,
)
from kvdb.errors import (
    CancellationReason,
    ConditionalCheckFailed,
    KvdbError,
    Throttled,
    ThroughputExceeded,
    TransactionCanceled,
    TransactionInProgress,
    UniqueViolation,
    ValidationError,
)
from kvdb.expr.compiler import Projection
from kvdb.item.value import Item, normalise_item
from kvdb.limits import LimitsProfile
from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.engine import Engine
from kvdb.table import keys, row
from kvdb.table.capacity import TRANSACTION_FACTOR, Tally, admit_writes, all_consumed, read_units
from kvdb.table.catalog import Catalog, Table
from kvdb.table.client_tokens import ClientTokens, digest_of
from kvdb.table.keys import TABLE_NUMBER
from kvdb.table.latches import Latches
from kvdb.table.mutation import Change
from kvdb.table.read_set import ReadSet
from kvdb.table.reader import projection_of
from kvdb.table.snapshots import Snapshots
from kvdb.table.writer import Steps, Target, Writer, in_key_order, key_target, put_target, update_target
from kvdb.table.writes import CheckWrite, DeleteWrite, PutWrite, UpdateWrite, Write

SAME_ITEM_TWICE = "Transaction request cannot include multiple operations on one item"
TOO_LARGE = (
    "Collection size of items exceeded, which can also be caused by the aggregate size of the items "
    "in the transaction exceeding the 4MB limit"
)
"""Source: dynoxide, transact_write_items.rs."""

_Found = TypeVar("_Found")

_CONFLICT = CancellationReason("TransactionConflict", "Transaction is ongoing for the item")
_NO_FAULT = CancellationReason()


class Transactions:
    """Serves the three requests, under the limits of ``writer``."""

    def __init__(
        self,
        catalog: Catalog,
        engine: Engine,
        latches: Latches,
        writer: Writer,
        tokens: ClientTokens,
        snapshots: Snapshots,
    ) -> None:
        self._catalog = catalog
        self._engine = engine
        self._latches = latches
        self._writer = writer
        self._tokens = tokens
        self._snapshots = snapshots

    def write_items(self, request: TransactWriteItems) -> Steps[TransactWriteItemsResult]:
        """Source: API Reference, TransactWriteItems.

        Raises:
            TransactionCanceled: with a reason a member; nothing was written.
            IdempotentParameterMismatch: the token stands for another transaction.
            TransactionInProgress: the transaction of the token is under way.
            ResourceNotFound, ValidationError: the request is wrong; nothing was written.
        """
        targets = self.targets_of(request.transact_items, wants_sizes=_counts(request))
        token = _token_of(request)
        if token is not None and self._tokens.is_known(*token):
            return self._replayed(request, targets)
        item_keys = in_key_order(targets)
        # Token keys stand in the catalog, before the rows of every table.
        grant = self._latches.request_transaction(item_keys if token is None else (token[0], *item_keys))
        if isinstance(grant, frozenset):
            if token is not None and token[0] in grant:
                raise TransactionInProgress(
                    "The transaction with the given request token is already in progress"
                )
            raise cancelled(target.key in grant and _CONFLICT for target in targets)
        try:
            if not grant.is_complete:
                yield grant
            if token is not None and self._tokens.is_known(*token):
                return self._replayed(request, targets)
            changes = self.decided(targets)
            yield from self._commit(targets, changes, token)
            return self._result(request, changes)
        finally:
            self._latches.give_back(grant)

    def targets_of(self, members: Sequence[TransactWriteAction], *, wants_sizes: bool) -> list[Target]:
        """The rows that members are for, and what they do with them.

        ``wants_sizes``: the answer tells what was consumed, for which items are read that would be
        overwritten unread.
        """
        profile = self._writer.profile
        writes = [_write_of(member, profile, wants_sizes=wants_sizes) for member in members]
        _check_size(members, writes, profile)
        tables = [self._catalog.table(member.table_name) for member in members]
        targets = _resolved(
            [
                _Row(table, _subject(member), is_key=not isinstance(member, PutItem))
                for table, member in zip(tables, members, strict=True)
            ],
            lambda place: _target_of(tables[place], members[place], writes[place]),
        )
        _refuse_same(target.key for target in targets)
        return targets

    def decided(self, targets: Sequence[Target]) -> list[Change]:
        """What becomes of each item, under its latch.

        Raises:
            TransactionCanceled: with every condition that does not hold, and the first other fault.
        """
        changes: list[Change] = []
        reasons: dict[int, CancellationReason] = {}
        is_invalid = False
        for place, target in enumerate(targets):
            try:
                changes.append(self._writer.decide(target))
            except ConditionalCheckFailed as refusal:
                reasons[place] = CancellationReason("ConditionalCheckFailed", refusal.message, refusal.item)
            except ValidationError as fault:
                if not is_invalid:
                    reasons[place] = CancellationReason("ValidationError", fault.message)
                is_invalid = True
        if reasons:
            raise cancelled(reasons.get(place) for place in range(len(targets)))
        if sum(change.new_size for change in changes) > self._writer.profile.transaction_bytes_max:
            raise ValidationError(TOO_LARGE)
        return changes

    def commit(
        self, targets: Sequence[Target], changes: Sequence[Change], batch: WriteBatch
    ) -> Steps[int | None]:
        """Make the changes, but for those that only check; under the latches of the items.

        Raises:
            TransactionCanceled: a table, a collection or a unique index does not take its part.
        """
        try:
            admit_writes(changes, factor=TRANSACTION_FACTOR)
        except (ThroughputExceeded, Throttled) as refusal:
            raise cancelled(_throttled(change.table, refusal) for change in changes) from refusal
        writing = [
            change
            for change, target in zip(changes, targets, strict=True)
            if not isinstance(target.write, CheckWrite)
        ]

        def refused(by: Change, error: KvdbError) -> KvdbError:
            return cancelled(change is by and _refused(error) for change in changes)

        return (yield from self._writer.commit(writing, batch, refused))

    def _commit(
        self, targets: Sequence[Target], changes: Sequence[Change], token: tuple[bytes, bytes] | None
    ) -> Steps[None]:
        batch = WriteBatch()
        is_new = token is not None and self._tokens.add(batch, *token)
        yield from self.commit(targets, changes, batch)
        if is_new:
            self._tokens.stored_one()

    def _result(self, request: TransactWriteItems, changes: Sequence[Change]) -> TransactWriteItemsResult:
        result = TransactWriteItemsResult()
        names = [member.table_name for member in request.transact_items]
        if request.return_consumed_capacity != "NONE":
            tallies: dict[str, Tally] = {}
            for name, change in zip(names, changes, strict=True):
                tallies.setdefault(name, Tally()).add_write(change, factor=TRANSACTION_FACTOR)
            result.consumed_capacity = all_consumed(tallies, request.return_consumed_capacity, axis="write")
        if request.return_item_collection_metrics != "NONE":
            result.item_collection_metrics = self._writer.collection_metrics(zip(names, changes, strict=True))
        return result

    def _replayed(self, request: TransactWriteItems, targets: Sequence[Target]) -> TransactWriteItemsResult:
        """The answer for a transaction that was made before: what reading its items consumes."""
        if request.return_consumed_capacity == "NONE":
            return TransactWriteItemsResult()
        tallies: dict[str, Tally] = {}
        for member, target in zip(request.transact_items, targets, strict=True):
            stored = self._engine.get(target.key)
            tally = tallies.setdefault(member.table_name, Tally())
            tally.add_table(_read_units(0 if stored is None else row.size_of(stored)))
        return TransactWriteItemsResult(all_consumed(tallies, request.return_consumed_capacity, axis="read"))

    def commit_native(self, request: CommitTransaction) -> Steps[CommitTransactionResult]:
        """Make the writes, unless what was read has changed since the snapshot; release that either way.

        Raises:
            TransactionConflict: it has changed; nothing was written.
            TransactionCanceled: a member was refused, with a reason for each; nothing was written.
            ReadPointExpired: the snapshot is gone.
            ResourceNotFound, ValidationError: the request is wrong; nothing was written.
        """
        try:
            with self._snapshots.held(request.snapshot_id) as at:
                read_set = ReadSet.of(
                    self._catalog, self._engine, request.reads, at=at, profile=self._writer.profile
                )
                targets = self.targets_of(request.writes, wants_sizes=False)
                if not targets:
                    return CommitTransactionResult(at.seqno)
                seqno = yield from self._commit_unchanged(targets, read_set)
                return CommitTransactionResult(self._engine.last_seqno if seqno is None else seqno)
        finally:
            self._snapshots.release(request.snapshot_id)

    def _commit_unchanged(self, targets: Sequence[Target], read_set: ReadSet) -> Steps[int | None]:
        grant = self._latches.request(in_key_order(targets))
        try:
            if not grant.is_complete:
                yield grant
            # First, for what a conflict makes of the members' conditions is nobody's fault.
            read_set.check()
            changes = self.decided(targets)
            batch = WriteBatch()
            batch.guard = read_set.check
            return (yield from self.commit(targets, changes, batch))
        finally:
            self._latches.give_back(grant)

    def get_items(self, request: TransactGetItems) -> TransactGetItemsResult:
        """Source: API Reference, TransactGetItems.

        Raises:
            TransactionCanceled: an item is being written, or a table is asked for too much.
            ResourceNotFound, ValidationError: the request is wrong.
        """
        gets = request.transact_items
        projections = [
            projection_of(get.projection_expression, get.expression_attribute_names) for get in gets
        ]
        tables = [self._catalog.table(get.table_name) for get in gets]
        wanted = _resolved(
            [_Row(table, get.key, is_key=True) for table, get in zip(tables, gets, strict=True)],
            lambda place: _key_of(tables[place], gets[place], projections[place]),
        )
        _refuse_same(wanted)
        self._admit_reads(tables)
        busy = set(self._latches.busy(wanted))
        if busy:
            raise cancelled(key in busy and _CONFLICT for key in wanted)
        with self._engine.snapshot() as present:
            rows = [self._engine.get(key, present) for key in wanted]
        sizes = [0 if stored is None else row.size_of(stored) for stored in rows]
        if sum(sizes) > self._writer.profile.transaction_bytes_max:
            raise ValidationError(TOO_LARGE)
        tallies: dict[str, Tally] = {}
        for get, table, size in zip(gets, tables, sizes, strict=True):
            units = _read_units(size)
            tallies.setdefault(get.table_name, Tally()).add_table(units)
            if table.meter is not None:
                table.meter.take("read", {TABLE_NUMBER: units})
        items = [_shown(stored, projection) for stored, projection in zip(rows, projections, strict=True)]
        return TransactGetItemsResult(
            items, all_consumed(tallies, request.return_consumed_capacity, axis="read")
        )

    def _admit_reads(self, tables: Sequence[Table]) -> None:
        refusals = [
            None if table.meter is None else table.meter.refusal("read", (TABLE_NUMBER,)) for table in tables
        ]
        if any(refusals):
            raise cancelled(None if refusal is None else _throttling(refusal) for refusal in refusals)


def cancelled(reasons: Iterable[CancellationReason | bool | None]) -> TransactionCanceled:
    """The error for a transaction whose members have these reasons; false: none."""
    return TransactionCanceled(
        [reason if isinstance(reason, CancellationReason) else _NO_FAULT for reason in reasons]
    )


class _Row(NamedTuple):
    """What a member says of the row it is for."""

    table: Table
    given: Mapping[str, object]
    is_key: bool
    """Whether ``given`` is a key alone, or a whole item."""

    def has_bad_value(self) -> bool:
        """Whether its key has all attributes, each of its type, but one is empty or too long."""
        table_keys = self.table.keys
        if table_keys.mismatches(self.given, is_key=self.is_key):
            return False
        try:
            table_keys.of_key({name: self.given[name] for name in table_keys.start_names})
        except ValidationError:
            return True
        return False


def _resolved(rows: Sequence[_Row], resolve: Callable[[int], _Found]) -> list[_Found]:
    """What ``resolve`` gives for every place.

    Raises:
        TransactionCanceled: a member does not fit its table; the first fault only.
        ValidationError: a key has a value that no key may have.
    """
    found: list[_Found] = []
    for place, of_member in enumerate(rows):
        try:
            found.append(resolve(place))
        except ValidationError as fault:
            if of_member.has_bad_value():
                raise
            reason = CancellationReason("ValidationError", fault.message)
            raise cancelled(other == place and reason for other in range(len(rows))) from fault
    return found


def _subject(member: TransactWriteAction) -> Mapping[str, object]:
    return member.item if isinstance(member, PutItem) else member.key


def _write_of(member: TransactWriteAction, profile: LimitsProfile, *, wants_sizes: bool) -> Write:
    """Compile a member; what else its request says than a member can is left out."""
    if isinstance(member, ConditionCheck):
        return CheckWrite.of_request(member)
    if isinstance(member, UpdateItem):
        return UpdateWrite.of_request(member, profile)
    plain = replace(member, return_values="NONE", return_consumed_capacity="TOTAL" if wants_sizes else "NONE")
    return (
        PutWrite.of_request(plain, profile) if isinstance(plain, PutItem) else DeleteWrite.of_request(plain)
    )


def _target_of(table: Table, member: TransactWriteAction, write: Write) -> Target:
    if isinstance(write, PutWrite):
        return put_target(table, write)
    assert not isinstance(member, PutItem)
    if isinstance(write, UpdateWrite):
        return update_target(table, member.key, write)
    assert isinstance(write, (DeleteWrite, CheckWrite))
    return key_target(table, member.key, write)


def _key_of(table: Table, get: GetItem, projection: Projection | None) -> bytes:
    key = table.keys.of_key(get.key)
    if projection is not None:
        table.refuse_inside(projection.nested_names)
    return key


def _check_size(
    members: Sequence[TransactWriteAction], writes: Sequence[Write], profile: LimitsProfile
) -> None:
    """Bound what the members bring along, before anything is read."""
    size_bytes = 0
    for member, write in zip(members, writes, strict=True):
        size_bytes += write.size_bytes if isinstance(write, PutWrite) else normalise_item(_subject(member))[1]
        if member.expression_attribute_values is not None:
            size_bytes += normalise_item(member.expression_attribute_values)[1]
    if size_bytes > profile.transaction_bytes_max:
        raise ValidationError(TOO_LARGE)


def _refuse_same(item_keys: Iterable[bytes]) -> None:
    listed = list(item_keys)
    if len(set(listed)) != len(listed):
        raise ValidationError(SAME_ITEM_TWICE)


def _counts(request: TransactWriteItems) -> bool:
    return request.return_consumed_capacity != "NONE"


def _token_of(request: TransactWriteItems) -> tuple[bytes, bytes] | None:
    """The key of a request's token, and the digest of what it stands for."""
    token = request.client_request_token
    return None if token is None else (keys.client_token_key(token), digest_of(request.transact_items))


def _read_units(size_bytes: int) -> float:
    return TRANSACTION_FACTOR * read_units(size_bytes, is_consistent=True)


def _shown(stored: bytes | None, projection: Projection | None) -> Item | None:
    """The answer for one row; an item of which the projection leaves nothing is none, as at the service."""
    if stored is None:
        return None
    item = row.item_of(stored)
    return item if projection is None else projection.applied_to(item) or None


def _throttling(refusal: ThroughputExceeded | Throttled) -> CancellationReason:
    is_provisioned = isinstance(refusal, ThroughputExceeded)
    code = "ProvisionedThroughputExceeded" if is_provisioned else "ThrottlingError"
    return CancellationReason(code, refusal.message)


def _throttled(table: Table, refusal: ThroughputExceeded | Throttled) -> CancellationReason | None:
    """The reason of a member on ``table``, if it is the table that ``refusal`` names."""
    named = {arn.table_name_of(reason.resource) for reason in refusal.reasons}
    return _throttling(refusal) if table.descriptor.name in named else None


def _refused(error: KvdbError) -> CancellationReason:
    """The reason of a member that a collection or, natively, a unique index does not take."""
    is_unique = isinstance(error, UniqueViolation)
    return CancellationReason(
        "UniqueViolation" if is_unique else "ItemCollectionSizeLimitExceeded", error.message
    )
