"""Kill a real server that archives, and a real restore: no gap, nothing half restored, every label right."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import kvdb
from kvdb.backup.archive_history import archived_databases, read_history
from kvdb.backup.places import open_store
from kvdb.env.env import Env
from kvdb.errors import KvdbError, NotADatabase
from tests.support.server_process import ServerProcess

CYCLES = 4
OPTIONS = kvdb.ClientOptions(attempts_max=1, deadline_ms=20_000)
Content = Mapping[str, int]


def until_base(db: kvdb.Client) -> None:
    deadline = time.monotonic() + 60
    while (found := db.archive()) is None or found.base_seqno is None:
        assert time.monotonic() < deadline, found
        time.sleep(0.02)


def content_of(db: kvdb.Client) -> Content:
    return {str(item["k"]): int(item["v"]) for item in db.table("ttt").scan()}


def restore(store: Path, target: Path, *point: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "kvdb", "restore", "--archive", str(store), "--to", str(target), *point]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def write_until_killed(server: ServerProcess, chance: random.Random, version: int) -> int:
    """Puts until the server is gone, which it is after some of them; returns the next version."""
    kill_at = version + chance.randrange(50, 250)
    with kvdb.connect(server.target, options=OPTIONS) as db:
        table = db.table("ttt")
        while version < kill_at:
            table.put({"k": f"key-{chance.randrange(80)}", "v": version})
            version += 1
        server.kill()
        with pytest.raises(KvdbError):
            table.put({"k": "late", "v": version})
    return version + 1


@pytest.fixture
def archived(tmp_path: Path) -> Iterator[tuple[Path, dict[str, Content]]]:
    """A store, after some kills, and what the database was at each label, and at the end."""
    chance = random.Random(7)
    data, store = tmp_path / "data", tmp_path / "store"
    seen: dict[str, Content] = {}
    version = 1
    for cycle in range(CYCLES):
        with ServerProcess(data, "--archive", str(store)) as server:
            with kvdb.connect(server.target, options=OPTIONS) as db:
                if not cycle:
                    db.create_table("ttt", key=("k", "S"))
                    until_base(db)
                seen[f"cycle {cycle}"] = content_of(db)
                db.label_archive(f"cycle {cycle}")
            version = write_until_killed(server, chance, version)
    with ServerProcess(data, "--archive", str(store)) as server:
        with kvdb.connect(server.target, options=OPTIONS) as db:
            seen["end"] = content_of(db)
            db.label_archive("end")
        assert server.stop() == 0
    yield store, seen


def test_an_archive_has_every_point_though_its_server_was_killed_again_and_again(
    archived: tuple[Path, dict[str, Content]], tmp_path: Path
) -> None:
    store, seen = archived
    env = Env.system()
    place = open_store(str(store), env)
    history = read_history(place, archived_databases(place)[0])
    assert len(history.runs) == 1, [run.segments[0].epoch.reason for run in history.runs]
    assert len(seen["end"]) > 40
    for number, (label, content) in enumerate(seen.items()):
        target = tmp_path / f"restored-{number}"
        assert restore(store, target, "--label", label).wait() == 0
        with kvdb.open(str(target)) as db:
            assert content_of(db) == content, label


def test_a_restore_that_is_killed_leaves_nothing_that_opens_and_can_be_done_again(
    archived: tuple[Path, dict[str, Content]], tmp_path: Path
) -> None:
    store, seen = archived
    began = time.monotonic()
    assert restore(store, tmp_path / "whole").wait() == 0
    spent = time.monotonic() - began
    target = tmp_path / "restored"
    killed = 0
    for step in range(12):
        process = restore(store, target)
        time.sleep(spent * step / 10)
        process.kill()
        process.wait()
        if target.exists():
            with kvdb.open(str(target)) as db:
                assert content_of(db) == seen["end"]
            break
        killed += 1
        if (stage := tmp_path / "restored.restoring").exists():
            with pytest.raises(NotADatabase):
                kvdb.open(str(stage))
    else:
        assert restore(store, target).wait() == 0
        with kvdb.open(str(target)) as db:
            assert content_of(db) == seen["end"]
    assert killed >= 5
