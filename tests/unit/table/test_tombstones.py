from __future__ import annotations

import pytest

from kvdb.lsm.engine import WriteBatch
from kvdb.table.tombstones import Tombstones
from kvdb.testing import MemFileSystem
from tests.support.engines import open_engine

ROW_KEY = b"\0\0\0\7" + b"\0\0" + b"hh" + b"a"


def test_what_is_announced_and_written_is_found() -> None:
    engine, _ = open_engine(MemFileSystem())
    tombstones = Tombstones(7)
    assert tombstones.of(engine, ROW_KEY) is None
    tombstones.announce()
    engine.write(WriteBatch().put(tombstones.key_of(ROW_KEY), b"gone"))
    assert tombstones.of(engine, ROW_KEY) == b"gone"
    assert tombstones.of(engine, ROW_KEY + b"b") is None


def test_what_was_there_before_is_found() -> None:
    fs = MemFileSystem()
    engine, _ = open_engine(fs)
    engine.write(WriteBatch().put(Tombstones(7).key_of(ROW_KEY), b"gone"))
    assert Tombstones(7).of(engine, ROW_KEY) == b"gone"
    engine, _ = open_engine(fs.after_crash("strict"))
    assert Tombstones(7).of(engine, ROW_KEY) == b"gone"


def test_an_announcement_before_the_first_question_counts() -> None:
    engine, _ = open_engine(MemFileSystem())
    tombstones = Tombstones(7)
    tombstones.announce()
    assert tombstones.of(engine, ROW_KEY) is None
    engine.write(WriteBatch().put(tombstones.key_of(ROW_KEY), b"gone"))
    assert tombstones.of(engine, ROW_KEY) == b"gone"


def test_a_table_without_any_costs_no_read(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, _ = open_engine(MemFileSystem())
    tombstones = Tombstones(7)
    engine.write(WriteBatch().put(Tombstones(8).key_of(ROW_KEY), b"another table's"))
    assert tombstones.of(engine, ROW_KEY) is None
    monkeypatch.setattr(engine, "get", None)
    monkeypatch.setattr(engine, "scan", None)
    assert tombstones.of(engine, ROW_KEY) is None
