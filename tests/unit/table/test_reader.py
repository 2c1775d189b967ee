from __future__ import annotations

import pytest

from kvdb.api.items import GetItem, PutItem
from kvdb.errors import CorruptionError, ResourceNotFound, ValidationError
from kvdb.lsm.batch import WriteBatch
from kvdb.table import reader
from kvdb.table.writer import run
from tests.support.builders import Floor, open_floor

KEY = {"country": "IS", "icao": "BIKF"}
ITEM = {**KEY, "runways": [{"name": "01/19", "metres": 3065}], "tags": {"a", "b"}}


def opened() -> Floor:
    floor = open_floor()
    floor.create()
    run(floor.writer.put_item(PutItem("airports", ITEM)), floor.engine, floor.latches)
    return floor


def get(floor: Floor, **fields: object) -> object:
    request = GetItem(**{"table_name": "airports", "key": KEY, **fields})  # type: ignore[arg-type]
    return reader.get_item(floor.catalog, floor.engine, request).item


def test_a_stored_item_is_found_by_its_key():
    assert get(opened()) == ITEM


def test_an_absent_item_is_none():
    assert get(opened(), key={"country": "IS", "icao": "BIRK"}) is None


def test_each_read_gives_an_item_of_its_own():
    floor = opened()
    get(floor)["tags"].clear()  # type: ignore[index]
    assert get(floor) == ITEM


def test_a_projection_keeps_what_it_names():
    projected = get(
        opened(), projection_expression="#r[0].metres", expression_attribute_names={"#r": "runways"}
    )
    assert projected == {"runways": [{"metres": 3065}]}


def test_a_projection_that_finds_nothing_gives_an_empty_item():
    assert get(opened(), projection_expression="elevation") == {}


def test_a_malformed_projection_comes_before_an_unknown_table():
    floor = opened()
    with pytest.raises(ValidationError, match=r"^Invalid ProjectionExpression: "):
        get(floor, table_name="absent", projection_expression="a..b")
    with pytest.raises(ValidationError, match="unused"):
        get(
            floor,
            table_name="absent",
            projection_expression="a",
            expression_attribute_names={"#n": "b"},
        )
    with pytest.raises(ResourceNotFound, match=r"^Requested resource not found$"):
        get(floor, table_name="absent", key={})


def test_a_key_of_another_schema_is_refused():
    with pytest.raises(ValidationError, match=r"^The provided key element does not match the schema$"):
        get(opened(), key={"country": "IS"})


def test_a_damaged_row_is_corruption():
    floor = opened()
    floor.engine.write(WriteBatch().put(floor.catalog.table("airports").keys.of_key(KEY), b"\x09rubbish"))
    with pytest.raises(CorruptionError):
        get(floor)
