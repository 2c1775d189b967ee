"""Image view: what an image says, read from its own files, without making a database of them.

``rebuild`` makes a directory that opens; this answers reads from the sstables and logs as they were
stored. Two ways to one content, which share neither manifest, recovery nor flush: what they differ in
is a fault of one of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Final

from kvdb.env.env import Env
from kvdb.errors import CorruptionError
from kvdb.lsm.block_cache import BlockCache
from kvdb.lsm.image import Image
from kvdb.lsm.internal_key import MISSING
from kvdb.lsm.iterator import Pair, live
from kvdb.lsm.manifest import VersionEdit
from kvdb.lsm.memtable import Memtable
from kvdb.lsm.range_tombstone import united
from kvdb.lsm.sstable_cache import SstableCache
from kvdb.lsm.version import SstableReaders, Version
from kvdb.lsm.wal import LogRecord
from kvdb.metrics import Registry

_OPEN_SSTABLES_MAX: Final = 64
_READERS_BYTES: Final = 64 * 1024 * 1024
_BLOCKS_BYTES: Final = 8 * 1024 * 1024


class ImageView:
    """An image, its sstables in ``directory`` under their own names. Memory: its logs, and caches."""

    def __init__(self, env: Env, directory: str, image: Image) -> None:
        """Raises ``CorruptionError``: the image's files do not fit together."""
        metrics = Registry()
        self.version = Version().edited(VersionEdit(tuple((file.level, file.meta) for file in image.files)))
        self._image = image
        self._readers = SstableReaders(
            env.fs,
            directory,
            SstableCache(_OPEN_SSTABLES_MAX, _READERS_BYTES, metrics),
            BlockCache(_BLOCKS_BYTES, metrics),
        )
        self._memtable = Memtable(0)
        self._expected: int | None = None

    def replay(self, record: LogRecord) -> None:
        """A record of the image's logs, in order.

        Raises:
            CorruptionError: one is missing before it.
        """
        position = self._image.position
        is_next = record.seqno == self._expected
        if not is_next and (self._expected is not None or record.seqno > position.last_seqno + 1):
            expected = self._expected or position.last_seqno + 1
            raise CorruptionError(f"log record is missing seqno={record.seqno} expected={expected}")
        self._memtable.apply(record.operations, record.seqno)
        self._expected = record.seqno + (len(record.operations) >> 1)

    def end(self) -> None:
        """The logs are over.

        Raises:
            CorruptionError: they do not end where the image does.
        """
        last = self._image.position.last_seqno if self._expected is None else self._expected - 1
        if last != self._image.seqno:
            raise CorruptionError(f"logs end at seqno {last} expected={self._image.seqno}")

    def get(self, key: bytes) -> bytes | None:
        """As ``Engine.get``."""
        found: object = self._memtable.get(key, self._image.seqno)
        if found is MISSING:
            found = self.version.get(key, self._image.seqno, self._readers)
        return found if isinstance(found, bytes) else None

    def scan(self, start: bytes, end: bytes) -> Iterator[Pair]:
        """As ``Engine.scan``, forward."""
        seqno = self._image.seqno
        sources = self._memtable.sources(start, end, seqno, reverse=False)
        sources += self.version.sources(start, end, self._readers, reverse=False)
        deletes = [self._memtable.ranges, *self.version.ranges_in(start, end, self._readers)]
        return chain.from_iterable(live(sources, united(deletes), seqno))
