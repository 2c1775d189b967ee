"""Regenerate ``kvdb/rpc/gen`` from ``proto/``: message classes and their type stubs.

Run as ``python -m tools.gen_proto``; needs grpcio-tools. protoc derives Python import paths from
the proto package (``kvdb.v1``), so the imports are rewritten to where the files really stand.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto"
TARGET = ROOT / "kvdb" / "rpc" / "gen"
PACKAGE = "kvdb.rpc.gen"


def generate() -> dict[str, str]:
    """File name -> content of every generated file."""
    sources = sorted(str(path.relative_to(PROTO)) for path in PROTO.glob("kvdb/v1/*.proto"))
    with tempfile.TemporaryDirectory() as out:
        arguments = ["protoc", f"-I{PROTO}", f"--python_out={out}", f"--pyi_out={out}"]
        if protoc.main([*arguments, *sources]) != 0:
            raise SystemExit("protoc failed")
        made = {path.name: path.read_text() for path in Path(out, "kvdb", "v1").iterdir()}
    return {"__init__.py": "", **{name: _fixed(made[name]) for name in sorted(made)}}


def _fixed(text: str) -> str:
    return text.replace("from kvdb.v1 import", f"from {PACKAGE} import")


def main() -> None:
    files = generate()
    for path in TARGET.iterdir():
        if path.is_file() and path.name not in files:
            path.unlink()
    for name, text in files.items():
        (TARGET / name).write_text(text)
    print(f"wrote {len(files)} files to {TARGET.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
