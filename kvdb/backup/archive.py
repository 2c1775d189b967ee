"""The continuous archive of an open database: its writer.

Two jobs. The shipper, every second and when a log has ended:

    1. begin an epoch, if there is none: where the newest one in the store ended, if that place is in our
       log; else behind a gap, at the end of our log
    2. ask the log for its durable end; put what is behind the last chunk as chunks
    3. let go of the logs that are in the store
    4. every few seconds say in the head how far it has come; leave if there is a later epoch than ours

The base maker, when the shipper or the clock asks for it: a backup of the kind "base", noted in the epoch;
then what the window does not need any more goes.

A chunk that is small is written again together with what follows, and the smaller one deleted, so that the
number of objects is bounded by bytes and not by seconds.

The store failing. What is not shipped is tried again, with growing pauses; the log waits on disk, held, up
to ``held_bytes_max``. Beyond that the hold is dropped: the archive has a gap, says so (log, metrics, status,
health), and once the store answers begins an epoch behind the gap, with a base of its own. Writes never wait.

Two writers. Each has an epoch of its own, and the later one is the line: what the earlier writes from then
on is of nobody's history, whenever it arrives. It finds the later epoch in the head, and stops, loudly.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from kvdb.api.archive import ArchiveState
from kvdb.backup import archive_objects as objects
from kvdb.backup import names, on_demand, shelf
from kvdb.backup.archive_expiry import expire
from kvdb.backup.archive_history import epoch_ids, list_chunks, read_history, read_labels
from kvdb.backup.archive_objects import Base, Epoch, Head, Label, chunk_of
from kvdb.backup.on_demand import Progress
from kvdb.backup.store import BackupStore
from kvdb.env.env import Env
from kvdb.env.hlc import Stamp
from kvdb.errors import (
    ContinuousBackupsUnavailable,
    CorruptionError,
    KvdbError,
    LimitExceeded,
    ServiceUnavailable,
    ValidationError,
)
from kvdb.lsm.engine import Engine
from kvdb.lsm.log_feed import LogEnd, LogGap, LogPiece, LogPlace
from kvdb.lsm.log_hold import LogHold
from kvdb.options import ArchiveOptions

_log = logging.getLogger("kvdb.backup.archive")

CHUNK_BYTES: Final = 4 * 1024 * 1024
TAIL_BYTES_MAX: Final = 64 * 1024
"""A chunk of up to so many bytes of log is written again with what follows."""
_TAIL_PIECES_MAX: Final = 64
_CHUNKS_A_STEP: Final = 8
_HEAD_MS: Final = 5_000
_PAUSE_MS: Final = 1_000
_PAUSE_MS_MAX: Final = 60_000
_HOUR_MS: Final = 3_600_000
_BASE_CHECK_MS: Final = 60_000
_BASE_PAUSE_MS_MAX: Final = 10 * 60_000
_REASON_CHARS_MAX: Final = 1_000
_LABELS_MAX: Final = 10_000
_LABEL_TRIES_MAX: Final = 20
_LABEL_WAIT_MS: Final = 500
_CLOCK_AHEAD_MS_MAX: Final = 60_000
"""A head that is further ahead of our clock than this does not move it."""


class Fenced(Exception):
    """There is an epoch after ours."""


@dataclass(frozen=True, slots=True)
class ArchiveStatus:
    """How an archive is doing."""

    url: str
    database_id: bytes
    state: ArchiveState
    reason: str
    """Why it is not ok, or why its last epoch began behind a gap; empty: nothing to tell."""
    epoch: str | None
    seqno: int
    """The newest in the archive; the database's is ``last_seqno``."""
    last_seqno: int
    complete_ms: int
    """Up to this time every write is in the archive."""
    lag_ms: int
    held_bytes: int
    """Of the log, kept for it."""
    gaps: int
    """Since the database was opened."""
    base_seqno: int | None
    base_ms: int | None
    window_days: int
    earliest_ms: int | None
    """From here on every point can be restored."""


