"""How far a link is: read back as stored, also as the release before stored it."""

from __future__ import annotations

import msgpack
import pytest

from kvdb.errors import CorruptionError
from kvdb.replica.messages import SCAN, WRITES
from kvdb.replica.progress import Progress, decode_progress

WHOLE = Progress(
    b"database", "uuid", WRITES, 7, b"", ("a", "b"), (1, 2, 3), ((3, b"origin", 9), (4, b"other", 0)), 8
)


def test_progress_is_read_back_as_stored() -> None:
    assert decode_progress(WHOLE.encoded()) == WHOLE
    assert decode_progress(Progress(b"d", "u").encoded()) == Progress(b"d", "u")


def test_what_the_release_before_stored_tells_nothing_of_what_was_seen() -> None:
    stored = msgpack.packb([1, b"database", "uuid", WRITES, 7, b"", ["a", "b"]])
    assert decode_progress(stored) == WHOLE._replace(relayed=(), seen=(), settles=0)
    assert not decode_progress(stored).is_settled
    stored = msgpack.packb([1, b"database", "uuid", WRITES, 7, b"", ["a", "b"], [1, 2, 3]])
    assert decode_progress(stored) == WHOLE._replace(seen=(), settles=0)


def test_a_link_is_settled_when_it_has_passed_what_its_scan_may_have_shown() -> None:
    assert not WHOLE.is_settled
    assert WHOLE._replace(position=8).is_settled
    assert not WHOLE._replace(position=8, mode=SCAN).is_settled


@pytest.mark.parametrize("stored", [b"", b"\x00", msgpack.packb([2, b"d"]), msgpack.packb([1, b"d", "u"])])
def test_what_is_no_progress_is_refused(stored: bytes) -> None:
    with pytest.raises(CorruptionError):
        decode_progress(stored)
