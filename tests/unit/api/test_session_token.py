"""Tokens of sessions: read back as written, and refused when they are none."""

from __future__ import annotations

import base64

import google_crc32c
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvdb.api.session_token import (
    Place,
    Views,
    decoded,
    encoded,
    joined,
    joined_tokens,
    origin_of,
    table_tag,
)
from kvdb.errors import ValidationError
from kvdb.limits import SESSION_TOKEN_CHARS_MAX

_TAGS = st.binary(min_size=6, max_size=6)
_SEQNOS = st.integers(0, (1 << 64) - 1)
_PLACES = st.dictionaries(st.integers(1, 0xFFFF), st.builds(Place, _TAGS, _SEQNOS), max_size=4)
_VIEWS = st.dictionaries(_TAGS, _PLACES, max_size=4)

ONE: Views = {table_tag("orders"): {3: Place(origin_of(b"id", "uuid"), 12)}}


@given(_VIEWS)
def test_what_a_token_says_is_what_was_put_into_it(views: Views) -> None:
    assert decoded(encoded(views)) == views


@given(_VIEWS, _VIEWS)
def test_who_holds_two_tokens_has_seen_what_either_has(one: Views, other: Views) -> None:
    both = joined(one, other)
    assert both.keys() == {*one, *other}
    for views in (one, other):
        for tag, view in views.items():
            for region, place in view.items():
                known = both[tag][region]
                assert known.origin != place.origin or known.seqno >= place.seqno
    assert joined(both, other) == both


def test_of_two_origins_of_a_region_the_later_one_counts() -> None:
    (tag,) = ONE
    other: Views = {tag: {3: Place(b"anewer", 1)}}
    assert joined(ONE, other) == other


def test_tokens_are_joined_as_texts() -> None:
    token = encoded(ONE)
    assert joined_tokens(None, token) == joined_tokens(token, None) == joined_tokens(token, token) == token
    other: Views = {table_tag("people"): {}}
    joint = joined_tokens(token, encoded(other))
    assert joint is not None
    assert decoded(joint) == {**ONE, **other}


def test_a_damaged_token_is_refused_wherever_a_bit_is_flipped() -> None:
    packed = base64.urlsafe_b64decode(encoded(ONE) + "==")
    for bit in range(len(packed) * 8):
        flipped = bytearray(packed)
        flipped[bit // 8] ^= 1 << bit % 8
        token = base64.urlsafe_b64encode(flipped).rstrip(b"=").decode()
        with pytest.raises(ValidationError, match="token"):
            decoded(token)


@pytest.mark.parametrize("length", range(1, len(encoded(ONE))))
def test_a_token_that_ends_early_is_refused(length: int) -> None:
    with pytest.raises(ValidationError, match="token"):
        decoded(encoded(ONE)[:length])


@pytest.mark.parametrize("token", ["", "new ", "a", "....", "é", "A" * (SESSION_TOKEN_CHARS_MAX + 1)])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(ValidationError, match="not a session token"):
        decoded(token)


def test_a_token_of_a_later_format_is_refused_by_its_number() -> None:
    body = base64.urlsafe_b64decode(encoded(ONE) + "==")[5:]
    packed = b"\x02" + google_crc32c.value(b"\x02" + body).to_bytes(4) + body
    with pytest.raises(ValidationError, match="format=2"):
        decoded(base64.urlsafe_b64encode(packed).rstrip(b"=").decode())


def test_a_session_of_too_many_tables_is_told_to_begin_anew() -> None:
    views = {at.to_bytes(6): {each: Place(b"origin", 1) for each in range(16)} for at in range(12)}
    with pytest.raises(ValidationError, match="too many tables for one token tables=12"):
        encoded(views)
