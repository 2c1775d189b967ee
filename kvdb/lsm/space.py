"""Room on the disk: who may write while there is little of it.

    free >= free_bytes_min      everybody writes
    below                       only batches that delete nothing but keys; others get DiskFull
    a call finds no room        the ballast is given up, once, and the call tried again

The reserve below ``free_bytes_min`` is what flush and compaction work in: they are what brings
room back. ``BALLAST`` is a file of zeros for the day when somebody else has filled the disk to
its last byte. It is made only once the database is larger than it, and made again when there is
plenty of room.

How much is free is asked for after every ``CHECK_BYTES`` of writes, and before every write
while there is little: so writes go on by themselves when room comes back. A file system that
cannot say has room; a write will find out.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from typing import Final

from kvdb.env.env import Env
from kvdb.env.fs import join
from kvdb.errors import DiskFull
from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.filenames import BALLAST
from kvdb.options import EngineOptions

_log = logging.getLogger("kvdb.lsm.space")

CHECK_BYTES: Final = 1024 * 1024
"""So much may be written before the disk is asked again."""


class Space:
    """The room of one database directory."""

    def __init__(self, env: Env, directory: str, options: EngineOptions) -> None:
        self.is_low = False
        """Less than ``free_bytes_min`` was free when last asked."""
        self._fs = env.fs
        self._directory = directory
        self._ballast = join(directory, BALLAST)
        self._free_min = options.free_bytes_min
        self._ballast_bytes = options.ballast_bytes
        self._has_ballast = env.fs.exists(self._ballast)
        self._ballast_lock = threading.Lock()
        self._unchecked = CHECK_BYTES
        self._refused = env.metrics.counter("lsm_writes_refused_for_space_total")
        env.metrics.gauge("lsm_disk_is_low").read_by(lambda: float(self.is_low))
        env.metrics.gauge("lsm_ballast_bytes").read_by(lambda: self._ballast_bytes * self._has_ballast)

    def admit(self, batch: WriteBatch, written_bytes: int) -> None:
        """Before a batch is written; ``written_bytes`` have been, or will be, since the last call.

        Raises:
            DiskFull: there is too little room for it.
        """
        self._unchecked += written_bytes
        if self._unchecked >= CHECK_BYTES or self.is_low:
            self._check()
            if self.is_low and not batch.only_deletes:
                self._refused.add()
                raise DiskFull(
                    f"too little room on the disk, only deletes are taken directory={self._directory}"
                    f" free_bytes_min={self._free_min}"
                )

    @property
    def due_in_bytes(self) -> int:
        """So much may be written before the disk is asked again."""
        return max(0, CHECK_BYTES - self._unchecked)

    def give_up_ballast(self) -> bool:
        """A call found no room: make some. False when there is no ballast left."""
        with self._ballast_lock:
            if not self._has_ballast:
                return False
            self._has_ballast = False
            try:
                self._fs.remove(self._ballast)
            except OSError as error:
                _log.error("cannot give up the ballast error=%s", error)
                return False
        _log.warning("no room on the disk, ballast given up bytes=%d", self._ballast_bytes)
        return True

    def keep_ballast(self, database_bytes: int) -> None:
        """After files came or went: make the ballast if there is none, the database is worth it, and
        there is room for it twice over."""
        if self._has_ballast or not self._ballast_bytes or database_bytes < self._ballast_bytes:
            return
        with self._ballast_lock:
            try:
                if self._fs.free_bytes(self._directory) < self._free_min + 2 * self._ballast_bytes:
                    return
                self._fs.allocate(self._ballast, self._ballast_bytes)
                self._has_ballast = True
            except FileExistsError:
                self._has_ballast = True
            except OSError as error:
                _log.warning("cannot make the ballast error=%s", error)
                with contextlib.suppress(OSError):
                    self._fs.remove(self._ballast)

    def _check(self) -> None:
        self._unchecked = 0
        try:
            free = self._fs.free_bytes(self._directory)
        except OSError as error:
            _log.warning("cannot tell how much of the disk is free error=%s", error)
            return
        was_low, self.is_low = self.is_low, free < self._free_min
        if self.is_low != was_low:
            level, what = (logging.ERROR, "stop") if self.is_low else (logging.WARNING, "go on")
            _log.log(level, "writes %s free_bytes=%d free_bytes_min=%d", what, free, self._free_min)
