from __future__ import annotations

import pytest

from kvdb.api.items import Page, PutItem, Scan
from kvdb.errors import ResourceNotFound, ValidationError
from kvdb.table.scan import run_scan
from kvdb.table.writer import run
from tests.support.builders import AIRPORTS, Floor, open_floor, table_request

ITEMS = [
    {"country": country, "icao": f"{country}{number}", "elevation": number}
    for country in ("DE", "FR", "GB", "IS", "NO", "SE")
    for number in range(3)
]


@pytest.fixture
def floor() -> Floor:
    floor = open_floor()
    floor.create(AIRPORTS)
    floor.create(table_request("others", sort=("icao", "S")))
    for table in ("airports", "others"):
        for item in ITEMS:
            run(floor.writer.put_item(PutItem(table, item)), floor.engine, floor.latches)
    return floor


def scan(floor: Floor, **fields: object) -> Page:
    return run_scan(floor.catalog, floor.engine, Scan("airports", **fields))  # type: ignore[arg-type]


def walked(floor: Floor, **fields: object) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    start = None
    for _ in range(len(ITEMS) + 1):
        page = scan(floor, exclusive_start_key=start, **fields)
        found += page.items
        start = page.last_evaluated_key
        if start is None:
            return found
    raise AssertionError("the walk does not end")


def by_key(items: list[dict[str, object]]) -> list[dict[str, object]]:
    return sorted(items, key=lambda item: str(item["icao"]))


def refusal_of(floor: Floor, **fields: object) -> str:
    with pytest.raises(ValidationError) as refused:
        scan(floor, **fields)
    return str(refused.value)


def test_a_scan_gives_every_row_of_its_table_once(floor):
    page = scan(floor)
    assert by_key(page.items) == ITEMS
    assert (page.count, page.scanned_count, page.last_evaluated_key) == (18, 18, None)


def test_the_rows_of_a_partition_come_together_in_sort_key_order(floor):
    items = scan(floor).items
    for first in range(0, 18, 3):
        numbers = [item["elevation"] for item in items[first : first + 3]]
        assert len({item["country"] for item in items[first : first + 3]}) == 1
        assert numbers == [0, 1, 2]


@pytest.mark.parametrize("limit", [1, 4, 18])
def test_pages_walk_the_whole_table_once(floor, limit):
    assert by_key(walked(floor, limit=limit)) == ITEMS


def test_a_filter_may_name_key_attributes(floor):
    page = scan(
        floor,
        filter_expression="country = :c AND elevation > :e",
        expression_attribute_values={":c": "IS", ":e": 0},
    )
    assert by_key(page.items) == ITEMS[10:12]
    assert page.scanned_count == 18


def test_filter_projection_and_count_choose_from_what_was_read(floor):
    values = {":e": 1}
    page = scan(floor, filter_expression="elevation > :e", expression_attribute_values=values, select="COUNT")
    assert (page.items, page.count, page.scanned_count) == ([], 6, 18)
    page = scan(floor, projection_expression="elevation", limit=2)
    assert all(item.keys() == {"elevation"} for item in page.items)
    assert page.last_evaluated_key is not None
    assert page.last_evaluated_key.keys() == {"country", "icao"}


@pytest.mark.parametrize("total", [1, 2, 3, 5, 1000])
def test_segments_give_every_row_once(floor, total):
    segments = [walked(floor, segment=segment, total_segments=total, limit=2) for segment in range(total)]
    assert by_key([item for segment in segments for item in segment]) == ITEMS


def test_with_more_segments_than_hashes_the_rows_are_found_in_their_own(floor):
    total = 1_000_000
    table = floor.catalog.table("airports")
    for item in ITEMS:
        hash_of_partition = int.from_bytes(table.keys.of_item(item)[6:8], "big")
        # The segment of a hash is the one its share of the hash space falls into.
        segment = hash_of_partition * total // 65_536
        page = scan(floor, segment=segment, total_segments=total)
        assert item in page.items
        assert scan(floor, segment=segment + 1, total_segments=total).items == []


def test_a_start_key_of_another_segment_is_refused(floor):
    pages = [scan(floor, segment=segment, total_segments=2, limit=1) for segment in (0, 1)]
    start = pages[0].last_evaluated_key
    assert refusal_of(floor, segment=1, total_segments=2, exclusive_start_key=start) == (
        "The provided starting key is invalid: Invalid ExclusiveStartKey. "
        "Please use ExclusiveStartKey with correct Segment. TotalSegments: 2 Segment: 1"
    )


@pytest.mark.parametrize("start", [{}, {"country": "IS"}, {"country": 5, "icao": "x"}, {"a": "x", "b": "y"}])
def test_a_start_key_of_another_schema_is_refused(floor, start):
    assert refusal_of(floor, exclusive_start_key=start) == (
        "The provided starting key is invalid: The provided key element does not match the schema"
    )


def test_an_unknown_table_is_refused(floor):
    with pytest.raises(ResourceNotFound, match=r"^Requested resource not found$"):
        run_scan(floor.catalog, floor.engine, Scan("absent"))
