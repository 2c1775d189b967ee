from __future__ import annotations

import dataclasses

import pytest

from kvdb.api.tables import (
    AttributeDefinition,
    CreateIndex,
    DeleteIndex,
    IndexSpecification,
    KeySchemaElement,
    OnDemandThroughput,
    Projection,
    ProvisionedThroughput,
    StreamSpecification,
    UpdateIndex,
    UpdateTable,
    WarmThroughput,
)
from kvdb.errors import LimitExceeded, RequestError, ResourceInUse, ResourceNotFound, ValidationError
from kvdb.limits import AWS, OPEN, LimitsProfile
from kvdb.table.alteration import Moment, altered
from kvdb.table.descriptor import (
    Backfill,
    Billing,
    IndexDescriptor,
    KeyAttribute,
    StreamSetting,
    TableDescriptor,
    Throughput,
)

NOW_MS = 1_700_000_000_000
LATER_MS = NOW_MS + 500
INVALID = "One or more parameter values were invalid: "

CITY, COUNTRY = KeyAttribute("city", "S"), KeyAttribute("country", "S")
BY_CITY = IndexDescriptor(2, "GLOBAL", "by-city", (CITY,), (), "ALL")
LOCAL = IndexDescriptor(1, "LOCAL", "local", (COUNTRY,), (CITY,), "ALL")
PLAIN = TableDescriptor(
    1,
    "airports",
    "uuid",
    0,
    COUNTRY,
    KeyAttribute("icao", "S"),
    (LOCAL, BY_CITY),
    3,
    Billing("PAY_PER_REQUEST", 0),
)
PROVISIONED = dataclasses.replace(
    PLAIN, indexes=(LOCAL,), billing=Billing("PROVISIONED"), throughput=Throughput(5, 5)
)


def new_index(name: str = "new", attribute: str = "zip", **fields: object) -> CreateIndex:
    keys = (KeySchemaElement(attribute, "HASH"),)
    return CreateIndex(IndexSpecification(name, keys, Projection("ALL"), **fields))  # type: ignore[arg-type]


def update(table: TableDescriptor, *, profile: LimitsProfile = AWS, delay_ms: int = 0, **fields: object):
    request = UpdateTable("airports", **fields)  # type: ignore[arg-type]
    return altered(table, request, Moment(NOW_MS, delay_ms, profile))


def indexed(table: TableDescriptor, *updates: object, **options: object) -> TableDescriptor:
    definitions = [AttributeDefinition("zip", "N"), AttributeDefinition("city", "N")]
    return update(
        table,
        global_secondary_index_updates=list(updates),
        attribute_definitions=definitions,
        **options,  # type: ignore[arg-type]
    )


def refusal(kind: type[RequestError], table: TableDescriptor, *updates: object, **fields: object) -> str:
    with pytest.raises(kind) as refused:
        indexed(table, *updates, **fields) if updates else update(table, **fields)  # type: ignore[arg-type]
    return str(refused.value)


# States.


@pytest.mark.parametrize(
    ("status", "fields", "message"),
    [
        (
            "CREATING",
            {"table_class": "STANDARD"},
            "Attempt to change a resource which is still in use: Table is being created: airports",
        ),
        (
            "DELETING",
            {"table_class": "STANDARD"},
            "Attempt to change a resource which is still in use: Table is being deleted: airports",
        ),
        (
            "UPDATING",
            {"provisioned_throughput": ProvisionedThroughput(6, 6)},
            "Attempt to change a resource which is still in use: Table IOPS are currently being updated. "
            "Table: airports",
        ),
        (
            "UPDATING",
            {"deletion_protection_enabled": True},
            "Table needs to be in ACTIVE status to modify deletion protection setting.",
        ),
        (
            "UPDATING",
            {"table_class": "STANDARD"},
            "Attempt to change a resource which is still in use: Table: airports is in the process of being "
            "updated.",
        ),
    ],
)
def test_only_an_active_table_changes(status, fields, message):
    table = dataclasses.replace(PROVISIONED, status=status, settles_ms=LATER_MS)
    assert refusal(ResourceInUse, table, **fields) == message


def test_with_a_delay_a_change_takes_time():
    changed = update(PROVISIONED, delay_ms=500, provisioned_throughput=ProvisionedThroughput(6, 5))
    assert (changed.status, changed.settles_ms) == ("UPDATING", LATER_MS)
    assert changed.throughput.read_units == 6


