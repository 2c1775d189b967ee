"""Generate ``kvdb/client/sync.py`` from ``kvdb/client/aio.py``: the same face without ``await``.

Run as ``python -m tools.gen_sync``; needs ruff, which sorts the imports and formats the result.
Two faces written by hand would drift apart; psycopg makes its own in this manner.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

CLIENT = Path(__file__).resolve().parent.parent / "kvdb" / "client"
SOURCE = CLIENT / "aio.py"
TARGET = CLIENT / "sync.py"

DOCSTRING = '''"""``Client`` and ``Table``: the everyday face, one method an operation.

Generated from ``aio`` by ``python -m tools.gen_sync``: change that module, not this one. Every
method raises ``KvdbError`` and nothing else on its own account.
"""'''

WORDS = {
    "AsyncClient": "Client",
    "AsyncTable": "Table",
    "AsyncTransport": "Transport",
    "AsyncIterator": "Iterator",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "aclosing": "closing",
    "pages_async": "pages",
}
_WORD = re.compile(r"\b(" + "|".join(WORDS) + r")\b")
_ASYNC = re.compile(r"\b(async|await) +")
_MODULE_DOCSTRING = re.compile(r'\A""".*?"""', re.DOTALL)


def generate(source: str) -> str:
    """The text of ``sync.py`` for a text of ``aio.py``."""
    text = _MODULE_DOCSTRING.sub(lambda _: DOCSTRING, source, count=1)
    text = _ASYNC.sub("", text)
    text = _WORD.sub(lambda found: WORDS[found[0]], text)
    text = _ruff(text, "check", "--quiet", "--fix-only", "--unsafe-fixes", "--select", "I,UP028")
    return _ruff(text, "format", "--quiet")


def _ruff(text: str, *arguments: str) -> str:
    command = [sys.executable, "-m", "ruff", *arguments, "--stdin-filename", str(TARGET), "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def main() -> None:
    TARGET.write_text(generate(SOURCE.read_text()))
    print(f"wrote {TARGET.name}")


if __name__ == "__main__":
    main()
