from __future__ import annotations

import dataclasses

import pytest

import kvdb
from kvdb import limits
from kvdb.api.items import Page, PutItem, Query
from kvdb.database.database import Database
from kvdb.errors import ResourceNotFound, ValidationError
from kvdb.item.value import normalise_item
from kvdb.table.page import BRIEF_BYTES_MAX, BRIEF_ROWS_MAX
from kvdb.table.query import run_brief_query, run_query
from kvdb.table.writer import run
from tests.support.builders import AIRPORTS, Floor, open_floor, table_request

CODES = ["BIAR", "BIEG", "BIKF", "BIRK", "BIVM"]


def put(floor: Floor, item: dict[str, object], table: str = "airports") -> None:
    run(floor.writer.put_item(PutItem(table, item)), floor.engine, floor.latches)


@pytest.fixture
def floor() -> Floor:
    floor = open_floor()
    floor.create(AIRPORTS)
    for place, icao in enumerate(CODES):
        put(floor, {"country": "IS", "icao": icao, "elevation": place * 10})
    put(floor, {"country": "GB", "icao": "EGLL", "elevation": 80})
    return floor


def query(floor: Floor, condition: str = "country = :c", **fields: object) -> Page:
    values = {":c": "IS", **fields.pop("values", {})}  # type: ignore[dict-item]
    request = Query("airports", condition, expression_attribute_values=values, **fields)  # type: ignore[arg-type]
    return run_query(floor.catalog, floor.engine, request)


def codes(page: Page) -> list[object]:
    return [item["icao"] for item in page.items]


def refusal_of(floor: Floor, *arguments: str, **fields: object) -> str:
    with pytest.raises(ValidationError) as refused:
        query(floor, *arguments, **fields)
    return str(refused.value)


def test_a_query_gives_one_partition_in_sort_key_order(floor):
    page = query(floor)
    assert codes(page) == CODES
    assert (page.count, page.scanned_count, page.last_evaluated_key) == (5, 5, None)


def test_a_reverse_query_gives_the_same_backwards(floor):
    assert codes(query(floor, scan_index_forward=False)) == CODES[::-1]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("icao = :i", ["BIKF"]),
        ("icao < :i", ["BIAR", "BIEG"]),
        ("icao <= :i", ["BIAR", "BIEG", "BIKF"]),
        ("icao > :i", ["BIRK", "BIVM"]),
        ("icao >= :i", ["BIKF", "BIRK", "BIVM"]),
        ("icao BETWEEN :b AND :i", ["BIEG", "BIKF"]),
        ("begins_with(icao, :b)", ["BIEG"]),
    ],
)
@pytest.mark.parametrize("forward", [True, False])
def test_every_sort_key_comparison_picks_its_rows(floor, condition, expected, forward):
    values = {name: value for name, value in ((":i", "BIKF"), (":b", "BIE")) if name in condition}
    page = query(floor, f"country = :c AND {condition}", values=values, scan_index_forward=forward)
    assert codes(page) == (expected if forward else expected[::-1])


def test_an_empty_range_gives_an_empty_last_page(floor):
    page = query(floor, "country = :c AND icao < :i", values={":i": "A"})
    assert page == Page([], 0, 0)


def test_an_unknown_partition_gives_an_empty_last_page(floor):
    assert query(floor, values={":c": "XX"}) == Page([], 0, 0)


def test_the_limit_counts_items_evaluated_and_the_filter_chooses_from_them(floor):
    page = query(floor, limit=3, filter_expression="elevation >= :e", values={":e": 20})
    assert codes(page) == ["BIKF"]
    assert (page.count, page.scanned_count) == (1, 3)
    assert page.last_evaluated_key == {"country": "IS", "icao": "BIKF"}


def test_a_page_may_be_empty_and_not_the_last(floor):
    page = query(floor, limit=2, filter_expression="elevation > :e", values={":e": 1000})
    assert (page.items, page.count, page.scanned_count) == ([], 0, 2)
    assert page.last_evaluated_key == {"country": "IS", "icao": "BIEG"}


