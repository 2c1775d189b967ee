"""Real worker processes on a real server: killed, stopped, asked what they do."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import kvdb
from kvdb.api.tables import StreamSpecification, UpdateTable
from tests.support.server_process import ServerProcess
from tests.support.worker_ledger import run

HANDLER = """
def handler(event, context):
    print("handled", len(event["Records"]), flush=True)
"""


def test_workers_that_are_killed_have_done_every_change_once_and_in_order(tmp_path: Path) -> None:
    outcome = run(tmp_path, changes=3_000, kills=5, server_kills=1, seed=3)
    assert (outcome.kills, outcome.server_kills) == (5, 1)
    assert outcome.calls >= 3_000 // 90


def test_a_worker_is_stopped_by_a_signal_and_gives_its_leases_back(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(HANDLER, encoding="utf-8")
    with ServerProcess(tmp_path / "data") as server, kvdb.connect(server.target) as db:
        orders = db.create_table("orders", key=("id", "S"))
        db.call(UpdateTable("orders", stream_specification=StreamSpecification(True, "NEW_IMAGE")))
        orders.put({"id": "a"})
        command = [sys.executable, "-m", "kvdb", "worker", "--table", "orders", "--handler", "module:handler"]
        with subprocess.Popen(
            [*command, "--endpoint", server.target, "--admin", "127.0.0.1:0"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as worker:
            assert worker.stdout is not None
            ready = worker.stdout.readline()
            assert ready.startswith("kvdb worker ready worker=")
            assert worker.stdout.readline() == "handled 1\n"
            held = status(server.target)
            assert {row["state"] for row in held} == {"held"}
            admin = "http://" + ready.strip().partition("admin=")[2]
            assert urlopen(f"{admin}/ready").read() == b"ready\n"
            assert "kvdb_worker_leases_held 4\n" in urlopen(f"{admin}/metrics").read().decode()
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(60) == 0
        left = status(server.target)
        assert {(row["state"], row["owner"], row["behind_records"]) for row in left} == {("free", "", 0)}


def status(target: str) -> list[dict[str, object]]:
    command = [sys.executable, "-m", "kvdb", "worker", "status", "--table", "orders", "--endpoint", target]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, timeout=60, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


STUBBORN = """
import time


def handler(event, context):
    print("begun", flush=True)
    time.sleep(600)
"""


def test_a_second_signal_does_not_wait_for_the_handler(tmp_path: Path) -> None:
    (tmp_path / "stubborn.py").write_text(STUBBORN, encoding="utf-8")
    with ServerProcess(tmp_path / "data") as server, kvdb.connect(server.target) as db:
        db.create_table("orders", key=("id", "S"), stream="NEW_IMAGE").put({"id": "a"})
        command = [
            sys.executable,
            "-m",
            "kvdb",
            "worker",
            "--table",
            "orders",
            "--handler",
            "stubborn:handler",
        ]
        with subprocess.Popen(
            [*command, "--endpoint", server.target],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as worker:
            assert worker.stdout is not None
            assert worker.stdout.readline().startswith("kvdb worker ready worker=")
            assert worker.stdout.readline() == "begun\n"
            worker.send_signal(signal.SIGINT)
            while worker.poll() is None:
                # The first of these may still find the worker's own answer to a signal in place.
                time.sleep(0.05)
                worker.send_signal(signal.SIGINT)
            assert worker.returncode == -signal.SIGINT
