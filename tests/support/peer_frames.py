"""Frames between regions as no encoder of this kvdb makes them: of the next release, or of nobody."""

from __future__ import annotations

import random
from typing import Any, Final

import google_crc32c
import msgpack

from kvdb.replica.messages import FORMAT_VERSION, Greeting, Hello, Message, Pages, Pull, encode

LATER: Final[list[object]] = [{"later": [1]}, None, -1.5, b"x"]
"""What the next release has added at the end of every part."""
_ODD: Final[list[object]] = [
    *(None, True, 0, 1, -1, 1 << 40, 1 << 63, (1 << 64) - 1, 1.5, "", "x", "S", "orders", "ACTIVE", b""),
    *(bytes(20), b"x" * 300, [], [1], ["a", ["S"]], {}, {"a": 1}, [[]], [["id", "S"]]),
]
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


def of_release_1(message: Message) -> bytes:
    """The message as release 1 sends it, which knows none of the fields that came later."""
    plain = _plain(message)
    if isinstance(plain, Greeting):
        tables = [table._replace(descriptor=_described(table.descriptor)) for table in plain.tables]
        plain = plain._replace(tables=tables)
    return encode(plain)


def _plain(message: Any) -> Any:
    plain = message._replace(**message._field_defaults)
    parts = {
        name: [_plain(each) for each in value]
        for name, value in plain._asdict().items()
        if isinstance(value, list) and value and hasattr(value[0], "_field_defaults")
    }
    return plain._replace(**parts)


def _described(descriptor: bytes) -> bytes:
    fields = msgpack.unpackb(descriptor)[:20]
    if len(fields) > 18 and fields[18] is not None:
        fields[18] = fields[18][:8]
    packed: bytes = msgpack.packb(fields)
    return packed


def mutated(value: object, chance: random.Random) -> object:
    """The value with one part of it, however deep, gone, doubled, damaged or something odd instead."""
    if isinstance(value, (list, tuple)) and value and chance.random() < 0.85:
        parts = list(value)
        at, act = chance.randrange(len(parts)), chance.random()
        if act < 0.06:
            del parts[at]
        elif act < 0.14:
            parts.insert(at, chance.choice(_ODD) if act < 0.1 else parts[at])
        else:
            parts[at] = mutated(parts[at], chance)
        return parts
    if isinstance(value, bytes) and value and chance.random() < 0.9:
        return _mutated_bytes(value, chance)
    return chance.choice(_ODD)


def _mutated_bytes(value: bytes, chance: random.Random) -> bytes:
    try:
        inner = msgpack.unpackb(value)
    except (ValueError, msgpack.UnpackException):
        inner = None
    if isinstance(inner, list):
        packed: bytes = msgpack.packb(mutated(inner, chance))
        return packed
    damaged = bytearray(value)
    damaged[chance.randrange(len(damaged))] = chance.randrange(256)
    return bytes(damaged) if chance.random() < 0.8 else value[: chance.randrange(len(value))]


def mutated_frame(message: Message, chance: random.Random) -> bytes:
    """A frame with a right checksum whose message is nearly this one, and answers the same question."""
    body = mutated(list(message), chance)
    while not (isinstance(body, list) and body and body[0] == message.id):
        body = mutated(list(message), chance)
    return framed(_KINDS[type(message).__name__], body)
