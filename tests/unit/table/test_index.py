from __future__ import annotations

import pytest

from kvdb.api.items import BatchWriteItem, DeleteItem, DeleteRequest, PutItem, PutRequest
from kvdb.errors import ConditionalCheckFailed, ValidationError
from kvdb.table import batch, row
from kvdb.table.writer import run
from tests.support.builders import Floor, open_floor
from tests.support.indexes import index, index_rows, indexed_table

AIRPORT = {"country": "IS", "icao": "BIKF", "city": "Keflavik", "elevation": 52, "note": "windy"}
KEY = {"country": "IS", "icao": "BIKF"}
LOCAL = index("by-city", "country", ranges=("city",), keeps="KEYS_ONLY")
GLOBAL = index("by-elevation", "elevation", keeps=("note",))
WHOLE = index("by-city-and-height", "city", "elevation", ranges=("country",))


@pytest.fixture
def floor() -> Floor:
    floor = open_floor()
    floor.create(
        indexed_table(
            "airports",
            ("country", "S"),
            ("icao", "S"),
            ("city", "S"),
            ("elevation", "N"),
            local=[LOCAL],
            across=[GLOBAL, WHOLE],
        )
    )
    return floor


def put(floor: Floor, item: dict[str, object], **fields: object) -> None:
    run(floor.writer.put_item(PutItem("airports", item, **fields)), floor.engine, floor.latches)  # type: ignore[arg-type]


def kept(floor: Floor, name: str) -> list[dict[str, object]]:
    return list(index_rows(floor.engine, floor.catalog.table("airports"), name).values())


def stamps(floor: Floor, name: str) -> list[object]:
    rows = floor.catalog.table("airports").indexes.by_name[name].keys.all_rows()
    return [row.stamp_of(value) for _, value in floor.engine.scan(*rows)]


def test_each_index_keeps_what_its_projection_says(floor):
    put(floor, AIRPORT)
    assert kept(floor, "by-city") == [{"country": "IS", "icao": "BIKF", "city": "Keflavik"}]
    assert kept(floor, "by-elevation") == [{**KEY, "elevation": 52, "note": "windy"}]
    assert kept(floor, "by-city-and-height") == [AIRPORT]


def test_an_index_that_keeps_all_has_the_row_itself(floor):
    put(floor, AIRPORT)
    table = floor.catalog.table("airports")
    stored = [
        value for _, value in floor.engine.scan(*table.indexes.by_name["by-city-and-height"].keys.all_rows())
    ]
    assert stored == [floor.engine.get(table.keys.of_key(KEY))]


def test_an_index_row_has_the_size_of_what_it_keeps(floor):
    put(floor, AIRPORT)
    rows = floor.catalog.table("airports").indexes.by_name["by-city"].keys.all_rows()
    ((_, stored),) = floor.engine.scan(*rows)
    assert row.size_of(stored) == len("countryISicaoBIKFcityKeflavik")


@pytest.mark.parametrize("missing", ["city", "elevation"])
def test_an_item_without_a_key_attribute_stands_in_no_index_on_it(floor, missing):
    put(floor, {name: value for name, value in AIRPORT.items() if name != missing})
    assert kept(floor, "by-city-and-height") == []
    assert len(kept(floor, "by-city")) == (missing != "city")
    assert len(kept(floor, "by-elevation")) == (missing != "elevation")


def test_a_new_key_moves_the_index_row(floor):
    put(floor, AIRPORT)
    put(floor, {**AIRPORT, "city": "Reykjavik"})
    assert [item["city"] for item in kept(floor, "by-city")] == ["Reykjavik"]
    assert [item["city"] for item in kept(floor, "by-city-and-height")] == ["Reykjavik"]


def test_a_key_that_goes_takes_the_index_row_along(floor):
    put(floor, AIRPORT)
    put(floor, KEY)
    for name in ("by-city", "by-elevation", "by-city-and-height"):
        assert kept(floor, name) == []


def test_a_deleted_item_leaves_every_index(floor):
    put(floor, AIRPORT)
    run(floor.writer.delete_item(DeleteItem("airports", KEY)), floor.engine, floor.latches)
    assert list(floor.engine.scan(*floor.catalog.table("airports").keys.all_rows())) == []
    for name in ("by-city", "by-elevation", "by-city-and-height"):
        assert kept(floor, name) == []


def test_what_an_index_keeps_is_written_again_only_when_it_changes(floor):
    put(floor, AIRPORT)
    before = {name: stamps(floor, name) for name in ("by-city", "by-elevation", "by-city-and-height")}
    put(floor, {**AIRPORT, "runways": 2})
    assert stamps(floor, "by-city") == before["by-city"]
    assert stamps(floor, "by-elevation") == before["by-elevation"]
    assert stamps(floor, "by-city-and-height") != before["by-city-and-height"]
    put(floor, {**AIRPORT, "note": "calm"})
    assert stamps(floor, "by-city") == before["by-city"]
    assert stamps(floor, "by-elevation") != before["by-elevation"]


def test_null_is_not_the_same_as_nothing(floor):
    put(floor, {**AIRPORT, "note": None})
    put(floor, {name: value for name, value in AIRPORT.items() if name != "note"})
    assert kept(floor, "by-elevation") == [{**KEY, "elevation": 52}]
    put(floor, {**AIRPORT, "note": 1})
    put(floor, {**AIRPORT, "note": True})
    assert kept(floor, "by-elevation")[0]["note"] is True


def test_a_refused_write_changes_no_index(floor):
    put(floor, AIRPORT)
    with pytest.raises(ConditionalCheckFailed):
        put(floor, {**AIRPORT, "city": "X"}, condition_expression="attribute_not_exists(icao)")
    assert [item["city"] for item in kept(floor, "by-city")] == ["Keflavik"]


@pytest.mark.parametrize(
    ("bad", "word"), [(5, "Type mismatch for Index Key city"), ("", "empty string value")]
)
def test_a_value_no_index_key_may_have_is_refused_and_nothing_written(floor, bad, word):
    with pytest.raises(ValidationError, match=word):
        put(floor, {**AIRPORT, "city": bad})
    assert list(floor.engine.scan(*floor.catalog.table("airports").keys.all_rows())) == []
    request = BatchWriteItem(
        {"airports": [PutRequest(AIRPORT), PutRequest({**KEY, "icao": "X", "city": bad})]}
    )
    with pytest.raises(ValidationError, match=word):
        run(batch.write_items(floor.catalog, floor.writer, request), floor.engine, floor.latches)
    assert list(floor.engine.scan(*floor.catalog.table("airports").keys.all_rows())) == []


def test_a_batch_keeps_the_indexes(floor):
    put(floor, AIRPORT)
    writes = [DeleteRequest(KEY), PutRequest({**AIRPORT, "icao": "BIRK"})]
    request = BatchWriteItem({"airports": writes})
    run(batch.write_items(floor.catalog, floor.writer, request), floor.engine, floor.latches)
    assert [item["icao"] for item in kept(floor, "by-city")] == ["BIRK"]
