"""Exports in an object store: written, listed, checked and imported as in a directory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kvdb.backup.places import open_store
from kvdb.backup.store import BackupStore
from kvdb.backup.transfer.export import Export
from kvdb.backup.transfer.layout import is_object_name
from kvdb.backup.transfer.objects import InputFormat, find_input
from kvdb.backup.transfer.records import EXPORT_FORMATS, ExportFormat
from kvdb.errors import CorruptionError, ValidationError
from kvdb.testing import sim_env
from tests.support.s3_server import s3_server
from tests.support.transfers import ListSource, by_id, facts, imported, numbered


@pytest.fixture(scope="module")
def server() -> Iterator[dict[str, str]]:
    with s3_server() as settings:
        yield settings


@pytest.fixture
def store(server: dict[str, str], request: pytest.FixtureRequest) -> BackupStore:
    name = request.node.name.replace("[", "-").replace("]", "")
    return open_store(f"s3://backups/{name}", sim_env(), server, is_name=is_object_name)


@pytest.mark.parametrize("format", EXPORT_FORMATS)
def test_an_export_to_an_object_store_comes_back(store: BackupStore, format: ExportFormat) -> None:
    items = numbered(300)
    export = Export(store, sim_env().clock, facts(format, prefix="a/b"), ListSource(items), file_bytes=3_000)
    while not export.step():
        pass

    assert len(export.state.files) > 1
    assert imported(store) == imported(store, "a/") == by_id(items)
    assert imported(store, f"a/b/AWSDynamoDB/{facts().export_id}/manifest") == by_id(items)


def test_an_object_that_was_swapped_is_refused(store: BackupStore) -> None:
    export = Export(store, sim_env().clock, facts(), ListSource(numbered(100)), file_bytes=2_000)
    while not export.step():
        pass
    other = b"".join(store.get(facts().data_name(1)))
    store.put(facts().data_name(0), [other], replace=True)

    with pytest.raises(CorruptionError, match="checksum"):
        imported(store)


def test_an_empty_place_has_nothing_to_import(store: BackupStore) -> None:
    with pytest.raises(ValidationError, match="nothing to import"):
        find_input(store, "", InputFormat())


def test_the_digest_of_an_input_is_of_its_names(store: BackupStore) -> None:
    store.put("in/a.json", [b"1"])
    before = find_input(store, "in/", InputFormat()).digest()
    store.put("in/a.json", [b"other"], replace=True)
    assert find_input(store, "in/", InputFormat()).digest() == before
    store.put("in/b.json", [b""])
    assert find_input(store, "in/", InputFormat()).digest() != before
