"""Every store keeps the same promises: a directory in memory, one on disk, and an S3-compatible server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kvdb.backup.places import open_store
from kvdb.backup.retry import RetryingStore
from kvdb.backup.store import BackupStore, DirectoryStore, ObjectNotFound, read_small
from kvdb.env.env import Env
from kvdb.env.fs import OsFileSystem
from kvdb.errors import BackupStoreError, CorruptionError, DiskFull, ServiceUnavailable
from kvdb.testing import Fault, FaultyFileSystem, MemFileSystem, sim_env
from tests.support.s3_server import SETTINGS, s3_server

A = "objects/" + "a" * 64 + ".sst"
B = "objects/" + "b" * 64 + ".log"


@pytest.fixture(scope="module")
def server() -> Iterator[dict[str, str]]:
    with s3_server() as settings:
        yield settings


@pytest.fixture(params=["memory", "disk", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path, server: dict[str, str]) -> BackupStore:
    name = request.node.name.replace("[", "-").replace("]", "")
    if request.param == "memory":
        return open_store("place/of/store", sim_env())
    if request.param == "disk":
        return open_store(f"file://{tmp_path}/place/of/store", Env.system())
    return open_store(f"s3://backups/{name}", sim_env(), server)


def test_an_object_is_read_as_it_was_written(store: BackupStore) -> None:
    big = os.urandom(1 << 20) * 20
    store.put(A, [big[at : at + 1_000_000] for at in range(0, len(big), 1_000_000)])
    store.put(B, [])
    assert b"".join(store.get(A)) == big
    assert b"".join(store.get(B)) == b""
    assert store.exists(A)
    assert {(found.name, found.size) for found in store.listed("objects/")} == {(A, len(big)), (B, 0)}
    assert not list(store.listed("backups/"))


def test_an_object_is_not_written_over_unless_that_was_asked_for(store: BackupStore) -> None:
    store.put(A, [b"first"])
    with pytest.raises(FileExistsError):
        store.put(A, [b"second"])
    assert b"".join(store.get(A)) == b"first"
    store.put(A, [b"third"], replace=True)
    assert b"".join(store.get(A)) == b"third"


def test_what_is_not_there_is_told_so_and_deleting_it_is_no_error(store: BackupStore) -> None:
    with pytest.raises(ObjectNotFound):
        list(store.get(A))
    assert not store.exists(A)
    store.delete(A)
    store.put(A, [b"x"])
    store.delete(A)
    assert not store.exists(A)


@pytest.mark.parametrize("size", [0, 20 << 20])
def test_content_that_breaks_off_leaves_no_object(store: BackupStore, size: int) -> None:
    def broken() -> Iterator[bytes]:
        for _ in range(size >> 20):
            yield bytes(1 << 20)
        raise CorruptionError("the source is damaged")

    with pytest.raises(CorruptionError, match="source"):
        store.put(A, broken())
    assert not store.exists(A)
    assert not list(store.listed("objects/"))


@pytest.mark.parametrize(
    "name", ["../x", "objects/../../x", "/etc/passwd", "objects/short.sst", "backups/x.json"]
)
def test_a_name_that_is_not_ours_is_refused(store: BackupStore, name: str) -> None:
    for call in (lambda: store.put(name, [b"x"]), lambda: list(store.get(name)), lambda: store.delete(name)):
        with pytest.raises(CorruptionError, match="not the name"):
            call()


def test_an_object_larger_than_anything_we_write_is_not_read_into_memory(store: BackupStore) -> None:
    store.put(A, [bytes(3 << 20)])
    with pytest.raises(CorruptionError, match="too large"):
        read_small(store, A, bytes_max=1 << 20)


def test_a_directory_store_syncs_before_the_name_and_the_name_before_it_returns() -> None:
    fs = FaultyFileSystem(MemFileSystem())
    DirectoryStore(fs, "store", b"t").put(A, [b"x"])
    last = [call.operation for call in fs.calls[-4:]]
    assert last == ["append", "sync", "rename", "sync_dir"]


def test_a_directory_store_does_not_follow_a_link(tmp_path: Path) -> None:
    store = DirectoryStore(OsFileSystem(), str(tmp_path), b"t")
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    (tmp_path / "objects").mkdir()
    (tmp_path / A).symlink_to(secret)
    with pytest.raises(BackupStoreError, match="refuses"):
        list(store.get(A))
    store.put(A, [b"ours"], replace=True)
    assert secret.read_bytes() == b"secret"
    assert not (tmp_path / A).is_symlink()


@pytest.mark.parametrize(
    ("error", "expected"),
    [(5, ServiceUnavailable), (28, DiskFull), (30, BackupStoreError), (13, BackupStoreError)],
)
def test_what_a_directory_refuses_says_who_has_to_act(error: int, expected: type[Exception]) -> None:
    fs = FaultyFileSystem(MemFileSystem())
    store = DirectoryStore(fs, "store", b"t")
    for operation in ("append", "sync", "rename", "sync_dir", "create"):
        fs.heal()
        fs.fail(Fault(operation, error=error, for_ever=True))
        with pytest.raises(expected, match="store=store"):
            store.put(A, [b"x"], replace=True)


def test_a_passing_fault_is_tried_again_and_a_lasting_one_not_for_ever() -> None:
    fs = FaultyFileSystem(MemFileSystem())
    env = sim_env(fs)
    store = RetryingStore(DirectoryStore(fs, "store", b"t"), env)
    store.put(A, [b"x"])
    fs.fail(Fault("open_own", nth=1))
    assert b"".join(store.get(A)) == b"x"
    fs.heal()
    fs.fail(Fault("sync", nth=1))
    store.put(B, [b"y"])
    fs.heal()
    before = len(fs.calls)
    fs.fail(Fault("list_dir", for_ever=True))
    with pytest.raises(ServiceUnavailable):
        list(store.listed("objects/"))
    assert len(fs.calls) - before == 4


def test_a_put_whose_first_try_was_carried_out_counts_as_done() -> None:
    fs = FaultyFileSystem(MemFileSystem())
    store = RetryingStore(DirectoryStore(fs, "store", b"t"), sim_env(fs))
    store.put(B, [b"y"])
    fs.fail(Fault("sync_dir", "store/objects"))
    store.put(A, [b"x"])
    assert b"".join(store.get(A)) == b"x"


def test_a_server_that_is_not_there_is_worth_another_try_and_a_bucket_that_is_not_is_not(
    server: dict[str, str],
) -> None:
    down = open_store("s3://backups/x", sim_env(), {**SETTINGS, "aws_endpoint": "http://127.0.0.1:9"})
    with pytest.raises(ServiceUnavailable, match=r"does not answer .*store=s3://backups/x"):
        down.exists(A)
    no_bucket = open_store("s3://absent/x", sim_env(), server)
    with pytest.raises(BackupStoreError, match="refuses"):
        no_bucket.put(A, [b"x"])


@pytest.mark.parametrize("url", ["ftp://host/x", "file://", "", "s3://"])
def test_a_url_that_is_no_store_is_refused(url: str) -> None:
    with pytest.raises(BackupStoreError):
        open_store(url, sim_env()).exists(A)
