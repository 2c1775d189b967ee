"""Items one by one and in batches, queries, scans, and the tables they stand in."""

from __future__ import annotations

from decimal import Decimal

from kvdb.api.items import DeleteRequest, GetItem, GetItemResult, PutRequest
from kvdb.client.sync import Client
from kvdb.errors import ConditionalCheckFailed, ResourceInUse, ResourceNotFound, ValidationError
from kvdb.expr.builder import Attr, Key
from kvdb.testing.checks.airports import AEY, CPH, EVERY_TYPE, KEF, RKV, Check, airports, key_of, raised


def a_put_item_comes_back(client: Client) -> None:
    table = airports(client, KEF)
    assert table.get(key_of(KEF)) == KEF


def every_type_comes_back_as_it_was(client: Client) -> None:
    found = airports(client, EVERY_TYPE).get(key_of(EVERY_TYPE))
    assert found == EVERY_TYPE
    # True == 1 and 1 == Decimal(1) to Python, not to us.
    assert {name: type(value) for name, value in found.items()} == {
        name: type(value) for name, value in EVERY_TYPE.items()
    }


def values_are_brought_into_normal_form(client: Client) -> None:
    table = airports(
        client, {**key_of(KEF), "f": 1.5, "w": 2.0, "t": (1,), "b": bytearray(b"x"), "s": frozenset("x")}
    )
    found = table.get(key_of(KEF))
    assert found == {**key_of(KEF), "f": Decimal("1.5"), "w": 2, "t": [1], "b": b"x", "s": {"x"}}
    assert type(found["w"]) is int


def an_absent_item_is_none(client: Client) -> None:
    assert airports(client).get(key_of(KEF)) is None


def a_projection_gives_part_of_an_item(client: Client) -> None:
    table = airports(client, {**KEF, "runways": [{"m": 3065}, {"m": 3054}]})
    assert table.get(key_of(KEF), projection="icao, #n", names={"#n": "name"}) == {
        "icao": "BIKF",
        "name": "Keflavik",
    }
    assert table.get(key_of(KEF), projection=["name", "runways[1].m"]) == {
        "name": "Keflavik",
        "runways": [{"m": 3054}],
    }


def a_put_replaces_and_can_give_the_old_item(client: Client) -> None:
    table = airports(client)
    assert table.put(KEF, return_old=True) is None
    assert table.put({**key_of(KEF), "closed": True}, return_old=True) == KEF
    assert table.get(key_of(KEF)) == {**key_of(KEF), "closed": True}


def a_delete_can_give_the_old_item_and_is_idempotent(client: Client) -> None:
    table = airports(client, KEF)
    assert table.delete(key_of(KEF), return_old=True) == KEF
    assert table.get(key_of(KEF)) is None
    assert table.delete(key_of(KEF), return_old=True) is None


def a_failed_condition_writes_nothing(client: Client) -> None:
    table = airports(client, KEF)
    put = raised(
        ConditionalCheckFailed,
        lambda: table.put({**KEF, "elevation": 0}, condition=Attr("icao").not_exists()),
    )
    raised(
        ConditionalCheckFailed,
        lambda: table.delete(key_of(KEF), condition="elevation > :e", values={":e": 500}),
    )
    assert (put.code, put.retryable, put.item) == ("ConditionalCheckFailedException", False, None)
    assert table.get(key_of(KEF)) == KEF


def a_failed_condition_can_bring_the_old_item(client: Client) -> None:
    large = {**KEF, "notes": "x" * 300_000, "log": [None] * 20_000}
    table = airports(client, large, RKV)
    no_such = Attr("icao").not_exists()
    small = raised(
        ConditionalCheckFailed, lambda: table.put(RKV, condition=no_such, return_old_on_failure=True)
    )
    assert small.item == RKV
    found = raised(
        ConditionalCheckFailed,
        lambda: table.delete(key_of(KEF), condition=no_such, return_old_on_failure=True),
    )
    assert found.item == large


def a_condition_that_holds_lets_the_write_through(client: Client) -> None:
    table = airports(client, KEF)
    table.put({**KEF, "elevation": 172}, condition="elevation = :e", values={":e": 171})
    table.delete(key_of(KEF), condition=Attr("elevation").eq(172))
    assert table.get(key_of(KEF)) is None


def a_query_gives_one_partition_in_order(client: Client) -> None:
    table = airports(client, KEF, RKV, AEY, CPH)
    assert list(table.query(Key("country").eq("IS"))) == [AEY, KEF, RKV]
    assert list(table.query("country = :c", values={":c": "IS"}, reverse=True)) == [RKV, KEF, AEY]


