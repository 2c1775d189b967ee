"""Generate the sync face from the async one: ``kvdb/client/aio*.py`` without ``await`` are ``sync*.py``.

Run as ``python -m tools.gen_sync``; needs ruff, which sorts the imports and formats the result.
Two faces written by hand would drift apart; psycopg makes its own in this manner.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

CLIENT = Path(__file__).resolve().parent.parent / "kvdb" / "client"

DOCSTRING = '''"""{what}

Generated from ``{source}`` by ``python -m tools.gen_sync``: change that module, not this one. Every
method raises ``KvdbError`` and nothing else on its own account.
"""'''
WHAT = {
    "aio": "``Client``: the everyday face of a database, one method an operation.",
    "aio_table": "``Table``: the everyday face of one table.",
    "aio_failover": "``FailoverTransport``: several servers, in order of preference, as one.",
    "aio_session": "``SessionTransport``: a transport whose calls belong to one session.",
    "aio_replicated": "Writes that wait until other regions have them.",
    "aio_transaction": "``Transaction``: reads and writes that happen together, or not at all.",
    "aio_transfers": "``Transfers``: the part of a client that begins exports and imports.",
}
"""The async modules, and the first line of each one's twin."""

WORDS = {
    "AsyncClient": "Client",
    "AsyncTable": "Table",
    "AsyncSnapshot": "Snapshot",
    "AsyncSession": "Session",
    "AsyncSessionTransport": "SessionTransport",
    "AsyncTransaction": "Transaction",
    "AsyncTransfers": "Transfers",
    "AsyncTransport": "Transport",
    "AsyncEndpoint": "Endpoint",
    "AsyncChecker": "Checker",
    "AsyncFailoverTransport": "FailoverTransport",
    "AsyncIterator": "Iterator",
    "AsyncGenerator": "Generator",
    "aio": "sync",
    "aio_table": "sync_table",
    "aio_session": "sync_session",
    "aio_replicated": "sync_replicated",
    "aio_transaction": "sync_transaction",
    "aio_transfers": "sync_transfers",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "aclosing": "closing",
    "pages_async": "pages",
}
_WORD = re.compile(r"\b(" + "|".join(WORDS) + r")\b")
_GENERATOR = re.compile(r"\bGenerator\[([^,\]]+), None\]")
_AWAITABLE = re.compile(r"\bAwaitable\[(\w+)\]")
_ASYNC = re.compile(r"\b(async|await) +")
_MODULE_DOCSTRING = re.compile(r'\A""".*?"""', re.DOTALL)


def target(module: str) -> Path:
    """Where the twin of an async module stands."""
    return CLIENT / f"{module.replace('aio', 'sync')}.py"


def generate(module: str, source: str) -> str:
    """The text of the twin of ``module`` when the text of that is ``source``."""
    docstring = DOCSTRING.format(what=WHAT[module], source=module)
    text = _MODULE_DOCSTRING.sub("", source, count=1)
    text = _ASYNC.sub("", text)
    text = _AWAITABLE.sub(r"\1", text)
    text = _WORD.sub(lambda found: WORDS[found[0]], text)
    text = _GENERATOR.sub(r"Generator[\1, None, None]", docstring + text)
    text = _ruff(text, module, "check", "--quiet", "--fix-only", "--unsafe-fixes", "--select", "F401,I,UP028")
    return _ruff(text, module, "format", "--quiet")


def files() -> dict[Path, str]:
    """Every twin: where it stands, and its text."""
    return {
        target(module): generate(module, (CLIENT / f"{module}.py").read_text(encoding="utf-8"))
        for module in WHAT
    }


def _ruff(text: str, module: str, *arguments: str) -> str:
    command = [sys.executable, "-m", "ruff", *arguments, "--stdin-filename", str(target(module)), "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def main() -> None:
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.name}")


if __name__ == "__main__":
    main()
