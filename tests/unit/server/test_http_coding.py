from __future__ import annotations

import gzip
import zlib

import pytest

from kvdb.errors import MessageTooLarge, SerializationError
from kvdb.server.http_coding import coding_for, packed, unpacked

BODY = b"x" * 5000


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip", b"gzip"),
        ("deflate", b"deflate"),
        ("identity", None),
        ("br, zstd, x-gzip", None),
        ("gzip, deflate", b"gzip"),
        ("br, identity, deflate, gzip", b"deflate"),
        ("dog, GZIP ,, cat", b"gzip"),
        ("gzip;q=0.5, deflate;q=0.8", b"deflate"),
        ("br, gzip;q=0, deflate; q = 0.5", b"deflate"),
        ("*", b"gzip"),
        ("*, deflate", b"deflate"),
        ("*, gzip;q=0.5", b"deflate"),
        ("*;q=0", None),
        ("gzip ;q=0", None),
        ("gzip;q=0, gzip;q=1, gzip;q=0", b"gzip"),
        ("deflate;q=0.5, gzip;q=31", b"gzip"),
        ("gzip;q=31,deflate;q=51", b"gzip"),
        ("deflate;q=0.5,gzip;q=0.x", b"gzip"),
        ("deflate;q=-0.5,gzip;q=0.2", b"gzip"),
        ("gzip;nq=0;q=1", None),
        ("gzip;q=0.0001", b"gzip"),
        ('"gzip"', None),
        ("gzip:q=1", None),
    ],
)
def test_an_answer_gets_the_coding_that_is_wanted_most(accepted: str, coding: bytes | None) -> None:
    assert coding_for(accepted.encode()) == coding


def test_only_what_is_worth_it_is_packed() -> None:
    assert packed(b"x" * 4096, b"gzip") == (b"x" * 4096, None)
    assert packed(BODY, None) == (BODY, None)
    body, coding = packed(BODY, b"gzip")
    assert (gzip.decompress(body), coding) == (BODY, b"gzip")
    body, coding = packed(BODY, b"deflate")
    assert (zlib.decompress(body), coding) == (BODY, b"deflate")


def test_a_body_is_unpacked_whole() -> None:
    assert unpacked(gzip.compress(BODY, mtime=0), b" GZIP ", 5000) == BODY
    assert unpacked(zlib.compress(BODY), b"deflate", 5000) == BODY
    assert unpacked(gzip.compress(BODY, mtime=0) + gzip.compress(b"y", mtime=0), b"gzip", 5001) == BODY + b"y"


def test_no_more_is_unpacked_than_a_body_may_hold() -> None:
    for bomb in (
        gzip.compress(bytes(1 << 26), mtime=0),
        gzip.compress(BODY, mtime=0) * 1000,
        gzip.compress(BODY, mtime=0) + gzip.compress(b"y", mtime=0),
    ):
        with pytest.raises(MessageTooLarge):
            unpacked(bomb, b"gzip", 5000)


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (b"", b"gzip"),
        (b"{}", b"gzip"),
        (gzip.compress(BODY, mtime=0)[:-1], b"gzip"),
        (gzip.compress(BODY, mtime=0) + b"junk", b"gzip"),
        (zlib.compress(BODY), b"gzip"),
        (b"", b"deflate"),
        (zlib.compress(BODY) + zlib.compress(BODY), b"deflate"),
        (BODY, b"br"),
        (BODY, b"identity"),
    ],
)
def test_what_is_not_in_its_coding_is_refused(body: bytes, coding: bytes) -> None:
    with pytest.raises(SerializationError):
        unpacked(body, coding, 1 << 20)
