from __future__ import annotations

import dataclasses
import threading

import pytest

from kvdb import limits
from kvdb.api.items import PutItem
from kvdb.api.tables import (
    IndexSpecification,
    KeySchemaElement,
    ListTables,
    Projection,
    ProvisionedThroughput,
    UpdateTable,
)
from kvdb.errors import (
    DiskError,
    LimitExceeded,
    ResourceInUse,
    ResourceNotFound,
    ValidationError,
)
from kvdb.limits import OPEN
from kvdb.lsm.batch import WriteBatch
from kvdb.options import DatabaseOptions
from kvdb.table import keys
from kvdb.table.catalog import Catalog
from kvdb.testing.manual_clock import ManualClock
from tests.support.builders import (
    AIRPORTS,
    failing_floor,
    make_env,
    open_floor,
    put_airport,
    reloaded,
    row_count,
    table_request,
)


def test_a_created_table_is_there_and_active():
    floor = open_floor()
    created = floor.catalog.create(AIRPORTS)
    assert created.table_status == "ACTIVE"
    assert floor.catalog.described("airports") == created
    assert floor.catalog.table("airports").descriptor.table_id == keys.FIRST_TABLE_ID


def test_a_table_outlives_its_catalog():
    floor = open_floor()
    created = floor.catalog.create(AIRPORTS)
    assert reloaded(floor).catalog.described("airports") == created


def test_a_taken_name_is_refused():
    floor = open_floor()
    floor.catalog.create(AIRPORTS)
    with pytest.raises(ResourceInUse, match=r"^Table already exists: airports$"):
        floor.catalog.create(table_request("airports"))


def test_of_several_creators_of_one_name_exactly_one_wins():
    floor = open_floor()
    outcomes: list[str] = []

    def create() -> None:
        try:
            floor.catalog.create(AIRPORTS)
            outcomes.append("made")
        except ResourceInUse:
            outcomes.append("refused")

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["made"] + ["refused"] * 7


def test_unknown_tables_have_two_messages():
    catalog = open_floor().catalog
    with pytest.raises(ResourceNotFound, match=r"^Requested resource not found$"):
        catalog.table("airports")
    for call in (catalog.described, catalog.drop):
        with pytest.raises(
            ResourceNotFound, match=r"^Requested resource not found: Table: airports not found$"
        ):
            call("airports")


def test_there_are_at_most_2500_tables(monkeypatch):
    monkeypatch.setattr(limits, "TABLES_MAX", 2)
    catalog = open_floor().catalog
    catalog.create(table_request("one"))
    catalog.create(table_request("two"))
    with pytest.raises(LimitExceeded, match="limit of 2 tables"):
        catalog.create(table_request("three"))


def test_tables_are_listed_by_name_in_pages():
    catalog = open_floor().catalog
    for name in ("bbb", "B.b", "aaa", "b-b", "b_b"):
        catalog.create(table_request(name))
    listed = catalog.listed(ListTables(limit=2))
    assert (listed.table_names, listed.last_evaluated_table_name) == (["B.b", "aaa"], "aaa")
    listed = catalog.listed(ListTables("aaa", 2))
    assert (listed.table_names, listed.last_evaluated_table_name) == (["b-b", "b_b"], "b_b")
    listed = catalog.listed(ListTables("b_b", 2))
    assert (listed.table_names, listed.last_evaluated_table_name) == (["bbb"], None)
    assert catalog.listed(ListTables("az")).table_names == ["b-b", "b_b", "bbb"]


def test_a_page_of_tables_has_a_hundred_names():
    catalog = open_floor().catalog
    for number in range(101):
        catalog.create(table_request(f"table-{number:03}"))
    listed = catalog.listed(ListTables())
    assert len(listed.table_names) == 100
    assert listed.last_evaluated_table_name == "table-099"


def test_a_dropped_table_frees_its_name_at_once():
    floor = open_floor()
    floor.create()
    put_airport(floor, "BIKF")
    assert floor.catalog.drop("airports").table_status == "DELETING"
    again = floor.create()
    assert again.descriptor.table_id == 2
    assert list(floor.engine.scan(*again.keys.all_rows())) == []


