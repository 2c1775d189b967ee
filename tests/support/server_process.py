"""A real server in a process of its own, as a person starts it, and with ``kill`` as bad luck ends it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import TracebackType

_READY = "kvdb ready "


class ServerProcess:
    """``kvdb serve`` on a free port; ``address`` is HOST:PORT. A context manager that kills it."""

    def __init__(
        self,
        data_dir: Path,
        *arguments: str,
        doors: tuple[str, ...] = ("grpc",),
        address: str = "127.0.0.1:0",
        within: tuple[str, ...] = (),
    ) -> None:
        """``within``: what the command is run by, as ``ip netns exec NAME``."""
        command = [*within, sys.executable, "-m", "kvdb", "serve", "--data-dir", str(data_dir)]
        self._log = (data_dir.parent / f"{data_dir.name}.log").open("ab")
        self._process = subprocess.Popen(
            [*command, *(part for door in doors for part in (f"--{door}", address)), *arguments],
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith(_READY):
            self.kill()
            log = Path(self._log.name).read_text(encoding="utf-8")
            raise AssertionError(f"the server did not get ready: {line!r}\n{log}")
        self.addresses = dict(part.split("=") for part in line.removeprefix(_READY).split())
        """Door -> HOST:PORT."""
        self.address = self.addresses.get("grpc", "")

    def __enter__(self) -> ServerProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def target(self) -> str:
        """What ``kvdb.connect`` takes."""
        return f"grpc://{self.address}"

    def kill(self) -> None:
        """SIGKILL, and wait until the process is gone. Doing it twice is fine."""
        self._process.kill()
        self._end()

    def stop(self) -> int:
        """SIGTERM, and the exit status."""
        self._process.terminate()
        self._process.wait()
        self._end()
        return self._process.returncode

    def _end(self) -> None:
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._log.close()
