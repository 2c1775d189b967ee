"""Frames between regions as no encoder of this kvdb makes them: of the next release, or of nobody."""

from __future__ import annotations

from typing import Any, Final

import google_crc32c
import msgpack

from kvdb.replica.messages import FORMAT_VERSION, Greeting, Hello, Message, Pages, Pull

LATER: Final[list[object]] = [{"later": [1]}, None, -1.5, b"x"]
"""What the next release has added at the end of every part."""
_KINDS: Final = {"Hello": 1, "Greeting": 2, "Pull": 3, "Pages": 4, "Refusal": 5}


def framed(kind: int, body: object) -> bytes:
    """A frame with a right checksum, whatever its body."""
    payload: bytes = msgpack.packb(body)
    checksum = google_crc32c.value(bytes((kind,)) + payload)
    return bytes((FORMAT_VERSION, kind)) + checksum.to_bytes(4) + payload


def of_next_release(message: Message) -> bytes:
    """The message as the next release would send it: with more fields everywhere, and more features."""
    values: list[Any] = list(message)
    if isinstance(message, (Hello, Greeting)):
        values[message._fields.index("features")] = [*message.features, "of-the-next-release"]
    if isinstance(message, Greeting):
        values[message._fields.index("tables")] = [[*table, *LATER] for table in message.tables]
    if isinstance(message, Pull):
        values[3] = [[*want, *LATER] for want in message.wants]
    if isinstance(message, Pages):
        values[3] = [[*part, *LATER] for part in message.parts]
    return framed(_KINDS[type(message).__name__], [*values, *LATER])
