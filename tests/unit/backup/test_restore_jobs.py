from __future__ import annotations

import pytest

from kvdb.api.backups import (
    CreateBackup,
    CreateBackupResult,
    DeleteBackup,
    RestoreTableFromBackup,
    RestoreTableFromBackupResult,
    SettleRestore,
)
from kvdb.api.items import PutItem, Query, Scan
from kvdb.api.jobs import CancelJob, DescribeJob
from kvdb.api.tables import (
    AttributeDefinition,
    CreateTable,
    DescribeTable,
    IndexSpecification,
    KeySchemaElement,
    ListTables,
    Projection,
    StreamSpecification,
    Tag,
    UpdateTimeToLive,
)
from kvdb.backup import restore_jobs
from kvdb.database.database import Database
from kvdb.errors import (
    BackupInUse,
    RequestLimitExceeded,
    ResourceInUse,
    ResourceNotFound,
    TableInUse,
    ValidationError,
)
from kvdb.options import DatabaseOptions
from kvdb.table import keys
from kvdb.table.writer import Target
from kvdb.table.writes import PutWrite
from kvdb.testing import MemFileSystem, PowerLoss, sim_env
from kvdb.testing.mem_fs import CrashMode
from tests.support.builders import run_jobs
from tests.support.engines import small_options

INDEX = IndexSpecification("by_size", (KeySchemaElement("size", "HASH"),), Projection("ALL"))
AIRPORTS = CreateTable(
    "airports",
    [KeySchemaElement("icao", "HASH")],
    [AttributeDefinition("icao", "S"), AttributeDefinition("size", "N")],
    global_secondary_indexes=[INDEX],
    tags=[Tag("owner", "ground")],
)
ITEMS = 40


def opened(fs: MemFileSystem, seed: int = 1) -> Database:
    options = DatabaseOptions(engine=small_options(scrub_period_ms=0), backup_store="store")
    return Database.open("db", options, sim_env(fs, seed=seed))


def put(db: Database, number: int, table: str = "airports") -> None:
    db.call(PutItem(table, {"icao": f"{number:04}", "size": number % 7, "text": "x" * 100}))


def backed_up(fs: MemFileSystem) -> tuple[Database, str]:
    db = opened(fs)
    db.call(AIRPORTS)
    for number in range(ITEMS):
        put(db, number)
    made = db.call(CreateBackup("nightly", "airports"))
    assert isinstance(made, CreateBackupResult)
    run_jobs(db.env)
    return db, made.backup_details.backup_arn


def begun(db: Database, arn: str, target: str = "again", *, in_place: bool = False) -> str:
    result = db.call(RestoreTableFromBackup(target, arn, in_place=in_place))
    assert isinstance(result, RestoreTableFromBackupResult)
    return result.job_id


def found(db: Database, table: str, index: str | None = None) -> list[str]:
    return sorted(item["icao"] for item in db.call(Scan(table, index_name=index)).items)


def status(db: Database, job_id: str) -> str:
    return str(db.call(DescribeJob(job_id)).job.status)


def names(db: Database) -> list[str]:
    return list(db.call(ListTables()).table_names)


def stages(fs: MemFileSystem) -> list[str]:
    return [name for name in fs.list_dir("db") if name.startswith("restoring-")]


ALL = [f"{number:04}" for number in range(ITEMS)]


def test_a_table_is_creating_until_every_row_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restore_jobs, "_CHUNK_BYTES", 500)
    fs = MemFileSystem()
    db, arn = backed_up(fs)
    job_id = begun(db, arn)
    described = db.call(DescribeTable("again")).table
    assert (described.table_status, described.restore_summary.restore_in_progress) == ("CREATING", True)
    with pytest.raises(ResourceNotFound):
        db.call(Scan("again"))
    with pytest.raises(ResourceInUse):
        db.call(AIRPORTS.__class__(**{**_fields(AIRPORTS), "table_name": "again"}))
    with pytest.raises(TableInUse):
        begun(db, arn)
    with pytest.raises(BackupInUse):
        db.call(DeleteBackup(arn))
    run_jobs(db.env)
    assert status(db, job_id) == "COMPLETED"
    assert found(db, "again") == found(db, "again", "by_size") == ALL
    assert stages(fs) == []


def _fields(request: CreateTable) -> dict[str, object]:
    return {name: getattr(request, name) for name in request.__slots__}


@pytest.mark.parametrize("mode", ["strict", "random"])
@pytest.mark.parametrize("in_place", [False, True])
def test_a_crash_at_any_file_call_ends_in_the_whole_table(
    in_place: bool, mode: CrashMode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restore_jobs, "_CHUNK_BYTES", 2_000)
    source = MemFileSystem()
    db, arn = backed_up(source)
    put(db, ITEMS)
    db.close()
    target = "airports" if in_place else "again"
    calls = crashes = 0
    while True:
        fs = source.after_crash("all")
        db = opened(fs, seed=2)
        job_id = begun(db, arn, target, in_place=in_place)
        fs.power_off_before(fs.calls + 1 + calls)
        try:
            run_jobs(db.env)
            is_over = True
        except PowerLoss:
            is_over = False
            crashes += 1
        image = fs if is_over else fs.after_crash(mode, seed=calls)
        if is_over:
            fs.power_off_before(1 << 60)
            db.close()
        after = opened(image, seed=3)
        run_jobs(after.env)
        assert status(after, job_id) == "COMPLETED"
        assert found(after, target) == found(after, target, "by_size") == ALL
        aside = after.call(DescribeTable(target)).table.restore_summary.aside_table_name
        if in_place:
            assert found(after, aside) == found(after, aside, "by_size") == [*ALL, f"{ITEMS:04}"]
        assert sorted(names(after)) == sorted(filter(None, {"airports", target, aside}))
        assert stages(image) == []
        after.close()
        if is_over:
            assert crashes > 10
            return
        calls += 7


