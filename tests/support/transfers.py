"""Exports and imports without a database: a list of records, and a dictionary."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from kvdb.backup.places import open_store
from kvdb.backup.store import BackupStore
from kvdb.backup.transfer.export import Export, Sourced
from kvdb.backup.transfer.layout import ExportFacts, is_object_name
from kvdb.backup.transfer.load import Entry, Load
from kvdb.backup.transfer.objects import InputFormat, find_input
from kvdb.backup.transfer.records import ExportFormat, ItemChange
from kvdb.env.env import Env
from kvdb.item.value import Item

EXPORT_ID = "01693685827463-2d8752fd"


def transfer_store(env: Env, url: str = "place") -> BackupStore:
    return open_store(url, env, is_name=is_object_name)


def facts(
    format: ExportFormat = "DYNAMODB_JSON", *, prefix: str = "", from_ms: int | None = None
) -> ExportFacts:
    return ExportFacts(
        export_id=EXPORT_ID,
        export_arn=f"arn:aws:dynamodb:us-east-1:123456789012:table/t/export/{EXPORT_ID}",
        table_arn="arn:aws:dynamodb:us-east-1:123456789012:table/t",
        table_id="12345a12-abcd-123a-ab12-1234abc12345",
        bucket="bucket",
        prefix=prefix,
        format=format,
        start_ms=1_604_474_914_028,
        export_ms=1_604_474_914_028,
        from_ms=from_ms,
        to_ms=1_604_474_914_028,
    )


class ListSource:
    """Records in a list; a place is a number."""

    def __init__(self, contents: Sequence[Item | ItemChange]) -> None:
        self.contents = contents

    def records(self, after: bytes | None) -> Iterator[Sourced]:
        start = 0 if after is None else int(after) + 1
        for place, content in enumerate(self.contents[start:], start):
            yield Sourced(str(place).encode(), content)


class DictTarget:
    """A table with key ``id``; refuses what lacks it."""

    batch_max = 10

    def __init__(self) -> None:
        self.items: dict[str, Item] = {}

    def put(self, entries: Sequence[Entry]) -> list[str | None]:
        return [self._put(entry) for entry in entries]

    def _put(self, entry: Entry) -> str | None:
        if "id" not in entry.item:
            return "no id"
        key = str(entry.item["id"])
        if entry.is_delete:
            self.items.pop(key, None)
        else:
            self.items[key] = entry.item
        return None


def exported(
    env: Env,
    contents: Sequence[Item | ItemChange],
    what: ExportFacts,
    *,
    file_bytes: int = 2_000,
    url: str = "place",
) -> BackupStore:
    """A store with one export in it."""
    store = transfer_store(env, url)
    export = Export(store, env.clock, what, ListSource(contents), file_bytes=file_bytes)
    while not export.step():
        pass
    return store


def imported(store: BackupStore, prefix: str = "", asked: InputFormat | None = None) -> dict[str, Item]:
    """What an import makes of it; nothing may be bad."""
    target = DictTarget()
    load = Load(store, find_input(store, prefix, asked or InputFormat()), target, fail)
    while not load.step():
        pass
    return target.items


def fail(name: str, line: int, reason: str) -> None:
    raise AssertionError(f"{name}:{line}: {reason}")


def read_json(store: BackupStore, name: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(b"".join(store.get(name)))
    return found


def numbered(count: int) -> list[Item]:
    return [{"id": f"i{n:05}", "n": n} for n in range(count)]


def by_id(items: Iterable[Item]) -> dict[str, Item]:
    return {str(item["id"]): item for item in items}
