"""The objects of a continuous archive, and their byte forms. (Their names: ``names``.)

    chunk := header zstd(data)           data: pieces of the database's log, as they stand in its files
    header, epoch, head, base, label := sealed JSON objects (see ``manifest.sealed``), on two lines

    header := {"format_version": 1, "database_id": hex, "epoch": id, "first_seqno": int, "last_seqno": int,
               "first_ms": int, "last_ms": int, "complete_ms": int, "before": hex, "chain": hex,
               "raw_bytes": int, "ingests": [seqno ...],
               "pieces": [{"log": int, "offset": int, "size": int, "digest": int} ...]}

An epoch is one writer's unbroken line of chunks: each begins at the seqno behind the one before it, and
with its ``chain``. ``chain`` is sha256(``before`` + sha256 of each piece, one after the other), so that
chunks that were joined have the chain of the last of them. ``complete_ms``: every write with a wall time up
to there is in this chunk or before it. ``digest`` is the log's own at the end of the piece (``lsm/record``).

    epoch := {"format_version": 1, "database_id": hex, "epoch": id, "created_ms": int, "reason": text,
              "parent": id | null, "is_gap": bool, "seqno": int, "log": int, "offset": int, "digest": int,
              "chain": hex}

An epoch goes on from its parent at ``seqno``; with ``is_gap`` something may be missing in between. What a
parent has behind that seqno is of another history. A gap begins a chain of its own.

    head  := {"format_version": 1, "epoch": id, "at_ms": int, "seqno": int, "complete_ms": int,
              "window_days": int, "state": text, "reason": text}
    base  := {"format_version": 1, "backup_id": id, "seqno": int, "wall_ms": int, "digest": hex}
    label := {"format_version": 1, "label": text, "seqno": int, "wall_ms": int, "epoch": id}

All of it is foreign input when it is read: names, sizes, digests and numbers are checked.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

import zstandard

from kvdb.backup import names
from kvdb.backup.manifest import opened, sealed
from kvdb.backup.names import ChunkName
from kvdb.backup.store import BackupStore, ObjectNotFound, read_small
from kvdb.errors import CorruptionError, FormatTooNew, KvdbError
from kvdb.lsm.internal_key import SEQNO_MAX
from kvdb.lsm.log_feed import LogPiece, LogPlace

FORMAT_VERSION: Final = 1
RAW_BYTES_MAX: Final = 256 * 1024 * 1024
"""A chunk holds a few megabytes, or one batch, of which the largest are far below this."""
SMALL_BYTES_MAX: Final = 64 * 1024
LABEL_CHARS_MAX: Final = 255
SHOWN_STALE_MS: Final = 60_000
"""A head that is older than this is of a writer that does not run any more, or cannot reach the store."""
_PIECES_MAX: Final = 4096
_ZSTD_LEVEL: Final = 1
_WHOLE_MAX: Final = 1 << 62


class Piece(NamedTuple):
    """Where in a log a part of a chunk comes from."""

    log: int
    offset: int
    size: int
    digest: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of the log, with its place in the archive."""

    database_id: bytes
    epoch: str
    first_seqno: int
    last_seqno: int
    first_ms: int
    last_ms: int
    complete_ms: int
    before: bytes
    chain: bytes
    ingests: tuple[int, ...]
    pieces: tuple[Piece, ...]
    data: bytes

    @property
    def place(self) -> LogPlace:
        """Where in the log it ends."""
        last = self.pieces[-1]
        return LogPlace(last.log, last.offset + last.size, self.last_seqno, last.digest)

    def split(self) -> list[tuple[int, bytes]]:
        """Log number and bytes of each piece."""
        found: list[tuple[int, bytes]] = []
        start = 0
        for piece in self.pieces:
            found.append((piece.log, self.data[start : start + piece.size]))
            start += piece.size
        return found

    def encoded(self) -> tuple[str, bytes]:
        """Name and content of the object."""
        header = {
            "format_version": FORMAT_VERSION,
            "database_id": self.database_id.hex(),
            "epoch": self.epoch,
            "first_seqno": self.first_seqno,
            "last_seqno": self.last_seqno,
            "first_ms": self.first_ms,
            "last_ms": self.last_ms,
            "complete_ms": self.complete_ms,
            "before": self.before.hex(),
            "chain": self.chain.hex(),
            "raw_bytes": len(self.data),
            "ingests": self.ingests,
            "pieces": [piece._asdict() for piece in self.pieces],
        }
        body = zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress(self.data)
        content = sealed(json.dumps(header, separators=(",", ":")).encode()) + body
        name = names.chunk_name(
            self.database_id,
            self.epoch,
            seqnos=(self.first_seqno, self.last_seqno),
            wall_ms=(self.first_ms, self.last_ms),
            has_ingest=bool(self.ingests),
            sha256=hashlib.sha256(content).digest(),
        )
        return name, content


