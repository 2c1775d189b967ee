"""Tokens for places in streams: shard iterators and the cursors of feeds.

    token    := base64url (payload · first 16 bytes of HMAC-SHA256 of payload)      no padding
    payload  := msgpack [1, stream id, shard after, shard start, shard end,
                         position | nil, issued_ms]                                 iterator
              | msgpack [2, position]                                               cursor

The key of the HMAC is a secret of the database, so that a token is this database's and was not made
up or changed. An iterator expires 15 minutes after it was given; a cursor never does, but what comes
after it may be trimmed. ``position`` is a seqno: everything up to it has been read. A cursor needs
nothing else, for one seqno orders the changes of all tables; so it outlives every division into shards.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias, cast

import msgpack

from kvdb import limits
from kvdb.errors import ExpiredIterator, ValidationError
from kvdb.table.stream_keys import SEQNO_MAX

_ITERATOR, _CURSOR = 1, 2
_MAC_BYTES = 16

_SEQUENCE_DIGITS = 21
_SEQUENCE_BASE = 10**20
"""Makes every sequence number 21 digits long: the service's shortest, and longer than any seqno."""


_Field: TypeAlias = "bytes | int | None"


class Iterator(NamedTuple):
    """A place in a shard."""

    stream_id: bytes
    after: int
    """Of the shard; with its hashes this names it."""
    start: int
    end: int
    position: int | None
    """``None``: from the oldest change the shard has when it is read."""
    issued_ms: int


def sequence_number(seqno: int) -> str:
    return str(_SEQUENCE_BASE + seqno)


def seqno_of(sequence_number: str) -> int:
    """The seqno of a sequence number.

    Raises:
        ValidationError: it is none of ours.
    """
    if sequence_number.isascii() and sequence_number.isdigit() and len(sequence_number) == _SEQUENCE_DIGITS:
        seqno = int(sequence_number) - _SEQUENCE_BASE
        if 0 <= seqno <= SEQNO_MAX:
            return seqno
    raise ValidationError(f"Invalid SequenceNumber: {sequence_number[:40]}")


def encode_iterator(place: Iterator, secret: bytes) -> str:
    return _sealed([_ITERATOR, *place], secret)


def decode_iterator(token: str, secret: bytes, now_ms: int) -> Iterator:
    """The place an iterator stands for.

    Raises:
        ValidationError: it is not an iterator of this database.
        ExpiredIterator: it was given more than 15 minutes ago.
    """
    fields = _opened(token, secret)
    if fields is None or fields[0] != _ITERATOR:
        raise ValidationError("Invalid ShardIterator")
    stream_id, after, start, end, position, issued_ms = fields[1:]
    assert isinstance(stream_id, bytes) and isinstance(after, int) and isinstance(start, int)
    assert isinstance(end, int) and isinstance(issued_ms, int) and not isinstance(position, bytes)
    place = Iterator(stream_id, after, start, end, position, issued_ms)
    if now_ms - place.issued_ms > limits.SHARD_ITERATOR_VALID_MS:
        age_ms = now_ms - place.issued_ms
        raise ExpiredIterator(
            f"The shard iterator has expired. It was given {age_ms} ms ago, and is good for "
            f"{limits.SHARD_ITERATOR_VALID_MS} ms"
        )
    return place


def encode_cursor(position: int, secret: bytes) -> str:
    return _sealed([_CURSOR, position], secret)


def decode_cursor(token: str, secret: bytes) -> int:
    """The seqno up to which everything has been read.

    Raises:
        ValidationError: it is not a cursor of this database.
    """
    fields = _opened(token, secret)
    if fields is None or fields[0] != _CURSOR:
        raise ValidationError("Invalid cursor: it was not given by this database")
    return cast(int, fields[1])


def _sealed(fields: list[object], secret: bytes) -> str:
    payload: bytes = msgpack.packb(fields)
    return base64.urlsafe_b64encode(payload + _mac(payload, secret)).rstrip(b"=").decode()


def _opened(token: str, secret: bytes) -> Sequence[_Field] | None:
    if len(token) > limits.SHARD_ITERATOR_CHARS_MAX or not token.isascii():
        return None
    try:
        data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        return None
    payload, mac = data[:-_MAC_BYTES], data[-_MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(payload, secret)):
        return None
    return cast("Sequence[_Field]", msgpack.unpackb(payload))


def _mac(payload: bytes, secret: bytes) -> bytes:
    return hmac.digest(secret, payload, hashlib.sha256)[:_MAC_BYTES]