def test_a_table_id_is_never_given_twice():
    floor = open_floor()
    floor.create()
    floor.catalog.drop("airports")
    assert reloaded(floor).create().descriptor.table_id == 2


def test_a_writer_that_comes_to_its_latch_after_the_drop_is_refused():
    floor = open_floor()
    table = floor.create()
    key = {"country": "IS", "icao": "BIKF"}
    holder = floor.latches.request((table.keys.of_key(key),))
    steps = floor.writer.put_item(PutItem("airports", key))
    next(steps)
    floor.catalog.drop("airports")
    floor.latches.give_back(holder)
    with pytest.raises(ResourceNotFound, match=r"^Requested resource not found$"):
        next(steps)
    assert row_count(floor, 1) == 0


def test_a_failed_create_or_drop_changes_nothing_in_memory():
    floor, engine = failing_floor()
    floor.create()
    engine.failure = DiskError("no space")
    with pytest.raises(DiskError):
        floor.create(table_request("others"))
    with pytest.raises(DiskError):
        floor.catalog.drop("airports")
    assert floor.catalog.listed(ListTables()).table_names == ["airports"]
    assert not floor.catalog.table("airports").is_dropped


def test_the_arn_of_a_table_serves_as_its_name():
    floor = open_floor()
    table = floor.create()
    arn = floor.catalog.described("airports").table_arn
    assert floor.catalog.table(arn) is table
    assert floor.catalog.described(arn) == floor.catalog.described("airports")
    with pytest.raises(ResourceNotFound):
        floor.catalog.table(arn.replace("ddblocal", "elsewhere"))
    floor.catalog.drop(arn)
    with pytest.raises(ResourceNotFound):
        floor.catalog.table("airports")


def test_region_and_account_of_an_arn_are_settings():
    floor = open_floor()
    options = DatabaseOptions(region_name="eu-west-2", account_id="123456789012")
    created = Catalog(floor.engine, floor.env, options).create(AIRPORTS)
    assert created.table_arn == "arn:aws:dynamodb:eu-west-2:123456789012:table/airports"


def test_a_change_is_durable_with_its_batch():
    floor = open_floor()
    table = floor.create()
    floor.catalog.change(
        table,
        lambda descriptor: dataclasses.replace(descriptor, is_protected=True),
        WriteBatch().put(b"k", b"v"),
    )
    assert floor.engine.get(b"k") == b"v"
    assert floor.catalog.described("airports").deletion_protection_enabled
    assert reloaded(floor).catalog.table("airports").descriptor == table.descriptor


def test_a_dropped_table_is_changed_no_more():
    floor = open_floor()
    table = floor.create()
    floor.catalog.drop("airports")
    with pytest.raises(ResourceNotFound):
        floor.catalog.change(table, lambda descriptor: descriptor)
    assert reloaded(floor).catalog.listed(ListTables()).table_names == []


def test_an_index_that_goes_leaves_its_rows_to_the_remover():
    floor = open_floor()
    request = table_request(sort=("icao", "S"))
    request.global_secondary_indexes = [
        IndexSpecification("by-icao", (KeySchemaElement("icao", "HASH"),), Projection("ALL"))
    ]
    table = floor.create(request)
    assert [index.name for index in table.indexes.maintained] == ["by-icao"]
    floor.catalog.change(table, lambda descriptor: descriptor.without_index(1))
    assert table.indexes.maintained == ()
    assert floor.catalog.first_dropped_prefix() == keys.index_prefix(1, 1)
    assert reloaded(floor).catalog.first_dropped_prefix() == keys.index_prefix(1, 1)


def test_a_table_opens_when_its_delay_is_over_and_stays_open():
    clock = ManualClock()
    floor = open_floor(make_env(clock=clock))
    catalog = Catalog(floor.engine, floor.env, DatabaseOptions(table_status_delay_ms=500))
    assert catalog.create(AIRPORTS).table_status == "CREATING"
    with pytest.raises(ResourceNotFound, match=r"^Requested resource not found$"):
        catalog.table("airports")
    clock.advance_ms(499)
    for each in (catalog, Catalog(floor.engine, floor.env)):
        assert each.described("airports").table_status == "CREATING"
        with pytest.raises(ResourceNotFound):
            each.table("airports")
    clock.advance_ms(1)
    for each in (catalog, Catalog(floor.engine, floor.env)):
        assert each.described("airports").table_status == "ACTIVE"
        assert each.table("airports").is_open


