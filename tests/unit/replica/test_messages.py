"""Frames between regions."""

from __future__ import annotations

import pytest

from kvdb.errors import CorruptionError
from kvdb.replica.messages import (
    OK,
    WRITES,
    Greeting,
    Hello,
    Message,
    Pages,
    Part,
    Pull,
    Refusal,
    SharedTable,
    Want,
    decode,
    encode,
)

MESSAGES: list[Message] = [
    Hello(1, "amsterdam", 7),
    Greeting(2, "amsterdam", 7, b"id", 1_700_000_000_000, [SharedTable("t", "uuid", b"descriptor")]),
    Greeting(2, "amsterdam", 7, b"id", 0, []),
    Pull(3, "berlin", b"id", [Want("t", "theirs", "ours", WRITES, 1 << 40, 5, b"cursor")]),
    Pages(4, "amsterdam", b"id", [Part("t", "uuid", OK, [b"row", b""], 9, b"")]),
    Refusal(5, "no"),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_comes_back_as_it_was(message: Message) -> None:
    assert decode(encode(message)) == message


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_every_flipped_bit_is_found(message: Message) -> None:
    frame = encode(message)
    for at in range(len(frame) * 8):
        damaged = bytearray(frame)
        damaged[at // 8] ^= 1 << (at % 8)
        with pytest.raises(CorruptionError):
            decode(bytes(damaged))


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_every_frame_that_is_cut_short_is_found(message: Message) -> None:
    frame = encode(message)
    for length in range(len(frame)):
        with pytest.raises(CorruptionError):
            decode(frame[:length])


def test_fields_of_other_types_are_refused() -> None:
    for bad in (
        Hello("1", "a", 2),  # type: ignore[arg-type]
        Hello(-1, "a", 2),
        Pull(1, "a", b"", [("t",)]),  # type: ignore[list-item]
        Pages(1, "a", b"", [Part("t", "u", OK, ["text"], 0, b"")]),  # type: ignore[list-item]
        Greeting(1, "a", 2, b"", 0, {}),  # type: ignore[arg-type]
    ):
        with pytest.raises(CorruptionError, match="malformed"):
            decode(encode(bad))
