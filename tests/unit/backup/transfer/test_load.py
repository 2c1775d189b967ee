"""Exports and imports in steps: cut off anywhere, they go on; nothing bad goes uncounted."""

from __future__ import annotations

import dataclasses
import errno

import pytest

from kvdb.backup.transfer.export import Export, ExportState, discard
from kvdb.backup.transfer.load import Load, LoadState
from kvdb.backup.transfer.objects import InputFormat, find_input
from kvdb.backup.transfer.records import EXPORT_FORMATS, ExportFormat, ItemChange
from kvdb.errors import CorruptionError, KvdbError, LimitExceeded, ValidationError
from kvdb.item.value import Item
from kvdb.testing import Fault, FaultyFileSystem, MemFileSystem, sim_env
from tests.support.transfers import (
    DictTarget,
    ListSource,
    by_id,
    exported,
    facts,
    fail,
    imported,
    numbered,
    transfer_store,
)


@pytest.mark.parametrize("format", EXPORT_FORMATS)
def test_an_export_goes_on_in_another_process_from_any_step(format: ExportFormat) -> None:
    items = numbered(300)
    whole = exported(sim_env(), items, facts(format))
    for stop_after in range(1, 8):
        env = sim_env()
        store = transfer_store(env)
        export = Export(store, env.clock, facts(format), ListSource(items), file_bytes=2_000)
        for _ in range(stop_after):
            export.step()
        kept = dataclasses.replace(export.state, files=list(export.state.files))
        # One step more, of which nobody knows: its file is there already.
        export.step()
        again = Export(store, env.clock, facts(format), ListSource(items), kept, file_bytes=2_000)
        while not again.step():
            pass
        assert imported(store) == by_id(items)
        names = [stored.name for stored in store.listed("AWSDynamoDB/")]
        assert names == [stored.name for stored in whole.listed("AWSDynamoDB/")]


def test_an_export_that_begins_anew_with_less_leaves_nothing_of_before() -> None:
    env = sim_env()
    store = exported(env, numbered(30), facts(), file_bytes=100_000)
    name = facts().data_name(1)
    store.put(name, [b"of an earlier try"])
    store.delete(facts().summary_name)

    export = Export(store, env.clock, facts(), ListSource(numbered(10)), ExportState(is_surveyed=True))
    assert export.step()

    assert not store.exists(name)
    assert len(imported(store)) == 10


def test_a_discarded_export_leaves_nothing() -> None:
    env = sim_env()
    store = transfer_store(env)
    export = Export(store, env.clock, facts(), ListSource(numbered(300)), file_bytes=2_000)
    for _ in range(3):
        export.step()

    discard(store, facts(), len(export.state.files))

    assert not list(store.listed("AWSDynamoDB/"))


def test_a_store_that_fills_up_at_any_call_leaves_no_export_that_looks_whole() -> None:
    items = numbered(60)
    for n in range(1, 400):
        fs = FaultyFileSystem(MemFileSystem())
        fs.fail(Fault(nth=n, error=errno.ENOSPC, for_ever=True))
        env = sim_env(fs)
        store = transfer_store(env)
        export = Export(store, env.clock, facts(), ListSource(items), file_bytes=1_000)
        try:
            while not export.step():
                pass
        except KvdbError:
            fs.heal()
            if store.exists(facts().summary_name):
                assert imported(store) == by_id(items)
            # What is tried again goes on.
            while not export.step():
                pass
            assert imported(store) == by_id(items)
            continue
        assert n > 20
        return
    raise AssertionError("the export never came to its end")


def test_a_csv_export_of_too_many_columns_is_refused() -> None:
    items: list[Item] = [{"id": "a", **{f"c{n}": 1 for n in range(1_001)}}]

    with pytest.raises(LimitExceeded, match="too many attribute names"):
        exported(sim_env(), items, facts("CSV"))


def test_an_import_goes_on_from_any_step_and_counts_each_record_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kvdb.backup.transfer.load.STEP_RECORDS", 7)
    items = numbered(100)
    store = exported(sim_env(), items, facts())
    source = find_input(store, "", InputFormat())
    target = DictTarget()
    state: LoadState | None = None
    for _ in range(100):
        load = Load(store, source, target, fail, state)
        is_done = load.step()
        state = dataclasses.replace(load.state)
        # A step that was done and not kept is done again.
        load.step()
        if is_done:
            break
    assert target.items == by_id(items)
    assert state is not None
    assert (state.processed, state.imported, state.errors) == (100, 100, 0)


def bad_import(text: bytes) -> tuple[DictTarget, LoadState, list[tuple[str, int, str]]]:
    store = transfer_store(sim_env())
    store.put("in/a.json", [text])
    target, bad = DictTarget(), list[tuple[str, int, str]]()
    load = Load(
        store,
        find_input(store, "in/", InputFormat()),
        target,
        lambda name, line, reason: bad.append((name, line, reason)),
    )
    while not load.step():
        pass
    return target, load.state, bad


def test_bad_records_are_told_with_their_place_and_counted() -> None:
    lines = [b'{"Item":{"id":{"S":"%d"}}}' % n for n in range(25)]
    lines[3] = b"nonsense"
    lines[11] = b'{"Item":{"other":{"S":"no key"}}}'
    lines[20] = b'{"Item":{"id":{"S":"big"},"x":{"S":"' + b"x" * 410_000 + b'"}}}'

    target, state, bad = bad_import(b"\n".join(lines))

    assert [(name, line) for name, line, _ in bad] == [("in/a.json", 4), ("in/a.json", 12), ("in/a.json", 21)]
    assert [reason for _, _, reason in bad] == [
        "not JSON: Expecting value at character 1",
        "no id",
        "Item size has exceeded the maximum allowed size",
    ]
    assert (state.processed, state.imported, state.errors) == (25, 22, 3)
    assert len(target.items) == 22


def test_nesting_without_end_is_one_bad_record() -> None:
    deep = b'{"Item":{"id":{"S":"a"},"x":' + b'{"L":[' * 100_000 + b"]}" * 100_000 + b"}}"

    target, state, bad = bad_import(deep + b'\n{"Item":{"id":{"S":"b"}}}\n')

    assert list(target.items) == ["b"]
    assert (state.errors, len(bad)) == (1, 1)


def test_a_file_that_was_cut_off_is_refused_however_much_of_it_was_read() -> None:
    store = exported(sim_env(), numbered(5_000), facts(), file_bytes=1_000_000)
    name = facts().data_name(0)
    packed = b"".join(store.get(name))
    store.put("cut/a.json.gz", [packed[: len(packed) // 2]])

    with pytest.raises(CorruptionError, match="cut off"):
        imported(store, "cut/", InputFormat(compression="GZIP"))


def test_incremental_csv_is_refused() -> None:
    change = ItemChange(0, {"id": "a"}, None, None)
    with pytest.raises(ValidationError, match="incremental export cannot be CSV"):
        exported(sim_env(), [change], facts("CSV", from_ms=1))
