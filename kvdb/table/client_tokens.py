"""Client tokens: what makes a transaction that is sent again do nothing more.

A token is stored in the batch of its transaction, so the two are there together or not at all, and
is good for ten minutes; then it stands for nothing, whether it is swept by then or not. A client
that sends the transaction again with its token is answered as if it had been made just now; with
the token and another transaction it is refused. While the transaction runs it holds the latch of
its token's key, which is how a second one with the token is told of it.

Format (big-endian; the keys are in ``table/keys``):

    token := u8 format · u64 wall_ms · digest     format 1; when the transaction was committed
    time  := ""                                   under a key that begins with ``wall_ms``
    digest := sha256 of the transaction's members, see ``digest_of``

Bounds: 1,000,000 tokens (``limits``); past that transactions with a token are refused until some are
swept. Nothing of a token is kept in memory but their number.

Source: service model, TransactWriteItemsInput, ClientRequestToken.
"""

from __future__ import annotations

import hashlib
import logging
import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from itertools import islice

import msgpack

from kvdb import limits
from kvdb.api.items import PutItem, TransactWriteAction, UpdateItem
from kvdb.env.env import Env
from kvdb.errors import (
    CorruptionError,
    DiskError,
    DiskFull,
    IdempotentParameterMismatch,
    RequestLimitExceeded,
    ServiceUnavailable,
    StorageError,
)
from kvdb.item import codec
from kvdb.item.value import Item, normalise_item
from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.engine import Engine
from kvdb.table import keys
from kvdb.table.latches import Latches

_log = logging.getLogger("kvdb.table")

FORMAT_VERSION = 1
_VALUE = struct.Struct(">BQ32s")
assert _VALUE.size == 41


class ClientTokens:
    """The tokens of one database."""

    def __init__(self, engine: Engine, env: Env) -> None:
        """Count what the engine holds."""
        self._engine = engine
        self._hlc = env.hlc
        self._guard = threading.Lock()
        self._count = sum(1 for _ in engine.scan(*keys.client_token_times()))
        self.on_first: Callable[[], None] | None = None
        """Told of a token that is stored when there were none: it is to be swept in a while."""

    @property
    def count(self) -> int:
        """How many are stored."""
        return self._count

    def is_known(self, token_key: bytes, digest: bytes) -> bool:
        """Whether the transaction of this token and digest was made less than ten minutes ago.

        Raises:
            IdempotentParameterMismatch: another one was, with this token.
        """
        stored = self._engine.get(token_key)
        if stored is None:
            return False
        wall_ms, known = _decoded(stored)
        if self._is_over(wall_ms):
            return False
        if known != digest:
            raise IdempotentParameterMismatch(
                "DynamoDB rejected the request because you retried a request with a different payload "
                "but with an idempotent token that was already used."
            )
        return True

    def add(self, batch: WriteBatch, token_key: bytes, digest: bytes) -> bool:
        """Have ``batch`` store the token of its transaction; under the latch of ``token_key``.

        Gives whether that is one more; then tell it with ``stored_one`` once it is so.

        Raises:
            RequestLimitExceeded: as many as may be kept are kept.
        """
        stored = self._engine.get(token_key)
        if stored is None and self._count >= limits.CLIENT_TOKENS_MAX:
            raise RequestLimitExceeded(f"too many client tokens max={limits.CLIENT_TOKENS_MAX}")
        if stored is not None:
            batch.delete(keys.client_token_time_key(_decoded(stored)[0], token_key))
        wall_ms = self._hlc.wall_ms()
        batch.put(token_key, _VALUE.pack(FORMAT_VERSION, wall_ms, digest))
        batch.put(keys.client_token_time_key(wall_ms, token_key), b"")
        return stored is None

    def stored_one(self) -> None:
        """The batch that a new token was added to is committed."""
        with self._guard:
            self._count += 1
            is_first = self._count == 1
        if is_first and self.on_first is not None:
            self.on_first()

    def forget(self, count: int) -> None:
        """So many are not stored any more."""
        with self._guard:
            self._count -= count

    def is_swept(self, batch: WriteBatch, time_key: bytes) -> bool:
        """Have ``batch`` delete a token if it is the one of this time; under the latch of its key."""
        token_key = keys.client_token_key_of_time(time_key)
        stored = self._engine.get(token_key)
        batch.delete(time_key)
        if stored is None or _decoded(stored)[0] != keys.client_token_time_of(time_key):
            return False
        batch.delete(token_key)
        return True

    def _is_over(self, wall_ms: int) -> bool:
        return self._hlc.wall_ms() - wall_ms >= limits.CLIENT_TOKEN_VALID_MS


