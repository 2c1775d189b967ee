"""The table machine with transactions, their tokens, snapshots and native transactions."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from kvdb import Key
from kvdb.api.items import (
    ConditionCheck,
    DeleteItem,
    GetItem,
    OpenSnapshot,
    PutItem,
    Scan,
    TransactGetItems,
    TransactWriteAction,
    TransactWriteItems,
    UpdateItem,
)
from kvdb.client.embedded_transport import EmbeddedTransport
from kvdb.client.sync import Client
from kvdb.errors import (
    IdempotentParameterMismatch,
    ResourceNotFound,
    TransactionCanceled,
    TransactionConflict,
    ValidationError,
)
from tests.property.test_table_against_oracle import TableAgainstOracle, contents, some_conditions
from tests.support.oracle import PARTITION, Item, OracleCondition, OracleTable

SNAPSHOTS_MAX = 3


class Member(NamedTuple):
    """One write of a transaction, and what it means."""

    name: str
    table: OracleTable
    key: Item
    kind: str
    extra: Item
    condition: OracleCondition | None

    @property
    def place(self) -> tuple[object, ...]:
        return (self.name, self.table.place(self.key))

    @property
    def holds(self) -> bool:
        return self.condition is None or self.condition.holds(self.table.get(self.key) or {})

    def request(self) -> TransactWriteAction:
        fields = TableAgainstOracle.condition_fields(self.condition)
        if self.kind == "put":
            return PutItem(self.name, {**self.key, **self.extra}, *fields)  # type: ignore[arg-type]
        if self.kind == "delete":
            return DeleteItem(self.name, self.key, *fields)  # type: ignore[arg-type]
        if self.kind == "check":
            condition = self.condition or OracleCondition(
                "attribute_not_exists(nothing)", {}, lambda item: True
            )
            return ConditionCheck(self.name, self.key, condition.text, None, condition.values or None)
        values = {**(self.condition.values if self.condition else {}), ":w": 1}
        text = None if self.condition is None else self.condition.text
        return UpdateItem(self.name, self.key, "ADD v :w", text, None, values)

    def apply(self) -> None:
        if self.kind == "put":
            self.table.put({**self.key, **self.extra})
        elif self.kind == "delete":
            self.table.delete(self.key)
        elif self.kind == "update":
            old = self.table.get(self.key) or self.key
            self.table.put({**old, "v": old.get("v", 0) + 1})  # type: ignore[operator]


class HeldSnapshot(NamedTuple):
    """A moment: the tables there were, and what was in them."""

    snapshot_id: str
    tables: dict[str, tuple[OracleTable, list[Item]]]


class TransactionsAgainstOracle(TableAgainstOracle):
    """A token's transaction happens once, whatever is restarted or lost in between."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[tuple[TransactWriteItems, list[Member]]] = []
        """Transactions with a token that were committed, and what they were made of."""
        self.snapshots: list[HeldSnapshot] = []

    def other_rows(self) -> int:
        return 2 * len(self.made)

    def open_again(self, fs: object) -> None:
        super().open_again(fs)
        self.snapshots.clear()

    def drawn_member(self, data: st.DataObject) -> Member:
        name, table = self.drawn_table(data)
        kind = data.draw(st.sampled_from(("put", "update", "update", "delete", "check")))
        condition = data.draw(st.none() | st.none() | some_conditions)
        return Member(name, table, self.drawn_key(data, table), kind, data.draw(contents()), condition)

    @precondition(lambda self: self.tables)
    @rule(data=st.data(), count=st.integers(1, 6), has_token=st.booleans())
    def transact_write(self, data: st.DataObject, count: int, has_token: bool) -> None:
        members = [self.drawn_member(data) for _ in range(count)]
        token = f"token-{len(self.made)}" if has_token else None
        request = TransactWriteItems([member.request() for member in members], token)
        held = [member.holds for member in members]
        if len({member.place for member in members}) < count:
            self.refused(ValidationError, lambda: self.db.call(request))
        elif not all(held):
            error = self.refused(TransactionCanceled, lambda: self.db.call(request))
            assert isinstance(error, TransactionCanceled)
            assert [reason.code == "None" for reason in error.reasons] == held
        else:
            self.db.call(request)
            for member in members:
                member.apply()
            if has_token:
                if data.draw(st.booleans()):
                    self.db.call(request)
                self.made.append((request, members))

    @precondition(lambda self: self.made)
    @rule(data=st.data())
    def send_again(self, data: st.DataObject) -> None:
        request, members = data.draw(st.sampled_from(self.made))
        if all(self.tables.get(member.name) is member.table for member in members):
            self.db.call(request)
            other = TransactWriteItems([*request.transact_items[1:], *request.transact_items[:1]])
            other.client_request_token = request.client_request_token
            if len(request.transact_items) > 1:
                self.refused(IdempotentParameterMismatch, lambda: self.db.call(other))

    @precondition(lambda self: self.tables)
    @rule(data=st.data(), count=st.integers(1, 5))
    def transact_get(self, data: st.DataObject, count: int) -> None:
        wanted = {}
        for _ in range(count):
            name, table = self.drawn_table(data)
            key = self.drawn_key(data, table)
            wanted[name, table.place(key)] = (GetItem(name, key), table.get(key))
        result = self.db.call(TransactGetItems([get for get, _ in wanted.values()]))
        assert result.responses == [item for _, item in wanted.values()]

    # Snapshots.

    @precondition(lambda self: len(self.snapshots) < SNAPSHOTS_MAX)
    @rule()
    def open_snapshot(self) -> None:
        held = {name: (table, list(table.rows.values())) for name, table in self.tables.items()}
        self.snapshots.append(HeldSnapshot(self.db.call(OpenSnapshot()).snapshot_id, held))

    @precondition(lambda self: self.snapshots and self.tables)
    @rule(data=st.data(), limit=st.none() | st.integers(1, 3))
    def read_at_a_snapshot(self, data: st.DataObject, limit: int | None) -> None:
        snapshot = data.draw(st.sampled_from(self.snapshots))
        name, table = self.drawn_table(data)
        was, rows = snapshot.tables.get(name, (None, []))
        request = Scan(name, limit=limit, snapshot_id=snapshot.snapshot_id)
        if was is not table:
            self.refused(ResourceNotFound, lambda: self.db.call(request))
        else:
            assert self.by_place(table, self.all_pages(request, len(rows))) == self.by_place(table, rows)

    # Native transactions.

    @precondition(lambda self: self.tables)
    @rule(
        data=st.data(),
        reads=st.integers(0, 3),
        writes=st.integers(1, 3),
        queries=st.booleans(),
        meanwhile=st.integers(0, 2),
    )
    def native(self, data: st.DataObject, reads: int, writes: int, queries: bool, meanwhile: int) -> None:
        client = Client(EmbeddedTransport(self.db))
        name, table = self.drawn_table(data)
        read: dict[object, Item] = {}
        written: list[Item | None] = []
        partition = self.drawn_key(data, table)[PARTITION] if queries else None
        is_conflict = False
        try:
            with client.transaction() as tx:
                for _ in range(reads):
                    key = self.drawn_key(data, table)
                    assert tx.get(name, key) == table.get(key)
                    read[table.place(key)] = key
                if queries:
                    found = list(tx.query(name, Key(PARTITION).eq(partition), page_size=2))
                    assert found == table.partition(partition, None, is_reverse=False)
                for _ in range(meanwhile):
                    key = self.drawn_key(data, table)
                    if read and data.draw(st.booleans()):
                        key = data.draw(st.sampled_from(list(read.values())))
                    item = {**key, **data.draw(contents())}
                    self.db.call(PutItem(name, item))
                    table.put(item)
                    is_conflict = is_conflict or table.place(item) in read
                    # A queried partition was read as a whole, also what was not in it.
                    is_conflict = is_conflict or (
                        queries and table.place(item)[0] == table.place({**item, PARTITION: partition})[0]
                    )
                for _ in range(writes):
                    item = {**self.drawn_key(data, table), **data.draw(contents())}
                    is_delete = data.draw(st.booleans())
                    if is_delete:
                        tx.delete(name, table.key_of(item))
                    else:
                        tx.put(name, item)
                    assert tx.get(name, table.key_of(item)) == (None if is_delete else item)
                    written.append({**item, "": is_delete})
        except TransactionConflict:
            assert is_conflict
            return
        assert not is_conflict
        for item in written:
            assert item is not None
            is_delete = item.pop("")
            if is_delete:
                table.delete(item)
            else:
                table.put(item)


TestTransactionsAgainstOracle = TransactionsAgainstOracle.TestCase
TestTransactionsAgainstOracle.settings = settings(
    max_examples=80,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
