"""Make a small database of the present format under tests/golden, to be kept for ever.

Run once for each ``format_version``, when it is first released:

    python tools/golden.py tests/golden/database_1

It refuses to overwrite: a golden database is what old users have on disk, not what the code
of today would write. The content is in ``ITEMS``, which ``tests/golden/test_database.py`` expects.
"""

from __future__ import annotations

import pathlib
import sys
from decimal import Decimal

from kvdb.api.items import DeleteItem, PutItem
from kvdb.api.tables import AttributeDefinition, CreateTable, KeySchemaElement
from kvdb.database.database import Database
from kvdb.options import DatabaseOptions, EngineOptions
from kvdb.testing import MemFileSystem, sim_env

ITEMS: list[dict[str, object]] = [
    {"country": "IS", "icao": "BIKF", "elevation": 171, "runways": [{"length": Decimal("3065.5")}]},
    {"country": "IS", "icao": "BIRK", "closed": False, "note": None, "tags": {"city", "short"}},
    {"country": "NO", "icao": "ENGM", "big": 10**37, "codes": {1, Decimal("2.5")}, "raw": b"\x00\xff"},
    {"country": "Å", "icao": "ÅÄÖ", "zeros": bytes(600), "text": "x" * 3000},
]
"""In the table ``airports``; the last is only in the log, the others in an sstable too."""


def main(target: pathlib.Path) -> None:
    if target.exists():
        sys.exit(f"{target} exists: a golden database is never written again")
    fs = MemFileSystem()
    env = sim_env(fs, seed=1)
    options = DatabaseOptions(engine=EngineOptions(block_size_bytes=200))
    database = Database.open("db", options, env)
    database.call(
        CreateTable(
            "airports",
            [KeySchemaElement("country", "HASH"), KeySchemaElement("icao", "RANGE")],
            [AttributeDefinition("country", "S"), AttributeDefinition("icao", "S")],
        )
    )
    database.call(PutItem("airports", {"country": "IS", "icao": "GONE"}))
    for item in ITEMS[:-1]:
        database.call(PutItem("airports", item))
    # Closing and opening turns the log into an sstable.
    database.close()
    database = Database.open("db", options, env)
    database.call(DeleteItem("airports", {"country": "IS", "icao": "GONE"}))
    database.call(PutItem("airports", ITEMS[-1]))
    database.close()
    target.mkdir(parents=True)
    for name in fs.list_dir("db"):
        if name != "LOCK":
            (target / name).write_bytes(fs.open_read(f"db/{name}").read_at(0, 1 << 20))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