def a_query_takes_sort_key_bounds(client: Client) -> None:
    table = airports(client, KEF, RKV, AEY, CPH)
    iceland = Key("country").eq("IS")
    assert list(table.query(iceland & Key("icao").begins_with("BIK"))) == [KEF]
    assert list(table.query(iceland & Key("icao").between("BIAR", "BIKF"))) == [AEY, KEF]
    assert list(table.query(iceland & Key("icao").gt("BIKF"))) == [RKV]


def builders_and_texts_mix_in_one_request(client: Client) -> None:
    table = airports(client, KEF, RKV, AEY)
    by_text = table.query(
        "country = :k0", filter=Attr("elevation").gt(10), values={":k0": "IS"}, projection="icao"
    )
    by_builder = table.query(
        Key("country").eq("IS"), filter="#f0 < :f0", names={"#f0": "elevation"}, values={":f0": 100}
    )
    both = table.query(
        Key("country").eq("IS"), filter=Attr("elevation").gt(10), names={"#k0": "name"}, projection="#k0"
    )
    assert list(by_text) == [{"icao": "BIKF"}, {"icao": "BIRK"}]
    assert list(by_builder) == [AEY, RKV]
    assert list(both) == [{"name": "Keflavik"}, {"name": "Reykjavik"}]


def a_limit_bounds_what_is_given(client: Client) -> None:
    table = airports(client, KEF, RKV, AEY)
    iceland = Key("country").eq("IS")
    assert list(table.query(iceland, limit=2)) == [AEY, KEF]
    assert list(table.query(iceland, limit=2, page_size=1)) == [AEY, KEF]
    assert list(table.query(iceland, limit=1, filter=Attr("elevation").gt(10))) == [KEF]
    assert len(list(table.scan(limit=2))) == 2
    assert raised(ValidationError, lambda: list(table.scan(limit=0))).message == "limit must be at least 1: 0"


def iterating_walks_every_page(client: Client) -> None:
    table = airports(client)
    wanted = [{"country": "ZZ", "icao": f"{number:04}", "pad": "x" * 30_000} for number in range(90)]
    client.batch_write({"airports": [PutRequest(item) for item in wanted]})
    assert list(table.query(Key("country").eq("ZZ"))) == wanted
    assert list(table.query(Key("country").eq("ZZ"), page_size=7)) == wanted
    assert [item["icao"] for item in table.scan()] == [item["icao"] for item in wanted]
    after = table.query(Key("country").eq("ZZ"), start_key=key_of(wanted[79]))
    assert list(after) == wanted[80:]


def pages_can_be_walked_by_hand(client: Client) -> None:
    table = airports(client, KEF, RKV, AEY)
    first = table.query_page(Key("country").eq("IS"), limit=2)
    assert (first.items, first.count, first.scanned_count) == ([AEY, KEF], 2, 2)
    assert first.last_evaluated_key == key_of(KEF)
    second = table.query_page(Key("country").eq("IS"), limit=2, start_key=first.last_evaluated_key)
    assert (second.items, second.last_evaluated_key) == ([RKV], None)


def a_page_limit_counts_what_is_read_not_what_is_given(client: Client) -> None:
    table = airports(client, KEF, RKV, AEY)
    page = table.query_page(Key("country").eq("IS"), limit=1, filter=Attr("elevation").gt(100))
    assert (page.items, page.count, page.scanned_count) == ([], 0, 1)
    assert page.last_evaluated_key == key_of(AEY)


def a_scan_gives_everything_once(client: Client) -> None:
    table = airports(client, KEF, RKV, AEY, CPH)
    by_code = sorted(str(item["icao"]) for item in table.scan())
    assert by_code == ["BIAR", "BIKF", "BIRK", "EKCH"]
    assert list(table.scan(filter=Attr("country").eq("DK"), projection="icao")) == [{"icao": "EKCH"}]
    assert table.scan_page(limit=3).scanned_count == 3


def segments_of_a_scan_make_the_whole(client: Client) -> None:
    table = airports(client)
    wanted = [{"country": f"C{number}", "icao": "X"} for number in range(40)]
    client.batch_write({"airports": [PutRequest(item) for item in wanted]})
    found = [item for segment in range(3) for item in table.scan(segment=segment, total_segments=3)]
    assert sorted(str(item["country"]) for item in found) == sorted(item["country"] for item in wanted)


def a_walk_may_be_left_half_way(client: Client) -> None:
    table = airports(client, KEF, RKV, AEY)
    walk = iter(table.scan(page_size=1))
    next(walk)
    del walk
    assert len(list(table.scan())) == 3


def items_are_counted_without_being_sent(client: Client) -> None:
    table = airports(client, KEF, RKV, AEY, CPH)
    assert table.count() == 4
    assert table.count(Key("country").eq("IS")) == 3
    assert table.count(Key("country").eq("IS"), filter=Attr("elevation").gt(10)) == 2