class Archive:
    """The writer of one database's archive. Start it once; stop it before the engine is closed."""

    def __init__(self, env: Env, engine: Engine, store: BackupStore, options: ArchiveOptions) -> None:
        """The engine was opened with ``log_hold_bytes``, and so keeps its logs already."""
        self.store = store
        self.options = options
        self.database_id = engine.log_feed.database_id
        self._env = env
        self._engine = engine
        self._shipper = _Shipper(env, engine, store, options, want_base=self._want_base)
        self._base_maker = _BaseMaker(env, engine, store, options, self._shipper)
        self._shipping = env.jobs.add(self._shipper)
        self._base_making = env.jobs.add(self._base_maker)
        self._declare_instruments()

    def start(self) -> None:
        """Begin, in the background: an open does not wait for the store."""
        self._shipper.wake = self._shipping.wake
        self._shipping.wake()
        self._base_making.wake()

    def stop(self) -> None:
        """Ship what there is, if the store answers, and end."""
        self._base_maker.is_stopping = True
        self._shipping.begin_stop()
        self._base_making.begin_stop()
        self._shipping.stop()
        self._base_making.stop()
        self._shipper.finish()

    def status(self) -> ArchiveStatus:
        shipper = self._shipper
        now_ms = self._env.hlc.wall_ms()
        base = shipper.last_base
        return ArchiveStatus(
            url=self.store.url,
            database_id=self.database_id,
            state=shipper.state,
            reason=shipper.reason or self._base_maker.reason,
            epoch=None if shipper.epoch is None else shipper.epoch.epoch,
            seqno=shipper.place.seqno if shipper.place is not None else 0,
            last_seqno=self._engine.last_seqno,
            complete_ms=shipper.complete_ms,
            lag_ms=max(0, now_ms - (shipper.complete_ms or shipper.started_ms)),
            held_bytes=shipper.held_bytes,
            gaps=shipper.gaps,
            base_seqno=None if base is None else base.seqno,
            base_ms=None if base is None else base.wall_ms,
            window_days=self.options.window_days,
            earliest_ms=shipper.earliest_ms,
        )

    def label(self, label: str) -> Label:
        """Give the present a name. Waits until it is in the archive.

        Raises:
            ValidationError: it is taken, or no label.
            LimitExceeded: there are as many labels as there may be.
            ContinuousBackupsUnavailable: the archive has stopped.
            ServiceUnavailable, BackupStoreError, DiskFull: the store fails, or the archive is behind.
        """
        if not 0 < len(label) <= objects.LABEL_CHARS_MAX or not label.isprintable():
            raise ValidationError(f"a label has 1 to {objects.LABEL_CHARS_MAX} printable characters")
        taken = read_labels(self.store, self.database_id)
        if any(found.label == label for found in taken):
            raise ValidationError(f"the label is taken label={label!r}")
        if len(taken) >= _LABELS_MAX:
            raise LimitExceeded(f"the archive has {_LABELS_MAX} labels already")
        made = self._present(label)
        label_id = names.new_id(self._env.clock.wall_ms(), self._env.entropy.bytes(4))
        self.store.put(f"{names.labels_of(self.database_id)}{label_id}.json", [made.encoded()])
        return made

    def _present(self, label: str) -> Label:
        """The present, once it is in the archive: a label is of what its epoch has."""
        end = self._engine.log_feed.end()
        wall_ms = self._env.hlc.wall_ms()
        for _ in range(_LABEL_TRIES_MAX):
            epoch, place = self._shipper.progress()
            if self._shipper.state in ("fenced", "stopped"):
                raise ContinuousBackupsUnavailable(f"the archive is {self._shipper.state}: it takes no label")
            if epoch is not None and place is not None and place.seqno >= end.place.seqno:
                return Label(label, end.place.seqno, wall_ms, epoch.epoch)
            self._shipping.help(_LABEL_WAIT_MS)
        raise ServiceUnavailable(f"the archive is behind: {self._shipper.reason or self._shipper.state}")

    def want_base(self) -> None:
        """Make another base soon."""
        self._want_base(self._engine.last_seqno + 1)

    def _want_base(self, seqno: int) -> None:
        self._base_maker.wanted_seqno = max(self._base_maker.wanted_seqno, seqno)
        self._base_making.wake()

    def _declare_instruments(self) -> None:
        gauge = self._env.metrics.gauge
        gauge("archive_is_ok").read_by(lambda: float(self._shipper.state == "ok"))
        gauge("archive_lag_ms").read_by(lambda: float(self.status().lag_ms))
        gauge("archive_held_log_bytes").read_by(lambda: float(self._shipper.held_bytes))


