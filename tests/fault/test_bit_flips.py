"""Twenty thousand flipped bits, and every one is refused by file and offset. ``make bitflip`` flips more."""

from __future__ import annotations

import pytest

from kvdb.lsm.sstable import reader
from tests.support import bitflip
from tests.support.bitflip import SilentFlip, check_flip, flip_many, main
from tests.support.damage import rich_sample

SEEDS = (100, 200, 300, 400)
FLIPS = 5_000


def test_there_are_at_least_twenty_thousand_flips() -> None:
    assert len(SEEDS) * FLIPS >= 20_000


@pytest.mark.parametrize("seed", SEEDS)
def test_every_flipped_bit_is_refused_by_file_and_offset(seed: int) -> None:
    report = flip_many(seed, FLIPS)
    assert report.flips == FLIPS
    assert report.databases >= 2


def test_a_reader_that_checks_no_block_is_caught(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("kvdb.lsm.sstable.format._block_crc", lambda body, compression, unique_id, offset: 0)
    with pytest.raises(SilentFlip) as silent:
        flip_many(100, 500)
    replay = str(silent.value).splitlines()[-1]
    assert replay.startswith("replay: python -m tests.support.bitflip --seed 100 --file ")
    assert main(replay.split()[4:]) == 1
    monkeypatch.undo()
    assert main(replay.split()[4:]) == 0
    assert "refused by name" in capsys.readouterr().out


def test_an_error_of_another_kind_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object, **settings: object) -> bytes:
        raise ZeroDivisionError("not an answer")

    sample = rich_sample(100)
    monkeypatch.setattr(reader, "opened_block", broken)
    name = sample.name(".sst")
    with pytest.raises(SilentFlip, match="ZeroDivisionError: not an answer"):
        check_flip(sample, 100, name, 0)


def test_memory_without_bound_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bitflip, "MEMORY_GROWTH_KIB_MAX", -1)
    with pytest.raises(SilentFlip, match="memory grew"):
        flip_many(100, 10)
