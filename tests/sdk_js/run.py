"""Installs the JavaScript SDK with npm into a folder of its own and runs ``check.mjs`` against a server.

python -m tests.sdk_js.run      needs node, npm and their registry; not part of the suite
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.server_process import ServerProcess

HERE = Path(__file__).parent
BUILD = HERE.parents[1] / "build" / "sdk_js"


def main() -> int:
    BUILD.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "check.mjs"):
        shutil.copy(HERE / name, BUILD / name)
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=BUILD, check=True)
    with (
        tempfile.TemporaryDirectory() as directory,
        ServerProcess(Path(directory) / "data", doors=("http",)) as server,
    ):
        environment = {**os.environ, "ENDPOINT": f"http://{server.addresses['http']}"}
        return subprocess.run(["node", "check.mjs"], cwd=BUILD, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
