from __future__ import annotations

import pytest

from kvdb import limits
from kvdb.api.items import (
    BatchGetItem,
    BatchGetItemResult,
    BatchWriteItem,
    BatchWriteItemResult,
    Capacity,
    ConsumedCapacity,
    DeleteRequest,
    GetItem,
    ItemCollectionMetrics,
    KeysAndAttributes,
    PutRequest,
)
from kvdb.errors import ResourceNotFound, ValidationError
from kvdb.limits import OPEN
from kvdb.lsm.batch import WriteBatch
from kvdb.table import batch, reader
from kvdb.table.writer import run
from tests.support.builders import AIRPORTS, Floor, open_floor, table_request
from tests.support.indexes import index, indexed_table

DUPLICATES = "^Provided list of item keys contains duplicates$"
SCHEMA = "^The provided key element does not match the schema$"


def key(icao: str) -> dict[str, object]:
    return {"country": "IS", "icao": icao}


@pytest.fixture
def floor() -> Floor:
    floor = open_floor()
    floor.create(AIRPORTS)
    floor.create(table_request("countries"))
    return floor


def write(floor: Floor, **writes: list[object]) -> BatchWriteItemResult:
    request = BatchWriteItem(writes)  # type: ignore[arg-type]
    return run(batch.write_items(floor.catalog, floor.writer, request), floor.engine, floor.latches)


def read(floor: Floor, **wanted: KeysAndAttributes) -> BatchGetItemResult:
    return batch.get_items(floor.catalog, floor.engine, BatchGetItem(wanted))


def item(floor: Floor, icao: str) -> object:
    return reader.get_item(floor.catalog, floor.engine, GetItem("airports", key(icao))).item


def test_puts_and_deletes_of_several_tables_are_all_done(floor):
    write(floor, airports=[PutRequest(key("BIRK"))])
    result = write(
        floor,
        airports=[PutRequest({**key("BIKF"), "elevation": 171}), DeleteRequest(key("BIRK"))],
        countries=[PutRequest({"country": "IS"})],
    )
    assert result == BatchWriteItemResult()
    assert item(floor, "BIKF") == {**key("BIKF"), "elevation": 171}
    assert item(floor, "BIRK") is None
    found = read(floor, countries=KeysAndAttributes([{"country": "IS"}]))
    assert found.responses == {"countries": [{"country": "IS"}]}


def test_a_batch_is_one_engine_batch(floor):
    writes = [PutRequest(key(str(number))) for number in range(25)]
    steps = batch.write_items(floor.catalog, floor.writer, BatchWriteItem({"airports": writes}))
    effects = list(steps)
    assert len(effects) == 1
    assert isinstance(effects[0], WriteBatch)
    assert len(effects[0]) == 25
    assert not floor.latches.any_held(b"")


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        ({"airports": [PutRequest({"country": "IS"})]}, ValidationError, SCHEMA),
        ({"airports": [PutRequest({"country": 5, "icao": "x"})]}, ValidationError, SCHEMA),
        ({"airports": [DeleteRequest({"country": "IS"})]}, ValidationError, SCHEMA),
        ({"airports": [PutRequest({**key("x"), "v": object()})]}, ValidationError, "unsupported type"),
        (
            {"airports": [PutRequest({**key("x"), "v": "x" * 409_600})]},
            ValidationError,
            "Item size has exceeded the maximum allowed size",
        ),
        ({"airports": [PutRequest(key("x")), DeleteRequest(key("x"))]}, ValidationError, DUPLICATES),
        ({"absent": [PutRequest(key("x"))]}, ResourceNotFound, "^Requested resource not found$"),
    ],
)
def test_a_bad_batch_is_refused_whole(floor, bad, error, message):
    writes = {"countries": [PutRequest({"country": "IS"})], **bad}
    with pytest.raises(error, match=message):
        write(floor, **writes)
    assert read(floor, countries=KeysAndAttributes([{"country": "IS"}])).responses == {"countries": []}


def test_one_key_in_two_tables_is_no_duplicate(floor):
    floor.create(table_request("others", sort=("icao", "S")))
    write(floor, airports=[PutRequest(key("x"))], others=[PutRequest(key("x"))])
    assert item(floor, "x") == key("x")


def test_reads_leave_out_what_is_absent(floor):
    write(floor, airports=[PutRequest(key("BIKF")), PutRequest(key("BIRK"))])
    wanted = KeysAndAttributes([key("BIRK"), key("none"), key("BIKF")])
    result = read(floor, airports=wanted, countries=KeysAndAttributes([{"country": "IS"}]))
    assert result == BatchGetItemResult({"airports": [key("BIRK"), key("BIKF")], "countries": []})


def test_each_table_has_a_projection_of_its_own(floor):
    write(floor, airports=[PutRequest({**key("BIKF"), "name": "Keflavík"})])
    wanted = KeysAndAttributes([key("BIKF")], "#n", {"#n": "name"})
    assert read(floor, airports=wanted).responses == {"airports": [{"name": "Keflavík"}]}


