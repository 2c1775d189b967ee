"""The service's limits: what fits is taken, one more is refused, in the service's words."""

from __future__ import annotations

from collections.abc import Callable

from kvdb.api.items import BatchGetItem, BatchWriteItem, KeysAndAttributes, PutRequest
from kvdb.client.sync import Client
from kvdb.client.table_requests import GlobalIndex, LocalIndex
from kvdb.errors import LimitExceeded, ValidationError
from kvdb.expr.builder import Key
from kvdb.item.size import item_size
from kvdb.testing.checks.airports import KEF, Check, airports, key_of, raised

_KEY = key_of(KEF)


def _refused(call: Callable[[], object]) -> str:
    return raised(ValidationError, call).message


def an_item_of_400_kilobytes_is_the_largest(client: Client) -> None:
    table = airports(client)
    room = 409_600 - item_size({**_KEY, "filler": ""})
    table.put({**_KEY, "filler": "x" * room})
    told = _refused(lambda: table.put({**_KEY, "filler": "x" * (room + 1)}))
    assert told == "Item size has exceeded the maximum allowed size"
    told = _refused(lambda: table.update(_KEY, "SET more = :v", values={":v": "x"}))
    assert told == "Item size to update has exceeded the maximum allowed size"


def keys_have_lengths(client: Client) -> None:
    table = airports(client)
    table.put({"country": "x" * 2048, "icao": "y" * 1024})
    told = _refused(lambda: table.put({"country": "x" * 2049, "icao": "y"}))
    assert "Size of hashkey has exceeded the maximum size limit" in told
    told = _refused(lambda: table.put({"country": "x", "icao": "ö" * 513}))
    assert "range keys has exceeded the size limit of 1024 bytes" in told
    assert "empty string" in _refused(lambda: table.put({"country": "", "icao": "y"}))


def numbers_have_38_digits(client: Client) -> None:
    table = airports(client)
    table.put({**_KEY, "n": 10**38 - 1})
    table.update(_KEY, "SET n = n - :one", values={":one": 1})
    assert table.get(_KEY) == {**_KEY, "n": 10**38 - 2}
    assert "38 significant digits" in _refused(lambda: table.put({**_KEY, "n": 10**38 + 1}))
    table.put({**_KEY, "n": 9 * 10**125})
    assert "overflow" in _refused(lambda: table.update(_KEY, "SET n = n + n")).lower()


def values_nest_to_a_depth(client: Client) -> None:
    table = airports(client)
    value: object = "x"
    for _ in range(31):
        value = [value]
    table.put({**_KEY, "deep": value})
    told = _refused(lambda: table.put({**_KEY, "deep": [value]}))
    assert "Nesting Levels have exceeded supported limits" in told


def expressions_have_a_size_and_a_number_of_operators(client: Client) -> None:
    table = airports(client, KEF)
    condition = "attribute_not_exists(nothing)"
    table.put(KEF, condition=condition.ljust(4096))
    told = _refused(lambda: table.put(KEF, condition=condition.ljust(4097)))
    assert told.endswith("Expression size has exceeded the maximum allowed size; expression size: 4097")
    many = " OR ".join(["a<b"] * 151)
    told = _refused(lambda: table.put(KEF, condition=many))
    assert told.endswith("The expression contains too many operators; operator count: 301")
    table.put(KEF, condition="attribute_exists(icao) OR " + " OR ".join(["a<b"] * 149))
    operands = ", ".join(f":v{n}" for n in range(101))
    values = {f":v{n}": n for n in range(101)}
    told = _refused(lambda: table.put(KEF, condition=f"a IN ({operands})", values=values))
    assert told.endswith("provided with too many operands; number of operands: 101")


def batches_have_a_size(client: Client) -> None:
    airports(client)
    keys = [{**_KEY, "icao": str(n)} for n in range(101)]
    client.call(BatchWriteItem({"airports": [PutRequest(key) for key in keys[:25]]}))
    told = _refused(lambda: client.call(BatchWriteItem({"airports": [PutRequest(key) for key in keys[:26]]})))
    assert "less than or equal to 25" in told
    client.call(BatchGetItem({"airports": KeysAndAttributes(list(keys[:100]))}))
    told = _refused(lambda: client.call(BatchGetItem({"airports": KeysAndAttributes(list(keys))})))
    assert "100" in told


def a_table_has_so_many_indexes(client: Client) -> None:
    local = [LocalIndex(f"local{n}", (f"a{n}", "S"), "KEYS_ONLY") for n in range(6)]
    told = _refused(lambda: client.create_table("many", ("id", "S"), ("at", "N"), indexes=local))
    assert "Number of LocalSecondaryIndexes exceeds per-table limit of 5" in told
    of_all = [GlobalIndex(f"global{n}", (f"a{n}", "S"), projection="KEYS_ONLY") for n in range(21)]
    told = _refused(lambda: client.create_table("many", ("id", "S"), indexes=of_all))
    assert "GlobalSecondaryIndex count exceeds the per-table limit of 20" in told
    client.create_table("many", ("id", "S"), ("at", "N"), indexes=[*local[:5], *of_all[:20]])
    assert len(client.table("many").describe().global_secondary_indexes) == 20


def one_index_is_changed_at_a_time(client: Client) -> None:
    table = airports(client)
    two = [GlobalIndex("one", ("a", "S")), GlobalIndex("two", ("b", "S"))]
    error = raised(LimitExceeded, lambda: table.update_table(add_indexes=two))
    assert "Only 1 online index can be created or deleted simultaneously" in error.message


def a_page_ends_at_a_megabyte(client: Client) -> None:
    table = airports(client)
    for n in range(6):
        table.put({"country": "ZZ", "icao": str(n), "filler": "x" * 300_000})
    first = table.query_page(Key("country").eq("ZZ"))
    assert first.count == 4
    assert first.last_evaluated_key == {"country": "ZZ", "icao": "3"}
    assert table.scan_page().count == 4
    assert table.count() == 6


CHECKS: tuple[Check, ...] = (
    an_item_of_400_kilobytes_is_the_largest,
    keys_have_lengths,
    numbers_have_38_digits,
    values_nest_to_a_depth,
    expressions_have_a_size_and_a_number_of_operators,
    batches_have_a_size,
    a_table_has_so_many_indexes,
    one_index_is_changed_at_a_time,
    a_page_ends_at_a_megabyte,
)