def test_a_limit_reached_at_the_very_end_still_gives_a_last_evaluated_key(floor):
    assert query(floor, limit=5).last_evaluated_key == {"country": "IS", "icao": "BIVM"}
    assert query(floor, limit=6).last_evaluated_key is None


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("limit", [1, 2, 5])
def test_pages_walk_the_whole_partition_once(floor, forward, limit):
    found: list[object] = []
    start = None
    for _ in range(len(CODES) + 1):
        page = query(floor, limit=limit, exclusive_start_key=start, scan_index_forward=forward)
        found += codes(page)
        start = page.last_evaluated_key
        if start is None:
            break
    assert found == (CODES if forward else CODES[::-1])


def test_a_start_key_need_not_exist(floor):
    assert codes(query(floor, exclusive_start_key={"country": "IS", "icao": "BIK"})) == CODES[2:]


def test_a_page_ends_when_its_items_have_reached_a_mebibyte(floor):
    filler = "x" * 100_000
    for number in range(12):
        put(floor, {"country": "DE", "icao": f"ED{number:02}", "filler": filler})
    size = normalise_item({"country": "DE", "icao": "ED00", "filler": filler})[1]
    fits = -(-limits.PAGE_BYTES_MAX // size)
    page = query(floor, values={":c": "DE"})
    assert page.count == fits == 11
    assert page.last_evaluated_key == {"country": "DE", "icao": "ED10"}
    rest = query(floor, values={":c": "DE"}, exclusive_start_key=page.last_evaluated_key)
    assert (codes(rest), rest.last_evaluated_key) == (["ED11"], None)


def test_a_page_that_reaches_a_mebibyte_with_its_last_item_still_gives_a_key(floor):
    filler = "x" * (limits.PAGE_BYTES_MAX // 4)
    for number in range(4):
        put(floor, {"country": "DE", "icao": f"ED{number:02}", "filler": filler})
    page = query(floor, values={":c": "DE"}, select="COUNT")
    assert (page.items, page.count) == ([], 4)
    assert page.last_evaluated_key == {"country": "DE", "icao": "ED03"}


def test_count_counts_what_passes_the_filter_and_gives_no_items(floor):
    page = query(floor, select="COUNT")
    assert (page.items, page.count, page.scanned_count) == ([], 5, 5)
    page = query(floor, select="COUNT", filter_expression="elevation > :e", values={":e": 20}, limit=4)
    assert (page.items, page.count, page.scanned_count) == ([], 1, 4)
    assert page.last_evaluated_key == {"country": "IS", "icao": "BIRK"}


def test_a_projection_leaves_the_last_evaluated_key_whole(floor):
    page = query(floor, projection_expression="elevation", limit=1)
    assert page.items == [{"elevation": 0}]
    assert page.last_evaluated_key == {"country": "IS", "icao": "BIAR"}


@pytest.mark.parametrize("name", ["country", "icao"])
def test_a_filter_may_not_name_a_key_attribute(floor, name):
    assert refusal_of(floor, filter_expression=f"{name} = :x", values={":x": "1"}) == (
        f"Filter Expression can only contain non-primary key attributes: Primary key attribute: {name}"
    )


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ({"country": "IS"}, "The provided starting key is invalid"),
        ({"country": "IS", "icao": "B", "x": 1}, "The provided starting key is invalid"),
        (
            {"country": "IS", "icao": 5},
            "The provided starting key is invalid: The provided key element does not match the schema",
        ),
        (
            {"country": "IS", "x": "B"},
            "The provided starting key is invalid: The provided key element does not match the schema",
        ),
        (
            {"country": "GB", "icao": "EGLL"},
            "The provided starting key is outside query boundaries based on provided conditions",
        ),
    ],
)
def test_a_start_key_belongs_to_table_and_partition(floor, start, message):
    assert refusal_of(floor, exclusive_start_key=start) == message


def test_a_start_key_satisfies_the_sort_key_comparison(floor):
    refusal = refusal_of(
        floor,
        "country = :c AND icao > :i",
        values={":i": "BIKF"},
        exclusive_start_key={"country": "IS", "icao": "BIAR"},
    )
    assert refusal == "The provided starting key does not match the range key predicate"


def test_a_condition_value_of_another_type_is_refused(floor):
    message = "One or more parameter values were invalid: Condition parameter type does not match schema type"
    assert refusal_of(floor, values={":c": 5}) == message
    assert refusal_of(floor, "country = :c AND icao > :i", values={":i": 5}) == message


