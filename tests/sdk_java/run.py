"""Builds ``Check.java`` against the Java SDK with Maven and runs it against a server.

python -m tests.sdk_java.run      needs java, mvn and their repository; not part of the suite
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
BUILD = HERE.parents[1] / "build" / "sdk_java"
MAVEN = ("mvn", "--batch-mode", "--quiet")


def main() -> int:
    BUILD.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "pom.xml", BUILD)
    shutil.copytree(HERE / "src", BUILD / "src", dirs_exist_ok=True)
    libraries = "dependency:copy-dependencies", "-DoutputDirectory=libraries"
    subprocess.run([*MAVEN, "compile", *libraries], cwd=BUILD, check=True)
    with (
        tempfile.TemporaryDirectory() as directory,
        ServerProcess(Path(directory) / "data", doors=("http",)) as server,
    ):
        environment = {**os.environ, "ENDPOINT": f"http://{server.addresses['http']}"}
        command = ["java", "-cp", os.pathsep.join(("target/classes", "libraries/*")), "Check"]
        return subprocess.run(command, cwd=BUILD, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