def chunk_of(
    database_id: bytes, epoch: str, pieces: list[LogPiece], *, before: bytes, complete_ms: int
) -> Chunk:
    """The chunk of some pieces, one behind the other; at least one of them has a batch."""
    with_batches = [piece for piece in pieces if piece.first_ms]
    return Chunk(
        database_id=database_id,
        epoch=epoch,
        first_seqno=pieces[0].start.seqno + 1,
        last_seqno=pieces[-1].end.seqno,
        first_ms=with_batches[0].first_ms,
        last_ms=with_batches[-1].last_ms,
        complete_ms=complete_ms,
        before=before,
        chain=chained(before, (piece.data for piece in pieces)),
        ingests=tuple(seqno for piece in pieces for seqno in piece.ingests),
        pieces=tuple(
            Piece(piece.start.number, piece.start.offset, len(piece.data), piece.end.digest)
            for piece in pieces
        ),
        data=b"".join(piece.data for piece in pieces),
    )


def chained(before: bytes, pieces: Iterable[bytes]) -> bytes:
    """The chain behind ``pieces``."""
    for data in pieces:
        before = hashlib.sha256(before + hashlib.sha256(data).digest()).digest()
    return before


def read_chunk(store: BackupStore, named: ChunkName, database_id: bytes) -> Chunk:
    """A chunk, proven to be the one of its name, and whole.

    Raises:
        CorruptionError: it is missing, or not what was stored; names it.
        FormatTooNew, ServiceUnavailable, BackupStoreError
    """
    try:
        content = read_small(store, named.name, bytes_max=RAW_BYTES_MAX)
    except ObjectNotFound as error:
        raise CorruptionError("chunk of the archive is missing", file=named.name) from error
    if hashlib.sha256(content).hexdigest() != named.sha256:
        raise CorruptionError("chunk of the archive is not what was stored", file=named.name)
    line, _, rest = content.partition(b"\n")
    digest, _, body = rest.partition(b"\n")
    fields = opened(b"%s\n%s\n" % (line, digest), named.name)
    try:
        _require_format(fields, named.name)
        chunk = _chunk(fields, body)
        _require(chunk.database_id == database_id and chunk.epoch == named.epoch, "it is another archive's")
        _require(
            (chunk.first_seqno, chunk.last_seqno, chunk.first_ms, chunk.last_ms, bool(chunk.ingests))
            == (named.first_seqno, named.last_seqno, named.first_ms, named.last_ms, named.has_ingest),
            "its name says something else",
        )
        _require(
            chained(chunk.before, (data for _, data in chunk.split())) == chunk.chain,
            "its chain is not that of its pieces",
        )
    except KvdbError:
        raise
    except (KeyError, ValueError, TypeError, zstandard.ZstdError) as error:
        raise CorruptionError(f"malformed chunk of the archive: {error}", file=named.name) from error
    return chunk


