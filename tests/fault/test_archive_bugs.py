"""Known bugs planted in the archive, one at a time: each turns a check red that is green without it."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable

import pytest

from kvdb.backup import archive, archive_expiry, archive_history, archive_objects
from kvdb.backup.archive import Archive
from kvdb.backup.archive_history import History, Segment
from kvdb.backup.archive_objects import Chunk, Label
from kvdb.backup.names import BaseName, ChunkName
from kvdb.errors import CorruptionError, InvalidRestoreTime
from kvdb.lsm.log_feed import LogEnd, LogFeed, LogGap, LogPlace
from kvdb.lsm.log_hold import LogHold, LogHolds
from kvdb.options import ArchiveOptions
from kvdb.testing import MemFileSystem
from tests.support.archives import Archived
from tests.support.engines import small_options

Plant = Callable[[pytest.MonkeyPatch], None]
Check = Callable[[], None]


class Red(AssertionError):
    """A check that found something."""


def require(holds: bool, what: str) -> None:
    if not holds:
        raise Red(what)


# The checks.


def every_point() -> None:
    """Every commit, the milliseconds around it and labels, of a history with crashes."""
    world = Archived(8, archive_options=ArchiveOptions("store", base_log_bytes=6_000))
    world.tick()
    for turn in range(24):
        world.write(4)
        if turn % 8 == 5:
            world.crash()
        if turn % 5 == 2:
            world.label(f"label {turn}")
        world.tick()
    world.settle()
    history = world.history()
    require(len(history.runs) == 1, "a gap where nothing was lost")
    for commit in world.commits[1:]:
        require(world.restored(commit.seqno, history=history) == (commit.seqno, commit.content), "a point")
        for wall_ms in (commit.wall_ms - 1, commit.wall_ms):
            if wall_ms >= history.ranges()[0].first_ms:
                require(history.point_at(wall_ms) == world.commit_at_ms(wall_ms).seqno, "a time")
    for label, seqno in world.labels.items():
        require(history.point_of_label(label) == seqno, "a label")


def a_fork() -> None:
    """Two databases of one past: the line of the later one has nothing of the other's."""
    world = Archived(3)
    world.tick()
    world.write(10)
    world.settle()
    other = dataclasses.replace(
        world, fs=world.fs.after_crash("all"), seed=77, commits=list(world.commits), opens=50
    )
    other.tick()
    # The first has not looked at the head yet: what it ships now is late.
    world.write(12)
    world.tick()
    other.write(6)
    other.settle()
    history = other.history()
    for commit in other.commits[1:]:
        require(other.restored(commit.seqno, history=history) == (commit.seqno, commit.content), "a point")


def an_older_copy() -> None:
    """A copy of the directory from before is opened, and goes on another way."""
    world = Archived(5)
    world.tick()
    world.write(8)
    world.settle()
    old = world.fs.after_crash("all")
    commits = list(world.commits)
    world.write(8)
    world.settle()
    world.close()
    other = dataclasses.replace(world, fs=old, seed=78, commits=commits, opens=60)
    other.write(3)
    other.settle()
    history = other.history()
    require(other.restored(history.last_seqno)[1] == other.commits[-1].content, "the newest point")


