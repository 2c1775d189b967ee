"""The work function that tests of offload use."""

from __future__ import annotations

import pytest

from kvdb.errors import CorruptionError
from kvdb.testing import MemFileSystem, checked_content


def test_content_of_the_right_size_is_returned() -> None:
    fs = MemFileSystem()
    fs.create("f").append(b"abc")
    assert checked_content(fs, {"path": "f", "size": 3}) == b"abc"


def test_another_size_is_corruption() -> None:
    fs = MemFileSystem()
    fs.create("f")
    with pytest.raises(CorruptionError, match="file=f offset=0"):
        checked_content(fs, {"path": "f", "size": 3})
