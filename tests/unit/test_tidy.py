"""tools/tidy.py finds each planted offence, lets honest code pass, and finds nothing here."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import tidy

ROOT = Path(__file__).resolve().parent.parent.parent
EXCEPTIONS_MAX = 2


def rules(path: str, text: str) -> list[str]:
    return [finding.rule for finding in tidy.check_file(path, text)]


def module(body: str) -> str:
    return f'"""A module."""\n{body}'


def test_this_repository_is_tidy() -> None:
    assert [str(finding) for finding in tidy.check(tidy.read_tree(ROOT))] == []


def test_the_list_of_exceptions_only_shrinks() -> None:
    assert len(tidy.EXCEPTIONS) <= EXCEPTIONS_MAX


@pytest.mark.parametrize(
    "body",
    [
        "data = open('x').read()",
        "import time",
        "from time import sleep",
        "import os\nos.unlink('x')",
        "import os as o\no.remove('x')",
        "from os import rename as move",
        "import os.path\nos.path.exists('x')",
        "import os\ndelete = os.unlink",
        "import threading\nthreading.Thread(target=print)",
        "from threading import Thread",
        "import subprocess",
        "import random",
        "import uuid\nuuid.uuid4()",
        "from datetime import datetime\ndatetime.now()",
        "import pathlib",
    ],
)
def test_what_touches_the_world_outside_env_is_found(body: str) -> None:
    assert "banned" in rules("kvdb/table/x.py", module(body))
    assert "banned" not in rules("kvdb/env/x.py", module(body))


@pytest.mark.parametrize("body", ["import pickle", "from marshal import loads", "eval('1')", "exec('x = 1')"])
def test_running_or_unpickling_input_is_found_in_env_too(body: str) -> None:
    assert "banned" in rules("kvdb/env/x.py", module(body))


@pytest.mark.parametrize(
    "body",
    [
        "import threading\nthreading.Lock()",
        "import re\nre.compile('x')",
        "import os\nos.environ.get('X')",
        "def open(path: str) -> str:\n    return path\nopen('x')",
        "from kvdb.client.connect import open\nopen('x')",
        "def f(time: int, engine: object) -> None:\n    print(time, engine.open)",
        "import uuid\nuuid.UUID(int=0)",
        "import os\nos.path.join('a', 'b')",
        "from os import path\npath.basename('a')",
    ],
)
def test_honest_code_passes(body: str) -> None:
    assert rules("kvdb/table/x.py", module(body)) == []


def test_a_function_may_have_seventy_lines_and_no_more() -> None:
    longest = "def f() -> None:\n" + "    print()\n" * 69

    assert rules("kvdb/x.py", module(longest)) == []
    assert rules("kvdb/x.py", module(longest + "    print()\n")) == ["function-lines"]


def test_a_module_may_have_eight_hundred_lines_and_no_more() -> None:
    longest = module("x = 1\n" * 799)

    assert rules("tests/x.py", longest) == []
    assert rules("tests/x.py", longest + "x = 1\n") == ["module-lines"]


def test_a_module_without_a_docstring_is_found() -> None:
    assert rules("tools/x.py", "x = 1\n") == ["docstring"]


@pytest.mark.parametrize("mark", ["TO" + "DO", "FIX" + "ME", "XX" + "X"])
def test_a_mark_of_unfinished_work_is_found(mark: str) -> None:
    assert rules("tests/x.py", f"x = 1  # {mark}: later\n") == ["open-work"]


@pytest.mark.parametrize("name", ["utils", "helpers", "common"])
def test_a_module_for_odds_and_ends_is_found(name: str) -> None:
    assert rules(f"kvdb/{name}.py", module("")) == ["module-name"]


def test_an_import_inside_a_function_is_found() -> None:
    assert rules("kvdb/x.py", module("def f() -> None:\n    import json\n")) == ["local-import"]


@pytest.mark.parametrize(
    "line", ["import grpc", "from kvdb.server import app", "from google.protobuf import any_pb2"]
)
def test_an_optional_package_may_be_imported_inside_a_function(line: str) -> None:
    assert rules("kvdb/x.py", module(f"def f() -> None:\n    {line}\n")) == []


@pytest.mark.parametrize("signature", ["f(x: Any) -> None", "f(*x: list[Any]) -> None", "f() -> Any"])
def test_any_in_a_signature_is_found(signature: str) -> None:
    assert rules("kvdb/x.py", module(f"def {signature}: ...\n")) == ["any"]


def test_what_is_not_python_is_found() -> None:
    assert rules("kvdb/x.py", "def\n") == ["parse"]


def test_a_module_nobody_imports_is_found() -> None:
    files = {
        "kvdb/used.py": module(""),
        "kvdb/dead.py": module(""),
        "kvdb/cli/main.py": module("from kvdb import used"),
        "tests/unit/test_dead.py": "from kvdb import dead",
    }

    assert [str(f) for f in tidy.check(files, ())] == ["kvdb/dead.py:1: dead-module: kvdb.dead"]


def test_a_relative_import_keeps_a_module_alive() -> None:
    files = {
        "kvdb/cli/main.py": module("from .near import x\nfrom ..far import y"),
        "kvdb/cli/near.py": module("x = 1"),
        "kvdb/far.py": module("y = 1"),
    }

    assert tidy.check(files, ()) == []


def test_a_double_is_kept_alive_by_tests() -> None:
    files = {"kvdb/testing/clock.py": module(""), "tests/x.py": "import kvdb.testing.clock"}

    assert tidy.check(files, ()) == []


def test_a_unit_test_without_its_module_is_found() -> None:
    files = {
        "tests/unit/item/test_gone.py": "",
        "tests/unit/cli/test_main.py": "",
        "kvdb/cli/main.py": module(""),
    }

    assert [str(f) for f in tidy.check(files, ())] == [
        "tests/unit/item/test_gone.py:1: mirror: kvdb/item/gone.py"
    ]


def test_an_exception_excuses_its_breach_and_no_other() -> None:
    files = {"kvdb/cli/main.py": module("eval('1')\nexec('1')")}
    excused = tidy.Excused("banned", "kvdb/cli/main.py", "eval", "because")

    assert [finding.what for finding in tidy.check(files, (excused,))] == ["exec"]


def test_an_exception_that_excuses_nothing_is_found() -> None:
    stale = tidy.Excused("banned", "kvdb/cli/main.py", "eval", "because")

    assert [finding.rule for finding in tidy.check({}, (stale,))] == ["exception"]