def _chunk(fields: dict[str, object], body: bytes) -> Chunk:
    raw_bytes = _whole(fields["raw_bytes"], RAW_BYTES_MAX)
    if zstandard.frame_content_size(body) != raw_bytes:
        raise ValueError("it lies about its size")
    pieces = fields["pieces"]
    ingests = fields["ingests"]
    if not isinstance(pieces, list) or not 0 < len(pieces) <= _PIECES_MAX or not isinstance(ingests, list):
        raise ValueError("it has no pieces")
    chunk = Chunk(
        database_id=_digest(fields["database_id"], 16),
        epoch=_epoch(fields["epoch"]),
        first_seqno=_whole(fields["first_seqno"], SEQNO_MAX),
        last_seqno=_whole(fields["last_seqno"], SEQNO_MAX),
        first_ms=_whole(fields["first_ms"]),
        last_ms=_whole(fields["last_ms"]),
        complete_ms=_whole(fields["complete_ms"]),
        before=_digest(fields["before"]),
        chain=_digest(fields["chain"]),
        ingests=tuple(_whole(seqno, SEQNO_MAX) for seqno in ingests),
        pieces=tuple(
            Piece(
                _whole(piece["log"]),
                _whole(piece["offset"]),
                _whole(piece["size"], RAW_BYTES_MAX),
                _whole(piece["digest"]),
            )
            for piece in pieces
        ),
        data=zstandard.ZstdDecompressor(max_window_size=1 << 27).decompress(body, max_output_size=raw_bytes),
    )
    _require(
        sum(piece.size for piece in chunk.pieces) == len(chunk.data) == raw_bytes, "pieces of other sizes"
    )
    _require(chunk.first_seqno <= chunk.last_seqno, "its seqnos are the wrong way round")
    return chunk


@dataclass(frozen=True, slots=True)
class Epoch:
    """One writer's line of chunks: from where on."""

    database_id: bytes
    epoch: str
    created_ms: int
    reason: str
    parent: str | None
    is_gap: bool
    place: LogPlace
    chain: bytes

    def encoded(self) -> bytes:
        return _sealed(
            database_id=self.database_id.hex(),
            epoch=self.epoch,
            created_ms=self.created_ms,
            reason=self.reason,
            parent=self.parent,
            is_gap=self.is_gap,
            seqno=self.place.seqno,
            log=self.place.number,
            offset=self.place.offset,
            digest=self.place.digest,
            chain=self.chain.hex(),
        )


def epoch_name(database_id: bytes, epoch: str) -> str:
    return f"{names.epochs_of(database_id)}{epoch}.json"


def read_epoch(store: BackupStore, database_id: bytes, epoch: str) -> Epoch:
    """Raises ``CorruptionError`` when it is missing or damaged, and as the store."""
    name = epoch_name(database_id, epoch)
    fields = _read(store, name)
    try:
        parent = fields["parent"]
        is_gap = fields["is_gap"]
        if not isinstance(is_gap, bool):
            raise ValueError("is_gap is not true or false")
        found = Epoch(
            database_id=_digest(fields["database_id"], 16),
            epoch=_epoch(fields["epoch"]),
            created_ms=_whole(fields["created_ms"]),
            reason=_text(fields["reason"], 4096),
            parent=None if parent is None else _epoch(parent),
            is_gap=is_gap,
            place=LogPlace(
                _whole(fields["log"]),
                _whole(fields["offset"]),
                _whole(fields["seqno"], SEQNO_MAX),
                _whole(fields["digest"]),
            ),
            chain=_digest(fields["chain"]),
        )
        _require((found.database_id, found.epoch) == (database_id, epoch), "it stands under another name")
        # Epochs are numbered: a parent is older, so that walking to the first one comes to an end.
        _require(found.parent is None or found.parent < epoch, "its parent is not before it")
    except (KeyError, ValueError, TypeError) as error:
        raise CorruptionError(f"malformed epoch of the archive: {error}", file=name) from error
    return found


class Head(NamedTuple):
    """How far an archive has come, as its writer last said."""

    epoch: str
    at_ms: int
    seqno: int
    complete_ms: int
    window_days: int
    state: str
    reason: str

    def encoded(self) -> bytes:
        return _sealed(**self._asdict())


