"""The common settings of a table: whatever was changed where, and in whatever order it is heard of."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvdb.env.hlc import Stamp
from kvdb.errors import CorruptionError, LimitExceeded
from kvdb.table import settings
from kvdb.table.descriptor import (
    Billing,
    IndexDescriptor,
    KeyAttribute,
    ReplicationSetting,
    SharedSetting,
    StreamSetting,
    TableDescriptor,
    Throughput,
    TtlSetting,
    decode_descriptor,
)
from kvdb.table.settings import adopted, joined, noted, settings_of, values_of
from kvdb.table.settings_check import check_settings

SHARED = ReplicationSetting(("amsterdam", "berlin"), (10, 0, 1), "amsterdam")
PLAIN = TableDescriptor(8, "orders", "uuid", 1, KeyAttribute("id", "S"), None)
NOW_MS = 5_000


def shared(*, at_ms: int = 10) -> TableDescriptor:
    return noted(PLAIN, replace(PLAIN, replication=SHARED), Stamp(at_ms, 0, 1))


def global_index(name: str, *, attribute: str = "n", kind: str = "N", number: int = 1) -> IndexDescriptor:
    key = KeyAttribute(attribute, kind)  # type: ignore[arg-type]
    return IndexDescriptor(number, "GLOBAL", name, (key,), (), "ALL")


def with_index(table: TableDescriptor, index: IndexDescriptor) -> TableDescriptor:
    number = table.next_index_number
    return replace(
        table, indexes=(*table.indexes, replace(index, number=number)), next_index_number=number + 1
    )


def change(table: TableDescriptor, choice: int, at_ms: int, region: int) -> TableDescriptor:
    """What one of some requests makes of a table."""
    names = [index.name for index in table.indexes]
    name = f"by-{choice % 3}"
    if choice < 4:
        after = replace(table, ttl=TtlSetting(f"t{choice}", choice != 0, at_ms, number=7))
    elif choice < 8 and name in names:
        gone = table.index(name)
        assert gone is not None
        after = table.without_index(gone.number)
    elif choice < 10 and name not in names:
        kind = "S" if choice == 9 else "N"
        after = with_index(table, global_index(name, attribute=f"a{choice % 2}", kind=kind))
    elif choice < 12:
        mode = Billing("PROVISIONED") if choice == 10 else Billing("PAY_PER_REQUEST", at_ms)
        units = Throughput(choice, choice + 1) if choice == 10 else Throughput(max_read_units=choice)
        after = replace(table, billing=mode, throughput=units)
    else:
        stream = None if choice == 12 else StreamSetting(True, "NEW_IMAGE", "label", 9)
        after = replace(table, stream=stream)
    if after.stream is None and table.stream is not None:
        after = replace(after, stream=replace(table.stream, is_enabled=False))
    return noted(table, after, Stamp(at_ms, 0, region))


CHANGES = st.lists(
    st.tuples(st.integers(0, 13), st.integers(11, 20), st.integers(0, 2), st.booleans()), max_size=12
)


@given(CHANGES)
def test_regions_that_have_heard_of_the_same_changes_are_the_same(
    changes: list[tuple[int, int, int, bool]],
) -> None:
    tables = [shared()] * 3
    for choice, at_ms, region, is_heard in changes:
        tables[region] = change(tables[region], choice, at_ms, region + 1)
        if is_heard:
            other = (region + 1) % 3
            both = joined(settings_of(tables[other]), settings_of(tables[region]))
            tables[other] = adopted(tables[other], both, now_ms=NOW_MS)
    everything = reduce(joined, map(settings_of, tables))
    ends = [adopted(table, everything, now_ms=NOW_MS) for table in tables]
    assert values_of(ends[0]) == values_of(ends[1]) == values_of(ends[2])
    for end in ends:
        assert adopted(end, everything, now_ms=NOW_MS + 1) == end
        numbers = [index.number for index in end.indexes]
        assert len(set(numbers)) == len(numbers) < end.next_index_number
        assert decode_descriptor(end.encoded()) == end
        check_settings(end, latest_ms=20)


@given(CHANGES)
def test_joining_is_commutative_associative_and_idempotent(
    changes: list[tuple[int, int, int, bool]],
) -> None:
    tables = [shared()] * 3
    for choice, at_ms, region, _ in changes:
        tables[region] = change(tables[region], choice, at_ms, region + 1)
    one, two, three = map(settings_of, tables)
    assert joined(one, two) == joined(two, one)
    assert joined(joined(one, two), three) == joined(one, joined(two, three))
    assert joined(one, one) == one


def test_changes_of_different_settings_both_stand_and_of_one_the_later() -> None:
    one = noted(shared(), replace(shared(), ttl=TtlSetting("a", True, 20, number=1)), Stamp(20, 0, 1))
    other = with_index(shared(), global_index("by-n"))
    other = replace(other, ttl=TtlSetting("b", True, 21, number=2))
    other = noted(shared(), other, Stamp(21, 0, 2))
    both = joined(settings_of(one), settings_of(other))
    end = adopted(one, both, now_ms=NOW_MS)
    assert end.ttl == TtlSetting("b", True, NOW_MS, number=1, walk=b"")
    (index,) = end.indexes
    assert (index.name, index.status, index.number) == ("by-n", "CREATING", 2)
    assert end.next_index_number == 3


def test_an_index_that_is_defined_anew_elsewhere_is_made_anew() -> None:
    table = with_index(shared(), global_index("by-n"))
    table = noted(shared(), table, Stamp(20, 0, 1))
    elsewhere = SharedSetting(
        "index:by-n",
        (21, 0, 2),
        settings.values_of(with_index(PLAIN, global_index("by-n", attribute="m")))["index:by-n"],
    )
    (index,) = adopted(table, joined(settings_of(table), (elsewhere,)), now_ms=NOW_MS).indexes
    assert (index.key_names, index.status, index.number) == (("m",), "CREATING", 2)


def test_of_indexes_that_cannot_be_together_the_later_is_left_out_everywhere() -> None:
    one = noted(shared(), with_index(shared(), global_index("one")), Stamp(20, 0, 1))
    two = noted(shared(), with_index(shared(), global_index("two", kind="S")), Stamp(21, 0, 2))
    both = joined(settings_of(one), settings_of(two))
    for table in (one, two):
        assert [index.name for index in adopted(table, both, now_ms=NOW_MS).indexes] == ["one"]


def test_provisioned_an_index_without_units_has_those_of_the_table() -> None:
    one = noted(shared(), with_index(shared(), global_index("by-n")), Stamp(20, 0, 1))
    two = replace(shared(), billing=Billing("PROVISIONED"), throughput=Throughput(5, 6))
    two = noted(shared(), two, Stamp(21, 0, 2))
    end = adopted(one, joined(settings_of(one), settings_of(two)), now_ms=NOW_MS)
    assert (end.billing.mode, end.throughput.read_units, end.throughput.write_units) == ("PROVISIONED", 5, 6)
    assert (end.indexes[0].throughput.read_units, end.indexes[0].throughput.write_units) == (5, 6)


def test_regions_that_two_add_at_once_are_both_added() -> None:
    one, two = (
        noted(
            shared(),
            replace(shared(), replication=replace(SHARED, regions=(*SHARED.regions, name), changed=stamp)),
            Stamp(*stamp),
        )
        for name, stamp in (("cairo", (20, 0, 1)), ("delhi", (21, 0, 2)))
    )
    end = adopted(one, joined(settings_of(one), settings_of(two)), now_ms=NOW_MS)
    assert end.replication == replace(
        SHARED, regions=("amsterdam", "berlin", "cairo", "delhi"), changed=(21, 0, 2)
    )


def test_a_region_that_came_and_went_unheard_leaves_the_time_of_the_change() -> None:
    came = replace(SHARED, regions=(*SHARED.regions, "cairo"), changed=(20, 0, 1))
    came_table = noted(shared(), replace(shared(), replication=came), Stamp(20, 0, 1))
    went = replace(SHARED, changed=(21, 0, 1))
    went_table = noted(came_table, replace(came_table, replication=went), Stamp(21, 0, 1))
    heard = adopted(shared(), joined(settings_of(shared()), settings_of(went_table)), now_ms=NOW_MS)
    assert heard.replication == went_table.replication


def test_a_clock_that_is_behind_still_makes_the_later_change() -> None:
    table = shared(at_ms=1_000)
    after = noted(table, replace(table, table_class="STANDARD"), Stamp(500, 0, 1))
    assert {each.name: each.changed for each in after.settings}["class"] == (1_000, 1, 1)


def test_a_table_shared_before_settings_travelled_has_what_it_is() -> None:
    old = replace(PLAIN, replication=SHARED, table_class="STANDARD")
    state = {each.name: each for each in settings_of(old)}
    assert state["class"] == SharedSetting("class", (0, 0, 0), "STANDARD")
    assert state["region:berlin"].changed == SHARED.changed
    assert values_of(adopted(old, settings_of(old), now_ms=NOW_MS)) == values_of(old)


def test_the_names_of_indexes_are_bounded() -> None:
    table = shared()
    with pytest.raises(LimitExceeded, match="256"):
        for at in range(settings.INDEX_NAMES_MAX + 1):
            more = noted(table, with_index(table, global_index(f"by-{at}")), Stamp(20 + at, 0, 1))
            table = noted(more, replace(more, indexes=()), Stamp(20 + at, 1, 1))
    assert at == settings.INDEX_NAMES_MAX


@pytest.mark.parametrize(
    ("name", "changed", "value"),
    [
        ("ttl", (101, 0, 1), "a"),
        ("ttl", (1, 0), "a"),
        ("ttl", (1, 0, 1), 7),
        ("billing", (1, 0, 1), None),
        ("read", (1, 0, 1), -1),
        ("stream", (1, 0, 1), ("SOME_IMAGE", 1)),
        ("index:by-n", (1, 0, 1), ((), (), "ALL", ())),
        ("index:b", (1, 0, 1), None),
        ("index:by-n", (1, 0, 1), ((("n", "X"),), (), "ALL", ())),
        ("units:by-n", (1, 0, 1), None),
        ("region:Ber/lin", (1, 0, 1), 1),
        ("override:berlin", (1, 0, 1), (1, 2)),
        ("override:berlin", (1, 0, 1), (0, None, None)),
        ("override:berlin", (1, 0, 1), (None, None, "BEST")),
        ("conflicts", (1, 0, 1), ("nobody", (), (), 0)),
        ("conflicts", (1, 0, 1), ("callable", (), (), 0, "")),
        ("conflicts", (1, 0, 1), ("callable", (), (), 0, 7)),
        ("conflicts", (1, 0, 1), ("callable", (), (), 0, "f", "g")),
        ("later", (1, 0, 1), "x" * 20_000),
    ],
)
def test_a_setting_that_is_none_is_refused(name: str, changed: tuple[int, int, int], value: object) -> None:
    told = replace(shared(), settings=(SharedSetting(name, changed, value),))  # type: ignore[arg-type]
    with pytest.raises(CorruptionError):
        check_settings(told, latest_ms=100)


def test_a_setting_of_a_later_release_is_passed_on() -> None:
    later = SharedSetting("later", (5, 0, 1), ("x", 1))
    told = replace(shared(), settings=(later,))
    check_settings(told, latest_ms=100)
    after = adopted(shared(), joined(shared().settings, told.settings), now_ms=NOW_MS)
    assert later in after.settings
    changed = noted(after, replace(after, table_class="STANDARD"), Stamp(50, 0, 1))
    assert later in changed.settings
