"""Verifying a backup: whether a restore would give what was backed up, without making one.

Levels, each with all of those before it:

    files      the manifest is whole and says nothing impossible; every object is there, of the right
               size and digest; the backup before is the one that this was made after
    structure  sstables: footer, index, filter, properties, every block's checksum, keys and seqnos in
               order and bounds, the levels as they must be; logs: every record, none missing
    data       every key through the table floor's own codecs (``contents.audit``); count and digest of
               every table

``files`` needs a megabyte of memory. The others fetch the objects into a scratch directory, as large as
the backup. What is damaged is named and the next object looked at; only where objects are damaged, what
is in them is not. The result is kept in the store. A damaged object is marked there, so that the next
backup stores it again.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Final, Literal

from kvdb.backup import contents, names, verifications
from kvdb.backup.manifest import Manifest, Part, read_manifest, sealed
from kvdb.backup.on_demand import OnProgress, Progress, silent
from kvdb.backup.restore import LOG_BYTES_MAX, checked
from kvdb.backup.scratch import scratch_directory
from kvdb.backup.store import BackupStore
from kvdb.backup.verifications import Outcome
from kvdb.env.env import Env
from kvdb.env.fs import join, read_all
from kvdb.errors import BackupNotFound, CorruptionError, FormatTooNew, KvdbError
from kvdb.lsm.image_view import ImageView
from kvdb.lsm.verify import verify_version
from kvdb.lsm.wal import read_piece

Level = Literal["files", "structure", "data"]
LEVELS: Final[tuple[Level, ...]] = ("files", "structure", "data")


def verify(
    env: Env,
    store: BackupStore,
    backup_id: str,
    level: Level,
    *,
    scratch_parent: str,
    on_progress: OnProgress = silent,
) -> Outcome:
    """Look at one backup; damage is reported and not raised.

    ``scratch_parent``: where the scratch directory is made, at level structure and data.

    Raises:
        BackupNotFound: there is no such backup, or it was deleted meanwhile.
        ServiceUnavailable, BackupStoreError: the store fails; nothing is known.
        DiskError, DiskFull: of the scratch directory.
    """
    now_ms = env.clock.wall_ms()
    outcome = Outcome(names.new_id(now_ms, env.entropy.bytes(4)), backup_id, level, now_ms)
    _Verifying(env, store, outcome, level, on_progress).run(scratch_parent)
    finish(env, store, outcome)
    return outcome


def finish(env: Env, store: BackupStore, outcome: Outcome) -> None:
    """Keep a result, unless its backup has been deleted.

    Raises:
        BackupNotFound: it has.
    """
    if not store.exists(names.manifest_name(outcome.backup_id)):
        raise BackupNotFound(f"Backup not found: {outcome.backup_id}")
    outcome.ended_ms = env.clock.wall_ms()
    verifications.keep(store, outcome)


def mark_damaged(env: Env, store: BackupStore, outcome: Outcome, object_name: str) -> None:
    """Have the next backup store an object again, whatever of it there is."""
    line = json.dumps({"at_ms": env.clock.wall_ms()}).encode()
    try:
        store.put(names.damage_mark(object_name), [sealed(line)], replace=True)
    except KvdbError as error:
        outcome.add("note", object_name, f"the object could not be marked as damaged: {error}")


class _Verifying:
    """One verification under way."""

    def __init__(
        self, env: Env, store: BackupStore, outcome: Outcome, level: Level, on_progress: OnProgress
    ) -> None:
        self._env = env
        self._store = store
        self._outcome = outcome
        self._level = level
        self._on_progress = on_progress
        self._manifest_name = names.manifest_name(outcome.backup_id)

    def run(self, scratch_parent: str) -> None:
        self._outcome.objects += 1
        try:
            manifest, _ = read_manifest(self._store, self._outcome.backup_id)
        except (CorruptionError, FormatTooNew) as error:
            self._outcome.add("damage", self._manifest_name, _fact(error))
            return
        self._check_previous(manifest)
        with ExitStack() as stack:
            directory = None
            if self._level != "files":
                directory = stack.enter_context(scratch_directory(self._env, scratch_parent))
            self._check_objects(manifest, directory)
            if directory is None:
                return
            if self._outcome.damaged:
                self._outcome.add("note", self._manifest_name, "objects are damaged: none was looked into")
                return
            view = self._check_structure(manifest, directory)
            if view is not None and self._level == "data":
                self._check_data(manifest, view)

    def _check_previous(self, manifest: Manifest) -> None:
        previous = manifest.previous
        if previous is None:
            return
        name = names.manifest_name(previous.backup_id)
        try:
            _, digest = read_manifest(self._store, previous.backup_id)
        except BackupNotFound:
            self._outcome.add("note", name, "the backup before this one is not there any more")
        except (CorruptionError, FormatTooNew) as error:
            # Another backup's fault: this one does not need it.
            self._outcome.add("note", name, f"the backup before this one is damaged: {_fact(error)}")
        else:
            if digest != previous.digest:
                self._outcome.add("damage", name, "not the backup that this one was made after")

    def _check_objects(self, manifest: Manifest, directory: str | None) -> None:
        """Every object against its digest; into ``directory``, if there is one."""
        done, total = 0, manifest.size_bytes
        for part in manifest.parts:
            self._outcome.objects += 1
            try:
                self._fetch(part, directory)
            except CorruptionError as error:
                self._outcome.add("damage", part.object_name, _fact(error))
                mark_damaged(self._env, self._store, self._outcome, part.object_name)
            done += part.size
            self._on_progress(Progress("files", done, total))

    def _fetch(self, part: Part, directory: str | None) -> None:
        if directory is None:
            for chunk in checked(self._store, part):
                self._outcome.size_bytes += len(chunk)
            return
        file = self._env.fs.create(join(directory, part.file))
        try:
            for chunk in checked(self._store, part):
                self._outcome.size_bytes += len(chunk)
                file.append(chunk)
        finally:
            file.close()

    def _check_structure(self, manifest: Manifest, directory: str) -> ImageView | None:
        """The image, if it can be read."""
        try:
            view = ImageView(self._env, directory, manifest.image)
        except CorruptionError as error:
            self._outcome.add("damage", self._manifest_name, _fact(error))
            return None
        object_of = {part.file: part.object_name for part in manifest.parts}
        checking = verify_version(self._env.fs, directory, view.version, deep=True)
        while checking.step() is not None:
            self._on_progress(Progress("structure", checking.report.bytes_read, manifest.size_bytes))
        self._outcome.entries += checking.report.entries
        for finding in checking.report.findings:
            place = f" offset={finding.offset}" if finding.offset >= 0 else ""
            object_name = object_of.get(finding.file, self._manifest_name)
            self._outcome.add(finding.severity, object_name, finding.message + place)
        # Those that the engine's report has only counted.
        self._outcome.damaged += checking.report.damaged - sum(
            finding.severity == "damage" for finding in checking.report.findings
        )
        self._read_logs(manifest, directory, view)
        return None if self._outcome.damaged else view

    def _read_logs(self, manifest: Manifest, directory: str, view: ImageView) -> None:
        logs = manifest.parts[len(manifest.image.files) :]
        name = self._manifest_name
        try:
            for log, part in zip(manifest.image.logs, logs, strict=True):
                name = part.object_name
                if part.size > LOG_BYTES_MAX:
                    raise CorruptionError(f"log is too large size={part.size}")
                data = read_all(self._env.fs, join(directory, part.file))
                for record in read_piece(data, log.number, database_id=manifest.image.database_id):
                    self._outcome.entries += len(record.operations) >> 1
                    view.replay(record)
            view.end()
        except (CorruptionError, FormatTooNew) as error:
            self._outcome.add("damage", name, _fact(error))

    def _check_data(self, manifest: Manifest, view: ImageView) -> None:
        done = 0

        def on_rows(count: int) -> None:
            nonlocal done
            done += count
            # Rows are not counted before: entries are more, and of older versions too.
            self._on_progress(Progress("data", min(done, self._outcome.entries), self._outcome.entries))

        self._outcome.tables = contents.audit(
            view,
            [(table.name, table.table_id, table.uuid) for table in manifest.tables],
            is_whole=manifest.is_whole,
            on_damage=lambda message: self._outcome.add("damage", self._manifest_name, message),
            on_rows=on_rows,
        )


def _fact(error: KvdbError) -> str:
    """What is wrong; the place is a field of the finding."""
    return str(error).split(" file=", 1)[0]
