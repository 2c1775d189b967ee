from __future__ import annotations

import threading

import pytest

from kvdb.env.env import Env
from kvdb.errors import ConditionalCheckFailed, ValidationError
from kvdb.lsm.engine import Engine, WriteBatch
from kvdb.options import SyncMode
from kvdb.testing import MemFileSystem
from tests.support.engines import content, open_engine, put, small_options


class Refused(Exception):
    pass


def refusing() -> WriteBatch:
    def refuse() -> None:
        raise Refused

    batch = WriteBatch().put(b"refused", b"")
    batch.guard = refuse
    return batch


def test_a_stamped_put_has_the_seqno_of_its_operation_in_its_key() -> None:
    engine, _ = open_engine(MemFileSystem())
    put(engine, b"a", b"")
    seqno = engine.write(
        WriteBatch().put(b"b", b"").put_stamped(b"p", b"s", b"v").put_stamped(b"", b"", b"w")
    )
    assert seqno == 4
    assert engine.get(b"p" + (3).to_bytes(8, "big") + b"s") == b"v"
    assert engine.get((4).to_bytes(8, "big")) == b"w"


def test_a_batch_that_its_guard_refuses_leaves_no_trace() -> None:
    engine, _ = open_engine(MemFileSystem())
    put(engine, b"a", b"1")
    with pytest.raises(Refused):
        engine.write(refusing())
    put(engine, b"b", b"2")
    assert content(engine) == {b"a": b"1", b"b": b"2"}
    assert engine.last_seqno == 2


def test_a_guard_sees_all_that_is_before_it_and_nothing_after() -> None:
    engine, _ = open_engine(MemFileSystem())
    seen: list[dict[bytes, bytes]] = []
    errors: list[BaseException | None] = []

    def guarded(key: bytes) -> WriteBatch:
        batch = WriteBatch().put(key, b"")
        batch.guard = lambda: seen.append(content(engine))
        return batch

    def follow(seqno: int, error: BaseException | None) -> None:
        for batch in (WriteBatch().put(b"2", b""), guarded(b"3"), refusing(), WriteBatch().put(b"4", b"")):
            engine.submit(batch, lambda _, error: errors.append(error))

    engine.submit(WriteBatch().put(b"1", b""), follow)
    assert seen == [{b"1": b"", b"2": b""}]
    assert [type(error) for error in errors] == [type(None), type(None), Refused, type(None)]
    assert sorted(content(engine)) == [b"1", b"2", b"3", b"4"]


def test_a_guard_alone_may_ask_without_writing() -> None:
    engine, _ = open_engine(MemFileSystem())
    batch = WriteBatch()
    batch.guard = refusing().guard
    with pytest.raises(Refused):
        engine.write(batch)


def test_a_guard_keeps_a_counter_right_among_threads(tmp_path: object) -> None:
    env = Env.system()
    engine = Engine.open(str(tmp_path), env, small_options("none"))

    def add_one() -> None:
        while True:
            before = engine.get(b"n") or b"0"

            def unchanged(before: bytes = before) -> None:
                if (engine.get(b"n") or b"0") != before:
                    raise ConditionalCheckFailed("changed")

            batch = WriteBatch().put(b"n", b"%d" % (int(before) + 1))
            batch.guard = unchanged
            try:
                engine.write(batch)
                return
            except ConditionalCheckFailed:
                continue

    threads = [threading.Thread(target=lambda: [add_one() for _ in range(25)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert engine.get(b"n") == b"100"
    engine.close()
    env.jobs.close()


@pytest.mark.parametrize(
    ("mode", "asked", "survives"),
    [
        ("none", None, False),
        ("none", "none", False),
        ("none", "interval", True),
        ("none", "commit", True),
        ("interval", "none", False),
        ("interval", "group", True),
        ("commit", None, True),
        ("commit", "group", True),
    ],
)
def test_a_write_may_ask_for_a_stronger_promise_and_takes_what_was_before_with_it(
    mode: SyncMode, asked: SyncMode | None, survives: bool
) -> None:
    fs = MemFileSystem()
    engine, _ = open_engine(fs, small_options(mode))
    put(engine, b"before", b"1")
    batch = WriteBatch().put(b"asked", b"2")
    batch.sync = asked
    engine.write(batch)
    again, _ = open_engine(fs.after_crash("strict", 0), small_options(mode), seed=1)
    assert content(again) == ({b"before": b"1", b"asked": b"2"} if survives else {})


@pytest.mark.parametrize("mode", ["commit", "group"])
@pytest.mark.parametrize("asked", ["interval", "none"])
def test_a_weaker_promise_is_refused_where_reads_rely_on_the_strong_one(
    mode: SyncMode, asked: SyncMode
) -> None:
    engine, _ = open_engine(MemFileSystem(), small_options(mode))
    batch = WriteBatch().put(b"k", b"")
    batch.sync = asked
    with pytest.raises(ValidationError, match=f"mode {asked} in a database of mode {mode}"):
        engine.write(batch)
    with pytest.raises(ValidationError):
        engine.submit(batch, lambda seqno, error: None)
    assert content(engine) == {}