def test_some_changes_take_no_time():
    for fields in (
        {"deletion_protection_enabled": True},
        {"on_demand_throughput": OnDemandThroughput(5)},
        {"warm_throughput": WarmThroughput(5, 5)},
    ):
        assert update(PLAIN, delay_ms=500, **fields).status == "ACTIVE"


# Billing and throughput.


def test_throughput_goes_up_and_down():
    changed = update(PROVISIONED, provisioned_throughput=ProvisionedThroughput(6, 4))
    assert changed.throughput == Throughput(6, 4, NOW_MS, NOW_MS, (NOW_MS,))
    assert changed.status == "ACTIVE"


def test_a_throughput_that_stays_is_no_change():
    asked = ProvisionedThroughput(5, 5)
    assert refusal(ValidationError, PROVISIONED, provisioned_throughput=asked) == (
        "The provisioned throughput for the table will not change. The requested value equals the current "
        "value. Current ReadCapacityUnits provisioned for the table: 5. Requested ReadCapacityUnits: 5. "
        "Current WriteCapacityUnits provisioned for the table: 5. Requested WriteCapacityUnits: 5. Refer to "
        "the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."
    )


def test_the_fifth_decrease_within_an_hour_is_refused():
    used = Throughput(5, 5, decreases_ms=(NOW_MS - 4, NOW_MS - 3, NOW_MS - 2, NOW_MS - 1))
    table = dataclasses.replace(PROVISIONED, throughput=used)
    asked = ProvisionedThroughput(4, 5)
    assert "Number of decreases today: 4." in refusal(LimitExceeded, table, provisioned_throughput=asked)
    assert update(table, provisioned_throughput=ProvisionedThroughput(6, 5)).throughput.read_units == 6


def test_an_on_demand_table_takes_no_units():
    asked = ProvisionedThroughput(1, 1)
    assert refusal(ValidationError, PLAIN, provisioned_throughput=asked) == (
        INVALID + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
        "PAY_PER_REQUEST"
    )


def test_switching_to_on_demand_takes_all_units_away():
    by_city = dataclasses.replace(BY_CITY, throughput=Throughput(7, 7))
    table = dataclasses.replace(PROVISIONED, indexes=(LOCAL, by_city))
    changed = update(table, billing_mode="PAY_PER_REQUEST")
    assert changed.billing == Billing("PAY_PER_REQUEST", NOW_MS, (NOW_MS,))
    assert changed.throughput == Throughput()
    assert changed.indexes[1].throughput == Throughput()


def test_a_switch_to_what_it_is_changes_nothing():
    assert update(PLAIN, billing_mode="PAY_PER_REQUEST") == PLAIN


def test_the_fifth_switch_to_on_demand_in_a_day_is_refused():
    billing = Billing("PROVISIONED", None, (NOW_MS - 4, NOW_MS - 3, NOW_MS - 2, NOW_MS - 1))
    table = dataclasses.replace(PROVISIONED, billing=billing)
    assert "Update to PayPerRequest mode" in refusal(LimitExceeded, table, billing_mode="PAY_PER_REQUEST")


def test_switching_from_on_demand_needs_units_for_every_global_index():
    fields = {"billing_mode": "PROVISIONED", "provisioned_throughput": ProvisionedThroughput(1, 2)}
    assert refusal(ValidationError, PLAIN, **fields) == (
        INVALID + "ProvisionedThroughput must be specified for index: by-city"
    )
    bounded = dataclasses.replace(PLAIN, throughput=Throughput(max_read_units=9))
    changed = indexed(bounded, UpdateIndex("by-city", ProvisionedThroughput(3, 4)), **fields)
    assert changed.billing == Billing("PROVISIONED", 0)
    assert changed.throughput == Throughput(1, 2, NOW_MS)
    assert changed.indexes[1].throughput == Throughput(3, 4, NOW_MS)


def test_maxima_are_merged_and_taken_away_with_minus_one():
    bounded = update(PLAIN, on_demand_throughput=OnDemandThroughput(5))
    assert bounded.throughput == Throughput(max_read_units=5)
    both = update(bounded, on_demand_throughput=OnDemandThroughput(None, 6))
    assert both.throughput == Throughput(max_read_units=5, max_write_units=6)
    assert update(both, on_demand_throughput=OnDemandThroughput(-1)).throughput == Throughput(
        max_write_units=6
    )


def test_a_provisioned_table_has_no_maxima():
    asked = OnDemandThroughput(None, 5)
    assert refusal(ValidationError, PROVISIONED, on_demand_throughput=asked) == (
        INVALID
        + "MaxWriteRequestUnits for OnDemandThroughput cannot be specified when the table BillingMode "
        "is PROVISIONED"
    )


