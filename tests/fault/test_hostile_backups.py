"""Hostile manifests and failing stores: refused by name, and nothing appears anywhere."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from kvdb.backup import names, on_demand, restore, shelf
from kvdb.backup.drill import drill
from kvdb.backup.object_store import ObjectStore
from kvdb.backup.retry import TRIES_MAX, RetryingStore
from kvdb.backup.store import BackupStore, Stored
from kvdb.backup.verify import verify
from kvdb.errors import BackupStoreError, CorruptionError, DiskFull, KvdbError, ServiceUnavailable
from kvdb.testing import MemFileSystem
from tests.support.backup_flips import small_backup
from tests.support.backups import fill, restored_content, store_of
from tests.support.engines import content, open_engine
from tests.support.forged import HOSTILE, forge, tree
from tests.support.s3_server import SETTINGS

_KEPT = ("store/verifications/", "store/damaged/")


@pytest.mark.parametrize("place", range(len(HOSTILE)))
def test_a_hostile_manifest_is_refused_by_name_and_nothing_appears(place: int) -> None:
    fs, env, store, made = small_backup(5)
    fs.make_dir("scratch")
    forge(fs, made.backup_id, HOSTILE[place])
    before = tree(fs)
    known = {names.manifest_name(made.backup_id), *(part.object_name for part in made.parts)}
    with pytest.raises(CorruptionError) as caught:
        restore.restore(env, restore.plan_backup(store, made.backup_id), "target")
    assert caught.value.file in known
    after = tree(fs)
    assert {
        name for name in after if name not in before and not name.startswith("target.restoring/")
    } == set()
    assert {name: after[name] for name in before} == before
    outcome = verify(env, store, made.backup_id, "structure", scratch_parent="scratch")
    assert {finding.object_name for finding in outcome.findings if finding.severity == "damage"} <= known
    assert not outcome.is_clean
    assert not drill(env, store, made.backup_id, scratch_parent="scratch").is_clean
    appeared = tree(fs).keys() - after.keys()
    assert all(name.startswith(_KEPT) for name in appeared), appeared


def test_swapped_manifests_are_refused() -> None:
    fs, env, store, made = small_backup(5)
    fs2 = fs.after_crash("all", seed=1)
    engine, env = open_engine(fs2, seed=9)
    store = store_of(env)
    other = on_demand.create(env, engine, store)
    one, two = (f"store/{names.manifest_name(each.backup_id)}" for each in (made, other))
    first, second = bytes(fs2._inode(one).content), bytes(fs2._inode(two).content)
    fs2._inode(one).content[:], fs2._inode(two).content[:] = second, first
    for backup_id in (made.backup_id, other.backup_id):
        with pytest.raises(CorruptionError, match=backup_id):
            restore.plan_backup(store, backup_id)


class _Breaking:
    """A store whose reads break off: each after so many pieces, ``times`` times."""

    def __init__(self, store: BackupStore, times: int) -> None:
        self.url = store.url
        self.left = times
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def get(self, name: str) -> Iterator[bytes]:
        data = b"".join(self._store.get(name))
        for start in range(0, len(data), 100):
            if start >= 200 and self.left:
                self.left -= 1
                raise ServiceUnavailable("connection reset")
            yield data[start : start + 100]

    def listed(self, prefix: str) -> Iterator[Stored]:
        return self._store.listed(prefix)


def test_a_read_that_breaks_off_goes_on_where_it_was_and_gives_up_in_the_end() -> None:
    fs, env, store, made = small_backup(6)
    fs.make_dir("scratch")
    for times, is_enough in ((1, True), (TRIES_MAX - 1, True), (10_000, False)):
        breaking: BackupStore = RetryingStore(_Breaking(store, times), env)  # type: ignore[arg-type]
        if is_enough:
            assert verify(env, breaking, made.backup_id, "structure", scratch_parent="scratch").is_clean
        else:
            with pytest.raises(ServiceUnavailable):
                verify(env, breaking, made.backup_id, "structure", scratch_parent="scratch")
    assert fs.list_dir("scratch") == []


class _Answer(BaseHTTPRequestHandler):
    """Every request gets the answer that the server has."""

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, code = self.server.answer  # type: ignore[attr-defined]
        self.server.requests += 1  # type: ignore[attr-defined]
        body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _answer  # noqa: N815

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing."""


@contextmanager
def _server(status: int, code: str) -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    server.answer, server.requests = (status, code), 0  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _refused(port: int, error: type[KvdbError], timeout_ms: int = 2_000) -> None:
    """A backup, a verification and a restore all end with ``error``, and leave nothing."""
    fs = MemFileSystem()
    engine, env = open_engine(fs)
    fill(engine, random.Random(1), 20)
    model = content(engine)
    fs.make_dir("scratch")
    settings = {**SETTINGS, "aws_endpoint": f"http://127.0.0.1:{port}"}
    store = RetryingStore(ObjectStore("s3://backups/p", settings, timeout_ms=timeout_ms), env)
    before = {name for name in tree(fs) if not name.startswith("db/")}
    backup_id = "00000000000007-00000000"
    for work in (
        lambda: on_demand.create(env, engine, store),
        lambda: verify(env, store, backup_id, "data", scratch_parent="scratch"),
        lambda: drill(env, store, backup_id, scratch_parent="scratch"),
        lambda: restore.restore(env, restore.plan_backup(store, backup_id), "target"),
    ):
        with pytest.raises(error) as caught:
            work()
        assert "s3://backups/p" in str(caught.value)
        assert SETTINGS["aws_secret_access_key"] * 2 not in str(caught.value)
    assert {name for name in tree(fs) if not name.startswith("db/")} == before
    assert content(engine) == model


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (403, "InvalidAccessKeyId", BackupStoreError),
        (403, "SignatureDoesNotMatch", BackupStoreError),
        (403, "AccessDenied", BackupStoreError),
        (405, "MethodNotAllowed", BackupStoreError),
        (404, "NoSuchBucket", BackupStoreError),
        (507, "InsufficientStorage", DiskFull),
        (503, "SlowDown", ServiceUnavailable),
        (500, "InternalError", ServiceUnavailable),
    ],
)
def test_a_store_that_refuses_or_cannot_gives_a_clear_error(
    status: int, code: str, error: type[KvdbError]
) -> None:
    with _server(status, code) as server:
        _refused(server.server_address[1], error)
        requests = server.requests  # type: ignore[attr-defined]
    # What may pass is tried again, what will not is not.
    assert (requests >= 4 * TRIES_MAX) == (error is ServiceUnavailable)


def test_a_store_that_is_down_or_never_answers_is_unavailable() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        _refused(closed.getsockname()[1], ServiceUnavailable)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)
        _refused(silent.getsockname()[1], ServiceUnavailable, timeout_ms=50)


def test_nothing_of_a_refused_backup_is_taken_for_one_by_the_next() -> None:
    """A store that becomes full, at any object."""
    room = 0
    while True:
        room += 1
        fs, env, store, _ = small_backup(7)
        fs = fs.after_crash("all", seed=1)
        engine, env = open_engine(fs, seed=11)
        fill(engine, random.Random(9), 40)
        store = store_of(env)
        engine.flush()
        fs.capacity_bytes = sum(map(len, tree(fs).values())) + room * 1_500
        try:
            on_demand.create(env, engine, store)
        except DiskFull:
            assert len(shelf.backup_ids(store)) == 1
        else:
            break
        fs.capacity_bytes = 1 << 40
        made = on_demand.create(env, engine, store)
        restore.restore(env, restore.plan_backup(store, made.backup_id), "target")
        assert restored_content(fs, "target") == content(engine)
    assert room > 2
