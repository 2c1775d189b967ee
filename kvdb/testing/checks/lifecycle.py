"""The life of a table: settings, protection, time to live, tags, limits, its other name."""

from __future__ import annotations

from kvdb.api.items import GetItem, GetItemResult
from kvdb.api.tables import (
    BillingModeSummary,
    DescribeLimits,
    DescribeLimitsResult,
    DescribeTimeToLive,
    DescribeTimeToLiveResult,
    ListTables,
    ListTablesResult,
    OnDemandThroughput,
    UpdateTable,
)
from kvdb.client.sync import Client
from kvdb.client.table_requests import GlobalIndex, OnDemand, Provisioned
from kvdb.errors import ResourceNotFound, ValidationError
from kvdb.testing.checks.airports import KEF, Check, airports, key_of, raised


def a_table_is_made_with_all_its_settings(client: Client) -> None:
    table = client.create_table(
        "airports",
        key=("country", "S"),
        sort=("icao", "S"),
        indexes=[GlobalIndex("by-name", ("name", "S"), billing=Provisioned(3, 4))],
        billing=Provisioned(1, 2),
        ttl="gone_at",
        tags={"team": "maps"},
        deletion_protection=True,
    )
    described = table.describe()
    throughput = described.provisioned_throughput
    assert (throughput.read_capacity_units, throughput.write_capacity_units) == (1, 2)
    of_index = described.global_secondary_indexes[0].provisioned_throughput
    assert of_index is not None
    assert (of_index.read_capacity_units, of_index.write_capacity_units) == (3, 4)
    assert described.deletion_protection_enabled
    assert (table.ttl(), table.tags()) == ("gone_at", {"team": "maps"})


def billing_is_switched_and_described(client: Client) -> None:
    table = airports(client)
    summary = table.describe().billing_mode_summary
    assert summary is not None
    assert summary.billing_mode == "PAY_PER_REQUEST"
    described = table.update_table(billing=Provisioned(5, 6))
    assert described.provisioned_throughput.read_capacity_units == 5
    described = table.update_table(billing=OnDemand(reads_max=7, writes_max=8))
    assert isinstance(described.billing_mode_summary, BillingModeSummary)
    assert described.billing_mode_summary.billing_mode == "PAY_PER_REQUEST"
    assert described.on_demand_throughput == OnDemandThroughput(7, 8)
    assert described.provisioned_throughput.read_capacity_units == 0


def a_protected_table_is_not_deleted(client: Client) -> None:
    table = client.create_table("airports", ("country", "S"), ("icao", "S"), deletion_protection=True)
    table.put(KEF)
    error = raised(ValidationError, lambda: client.delete_table("airports"))
    assert "deletion protection" in error.message
    assert table.get(key_of(KEF)) == KEF
    table.update_table(deletion_protection=False)
    client.delete_table("airports")
    assert client.tables() == []


def an_update_of_nothing_is_refused(client: Client) -> None:
    airports(client)
    error = raised(ValidationError, lambda: client.call(UpdateTable("airports")))
    assert "At least one of" in error.message
    raised(ResourceNotFound, lambda: client.table("nowhere").update_table(deletion_protection=True))


def time_to_live_is_enabled_described_and_not_changed_twice_an_hour(client: Client) -> None:
    table = airports(client)
    assert client.call(DescribeTimeToLive("airports")) == DescribeTimeToLiveResult("DISABLED")
    raised(ValidationError, table.disable_ttl)
    table.enable_ttl("gone_at")
    assert client.call(DescribeTimeToLive("airports")) == DescribeTimeToLiveResult("ENABLED", "gone_at")
    error = raised(ValidationError, lambda: table.enable_ttl("gone_at"))
    assert error.message == "TimeToLive is already enabled"
    error = raised(ValidationError, table.disable_ttl)
    assert "Time to live has been modified multiple times within a fixed interval" in error.message
    assert table.ttl() == "gone_at"


def an_item_past_its_time_is_served_until_it_is_swept(client: Client) -> None:
    table = airports(client)
    table.enable_ttl("gone_at")
    # Past by more than five years, so that it never goes.
    table.put({**KEF, "gone_at": 1})
    table.put({**KEF, "icao": "later", "gone_at": 4_000_000_000})
    assert table.get(key_of(KEF)) == {**KEF, "gone_at": 1}
    assert table.count() == 2


def tags_are_set_and_taken_off(client: Client) -> None:
    table = airports(client)
    assert table.tags() == {}
    table.tag({"team": "maps", "stage": "test"})
    table.tag({"stage": ""})
    assert table.tags() == {"team": "maps", "stage": ""}
    table.untag("team", "nothing")
    assert table.tags() == {"stage": ""}
    raised(ValidationError, lambda: table.tag({"k" * 129: "v"}))
    raised(ValidationError, lambda: table.tag({f"k{n}": "" for n in range(50)}))
    raised(ResourceNotFound, client.table("nowhere").tags)


def a_table_goes_by_its_arn_too(client: Client) -> None:
    table = airports(client, KEF)
    arn = table.describe().table_arn
    assert arn.startswith("arn:aws:dynamodb:")
    assert arn.endswith(":table/airports")
    assert client.call(GetItem(arn, key_of(KEF))) == GetItemResult(KEF)
    assert client.table(arn).describe().table_name == "airports"
    raised(ResourceNotFound, lambda: client.table(arn.replace("airports", "nowhere")).describe())


def the_limits_are_told(client: Client) -> None:
    limits = client.call(DescribeLimits())
    assert isinstance(limits, DescribeLimitsResult)
    assert limits.account_max_read_capacity_units == 80_000
    assert limits.table_max_write_capacity_units == 40_000


def names_of_tables_are_listed_a_page_at_a_time(client: Client) -> None:
    for name in ("ccc", "aaa", "bbb"):
        client.create_table(name, key=("id", "S"))
    assert client.call(ListTables(limit=2)) == ListTablesResult(["aaa", "bbb"], "bbb")
    assert client.call(ListTables("bbb", 2)) == ListTablesResult(["ccc"])


CHECKS: tuple[Check, ...] = (
    a_table_is_made_with_all_its_settings,
    billing_is_switched_and_described,
    a_protected_table_is_not_deleted,
    an_update_of_nothing_is_refused,
    time_to_live_is_enabled_described_and_not_changed_twice_an_hour,
    an_item_past_its_time_is_served_until_it_is_swept,
    tags_are_set_and_taken_off,
    a_table_goes_by_its_arn_too,
    the_limits_are_told,
    names_of_tables_are_listed_a_page_at_a_time,
)
