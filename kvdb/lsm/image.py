"""Image: what a pinned moment consists of, as data: its sstables, pieces of logs, and position.

From an image and the bytes that it names, ``rebuild`` makes a directory that opens as a database.
Whoever stores an image stores a plain list of it (``to_plain``) and gets it back by ``from_plain``,
which believes nothing: stored images are foreign input.

    image := [database_id, seqno, wall_ms, [[level, *FileMeta] ...], [[log number, size] ...],
              [*Position], [[seqno, wall_s] ...]]
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, TypeAlias

from kvdb.lsm.internal_key import SEQNO_MAX
from kvdb.lsm.manifest import FileMeta, Position
from kvdb.lsm.timeline import TICKS_MAX, Tick

_ID_BYTES: Final = 16
_LEVELS: Final = 7
_FILES_MAX: Final = 10_000_000
_NUMBER_MAX: Final = 10**18 - 1
"""File names have 6 to 18 digits."""
_SIZE_MAX: Final = 1 << 50
_UNIQUE_ID_MAX: Final = (1 << 64) - 1

KeySpan: TypeAlias = tuple[bytes, bytes]
"""``[start, end)``; an empty end: no upper bound."""


class ImageFile(NamedTuple):
    """One sstable, and the level it is on."""

    level: int
    meta: FileMeta


class ImageLog(NamedTuple):
    """The first ``size`` bytes of one log."""

    number: int
    size: int


@dataclass(frozen=True, slots=True)
class Image:
    """A moment: everything that was committed up to ``seqno``."""

    database_id: bytes
    seqno: int
    wall_ms: int
    """The newest wall time in it."""
    files: tuple[ImageFile, ...]
    logs: tuple[ImageLog, ...]
    """Oldest first: what is not in sstables yet."""
    position: Position
    ticks: tuple[Tick, ...]

    def only(self, spans: Iterable[KeySpan]) -> Image:
        """Without the sstables that hold no key of ``spans``. What is left holds other keys, too."""
        wanted = list(spans)
        return replace(
            self,
            files=tuple(
                file for file in self.files if any(file.meta.overlaps(start, end) for start, end in wanted)
            ),
        )

    def to_plain(self) -> list[object]:
        """The stored form."""
        return [
            self.database_id,
            self.seqno,
            self.wall_ms,
            [[file.level, *file.meta] for file in self.files],
            [list(log) for log in self.logs],
            list(self.position),
            [list(tick) for tick in self.ticks],
        ]


def from_plain(plain: object) -> Image:
    """The image of a stored form.

    Raises:
        ValueError: it is not one, or says what cannot be.
    """
    database_id, seqno, wall_ms, files, logs, position, ticks = _list(plain, 7)
    image = Image(
        _bytes(database_id, _ID_BYTES),
        _whole(seqno, SEQNO_MAX),
        _whole(wall_ms, 1 << 62),
        tuple(map(_file, _list(files))),
        tuple(
            ImageLog(_whole(number, _NUMBER_MAX), _whole(size, _SIZE_MAX)) for number, size in _pairs(logs)
        ),
        Position(*(_whole(field, 1 << 62) for field in _list(position, len(Position._fields)))),
        tuple(Tick(_whole(seqno, SEQNO_MAX), _whole(wall_s, 1 << 62)) for seqno, wall_s in _pairs(ticks)),
    )
    _require(len(image.files) <= _FILES_MAX, "too many files")
    _require(len(image.ticks) <= TICKS_MAX, "too many ticks")
    numbers = [file.meta.number for file in image.files]
    logs_in_order = [log.number for log in image.logs]
    _require(len(set(numbers)) == len(numbers), "a file number comes twice")
    _require(logs_in_order == sorted(set(logs_in_order)), "logs out of order")
    _require(
        max([0, *numbers, *logs_in_order]) < image.position.next_number <= _NUMBER_MAX, "bad next_number"
    )
    _require(not set(numbers) & set(logs_in_order), "a number is a file's and a log's")
    _require(max([0, *(file.meta.seqno_max for file in image.files)]) <= image.seqno, "a file of the future")
    _require(image.position.last_seqno <= image.seqno, "a position of the future")
    return image


def _file(plain: object) -> ImageFile:
    level, number, unique_id, size, digest, smallest, limit, *counts = _list(plain, 1 + len(FileMeta._fields))
    entries, tombstones, range_tombstones, seqno_min, seqno_max, ingested_seqno = counts
    meta = FileMeta(
        _whole(number, _NUMBER_MAX),
        _whole(unique_id, _UNIQUE_ID_MAX),
        _whole(size, _SIZE_MAX),
        _bytes(digest),
        _bytes(smallest),
        _bytes(limit),
        _whole(entries, _SIZE_MAX),
        _whole(tombstones, _SIZE_MAX),
        _whole(range_tombstones, _SIZE_MAX),
        _whole(seqno_min, SEQNO_MAX),
        _whole(seqno_max, SEQNO_MAX),
        _whole(ingested_seqno, SEQNO_MAX),
    )
    _require(meta.number > 0, "file number is 0")
    _require(meta.smallest < meta.limit, "range of a file is empty")
    _require(meta.seqno_min <= meta.seqno_max, "seqnos of a file are the wrong way round")
    return ImageFile(_whole(level, _LEVELS - 1), meta)


def _require(holds: bool, fault: str) -> None:
    if not holds:
        raise ValueError(fault)


def _list(value: object, length: int | None = None) -> list[object]:
    if not isinstance(value, list) or (length is not None and len(value) != length):
        raise ValueError("not a list of the right length")
    return value


def _pairs(value: object) -> list[tuple[object, object]]:
    return [(first, second) for first, second in (_list(pair, 2) for pair in _list(value))]


def _whole(value: object, maximum: int) -> int:
    if type(value) is not int or not 0 <= value <= maximum:
        raise ValueError(f"not a number from 0 to {maximum}")
    return value


def _bytes(value: object, length: int | None = None) -> bytes:
    if not isinstance(value, bytes) or (length is not None and len(value) != length):
        raise ValueError("not bytes of the right length")
    return value
