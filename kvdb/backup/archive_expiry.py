"""What an archive's window does not need any more goes.

The window begins ``window_days`` ago. The newest base at or before that is the anchor: with it every point of
the window can be restored. What the line has before the anchor goes, bases first, so that nothing is planned
on what is about to be deleted. An epoch that is not on the line goes whole, once all of it is older than the
window. Each step can be cut off and done again.

Backups that users made are not touched; of the bases' objects those stay that another backup has, too.
"""

from __future__ import annotations

import contextlib
from typing import Final

from kvdb.backup import archive_objects as objects
from kvdb.backup import names, shelf
from kvdb.backup.archive_history import History, epoch_ids, list_bases, read_history, read_labels
from kvdb.backup.manifest import read_manifest
from kvdb.backup.names import BaseName
from kvdb.backup.store import BackupStore
from kvdb.env.env import Env
from kvdb.errors import BackupNotFound, CorruptionError

_DAY_MS: Final = 24 * 3_600_000
_ORPHAN_MS: Final = 6 * 3_600_000
"""A base that no epoch has noted for so long was left by a writer that died."""


def expire(env: Env, store: BackupStore, database_id: bytes, window_days: int, others: set[str]) -> int:
    """Delete what the window does not need; returns how many bases and chunks went. ``others``: ids of
    backups that are known not to be bases of this archive; this call adds to it.

    Raises:
        CorruptionError: an epoch, or a backup's manifest, is damaged: what it needs is not known.
        ServiceUnavailable, BackupStoreError: as the store; the next call goes on.
    """
    start_ms = env.clock.wall_ms() - window_days * _DAY_MS
    history = read_history(store, database_id)
    gone = _off_the_line(store, history, start_ms)
    anchor = _anchor(history, start_ms)
    if anchor is not None:
        gone += _before(store, history, anchor)
        _drop_labels(store, database_id, anchor.seqno, start_ms)
    gone += _drop_orphans(env, store, database_id, others)
    # Who wrote to an epoch that is not the newest has ended, or is about to find that out.
    ended = epoch_ids(store, database_id)[:-1]
    store.clean([names.log_of(database_id, epoch) for epoch in ended])
    if gone:
        shelf.sweep(env, store)
    return gone


def _anchor(history: History, start_ms: int) -> BaseName | None:
    """The newest base at or before the beginning of the window."""
    bases = [base for run in history.runs for base in run.bases if base.wall_ms <= start_ms]
    return bases[-1] if bases else None


def _before(store: BackupStore, history: History, anchor: BaseName) -> int:
    gone = 0
    segments = [segment for run in history.runs for segment in run.segments]
    place = next(at for at, segment in enumerate(segments) if anchor in segment.bases)
    for segment in segments[: place + 1]:
        epoch = segment.epoch.epoch
        is_whole = segment is not segments[place]
        for base in list_bases(store, history.database_id, epoch):
            if is_whole or base.seqno < anchor.seqno:
                _drop_base(store, base)
                gone += 1
        for stored in list(store.listed(names.log_of(history.database_id, epoch))):
            chunk = names.parse_chunk(stored.name)
            if chunk is not None and (is_whole or chunk.last_seqno <= anchor.seqno):
                store.delete(stored.name)
                gone += 1
        if is_whole:
            store.delete(objects.epoch_name(history.database_id, epoch))
    return gone


def _off_the_line(store: BackupStore, history: History, start_ms: int) -> int:
    """Epochs of histories that ended, older than the window."""
    on_the_line = {segment.epoch.epoch for run in history.runs for segment in run.segments}
    gone = 0
    for epoch in epoch_ids(store, history.database_id):
        if epoch in on_the_line:
            continue
        chunks = [
            chunk
            for stored in store.listed(names.log_of(history.database_id, epoch))
            if (chunk := names.parse_chunk(stored.name)) is not None
        ]
        bases = list_bases(store, history.database_id, epoch)
        created_ms = 0
        # One that is damaged has its chunks to tell how old it is.
        with contextlib.suppress(CorruptionError):
            created_ms = objects.read_epoch(store, history.database_id, epoch).created_ms
        newest_ms = max([created_ms, *(chunk.last_ms for chunk in chunks), *(base.wall_ms for base in bases)])
        if newest_ms >= start_ms:
            continue
        for base in bases:
            _drop_base(store, base)
        for chunk in chunks:
            store.delete(chunk.name)
        store.delete(objects.epoch_name(history.database_id, epoch))
        gone += len(bases) + len(chunks)
    return gone


def _drop_base(store: BackupStore, base: BaseName) -> None:
    store.delete(base.name)
    store.delete(names.manifest_name(base.backup_id))


def _drop_labels(store: BackupStore, database_id: bytes, seqno: int, start_ms: int) -> None:
    with contextlib.suppress(CorruptionError):
        if not any(label.wall_ms < start_ms for label in read_labels(store, database_id)):
            return
    for stored in list(store.listed(names.labels_of(database_id))):
        with contextlib.suppress(CorruptionError):
            label = objects.read_label(store, stored.name)
            if label.seqno < seqno and label.wall_ms < start_ms:
                store.delete(stored.name)


def _drop_orphans(env: Env, store: BackupStore, database_id: bytes, others: set[str]) -> int:
    """Bases whose maker died before it could note them."""
    noted = {
        base.backup_id
        for epoch in epoch_ids(store, database_id)
        for base in list_bases(store, database_id, epoch)
    }
    gone = 0
    now_ms = env.clock.wall_ms()
    for backup_id in shelf.backup_ids(store):
        if backup_id in noted or backup_id in others or now_ms - names.time_of(backup_id) < _ORPHAN_MS:
            continue
        try:
            manifest, _ = read_manifest(store, backup_id)
        except (BackupNotFound, CorruptionError):
            continue
        if manifest.kind == "base" and manifest.image.database_id == database_id:
            store.delete(names.manifest_name(backup_id))
            gone += 1
        else:
            others.add(backup_id)
    return gone
