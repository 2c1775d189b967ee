"""Waiting for what comes by itself, and ports to be known before a server has them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import pytest

from kvdb.errors import KvdbError


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until something is so; errors meanwhile count as no."""
    never = threading.Event()
    last: Exception | None = None
    for _ in range(1_200):
        try:
            if holds():
                return
        except KvdbError as error:
            last = error
        never.wait(0.05)
    pytest.fail(f"it never came to be so; last error: {last}")
