"""A session's token: how much of shared tables somebody has seen, to be shown to other regions.

    token  := base64url, without padding, of  u8 format · u32 crc32c(format · table*) · table*   big-endian
    table  := 6s name · u8 count · place*
    place  := u16 region · 6s origin · u64 seqno

``name`` stands for the table's name, ``region`` is the number of a region (``env/hlc``), ``origin`` stands
for the table as it is in that region: another database there, or a table that has begun anew, is another
origin. ``seqno`` is one of that region's: whoever holds the token may have seen writes made there up to it,
and none beyond. With an origin of zeros it is when the region was taken out of those of the table, a stamp's
wall time and counter: it is not asked for any more, and who has not heard of that has to.

A token is opaque to who carries it. It is no secret and proves nothing: who makes one up waits.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias

import google_crc32c

from kvdb.errors import ValidationError
from kvdb.limits import SESSION_TOKEN_CHARS_MAX

FORMAT_VERSION: Final = 1
_HEAD = struct.Struct(">BI")
_TABLE = struct.Struct(">6sB")
_PLACE = struct.Struct(">H6sQ")
assert (_HEAD.size, _TABLE.size, _PLACE.size) == (5, 7, 16)
_TAG_BYTES = 6
GONE: Final = bytes(_TAG_BYTES)
"""The origin of a region that was taken out."""


class Place(NamedTuple):
    """Up to where a region's writes may have been seen."""

    origin: bytes
    seqno: int


View: TypeAlias = Mapping[int, Place]
"""What may have been seen of one table, by the number of the region."""
Views: TypeAlias = Mapping[bytes, View]
"""By the table's tag."""


def table_tag(name: str) -> bytes:
    """What stands for a table's name."""
    return hashlib.blake2b(name.encode(), digest_size=_TAG_BYTES).digest()


def origin_of(database_id: bytes, table_uuid: str) -> bytes:
    """What stands for a table in one database."""
    return hashlib.blake2b(database_id + table_uuid.encode(), digest_size=_TAG_BYTES).digest()


def encoded(views: Views) -> str:
    """The token.

    Raises:
        ValidationError: the session has seen too many tables and regions for one token.
    """
    parts: list[bytes] = []
    for tag, view in views.items():
        parts.append(_TABLE.pack(tag, len(view)))
        parts += [_PLACE.pack(region, *place) for region, place in view.items()]
    body = b"".join(parts)
    packed = _HEAD.pack(FORMAT_VERSION, _checksum(FORMAT_VERSION, body)) + body
    token = base64.urlsafe_b64encode(packed).rstrip(b"=").decode("ascii")
    if len(token) > SESSION_TOKEN_CHARS_MAX:
        raise ValidationError(
            f"the session has to do with too many tables for one token tables={len(views)} "
            f"chars={len(token)} max={SESSION_TOKEN_CHARS_MAX}: begin a new session"
        )
    return token


def decoded(token: str) -> Views:
    """What a token says.

    Raises:
        ValidationError: it is none, or damaged, or of a format this kvdb does not know.
    """
    if not isinstance(token, str):
        raise ValidationError(f"a session must be the text of a token, not {type(token).__name__}")
    if len(token) > SESSION_TOKEN_CHARS_MAX:
        raise ValidationError(f"not a session token: more than {SESSION_TOKEN_CHARS_MAX} characters")
    try:
        packed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        version, checksum = _HEAD.unpack_from(packed)
    except (ValueError, struct.error, binascii.Error):
        raise ValidationError("not a session token") from None
    body = packed[_HEAD.size :]
    if _checksum(version, body) != checksum:
        raise ValidationError("not a session token, or a damaged one: its checksum is wrong")
    if version != FORMAT_VERSION:
        raise ValidationError(f"a session token of a format that is not known here format={version}")
    try:
        return _views(body)
    except struct.error:
        raise ValidationError("a damaged session token: it ends in the middle") from None


def _checksum(version: int, body: bytes) -> int:
    return int(google_crc32c.value(bytes((version,)) + body))


def _views(body: bytes) -> Views:
    views: dict[bytes, View] = {}
    at = 0
    while at < len(body):
        tag, count = _TABLE.unpack_from(body, at)
        at += _TABLE.size
        places: dict[int, Place] = {}
        for _ in range(count):
            region, origin, seqno = _PLACE.unpack_from(body, at)
            places[region] = Place(origin, seqno)
            at += _PLACE.size
        views[tag] = places
    return views


def joined(one: Views, other: Views) -> Views:
    """What either has seen. Where they name two origins of one region, ``other`` is the later."""
    both = dict(one)
    for tag, view in other.items():
        present = both.get(tag)
        both[tag] = view if present is None else _joined_view(present, view)
    return both


def _joined_view(one: View, other: View) -> View:
    places = dict(one)
    for region, place in other.items():
        present = places.get(region)
        if present is None or present.origin != place.origin or present.seqno < place.seqno:
            places[region] = place
    return places


def joined_tokens(one: str | None, other: str | None) -> str | None:
    """The token of who holds both; ``None`` is none at all."""
    if one is None or other is None or one == other:
        return one if other is None else other
    return encoded(joined(decoded(one), decoded(other)))