class _Shipper:
    """Job: from the log to the store."""

    name = "archive"

    def __init__(
        self,
        env: Env,
        engine: Engine,
        store: BackupStore,
        options: ArchiveOptions,
        *,
        want_base: Callable[[int], None],
    ) -> None:
        self.epoch: Epoch | None = None
        self.place: LogPlace | None = None
        self.complete_ms = 0
        self.started_ms = env.hlc.wall_ms()
        self.gaps = 0
        self.last_base: Base | None = None
        self.earliest_ms: int | None = None
        self.wake: Callable[[], None] | None = None
        self._env = env
        self._engine = engine
        self._feed = engine.log_feed
        self._id = engine.log_feed.database_id
        self._store = store
        self._options = options
        self._want_base = want_base
        self._hold: LogHold | None = engine.log_hold
        self._chain = bytes(32)
        self._tail: _Tail | None = None
        self._head_due_ms = 0
        self._bytes_since_base = 0
        self._is_base_asked_for = False
        self._failures = 0
        self._failure = ""
        self._lost: str | None = None
        """Why a part of the log is missing; ``None``: nothing is."""
        self._ended: ArchiveState | None = None
        self._lock = threading.Lock()
        counter = env.metrics.counter
        self._chunks_total = counter("archive_chunks_total")
        self._bytes_total = counter("archive_stored_bytes_total")
        self._failures_total = counter("archive_store_failures_total")
        self._gaps_total = counter("archive_gaps_total")

    @property
    def held_bytes(self) -> int:
        hold = self._hold
        return 0 if hold is None else hold.held_bytes

    @property
    def state(self) -> ArchiveState:
        if self._ended is not None:
            return self._ended
        epoch = self.epoch
        is_behind_gap = self._lost is not None or (
            epoch is not None and epoch.is_gap and epoch.parent is not None
        )
        if epoch is None or self.last_base is None:
            return "gap" if is_behind_gap else "behind" if self._failures else "starting"
        return "behind" if self._failures else "ok"

    @property
    def reason(self) -> str:
        if self._failure:
            return self._failure
        return self._lost or (self.epoch.reason if self.epoch is not None and self.state == "gap" else "")

    def step(self, now_ms: int) -> int | None:
        try:
            self._require_hold()
            if self.epoch is None:
                self._begin(now_ms)
            is_caught_up = self._ship()
            if is_caught_up and now_ms >= self._head_due_ms:
                self._say(now_ms)
        except Fenced as error:
            self._leave(str(error))
            return None
        except LogGap as gap:
            self._lose(str(gap))
            return 0
        except (KvdbError, OSError) as error:
            return self._fail(error)
        if self._failures:
            self._failures, self._failure = 0, ""
            _log.warning("archive goes on seqno=%d", self.place.seqno if self.place is not None else 0)
        return self._options.ship_interval_ms if is_caught_up else 0

    def finish(self) -> None:
        """A last shipment, when the store answers."""
        if self._ended is None and self.epoch is not None and not self._failures:
            with contextlib.suppress(KvdbError, OSError, LogGap, Fenced):
                self._require_hold()
                # So that the time of the last commit is over, and complete.
                self._env.clock.sleep_ms(1)
                while not self._ship():
                    pass
                self._ended = "stopped"
                self._say(self._env.clock.wall_ms())
        self._ended = self._ended or "stopped"

    def read_earliest(self, epoch: Epoch) -> None:
        """What was before has gone."""
        first_ms = read_history(self._store, self._id, epoch=epoch.epoch).runs[-1].first_ms
        with self._lock:
            if self.epoch is epoch:
                self.earliest_ms = first_ms

    def progress(self) -> tuple[Epoch | None, LogPlace | None]:
        """The epoch, and up to where it has the log."""
        with self._lock:
            return self.epoch, self.place

    def take_base(self, base: Base, epoch: Epoch) -> bool:
        """A base was made: whether the epoch goes on that it was made for."""
        with self._lock:
            if self.epoch is not epoch:
                return False
            self.last_base = base
            if self.earliest_ms is None:
                self.earliest_ms = max(base.wall_ms, epoch.created_ms)
            self._bytes_since_base = 0
            self._is_base_asked_for = False
            self._head_due_ms = 0
        return True

    def _begin(self, now_ms: int) -> None:
        """Step 1."""
        known = epoch_ids(self._store, self._id)
        newest = known[-1] if known else None
        place, chain, lost = self._found(newest)
        if self._hold is None:
            # Before the place is taken: from here on no log goes.
            self._hold = self._engine.hold_logs("archive", bytes_max=self._options.held_bytes_max)
        self._hold.on_sealed = self._on_sealed
        if place is None:
            place = self._feed.end().place
        epoch = Epoch(
            database_id=self._id,
            epoch=names.new_epoch(newest, self._env.entropy.bytes(4)),
            created_ms=now_ms,
            reason=lost or "",
            parent=newest,
            is_gap=lost is not None,
            place=place,
            chain=chain,
        )
        self._store.put(objects.epoch_name(self._id, epoch.epoch), [epoch.encoded()])
        if (later := epoch_ids(self._store, self._id)[-1]) != epoch.epoch:
            raise Fenced(f"another writer has begun epoch {later}")
        self._follow_clock(now_ms)
        base, size, earliest_ms = self._newest_base()
        self._hold.advance(place.number)
        with self._lock:
            self.epoch, self.place, self._chain, self._tail = epoch, place, chain, None
            self.last_base, self._bytes_since_base, self.earliest_ms = base, size, earliest_ms
            self._is_base_asked_for = base is None
        self._lost = None
        self._head_due_ms = 0
        _log.info("archive goes on epoch=%s seqno=%d reason=%s", epoch.epoch, place.seqno, epoch.reason)
        if base is None:
            self._want_base(place.seqno)

    def _found(self, newest: str | None) -> tuple[LogPlace | None, bytes, str | None]:
        """Where to go on, with which chain; or why that cannot be."""
        if newest is None:
            return None, bytes(32), "the archive begins"
        if self._lost is not None:
            return None, bytes(32), self._lost
        try:
            epoch = objects.read_epoch(self._store, self._id, newest)
            chunks = list_chunks(self._store, self._id, newest)
            place, chain = epoch.place, epoch.chain
            if chunks:
                chunk = objects.read_chunk(self._store, chunks[-1], self._id)
                place, chain = chunk.place, chunk.chain
            self._feed.check(place)
        except (CorruptionError, LogGap) as error:
            self._count_gap(str(error))
            return None, bytes(32), str(error)
        return place, chain, None

    def _newest_base(self) -> tuple[Base | None, int, int | None]:
        """The newest base that the log goes on from, how many bytes of log there are since, and from when
        on everything can be restored."""
        run = read_history(self._store, self._id).runs[-1]
        if not run.bases:
            return None, 0, None
        size = 0
        for segment in run.segments:
            for stored in self._store.listed(names.log_of(self._id, segment.epoch.epoch)):
                chunk = names.parse_chunk(stored.name)
                if chunk is not None and chunk.last_seqno > run.bases[-1].seqno:
                    size += stored.size
        try:
            return objects.read_base(self._store, run.bases[-1]), size, run.first_ms
        except CorruptionError as error:
            _log.error("base of the archive is damaged, another one is made error=%s", error)
            return None, 0, None

    def _ship(self) -> bool:
        """Step 2 and 3; whether that was all there is."""
        end = self._feed.end()
        for _ in range(_CHUNKS_A_STEP):
            pieces = self._pieces(end)
            if not pieces:
                break
            is_all = pieces[-1].end.seqno >= end.place.seqno
            complete_ms = end.complete_ms if is_all else None
            self._put(pieces, pieces[-1].last_ms - 1 if complete_ms is None else complete_ms)
        assert self.place is not None
        is_caught_up = self.place.seqno >= end.place.seqno
        if is_caught_up and end.complete_ms is not None:
            self.complete_ms = max(self.complete_ms, end.complete_ms)
        return is_caught_up

    def _pieces(self, end: LogEnd) -> list[LogPiece]:
        """What is next, for one chunk."""
        pieces: list[LogPiece] = []
        size = 0
        place = self.place
        assert place is not None
        while place.seqno < end.place.seqno and size < CHUNK_BYTES and len(pieces) < _TAIL_PIECES_MAX:
            piece = self._feed.next_piece(place, end, bytes_max=CHUNK_BYTES - size)
            if piece is None:
                break
            pieces.append(piece)
            size += len(piece.data)
            place = piece.end
        return pieces if any(piece.first_ms for piece in pieces) else []

    def _put(self, pieces: list[LogPiece], complete_ms: int) -> None:
        assert self.epoch is not None
        tail = self._tail if self._tail is not None and self._tail.takes(pieces) else None
        before = self._chain if tail is None else tail.before
        together = pieces if tail is None else [*tail.pieces, *pieces]
        chunk = chunk_of(self._id, self.epoch.epoch, together, before=before, complete_ms=max(0, complete_ms))
        name, content = chunk.encoded()
        # Its name has its digest: what is there is what was meant.
        with contextlib.suppress(FileExistsError):
            self._store.put(name, [content])
        if tail is not None:
            # What stays behind is passed over by every reader, and goes with the window.
            with contextlib.suppress(KvdbError):
                self._store.delete(tail.name)
        self._chunks_total.add()
        self._bytes_total.add(len(content))
        with self._lock:
            self.place, self._chain = together[-1].end, chunk.chain
            self._tail = _Tail(name, before, together, len(content))
            self._bytes_since_base += len(content) - (0 if tail is None else tail.size)
            is_base_due = (
                self._bytes_since_base >= self._options.base_log_bytes and not self._is_base_asked_for
            )
            self._is_base_asked_for |= is_base_due
        if self._hold is not None:
            self._hold.advance(self.place.number)
        if chunk.ingests or is_base_due:
            self._want_base(max([self.place.seqno if is_base_due else 0, *chunk.ingests]))

    def _say(self, now_ms: int) -> None:
        """Step 4."""
        assert self.epoch is not None
        assert self.place is not None
        head = None
        with contextlib.suppress(CorruptionError):
            head = objects.read_head(self._store, self._id)
        if head is not None and head.epoch > self.epoch.epoch:
            raise Fenced(f"another writer has taken over with epoch {head.epoch}")
        mine = Head(
            epoch=self.epoch.epoch,
            at_ms=now_ms,
            seqno=self.place.seqno,
            complete_ms=self.complete_ms,
            window_days=self._options.window_days,
            state=self.state,
            reason=self.reason[:_REASON_CHARS_MAX],
        )
        self._store.put(names.head_name(self._id), [mine.encoded()], replace=True)
        self._head_due_ms = now_ms + _HEAD_MS

    def _follow_clock(self, now_ms: int) -> None:
        """No commit gets a wall time up to which the archive has called itself complete."""
        with contextlib.suppress(CorruptionError):
            head = objects.read_head(self._store, self._id)
            if head is not None and head.complete_ms < now_ms + _CLOCK_AHEAD_MS_MAX:
                self._env.hlc.merge(Stamp(head.complete_ms + 1, 0, 0))

    def _require_hold(self) -> None:
        if self._hold is not None and self._hold.why_dropped is not None:
            raise LogGap(self._hold.why_dropped)

    def _lose(self, reason: str) -> None:
        """Something of the log is missing: go on behind it, in an epoch of its own."""
        self._count_gap(reason)
        if self._hold is not None:
            self._hold.release()
            self._hold = None
        with self._lock:
            self.epoch, self.last_base, self._tail, self.earliest_ms = None, None, None, None
        self._lost = reason

    def _count_gap(self, reason: str) -> None:
        self.gaps += 1
        self._gaps_total.add()
        _log.error("archive has a gap, it begins anew behind it store=%s reason=%s", self._store.url, reason)

    def _leave(self, reason: str) -> None:
        _log.error("archive has another writer, this one stops store=%s reason=%s", self._store.url, reason)
        self._ended, self._failure = "fenced", reason
        if self._hold is not None:
            self._hold.release()
            self._hold = None

    def _fail(self, error: BaseException) -> int:
        self._failures += 1
        self._failures_total.add()
        self._failure = f"{type(error).__name__}: {error}"
        level = logging.ERROR if self._failures in (1, 10) or self._failures % 100 == 0 else logging.DEBUG
        _log.log(level, "archive cannot ship failures=%d error=%s", self._failures, error)
        pause_ms = min(_PAUSE_MS_MAX, _PAUSE_MS * 2 ** min(self._failures - 1, 10))
        return int(pause_ms * (0.5 + self._env.entropy.fraction() / 2))

    def _on_sealed(self) -> None:
        if self.wake is not None and not self._failures:
            self.wake()


