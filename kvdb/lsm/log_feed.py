"""The log as a feed: its bytes from a place on, in pieces, up to what is durable.

A place is a spot between two records of one log: everything up to ``seqno`` stands before it, and
``digest`` is the log's there (see ``record``), so that a place proves itself against the file.

Order of logs: a sealed log ends where its successor says that it began (``base_seqno``), whatever else
is in the file: a torn tail, or nothing but the remains of a rotation that failed. A successor in the
same process also says how long the log was and what its digest is; after a restart it does not.

Nothing is handed out that is not durable, so nothing that a power loss takes back. What is missing or
is not what its place says raises ``LogGap``: the reader has to begin anew, from a copy of everything.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from kvdb.env.env import Env
from kvdb.env.fs import FileSystem, join
from kvdb.errors import CorruptionError, KvdbError
from kvdb.lsm.commit import Commit
from kvdb.lsm.filenames import log_name, parse
from kvdb.lsm.wal import LogSpan, Opening, measure, read_opening

_RECORD_BYTES_MAX: Final = 1 << 31


class LogGap(Exception):
    """The log from a place on is not there, or is another one."""


class LogPlace(NamedTuple):
    """Between two records of log ``number``."""

    number: int
    offset: int
    seqno: int
    """Of the last operation before it."""
    digest: int


class LogEnd(NamedTuple):
    """Up to where the log is durable."""

    place: LogPlace
    complete_ms: int | None
    """No write that is not before ``place`` has, or will get, a wall time this early. ``None``: writes
    have stopped after a failure, and nobody knows what the next open finds."""


class LogPiece(NamedTuple):
    """Whole records of one log, as they stand in the file."""

    start: LogPlace
    end: LogPlace
    data: bytes
    first_ms: int
    """Wall times of its first and last batch; 0 when it has none."""
    last_ms: int
    ingests: tuple[int, ...]
    """Seqnos of bulk ingests, whose content is not in the log."""


class LogFeed:
    """Reads the log of an open engine. One reader at a time."""

    def __init__(self, env: Env, directory: str, database_id: bytes, commit: Commit) -> None:
        self.database_id = database_id
        self._env = env
        self._fs: FileSystem = env.fs
        self._directory = directory
        self._commit = commit

    def end(self) -> LogEnd:
        """The end of the log, made durable if the sync mode has not. Cost: a turn among the writers.

        Raises:
            ReadOnlyDegraded: the sync failed just now.
        """
        commit = self._commit
        with commit.between_groups():
            if commit.failure is None:
                commit.seal()
            log = commit.log
            # A stamp is later than all before it, and no later group's wall time is before a stamp.
            now_ms = max(self._env.hlc.tick().wall_ms, commit.wall_ms)
            last = log.as_predecessor()
            place = LogPlace(last.number, last.size, last.last_seqno, last.digest)
            if log.synced_to == log.size:
                return LogEnd(place, None if commit.failure else now_ms - 1)
        # What was appended but never synced is nobody's until the next open has judged it.
        return LogEnd(place._replace(offset=log.synced_to, seqno=commit.visible_seqno, digest=0), None)

    def next_piece(self, place: LogPlace, end: LogEnd, *, bytes_max: int) -> LogPiece | None:
        """The next records behind ``place``, up to ``bytes_max`` of them but at least one whole record;
        ``None``: ``place`` is at ``end``.

        Raises:
            LogGap: the log is not there, or does not fit ``place``.
            OSError: it cannot be read.
        """
        try:
            while place.number < end.place.number:
                number, opening = self._successor(place.number, end.place.number)
                is_told = opening.previous.number == place.number
                size = opening.previous.size if is_told else None
                if place.seqno < opening.base_seqno or (size is not None and place.offset < size):
                    return self._read(place, opening.base_seqno, size, bytes_max=bytes_max)
                self._require_fits(place, opening)
                place = LogPlace(number, 0, opening.base_seqno, 0)
            if place.offset >= end.place.offset:
                return None
            return self._read(
                place,
                end.place.seqno,
                end.place.offset,
                bytes_max=bytes_max,
                is_exact=end.complete_ms is not None,
            )
        except FileNotFoundError as error:
            raise LogGap(f"log is not there any more: {log_name(place.number)}") from error
        except CorruptionError as error:
            raise LogGap(f"log cannot be read: {error}") from error

    def check(self, place: LogPlace) -> None:
        """That ``place`` is one of this database's log.

        Raises:
            LogGap: it is not: that log is gone, shorter, or has other records.
            OSError: it cannot be read.
        """
        try:
            data = self._bytes(place.number, 0, place.offset)
            span = self._measure(data, place._replace(offset=0, seqno=0, digest=0))
        except (FileNotFoundError, KvdbError) as error:
            raise LogGap(f"log is not as it was: {log_name(place.number)}: {error}") from error
        if (span.size, span.last_seqno, span.digest) != (place.offset, place.seqno, place.digest):
            raise LogGap(f"log holds something else than it did: {log_name(place.number)}")

    def _read(
        self, place: LogPlace, last_seqno: int, size: int | None, *, bytes_max: int, is_exact: bool = True
    ) -> LogPiece:
        """Records behind ``place``, up to ``last_seqno`` and, if that is known, the ``size`` of the log.
        ``is_exact``: that is where the last of them is, not only where none is behind."""
        left = _RECORD_BYTES_MAX if size is None else size - place.offset
        wanted = min(bytes_max, left)
        data = self._bytes(place.number, place.offset, wanted)
        span = self._measure(data, place)
        # A record may be larger than a piece.
        while not span.size and len(data) == wanted < left:
            wanted = min(wanted * 2, left)
            data = self._bytes(place.number, place.offset, wanted)
            span = self._measure(data, place)
        end = LogPlace(place.number, place.offset + span.size, span.last_seqno, span.digest)
        is_last = end.offset == size
        if not span.size or end.seqno > last_seqno or (is_last and is_exact and end.seqno != last_seqno):
            raise LogGap(
                f"log does not go on to seqno {last_seqno}: {log_name(place.number)}"
                f" offset={end.offset} seqno={end.seqno}"
            )
        return LogPiece(place, end, data[: span.size], span.first_ms, span.last_ms, span.ingests)

    def _measure(self, data: bytes, place: LogPlace) -> LogSpan:
        last_seqno = place.seqno
        if not place.offset:
            opening = read_opening(self._fs, self._directory, place.number, database_id=self.database_id)
            last_seqno = opening.base_seqno if opening is not None else last_seqno
        return measure(
            data,
            place.number,
            database_id=self.database_id,
            last_seqno=last_seqno,
            digest=place.digest,
            is_start=not place.offset,
        )

    def _bytes(self, number: int, offset: int, count: int) -> bytes:
        file = self._fs.open_read(join(self._directory, log_name(number)))
        try:
            return file.read_at(offset, count)
        finally:
            file.close()

    def _successor(self, number: int, last: int) -> tuple[int, Opening]:
        """The first log after ``number`` that was opened."""
        names = self._fs.list_dir(self._directory)
        if log_name(number) not in names:
            raise LogGap(f"log is not there any more: {log_name(number)}")
        parsed = (parse(name) for name in names)
        logs = sorted(each.number for each in parsed if each is not None and each.kind == "log")
        for later in logs:
            if number < later <= last:
                opening = read_opening(self._fs, self._directory, later, database_id=self.database_id)
                if opening is not None:
                    return later, opening
        raise LogGap(f"no log follows {log_name(number)}")

    def _require_fits(self, place: LogPlace, opening: Opening) -> None:
        """``place`` is where the log of ``opening`` begins."""
        if place.seqno != opening.base_seqno:
            raise LogGap(f"log begins at seqno {opening.base_seqno}, not behind {place.seqno}")
        before = opening.previous
        if before.number == place.number and (before.last_seqno, before.digest) != (
            place.seqno,
            place.digest,
        ):
            raise LogGap(f"log is not as its successor found it: {log_name(place.number)}")
