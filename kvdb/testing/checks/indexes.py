"""Local and global indexes: what is in them, how they are read, made later and dropped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kvdb.api.items import Query
from kvdb.client.sync import Client
from kvdb.client.sync_table import Table
from kvdb.client.table_requests import GlobalIndex, Index, LocalIndex
from kvdb.errors import ResourceNotFound, UniqueViolation, ValidationError
from kvdb.expr.builder import Attr, Key
from kvdb.testing.checks.airports import AEY, CPH, KEF, RKV, Check, airports, key_of, raised

ICELAND = Key("country").eq("IS")
BY_HEIGHT = LocalIndex("by-height", ("elevation", "N"))
BY_NAME = GlobalIndex("by-name", ("name", "S"))


def indexed(
    client: Client, *indexes: Index, items: Iterable[Mapping[str, object]] = (KEF, RKV, AEY, CPH)
) -> Table:
    """The airports, with indexes from the start."""
    table = client.create_table("airports", key=("country", "S"), sort=("icao", "S"), indexes=indexes)
    for item in items:
        table.put(item)
    return table


def a_local_index_orders_a_partition_anew(client: Client) -> None:
    table = indexed(client, BY_HEIGHT)
    assert list(table.query(ICELAND, index="by-height")) == [AEY, RKV, KEF]
    assert list(table.query(ICELAND & Key("elevation").gt(40), index="by-height", reverse=True)) == [KEF, RKV]
    assert list(table.query(ICELAND, index="by-height", consistent=True)) == [AEY, RKV, KEF]


def a_global_index_has_a_key_of_its_own(client: Client) -> None:
    table = indexed(client, GlobalIndex("by-name", ("name", "S"), ("elevation", "N")))
    table.put({"country": "XX", "icao": "1", "name": "Kastrup", "elevation": -3})
    found = list(table.query(Key("name").eq("Kastrup"), index="by-name"))
    assert [item["elevation"] for item in found] == [-3, 17]
    assert list(table.query(Key("name").eq("Kastrup") & Key("elevation").gte(0), index="by-name")) == [CPH]


def items_without_the_index_key_are_not_in_it(client: Client) -> None:
    bare = {"country": "IS", "icao": "BIXX"}
    table = indexed(client, BY_HEIGHT, BY_NAME, items=(KEF, bare))
    assert list(table.scan(index="by-height")) == [KEF]
    assert list(table.scan(index="by-name")) == [KEF]
    assert table.count() == 2


def an_index_holds_what_its_projection_says(client: Client) -> None:
    table = indexed(
        client,
        LocalIndex("keys", ("elevation", "N"), projection="KEYS_ONLY"),
        GlobalIndex("some", ("name", "S"), projection=["runways"]),
        items=({**KEF, "runways": 2, "city": "x"},),
    )
    assert list(table.scan(index="keys")) == [{**key_of(KEF), "elevation": 171}]
    assert list(table.scan(index="some")) == [{**key_of(KEF), "name": "Keflavik", "runways": 2}]


def a_local_index_fetches_what_it_does_not_hold(client: Client) -> None:
    table = indexed(client, LocalIndex("keys", ("elevation", "N"), projection="KEYS_ONLY"))
    assert list(table.query(ICELAND, index="keys", select="ALL_ATTRIBUTES")) == [AEY, RKV, KEF]
    names = table.query(ICELAND, index="keys", projection="#n", names={"#n": "name"})
    assert [item["name"] for item in names] == ["Akureyri", "Reykjavik", "Keflavik"]


def a_global_index_does_not_fetch(client: Client) -> None:
    table = indexed(client, GlobalIndex("keys", ("name", "S"), projection="KEYS_ONLY"))
    named = Key("name").eq("Kastrup")
    error = raised(ValidationError, lambda: list(table.query(named, index="keys", select="ALL_ATTRIBUTES")))
    assert "Select type ALL_ATTRIBUTES is not supported for global secondary index" in error.message
    error = raised(ValidationError, lambda: list(table.query(named, index="keys", projection="elevation")))
    assert "Global secondary index keys does not project [elevation]" in error.message


def a_global_index_is_not_read_consistently_under_the_services_limits(client: Client) -> None:
    table = indexed(client, BY_NAME)
    named = Key("name").eq("Kastrup")
    error = raised(ValidationError, lambda: list(table.query(named, index="by-name", consistent=True)))
    assert error.message == "Consistent reads are not supported on global secondary indexes"


def a_write_moves_its_item_in_every_index(client: Client) -> None:
    table = indexed(client, BY_HEIGHT, BY_NAME)
    table.update(
        key_of(KEF), "SET elevation = :e, #n = :n", names={"#n": "name"}, values={":e": 1, ":n": "K"}
    )
    assert [item["icao"] for item in table.query(ICELAND, index="by-height")] == ["BIKF", "BIAR", "BIRK"]
    assert list(table.query(Key("name").eq("Keflavik"), index="by-name")) == []
    assert list(table.query(Key("name").eq("K"), index="by-name")) == [{**KEF, "elevation": 1, "name": "K"}]
    table.update(key_of(KEF), "REMOVE elevation")
    assert [item["icao"] for item in table.query(ICELAND, index="by-height")] == ["BIAR", "BIRK"]
    table.delete(key_of(KEF))
    assert table.count(index="by-name") == 3


def an_index_of_several_attributes_is_read_from_the_left(client: Client) -> None:
    table = indexed(
        client,
        GlobalIndex("deep", [("name", "S"), ("kind", "S")], [("elevation", "N"), ("icao", "S")]),
        items=[{**KEF, "icao": f"{n}", "kind": "x", "elevation": n // 2} for n in range(6)],
    )
    partition = Key("name").eq("Keflavik") & Key("kind").eq("x")
    found = table.query(partition & Key("elevation").eq(1) & Key("icao").gt("2"), index="deep")
    assert [item["icao"] for item in found] == ["3"]
    assert table.count(partition & Key("elevation").gte(1), index="deep") == 4
    raised(ValidationError, lambda: list(table.query(Key("name").eq("Keflavik"), index="deep")))
    raised(ValidationError, lambda: list(table.query(partition & Key("icao").eq("2"), index="deep")))


def pages_of_an_index_go_on_where_they_ended(client: Client) -> None:
    items = [{**KEF, "icao": f"{n:02}", "elevation": n % 3} for n in range(20)]
    table = indexed(client, BY_HEIGHT, BY_NAME, items=items)
    first = table.query_page(Key("name").eq("Keflavik"), index="by-name", limit=7)
    assert set(first.last_evaluated_key or ()) == {"country", "icao", "name"}
    assert len(list(table.query(Key("name").eq("Keflavik"), index="by-name", page_size=3))) == 20
    ordered = [item["elevation"] for item in table.query(ICELAND, index="by-height", page_size=3)]
    assert ordered == sorted(item["elevation"] for item in items)  # type: ignore[type-var]
    assert len(list(table.scan(index="by-height", page_size=6))) == 20


def an_index_is_filtered_and_counted(client: Client) -> None:
    table = indexed(client, BY_HEIGHT, BY_NAME)
    assert list(table.query(ICELAND, index="by-height", filter=Attr("name").begins_with("K"))) == [KEF]
    assert table.count(ICELAND, index="by-height") == 3
    assert table.count(index="by-name", filter=Attr("elevation").lt(20)) == 2


def an_index_key_of_the_wrong_type_is_refused(client: Client) -> None:
    table = indexed(client, BY_HEIGHT, items=(KEF,))
    error = raised(ValidationError, lambda: table.put({**KEF, "elevation": "high"}))
    assert "Type mismatch for Index Key elevation Expected: N Actual: S IndexName: by-height" in error.message
    raised(ValidationError, lambda: table.update(key_of(KEF), "SET elevation = :e", values={":e": "high"}))
    assert table.get(key_of(KEF)) == KEF


def an_unknown_index_is_named(client: Client) -> None:
    table = airports(client, KEF)
    error = raised(ValidationError, lambda: list(table.query(ICELAND, index="nothing")))
    assert error.message == "The table does not have the specified index: nothing"


def an_index_made_later_has_the_items_of_before(client: Client) -> None:
    table = airports(client, KEF, RKV, AEY, CPH, {"country": "ZZ", "icao": "Z", "name": 5})
    description = table.add_index(BY_NAME)
    (index,) = description.global_secondary_indexes
    assert (index.index_name, index.index_status, index.is_backfilling) == ("by-name", "ACTIVE", None)
    assert list(table.query(Key("name").eq("Kastrup"), index="by-name")) == [CPH]
    assert table.count(index="by-name") == 4
    raised(ValidationError, lambda: table.put({"country": "ZZ", "icao": "Y", "name": 5}))


def an_index_can_be_dropped_and_made_again(client: Client) -> None:
    table = indexed(client, BY_NAME)
    assert table.drop_index("by-name").global_secondary_indexes == ()
    raised(ValidationError, lambda: list(table.scan(index="by-name")))
    table.add_index(GlobalIndex("by-name", ("elevation", "N")))
    assert list(table.query(Key("elevation").eq(17), index="by-name")) == [CPH]
    raised(ResourceNotFound, lambda: table.drop_index("nothing"))


def indexes_are_described(client: Client) -> None:
    table = indexed(client, BY_HEIGHT, GlobalIndex("by-name", ("name", "S"), projection=["elevation"]))
    described = table.describe()
    (local,), (of_all,) = described.local_secondary_indexes, described.global_secondary_indexes
    assert (local.index_name, local.projection.projection_type) == ("by-height", "ALL")
    assert [(key.attribute_name, key.key_type) for key in local.key_schema] == [
        ("country", "HASH"),
        ("elevation", "RANGE"),
    ]
    assert (of_all.projection.projection_type, of_all.projection.non_key_attributes) == (
        "INCLUDE",
        ("elevation",),
    )
    assert of_all.index_arn == f"{described.table_arn}/index/by-name"
    assert {d.attribute_name: d.attribute_type for d in described.attribute_definitions} == {
        "country": "S",
        "icao": "S",
        "elevation": "N",
        "name": "S",
    }


def a_filter_may_not_name_the_key_of_the_index_it_reads(client: Client) -> None:
    table = indexed(client, BY_NAME)
    named = Key("name").eq("Kastrup")
    error = raised(
        ValidationError, lambda: list(table.query(named, index="by-name", filter=Attr("name").eq("x")))
    )
    assert "Filter Expression can only contain non-primary key attributes" in error.message
    assert list(table.query(named, index="by-name", filter=Attr("icao").eq("EKCH"))) == [CPH]


def a_unique_index_takes_a_key_once(client: Client) -> None:
    table = indexed(client, GlobalIndex("by-name", ("name", "S"), unique=True), items=(KEF, RKV))
    raised(UniqueViolation, lambda: table.put({**AEY, "name": "Keflavik"}))
    raised(
        UniqueViolation,
        lambda: table.update(key_of(RKV), "SET #n = :n", names={"#n": "name"}, values={":n": "Keflavik"}),
    )
    table.put({**KEF, "elevation": 1})
    table.delete(key_of(KEF))
    table.put({**AEY, "name": "Keflavik"})
    assert table.count(index="by-name") == 2


def a_start_key_of_an_index_has_all_its_keys(client: Client) -> None:
    table = indexed(client, BY_NAME)
    request = Query(
        "airports",
        "#n = :n",
        expression_attribute_names={"#n": "name"},
        expression_attribute_values={":n": "Kastrup"},
        index_name="by-name",
        exclusive_start_key=key_of(CPH),
    )
    assert (
        "The provided starting key is invalid"
        in raised(ValidationError, lambda: client.call(request)).message
    )
    assert list(table.query(Key("name").eq("Kastrup"), index="by-name")) == [CPH]


CHECKS: tuple[Check, ...] = (
    a_local_index_orders_a_partition_anew,
    a_global_index_has_a_key_of_its_own,
    items_without_the_index_key_are_not_in_it,
    an_index_holds_what_its_projection_says,
    a_local_index_fetches_what_it_does_not_hold,
    a_global_index_does_not_fetch,
    a_global_index_is_not_read_consistently_under_the_services_limits,
    a_write_moves_its_item_in_every_index,
    an_index_of_several_attributes_is_read_from_the_left,
    pages_of_an_index_go_on_where_they_ended,
    an_index_is_filtered_and_counted,
    an_index_key_of_the_wrong_type_is_refused,
    an_unknown_index_is_named,
    an_index_made_later_has_the_items_of_before,
    an_index_can_be_dropped_and_made_again,
    indexes_are_described,
    a_filter_may_not_name_the_key_of_the_index_it_reads,
    a_unique_index_takes_a_key_once,
    a_start_key_of_an_index_has_all_its_keys,
)
NATIVE: tuple[Check, ...] = (a_unique_index_takes_a_key_once,)