def read_head(store: BackupStore, database_id: bytes) -> Head | None:
    """``None``: nobody has archived this database here.

    Raises:
        CorruptionError: it is damaged.
    """
    name = names.head_name(database_id)
    try:
        fields = _read(store, name)
    except ObjectNotFound:
        return None
    try:
        return Head(
            epoch=_epoch(fields["epoch"]),
            at_ms=_whole(fields["at_ms"]),
            seqno=_whole(fields["seqno"], SEQNO_MAX),
            complete_ms=_whole(fields["complete_ms"]),
            window_days=_whole(fields["window_days"], 10_000),
            state=_text(fields["state"], 64),
            reason=_text(fields["reason"], 4096),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise CorruptionError(f"malformed head of the archive: {error}", file=name) from error


class Base(NamedTuple):
    """A backup to replay on."""

    backup_id: str
    seqno: int
    wall_ms: int
    digest: bytes
    """Of its manifest."""

    def encoded(self) -> bytes:
        return _sealed(
            backup_id=self.backup_id, seqno=self.seqno, wall_ms=self.wall_ms, digest=self.digest.hex()
        )


def read_base(store: BackupStore, named: names.BaseName) -> Base:
    """Raises ``CorruptionError`` when it is missing or damaged, and as the store."""
    try:
        fields = _read(store, named.name)
    except ObjectNotFound as error:
        raise CorruptionError("base of the archive is missing", file=named.name) from error
    try:
        base = Base(
            backup_id=_text(fields["backup_id"], 64),
            seqno=_whole(fields["seqno"], SEQNO_MAX),
            wall_ms=_whole(fields["wall_ms"]),
            digest=_digest(fields["digest"]),
        )
        _require(base[:3] == (named.backup_id, named.seqno, named.wall_ms), "its name says something else")
    except (KeyError, ValueError, TypeError) as error:
        raise CorruptionError(f"malformed base of the archive: {error}", file=named.name) from error
    return base


class Label(NamedTuple):
    """A name for a point."""

    label: str
    seqno: int
    wall_ms: int
    epoch: str

    def encoded(self) -> bytes:
        return _sealed(**self._asdict())


def read_label(store: BackupStore, name: str) -> Label:
    """Raises ``CorruptionError`` when it is damaged, and as the store."""
    fields = _read(store, name)
    try:
        return Label(
            label=_text(fields["label"], LABEL_CHARS_MAX),
            seqno=_whole(fields["seqno"], SEQNO_MAX),
            wall_ms=_whole(fields["wall_ms"]),
            epoch=_epoch(fields["epoch"]),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise CorruptionError(f"malformed label of the archive: {error}", file=name) from error


def _sealed(**fields: object) -> bytes:
    plain = {"format_version": FORMAT_VERSION, **fields}
    return sealed(json.dumps(plain, separators=(",", ":")).encode())


def _read(store: BackupStore, name: str) -> dict[str, object]:
    fields = opened(read_small(store, name, bytes_max=SMALL_BYTES_MAX), name)
    try:
        _require_format(fields, name)
    except (KeyError, ValueError) as error:
        raise CorruptionError(f"malformed object of the archive: {error}", file=name) from error
    return fields


def _require_format(fields: dict[str, object], name: str) -> None:
    version = _whole(fields["format_version"])
    if version > FORMAT_VERSION:
        raise FormatTooNew(f"archive format {version} is newer than {FORMAT_VERSION} file={name}")


def _require(holds: bool, fault: str) -> None:
    if not holds:
        raise ValueError(fault)


def _whole(value: object, maximum: int = _WHOLE_MAX) -> int:
    if type(value) is not int or not 0 <= value <= maximum:
        raise ValueError(f"not a whole number from 0 to {maximum}")
    return value


def _text(value: object, chars_max: int) -> str:
    if not isinstance(value, str) or len(value) > chars_max:
        raise ValueError("not a text, or too long")
    return value


def _epoch(value: object) -> str:
    text = _text(value, 64)
    if not names.is_epoch(text):
        raise ValueError("not an epoch")
    return text


def _digest(value: object, length: int = 32) -> bytes:
    digest = bytes.fromhex(_text(value, 2 * length))
    if len(digest) != length:
        raise ValueError(f"not a digest of {length} bytes")
    return digest
