"""Tables from their creation to their end: whatever is asked of them, whenever, over restarts and crashes.

The model is written from the rules of the service alone: a status and the time at which it is over.
Every answer and every refusal is compared with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kvdb.api.items import PutItem, Scan
from kvdb.api.operations import Request, Result
from kvdb.api.tables import (
    AttributeDefinition,
    CreateIndex,
    CreateTable,
    DeleteIndex,
    DeleteTable,
    DescribeTable,
    DescribeTableResult,
    DescribeTimeToLive,
    DescribeTimeToLiveResult,
    IndexSpecification,
    KeySchemaElement,
    ListTables,
    ListTablesResult,
    ListTagsOfResource,
    ListTagsOfResourceResult,
    Projection,
    ProvisionedThroughput,
    Tag,
    TagResource,
    UntagResource,
    UpdateTable,
    UpdateTimeToLive,
)
from kvdb.database.database import Database
from kvdb.errors import (
    LimitExceeded,
    RequestError,
    ResourceInUse,
    ResourceNotFound,
    ValidationError,
)
from kvdb.options import DatabaseOptions
from kvdb.testing.manual_clock import ManualClock
from kvdb.testing.mem_fs import MemFileSystem
from tests.support.builders import DIRECTORY, make_env, run_jobs

HOUR_MS = 3_600_000
# Most of what is asked is of one table, so that its states meet.
NAMES = st.sampled_from(["one", "one", "one", "two"])
INDEXES = st.sampled_from(["by-x", "by-y"])
KEYS = st.sampled_from(["a", "b", "c"])
ARN = "arn:aws:dynamodb:ddblocal:000000000000:table/"


@dataclass
class Model:
    """What a table should be."""

    status: str
    settles_ms: int
    units: tuple[int, int] | None
    is_protected: bool = False
    table_class: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    ttl: str | None = None
    ttl_changed_ms: int | None = None
    indexes: set[str] = field(default_factory=set)
    decreases: list[int] = field(default_factory=list)
    rows: int = 0


def is_too_soon(table: Model, now_ms: int) -> bool:
    """Whether its time to live was changed within the hour."""
    return table.ttl_changed_ms is not None and now_ms - table.ttl_changed_ms < HOUR_MS


class TableLifecycle(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.delay_ms = 0
        self.tables: dict[str, Model] = {}

    @initialize(delay_ms=st.sampled_from([0, 500]), is_provisioned=st.booleans())
    def begin(self, delay_ms: int, is_provisioned: bool) -> None:
        self.delay_ms = delay_ms
        self.open_on(MemFileSystem())
        self.create("one", (5, 5) if is_provisioned else None)
        self.time_passes(500)

    def open_on(self, fs: MemFileSystem) -> None:
        self.env = make_env(fs, self.clock)
        options = DatabaseOptions(table_status_delay_ms=self.delay_ms)
        self.db = Database.open(DIRECTORY, options, self.env)

    # The model.

    def status(self, name: str) -> str | None:
        """What a table is now; ``None``: it is not."""
        table = self.tables.get(name)
        if table is None:
            return None
        if table.status == "DELETING" or self.clock.wall_ms() < table.settles_ms:
            return table.status
        return "ACTIVE"

    def ask(self, request: Request, refused: type[RequestError] | None) -> Result | None:
        """The answer, if there should be one."""
        if refused is None:
            return self.db.call(request)
        with pytest.raises(refused) as error:
            self.db.call(request)
        assert type(error.value) is refused
        return None

    def begins(self, table: Model, status: str) -> None:
        if self.delay_ms:
            table.status, table.settles_ms = status, self.clock.wall_ms() + self.delay_ms

    def refusal_of_change(self, name: str) -> type[RequestError] | None:
        """Why no ``UpdateTable`` at all is taken."""
        status = self.status(name)
        if status is None:
            return ResourceNotFound
        return None if status == "ACTIVE" else ResourceInUse

    def change(
        self, name: str, apply: Callable[[Model], None], refused: type[RequestError] | None, **fields: object
    ) -> None:
        why = self.refusal_of_change(name) or refused
        self.ask(UpdateTable(name, **fields), why)  # type: ignore[arg-type]
        if why is None:
            apply(self.tables[name])
            run_jobs(self.env)

    # What is asked.

    @rule(name=NAMES, units=st.none() | st.tuples(st.integers(1, 9), st.integers(1, 9)))
    def create(self, name: str, units: tuple[int, int] | None) -> None:
        request = CreateTable(name, [KeySchemaElement("p", "HASH")], [AttributeDefinition("p", "S")])
        if units is not None:
            request.provisioned_throughput = ProvisionedThroughput(*units)
        refused = ResourceInUse if name in self.tables else None
        self.ask(request, refused)
        if refused is None:
            self.tables[name] = table = Model("ACTIVE", 0, units)
            self.begins(table, "CREATING")

    @rule(name=NAMES, is_protected_first=st.booleans(), is_made_again=st.booleans())
    def delete(self, name: str, is_protected_first: bool, is_made_again: bool) -> None:
        if is_protected_first:
            self.protect(name, on=True)
        refused = self.refusal_of_change(name)
        if refused is None and self.tables[name].is_protected:
            refused = ValidationError
        self.ask(DeleteTable(name), refused)
        if refused is None:
            if self.delay_ms:
                self.begins(self.tables[name], "DELETING")
            else:
                del self.tables[name]
        if is_made_again:
            self.settle_indexes()
            self.create(name, None)
            self.settle_indexes()

    @rule(name=NAMES, on=st.booleans())
    def protect(self, name: str, on: bool) -> None:
        def apply(table: Model) -> None:
            table.is_protected = on

        self.change(name, apply, None, deletion_protection_enabled=on)

    @rule(name=NAMES, table_class=st.sampled_from(["STANDARD", "STANDARD_INFREQUENT_ACCESS"]))
    def classify(self, name: str, table_class: str) -> None:
        def apply(table: Model) -> None:
            if table.table_class != table_class:
                self.begins(table, "UPDATING")
            table.table_class = table_class

        self.change(name, apply, None, table_class=table_class)

    @rule(name=NAMES, units=st.tuples(st.integers(1, 9), st.integers(1, 9)))
    def provision(self, name: str, units: tuple[int, int]) -> None:
        table = self.tables.get(name)
        refused: type[RequestError] | None = None
        now_ms = self.clock.wall_ms()
        is_decrease = False
        if table is not None and (table.units is None or table.units == units):
            refused = ValidationError
        elif table is not None and table.units is not None:
            is_decrease = units[0] < table.units[0] or units[1] < table.units[1]
            today = [at for at in table.decreases if at // (24 * HOUR_MS) == now_ms // (24 * HOUR_MS)]
            if is_decrease and len(today) >= 4 and now_ms - today[-1] < HOUR_MS:
                refused = LimitExceeded

        def apply(table: Model) -> None:
            table.units = units
            if is_decrease:
                table.decreases.append(now_ms)
            self.begins(table, "UPDATING")

        self.change(name, apply, refused, provisioned_throughput=ProvisionedThroughput(*units))

    @rule(name=NAMES, index=INDEXES)
    def add_index(self, name: str, index: str) -> None:
        table = self.tables.get(name)
        refused = ValidationError if table is not None and index in table.indexes else None
        units = None if table is None or table.units is None else ProvisionedThroughput(1, 1)
        asked = IndexSpecification(
            index, (KeySchemaElement(index[-1], "HASH"),), Projection("ALL"), provisioned_throughput=units
        )

        def apply(table: Model) -> None:
            table.indexes.add(index)
            self.begins(table, "UPDATING")

        self.settle_indexes()
        self.change(
            name,
            apply,
            refused,
            attribute_definitions=[AttributeDefinition(index[-1], "S")],
            global_secondary_index_updates=[CreateIndex(asked)],
        )
        self.settle_indexes()

    @rule(name=NAMES, index=INDEXES)
    def drop_index(self, name: str, index: str) -> None:
        table = self.tables.get(name)
        refused = ResourceNotFound if table is not None and index not in table.indexes else None

        def apply(table: Model) -> None:
            table.indexes.discard(index)
            self.begins(table, "UPDATING")

        self.settle_indexes()
        self.change(name, apply, refused, global_secondary_index_updates=[DeleteIndex(index)])
        self.settle_indexes()

    def settle_indexes(self) -> None:
        """What is being done to indexes comes to its end: their states have tests of their own."""
        if self.delay_ms:
            self.clock.advance_ms(self.delay_ms)
        for _ in range(8):
            run_jobs(self.env)
            self.clock.advance_ms(5)
        self.forget_deleted()

    @rule(name=NAMES, attribute=KEYS, on=st.booleans(), waits=st.booleans())
    def time_to_live(self, name: str, attribute: str, on: bool, waits: bool) -> None:
        self.settle_indexes()
        last = self.tables.get(name)
        if waits and last is not None and last.ttl_changed_ms is not None:
            # Exactly an hour after the last change, and not a millisecond more.
            self.clock.advance_ms(max(0, last.ttl_changed_ms + HOUR_MS - self.clock.wall_ms()))
            self.forget_deleted()
        table, status, now_ms = self.tables.get(name), self.status(name), self.clock.wall_ms()
        refused: type[RequestError] | None = None
        if table is None or status in (None, "CREATING", "DELETING"):
            refused = ResourceNotFound
        elif (
            table.ttl not in (None, attribute) or (table.ttl is not None) == on or is_too_soon(table, now_ms)
        ):
            refused = ValidationError
        self.ask(UpdateTimeToLive(name, attribute, on), refused)
        if table is not None and refused is None:
            table.ttl, table.ttl_changed_ms = (attribute if on else None), now_ms

    @rule(name=NAMES, tags=st.dictionaries(KEYS, st.sampled_from(["", "v"]), min_size=1))
    def tag(self, name: str, tags: dict[str, str]) -> None:
        refused = self.refusal_of_tags(name)
        self.ask(TagResource(ARN + name, [Tag(key, value) for key, value in tags.items()]), refused)
        if refused is None:
            self.tables[name].tags.update(tags)

    @rule(name=NAMES, keys=st.lists(KEYS, min_size=1))
    def untag(self, name: str, keys: list[str]) -> None:
        refused = self.refusal_of_tags(name)
        self.ask(UntagResource(ARN + name, keys), refused)
        if refused is None:
            for key in keys:
                self.tables[name].tags.pop(key, None)

    def refusal_of_tags(self, name: str) -> type[RequestError] | None:
        status = self.status(name)
        if status is None:
            return ResourceNotFound
        return ResourceInUse if status in ("CREATING", "DELETING") else None

    @rule(name=NAMES)
    def put(self, name: str) -> None:
        is_open = self.status(name) in ("ACTIVE", "UPDATING")
        rows = self.tables[name].rows if is_open else 0
        self.ask(PutItem(name, {"p": f"row-{rows}", "x": "1"}), None if is_open else ResourceNotFound)
        if is_open:
            self.tables[name].rows += 1

    # What happens.

    @rule(duration_ms=st.sampled_from([1, 250, 500, HOUR_MS, 24 * HOUR_MS]))
    def time_passes(self, duration_ms: int) -> None:
        self.clock.advance_ms(duration_ms)
        run_jobs(self.env)
        self.forget_deleted()

    def forget_deleted(self) -> None:
        now_ms = self.clock.wall_ms()
        self.tables = {
            name: table
            for name, table in self.tables.items()
            if not (table.status == "DELETING" and table.settles_ms <= now_ms)
        }

    @rule()
    def reopen(self) -> None:
        self.db.close()
        fs = self.env.fs
        assert isinstance(fs, MemFileSystem)
        self.open_on(fs)
        run_jobs(self.env)

    @rule()
    def crash(self) -> None:
        fs = self.env.fs
        assert isinstance(fs, MemFileSystem)
        self.open_on(fs.after_crash("all", 0))
        run_jobs(self.env)

    # What must be so.

    @invariant()
    def tables_are_as_the_model_says(self) -> None:
        if not hasattr(self, "db"):
            return
        listed = self.db.call(ListTables())
        assert isinstance(listed, ListTablesResult)
        assert listed.table_names == sorted(self.tables)
        for name, table in self.tables.items():
            result = self.db.call(DescribeTable(name))
            assert isinstance(result, DescribeTableResult)
            shown = result.table
            assert shown.table_status == self.status(name)
            assert shown.deletion_protection_enabled == table.is_protected
            assert shown.table_class == table.table_class
            throughput = shown.provisioned_throughput
            units = (throughput.read_capacity_units, throughput.write_capacity_units)
            assert units == (table.units or (0, 0))
            today = self.clock.wall_ms() // (24 * HOUR_MS)
            assert throughput.number_of_decreases_today == sum(
                at // (24 * HOUR_MS) == today for at in table.decreases
            )
            assert {index.index_name for index in shown.global_secondary_indexes} == table.indexes
            self.tags_and_time_to_live(name, table)

    def tags_and_time_to_live(self, name: str, table: Model) -> None:
        listed = self.db.call(ListTagsOfResource(ARN + name))
        assert isinstance(listed, ListTagsOfResourceResult)
        assert {tag.key: tag.value for tag in listed.tags} == table.tags
        if self.status(name) in ("CREATING", "DELETING"):
            return
        described = self.db.call(DescribeTimeToLive(name))
        assert isinstance(described, DescribeTimeToLiveResult)
        changing = table.ttl_changed_ms is not None and (
            self.clock.wall_ms() - table.ttl_changed_ms < self.delay_ms
        )
        on = table.ttl is not None
        expected = ("ENABLING" if on else "DISABLING") if changing else ("ENABLED" if on else "DISABLED")
        assert described.time_to_live_status == expected
        if not changing:
            assert described.attribute_name == table.ttl

    def teardown(self) -> None:
        if not hasattr(self, "db"):
            return
        for name, table in self.tables.items():
            if self.status(name) in ("ACTIVE", "UPDATING"):
                page = self.db.call(Scan(name))
                assert page.count == table.rows  # type: ignore[union-attr]
        self.db.close()


TestTableLifecycle = TableLifecycle.TestCase
TestTableLifecycle.settings = settings(max_examples=120, stateful_step_count=50)
