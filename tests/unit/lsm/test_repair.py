"""Repair keeps all that is provably good, says what it does not keep, and leaves the source alone."""

from __future__ import annotations

import random

import pytest

from kvdb.errors import CorruptionError, DatabaseLocked, NotADatabase
from kvdb.lsm.engine import Engine, WriteBatch
from kvdb.lsm.repair import Loss, Repair, Repaired
from kvdb.lsm.verify import verify_directory
from kvdb.testing import MemFileSystem, sim_env
from tests.support.crash import DIRECTORY, State
from tests.support.damage import Files, disk_of, files_of, options, sample
from tests.support.engines import content, names, open_engine, put, small_options

SAMPLE = sample()
SSTABLES = [name for name in SAMPLE.files if name.endswith(".sst")]
LOGS = [name for name in SAMPLE.files if name.endswith(".log")]


def repaired(files: Files) -> tuple[list[Loss], State, Repaired]:
    """What was lost, and what the copy holds; the copy is clean, and the source as it was."""
    fs = disk_of(files)
    with Repair(sim_env(fs, seed=3), DIRECTORY) as job:
        done = job.copy_to("data/out")
    assert files_of(fs) == files
    report = verify_directory(fs, "data/out", deep=True).run()
    assert report.findings == []
    engine = Engine.open("data/out", sim_env(fs, seed=4), options())
    found = content(engine)
    engine.write(WriteBatch().put(b"probe", b"1"))
    engine.close()
    return job.losses, found, done


def damaged(*damages: tuple[str, int], remove: tuple[str, ...] = ()) -> Files:
    files = {name: data for name, data in SAMPLE.files.items() if name not in remove}
    for name, offset in damages:
        files[name] = files[name][:offset] + bytes([files[name][offset] ^ 0x10]) + files[name][offset + 1 :]
    return files


def test_a_good_database_is_copied_whole() -> None:
    losses, found, done = repaired(SAMPLE.files)
    assert losses == []
    assert found == SAMPLE.state
    assert (done.sstables, done.rewritten) == (4, 0)
    assert done.log_records > 0


def test_the_copy_is_a_database_of_its_own() -> None:
    fs = disk_of(SAMPLE.files)
    with Repair(sim_env(fs, seed=3), DIRECTORY) as job:
        job.copy_to("data/out")
    assert fs.open_read("data/out/IDENTITY").read_at(0, 200) != SAMPLE.files["IDENTITY"]


@pytest.mark.parametrize("name", SSTABLES)
def test_a_bad_block_costs_its_own_keys_and_no_others(name: str) -> None:
    losses, found, done = repaired(damaged((name, 20)))
    (loss,) = losses
    assert (loss.file, loss.offset, loss.reason) == (name, 0, "block checksum mismatch")
    assert loss.start is not None
    assert loss.end is not None
    outside = {key: value for key, value in SAMPLE.state.items() if not loss.start <= key <= loss.end}
    assert {key: value for key, value in found.items() if not loss.start <= key <= loss.end} == outside
    assert done.rewritten == done.sstables - 3, "a file with no good block is left out"


def test_a_missing_sstable_is_reported_with_its_keys() -> None:
    losses, found, _ = repaired(damaged(remove=(SSTABLES[0],)))
    (loss,) = losses
    assert loss.file == SSTABLES[0]
    assert loss.start is not None
    assert found.items() <= {**SAMPLE.state, **found}.items()


def test_a_damaged_filter_or_property_costs_nothing() -> None:
    name = SSTABLES[0]
    size = len(SAMPLE.files[name])
    whole = [
        offset
        for offset in range(size - 300, size - 70)
        if repaired(damaged((name, offset)))[:2] == ([], SAMPLE.state)
    ]
    assert len(whole) > 50, "filter and properties can be made again"


def test_an_end_of_the_log_that_is_damaged_has_to_be_accepted() -> None:
    name = LOGS[-1]
    files = damaged((name, len(SAMPLE.files[name]) - 5))
    fs = disk_of(files)
    with Repair(sim_env(fs), DIRECTORY) as job:
        assert job.loses_acknowledged
    losses, found, _ = repaired(files)
    assert [loss.file for loss in losses] == [name]
    assert losses[0].is_log
    assert losses[0].offset > 512
    assert found in SAMPLE.states[:-1]


