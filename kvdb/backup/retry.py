"""A store that tries again: what was ``ServiceUnavailable`` gets a few more tries, with growing pauses.

Puts are of immutable content, so a second try after an unknown outcome does no harm: what is there
already is what was meant (``put`` without ``replace`` may then find its own object: that counts as
written). A read that breaks off is begun again, and what was handed out already is passed over.
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
        """As the store's; a read that breaks off goes on where it was, for objects do not change."""
        handed = tried = 0
        while True:
            skip = handed
            try:
                for chunk in self._store.get(name):
                    piece, skip = chunk[skip:], max(0, skip - len(chunk))
                    if piece:
                        handed += len(piece)
                        tried = 0
                        yield piece
                return
            except ServiceUnavailable:
                tried += 1
                if tried >= self._tries_max:
                    raise
                self._pause(tried)

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
                self._pause(tried)
        return call()

    def _pause(self, tried: int) -> None:
        pause_ms = PAUSE_MS * 2 ** (tried - 1)
        self._env.clock.sleep_ms(pause_ms * (0.5 + self._env.entropy.fraction()))