def test_an_empty_condition_value_is_refused(floor):
    assert refusal_of(floor, values={":c": ""}).endswith("cannot contain an empty string value. Key: country")


def test_unused_values_are_refused(floor):
    assert "unused" in refusal_of(floor, values={":x": 1})


def test_a_malformed_filter_comes_before_an_unknown_table(floor):
    request = Query("absent", "country = :c", filter_expression="x =", expression_attribute_values={":c": 1})
    with pytest.raises(ValidationError, match=r"^Invalid FilterExpression: "):
        run_query(floor.catalog, floor.engine, request)
    request = Query("absent", "country = :c", expression_attribute_values={":c": 1})
    with pytest.raises(ResourceNotFound):
        run_query(floor.catalog, floor.engine, request)


def test_a_table_without_sort_key_has_one_row_a_partition(floor):
    floor.create(table_request("countries"))
    put(floor, {"country": "IS", "name": "Iceland"}, "countries")
    request = Query("countries", "country = :c", expression_attribute_values={":c": "IS"}, limit=1)
    page = run_query(floor.catalog, floor.engine, request)
    assert page.items == [{"country": "IS", "name": "Iceland"}]
    assert page.last_evaluated_key == {"country": "IS"}
    request.exclusive_start_key = page.last_evaluated_key
    assert run_query(floor.catalog, floor.engine, request) == Page([], 0, 0)


def brief(floor: Floor, **fields: object) -> Page | None:
    request = Query("airports", "country = :c", expression_attribute_values={":c": "IS"}, **fields)  # type: ignore[arg-type]
    return run_brief_query(floor.catalog, floor.engine, request, profile=limits.AWS)


def test_a_brief_query_is_answered_as_any_other(floor):
    assert brief(floor) == query(floor)
    assert brief(floor, limit=2, scan_index_forward=False) == query(floor, limit=2, scan_index_forward=False)
    assert brief(floor, filter_expression="attribute_exists(nothing)") == query(
        floor, filter_expression="attribute_exists(nothing)"
    )


def test_a_query_of_many_rows_is_not_brief(floor):
    for number in range(BRIEF_ROWS_MAX):
        put(floor, {"country": "IS", "icao": f"X{number:03}"})
    assert brief(floor) is None
    assert brief(floor, select="COUNT") is None
    assert brief(floor, limit=BRIEF_ROWS_MAX + 1) is None
    assert brief(floor, limit=BRIEF_ROWS_MAX) == query(floor, limit=BRIEF_ROWS_MAX)


def test_a_query_of_many_bytes_is_not_brief(floor):
    put(floor, {"country": "IS", "icao": "A", "filler": "x" * BRIEF_BYTES_MAX})
    assert brief(floor) is None
    assert brief(floor, limit=1) == query(floor, limit=1)


def test_a_query_that_was_too_long_to_be_brief_is_charged_nothing() -> None:
    with kvdb.open(":memory:") as db:
        table = db.create_table("airports", ("country", "S"), ("icao", "S"), billing=kvdb.Provisioned(1, 300))
        for number in range(5):
            table.put({"country": "IS", "icao": str(number), "filler": "x" * 50_000})
        database: Database = db._transport._database  # type: ignore[attr-defined]
        request = Query("airports", "country = :c", expression_attribute_values={":c": "IS"})
        # Of 300 units in the bucket each would take 13.
        for _ in range(30):
            assert database.call_briefly(request) is None
        assert table.count(kvdb.Key("country").eq("IS")) == 5


def test_a_query_that_fetches_is_not_brief() -> None:
    with kvdb.open(":memory:") as db:
        local = kvdb.LocalIndex("keys", ("elevation", "N"), projection="KEYS_ONLY")
        table = db.create_table("airports", ("country", "S"), ("icao", "S"), indexes=[local])
        table.put({"country": "IS", "icao": "BIKF", "elevation": 1, "name": "x"})
        database: Database = db._transport._database  # type: ignore[attr-defined]
        values = {":c": "IS"}
        plain = Query("airports", "country = :c", expression_attribute_values=values, index_name="keys")
        fetching = dataclasses.replace(plain, select="ALL_ATTRIBUTES")
        assert database.call_briefly(plain) == database.call(plain)
        assert database.call_briefly(fetching) is None
        assert database.call_briefly(dataclasses.replace(plain, as_of_seqno=1)) is None
