"""Whatever the order of calls, flushes, restarts and power losses, the tables equal a dict."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kvdb.api.items import (
    BatchGetItem,
    BatchWriteItem,
    DeleteItem,
    DeleteRequest,
    GetItem,
    KeysAndAttributes,
    Page,
    PutItem,
    PutRequest,
    Query,
    Scan,
)
from kvdb.api.tables import DeleteTable, ListTables
from kvdb.errors import ConditionalCheckFailed, ResourceInUse, ResourceNotFound, ValidationError
from kvdb.table import keys
from kvdb.testing.mem_fs import MemFileSystem
from tests.support.builders import make_env, open_database, run_jobs, table_request
from tests.support.oracle import (
    PARTITION,
    SORT,
    SORT_TESTS,
    Item,
    OracleCondition,
    OracleTable,
    conditions,
    ordinal,
)
from tests.support.strategies import key_values

NAMES = ("one", "two", "a.b-c_d")
KINDS = ("S", "N", "B")
# A few values that come again and again, so that calls meet; and among them any others.
FAMILIAR: dict[str, tuple[object, ...]] = {
    "S": ("a", "ab", "abc", "b", "é", "日本", "\U0001f600", "a\x00", "\x7f"),
    "N": (0, 1, -1, 10, -10, 12345678901234567890123456789012345678, -98765432109876543210987654321098765432),
    "B": (b"\x00", b"\x00\xff", b"a", b"ab", b"\xff", b"\xff\xff"),
}
EMPTY = {"S": "", "B": b""}


def values_of(kind: str) -> st.SearchStrategy[object]:
    return st.sampled_from(FAMILIAR[kind]) | key_values(kind)


@st.composite
def contents(draw: st.DrawFn) -> Item:
    """The attributes beside the key."""
    item: Item = {}
    if draw(st.booleans()):
        item["v"] = draw(st.integers(-3, 3))
    if draw(st.booleans()):
        item["t"] = draw(st.sampled_from(("", "a", "ab", "b")))
    return item


some_conditions = st.builds(conditions, st.integers(-3, 3), st.sampled_from(("a", "b", "ab"))).flatmap(
    st.sampled_from
)


class TableAgainstOracle(RuleBasedStateMachine):
    """Three names, tables of every key type under them, and a dict of ``OracleTable`` beside."""

    def __init__(self) -> None:
        super().__init__()
        self.env = make_env()
        self.db = open_database(self.env)
        self.tables: dict[str, OracleTable] = {}

    def drawn_key(self, data: st.DataObject, table: OracleTable) -> Item:
        """Often the key of a row that is there."""
        if table.rows and data.draw(st.booleans()):
            return table.key_of(data.draw(st.sampled_from(sorted(table.rows.values(), key=repr))))
        # Mostly one of two partitions, so that they grow to more than a page.
        few = st.sampled_from(FAMILIAR[table.partition_type][:2])
        key: Item = {PARTITION: data.draw(few | few | few | values_of(table.partition_type))}
        if table.sort_type is not None:
            key[SORT] = data.draw(values_of(table.sort_type))
        return key

    def drawn_table(self, data: st.DataObject) -> tuple[str, OracleTable]:
        name = data.draw(st.sampled_from(sorted(self.tables)))
        return name, self.tables[name]

    # Tables.

    @initialize(sort=st.sampled_from((None, *KINDS)))
    def first_table(self, sort: str | None) -> None:
        self.create_table("one", "S", sort)

    @rule(name=st.sampled_from(NAMES), kind=st.sampled_from(KINDS), sort=st.sampled_from((None, *KINDS)))
    def create_table(self, name: str, kind: str, sort: str | None) -> None:
        request = table_request(name, (PARTITION, kind), None if sort is None else (SORT, sort))
        if name in self.tables:
            self.refused(ResourceInUse, lambda: self.db.call(request))
        else:
            self.db.call(request)
            self.tables[name] = OracleTable(kind, sort)

    @rule(name=st.sampled_from(NAMES))
    def delete_table(self, name: str) -> None:
        if name not in self.tables:
            self.refused(ResourceNotFound, lambda: self.db.call(DeleteTable(name)))
            self.refused(ResourceNotFound, lambda: self.db.call(GetItem(name, {PARTITION: "x"})))
        else:
            self.db.call(DeleteTable(name))
            del self.tables[name]

    # Items.

    @precondition(lambda self: self.tables)
    @rule(data=st.data(), extra=contents(), condition=st.none() | some_conditions)
    def put(self, data: st.DataObject, extra: Item, condition: OracleCondition | None) -> None:
        name, table = self.drawn_table(data)
        item = {**self.drawn_key(data, table), **extra}
        old = table.get(item)
        request = PutItem(name, item, *self.condition_fields(condition), return_values="ALL_OLD")
        if table.put(item, condition):
            assert self.db.call(request).attributes == old
        else:
            self.refused_with(old, request)

    @precondition(lambda self: self.tables)
    @rule(data=st.data(), extra=contents())
    def plain_put(self, data: st.DataObject, extra: Item) -> None:
        name, table = self.drawn_table(data)
        item = {**self.drawn_key(data, table), **extra}
        assert self.db.call(PutItem(name, item)).attributes is None
        table.put(item)

    @precondition(lambda self: self.tables)
    @rule(data=st.data(), condition=st.none() | some_conditions)
    def delete(self, data: st.DataObject, condition: OracleCondition | None) -> None:
        name, table = self.drawn_table(data)
        key = self.drawn_key(data, table)
        old = table.get(key)
        request = DeleteItem(name, key, *self.condition_fields(condition), return_values="ALL_OLD")
        if table.delete(key, condition):
            assert self.db.call(request).attributes == old
        else:
            self.refused_with(old, request)

    @precondition(lambda self: self.tables)
    @rule(data=st.data())
    def get(self, data: st.DataObject) -> None:
        name, table = self.drawn_table(data)
        key = self.drawn_key(data, table)
        assert self.db.call(GetItem(name, key)).item == table.get(key)

    @precondition(lambda self: self.tables)
    @rule(data=st.data(), attribute=st.sampled_from((PARTITION, SORT)))
    def empty_keys_are_refused(self, data: st.DataObject, attribute: str) -> None:
        name, table = self.drawn_table(data)
        kind = table.partition_type if attribute == PARTITION else table.sort_type
        if kind in EMPTY:
            key = {**self.drawn_key(data, table), attribute: EMPTY[kind]}
            self.refused(ValidationError, lambda: self.db.call(PutItem(name, key)))
            self.refused(ValidationError, lambda: self.db.call(GetItem(name, key)))

    # Batches.

    @precondition(lambda self: self.tables)
    @rule(data=st.data(), extras=st.lists(contents() | contents() | st.none(), min_size=1, max_size=10))
    def batch_write(self, data: st.DataObject, extras: list[Item | None]) -> None:
        requests: dict[str, list[PutRequest | DeleteRequest]] = {}
        places: list[object] = []
        changes: list[Callable[[], object]] = []
        for extra in extras:
            name, table = self.drawn_table(data)
            key = self.drawn_key(data, table)
            places.append((name, table.place(key)))
            item = {**key, **(extra or {})}
            requests.setdefault(name, []).append(DeleteRequest(key) if extra is None else PutRequest(item))
            if extra is None:
                changes.append(lambda table=table, key=key: table.delete(key))  # type: ignore[misc]
            else:
                changes.append(lambda table=table, item=item: table.put(item))  # type: ignore[misc]
        if len(set(places)) < len(places):
            self.refused(ValidationError, lambda: self.db.call(BatchWriteItem(requests)))
        else:
            assert self.db.call(BatchWriteItem(requests)).unprocessed_items == {}
            for change in changes:
                change()

    @precondition(lambda self: self.tables)
    @rule(data=st.data(), count=st.integers(1, 5))
    def batch_get(self, data: st.DataObject, count: int) -> None:
        name, table = self.drawn_table(data)
        keys = {table.place(key): key for key in (self.drawn_key(data, table) for _ in range(count))}
        result = self.db.call(BatchGetItem({name: KeysAndAttributes(list(keys.values()))}))
        expected = [item for item in map(table.get, keys.values()) if item is not None]
        assert result.responses == {name: expected}
        assert result.unprocessed_keys == {}

    # Queries and scans.

    @precondition(lambda self: self.tables)
    @rule(
        data=st.data(),
        forward=st.booleans(),
        limit=st.none() | st.integers(1, 4),
        condition=st.none() | some_conditions,
    )
    def query(
        self, data: st.DataObject, forward: bool, limit: int | None, condition: OracleCondition | None
    ) -> None:
        name, table = self.drawn_table(data)
        partition = self.drawn_key(data, table)[PARTITION]
        for test in (None, *self.drawn_sort_tests(data, table, partition)):
            text, values = f"{PARTITION} = :p", {":p": partition}
            if test is not None:
                operator, first, second = test
                text += f" AND {self.sort_test_text(operator)}"
                values |= {":s": first, ":z": second} if operator == "BETWEEN" else {":s": first}
            if condition is not None:
                values |= condition.values
            request = Query(
                name,
                text,
                filter_expression=condition and condition.text,
                expression_attribute_values=values,
                scan_index_forward=forward,
                limit=limit,
            )
            evaluated = table.partition(partition, test, is_reverse=not forward)
            expected = [item for item in evaluated if condition is None or condition.holds(item)]
            assert self.all_pages(request, len(evaluated)) == expected

    @staticmethod
    def drawn_sort_tests(
        data: st.DataObject, table: OracleTable, partition: object
    ) -> list[tuple[str, object, object]]:
        """Every comparison the sort key's type allows, with the same two operands, often stored ones."""
        if table.sort_type is None:
            return []
        some = values_of(table.sort_type)
        there = [item[SORT] for item in table.partition(partition, None, is_reverse=False)]
        if there:
            some = st.sampled_from(there) | st.sampled_from(there) | some
        first, second = sorted((data.draw(some), data.draw(some)), key=ordinal)
        operators = set(SORT_TESTS) - ({"begins_with"} if table.sort_type == "N" else set())
        return [(operator, first, second) for operator in sorted(operators)]

    @staticmethod
    def sort_test_text(operator: str) -> str:
        if operator == "begins_with":
            return f"begins_with({SORT}, :s)"
        return f"{SORT} BETWEEN :s AND :z" if operator == "BETWEEN" else f"{SORT} {operator} :s"

    @precondition(lambda self: self.tables)
    @rule(
        data=st.data(),
        total=st.none() | st.integers(1, 5),
        limit=st.none() | st.integers(1, 4),
        condition=st.none() | some_conditions,
    )
    def scan(
        self, data: st.DataObject, total: int | None, limit: int | None, condition: OracleCondition | None
    ) -> None:
        name, table = self.drawn_table(data)
        found: list[Item] = []
        evaluated = 0
        for segment in [None] if total is None else range(total):
            request = Scan(
                name,
                filter_expression=condition and condition.text,
                expression_attribute_values=condition.values or None if condition else None,
                limit=limit,
                segment=segment,
                total_segments=total,
            )
            found += self.all_pages(request, None)
            count = Scan(name, segment=segment, total_segments=total, select="COUNT")
            evaluated += self.db.call(count).count
        expected = [item for item in table.rows.values() if condition is None or condition.holds(item)]
        assert self.by_place(table, found) == self.by_place(table, expected)
        assert evaluated == len(table.rows)

    def all_pages(self, request: Query | Scan, evaluated: int | None) -> list[Item]:
        """Walk to the end, checking each page; ``evaluated`` is how many rows the walk should read."""
        found: list[Item] = []
        scanned = 0
        for _ in range(1000):
            page = self.db.call(request)
            assert isinstance(page, Page)
            assert page.count == len(page.items)
            found += page.items
            scanned += page.scanned_count
            # Small pages end by the limit or by the end of the data, never by size.
            assert (page.last_evaluated_key is not None) == (page.scanned_count == request.limit)
            if page.last_evaluated_key is None:
                assert evaluated is None or scanned == evaluated
                return found
            request.exclusive_start_key = page.last_evaluated_key
        raise AssertionError("the walk does not end")

    # Life and death.

    @rule()
    def flush(self) -> None:
        self.db._floor.engine.flush()

    @rule()
    def background_work(self) -> None:
        run_jobs(self.env)

    @rule()
    def reopen(self) -> None:
        self.db.close()
        self.open_again(self.env.fs)

    @rule(mode=st.sampled_from(("strict", "all", "prefix", "random")), seed=st.integers(0, 99))
    def crash(self, mode: str, seed: int) -> None:
        """Every call was acknowledged under sync mode commit, so no legal disk may have lost one."""
        assert isinstance(self.env.fs, MemFileSystem)
        self.open_again(self.env.fs.after_crash(mode, seed))  # type: ignore[arg-type]

    def open_again(self, fs: object) -> None:
        self.env = make_env(fs)  # type: ignore[arg-type]
        self.db = open_database(self.env)

    @invariant()
    def same_tables(self) -> None:
        assert self.db.call(ListTables()).table_names == sorted(self.tables)

    def teardown(self) -> None:
        for name, table in self.tables.items():
            items = self.all_pages(Scan(name), len(table.rows))
            assert self.by_place(table, items) == self.by_place(table, list(table.rows.values()))
        run_jobs(self.env)
        # Dropped tables have left nothing behind: what is stored is the rows, the catalog, and what
        # the census has found of tables that are there.
        rows = sum(len(table.rows) for table in self.tables.values())
        engine = self.db._floor.engine
        censuses = len(list(engine.scan(*keys.census_range())))
        assert censuses <= len(self.tables)
        known = rows + len(self.tables) + 1 + censuses + self.other_rows()
        assert len(list(engine.scan(b"", b""))) == known
        self.db.close()

    # Helpers.

    def other_rows(self) -> int:
        """How many rows of other kinds the calls have left behind."""
        return 0

    @staticmethod
    def by_place(table: OracleTable, items: list[Item]) -> list[tuple[str, Item]]:
        return sorted(((repr(table.place(item)), item) for item in items), key=lambda pair: pair[0])

    @staticmethod
    def condition_fields(condition: OracleCondition | None) -> tuple[object, ...]:
        if condition is None:
            return ()
        return condition.text, None, condition.values or None

    def refused_with(self, old: Item | None, request: PutItem | DeleteItem) -> None:
        request.return_values_on_condition_check_failure = "ALL_OLD"
        error = self.refused(ConditionalCheckFailed, lambda: self.db.call(request))
        assert isinstance(error, ConditionalCheckFailed)
        assert error.item == old

    @staticmethod
    def refused(kind: type[Exception], call: Callable[[], object]) -> Exception:
        try:
            call()
        except kind as error:
            return error
        raise AssertionError(f"{kind.__name__} was not raised")


TestTableAgainstOracle = TableAgainstOracle.TestCase
TestTableAgainstOracle.settings = settings(
    max_examples=200,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
