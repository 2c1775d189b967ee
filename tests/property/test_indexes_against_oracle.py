"""Whatever is written, built, dropped and lost to a crash: every index holds what its table says.

After each step the raw rows of every index are compared with what the oracle makes of the raw rows
of the table, and those with the oracle's own. Index rows on disk that nobody reads (an index that is
being built) may be fewer, never wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kvdb.api.items import (
    BatchWriteItem,
    DeleteItem,
    DeleteRequest,
    GetItem,
    Page,
    PutItem,
    PutRequest,
    Query,
    Scan,
    UpdateItem,
)
from kvdb.api.tables import AttributeDefinition, CreateIndex, DeleteIndex, UpdateTable
from kvdb.errors import ConditionalCheckFailed, UniqueViolation, ValidationError
from kvdb.table import keys, row
from kvdb.table.claims import GRAIN_BYTES
from kvdb.testing.mem_fs import MemFileSystem
from tests.support.builders import make_env, open_database, run_jobs
from tests.support.index_oracle import Item, OracleIndex, OracleRows
from tests.support.indexes import index, index_rows, indexed_table

TABLE = "full"
FIXED = (
    OracleIndex("by-l", {"p": "S"}, {"l": "S"}, "KEYS_ONLY", is_local=True),
    OracleIndex("by-v", {"p": "S"}, {"v": "N"}, ("t",), is_local=True),
    OracleIndex("by-g", {"g": "S"}),
    OracleIndex("many", {"g": "S", "v": "N"}, {"l": "S", "b": "B"}, ("t", "e")),
    OracleIndex("unique", {"e": "S"}, keeps="KEYS_ONLY", is_unique=True),
)
TYPES = {"l": "S", "v": "N", "g": "S", "b": "B", "e": "S", "x": "S"}
LATE = (
    OracleIndex("late", {"x": "S"}),
    OracleIndex("late", {"x": "S"}, {"v": "N"}, ("t",)),
    OracleIndex("late", {"x": "S", "g": "S"}, keeps="KEYS_ONLY"),
)
# Few values, so that items meet; some that no index key may have.
POOLS: dict[str, tuple[object, ...]] = {
    "l": ("a", "ab", "a\x00", "b", "", 7, "x" * 1025),
    "v": (0, 1, -1, 10, "one"),
    "g": ("g", "h", "g\x00\xff", "é", None, "x" * 2049),
    "b": (b"\x00", b"\x00\xff", b"a", b"ab", b""),
    "e": ("a@x", "b@x", "c@x", "d@x"),
    "x": ("x", "y", "z", "w", "", 5),
    "t": ("text", True, 1, None, ["list"], {"m": 1}),
}


@st.composite
def contents(draw: st.DrawFn) -> Item:
    """The attributes beside the key: mostly what an index can take, mostly some."""
    item: Item = {}
    for name, pool in POOLS.items():
        if draw(st.integers(0, 2)):
            item[name] = draw(st.sampled_from(pool[:4]) | st.sampled_from(pool))
    return item


def specification(oracle: OracleIndex):
    return index(
        oracle.name,
        *oracle.hashes,
        ranges=tuple(oracle.ranges),
        keeps=oracle.keeps,
        unique=oracle.is_unique,
    )


class IndexesAgainstOracle(RuleBasedStateMachine):
    """One table with local, global, many-attribute and unique indexes, and one index that comes and goes."""

    def __init__(self) -> None:
        super().__init__()
        self.env = make_env()
        self.db = open_database(self.env)
        self.oracle = OracleRows({each.name: each for each in FIXED})

    @initialize()
    def create(self) -> None:
        request = indexed_table(
            TABLE,
            ("p", "S"),
            ("s", "N"),
            *((name, kind) for name, kind in TYPES.items() if name != "x"),
            local=[specification(each) for each in FIXED if each.is_local],
            across=[specification(each) for each in FIXED if not each.is_local],
        )
        self.db.call(request)

    # Writes.

    def drawn_key(self, data: st.DataObject) -> Item:
        return {"p": data.draw(st.sampled_from(("p", "q"))), "s": data.draw(st.integers(0, 5))}

    @rule(data=st.data(), content=contents(), must_be=st.sampled_from((None, True, False)))
    def put(self, data: st.DataObject, content: Item, must_be: bool | None) -> None:
        item = {**self.drawn_key(data), **content}
        place = self.oracle.place(item)
        condition = {None: None, True: "attribute_exists(p)", False: "attribute_not_exists(p)"}[must_be]
        request = PutItem(TABLE, item, condition)
        if self.is_refused(item):
            self.refused(ValidationError, lambda: self.db.call(request))
        elif must_be is not None and must_be != (place in self.oracle.rows):
            self.refused(ConditionalCheckFailed, lambda: self.db.call(request))
        elif self.oracle.collides({place: item}):
            self.refused(UniqueViolation, lambda: self.db.call(request))
        else:
            self.db.call(request)
            self.oracle.apply({place: item})

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        key = self.drawn_key(data)
        old = self.oracle.rows.get(self.oracle.place(key))
        assert self.db.call(DeleteItem(TABLE, key, return_values="ALL_OLD")).attributes == old  # type: ignore[union-attr]
        self.oracle.apply({self.oracle.place(key): None})

    @rule(data=st.data(), writes=st.lists(contents() | contents() | st.none(), min_size=1, max_size=6))
    def batch(self, data: st.DataObject, writes: list[Item | None]) -> None:
        changes: dict[tuple[object, object], Item | None] = {}
        requests: list[PutRequest | DeleteRequest] = []
        for content in writes:
            key = self.drawn_key(data)
            if self.oracle.place(key) in changes:
                continue
            changes[self.oracle.place(key)] = None if content is None else {**key, **content}
            requests.append(DeleteRequest(key) if content is None else PutRequest({**key, **content}))
        request = BatchWriteItem({TABLE: requests})
        if any(item is not None and self.is_refused(item) for item in changes.values()):
            self.refused(ValidationError, lambda: self.db.call(request))
        elif self.oracle.collides(changes):
            self.refused(UniqueViolation, lambda: self.db.call(request))
        else:
            self.db.call(request)
            self.oracle.apply(changes)

    @rule(
        data=st.data(),
        sets=contents(),
        removes=st.sets(st.sampled_from(sorted(POOLS)), max_size=3),
        must_be=st.sampled_from((None, None, True, False)),
    )
    def update(self, data: st.DataObject, sets: Item, removes: set[str], must_be: bool | None) -> None:
        key = self.drawn_key(data)
        place = self.oracle.place(key)
        old = self.oracle.rows.get(place)
        sets = {name: value for name, value in sets.items() if name not in removes}
        new = {name: value for name, value in {**key, **(old or {}), **sets}.items() if name not in removes}
        clauses = [
            *(["SET " + ", ".join(f"{name} = :{name}" for name in sets)] if sets else []),
            *(["REMOVE " + ", ".join(sorted(removes))] if removes else []),
        ]
        condition = {None: None, True: "attribute_exists(p)", False: "attribute_not_exists(p)"}[must_be]
        request = UpdateItem(
            TABLE,
            key,
            " ".join(clauses) or None,
            condition,
            expression_attribute_values={f":{name}": value for name, value in sets.items()} or None,
            return_values="ALL_NEW",
        )
        if must_be is not None and must_be != (old is not None):
            self.refused(ConditionalCheckFailed, lambda: self.db.call(request))
        elif old is None and removes and not sets:
            assert self.db.call(request).attributes is None  # type: ignore[union-attr]
        elif self.is_refused(new, {*sets, *removes}):
            self.refused(ValidationError, lambda: self.db.call(request))
        elif self.oracle.collides({place: new}):
            self.refused(UniqueViolation, lambda: self.db.call(request))
        else:
            assert exactly(self.db.call(request).attributes, new)  # type: ignore[union-attr]
            self.oracle.apply({place: new})

    def is_refused(self, item: Item, names: set[str] | None = None) -> bool:
        """``names``: what the write touches; what was there before is nobody's fault."""
        if names is not None:
            item = {name: value for name, value in item.items() if name in names}
        if self.oracle.has_fault(item):
            return True
        return any(
            sum(len(str(item.get(name, "")).encode()) for name in names if types[name] == "S") > most
            for each in self.oracle.indexes.values()
            for types in (each.types,)
            for names, most in ((each.hashes, 2048), (each.ranges, 1024))
        )

    # Reads.

    @rule(data=st.data(), forward=st.booleans(), limit=st.none() | st.integers(1, 3), filtered=st.booleans())
    def query(self, data: st.DataObject, forward: bool, limit: int | None, filtered: bool) -> None:
        each = data.draw(
            st.sampled_from([one for one in self.complete() if self.content(one)] or self.complete())
        )
        content = self.content(each)
        values = data.draw(st.sampled_from(content)) if content else dict.fromkeys(each.hashes, "none")
        values = {
            name: values[name] if content else (1 if each.types[name] == "N" else "none")
            for name in each.hashes
        }
        expected = each.partition(self.oracle.rows.values(), values)
        tests = [f"{name} = :{name}" for name in each.hashes]
        request = Query(
            TABLE,
            " AND ".join(tests),
            expression_attribute_values={f":{name}": values[name] for name in each.hashes},
            index_name=each.name,
            scan_index_forward=forward,
            limit=limit,
        )
        if filtered and each.keeps == "ALL":
            request.filter_expression = "attribute_exists(t)"
        found = self.all_pages(request, each)
        expected = expected if forward else expected[::-1]
        assert found == [item for item in expected if request.filter_expression is None or "t" in item]

    @precondition(lambda self: any(self.content(each) for each in self.complete() if each.ranges))
    @rule(data=st.data(), operator=st.sampled_from(("=", "<", "<=", ">", ">=")))
    def query_range(self, data: st.DataObject, operator: str) -> None:
        each = data.draw(
            st.sampled_from([one for one in self.complete() if one.ranges and self.content(one)])
        )
        chosen = data.draw(st.sampled_from(self.content(each)))
        names = list(each.ranges)[: data.draw(st.integers(1, len(each.ranges)))]
        *equal, last = names
        tests = [*(f"{name} = :{name}" for name in (*each.hashes, *equal)), f"{last} {operator} :{last}"]
        request = Query(
            TABLE,
            " AND ".join(tests),
            expression_attribute_values={f":{name}": chosen[name] for name in (*each.hashes, *names)},
            index_name=each.name,
        )
        compare: dict[str, Callable[..., bool]] = {
            "=": lambda one, other: one == other,
            "<": lambda one, other: one < other,
            "<=": lambda one, other: one <= other,
            ">": lambda one, other: one > other,
            ">=": lambda one, other: one >= other,
        }
        expected = [
            item
            for item in each.partition(self.oracle.rows.values(), chosen)
            if all(item[name] == chosen[name] for name in equal)
            and compare[operator](ordinal_of(item[last]), ordinal_of(chosen[last]))
        ]
        assert self.all_pages(request, each) == expected

    @rule(data=st.data(), total=st.none() | st.integers(1, 4), limit=st.none() | st.integers(1, 3))
    def scan(self, data: st.DataObject, total: int | None, limit: int | None) -> None:
        each = data.draw(st.sampled_from(self.complete()))
        found: list[Item] = []
        for segment in [None] if total is None else range(total):
            request = Scan(TABLE, index_name=each.name, segment=segment, total_segments=total, limit=limit)
            found += self.all_pages(request, each)
        assert sorted(map(repr, found)) == sorted(map(repr, self.content(each))) or same(
            found, self.content(each)
        )

    @precondition(lambda self: self.oracle.rows)
    @rule(data=st.data())
    def fetch_what_a_local_index_does_not_keep(self, data: st.DataObject) -> None:
        each = data.draw(st.sampled_from([one for one in FIXED if one.is_local]))
        request = Query(
            TABLE,
            "p = :p",
            expression_attribute_values={":p": "p"},
            index_name=each.name,
            select="ALL_ATTRIBUTES",
        )
        whole = replace(each, keeps="ALL")
        assert self.all_pages(request, each) == whole.partition(self.oracle.rows.values(), {"p": "p"})

    def all_pages(self, request: Query | Scan, each: OracleIndex) -> list[Item]:
        found: list[Item] = []
        for _ in range(100):
            page = self.db.call(request)
            assert isinstance(page, Page)
            found += page.items
            assert (page.last_evaluated_key is not None) == (page.scanned_count == request.limit)
            if page.last_evaluated_key is None:
                return found
            assert page.last_evaluated_key.keys() == each.start_names()
            request.exclusive_start_key = page.last_evaluated_key
        raise AssertionError("the walk does not end")

    # Indexes that come and go.

    @precondition(lambda self: "late" not in self.oracle.indexes)
    @rule(late=st.sampled_from(LATE))
    def create_index(self, late: OracleIndex) -> None:
        types = [AttributeDefinition(name, TYPES[name]) for name in late.types]  # type: ignore[arg-type]
        made = CreateIndex(specification(late))
        self.db.call(UpdateTable(TABLE, types, global_secondary_index_updates=[made]))
        self.oracle.indexes["late"] = late

    @precondition(lambda self: "late" in self.oracle.indexes)
    @rule()
    def delete_index(self) -> None:
        self.db.call(UpdateTable(TABLE, global_secondary_index_updates=[DeleteIndex("late")]))
        del self.oracle.indexes["late"]

    # Life and death.

    @rule()
    def background_work(self) -> None:
        run_jobs(self.env)
        assert all(each in self.complete() for each in self.oracle.indexes.values())

    @rule()
    def flush(self) -> None:
        self.db._floor.engine.flush()

    @rule()
    def reopen(self) -> None:
        self.db.close()
        self.open_again(self.env.fs)

    @rule(mode=st.sampled_from(("strict", "all", "prefix", "random")), seed=st.integers(0, 99))
    def crash(self, mode: str, seed: int) -> None:
        assert isinstance(self.env.fs, MemFileSystem)
        self.open_again(self.env.fs.after_crash(mode, seed))  # type: ignore[arg-type]

    def open_again(self, fs: object) -> None:
        self.env = make_env(fs)  # type: ignore[arg-type]
        self.db = open_database(self.env)

    # What must hold.

    @invariant()
    def table_rows_are_the_oracles(self) -> None:
        found = self.raw_rows()
        assert same(found, list(self.oracle.rows.values()))
        for item in found:
            assert self.db.call(GetItem(TABLE, {"p": item["p"], "s": item["s"]})).item == item  # type: ignore[union-attr]

    @invariant()
    def index_rows_are_what_the_table_says(self) -> None:
        rows = self.raw_rows()
        engine, table = self.db._floor.engine, self.db._floor.catalog.table(TABLE)
        for name, each in self.oracle.indexes.items():
            kept = index_rows(engine, table, name)
            expected = each.content(rows)
            if each in self.complete():
                assert same(list(kept.values()), expected)
            else:
                assert all(any(exactly(item, one) for one in expected) for item in kept.values())
            for key, item in kept.items():
                own = table.keys.own_part(table.keys.of_key({"p": item["p"], "s": item["s"]}))
                assert key.endswith(own)

    @invariant()
    def collections_are_counted_by_what_they_hold(self) -> None:
        """Small items, so at most the few whose offset is just below a grain's end count at all."""
        table = self.db._floor.catalog.table(TABLE)
        counters = keys.prefix_range(keys.index_prefix(table.descriptor.table_id, keys.COUNTERS_NUMBER))
        counted = sum(int.from_bytes(value) for _, value in self.db._floor.engine.scan(*counters))
        assert counted * GRAIN_BYTES <= 2 * GRAIN_BYTES

    def teardown(self) -> None:
        run_jobs(self.env)
        table = self.db._floor.catalog.table(TABLE) if self.oracle.rows else None
        if table is not None:
            # Nothing is left of indexes that went.
            prefix = keys.prefix_range(keys.table_prefix(table.descriptor.table_id))
            numbers = {int.from_bytes(key[4:6]) for key, _ in self.db._floor.engine.scan(*prefix)}
            known = {0, keys.COUNTERS_NUMBER, *(each.number for each in table.descriptor.indexes)}
            assert numbers <= known
        self.db.close()

    # Helpers.

    def complete(self) -> list[OracleIndex]:
        by_name = self.db._floor.catalog.table(TABLE).indexes.by_name
        return [each for each in self.oracle.indexes.values() if by_name[each.name].descriptor.is_complete]

    def content(self, each: OracleIndex) -> list[Item]:
        return each.content(self.oracle.rows.values())

    def raw_rows(self) -> list[Item]:
        rows = self.db._floor.catalog.table(TABLE).keys.all_rows()
        return [row.item_of(value) for _, value in self.db._floor.engine.scan(*rows)]

    @staticmethod
    def refused(kind: type[Exception], call: Callable[[], object]) -> None:
        try:
            call()
        except kind:
            return
        raise AssertionError(f"{kind.__name__} was not raised")


def ordinal_of(value: object) -> object:
    return value.encode() if isinstance(value, str) else value


def exactly(one: object, other: object) -> bool:
    """Equal, and of the same types all the way down: to Python, ``True == 1``."""
    return one == other and _types(one) == _types(other)


def same(found: list[Item], expected: list[Item]) -> bool:
    """The same items, in any order."""
    in_order = [
        sorted(items, key=lambda item: (str(item["p"]), str(item["s"]))) for items in (found, expected)
    ]
    return len(found) == len(expected) and all(map(exactly, *in_order))


def _types(value: object) -> object:
    if isinstance(value, dict):
        return {name: _types(inner) for name, inner in value.items()}
    return [type(value), *map(_types, value)] if isinstance(value, list) else type(value)


TestIndexesAgainstOracle = IndexesAgainstOracle.TestCase
TestIndexesAgainstOracle.settings = settings(
    max_examples=100,
    stateful_step_count=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
