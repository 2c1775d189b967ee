"""Reading an image from its files alone gives what the engine gave."""

from __future__ import annotations

import random

import pytest

from kvdb.errors import CorruptionError
from kvdb.lsm.engine import Engine
from kvdb.lsm.image_view import ImageView
from kvdb.lsm.pin import Pin
from kvdb.lsm.wal import LogRecord, read_piece
from kvdb.testing import MemFileSystem, sim_env
from tests.support.backups import fill
from tests.support.engines import content, open_engine


def _records(pin: Pin) -> list[LogRecord]:
    found = []
    for log in pin.image.logs:
        (file,) = [file for file in pin.files if file.name == f"{log.number:06d}.log"]
        data = b"".join(pin.chunks(file))
        found += list(read_piece(data, log.number, database_id=pin.image.database_id))
    return found


def _pinned(seed: int) -> tuple[MemFileSystem, Engine, Pin]:
    fs = MemFileSystem()
    engine, _ = open_engine(fs)
    chance = random.Random(seed)
    fill(engine, chance, chance.choice([5, 60, 200]))
    return fs, engine, engine.pin()


@pytest.mark.parametrize("seed", range(6))
def test_the_view_of_an_image_is_what_the_engine_had(seed: int) -> None:
    fs, engine, pin = _pinned(seed)
    model = content(engine)
    pin.copy_to(fs, "copy")
    view = ImageView(sim_env(fs, seed=4), "copy", pin.image)
    for record in _records(pin):
        view.replay(record)
    view.end()
    fill(engine, random.Random(seed + 1), 30)
    assert dict(view.scan(b"", b"")) == model
    assert all(view.get(key) == value for key, value in model.items())
    assert view.get(b"absent") is None
    some = sorted(model)[len(model) // 3 : len(model) // 2]
    assert [key for key, _ in view.scan(some[0], some[-1])] == some[:-1]


def test_a_log_that_lacks_a_record_is_refused() -> None:
    fs, _, pin = _pinned(3)
    records = _records(pin)
    assert len(records) > 3
    for missing in range(len(records)):
        view = ImageView(sim_env(fs, seed=4), "db", pin.image)
        with pytest.raises(CorruptionError, match="seqno"):
            for number, record in enumerate(records):
                if number != missing:
                    view.replay(record)
            view.end()
    with pytest.raises(CorruptionError, match="logs end"):
        ImageView(sim_env(fs, seed=4), "db", pin.image).end()