def test_warm_throughput_only_rises():
    warm = update(PLAIN, warm_throughput=WarmThroughput(10, None))
    assert (warm.throughput.warm_read_units, warm.throughput.warm_write_units) == (10, None)
    assert refusal(ValidationError, warm, warm_throughput=WarmThroughput(9, 1)) == (
        INVALID + "Requested ReadUnitsPerSecond for WarmThroughput for table is lower than current "
        "WarmThroughput, decreasing WarmThroughput is not supported"
    )


# Other settings.


def test_a_stream_is_enabled_and_disabled_and_keeps_its_label():
    enabled = update(PLAIN, stream_specification=StreamSpecification(True, "KEYS_ONLY"))
    label = "2023-11-14T22:13:20.000"
    assert enabled.stream == StreamSetting(True, "KEYS_ONLY", label, PLAIN.next_index_number)
    again = StreamSpecification(True, "NEW_IMAGE")
    assert refusal(ValidationError, enabled, stream_specification=again) == (
        "Table already has an enabled stream: TableName: airports"
    )
    disabled = update(enabled, stream_specification=StreamSpecification(False))
    assert disabled.stream == StreamSetting(False, "KEYS_ONLY", label, PLAIN.next_index_number)
    for table in (PLAIN, disabled):
        assert refusal(ValidationError, table, stream_specification=StreamSpecification(False)) == (
            "Table has no stream to disable: TableName: airports"
        )


def test_class_and_protection_are_set():
    assert update(PLAIN, table_class="STANDARD_INFREQUENT_ACCESS").table_class == "STANDARD_INFREQUENT_ACCESS"
    assert update(PLAIN, deletion_protection_enabled=True).is_protected


# Indexes.


def test_a_new_index_is_creating_and_has_a_number_of_its_own():
    changed = indexed(PLAIN, new_index(is_unique=True))
    assert changed.indexes[2] == IndexDescriptor(
        3, "GLOBAL", "new", (KeyAttribute("zip", "N"),), (), "ALL", is_unique=True, status="CREATING"
    )
    assert changed.next_index_number == 4
    assert indexed(indexed(changed, DeleteIndex("new")), new_index()).indexes[2].number == 4


def test_a_key_attribute_is_not_redefined():
    assert refusal(ValidationError, PLAIN, new_index(attribute="city")) == (
        f"{INVALID}Attributes cannot be redefined. Please check that your attribute has the same type as "
        "previously defined. Existing schema: Schema:[SchemaElement: key{city:S:HASH}] "
        "New schema: Schema:[SchemaElement: key{city:N:HASH}]"
    )


def test_a_redeclared_attribute_that_is_no_key_of_the_new_index_keeps_its_type():
    assert indexed(PLAIN, new_index()).indexes[:2] == (LOCAL, BY_CITY)


def test_with_a_delay_an_index_is_allotted_first_and_deleting_last():
    changed = indexed(PLAIN, new_index(), delay_ms=500)
    assert (changed.status, changed.indexes[2].settles_ms) == ("UPDATING", LATER_MS)
    deleting = indexed(PLAIN, DeleteIndex("by-city"), delay_ms=500).indexes[1]
    assert (deleting.status, deleting.settles_ms) == ("DELETING", LATER_MS)


CREATING = dataclasses.replace(BY_CITY, status="CREATING", backfill=Backfill())
ALLOTTED = dataclasses.replace(BY_CITY, status="CREATING", settles_ms=LATER_MS)
DELETING = dataclasses.replace(BY_CITY, status="DELETING", settles_ms=LATER_MS)
UPDATING = dataclasses.replace(BY_CITY, status="UPDATING", settles_ms=LATER_MS)


def with_by_city(index: IndexDescriptor) -> TableDescriptor:
    return dataclasses.replace(PLAIN, indexes=(index,))


def test_an_index_can_be_deleted_while_it_is_filled():
    assert indexed(with_by_city(CREATING), DeleteIndex("by-city")).indexes == ()


IN_USE = "Attempt to change a resource which is still in use: "
MAXIMA = UpdateIndex("by-city", on_demand_throughput=OnDemandThroughput(5))