@pytest.mark.parametrize(
    ("wanted", "error", "message"),
    [
        ({"airports": KeysAndAttributes([key("x"), key("x")])}, ValidationError, DUPLICATES),
        ({"airports": KeysAndAttributes([{"country": "IS"}])}, ValidationError, SCHEMA),
        (
            {"airports": KeysAndAttributes([key("x")], "a..b")},
            ValidationError,
            "^Invalid ProjectionExpression: ",
        ),
        ({"absent": KeysAndAttributes([key("x")])}, ResourceNotFound, "^Requested resource not found$"),
    ],
)
def test_a_bad_read_is_refused_whole(floor, wanted, error, message):
    with pytest.raises(error, match=message):
        read(floor, countries=KeysAndAttributes([{"country": "IS"}]), **wanted)


def test_keys_that_are_equal_numbers_are_duplicates(floor):
    floor.create(table_request("numbers", ("n", "N")))
    with pytest.raises(ValidationError, match=DUPLICATES):
        read(floor, numbers=KeysAndAttributes([{"n": 1}, {"n": 1.0}]))


def test_what_does_not_fit_into_16_megabytes_is_unprocessed(floor):
    filler = "x" * 400_000
    for first in range(0, 100, 25):
        numbers = range(first, first + 25)
        write(floor, airports=[PutRequest({**key(f"{number:02}"), "filler": filler}) for number in numbers])
    write(floor, countries=[PutRequest({"country": "IS"})])
    left = {
        "airports": KeysAndAttributes(
            [key(f"{number:02}") for number in range(100)], "icao", None, consistent_read=True
        ),
        "countries": KeysAndAttributes([{"country": "IS"}]),
    }
    found: list[dict[str, object]] = []
    rounds = 0
    while left:
        result = read(floor, **left)
        page = result.responses.get("airports", [])
        assert len(page) * 400_000 <= limits.BATCH_BYTES_MAX
        found += page
        left = result.unprocessed_keys
        rounds += 1
        if rounds == 1:
            assert left["countries"] == KeysAndAttributes([{"country": "IS"}])
            assert (left["airports"].projection_expression, left["airports"].consistent_read) == (
                "icao",
                True,
            )
    assert rounds == 3
    assert found == [{"icao": f"{number:02}"} for number in range(100)]


def test_what_does_not_fit_into_one_batch_of_wider_limits_is_unprocessed():
    floor = open_floor()
    floor = floor._replace(writer=floor.writer.under(OPEN))
    floor.create(AIRPORTS)
    floor.create(table_request("countries"))
    large = [PutRequest({**key(f"{number}"), "filler": "x" * 15_000_000}) for number in range(5)]
    left: dict[str, list[object]] = {"airports": list(large), "countries": [PutRequest({"country": "IS"})]}
    sizes = []
    while left:
        left = dict(write(floor, **left).unprocessed_items)  # type: ignore[arg-type]
        sizes.append({name: len(writes) for name, writes in left.items()})
    assert sizes == [{"airports": 3, "countries": 1}, {"airports": 1, "countries": 1}, {}]
    assert item(floor, "4") is not None


def test_batches_tell_what_they_consumed_of_each_table():
    floor = open_floor()
    local, across = [index("by-l", "p", ranges=("l",))], [index("by-g", "g")]
    floor.create(
        indexed_table("rows", ("p", "S"), ("s", "N"), ("l", "N"), ("g", "S"), local=local, across=across)
    )
    floor.create(table_request("countries"))
    rows = [{"p": "a", "s": s, "l": s, "g": "x", "filler": "x" * 1_500 * s} for s in (1, 2)]

    def written(*writes: PutRequest | DeleteRequest, mode: str = "INDEXES") -> BatchWriteItemResult:
        tables = {"rows": list(writes), "countries": [PutRequest({"country": "IS"})]}
        request = BatchWriteItem(tables, mode, "SIZE")  # type: ignore[arg-type]
        return run(batch.write_items(floor.catalog, floor.writer, request), floor.engine, floor.latches)

    found = written(*map(PutRequest, rows))
    country = ConsumedCapacity("countries", 1.0, table=Capacity(1.0))
    assert found.consumed_capacity == [
        ConsumedCapacity(
            "rows", 15.0, None, None, Capacity(5.0), {"by-l": Capacity(5.0)}, {"by-g": Capacity(5.0)}
        ),
        country,
    ]
    assert found.item_collection_metrics == {"rows": [ItemCollectionMetrics({"p": "a"}, (0.0, 1.0))]}
    # What a write replaces or deletes counts, though nothing of it is shown.
    found = written(DeleteRequest({"p": "a", "s": 2}), PutRequest({"p": "a", "s": 1}), mode="TOTAL")
    assert found.consumed_capacity == [ConsumedCapacity("rows", 15.0), ConsumedCapacity("countries", 1.0)]
    keys = {"rows": KeysAndAttributes([{"p": "a", "s": s} for s in (1, 2)], consistent_read=True)}
    keys["countries"] = KeysAndAttributes([{"country": "IS"}])
    read_back = batch.get_items(floor.catalog, floor.engine, BatchGetItem(keys, "TOTAL"))
    assert read_back.consumed_capacity == [ConsumedCapacity("rows", 2.0), ConsumedCapacity("countries", 0.5)]
