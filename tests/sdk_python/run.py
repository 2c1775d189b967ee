"""aioboto3 and the AWS CLI against a server, in an environment of their own.

python -m tests.sdk_python.run      needs a package index; not part of the suite

Both pin a botocore of their own, which is not the one that the suite's boto3 stands on.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from tests.support.server_process import ServerProcess

HERE = Path(__file__).parent
BUILD = HERE.parents[1] / "build" / "sdk_python"
PACKAGES = {"check_aio.py": "aioboto3", "check_cli.py": "awscli"}


def main() -> int:
    status = 0
    for check, package in PACKAGES.items():
        place = BUILD / package
        binaries = place / "bin"
        if not (binaries / "python").exists():
            venv.create(place, with_pip=True)
        command = [str(binaries / "python"), "-m", "pip", "install", "--quiet", package]
        subprocess.run([*command, "--disable-pip-version-check"], check=True)
        with (
            tempfile.TemporaryDirectory() as directory,
            ServerProcess(Path(directory) / "data", doors=("http",)) as server,
        ):
            environment = {
                **os.environ,
                "ENDPOINT": f"http://{server.addresses['http']}",
                "AWS": str(binaries / "aws"),
            }
            command = [str(binaries / "python"), str(HERE / check)]
            status = subprocess.run(command, env=environment, check=False).returncode or status
    return status


if __name__ == "__main__":
    sys.exit(main())
