"""Installs dynamodb-admin and a headless Chromium with npm into a folder of its own, and runs ``check.mjs``.

python -m tests.gui_admin.run      needs node, npm and their registry; not part of the suite

The screenshot at the end is left at build/gui_admin/screenshot.png, for somebody to look at.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.support.server_process import ServerProcess

HERE = Path(__file__).parent
BUILD = HERE.parents[1] / "build" / "gui_admin"
_ADMIN = "node_modules/dynamodb-admin/dist/dynamodb-admin.js"
_START_SECONDS = 30


def main() -> int:
    BUILD.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "check.mjs"):
        shutil.copy(HERE / name, BUILD / name)
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=BUILD, check=True)
    with (
        tempfile.TemporaryDirectory() as directory,
        ServerProcess(Path(directory) / "data", doors=("http",)) as server,
    ):
        return _check(f"http://{server.addresses['http']}")


def _check(endpoint: str) -> int:
    port = _free_port()
    keys = {"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}
    environment = {**os.environ, **keys, "ADMIN": f"http://127.0.0.1:{port}", "SCREENSHOT": "screenshot.png"}
    command = ["node", _ADMIN, "--dynamo-endpoint", endpoint, "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(command, cwd=BUILD, env=environment, stdout=subprocess.DEVNULL) as admin:
        try:
            _wait_for(port)
            return subprocess.run(["node", "check.mjs"], cwd=BUILD, env=environment, check=False).returncode
        finally:
            admin.terminate()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


if __name__ == "__main__":
    sys.exit(main())