@pytest.mark.parametrize(
    ("index", "asked", "message"),
    [
        (
            ALLOTTED,
            DeleteIndex("by-city"),
            "Index creation is in resource allocation phase. Retry deletion during backfilling phase or "
            "when the index is active. Table: airports Index: by-city",
        ),
        (
            DELETING,
            DeleteIndex("by-city"),
            "Index is being deleted. Table: airports Index: by-city",
        ),
        (CREATING, MAXIMA, "Index is being created. Table: airports Index: by-city"),
        (UPDATING, MAXIMA, "Index is being updated. Table: airports Index: by-city"),
    ],
)
def test_an_index_in_between_is_left_alone(index, asked, message):
    assert refusal(ResourceInUse, with_by_city(index), asked) == IN_USE + message


@pytest.mark.parametrize(
    ("kind", "asked", "message"),
    [
        (ValidationError, new_index("by-city"), "Attempting to create an index which already exists"),
        (ValidationError, new_index("local"), "Attempting to create an index which already exists"),
        (
            ValidationError,
            DeleteIndex("local"),
            "Cannot delete an index that is not a GlobalSecondaryIndex: local",
        ),
        (
            ValidationError,
            UpdateIndex("local"),
            "Cannot update an index that is not a GlobalSecondaryIndex: local",
        ),
        (
            ResourceNotFound,
            DeleteIndex("ghost"),
            "Requested resource not found: Index ghost for table airports",
        ),
        (
            ResourceNotFound,
            UpdateIndex("ghost"),
            "Requested resource not found: Index ghost for table airports",
        ),
        (
            ValidationError,
            new_index(provisioned_throughput=ProvisionedThroughput(1, 1)),
            INVALID + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: new when "
            "BillingMode is PAY_PER_REQUEST",
        ),
        (
            ValidationError,
            UpdateIndex("by-city", ProvisionedThroughput(1, 1)),
            INVALID + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: by-city "
            "when BillingMode is PAY_PER_REQUEST",
        ),
        (
            ValidationError,
            UpdateIndex("by-city"),
            INVALID + "The only Updates for index: by-city when TableThroughputMode is PAY_PER_REQUEST can "
            "be to OnDemandThroughput, WarmThroughput",
        ),
    ],
)
def test_what_does_not_fit_the_table_is_refused(kind, asked, message):
    assert refusal(kind, PLAIN, asked) == message


def test_a_provisioned_table_wants_units_for_its_indexes():
    assert refusal(ValidationError, PROVISIONED, new_index()) == (
        INVALID + "ProvisionedThroughput must be specified for index: new"
    )
    made = indexed(PROVISIONED, new_index(provisioned_throughput=ProvisionedThroughput(1, 2)))
    assert made.indexes[1].throughput == Throughput(1, 2)
    active = made.with_index(dataclasses.replace(made.indexes[1], status="ACTIVE"))
    assert "for the index new will not change" in refusal(
        ValidationError, active, UpdateIndex("new", ProvisionedThroughput(1, 2))
    )
    raised = indexed(active, UpdateIndex("new", ProvisionedThroughput(3, 2)), delay_ms=500).indexes[1]
    assert (raised.throughput.read_units, raised.status) == (3, "UPDATING")


def test_the_service_makes_one_index_at_a_time_and_we_several():
    changes = (new_index("one"), DeleteIndex("by-city"))
    expected = (
        "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table"
    )
    assert refusal(LimitExceeded, PLAIN, *changes) == expected
    assert refusal(LimitExceeded, with_by_city(CREATING), new_index()) == expected
    assert [index.name for index in indexed(PLAIN, *changes, profile=OPEN).indexes] == ["local", "one"]


def test_a_table_has_at_most_twenty_global_indexes():
    full = dataclasses.replace(
        PLAIN,
        indexes=tuple(dataclasses.replace(BY_CITY, number=n, name=f"index-{n}") for n in range(1, 21)),
    )
    assert refusal(LimitExceeded, full, new_index()) == (
        "Subscriber limit exceeded: Number of global secondary indexes exceeds per-table limit of 20"
    )


def test_index_numbers_come_to_an_end():
    old = dataclasses.replace(PLAIN, next_index_number=0x1_0000)
    assert "as many indexes as it ever can" in refusal(LimitExceeded, old, new_index())


def test_all_indexes_together_include_at_most_a_hundred_names():
    names = tuple(f"name-{number}" for number in range(100))
    full = with_by_city(dataclasses.replace(BY_CITY, projection_type="INCLUDE", non_key_attributes=names))
    more = new_index()
    more.index = dataclasses.replace(more.index, projection=Projection("INCLUDE", ("one",)))
    assert "per-table limit of 100" in refusal(ValidationError, full, more)
