"""A worker process: a Python that runs ``main``, one task at a time over two pipes.

    frame   := u32:length msgpack                    little-endian
    request := [module, function, task]              to the worker's stdin
    answer  := [true, result] | [false, error]       from its stdout
    error   := [error code | "OSError" | "", message, file, offset, errno]

``multiprocessing`` would re-import the host program's main module, and a fork is unsafe
beside gRPC's threads; kvdb is a guest in somebody's process (decision 6). A worker whose
stdin closes, because its parent ended, exits at once and in the middle of a task.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import queue
import select
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import BinaryIO, NamedTuple, TypeAlias, cast

import msgpack

from kvdb.env.fs import FileSystem, OsFileSystem
from kvdb.errors import CorruptionError, DiskError, InternalError, KvdbError, from_code

Plain: TypeAlias = "bool | int | float | str | bytes | list[Plain] | dict[str, Plain] | None"
Task: TypeAlias = "dict[str, Plain]"
WorkFunction = Callable[[FileSystem, Task], Plain]

_LENGTH = struct.Struct("<I")
# Not ``-m``: importing the package imports this module too, and it would then run as a second copy.
_START = "from kvdb.env.worker import main; main()"
_FRAME_BYTES_MAX = 64 * 1024 * 1024
_NICE = 5
_ANSWER_MS_MAX = 600_000


class WorkerDied(DiskError):
    """The worker process ended, or did not answer in time; whatever it wrote is worthless."""

    retryable = True


class _Failure(NamedTuple):
    code: str
    message: str
    file: str
    offset: int
    errno: int


def _failure_of(error: BaseException) -> _Failure:
    if isinstance(error, CorruptionError):
        return _Failure(error.code, error.message, error.file, error.offset, 0)
    if isinstance(error, KvdbError):
        return _Failure(error.code, error.message, "", -1, 0)
    if isinstance(error, OSError):
        return _Failure(
            "OSError", error.strerror or str(error), str(error.filename or ""), -1, error.errno or 0
        )
    return _Failure("", f"{type(error).__name__}: {error}", "", -1, 0)


def _error_of(failure: _Failure) -> BaseException:
    if failure.code == "OSError":
        return OSError(failure.errno, failure.message, failure.file or None)
    if not failure.code:
        return InternalError(f"worker failed: {failure.message}")
    error = from_code(failure.code, failure.message)
    if isinstance(error, CorruptionError):
        error.file, error.offset = failure.file, failure.offset
    return error


class WorkerProcess:
    """The parent's end. Not thread-safe: the runner gives it one task at a time."""

    def __init__(self, *, answer_ms_max: int = _ANSWER_MS_MAX) -> None:
        self._answer_s_max = answer_ms_max / 1000.0
        environment = dict(os.environ)
        # The child must find the same kvdb and the same libraries as this process.
        environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _START],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def run(self, function: WorkFunction, task: Task) -> Plain:
        """``function(OsFileSystem(), task)`` in the worker; raises what it raised, or ``WorkerDied``."""
        request = msgpack.packb([function.__module__, function.__name__, task])
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(_LENGTH.pack(len(request)) + request)
            self._process.stdin.flush()
            answer = self._read(_LENGTH.unpack(self._read(_LENGTH.size))[0])
        except (BrokenPipeError, EOFError, TimeoutError) as error:
            self.close()
            raise WorkerDied(f"worker process ended task={function.__name__}") from error
        succeeded, result = msgpack.unpackb(answer)
        if succeeded:
            return cast(Plain, result)
        raise _error_of(_Failure(*result))

    def kill(self) -> None:
        """End the process now; from any thread. A ``run`` under way raises ``WorkerDied``."""
        with contextlib.suppress(OSError):
            self._process.kill()

    def close(self) -> None:
        self.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _read(self, count: int) -> bytes:
        assert self._process.stdout is not None
        if count > _FRAME_BYTES_MAX:
            raise EOFError
        descriptor = self._process.stdout.fileno()
        parts: list[bytes] = []
        while count:
            readable, _, _ = select.select([descriptor], [], [], self._answer_s_max)
            if not readable:
                raise TimeoutError
            part = os.read(descriptor, count)
            if not part:
                raise EOFError
            parts.append(part)
            count -= len(part)
        return b"".join(parts)


def _read_exactly(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise EOFError
    return data


def _feed(stream: BinaryIO, requests: queue.Queue[bytes]) -> None:
    """Pass requests on; when the parent is gone, end the process whatever it is doing."""
    try:
        while True:
            requests.put(_read_exactly(stream, _LENGTH.unpack(_read_exactly(stream, _LENGTH.size))[0]))
    except (EOFError, OSError):
        os._exit(0)


def _answer(request: bytes) -> bytes:
    module, function, task = msgpack.unpackb(request)
    try:
        if not module.startswith("kvdb."):
            raise InternalError(f"not a kvdb function: {module}")
        work = cast(WorkFunction, getattr(importlib.import_module(module), function))
        answer = msgpack.packb([True, work(OsFileSystem(), task)])
    except BaseException as error:
        answer = msgpack.packb([False, list(_failure_of(error))])
    return bytes(answer)


def main() -> None:
    # Ctrl-C reaches the whole process group; the parent decides when the worker ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests: queue.Queue[bytes] = queue.Queue(maxsize=1)
    threading.Thread(target=_feed, args=(sys.stdin.buffer, requests), daemon=True).start()
    # Whatever a library prints must not look like an answer.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    # Where there are fewer cores than processes that want one, the foreground goes first.
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    # Tasks make millions of small objects and hardly a cycle: looking for those takes a tenth of the
    # time of a flush. They are looked for between tasks, not among what the imports have made.
    gc.freeze()
    gc.disable()
    while True:
        answer = _answer(requests.get())
        answers.write(_LENGTH.pack(len(answer)) + answer)
        answers.flush()
        gc.collect()
