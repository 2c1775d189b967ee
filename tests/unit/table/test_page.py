"""Query and Scan of indexes: what they give, what they refuse, what they cost."""

from __future__ import annotations

import pytest

from kvdb import limits
from kvdb.api.items import Capacity, ConsumedCapacity, DeleteItem, GetItem, Page, PutItem, Query, Scan
from kvdb.errors import CorruptionError, ValidationError
from kvdb.limits import AWS, OPEN, LimitsProfile
from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.engine import Snapshot
from kvdb.table.query import run_query
from kvdb.table.reader import get_item
from kvdb.table.scan import run_scan
from kvdb.table.writer import run
from tests.support.builders import Floor, open_floor
from tests.support.indexes import index, indexed_table

BY_CITY = index("by-city", "country", ranges=("city",), keeps="KEYS_ONLY")
BY_HEIGHT = index("by-height", "kind", ranges=("height",), keeps=("city",))
CITIES = {"BIKF": "Keflavik", "BIRK": "Reykjavik", "BIAR": "Akureyri", "BIEG": "Egilsstadir"}


def airport(icao: str, city: str, height: int, **more: object) -> dict[str, object]:
    item = {"country": "IS", "icao": icao, "city": city, "kind": "large", "height": height}
    return {**item, "note": "windy", **more}


@pytest.fixture
def floor() -> Floor:
    floor = open_floor()
    attributes = (("city", "S"), ("kind", "S"), ("height", "N"))
    floor.create(
        indexed_table(
            "airports", ("country", "S"), ("icao", "S"), *attributes, local=[BY_CITY], across=[BY_HEIGHT]
        )
    )
    for height, (icao, city) in enumerate(CITIES.items()):
        put(floor, airport(icao, city, height * 10))
    return floor


def put(floor: Floor, item: dict[str, object]) -> None:
    run(floor.writer.put_item(PutItem("airports", item)), floor.engine, floor.latches)


def by_city(
    floor: Floor, condition: str = "country = :c", *, at: Snapshot | None = None, **fields: object
) -> Page:
    values = {":c": "IS", **fields.pop("values", {})}  # type: ignore[dict-item]
    request = Query("airports", condition, index_name="by-city", expression_attribute_values=values, **fields)  # type: ignore[arg-type]
    return run_query(floor.catalog, floor.engine, request, at=at)


def by_height(
    floor: Floor, condition: str = "kind = :k", profile: LimitsProfile = AWS, **fields: object
) -> Page:
    values = {":k": "large", **fields.pop("values", {})}  # type: ignore[dict-item]
    request = Query(
        "airports",
        condition,
        index_name="by-height",
        expression_attribute_values=values,
        **fields,  # type: ignore[arg-type]
    )
    return run_query(floor.catalog, floor.engine, request, profile=profile)


def scan(floor: Floor, name: str, **fields: object) -> Page:
    return run_scan(floor.catalog, floor.engine, Scan("airports", index_name=name, **fields))  # type: ignore[arg-type]


def refusal(call, *arguments: object, **fields: object) -> str:
    with pytest.raises(ValidationError) as refused:
        call(*arguments, **fields)
    return refused.value.message


# What an index gives.


def test_a_query_gives_what_the_index_keeps_in_its_own_order(floor):
    page = by_city(floor)
    assert [item["city"] for item in page.items] == sorted(CITIES.values())
    assert all(item.keys() == {"country", "icao", "city"} for item in page.items)
    heights = by_height(floor, "kind = :k AND height > :h", values={":h": 5}, scan_index_forward=False)
    assert [item["height"] for item in heights.items] == [30, 20, 10]
    assert all(item.keys() == {"country", "icao", "kind", "height", "city"} for item in heights.items)


def test_a_scan_gives_the_whole_index_and_its_segments_together(floor):
    put(floor, {"country": "IS", "icao": "none"})
    assert {item["icao"] for item in scan(floor, "by-height").items} == set(CITIES)
    found = [scan(floor, "by-height", segment=n, total_segments=3).items for n in range(3)]
    assert {item["icao"] for items in found for item in items} == set(CITIES)


