"""A store that tries again: what was ``ServiceUnavailable`` gets a few more tries, with growing pauses.

Puts are of immutable content, so a second try after an unknown outcome does no harm: what is there
already is what was meant (``put`` without ``replace`` may then find its own object: that counts as
written). A read that breaks off begins again only before its first piece was handed out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

from kvdb.backup import names
from kvdb.backup.store import BackupStore, Stored
from kvdb.env.env import Env
from kvdb.errors import ServiceUnavailable

TRIES_MAX: Final = 4
PAUSE_MS: Final = 200
"""Before the second try; doubles, with jitter, each time."""

Answer = TypeVar("Answer")


class RetryingStore:
    """A ``BackupStore`` around another one."""

    def __init__(self, store: BackupStore, env: Env, *, tries_max: int = TRIES_MAX) -> None:
        self.url = store.url
        self._store = store
        self._env = env
        self._tries_max = tries_max

    def put(self, name: str, chunks: Iterable[bytes], *, replace: bool = False) -> None:
        """As the store's; content that can be read only once (an iterator) is tried only once."""
        if iter(chunks) is chunks:
            self._store.put(name, chunks, replace=replace)
            return
        tried = 0

        def put() -> None:
            nonlocal tried
            tried += 1
            try:
                self._store.put(name, chunks, replace=replace)
            except FileExistsError:
                if tried == 1:
                    raise

        self._tried(put)

    def get(self, name: str) -> Iterator[bytes]:
        def first() -> tuple[bytes, Iterator[bytes]]:
            pieces = self._store.get(name)
            return next(pieces, b""), pieces

        head, rest = self._tried(first)
        yield head
        yield from rest

    def exists(self, name: str) -> bool:
        return self._tried(lambda: self._store.exists(name))

    def listed(self, prefix: str) -> Iterator[Stored]:
        # A listing is small beside what it lists: some 100 bytes an object.
        return iter(self._tried(lambda: list(self._store.listed(prefix))))

    def delete(self, name: str) -> None:
        self._tried(lambda: self._store.delete(name))

    def clean(self, prefixes: Iterable[str] = names.FOLDERS) -> None:
        folders = list(prefixes)
        self._tried(lambda: self._store.clean(folders))

    def _tried(self, call: Callable[[], Answer]) -> Answer:
        for tried in range(1, self._tries_max):
            try:
                return call()
            except ServiceUnavailable:
                pause_ms = PAUSE_MS * 2 ** (tried - 1)
                self._env.clock.sleep_ms(pause_ms * (0.5 + self._env.entropy.fraction()))
        return call()