class TokenSweeper:
    """Job: deletes tokens that are over, a bounded chunk a step."""

    name = "token-sweeper"

    TOKENS_PER_STEP = 256
    PAUSE_MS = 10_000
    """Between two looks for tokens that are over by then."""
    _BUSY_PAUSE_MS = 100
    _DISK_PAUSE_MS = 5_000

    def __init__(self, tokens: ClientTokens, engine: Engine, latches: Latches, env: Env) -> None:
        self._tokens = tokens
        self._engine = engine
        self._latches = latches
        self._hlc = env.hlc

    def step(self, now_ms: int) -> int | None:
        """Delete a chunk of what is over; sleeps while no token is stored."""
        try:
            return self._sweep()
        except (DiskError, DiskFull, ServiceUnavailable) as error:
            _log.warning("client tokens are not swept for now reason=%s", error)
            return self._DISK_PAUSE_MS
        except StorageError as error:
            _log.error("client tokens cannot be swept reason=%s", error)
            return None

    def _sweep(self) -> int | None:
        over_ms = self._hlc.wall_ms() - limits.CLIENT_TOKEN_VALID_MS
        times = [
            key for key, _ in islice(self._engine.scan(*keys.client_token_times()), self.TOKENS_PER_STEP)
        ]
        over = [key for key in times if keys.client_token_time_of(key) <= over_ms]
        if not over:
            return self.PAUSE_MS if times else None
        grant = self._latches.request(tuple(sorted({keys.client_token_key_of_time(key) for key in over})))
        try:
            if not grant.is_complete:
                return self._BUSY_PAUSE_MS
            batch = WriteBatch()
            gone = sum(self._tokens.is_swept(batch, key) for key in over)
            self._engine.write(batch)
            self._tokens.forget(gone)
        finally:
            self._latches.give_back(grant)
        return 0


def digest_of(members: Sequence[TransactWriteAction]) -> bytes:
    """What tells one transaction from another: 32 bytes of all that its members say.

    How maps and placeholders are ordered, and how a number is written, makes no difference.
    """
    return hashlib.sha256(msgpack.packb([_told(member) for member in members])).digest()


def _told(member: TransactWriteAction) -> list[object]:
    subject = member.item if isinstance(member, PutItem) else member.key
    names = member.expression_attribute_names
    values = member.expression_attribute_values
    return [
        type(member).__name__,
        member.table_name,
        _encoded(subject),
        member.update_expression if isinstance(member, UpdateItem) else None,
        member.condition_expression,
        None if names is None else sorted(names.items()),
        None if values is None else _encoded(values),
        member.return_values_on_condition_check_failure,
    ]


def _encoded(given: Mapping[str, object]) -> bytes:
    return codec.encode_item(_in_order(normalise_item(given)[0]))


def _in_order(item: Item) -> Item:
    """The same item with the names of every map in order."""
    return {name: _value_in_order(item[name]) for name in sorted(item)}


def _value_in_order(value: object) -> object:
    if isinstance(value, dict):
        return _in_order(value)
    return [_value_in_order(element) for element in value] if isinstance(value, list) else value


def _decoded(stored: bytes) -> tuple[int, bytes]:
    if len(stored) != _VALUE.size or stored[0] != FORMAT_VERSION:
        raise CorruptionError(
            f"client token has an unknown format head={stored[:1].hex()} length={len(stored)}"
        )
    _, wall_ms, digest = _VALUE.unpack(stored)
    return wall_ms, digest