def test_counting_needs_no_items(floor):
    page = by_height(floor, select="COUNT")
    assert (page.items, page.count, page.scanned_count) == ([], 4, 4)


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("limit", [1, 3, 4])
def test_pages_walk_an_index_by_its_keys_and_the_tables(floor, forward, limit):
    found: list[object] = []
    start = None
    for _ in range(6):
        page = by_height(floor, limit=limit, exclusive_start_key=start, scan_index_forward=forward)
        found += [item["height"] for item in page.items]
        start = page.last_evaluated_key
        if start is None:
            break
        assert start.keys() == {"kind", "height", "country", "icao"}
    assert found == ([0, 10, 20, 30] if forward else [30, 20, 10, 0])


def test_items_with_one_index_key_are_told_apart_by_the_tables(floor):
    for number in range(5):
        put(floor, airport(f"X{number}", "Twin", 99))
    first = by_height(floor, "kind = :k AND height = :h", values={":h": 99}, limit=2)
    assert [item["icao"] for item in first.items] == ["X0", "X1"]
    rest = by_height(
        floor,
        "kind = :k AND height = :h",
        values={":h": 99},
        exclusive_start_key=first.last_evaluated_key,
    )
    assert [item["icao"] for item in rest.items] == ["X2", "X3", "X4"]


def test_a_snapshot_shows_an_index_as_it_was(floor):
    with floor.engine.snapshot() as past:
        put(floor, airport("BIKF", "Moved", 0))
        run(
            floor.writer.delete_item(DeleteItem("airports", {"country": "IS", "icao": "BIRK"})),
            floor.engine,
            floor.latches,
        )
        assert [item["city"] for item in by_city(floor, at=past).items] == sorted(CITIES.values())
        whole = by_city(floor, at=past, select="ALL_ATTRIBUTES")
        assert whole.items == [
            airport(icao, city, list(CITIES).index(icao) * 10)
            for city, icao in sorted((city, icao) for icao, city in CITIES.items())
        ]
    assert [item["city"] for item in by_city(floor).items] == ["Akureyri", "Egilsstadir", "Moved"]


# What is fetched from the table.


def test_a_local_index_fetches_whole_items_or_what_a_projection_names(floor):
    whole = by_city(floor, "country = :c AND city = :x", values={":x": "Keflavik"}, select="ALL_ATTRIBUTES")
    assert whole.items == [airport("BIKF", "Keflavik", 0)]
    some = by_city(
        floor, "country = :c AND city = :x", values={":x": "Keflavik"}, projection_expression="note, city"
    )
    assert some.items == [{"note": "windy", "city": "Keflavik"}]


def test_fetching_costs_a_read_of_each_item_beside_that_of_the_index(floor):
    put(floor, airport("BIVM", "Vestmannaeyjar", 100, filler="x" * 5000))
    page = by_city(floor, select="ALL_ATTRIBUTES", return_consumed_capacity="INDEXES", consistent_read=True)
    assert page.consumed_capacity == ConsumedCapacity(
        "airports",
        1 + 4 + 2,
        table=Capacity(4 + 2),
        local_secondary_indexes={"by-city": Capacity(1)},
    )
    page = by_city(floor, return_consumed_capacity="INDEXES")
    assert page.consumed_capacity == ConsumedCapacity(
        "airports", 0.5, table=Capacity(0), local_secondary_indexes={"by-city": Capacity(0.5)}
    )
    page = by_height(floor, return_consumed_capacity="TOTAL")
    assert page.consumed_capacity == ConsumedCapacity("airports", 0.5)


