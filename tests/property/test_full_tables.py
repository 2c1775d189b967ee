"""A table with everything at once equals its oracle: expressions, indexes, transactions, time to live.

The machine of ``test_indexes_against_oracle``, whose invariants look at every raw row of the table and
of its indexes after each step, with more that is done to the table: puts, updates, scans and queries
with the random expressions of ``expression_fuzz``, what they should mean taken from
``expression_oracle`` and ``update_oracle``; transactions of several items; items that expire.
"""

from __future__ import annotations

from decimal import Decimal

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from kvdb.api.items import (
    ConditionCheck,
    DeleteItem,
    GetItem,
    Page,
    PutItem,
    Query,
    ReturnValues,
    Scan,
    TransactGetItems,
    TransactWriteAction,
    TransactWriteItems,
    UpdateItem,
)
from kvdb.api.tables import UpdateTimeToLive
from kvdb.errors import (
    ConditionalCheckFailed,
    TransactionCanceled,
    UniqueViolation,
    ValidationError,
)
from kvdb.testing.manual_clock import ManualClock
from tests.property.test_indexes_against_oracle import (
    TABLE,
    IndexesAgainstOracle,
    contents,
    exactly,
    same,
)
from tests.support.builders import make_env, open_database, run_jobs
from tests.support.expression_fuzz import Fuzz, Script
from tests.support.expression_oracle import Said, condition_stages, holds, kept, parts
from tests.support.index_oracle import Item
from tests.support.update_oracle import Refused, path_of, update_stages, updated

HOUR_MS = 3_600_000
FIVE_YEARS = 5 * 365 * 24 * 3600
EXPIRES = "until"
SEEDS = st.integers(0, 2**32)
SHOWN = st.sampled_from(["NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"])


ATTEMPTS = 8
"""How often an expression is drawn again to get a sound one; now and then the first is taken as it is."""


class Asked:
    """A random condition written down, and what is wrong with it before any item is looked at."""

    def __init__(self, fuzz: Fuzz, script: Script, key_names: set[str], item: Item) -> None:
        """One that holds for ``item``, rather."""
        for _ in range(1 if fuzz.odds(8) else ATTEMPTS):
            self.said = fuzz.condition(depth=2)
            is_sound = not any(condition_stages(self.said, bare=script.is_bare))
            if is_sound and not looks_into(self.said, key_names) and holds(self.said, item):
                break
        self.text = script.condition(self.said)
        self.is_faulty = script.is_doubled or not is_sound or looks_into(self.said, key_names)


def looks_into(said: Said, names: set[str]) -> bool:
    """Whether a path in it goes into an attribute of ``names``."""
    return any(isinstance(part, tuple) and len(part) > 1 and part[0] in names for part in parts(said))


