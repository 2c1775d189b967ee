"""A drill: restoring a backup for practice, and comparing what comes out with what went in.

The restore is the real one, into a scratch directory, which is then opened read-only. It is compared,
table by table, with what the last clean verification at level data has found in the stored objects;
that one reads them by another way (``lsm/image_view``). Where there is none, one is done first.
"""

from __future__ import annotations

from kvdb.backup import contents, names, verifications
from kvdb.backup.contents import TableContents
from kvdb.backup.on_demand import OnProgress, Progress, silent
from kvdb.backup.restore import plan_backup, restore
from kvdb.backup.scratch import scratch_directory
from kvdb.backup.store import BackupStore
from kvdb.backup.verifications import Outcome
from kvdb.backup.verify import finish, mark_damaged, verify
from kvdb.env.env import Env
from kvdb.env.fs import join
from kvdb.errors import CorruptionError, FormatTooNew
from kvdb.lsm.engine import Engine
from kvdb.options import EngineOptions


def drill(
    env: Env,
    store: BackupStore,
    backup_id: str,
    *,
    scratch_parent: str,
    on_progress: OnProgress = silent,
) -> Outcome:
    """Restore a backup into a scratch directory and compare; damage is reported and not raised.

    Raises: as ``verify``.
    """
    now_ms = env.clock.wall_ms()
    outcome = Outcome(names.new_id(now_ms, env.entropy.bytes(4)), backup_id, "drill", now_ms)
    expected = verifications.last_contents(store, backup_id)
    if expected is None:
        found = verify(env, store, backup_id, "data", scratch_parent=scratch_parent, on_progress=on_progress)
        expected = found.tables
        outcome.findings += found.findings
        outcome.damaged += found.damaged
    if outcome.is_clean:
        _Drilling(env, store, outcome, on_progress).run(expected, scratch_parent)
    finish(env, store, outcome)
    return outcome


class _Drilling:
    """One drill under way."""

    def __init__(self, env: Env, store: BackupStore, outcome: Outcome, on_progress: OnProgress) -> None:
        self._env = env
        self._store = store
        self._outcome = outcome
        self._on_progress = on_progress

    def run(self, expected: list[TableContents], scratch_parent: str) -> None:
        manifest_name = names.manifest_name(self._outcome.backup_id)
        with scratch_directory(self._env, scratch_parent) as directory:
            try:
                self._outcome.tables = self._restored(join(directory, "restored"))
            except (CorruptionError, FormatTooNew) as error:
                where = getattr(error, "file", "") or manifest_name
                is_object = where.startswith(names.OBJECTS) and names.is_ours(where)
                self._outcome.add("damage", where if is_object else manifest_name, str(error))
                if is_object:
                    mark_damaged(self._env, self._store, self._outcome, where)
                return
        for difference in contents.differences(expected, self._outcome.tables):
            self._outcome.add("damage", manifest_name, difference)

    def _restored(self, target: str) -> list[TableContents]:
        plan = plan_backup(self._store, self._outcome.backup_id)
        restore(self._env, plan, target, on_progress=self._on_progress)
        self._outcome.objects += 1 + len(plan.manifest.parts)
        self._outcome.size_bytes += plan.size_bytes
        chosen = {table.name for table in plan.manifest.tables}
        engine = Engine.open(target, self._env, EngineOptions(read_only=True))
        done = 0

        def on_rows(count: int) -> None:
            nonlocal done
            done += count
            self._on_progress(Progress("compare", done, 0))

        try:
            return [
                contents.contents_of(engine, table, on_rows)
                for table in contents.descriptors(engine)
                if table.name in chosen
            ]
        finally:
            engine.close()