def test_a_protected_table_is_not_dropped():
    floor = open_floor()
    request = table_request(sort=("icao", "S"))
    request.deletion_protection_enabled = True
    floor.create(request)
    with pytest.raises(ValidationError) as refused:
        floor.catalog.drop("airports")
    assert str(refused.value) == (
        "Resource cannot be deleted as it is currently protected against deletion. "
        "Disable deletion protection first."
    )
    floor.catalog.update(UpdateTable("airports", deletion_protection_enabled=False))
    assert floor.catalog.drop("airports").table_status == "DELETING"


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ("CREATING", "Table is being created: airports"),
        ("UPDATING", "Table: airports is in the process of being updated."),
        ("DELETING", "Table is being deleted: airports"),
    ],
)
def test_a_table_in_between_is_not_dropped(status, message):
    floor = open_floor()
    settles_ms = floor.env.clock.wall_ms() + 500
    change = {"status": status, "settles_ms": settles_ms}
    floor.catalog.change(floor.create(), lambda each: dataclasses.replace(each, **change))  # type: ignore[arg-type]
    with pytest.raises(ResourceInUse) as refused:
        floor.catalog.drop("airports")
    assert str(refused.value) == f"Attempt to change a resource which is still in use: {message}"


def test_a_name_is_taken_from_the_first_moment_to_the_last():
    clock = ManualClock()
    floor = open_floor(make_env(clock=clock))
    catalog = Catalog(floor.engine, floor.env, DatabaseOptions(table_status_delay_ms=500))
    catalog.create(AIRPORTS)
    with pytest.raises(
        ResourceInUse,
        match=r"^Attempt to change a resource which is still in use: Table is being created: airports$",
    ):
        catalog.create(AIRPORTS)
    clock.advance_ms(500)
    catalog.drop("airports")
    with pytest.raises(ResourceNotFound):
        catalog.table("airports")
    with pytest.raises(ResourceInUse, match=r"^Table already exists: airports$"):
        catalog.create(AIRPORTS)
    clock.advance_ms(500)
    catalog.finish_deleting(clock.wall_ms())
    catalog.create(AIRPORTS)


def test_an_updating_table_serves_items_and_becomes_active_by_itself():
    clock = ManualClock()
    floor = open_floor(make_env(clock=clock))
    floor.create()
    catalog = Catalog(floor.engine, floor.env, DatabaseOptions(table_status_delay_ms=500))
    assert catalog.update(UpdateTable("airports", table_class="STANDARD")).table_status == "UPDATING"
    assert catalog.table("airports").is_open
    clock.advance_ms(500)
    assert catalog.described("airports").table_status == "ACTIVE"
    catalog.update(UpdateTable("airports", table_class="STANDARD_INFREQUENT_ACCESS"))


def test_a_refused_update_changes_nothing():
    floor, engine = failing_floor()
    table = floor.create()
    before = table.descriptor
    with pytest.raises(ResourceNotFound, match=r"^Requested resource not found: Table: absent not found$"):
        floor.catalog.update(UpdateTable("absent", deletion_protection_enabled=True))
    engine.failure = DiskError("no space")
    with pytest.raises(DiskError):
        floor.catalog.update(UpdateTable("airports", deletion_protection_enabled=True))
    assert table.descriptor is before


def test_throughput_is_bounded_by_the_profile():
    floor = open_floor()
    request = table_request()
    request.provisioned_throughput = ProvisionedThroughput(40_001, 1)
    with pytest.raises(LimitExceeded, match="above the per table maximum"):
        floor.catalog.create(request)
    floor.catalog.create(request, OPEN)
    update = UpdateTable("airports", provisioned_throughput=ProvisionedThroughput(50_000, 1))
    with pytest.raises(LimitExceeded, match="above the per table maximum"):
        floor.catalog.update(update)
    assert floor.catalog.update(update, OPEN).provisioned_throughput.read_capacity_units == 50_000
