"""The house rules that no other linter holds: ``python -m tools.tidy`` prints every breach.

Rules (ARCHITECTURE section 10; TigerBeetle's ``tidy.zig`` is the model). All Python files:

    parse            the file is Python
    module-lines     at most 800 lines
    function-lines   at most 70 lines
    open-work        no marks of unfinished work: an open point is an issue
    module-name      no room for odds and ends: a module is named after what it is for

Modules of ``kvdb``, ``tools`` and ``bench``:

    docstring        a module opens with what it is

Modules of ``kvdb``:

    banned           time, disk, chance, threads and processes only in ``kvdb.env``; no pickle, no eval
    local-import     imports stand at the top; inside functions only optional packages
    any              no ``Any`` in a signature
    dead-module      every module is imported by another one, or is a door

Modules of ``tests/unit``:

    mirror           ``tests/unit/a/test_b.py`` tests ``kvdb/a/b.py``

``EXCEPTIONS`` lists what is let pass and why. It may only shrink: an exception that excuses
nothing is itself a breach. Generated code (``kvdb/rpc/gen``) is left out.
"""

from __future__ import annotations

import ast
import builtins
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias

FUNCTION_LINES_MAX = 70
MODULE_LINES_MAX = 800
FOLDERS = ("kvdb", "tests", "tools", "bench")
GENERATED = "kvdb/rpc/gen/"

BANNED_OUTSIDE_ENV = frozenset(
    {
        "time",
        "random",
        "secrets",
        "uuid.uuid1",
        "uuid.uuid4",
        "datetime.datetime.now",
        "datetime.datetime.utcnow",
        "datetime.date.today",
        "open",
        "io.open",
        "pathlib",
        "shutil",
        "tempfile",
        "mmap",
        "posix",
        "threading.Thread",
        "threading.Timer",
        "_thread",
        "subprocess",
        "multiprocessing",
        "asyncio.create_subprocess_exec",
        "asyncio.create_subprocess_shell",
        "concurrent.futures.ProcessPoolExecutor",
    }
)
OS_OUTSIDE_ENV = frozenset(
    f"os.{name}"
    for name in (
        *("environ", "getpid", "cpu_count", "fspath", "PathLike", "strerror", "sep", "get_terminal_size"),
        *("path.join", "path.basename", "path.dirname", "path.splitext", "path.abspath", "path.normpath"),
    )
)
"""What is left of ``os`` without files, processes and chance."""
BANNED_EVERYWHERE = frozenset(
    {"pickle", "marshal", "shelve", "dill", "eval", "exec", "compile", "__import__"}
)

OPTIONAL_PACKAGES = ("grpc", "google.protobuf", "grpc_health", "grpc_reflection", "obstore")
"""Third-party packages of an extra: a module may import them inside a function."""
OPTIONAL_MODULES = ("kvdb.rpc", "kvdb.server", "kvdb.client.grpc_transport", "kvdb.backup.object_store")
"""Our modules that need one of those packages."""

DOORS = frozenset({"kvdb.__main__", "kvdb.cli.main"})
"""Modules that are started and not imported."""

NAMELESS = frozenset({"util", "utils", "helper", "helpers", "common", "misc", "shared"})
OPEN_WORK = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")

Files: TypeAlias = Mapping[str, str]
"""Path from the repository root -> text."""
Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


class Finding(NamedTuple):
    """One breach. ``what`` names the thing, so that an exception survives a moved line."""

    rule: str
    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.what}"


class Excused(NamedTuple):
    """A breach that stays, and why."""

    rule: str
    path: str
    what: str
    why: str


EXCEPTIONS: tuple[Excused, ...] = (
    Excused("mirror", "tests/unit/test_dependencies.py", "kvdb/dependencies.py", "tests the lock file"),
    Excused("mirror", "tests/unit/test_tidy.py", "kvdb/tidy.py", "tests tools/tidy.py"),
)


def check(files: Files, exceptions: tuple[Excused, ...] = EXCEPTIONS) -> list[Finding]:
    """Every breach in a tree that is not excused, and every exception that excuses nothing."""
    findings = [finding for path in sorted(files) for finding in check_file(path, files[path])]
    findings += [*_dead_modules(files), *_strayed_tests(files)]
    excused = {(e.rule, e.path, e.what) for e in exceptions}
    needed = {(f.rule, f.path, f.what) for f in findings}
    left = [f for f in findings if (f.rule, f.path, f.what) not in excused]
    left += [
        Finding("exception", "tools/tidy.py", 0, f"no longer needed: {' '.join(key)}")
        for key in sorted(excused - needed)
    ]
    return left


