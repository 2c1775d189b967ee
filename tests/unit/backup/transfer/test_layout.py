"""The layout of exports is the service's, and what was made by the service is read."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json

import pytest

from kvdb.backup.store import BackupStore
from kvdb.backup.transfer import layout
from kvdb.backup.transfer.objects import InputFormat, find_input
from kvdb.backup.transfer.records import ItemChange
from kvdb.errors import CorruptionError, ValidationError
from kvdb.testing import sim_env
from tests.support.transfers import (
    EXPORT_ID,
    exported,
    facts,
    imported,
    numbered,
    read_json,
    transfer_store,
)

FOLDER = f"2020-Nov/AWSDynamoDB/{EXPORT_ID}/"


def md5(content: bytes) -> str:
    return base64.b64encode(hashlib.md5(content).digest()).decode()


def content(store: BackupStore, name: str) -> bytes:
    return b"".join(store.get(name))


def service_export(store: BackupStore, *, suffix: str = ".md5", folder: str = FOLDER) -> None:
    """By hand, after the developer guide: its names, members and their order."""
    line = (
        b'{"Item":{"Authors":{"SS":["Author1","Author2"]},"Dimensions":{"S":"8.5 x 11.0 x 1.5"},'
        b'"ISBN":{"S":"333-3333333333"},"Id":{"N":"103"},"InPublication":{"BOOL":false},'
        b'"id":{"S":"103"},"PageCount":{"N":"600"},"Price":{"N":"2000"},"Title":{"S":"Book 103 Title"}}}\n'
    )
    data = gzip.compress(line)
    name = "asdl123dasas.json.gz"
    entries = [(1, data, name), (0, gzip.compress(b""), "empty123.json.gz")]
    files = b"".join(
        b'{"itemCount":%d,"md5Checksum":"%s","etag":"af83d6f217c19b8b0fff8023d8ca4716-1","dataFileS3Key":"%s"}\n'
        % (count, md5(packed).encode(), f"2020-Nov/AWSDynamoDB/{EXPORT_ID}/data/{last}".encode())
        for count, packed, last in entries
    )
    summary = json.dumps(
        {
            "version": "2020-06-30",
            "exportArn": f"arn:aws:dynamodb:us-east-1:123456789012:table/ProductCatalog/export/{EXPORT_ID}",
            "startTime": "2020-11-04T07:28:34.028Z",
            "endTime": "2020-11-04T07:33:43.897Z",
            "tableArn": "arn:aws:dynamodb:us-east-1:123456789012:table/ProductCatalog",
            "tableId": "12345a12-abcd-123a-ab12-1234abc12345",
            "exportTime": "2020-11-04T07:28:34.028Z",
            "s3Bucket": "ddb-productcatalog-export",
            "s3Prefix": "2020-Nov",
            "s3SseAlgorithm": "AES256",
            "s3SseKmsKeyId": None,
            "manifestFilesS3Key": f"2020-Nov/AWSDynamoDB/{EXPORT_ID}/manifest-files.json",
            "billedSizeBytes": 0,
            "itemCount": 1,
            "outputFormat": "DYNAMODB_JSON",
        }
    ).encode()
    store.put(f"{folder}_started", [b""])
    for _, packed, last in entries:
        store.put(f"{folder}data/{last}", [packed])
    store.put(f"{folder}manifest-files.json", [files])
    store.put(f"{folder}manifest-files{suffix}", [md5(files).encode()])
    store.put(f"{folder}manifest-summary.json", [summary])
    store.put(f"{folder}manifest-summary{suffix}", [md5(summary).encode()])


def test_an_export_has_the_names_and_members_of_the_services() -> None:
    store = exported(sim_env(), numbered(200), facts(prefix="2020-Nov"))

    names = {stored.name for stored in store.listed("2020-Nov/")}
    assert {name for name in names if "/data/" not in name} == {
        FOLDER + name
        for name in (
            "_started",
            "manifest-files.json",
            "manifest-files.md5",
            "manifest-summary.json",
            "manifest-summary.md5",
        )
    }
    summary = read_json(store, FOLDER + "manifest-summary.json")
    assert list(summary) == [
        *("version", "exportArn", "startTime", "endTime", "tableArn", "tableId", "exportTime", "s3Bucket"),
        *("s3Prefix", "s3SseAlgorithm", "s3SseKmsKeyId", "manifestFilesS3Key", "billedSizeBytes"),
        *("itemCount", "outputFormat"),
    ]
    assert (summary["version"], summary["startTime"]) == ("2020-06-30", "2020-11-04T07:28:34.028Z")
    assert summary["itemCount"] == 200
    for manifest in ("manifest-files", "manifest-summary"):
        stated = content(store, f"{FOLDER}{manifest}.md5").decode()
        assert stated == md5(content(store, f"{FOLDER}{manifest}.json"))


def test_the_files_manifest_has_a_line_a_file_with_its_checksum_and_count() -> None:
    store = exported(sim_env(), numbered(200), facts())

    lines = content(store, f"AWSDynamoDB/{EXPORT_ID}/manifest-files.json").splitlines()
    assert len(lines) > 2
    for entry in map(json.loads, lines):
        assert list(entry) == ["itemCount", "md5Checksum", "etag", "dataFileS3Key"]
        data = content(store, entry["dataFileS3Key"])
        assert md5(data) == entry["md5Checksum"]
        assert len(gzip.decompress(data).splitlines()) == entry["itemCount"]
        last = entry["dataFileS3Key"].removeprefix(f"AWSDynamoDB/{EXPORT_ID}/data/")
        assert len(last) == 26 + len(".json.gz")


def test_a_line_of_data_is_the_services() -> None:
    store = exported(sim_env(), [{"id": "a", "n": 1, "s": {"y", "x"}}], facts())

    name = facts().data_name(0)
    line = gzip.decompress(content(store, name))
    assert line == b'{"Item":{"id":{"S":"a"},"n":{"N":"1"},"s":{"SS":["x","y"]}}}\n'


def test_an_incremental_export_lies_beside_and_says_what_it_is() -> None:
    change = ItemChange(1_680_109_764_000_000, {"id": "a"}, {"id": "a", "n": 2}, {"id": "a", "n": 1})
    store = exported(sim_env(), [change], facts(from_ms=1_604_470_000_000))

    summary = read_json(store, f"AWSDynamoDB/{EXPORT_ID}/manifest-summary.json")
    assert summary["version"] == "2023-08-01"
    assert summary["exportFromTime"] == "2020-11-04T06:06:40.000Z"
    assert summary["exportToTime"] == "2020-11-04T07:28:34.028Z"
    assert (summary["outputView"], summary["exportType"]) == ("NEW_AND_OLD_IMAGES", "INCREMENTAL_EXPORT")
    (data,) = (stored.name for stored in store.listed("AWSDynamoDB/data/"))
    assert gzip.decompress(content(store, data)) == (
        b'{"Metadata":{"WriteTimestampMicros":{"N":"1680109764000000"}},"Keys":{"id":{"S":"a"}},'
        b'"NewImage":{"id":{"S":"a"},"n":{"N":"2"}},"OldImage":{"id":{"S":"a"},"n":{"N":"1"}}}\n'
    )
    assert imported(store) == {"a": {"id": "a", "n": 2}}


def test_a_table_without_items_is_an_export_with_one_empty_file() -> None:
    store = exported(sim_env(), [], facts())

    assert imported(store) == {}
    assert gzip.decompress(content(store, facts().data_name(0))) == b""


@pytest.mark.parametrize("suffix", [".md5", ".checksum"])
@pytest.mark.parametrize("folder", [FOLDER, f"AWSDynamoDB/{EXPORT_ID}/", "copied/"])
def test_an_export_of_the_service_is_imported_wherever_it_was_copied_to(suffix: str, folder: str) -> None:
    store = transfer_store(sim_env())
    service_export(store, suffix=suffix, folder=folder)

    items = imported(store)

    assert items["103"]["Authors"] == {"Author1", "Author2"}
    assert items["103"]["PageCount"] == 600


def damaged(store: BackupStore, name: str, change: bytes | None) -> None:
    if change is None:
        store.delete(name)
    else:
        store.put(name, [change], replace=True)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("manifest-files.json", None),
        ("manifest-files.json", b"{}"),
        ("manifest-summary.json", b"{}"),
        ("manifest-summary.json", None),
        ("manifest-summary.md5", b"x"),
        ("manifest-files.md5", b"y" * 1000),
        ("data/asdl123dasas.json.gz", None),
        ("data/asdl123dasas.json.gz", gzip.compress(b"{}", mtime=0)),
    ],
)
def test_a_damaged_export_is_refused_before_anything_is_put(name: str, change: bytes | None) -> None:
    store = transfer_store(sim_env())
    service_export(store)
    damaged(store, FOLDER + name, change)

    with pytest.raises(CorruptionError):
        imported(store)


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        (b'"itemCount": 1', b'"itemCount": 2', CorruptionError),
        (b'"itemCount": 1', b'"itemCount": -1', CorruptionError),
        (b'"itemCount": 1', b'"itemCount": "1"', CorruptionError),
        (b'"DYNAMODB_JSON"', b'"ION"', ValidationError),
        (b"manifestFilesS3Key", b"elsewhere", CorruptionError),
        (b"/manifest-files.json", b"/other/manifest-files.json", CorruptionError),
    ],
)
def test_a_hostile_summary_is_refused(old: bytes, new: bytes, error: type[Exception]) -> None:
    store = transfer_store(sim_env())
    service_export(store)
    name = FOLDER + "manifest-summary.json"
    store.put(name, [content(store, name).replace(old, new)], replace=True)
    store.delete(FOLDER + "manifest-summary.md5")

    with pytest.raises(error):
        imported(store)


@pytest.mark.parametrize(
    "key", ["../../etc/passwd", "2020-Nov/AWSDynamoDB/../x", "/etc/passwd", "other/x", ""]
)
def test_a_manifest_that_names_what_is_outside_is_refused(key: str) -> None:
    store = transfer_store(sim_env())
    service_export(store)
    name = FOLDER + "manifest-files.json"
    at = f"2020-Nov/AWSDynamoDB/{EXPORT_ID}/data/asdl123dasas.json.gz".encode()
    store.put(name, [content(store, name).replace(at, key.encode())], replace=True)
    store.delete(FOLDER + "manifest-files.md5")

    with pytest.raises(CorruptionError, match="outside"):
        imported(store)


def test_an_export_under_way_is_not_taken_for_whole() -> None:
    store = transfer_store(sim_env())
    layout.put_started(store, facts())
    store.put(facts().data_name(0), [gzip.compress(b'{"Item":{"id":{"S":"a"}}}\n')])

    with pytest.raises(CorruptionError, match="not complete"):
        imported(store)


def test_several_exports_in_one_place_have_to_be_told_apart() -> None:
    store = transfer_store(sim_env())
    service_export(store)
    service_export(store, folder="other/")

    with pytest.raises(ValidationError, match="several exports"):
        find_input(store, "", InputFormat())
    assert find_input(store, "other/", InputFormat()).objects
    with pytest.raises(ValidationError, match="nothing to import"):
        find_input(store, "missing/", InputFormat())


def test_the_data_folder_alone_is_imported_as_the_service_does_it() -> None:
    store = transfer_store(sim_env())
    service_export(store)

    assert list(imported(store, FOLDER + "data/", InputFormat(compression="GZIP"))) == ["103"]


@pytest.mark.parametrize("name", ["a/b.json", "AWSDynamoDB/1/_started", "ä b"])
def test_names_of_objects(name: str) -> None:
    assert layout.is_object_name(name)


@pytest.mark.parametrize("name", ["", "/a", "a/", "a//b", "a/../b", ".", "a\\b", "a\nb", "a" * 1025])
def test_names_that_no_object_has(name: str) -> None:
    assert not layout.is_object_name(name)
