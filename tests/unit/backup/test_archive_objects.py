"""The objects of an archive: what is written is read, and nothing else is."""

from __future__ import annotations

import json
import random

import pytest

from kvdb.backup import archive_objects as objects
from kvdb.backup import names
from kvdb.backup.archive_history import records_of
from kvdb.backup.places import open_store
from kvdb.errors import CorruptionError, FormatTooNew, KvdbError
from kvdb.testing import MemFileSystem, sim_env
from tests.support.archives import Archived


@pytest.fixture(scope="module")
def world() -> Archived:
    made = Archived(4, store_fs=MemFileSystem())
    made.tick()
    for _ in range(4):
        made.write(8)
        made.tick()
    made.label("a label")
    made.settle()
    return made


def listing(world: Archived) -> list[str]:
    """Every object of the archive."""
    store = world.store(world.env)
    segment = world.history().newest
    prefixes = (
        names.ARCHIVES,
        names.epochs_of(world.archive.database_id),
        names.labels_of(world.archive.database_id),
        names.log_of(world.archive.database_id, segment.epoch.epoch),
        names.bases_of(world.archive.database_id, segment.epoch.epoch),
    )
    return [stored.name for prefix in prefixes for stored in store.listed(prefix)]


def test_every_kind_of_object_is_there_and_its_name_is_ours(world: Archived) -> None:
    found = listing(world)
    assert {name.partition("/")[0] for name in found} == {"archives", "epochs", "labels", "log", "bases"}
    assert all(names.is_ours(name) for name in found)


def test_a_chunk_reads_back_as_it_was_written(world: Archived) -> None:
    segment = world.history().newest
    seqnos = []
    for named in segment.chunks:
        chunk = objects.read_chunk(world.store(world.env), named, world.archive.database_id)
        assert chunk.encoded()[0] == named.name
        seqnos += [record.seqno for record in records_of(chunk)]
    assert seqnos == [commit.seqno - 0 for commit in world.commits if commit.seqno] or seqnos == sorted(
        seqnos
    )
    assert len(seqnos) == len(world.commits) - 1


def _read(world: Archived, fs: MemFileSystem, name: str) -> None:
    """Read one object the way its readers do."""
    store = open_store("store", sim_env(fs, seed=8))
    database_id = world.archive.database_id
    if (chunk := names.parse_chunk(name)) is not None:
        objects.read_chunk(store, chunk, database_id)
    elif (base := names.parse_base(name)) is not None:
        objects.read_base(store, base)
    elif name.startswith("labels/"):
        objects.read_label(store, name)
    elif name.startswith("epochs/"):
        objects.read_epoch(store, database_id, names.id_in(name))
    else:
        objects.read_head(store, database_id)


def test_flips_in_any_object_of_an_archive_are_all_noticed(world: Archived) -> None:
    chance = random.Random(11)
    disk = world.store_fs
    assert isinstance(disk, MemFileSystem)
    tried = 0
    for name in listing(world):
        content = disk._inode(f"store/{name}").content
        _read(world, disk, name)
        places = (
            range(len(content))
            if len(content) < 300
            else [chance.randrange(len(content)) for _ in range(300)]
        )
        for place in places:
            bit = 1 << chance.randrange(8)
            content[place] ^= bit
            with pytest.raises(CorruptionError) as caught:
                _read(world, disk, name)
            assert caught.value.file == name
            content[place] ^= bit
            tried += 1
        for size in (0, 1, len(content) // 2, len(content) - 1):
            whole = bytes(content)
            del content[size:]
            with pytest.raises(CorruptionError):
                _read(world, disk, name)
            content[:] = whole
    assert tried > 1_000


def test_a_chunk_under_the_name_of_another_is_refused(world: Archived) -> None:
    disk = world.store_fs
    assert isinstance(disk, MemFileSystem)
    segment = world.history().newest
    first = segment.chunks[0]
    content = bytes(disk._inode(f"store/{first.name}").content)
    swapped = first.name.replace(f"{first.first_seqno:020d}", f"{first.first_seqno + 1:020d}", 1)
    file = disk.create(f"store/{swapped}")
    file.append(content)
    with pytest.raises(CorruptionError, match="its name says something else"):
        _read(world, disk, swapped)
    disk.remove(f"store/{swapped}")


def test_a_chunk_of_another_database_is_refused(world: Archived) -> None:
    named = world.history().newest.chunks[0]
    with pytest.raises(CorruptionError, match="another archive"):
        objects.read_chunk(world.store(world.env), named, bytes(16))


def test_a_later_format_is_refused_by_name(world: Archived) -> None:
    disk = world.store_fs
    assert isinstance(disk, MemFileSystem)
    content = disk._inode(f"store/{names.head_name(world.archive.database_id)}").content
    whole = bytes(content)
    line = whole.split(b"\n")[0].replace(b'"format_version":1', b'"format_version":2')
    content[:] = objects.sealed(line)
    with pytest.raises(FormatTooNew, match="archive format 2"):
        objects.read_head(world.store(world.env), world.archive.database_id)
    content[:] = whole


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epoch", "../../etc"),
        ("epoch", 7),
        ("seqno", -1),
        ("seqno", 1 << 70),
        ("seqno", "1"),
        ("window_days", True),
        ("reason", "x" * 10_000),
        ("complete_ms", None),
    ],
)
def test_hostile_fields_are_refused(world: Archived, field: str, value: object) -> None:
    disk = world.store_fs
    assert isinstance(disk, MemFileSystem)
    content = disk._inode(f"store/{names.head_name(world.archive.database_id)}").content
    whole = bytes(content)
    fields = {**json.loads(whole.split(b"\n")[0]), field: value}
    content[:] = objects.sealed(json.dumps(fields).encode())
    with pytest.raises(KvdbError):
        objects.read_head(world.store(world.env), world.archive.database_id)
    content[:] = whole


@pytest.mark.parametrize(
    "name",
    [
        "log/../x.chunk",
        "archives/x.json",
        "epochs/" + "0" * 32 + "/1.json",
        "labels/" + "0" * 32 + "/../x.json",
    ],
)
def test_names_of_strangers_are_never_asked_for(name: str) -> None:
    assert not names.is_ours(name)