def batches_of_any_size_are_written_and_read(client: Client) -> None:
    table = airports(client, KEF)
    wanted = [{"country": "ZZ", "icao": f"{number:03}"} for number in range(130)]
    client.create_table("log", key=("id", "N"))
    client.batch_write(
        {"airports": [DeleteRequest(key_of(KEF)), *map(PutRequest, wanted)], "log": [PutRequest({"id": 1})]}
    )
    assert table.get(key_of(KEF)) is None
    found = client.batch_get({"airports": [key_of(KEF), *wanted], "log": [{"id": 1}, {"id": 2}]})
    assert sorted(str(item["icao"]) for item in found["airports"]) == [item["icao"] for item in wanted]
    assert found["log"] == [{"id": 1}]
    assert client.batch_get({"airports": [key_of(KEF)]}) == {"airports": []}


def tables_are_listed_described_and_deleted(client: Client) -> None:
    airports(client)
    client.create_table("numbers", key=("id", "N"))
    assert client.tables() == ["airports", "numbers"]
    described = client.table("airports").describe()
    assert (described.table_name, described.table_status) == ("airports", "ACTIVE")
    assert [(key.attribute_name, key.key_type) for key in described.key_schema] == [
        ("country", "HASH"),
        ("icao", "RANGE"),
    ]
    assert client.delete_table("airports").table_name == "airports"
    assert client.tables() == ["numbers"]


def all_pages_of_table_names_are_listed(client: Client) -> None:
    names = [f"table{number:03}" for number in range(105)]
    for name in names:
        client.create_table(name, key=("id", "S"))
    assert client.tables() == names


def a_table_made_again_is_empty(client: Client) -> None:
    before = airports(client, KEF).describe()
    client.delete_table("airports")
    table = airports(client)
    assert table.get(key_of(KEF)) is None
    assert list(table.scan()) == []
    assert table.describe().table_id != before.table_id


def a_table_can_be_made_only_once(client: Client) -> None:
    airports(client)
    error = raised(ResourceInUse, lambda: airports(client))
    assert (error.code, error.retryable) == ("ResourceInUseException", False)


def an_unknown_table_is_named_so_by_every_call(client: Client) -> None:
    table = client.table("nowhere")
    for call in (
        lambda: table.get({"id": 1}),
        lambda: table.put({"id": 1}),
        lambda: table.delete({"id": 1}),
        table.describe,
        lambda: list(table.scan()),
        lambda: list(table.query(Key("id").eq(1))),
        lambda: client.delete_table("nowhere"),
        lambda: client.batch_write({"nowhere": [PutRequest({"id": 1})]}),
        lambda: client.batch_get({"nowhere": [{"id": 1}]}),
    ):
        assert raised(ResourceNotFound, call).code == "ResourceNotFoundException"


def keys_may_be_numbers_and_bytes(client: Client) -> None:
    table = client.create_table("log", key=("id", "B"), sort=("at", "N"))
    moments = [Decimal("-1.5"), 0, 9, 10, Decimal("10.5")]
    for at in reversed(moments):
        table.put({"id": b"\x00\xff", "at": at})
    assert [item["at"] for item in table.query(Key("id").eq(b"\x00\xff"))] == moments
    assert [item["at"] for item in table.query(Key("id").eq(b"\x00\xff") & Key("at").lt(10))] == moments[:3]


def raw_requests_are_served(client: Client) -> None:
    airports(client, KEF)
    assert client.call(GetItem("airports", key_of(KEF))) == GetItemResult(KEF)


CHECKS: tuple[Check, ...] = (
    a_put_item_comes_back,
    every_type_comes_back_as_it_was,
    values_are_brought_into_normal_form,
    an_absent_item_is_none,
    a_projection_gives_part_of_an_item,
    a_put_replaces_and_can_give_the_old_item,
    a_delete_can_give_the_old_item_and_is_idempotent,
    a_failed_condition_writes_nothing,
    a_failed_condition_can_bring_the_old_item,
    a_condition_that_holds_lets_the_write_through,
    a_query_gives_one_partition_in_order,
    a_query_takes_sort_key_bounds,
    builders_and_texts_mix_in_one_request,
    a_limit_bounds_what_is_given,
    iterating_walks_every_page,
    pages_can_be_walked_by_hand,
    a_page_limit_counts_what_is_read_not_what_is_given,
    a_scan_gives_everything_once,
    segments_of_a_scan_make_the_whole,
    a_walk_may_be_left_half_way,
    items_are_counted_without_being_sent,
    batches_of_any_size_are_written_and_read,
    tables_are_listed_described_and_deleted,
    all_pages_of_table_names_are_listed,
    a_table_made_again_is_empty,
    a_table_can_be_made_only_once,
    an_unknown_table_is_named_so_by_every_call,
    keys_may_be_numbers_and_bytes,
    raw_requests_are_served,
)
