"""Timing of loops."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

_T = TypeVar("_T")


def us_each(action: Callable[[_T], object], inputs: Iterable[_T]) -> float:
    """Mean microseconds of ``action`` over ``inputs``, which are made before the clock starts."""
    prepared = list(inputs)
    gc.collect()
    start = time.perf_counter()
    for value in prepared:
        action(value)
    return (time.perf_counter() - start) * 1e6 / len(prepared)


def seconds(action: Callable[[], object]) -> float:
    gc.collect()
    start = time.perf_counter()
    action()
    return time.perf_counter() - start
