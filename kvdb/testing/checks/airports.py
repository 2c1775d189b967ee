"""What the checks share: some airports, the table they stand in, and the error that a call has to raise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TypeVar

from kvdb.client.sync import Client
from kvdb.client.sync_table import Table
from kvdb.errors import KvdbError

Check = Callable[[Client], None]
"""One behaviour: a function of a client of an empty database."""

_Error = TypeVar("_Error", bound=KvdbError)

KEF = {"country": "IS", "icao": "BIKF", "name": "Keflavik", "elevation": 171}
RKV = {"country": "IS", "icao": "BIRK", "name": "Reykjavik", "elevation": 45}
AEY = {"country": "IS", "icao": "BIAR", "name": "Akureyri", "elevation": 6}
CPH = {"country": "DK", "icao": "EKCH", "name": "Kastrup", "elevation": 17}
EVERY_TYPE: Mapping[str, object] = {
    "country": "ZZ",
    "icao": "TYPE",
    "text": "Ísland ✈ \U0001f6eb",
    "empty": "",
    "int": -(10**37),
    "fraction": Decimal("-0.000000000000000000000000000000000000012345"),
    "large": 10**125,
    "bytes": b"\x00\xff",
    "yes": True,
    "no": False,
    "null": None,
    "map": {"inner": {"deeper": [1, "two", {"three": None}]}, "none": {}},
    "list": [[], [True, 1, "1", b"1"], None],
    "texts": {"a", "ö"},
    "numbers": {1, Decimal("2.5"), -3},
    "blobs": {b"", b"\x00"},
}


def airports(client: Client, *items: Mapping[str, object]) -> Table:
    """The table most checks work on, holding ``items``."""
    table = client.create_table("airports", key=("country", "S"), sort=("icao", "S"))
    for item in items:
        table.put(item)
    return table


def key_of(item: Mapping[str, object]) -> dict[str, object]:
    return {"country": item["country"], "icao": item["icao"]}


def raised(error: type[_Error], call: Callable[[], object]) -> _Error:
    """The error that ``call`` raises, of exactly this class."""
    try:
        call()
    except KvdbError as found:
        assert type(found) is error, f"{type(found).__name__}: {found}"
        return found
    raise AssertionError(f"{error.__name__} was not raised")