def test_a_cancelled_restore_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restore_jobs, "_CHUNK_BYTES", 500)
    fs = MemFileSystem()
    db, arn = backed_up(fs)
    job_id = begun(db, arn)
    slot = db._floor.backups.jobs._slots[0]
    for _ in range(8):
        slot.step(db.env.clock.wall_ms())
    assert stages(fs) != []
    db.call(CancelJob(job_id))
    run_jobs(db.env)
    assert status(db, job_id) == "CANCELLED"
    assert names(db) == ["airports"]
    assert stages(fs) == []
    assert list(db._floor.engine.scan(*keys.prefix_range(keys.table_prefix(2)))) == []


def test_a_copy_made_meanwhile_forgets_the_restore(monkeypatch: pytest.MonkeyPatch) -> None:
    fs = MemFileSystem()
    db, arn = backed_up(fs)
    begun(db, arn)
    db.call(CreateBackup("meanwhile"))
    with db._floor.engine.pin() as pin:
        pin.copy_to(fs, "copy")
    options = DatabaseOptions(engine=small_options(scrub_period_ms=0), backup_store="store")
    copied = sim_env(fs, seed=5)
    monkeypatch.setattr("kvdb.lsm.engine.Engine.database_id", b"another database")
    copy = Database.open("copy", options, copied)
    assert names(copy) == ["airports"]
    copy.close()


def test_a_table_that_was_being_filled_when_it_was_backed_up_is_not_taken_for_whole() -> None:
    fs = MemFileSystem()
    db, arn = backed_up(fs)
    begun(db, arn)
    with pytest.raises(TableInUse):
        db.call(CreateBackup("partial", "again"))
    made = db.call(CreateBackup("whole"))
    assert isinstance(made, CreateBackupResult)
    jobs = db._floor.backups.jobs
    assert jobs.take() is not None  # the restore: it waits
    while jobs._slots[3].step(db.env.clock.wall_ms()) is not None:
        pass
    arn = made.backup_details.backup_arn
    with pytest.raises(ValidationError, match="itself being restored"):
        db.call(RestoreTableFromBackup("third", arn, source_table_name="again"))


def test_in_place_the_name_keeps_its_settings() -> None:
    fs = MemFileSystem()
    db, arn = backed_up(fs)
    db.call(UpdateTimeToLive("airports", "expires", True))
    put(db, ITEMS)
    begun(db, arn, "airports", in_place=True)
    run_jobs(db.env)
    table = db._floor.catalog.named("airports").descriptor
    assert [tag.key for tag in table.tags] == ["owner"]
    assert table.ttl is not None and table.ttl.is_enabled
    aside = db._floor.catalog.named(db.call(DescribeTable("airports")).table.restore_summary.aside_table_name)
    assert aside.descriptor.ttl is None and aside.descriptor.tags == ()
    db.call(SettleRestore("airports"))
    run_jobs(db.env)
    assert names(db) == ["airports"]
    assert found(db, "airports") == ALL


def test_in_place_the_stream_ends_with_the_content_it_told_of() -> None:
    fs = MemFileSystem()
    db, arn = backed_up(fs)
    request = _fields(AIRPORTS) | {"stream_specification": StreamSpecification(True, "KEYS_ONLY")}
    db.call(CreateTable(**{**request, "table_name": "streamed"}))  # type: ignore[arg-type]
    put(db, 1, "streamed")
    result = db.call(RestoreTableFromBackup("streamed", arn, in_place=True))
    assert isinstance(result, RestoreTableFromBackupResult)
    run_jobs(db.env)
    assert status(db, result.job_id) == "COMPLETED"
    assert db.call(DescribeTable("streamed")).table.stream_specification is None
    assert [stream.is_enabled for stream in db._floor.catalog.streams.all()] == [False]
    assert found(db, "streamed") == ALL


def test_an_index_that_was_being_built_is_built() -> None:
    fs = MemFileSystem()
    db, arn = backed_up(fs)
    job_id = begun(db, arn)
    job = db._floor.backups.jobs.get(job_id)
    assert isinstance(job.request, dict)
    job.request["incomplete"] = [1]
    run_jobs(db.env)
    assert found(db, "again", "by_size") == ALL
    assert db.call(DescribeTable("again")).table.global_secondary_indexes[0].index_status == "ACTIVE"


def test_a_writer_that_looked_the_table_up_before_is_not_lost() -> None:
    fs = MemFileSystem()
    db, arn = backed_up(fs)
    before = db._floor.catalog.table("airports")
    begun(db, arn, "airports", in_place=True)
    run_jobs(db.env)
    late = Target(before, before.keys.of_item({"icao": "late"}), PutWrite({"icao": "late"}, 8))
    with pytest.raises(RequestLimitExceeded, match="nothing was written"):
        db._floor.writer.decide(late)
    put(db, ITEMS + 1)
    assert found(db, "airports") == [*ALL, f"{ITEMS + 1:04}"]
    page = db.call(Query("airports", "icao = :a", expression_attribute_values={":a": f"{ITEMS + 1:04}"}))
    assert page.count == 1
