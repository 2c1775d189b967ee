"""A drill restores for real and sees when the copy is not what was backed up."""

from __future__ import annotations

import pytest

from kvdb.backup import on_demand, shelf, verifications
from kvdb.backup.drill import drill
from kvdb.backup.manifest import Manifest
from kvdb.backup.store import BackupStore
from kvdb.backup.verify import verify
from kvdb.env.env import Env
from kvdb.lsm.rebuild import Rebuild
from kvdb.lsm.wal import LogRecord
from kvdb.testing import MemFileSystem
from tests.support.backups import flip, rich_database, store_of


def _backed_up() -> tuple[MemFileSystem, Env, BackupStore, Manifest]:
    fs = MemFileSystem()
    client, engine, env = rich_database(fs)
    store = store_of(env)
    flush = engine.flush

    def flush_and_write() -> None:
        flush()
        client.table("plain").put({"k": 1000, "v": "in the log alone"})

    engine.flush = flush_and_write  # type: ignore[method-assign]
    made = on_demand.create(env, engine, store)
    fs.make_dir("scratch")
    return fs, env, store, made


def test_a_drill_compares_with_a_verification_that_it_makes_if_there_is_none() -> None:
    fs, env, store, made = _backed_up()
    outcome = drill(env, store, made.backup_id, scratch_parent="scratch")
    assert outcome.is_clean
    assert {table.name: table.items for table in outcome.tables}["plain"] == 38
    assert [each.check for each in verifications.history(store)] in (["data", "drill"], ["drill", "data"])
    assert drill(env, store, made.backup_id, scratch_parent="scratch").tables == outcome.tables
    assert [each.check for each in verifications.history(store)].count("data") == 1
    assert fs.list_dir("scratch") == []
    looks = verifications.last_looks(verifications.history(store))[made.backup_id]
    assert looks.drilled is not None and looks.verified is not None


def test_a_damaged_object_fails_the_drill_and_is_stored_again_later() -> None:
    fs, env, store, made = _backed_up()
    verify(env, store, made.backup_id, "data", scratch_parent="scratch")
    flip(fs, f"store/{made.parts[1].object_name}", 20)
    outcome = drill(env, store, made.backup_id, scratch_parent="scratch")
    assert [finding.object_name for finding in outcome.findings] == [made.parts[1].object_name]
    assert shelf.damaged_objects(store) == {made.parts[1].object_name}
    assert fs.list_dir("scratch") == []


def test_a_backup_that_fails_its_verification_is_not_drilled() -> None:
    fs, env, store, made = _backed_up()
    flip(fs, f"store/{made.parts[1].object_name}", 20)
    outcome = drill(env, store, made.backup_id, scratch_parent="scratch")
    assert not outcome.is_clean
    assert outcome.tables == []


def test_a_restore_that_loses_a_write_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    _, env, store, made = _backed_up()
    apply = Rebuild._apply

    def forgetful(rebuild: Rebuild, record: LogRecord) -> None:
        apply(rebuild, record)
        rebuild._records.pop()

    monkeypatch.setattr(Rebuild, "_apply", forgetful)
    outcome = drill(env, store, made.backup_id, scratch_parent="scratch")
    assert "table plain holds something else" in outcome.findings[0].message
    assert not outcome.is_clean


def test_a_restore_that_forgets_a_file_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    _, env, store, made = _backed_up()
    finish = Rebuild.finish

    def forgetful(rebuild: Rebuild) -> bytes:
        files = rebuild._image.files
        object.__setattr__(rebuild._image, "files", files[:3] + files[4:])
        return finish(rebuild)

    monkeypatch.setattr(Rebuild, "finish", forgetful)
    outcome = drill(env, store, made.backup_id, scratch_parent="scratch")
    assert not outcome.is_clean
