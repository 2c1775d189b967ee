"""One damaged file: the answer is right, or it is a refusal that names the file. Never anything else."""

from __future__ import annotations

import itertools
import random
from collections import Counter

import pytest

from kvdb.errors import CorruptionError, FormatTooNew, NotADatabase, StorageError
from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.engine import Engine
from kvdb.lsm.identity import read_identity
from kvdb.lsm.wal import salvage_log
from kvdb.options import EngineOptions
from kvdb.testing import MemFileSystem, sim_env
from tests.support.crash import DIRECTORY, State
from tests.support.damage import Files, Sample, blocks_of, disk_of, files_of, outcome, rich_sample, sample

SAMPLE = sample()
NAMES = [name for name in SAMPLE.files if name != "LOCK"]
NEWEST_LOG = SAMPLE.name(".log")
LOGS = [name for name in NAMES if name.endswith(".log")]
FLIPS_PER_FILE = 150
SEED = 2024


def with_file(name: str, content: bytes | None) -> Files:
    files = dict(SAMPLE.files)
    if content is None:
        del files[name]
    else:
        files[name] = content
    return files


def flipped(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def is_refusal_of(name: str, found: State | StorageError) -> bool:
    """IDENTITY may also say that this is no database, or a later one's: that is what it is for."""
    if name == "IDENTITY":
        return isinstance(found, (CorruptionError, NotADatabase, FormatTooNew))
    return isinstance(found, CorruptionError) and found.file == name


def is_harmless(name: str, found: State | StorageError) -> bool:
    """The right content, or a refusal. A manifest that ends early is missed by the logs and
    sstables of the edits that are gone, so the refusal may name one of them."""
    if name.startswith("MANIFEST"):
        return found == SAMPLE.state or isinstance(found, CorruptionError)
    return found == SAMPLE.state or is_refusal_of(name, found)


def test_the_undamaged_sample_is_read_whole() -> None:
    assert outcome(SAMPLE.files) == SAMPLE.state


@pytest.mark.parametrize("name", NAMES)
def test_a_flipped_bit_is_refused_by_name(name: str) -> None:
    content = SAMPLE.files[name]
    bits = range(len(content) * 8)
    chosen = random.Random(SEED).sample(bits, min(FLIPS_PER_FILE, len(bits)))
    wrong = [
        bit for bit in chosen if not is_refusal_of(name, outcome(with_file(name, flipped(content, bit))))
    ]
    assert wrong == [], f"seed {SEED}: bits of {name} whose flip was not refused"


def test_a_damaged_lock_file_matters_to_nobody() -> None:
    assert outcome(with_file("LOCK", b"\xff\0garbage")) == SAMPLE.state


@pytest.mark.parametrize("name", [name for name in NAMES if name != NEWEST_LOG])
def test_a_file_cut_off_at_any_byte_is_refused_or_harmless(name: str) -> None:
    content = SAMPLE.files[name]
    lengths = range(len(content))
    wrong = [
        length for length in lengths if not is_harmless(name, outcome(with_file(name, content[:length])))
    ]
    assert wrong == [], f"lengths of {name} that gave a wrong answer"


def test_a_truncated_newest_log_gives_the_writes_before_the_cut_and_no_part_of_one() -> None:
    # Nothing in a log can tell a tail that was cut off from one that was never written.
    content = SAMPLE.files[NEWEST_LOG]
    kept = Counter(
        SAMPLE.states.index(found)
        for length in range(0, len(content), 3)
        if not isinstance(found := outcome(with_file(NEWEST_LOG, content[:length])), StorageError)
    )
    assert sum(kept.values()) == len(range(0, len(content), 3))
    assert len(kept) >= 3


@pytest.mark.parametrize("name", [name for name in NAMES if name != NEWEST_LOG])
def test_a_missing_file_is_refused_by_name(name: str) -> None:
    found = outcome(with_file(name, None))
    assert isinstance(found, CorruptionError)
    assert found.file == name


@pytest.mark.parametrize("name", [name for name in NAMES if len(SAMPLE.files[name]) > 1024])
def test_a_zeroed_sector_in_the_middle_is_refused_by_name(name: str) -> None:
    content = SAMPLE.files[name]
    for start in range(0, len(content) - 1024, 512):
        damaged = content[:start] + bytes(512) + content[start + 512 :]
        assert is_refusal_of(name, outcome(with_file(name, damaged))), f"{name} at {start}"


def test_two_sstables_that_changed_places_are_refused() -> None:
    first, _, second, _ = [name for name in NAMES if name.endswith(".sst")]
    assert len(SAMPLE.files[first]) == len(SAMPLE.files[second])
    files = {**SAMPLE.files, first: SAMPLE.files[second], second: SAMPLE.files[first]}
    assert isinstance(outcome(files), CorruptionError)


@pytest.mark.parametrize("ending", [".sst", ".log", "MANIFEST", "CURRENT"])
def test_a_file_of_another_database_is_refused_by_name(ending: str) -> None:
    stranger = sample(seed=77)
    name = SAMPLE.name(ending)
    assert is_refusal_of(name, outcome(with_file(name, stranger.files[name])))


def test_bytes_behind_the_end_of_a_file_are_refused_or_ignored() -> None:
    for name in NAMES:
        found = outcome(with_file(name, SAMPLE.files[name] + b"more"))
        assert found == SAMPLE.state or is_refusal_of(name, found) or isinstance(found, NotADatabase)


def test_files_that_are_not_ours_are_left_alone() -> None:
    files = {**SAMPLE.files, "notes.txt": b"mine", "000001.bak": b"mine"}
    assert outcome(files) == SAMPLE.state


RICH = [rich_sample(seed) for seed in (31, 33, 39)]


def refused(sample: Sample, name: str, content: bytes) -> bool:
    return is_refusal_of(name, outcome({**sample.files, name: content}))


@pytest.mark.parametrize("sample", RICH, ids=["31", "33", "39"])
def test_a_block_that_is_zero_doubled_or_in_anothers_place_is_refused_by_name(sample: Sample) -> None:
    looked_at = 0
    for name in [name for name in sample.files if name.endswith(".sst")]:
        content = sample.files[name]
        blocks = blocks_of(sample, name)
        for start, end in blocks:
            assert refused(sample, name, content[:start] + bytes(end - start) + content[end:])
            looked_at += 1
        for (start, end), (other, other_end) in itertools.pairwise(blocks):
            first, second = content[start:end], content[other:other_end]
            swapped = content[:start] + second + first + content[other_end:]
            assert refused(sample, name, swapped), f"swapped blocks of {name} at {start}"
            if len(first) == len(second):
                doubled = content[:other] + first + content[other_end:]
                assert refused(sample, name, doubled), f"doubled block of {name} at {start}"
    assert looked_at >= 5


def test_a_block_of_the_same_size_at_another_offset_or_in_another_file_is_refused() -> None:
    # Sorted keys of one width with values of one width give blocks that differ in nothing but content.
    fs = MemFileSystem()
    engine = Engine.open(DIRECTORY, sim_env(fs), EngineOptions(block_size_bytes=100, bloom_bits_per_key=0))
    for generation in range(2):
        for number in range(40):
            engine.write(WriteBatch().put(b"%04d" % number, b"%03d" % (generation * 100 + number) * 9))
        engine.flush()
    engine.close()
    sample = Sample(files_of(fs), {}, [])
    first, second = [name for name in sample.files if name.endswith(".sst")]
    ours, theirs = blocks_of(sample, first), blocks_of(sample, second)
    content, other = sample.files[first], sample.files[second]
    moved = 0
    for (start, end), (other_start, other_end) in zip(ours, theirs, strict=True):
        if end - start == other_end - other_start and start == other_start:
            assert refused(sample, first, content[:start] + other[start:end] + content[end:])
            moved += 1
    for (start, end), (later, later_end) in itertools.combinations(ours, 2):
        if end - start == later_end - later:
            assert refused(sample, first, content[:start] + content[later:later_end] + content[end:])
            moved += 1
    assert moved >= 5


def test_records_of_a_log_that_are_doubled_or_in_anothers_place_are_refused() -> None:
    sample = max(RICH, key=lambda each: len(each.files[each.name(".log")]))
    name = sample.name(".log")
    records = salvage_log(
        disk_of(sample.files),
        DIRECTORY,
        int(name.split(".")[0]),
        database_id=read_identity(disk_of(sample.files), DIRECTORY),
    ).records
    content = sample.files[name]
    places = [record.offset for record in records] + [len(content)]
    assert len(places) >= 5
    for (start, end), (_, after) in zip(
        itertools.pairwise(places), list(itertools.pairwise(places))[1:], strict=False
    ):
        first, second = content[start:end], content[end:after]
        assert refused(sample, name, content[:start] + second + first + content[after:])
        assert refused(sample, name, content[:end] + first + content[end:])
        if end - start > 512:
            assert refused(sample, name, content[:start] + bytes(end - start) + content[end:])


def test_an_older_write_of_the_same_file_is_refused() -> None:
    # A misdirected or lost write: the manifest's or the log's former state is under its name again.
    for name in (SAMPLE.name("MANIFEST"), LOGS[0]):
        content = SAMPLE.files[name]
        for length in range(len(content) // 2, len(content), 7):
            assert is_harmless(name, outcome(with_file(name, content[:length])))