def test_a_defect_in_an_older_log_costs_the_newer_ones_too() -> None:
    losses, found, _ = repaired(damaged((LOGS[0], 700)))
    assert [loss.file for loss in losses] == LOGS
    assert losses[1].start is not None, "what is readable says which keys go"
    assert found in SAMPLE.states


def test_a_missing_older_log_costs_the_newer_one() -> None:
    losses, found, _ = repaired(damaged(remove=(LOGS[0],)))
    assert [loss.file for loss in losses] == [LOGS[1]]
    assert LOGS[0] in losses[0].reason
    assert found in SAMPLE.states


def test_a_torn_tail_is_no_loss() -> None:
    name = LOGS[-1]
    losses, found, _ = repaired({**SAMPLE.files, name: SAMPLE.files[name][:-5]})
    assert losses == []
    assert found == SAMPLE.states[-2]


@pytest.mark.parametrize("missing", ["CURRENT", "IDENTITY"])
def test_one_of_the_two_names_of_the_database_may_be_gone(missing: str) -> None:
    losses, found, _ = repaired(damaged(remove=(missing,)))
    assert [loss.file for loss in losses] == [missing]
    assert found == SAMPLE.state


def test_without_both_nobody_knows_whose_files_these_are() -> None:
    with pytest.raises(CorruptionError, match="whose files"):
        repaired(damaged(("IDENTITY", 40), ("CURRENT", 20)))


@pytest.mark.parametrize("offset", [30, -40])
def test_after_a_defect_in_the_manifest_every_sstable_is_taken(offset: int) -> None:
    name = SAMPLE.name("MANIFEST")
    place = offset % len(SAMPLE.files[name])
    losses, found, done = repaired(damaged((name, place)))
    assert losses[0].file == name
    assert found == SAMPLE.state
    assert done.sstables == 4


def test_every_write_before_damage_anywhere_is_kept_or_its_loss_is_told() -> None:
    chance = random.Random(11)
    for _ in range(150):
        name = chance.choice([*SSTABLES, *LOGS, SAMPLE.name("MANIFEST"), "CURRENT", "IDENTITY"])
        losses, found, _ = repaired(damaged((name, chance.randrange(len(SAMPLE.files[name])))))
        if found != SAMPLE.state:
            assert losses, f"a silent loss after damage in {name}"
        assert {loss.file for loss in losses} <= {name, *LOGS}
        known = {(key, value) for state in SAMPLE.states for key, value in state.items()}
        assert set(found.items()) <= known, "nothing is made up"


def test_range_deletes_survive_a_rewritten_file() -> None:
    fs = MemFileSystem()
    engine, _ = open_engine(fs)
    for number in range(30):
        put(engine, b"key-%02d" % number, bytes(50))
    engine.flush()
    engine.write(WriteBatch().delete_range(b"key-05", b"key-20").put(b"key-10", b"after"))
    engine.flush()
    expected = content(engine)
    engine.close()
    newest = names(fs, ".sst")[-1]
    file = fs.open_read(f"db/{newest}")
    data = bytearray(file.read_at(0, 1 << 20))
    data[3] ^= 1
    fs.remove(f"db/{newest}")
    fs.create(f"db/{newest}").append(bytes(data))
    with Repair(sim_env(fs, seed=3), "db") as job:
        job.copy_to("out")
    (loss,) = job.losses
    copy = Engine.open("out", sim_env(fs, seed=4), small_options())
    del expected[b"key-10"]
    assert content(copy) == expected
    assert loss.file == newest


def test_an_open_database_is_not_repaired() -> None:
    fs = MemFileSystem()
    engine, _ = open_engine(fs)
    with pytest.raises(DatabaseLocked):
        Repair(sim_env(fs), "db")
    engine.close()


def test_what_is_no_database_and_a_target_that_holds_something_are_refused() -> None:
    fs = disk_of(SAMPLE.files)
    with pytest.raises(NotADatabase):
        Repair(sim_env(fs), "nowhere")
    fs.make_dir("other")
    fs.create("other/notes.txt").close()
    with pytest.raises(NotADatabase):
        Repair(sim_env(fs), "other")
    with Repair(sim_env(fs), DIRECTORY) as job, pytest.raises(NotADatabase, match="not empty"):
        job.copy_to("other")
    assert fs.held_locks == 0