class _Tail:
    """The last chunk, as long as it is small."""

    def __init__(self, name: str, before: bytes, pieces: list[LogPiece], size: int) -> None:
        self.name = name
        self.size = size
        """Of the object."""
        self.before = before
        self.pieces = pieces

    def takes(self, more: list[LogPiece]) -> bool:
        size = sum(len(piece.data) for piece in (*self.pieces, *more))
        return size <= TAIL_BYTES_MAX and len(self.pieces) + len(more) <= _TAIL_PIECES_MAX


class _BaseMaker:
    """Job: a base when there is none, or when the log since the last one is long or old; and the window."""

    name = "archive-base"

    def __init__(
        self, env: Env, engine: Engine, store: BackupStore, options: ArchiveOptions, shipper: _Shipper
    ) -> None:
        self.wanted_seqno = 0
        """There is to be a base at this seqno or behind it."""
        self.is_stopping = False
        self.reason = ""
        self._env = env
        self._engine = engine
        self._store = store
        self._options = options
        self._shipper = shipper
        self._failures = 0
        self._expired_ms = 0
        self._others: set[str] = set()
        """Backups that are known to be none of ours."""
        self._bases_total = env.metrics.counter("archive_bases_total")

    def step(self, now_ms: int) -> int | None:
        epoch = self._shipper.epoch
        if epoch is None:
            # The shipper wakes this job when it has begun one.
            return _BASE_CHECK_MS
        try:
            if self._is_due(now_ms):
                self._make(epoch)
            if now_ms - self._expired_ms >= _HOUR_MS:
                window_days = self._options.window_days
                if expire(self._env, self._store, epoch.database_id, window_days, self._others):
                    self._shipper.read_earliest(epoch)
                self._expired_ms = now_ms
        except _Stopping:
            return None
        except (KvdbError, OSError) as error:
            self._failures += 1
            self.reason = f"{type(error).__name__}: {error}"
            _log.error(
                "archive cannot make a base, or expire one failures=%d error=%s", self._failures, error
            )
            return min(_BASE_PAUSE_MS_MAX, _PAUSE_MS << min(self._failures, 12))
        self._failures, self.reason = 0, ""
        return _BASE_CHECK_MS

    def _is_due(self, now_ms: int) -> bool:
        base = self._shipper.last_base
        if base is None or base.seqno < self.wanted_seqno <= self._engine.last_seqno:
            return True
        is_old = now_ms - base.wall_ms >= self._options.base_hours * _HOUR_MS
        return is_old and self._engine.last_seqno > base.seqno

    def _make(self, epoch: Epoch) -> None:
        manifest = on_demand.create(
            self._env, self._engine, self._store, kind="base", on_progress=self._on_progress
        )
        base = Base(
            manifest.backup_id,
            manifest.seqno,
            manifest.image.wall_ms,
            hashlib.sha256(manifest.encoded()).digest(),
        )
        if self._shipper.epoch is not epoch:
            shelf.delete(self._env, self._store, manifest.backup_id)
            return
        name = names.base_name(
            epoch.database_id, epoch.epoch, seqno=base.seqno, wall_ms=base.wall_ms, backup_id=base.backup_id
        )
        with contextlib.suppress(FileExistsError):
            self._store.put(name, [base.encoded()])
        if self._shipper.take_base(base, epoch):
            self._bases_total.add()
            _log.info("archive has a base seqno=%d stored_bytes=%d", base.seqno, manifest.stored_bytes)

    def _on_progress(self, progress: Progress) -> None:
        if self.is_stopping:
            raise _Stopping


class _Stopping(Exception):
    """The database is being closed: the base is not finished."""
