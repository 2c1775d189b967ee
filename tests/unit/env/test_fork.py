"""A forked child has no use of its parent's database, and does it no harm."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PREAMBLE = """
import os, sys
import kvdb
from kvdb.api.items import GetItem
path = sys.argv[1]
db = kvdb.open(path)
table = db.create_table("people", key=("k", "S"))
table.put({"k": "before"})

def in_child(what):
    pid = os.fork()
    if pid == 0:
        try:
            what()
            os._exit(0)
        except BaseException as error:
            print(type(error).__name__, error, flush=True)
            os._exit(1)
    return os.waitpid(pid, 0)[1]

def refused(call):
    try:
        call()
    except kvdb.KvdbError as error:
        print(type(error).__name__, "fork" in str(error), flush=True)
    else:
        print("not refused", flush=True)
"""


def run(script: str, path: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PREAMBLE + script, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_every_call_in_a_child_is_refused_and_says_why(tmp_path: Path) -> None:
    script = """
def calls():
    refused(lambda: table.get({"k": "before"}))
    refused(lambda: table.put({"k": "child"}))
    refused(lambda: list(table.scan()))
    refused(lambda: db.tables())
in_child(calls)
db.close()
"""
    assert run(script, tmp_path / "db") == ["ClosedError True"] * 4


def test_closing_in_a_child_leaves_the_parent_at_work(tmp_path: Path) -> None:
    script = """
assert in_child(db.close) == 0
table.put({"k": "after"})
print(sorted(item["k"] for item in table.scan()))
db.close()
with kvdb.open(path) as again:
    print(sorted(item["k"] for item in again.table("people").scan()))
"""
    assert run(script, tmp_path / "db") == ["['after', 'before']"] * 2


def test_a_child_does_not_touch_the_files(tmp_path: Path) -> None:
    script = """
db._transport._database._floor.background.stop()  # what the parent counts in peace would change its files
def state():
    names = sorted(os.listdir(path))
    return [(name, os.stat(os.path.join(path, name)).st_size) for name in names]
before = state()
def work():
    refused(lambda: table.put({"k": "child"}))
    db.close()
in_child(work)
print(state() == before)
"""
    assert run(script, tmp_path / "db") == ["ClosedError True", "True"]


def test_a_child_that_lives_on_does_not_keep_the_directory_locked(tmp_path: Path) -> None:
    script = """
read, write = os.pipe()
is_ready, tell_ready = os.pipe()
pid = os.fork()
if pid == 0:
    os.close(write)
    os.write(tell_ready, b"x")
    os.read(read, 1)
    os._exit(0)
os.read(is_ready, 1)
db.close()
with kvdb.open(path) as again:
    print("opened")
os.write(write, b"x")
os.waitpid(pid, 0)
"""
    assert run(script, tmp_path / "db") == ["opened"]


def test_a_child_is_refused_the_directory_while_its_parent_has_it(tmp_path: Path) -> None:
    script = """
in_child(lambda: refused(lambda: kvdb.open(path)))
def open_own():
    with kvdb.open(path + "-own") as own:
        print(own.tables())
in_child(open_own)
"""
    assert run(script, tmp_path / "db") == ["DatabaseLocked False", "[]"]


def test_a_child_forked_while_another_thread_writes_does_not_hang(tmp_path: Path) -> None:
    script = """
import threading
stop = threading.Event()
def work(number):
    while not stop.is_set():
        table.put({"k": f"k{number}"})
threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
for thread in threads: thread.start()
for _ in range(20):
    assert in_child(lambda: refused(lambda: table.put({"k": "child"}))) == 0
stop.set()
for thread in threads: thread.join()
db.close()
"""
    assert run(script, tmp_path / "db") == ["ClosedError True"] * 20