def check_file(path: str, text: str) -> list[Finding]:
    """The breaches that one file shows by itself."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        return [Finding("parse", path, getattr(error, "lineno", 0) or 0, "not Python")]
    findings = [*_text_rules(path, text), *_function_lengths(path, tree)]
    room = path.split("/", 1)[0]
    if room in ("kvdb", "tools", "bench") and ast.get_docstring(tree) is None:
        findings.append(Finding("docstring", path, 1, "a module opens with what it is"))
    if room == "kvdb":
        findings += [*_banned(path, tree), *_local_imports(path, tree), *_any_in_signatures(path, tree)]
    return findings


def _text_rules(path: str, text: str) -> Iterator[Finding]:
    lines = text.splitlines()
    if len(lines) > MODULE_LINES_MAX:
        yield Finding("module-lines", path, len(lines), f"more than {MODULE_LINES_MAX} lines")
    for number, line in enumerate(lines, start=1):
        if mark := OPEN_WORK.search(line):
            yield Finding("open-work", path, number, mark.group())
    if Path(path).stem in NAMELESS:
        yield Finding("module-name", path, 1, Path(path).name)


def _functions(tree: ast.AST) -> Iterator[Function]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _function_lengths(path: str, tree: ast.Module) -> Iterator[Finding]:
    for function in _functions(tree):
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        if lines > FUNCTION_LINES_MAX:
            yield Finding("function-lines", path, function.lineno, function.name)


def _banned(path: str, tree: ast.Module) -> Iterator[Finding]:
    is_env = path.startswith("kvdb/env/")
    names = _bound_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            spelt = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            spelt = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Load):
            spelt = [_dotted(node, names)]
        else:
            continue
        for name in spelt:
            hit = _covering(name, BANNED_EVERYWHERE) or (None if is_env else _worldly(name))
            if hit:
                yield Finding("banned", path, node.lineno, hit)


def _worldly(name: str) -> str | None:
    """What makes ``name`` a matter for ``kvdb.env`` only, if something does."""
    if name.startswith("os.") and name != "os.path":
        return None if _covering(name, OS_OUTSIDE_ENV) else name
    return _covering(name, BANNED_OUTSIDE_ENV)


def _covering(name: str, banned: frozenset[str]) -> str | None:
    """The banned name that is ``name`` or holds it: ``time`` covers ``time.sleep``."""
    parts = name.split(".")
    prefixes = (".".join(parts[:count]) for count in range(1, len(parts) + 1))
    return next((prefix for prefix in prefixes if prefix in banned), None)


def _bound_names(tree: ast.Module) -> dict[str, str]:
    """Names as this file binds them -> what they stand for; "" for the file's own definitions.

    A file that defines ``open`` itself calls its own, not the builtin one.
    """
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                bound = alias.asname or alias.name.split(".")[0]
                names[bound] = alias.name if alias.asname else bound
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                names[alias.asname or alias.name] = f"{'.' * node.level}{node.module or ''}.{alias.name}"
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names[statement.name] = ""
    return names


def _dotted(node: ast.expr, names: Mapping[str, str]) -> str:
    """The full name of a reference such as ``os.path.exists``; "" when it is not a plain name."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    # A name that was not imported is a builtin or a variable; ``time`` can then only be a variable.
    root = names.get(node.id, node.id if hasattr(builtins, node.id) else "")
    return ".".join([root, *reversed(parts)]) if root else ""


def _local_imports(path: str, tree: ast.Module) -> Iterator[Finding]:
    for function in _functions(tree):
        for node in ast.walk(function):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                modules = [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                continue
            for module in modules:
                if not any(f"{module}.".startswith(f"{o}.") for o in OPTIONAL_PACKAGES + OPTIONAL_MODULES):
                    yield Finding("local-import", path, node.lineno, module)


def _any_in_signatures(path: str, tree: ast.Module) -> Iterator[Finding]:
    for function in _functions(tree):
        arguments = function.args
        everything = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        everything += [a for a in (arguments.vararg, arguments.kwarg) if a is not None]
        annotations = [a.annotation for a in everything] + [function.returns]
        for annotation in annotations:
            if annotation is not None and re.search(r"\bAny\b", ast.unparse(annotation)):
                yield Finding("any", path, function.lineno, function.name)
                break


def _module_name(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _dead_modules(files: Files) -> Iterator[Finding]:
    modules = {_module_name(path): path for path in files if path.startswith("kvdb/")}
    alive = set(DOORS)
    for path, text in files.items():
        # What only tests use is dead, but for the doubles in kvdb.testing, which exist for them.
        for name in _imported(path, text):
            if not path.startswith("tests/") or name.startswith("kvdb.testing"):
                alive.add(name)
    for name, path in modules.items():
        if name not in alive and not path.endswith("/__init__.py"):
            yield Finding("dead-module", path, 1, name)


_is_module_name = re.compile(r"kvdb(\.[a-z_]+)+").fullmatch


def _imported(path: str, text: str) -> Iterator[str]:
    """Every dotted name a file imports, or spells for ``importlib``: a module, or something in one."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    package = _module_name(path).split(".")
    if not path.endswith("/__init__.py"):
        package = package[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_module_name(node.value):
            yield node.value


def _strayed_tests(files: Files) -> Iterator[Finding]:
    for path in sorted(files):
        folder, _, name = path.rpartition("/")
        if not path.startswith("tests/unit/") or not name.startswith("test_"):
            continue
        subject = f"kvdb{folder.removeprefix('tests/unit')}/{name.removeprefix('test_')}"
        if subject not in files and f"{subject.removesuffix('.py')}/__init__.py" not in files:
            yield Finding("mirror", path, 1, subject)


def read_tree(root: Path) -> dict[str, str]:
    """Every Python file the rules look at, by its path from ``root``."""
    paths = [path for folder in FOLDERS for path in (root / folder).rglob("*.py")]
    texts = {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in paths}
    return {path: text for path, text in texts.items() if not path.startswith(GENERATED)}


def main() -> int:
    """Print the breaches of this repository; 1 when there are any."""
    findings = check(read_tree(Path(__file__).resolve().parent.parent))
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
