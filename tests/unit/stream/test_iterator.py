from __future__ import annotations

import base64

import pytest

from kvdb.errors import ExpiredIterator, ValidationError
from kvdb.stream.iterator import (
    Iterator,
    decode_cursor,
    decode_iterator,
    encode_cursor,
    encode_iterator,
    seqno_of,
    sequence_number,
)

SECRET = b"s" * 32
PLACE = Iterator(b"\0\0\0\7\0\2", 5, 0, 65_536, 17, 1_000)
MINUTES = 60_000


@pytest.mark.parametrize("position", [None, 0, 17, 2**64 - 1])
def test_an_iterator_reads_back(position: int | None) -> None:
    place = PLACE._replace(position=position)
    token = encode_iterator(place, SECRET)
    assert decode_iterator(token, SECRET, 1_000) == place
    assert len(token) < 2_048


def test_an_iterator_is_good_for_fifteen_minutes() -> None:
    token = encode_iterator(PLACE, SECRET)
    decode_iterator(token, SECRET, 1_000 + 15 * MINUTES)
    with pytest.raises(ExpiredIterator, match="has expired"):
        decode_iterator(token, SECRET, 1_001 + 15 * MINUTES)


def test_a_clock_that_was_put_back_expires_nothing() -> None:
    decode_iterator(encode_iterator(PLACE, SECRET), SECRET, 0)


def test_another_databases_iterator_is_refused() -> None:
    with pytest.raises(ValidationError, match="Invalid ShardIterator"):
        decode_iterator(encode_iterator(PLACE, b"t" * 32), SECRET, 1_000)


def test_every_flipped_bit_is_refused() -> None:
    token = encode_iterator(PLACE, SECRET)
    data = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    for place in range(8 * len(data)):
        forged = bytearray(data)
        forged[place // 8] ^= 1 << place % 8
        text = base64.urlsafe_b64encode(forged).rstrip(b"=").decode()
        with pytest.raises(ValidationError):
            decode_iterator(text, SECRET, 1_000)


@pytest.mark.parametrize("token", ["", "a", "!!!!", "é" * 40, "A" * 5_000, "AAAA"])
def test_rubbish_is_refused(token: str) -> None:
    with pytest.raises(ValidationError, match="Invalid ShardIterator"):
        decode_iterator(token, SECRET, 0)
    with pytest.raises(ValidationError, match="Invalid cursor"):
        decode_cursor(token, SECRET)


def test_a_cursor_is_no_iterator_nor_the_other_way_round() -> None:
    assert decode_cursor(encode_cursor(17, SECRET), SECRET) == 17
    with pytest.raises(ValidationError):
        decode_iterator(encode_cursor(17, SECRET), SECRET, 0)
    with pytest.raises(ValidationError):
        decode_cursor(encode_iterator(PLACE, SECRET), SECRET)


@pytest.mark.parametrize("seqno", [0, 1, 10**6, 2**64 - 1])
def test_a_sequence_number_has_21_digits(seqno: int) -> None:
    text = sequence_number(seqno)
    assert len(text) == 21
    assert text.isdigit()
    assert seqno_of(text) == seqno


def test_sequence_numbers_sort_like_seqnos() -> None:
    numbers = [0, 9, 10, 99, 10**9, 2**63]
    assert sorted(map(sequence_number, numbers)) == list(map(sequence_number, numbers))


@pytest.mark.parametrize("text", ["0" * 21, "1" * 20, "9" * 21, "x" * 21, "1" * 40, "1٠" + "0" * 19])
def test_what_is_no_sequence_number_of_ours_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="Invalid SequenceNumber"):
        seqno_of(text)