class FullTables(IndexesAgainstOracle):
    def __init__(self) -> None:
        super().__init__()
        self.env.jobs.close()
        self.clock = ManualClock()
        self.env = make_env(clock=self.clock)
        self.db = open_database(self.env)
        self.is_expiring = False

    def open_again(self, fs: object) -> None:
        self.env = make_env(fs, self.clock)  # type: ignore[arg-type]
        self.db = open_database(self.env)

    def key_names(self) -> set[str]:
        return {"p", "s", *(name for each in self.oracle.indexes.values() for name in each.types)}

    def drawn_item(self, data: st.DataObject, fuzz: Fuzz) -> Item:
        """What an index can take, documents beside it, and perhaps a time to live."""
        item = {**fuzz.item(), **self.drawn_key(data)}
        item.pop("b", None)
        if data.draw(st.booleans()):
            item |= data.draw(contents())
        now = self.clock.wall_ms() // 1000
        until = data.draw(st.sampled_from((None, now - 60, now + 60, now + 5, "soon", 17, Decimal("0.5"))))
        return item if until is None else {**item, EXPIRES: until}

    # Expressions

    @rule(data=st.data(), seed=SEEDS)
    def put_if(self, data: st.DataObject, seed: int) -> None:
        fuzz = Fuzz(seed)
        script = Script(fuzz)
        item = self.drawn_item(data, fuzz)
        place = self.oracle.place(item)
        old = self.oracle.rows.get(place, {})
        asked = Asked(fuzz, script, self.key_names(), old)
        request = PutItem(TABLE, item, asked.text, script.names or None, script.values or None)
        if asked.is_faulty or self.is_refused(item):
            self.refused(ValidationError, lambda: self.db.call(request))
        elif not holds(asked.said, old):
            self.refused(ConditionalCheckFailed, lambda: self.db.call(request))
        elif self.oracle.collides({place: item}):
            self.refused(UniqueViolation, lambda: self.db.call(request))
        else:
            self.db.call(request)
            self.oracle.apply({place: item})

    @rule(data=st.data(), seed=SEEDS, is_conditioned=st.booleans(), shown=SHOWN)
    def update_if(self, data: st.DataObject, seed: int, is_conditioned: bool, shown: ReturnValues) -> None:
        fuzz = Fuzz(seed)
        script = Script(fuzz)
        key = self.drawn_key(data)
        place = self.oracle.place(key)
        old = self.oracle.rows.get(place)
        actions, is_faulty = self.drawn_update(fuzz, script, old or key)
        text = script.update(actions)
        asked = Asked(fuzz, script, self.key_names(), old or {}) if is_conditioned else None
        request = UpdateItem(
            TABLE,
            key,
            text,
            asked and asked.text,
            script.names or None,
            script.values or None,
            return_values=shown,
        )
        if is_faulty or (asked is not None and asked.is_faulty):
            self.refused(ValidationError, lambda: self.db.call(request))
        elif asked is not None and not holds(asked.said, old or {}):
            self.refused(ConditionalCheckFailed, lambda: self.db.call(request))
        elif old is None and all(action.word in ("REMOVE", "DELETE") for action in actions):
            assert self.db.call(request).attributes is None  # type: ignore[union-attr]
        else:
            self.update_applied(request, actions, old, shown)

    def drawn_update(self, fuzz: Fuzz, script: Script, present: Item) -> tuple[list[Said], bool]:
        """Actions that fit the item, mostly; and whether they are at fault whatever the item."""
        for _ in range(1 if fuzz.odds(8) else 3 * ATTEMPTS):
            actions = fuzz.update()
            is_faulty = any(update_stages(actions, bare=script.is_bare)) or any(
                looks_into(action, self.key_names()) for action in actions
            )
            if not is_faulty:
                try:
                    updated(actions, present)
                    break
                except Refused:
                    continue
        return actions, is_faulty

    def update_applied(
        self, request: UpdateItem, actions: list[Said], old: Item | None, shown: ReturnValues
    ) -> None:
        try:
            new = updated(actions, old or dict(request.key))
        except Refused:
            self.refused(ValidationError, lambda: self.db.call(request))
            return
        place = self.oracle.place(new)
        paths = [path_of(action) for action in actions]
        if self.is_refused(new, {str(path[0]) for path in paths}):
            self.refused(ValidationError, lambda: self.db.call(request))
        elif self.oracle.collides({place: new}):
            self.refused(UniqueViolation, lambda: self.db.call(request))
        else:
            touched = [[*kept(paths, item), None][0] if item else None for item in (old, new)]
            expected = {"ALL_OLD": old, "ALL_NEW": new, "UPDATED_OLD": touched[0], "UPDATED_NEW": touched[1]}
            found = self.db.call(request).attributes  # type: ignore[union-attr]
            assert exactly(found, expected.get(shown)), (found, expected.get(shown))
            self.oracle.apply({place: new})

    @rule(seed=SEEDS, of_partition=st.booleans(), limit=st.none() | st.integers(1, 4))
    def read_filtered(self, seed: int, of_partition: bool, limit: int | None) -> None:
        fuzz = Fuzz(seed)
        script = Script(fuzz)
        some = next(iter(self.oracle.rows.values()), {})
        asked = Asked(fuzz, script, self.key_names(), some)
        names, values = script.names or None, {**script.values}
        request: Query | Scan
        if of_partition:
            values[":p"] = "p"
            request = Query(TABLE, "p = :p", asked.text, expression_attribute_values=values, limit=limit)
        else:
            request = Scan(TABLE, asked.text, expression_attribute_values=values or None, limit=limit)
        request.expression_attribute_names = names
        if asked.is_faulty:
            self.refused(ValidationError, lambda: self.db.call(request))
            return
        inside = [item for item in self.oracle.rows.values() if item["p"] == "p" or not of_partition]
        found, scanned = [], 0
        for _ in range(100):
            page = self.db.call(request)
            assert isinstance(page, Page)
            found += page.items
            scanned += page.scanned_count
            if page.last_evaluated_key is None:
                break
            request.exclusive_start_key = page.last_evaluated_key
        assert scanned == len(inside)
        assert same(found, [item for item in inside if holds(asked.said, item)])

    # Transactions

    @rule(data=st.data(), count=st.integers(1, 5))
    def transact(self, data: st.DataObject, count: int) -> None:
        members: list[TransactWriteAction] = []
        changes: dict[tuple[object, object], Item | None] = {}
        codes: list[str] = []
        for _ in range(count):
            key = self.drawn_key(data)
            place = self.oracle.place(key)
            if place in changes:
                continue
            old = self.oracle.rows.get(place)
            must_be = data.draw(st.sampled_from((None, None, True, False)))
            member, new = self.drawn_member(data, key, old, must_be)
            members.append(member)
            changes[place] = new
            codes.append(
                "ConditionalCheckFailed" if must_be is not None and must_be != (old is not None) else "None"
            )
        request = TransactWriteItems(members)
        if any(item is not None and self.is_refused(item) for item in changes.values()):
            # Which of the faults of several members is told, and how, has tests of its own.
            self.refused_somehow(request)
        elif any(code != "None" for code in codes):
            canceled = self.refused_somehow(request)
            assert isinstance(canceled, TransactionCanceled)
            assert [reason.code for reason in canceled.reasons] == codes
        elif self.oracle.collides(changes):
            self.refused_somehow(request)
        else:
            self.db.call(request)
            self.oracle.apply(changes)

    def drawn_member(
        self, data: st.DataObject, key: Item, old: Item | None, must_be: bool | None
    ) -> tuple[TransactWriteAction, Item | None]:
        """A member of a transaction, and what it makes of its item."""
        texts = {None: None, True: "attribute_exists(p)", False: "attribute_not_exists(p)"}
        condition = texts[must_be]
        kind = data.draw(st.sampled_from(("put", "put", "update", "delete", "check")))
        if kind == "put":
            item = {**data.draw(contents()), **key}
            return PutItem(TABLE, item, condition), item
        if kind == "update":
            values = {":e": data.draw(st.sampled_from(("a@x", "b@x"))), ":n": 1}
            update = UpdateItem(TABLE, key, "SET e = :e ADD n :n", condition, None, values)
            present = old or key
            return update, {**present, "e": values[":e"], "n": present.get("n", 0) + 1}  # type: ignore[operator]
        if kind == "check" and condition is not None:
            return ConditionCheck(TABLE, key, condition), old
        return DeleteItem(TABLE, key, condition), None

    def refused_somehow(self, request: TransactWriteItems) -> Exception:
        try:
            self.db.call(request)
        except (TransactionCanceled, ValidationError, UniqueViolation) as error:
            return error
        raise AssertionError("the transaction was not refused")

    @precondition(lambda self: self.oracle.rows)
    @rule(data=st.data())
    def transact_get(self, data: st.DataObject) -> None:
        keys = {self.oracle.place(key): key for key in (self.drawn_key(data) for _ in range(3))}
        result = self.db.call(TransactGetItems([GetItem(TABLE, key) for key in keys.values()]))
        assert exactly(result.responses, [self.oracle.rows.get(place) for place in keys])  # type: ignore[union-attr]

    # Time to live

    @rule()
    def switch_time_to_live(self) -> None:
        self.clock.advance_ms(HOUR_MS)
        self.db.call(UpdateTimeToLive(TABLE, EXPIRES, not self.is_expiring))
        self.is_expiring = not self.is_expiring

    @rule(seconds=st.sampled_from((1, 10, 70)))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance_ms(seconds * 1000)
        self.background_work()

    @rule()
    def background_work(self) -> None:
        run_jobs(self.env)
        assert all(each in self.complete() for each in self.oracle.indexes.values())
        self.expired_rows_may_have_gone()

    @rule()
    def everything_expired_goes(self) -> None:
        for _ in range(3):
            self.clock.advance_ms(HOUR_MS)
            self.background_work()
        now = self.clock.wall_ms() // 1000
        assert not any(self.has_expired(item, now - 1) for item in self.oracle.rows.values())

    def expired_rows_may_have_gone(self) -> None:
        now = self.clock.wall_ms() // 1000
        left = {self.oracle.place(item) for item in self.raw_rows()}
        for place, item in list(self.oracle.rows.items()):
            if place not in left and self.has_expired(item, now):
                del self.oracle.rows[place]

    def has_expired(self, item: Item, now: int) -> bool:
        until = item.get(EXPIRES)
        is_number = isinstance(until, (int, Decimal)) and not isinstance(until, bool)
        return self.is_expiring and is_number and now - FIVE_YEARS <= int(until) <= now  # type: ignore[arg-type]

    def teardown(self) -> None:
        # What is left of the marks of items that expire is the sweeper's, and has tests of its own.
        self.db.close()


TestFullTables = FullTables.TestCase
TestFullTables.settings = settings(
    max_examples=150,
    stateful_step_count=50,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