def test_what_is_fetched_counts_towards_the_page(floor):
    size = limits.ITEM_BYTES_MAX - 1000
    for number in range(4):
        put(floor, airport(f"Y{number}", f"Z{number}", 1, filler="x" * size))
    condition = "country = :c AND begins_with(city, :z)"
    assert by_city(floor, condition, values={":z": "Z"}).count == 4
    page = by_city(floor, condition, values={":z": "Z"}, select="ALL_ATTRIBUTES")
    assert page.count == -(-limits.PAGE_BYTES_MAX // size) == 3
    assert page.last_evaluated_key == {"country": "IS", "icao": "Y2", "city": "Z2"}


def test_an_index_row_without_its_item_is_damage(floor):
    table = floor.catalog.table("airports")
    floor.engine.write(WriteBatch().delete(table.keys.of_key({"country": "IS", "icao": "BIKF"})))
    with pytest.raises(CorruptionError, match="index=by-city"):
        by_city(floor, select="ALL_ATTRIBUTES")


# What is refused.


@pytest.mark.parametrize("read", [scan, lambda floor, name: by_named(floor, name)])
def test_an_unknown_index_is_refused(floor, read):
    assert refusal(read, floor, "other") == "The table does not have the specified index: other"


def by_named(floor: Floor, name: str) -> Page:
    request = Query("airports", "a = :a", index_name=name, expression_attribute_values={":a": 1})
    return run_query(floor.catalog, floor.engine, request)


def test_a_global_index_is_read_consistently_only_where_the_limits_allow_it(floor):
    words = "Consistent reads are not supported on global secondary indexes"
    assert refusal(by_height, floor, consistent_read=True) == words
    assert refusal(scan, floor, "by-height", consistent_read=True) == words
    assert by_height(floor, consistent_read=True, profile=OPEN).count == 4
    assert by_city(floor, consistent_read=True).count == 4


def test_a_global_index_gives_only_what_it_keeps(floor):
    words = (
        "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for "
        "global secondary index by-height because its projection type is not ALL"
    )
    assert refusal(by_height, floor, select="ALL_ATTRIBUTES") == words
    assert refusal(scan, floor, "by-height", select="ALL_ATTRIBUTES") == words
    assert refusal(by_height, floor, projection_expression="city, note, extra.bits") == (
        "One or more parameter values were invalid: Global secondary index by-height "
        "does not project [note, extra]"
    )
    assert by_height(floor, select="ALL_PROJECTED_ATTRIBUTES").count == 4
    assert by_height(floor, projection_expression="city", limit=1).items == [{"city": "Keflavik"}]


@pytest.mark.parametrize(("read", "name"), [(by_city, "by-city"), (by_height, "by-height")])
def test_a_query_filters_by_what_the_index_keeps(floor, read, name):
    fields = {"filter_expression": "note = :n", "values": {":n": "windy"}}
    assert refusal(read, floor, **fields) == (
        f"One or more parameter values were invalid: Secondary index {name} "
        "does not project one or more filter attributes: [note]"
    )


def test_a_scan_filters_by_nothing_where_the_index_keeps_nothing(floor):
    page = scan(floor, "by-height", filter_expression="attribute_exists(note)")
    assert (page.count, page.scanned_count) == (0, 4)


def test_a_filter_may_name_the_tables_key_but_not_the_indexs(floor):
    page = by_height(floor, filter_expression="icao = :i", values={":i": "BIKF"})
    assert page.count == 1
    assert refusal(by_height, floor, filter_expression="height = :h", values={":h": 1}) == (
        "Filter Expression can only contain non-primary key attributes: Primary key attribute: height"
    )


START = {"kind": "large", "height": 0, "country": "IS", "icao": "BIKF"}


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ({"country": "IS", "icao": "BIKF"}, "The provided starting key is invalid"),
        ({**START, "height": "0"}, "The provided key element does not match the schema"),
        (
            {**START, "icao": 5},
            "The provided starting key is invalid: The provided key element does not match the schema",
        ),
        (
            {**START, "kind": "small"},
            "The provided starting key is outside query boundaries based on provided conditions",
        ),
    ],
)
def test_a_start_key_of_an_index_has_its_keys_and_the_tables(floor, start, message):
    assert refusal(by_height, floor, exclusive_start_key=start) == message


def test_a_scan_of_an_index_wants_a_whole_start_key(floor):
    message = "The provided starting key is invalid"
    assert refusal(scan, floor, "by-height", exclusive_start_key={"kind": "large"}) == message


def test_values_of_a_condition_have_the_types_of_the_index_keys(floor):
    message = "One or more parameter values were invalid: Condition parameter type does not match schema type"
    assert refusal(by_height, floor, values={":k": 1}) == message
    assert "IndexName: by-height, IndexKey: kind" in refusal(by_height, floor, values={":k": ""})


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"projection_expression": "country.inside"}, "Key: country"),
        ({"projection_expression": "city[0]"}, "IndexKey: city"),
        ({"filter_expression": "attribute_exists(height.inside)"}, "IndexKey: height"),
    ],
)
def test_no_expression_looks_into_a_key_attribute(floor, fields, where):
    words = (
        "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: " + where
    )
    request = Query("airports", "country = :c", expression_attribute_values={":c": "IS"}, **fields)
    assert refusal(run_query, floor.catalog, floor.engine, request) == words
    assert refusal(run_scan, floor.catalog, floor.engine, Scan("airports", **fields)) == words
    if "projection_expression" in fields:
        get = GetItem("airports", {"country": "IS", "icao": "BIKF"}, **fields)
        assert refusal(get_item, floor.catalog, floor.engine, get) == words