def damage() -> None:
    """A chunk that was cut short, or has a bit flipped, is refused by name."""
    world = Archived(6)
    world.tick()
    for _ in range(3):
        world.write(30)
        world.tick()
    world.settle()
    history = world.history()
    disk = world.store_fs
    assert isinstance(disk, MemFileSystem)
    chance = random.Random(5)
    for named in history.newest.chunks:
        content = disk._inode(f"store/{named.name}").content
        whole = bytes(content)
        for change in ("flip", "cut"):
            if change == "flip":
                content[chance.randrange(len(content))] ^= 4
            else:
                del content[len(content) * 2 // 3 :]
            try:
                plan = world.history().plan(named.last_seqno)
                list(plan.replay.records(lambda count: None) if plan.replay is not None else ())
            except CorruptionError as error:
                require(error.file == named.name, "another name")
            else:
                raise Red("damage was taken")
            content[:] = whole


def a_window() -> None:
    """When the window has moved, all of it can be restored."""
    day_ms = 24 * 3_600_000
    world = Archived(9, archive_options=ArchiveOptions("store", window_days=2))
    world.tick()
    for _ in range(7):
        world.write(15)
        world.tick(day_ms // 2)
        world.tick(70_000)
        world.tick(day_ms // 2)
        world.tick(70_000)
    history = world.history()
    start_ms = world.clock.wall_ms() - 2 * day_ms
    require(history.ranges()[0].first_ms <= start_ms, "the window has a hole")
    for commit in world.commits:
        if commit.wall_ms >= start_ms:
            require(world.restored(commit.seqno, history=history)[1] == commit.content, "a point")
    require(len(history.runs[0].bases) < 6, "nothing goes")


def held_logs() -> None:
    """What is not in the store yet is on the disk."""
    world = Archived(10, options=small_options("interval", log_hold_bytes=1 << 24))
    world.tick()
    for turn in range(20):
        world.write(12)
        world.engine.flush()
        if turn % 4 == 3:
            world.crash()
        if turn % 2:
            world.tick()
    world.settle()
    require(world.archive.status().gaps == 0, "a part of the log was let go")
    require(len(world.history().runs) == 1, "a gap where nothing was lost")


def power_losses() -> None:
    """What was shipped is never taken back, though no write waits for the disk."""
    world = Archived(11, options=small_options("none", log_hold_bytes=1 << 24))
    world.tick()
    for _ in range(8):
        world.write(5)
        world.tick()
        world.crash()
    world.settle()
    require(world.archive.status().gaps == 0, "the archive was ahead of the database")
    require(len(world.history().runs) == 1, "a gap where nothing was lost")


CHECKS: tuple[Check, ...] = (
    every_point,
    a_fork,
    an_older_copy,
    damage,
    a_window,
    held_logs,
    power_losses,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_without_a_bug_the_check_is_green(check: Check) -> None:
    check()


# The bugs.


def _bounds_moved_by(step: int) -> Plant:
    def plant(patch: pytest.MonkeyPatch) -> None:
        real = archive_history._on_the_way

        def moved(run: object, base_seqno: int, seqno: int) -> list[tuple[ChunkName, int]]:
            return [(named, end + step) for named, end in real(run, base_seqno, seqno)]  # type: ignore[arg-type]

        patch.setattr(archive_history, "_on_the_way", moved)

    return plant


def chunk_skipped(patch: pytest.MonkeyPatch) -> None:
    real = archive_history._on_the_way

    def skipping(run: object, base_seqno: int, seqno: int) -> list[tuple[ChunkName, int]]:
        found = real(run, base_seqno, seqno)  # type: ignore[arg-type]
        return found[:1] + found[2:]

    patch.setattr(archive_history, "_on_the_way", skipping)


def last_chunk_forgotten(patch: pytest.MonkeyPatch) -> None:
    real = archive_history._on_the_way
    patch.setattr(
        archive_history,
        "_on_the_way",
        lambda run, base, seqno: real(run, base, seqno)[:-1],
    )


def epochs_mixed(patch: pytest.MonkeyPatch) -> None:
    """What a parent has behind the place where its child went on is taken, too."""
    real = archive_history._segment
    patch.setattr(archive_history, "_segment", lambda store, epoch, end: real(store, epoch, None))


def place_not_checked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(LogFeed, "check", lambda self, place: None)


def damaged_chunk_taken(patch: pytest.MonkeyPatch) -> None:
    """Neither the digest nor the form of a chunk is looked at: what is there is handed out."""
    real = archive_objects.read_chunk

    def trusting(store: object, named: ChunkName, database_id: bytes) -> Chunk:
        try:
            return real(store, named, database_id)  # type: ignore[arg-type]
        except CorruptionError:
            return Chunk(
                database_id, named.epoch, named.first_seqno, named.last_seqno, named.first_ms, named.last_ms,
                0, bytes(32), bytes(32), (), (archive_objects.Piece(1, 0, 0, 0),), b"",
            )  # fmt: skip

    patch.setattr(archive_objects, "read_chunk", trusting)
    patch.setattr(archive_history.Replay, "records", lambda self, on_read: iter(()))


def label_off_by_one(patch: pytest.MonkeyPatch) -> None:
    real = Archive._present

    def late(self: Archive, label: str) -> Label:
        made = real(self, label)
        return made._replace(seqno=made.seqno - 1)

    patch.setattr(Archive, "_present", late)


def time_off_by_one(patch: pytest.MonkeyPatch) -> None:
    real = History._last_in
    patch.setattr(History, "_last_in", lambda self, segment, wall_ms: real(self, segment, wall_ms - 1))


def time_of_the_whole_chunk(patch: pytest.MonkeyPatch) -> None:
    """A time inside a chunk means all of it."""

    def whole(self: History, segment: Segment, wall_ms: int) -> int:
        return max((chunk.last_seqno for chunk in segment.chunks if chunk.first_ms <= wall_ms), default=-1)

    patch.setattr(History, "_last_in", whole)


def anchor_inside_the_window(patch: pytest.MonkeyPatch) -> None:
    """The oldest base inside of the window is taken for the one before it."""

    def inside(history: History, start_ms: int) -> BaseName | None:
        return next((base for run in history.runs for base in run.bases if base.wall_ms > start_ms), None)

    patch.setattr(archive_expiry, "_anchor", inside)


def nothing_expires(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(archive, "expire", lambda *given: 0)


def hold_runs_ahead(patch: pytest.MonkeyPatch) -> None:
    """A log is let go when it is sealed, and not when it is shipped."""
    real = LogHolds.sealed

    def sealed(self: LogHolds, number: int, size: int) -> None:
        real(self, number, size)
        for hold in list(self._holds):
            hold.number = number + 1

    patch.setattr(LogHolds, "sealed", sealed)


def hold_forgotten_over_a_restart(patch: pytest.MonkeyPatch) -> None:
    real = LogHolds.take_at_open

    def nothing(self: LogHolds, bytes_max: int) -> LogHold | None:
        hold = real(self, bytes_max)
        if hold is not None:
            hold.number = max(self._sizes)
        return hold

    patch.setattr(LogHolds, "take_at_open", nothing)


def unsynced_is_shipped(patch: pytest.MonkeyPatch) -> None:
    """The end of the log is where it was written to, durable or not."""

    def end(self: LogFeed) -> LogEnd:
        log = self._commit.log
        last = log.as_predecessor()
        place = LogPlace(last.number, last.size, last.last_seqno, last.digest)
        return LogEnd(place, self._env.hlc.wall_ms() - 1)

    patch.setattr(LogFeed, "end", end)


def gap_passed_over(patch: pytest.MonkeyPatch) -> None:
    """Another history is taken for the same: the writer goes on in the chain it finds."""
    real = LogFeed.check

    def trusting(self: LogFeed, place: LogPlace) -> None:
        try:
            real(self, place)
        except LogGap:
            return

    patch.setattr(LogFeed, "check", trusting)


def tail_joined_wrongly(patch: pytest.MonkeyPatch) -> None:
    """A chunk that is joined with what follows loses its first piece."""
    real = archive.chunk_of

    def without_first(database_id: bytes, epoch: str, pieces: list[object], **rest: object) -> Chunk:
        return real(database_id, epoch, pieces[1:] if len(pieces) > 2 else pieces, **rest)  # type: ignore[arg-type]

    patch.setattr(archive, "chunk_of", without_first)


BUGS: tuple[tuple[str, Plant, Check], ...] = (
    ("a point includes the commit behind it", _bounds_moved_by(+1), every_point),
    ("a point lacks its own commit", _bounds_moved_by(-1), every_point),
    ("a chunk is skipped", chunk_skipped, every_point),
    ("the last chunk is forgotten", last_chunk_forgotten, every_point),
    ("epochs are mixed", epochs_mixed, a_fork),
    ("a place is not checked against the log", place_not_checked, an_older_copy),
    ("another history is gone on with", gap_passed_over, an_older_copy),
    ("a damaged chunk is taken", damaged_chunk_taken, damage),
    ("a label is off by one", label_off_by_one, every_point),
    ("a time is off by a millisecond", time_off_by_one, every_point),
    ("a time means a whole chunk", time_of_the_whole_chunk, every_point),
    ("the anchor is inside the window", anchor_inside_the_window, a_window),
    ("nothing expires", nothing_expires, a_window),
    ("a hold runs ahead", hold_runs_ahead, held_logs),
    ("a hold is forgotten over a restart", hold_forgotten_over_a_restart, held_logs),
    ("what is not durable is shipped", unsynced_is_shipped, power_losses),
    ("joined chunks lose a piece", tail_joined_wrongly, every_point),
)


@pytest.mark.parametrize(("plant", "check"), [bug[1:] for bug in BUGS], ids=[bug[0] for bug in BUGS])
def test_a_planted_bug_is_found(plant: Plant, check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    # What the code itself refuses is found as well.
    with pytest.raises((AssertionError, CorruptionError, InvalidRestoreTime, LogGap)):
        check()


def test_every_check_has_a_bug_that_it_finds() -> None:
    assert {check for _, _, check in BUGS} == set(CHECKS)
