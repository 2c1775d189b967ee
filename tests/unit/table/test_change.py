from __future__ import annotations

import json
import pathlib

import pytest

from kvdb.env.hlc import Stamp
from kvdb.errors import CorruptionError
from kvdb.lsm.batch import WriteBatch
from kvdb.table import row, stream_keys
from kvdb.table.change import Arrivals, ChangeRecord, Recorder, decode_record, record_place, record_wall_ms

GOLDEN = pathlib.Path(__file__).parents[2] / "golden" / "change_record_1.json"
ROW_KEY = b"\0\0\0\7\0\0\xab\xcdkey"
STREAM_ID = stream_keys.stream_id(7, 2)
STAMP = Stamp(1_700_000_000_000, 3, 1)
OLD = {"k": "a", "s": 1, "n": "before"}
NEW = {"k": "a", "s": 1, "n": "after"}


def row_of(item: dict[str, object] | None) -> bytes | None:
    return None if item is None else row.encode(item, len(str(item)), STAMP)  # type: ignore[arg-type]


def recorded(
    view: str, old: dict[str, object] | None, new: dict[str, object] | None, *, by_service: bool = False
) -> ChangeRecord | None:
    recorder = Recorder(STREAM_ID, view, ("k", "s"))  # type: ignore[arg-type]
    batch = WriteBatch().put(b"other", b"")
    recorder.add(batch, ROW_KEY, row_of(old), row_of(new), STAMP, by_service=by_service)
    if len(batch) == 1:
        return None
    batch.stamp(100)
    key, value = batch.operations[2], batch.operations[3]
    assert isinstance(key, bytes) and isinstance(value, bytes)
    assert stream_keys.change_seqno(key) == 101
    assert stream_keys.change_hash(key) == 0xABCD
    assert record_place(value) == 1
    assert record_wall_ms(value) == STAMP.wall_ms
    return decode_record(value)


KEYS = {"k": "a", "s": 1}


@pytest.mark.parametrize(
    ("view", "old", "new", "event", "kept"),
    [
        ("NEW_AND_OLD_IMAGES", None, NEW, "INSERT", (None, None, NEW)),
        ("NEW_AND_OLD_IMAGES", OLD, NEW, "MODIFY", (None, OLD, NEW)),
        ("NEW_AND_OLD_IMAGES", OLD, None, "REMOVE", (None, OLD, None)),
        ("NEW_IMAGE", OLD, NEW, "MODIFY", (None, None, NEW)),
        ("NEW_IMAGE", OLD, None, "REMOVE", (KEYS, None, None)),
        ("OLD_IMAGE", OLD, NEW, "MODIFY", (None, OLD, None)),
        ("OLD_IMAGE", None, NEW, "INSERT", (KEYS, None, None)),
        ("KEYS_ONLY", OLD, NEW, "MODIFY", (KEYS, None, None)),
        ("KEYS_ONLY", OLD, None, "REMOVE", (KEYS, None, None)),
    ],
)
def test_a_record_has_what_its_view_has(view, old, new, event, kept) -> None:  # type: ignore[no-untyped-def]
    record = recorded(view, old, new)
    sizes = (0 if image is None else len(str(image)) for image in kept[1:])
    assert record == ChangeRecord(event, False, 1, STAMP.wall_ms, *kept, *sizes)


@pytest.mark.parametrize(
    ("old", "new"),
    [(None, None), (OLD, OLD), (OLD, dict(reversed(OLD.items())))],
    ids=["nothing", "the same", "in another order"],
)
def test_what_changes_nothing_leaves_no_record(
    old: dict[str, object] | None, new: dict[str, object] | None
) -> None:
    assert recorded("NEW_AND_OLD_IMAGES", old, new) is None


def test_equal_sizes_are_not_equal_items() -> None:
    assert recorded("KEYS_ONLY", {**OLD, "n": "abc"}, {**OLD, "n": "abd"}) is not None


def test_the_services_own_deletes_are_marked() -> None:
    record = recorded("KEYS_ONLY", OLD, None, by_service=True)
    assert record is not None
    assert record.by_service


def test_what_is_no_record_is_corruption() -> None:
    with pytest.raises(CorruptionError):
        decode_record(b"")
    with pytest.raises(CorruptionError, match="malformed what=9"):
        decode_record(b"\x01\x09" + bytes(28))
    with pytest.raises(CorruptionError, match="unknown format"):
        decode_record(b"\x02\x01" + bytes(28))
    with pytest.raises(CorruptionError, match="malformed"):
        decode_record(b"\x01\x01" + bytes(12) + b"\0\0\0\x09" + bytes(12))
    with pytest.raises(CorruptionError):
        record_wall_ms(b"short")
    with pytest.raises(CorruptionError):
        record_place(b"short")


def test_who_waits_is_called_once_and_who_does_not_wait_any_more_is_not() -> None:
    arrivals, calls = Arrivals(), []
    arrivals.announce()
    arrivals.when_next(lambda: calls.append("one"))
    token = arrivals.when_next(lambda: calls.append("two"))
    arrivals.forget(token)
    arrivals.announce()
    arrivals.announce()
    arrivals.forget(token)
    assert calls == ["one"]


def test_format_1_is_what_it_was() -> None:
    stored = json.loads(GOLDEN.read_text())
    made = {}
    for view in ("NEW_AND_OLD_IMAGES", "KEYS_ONLY"):
        batch = WriteBatch()
        recorder = Recorder(STREAM_ID, view, ("k", "s"))  # type: ignore[arg-type]
        recorder.add(batch, ROW_KEY, row_of(OLD), row_of(NEW), STAMP, by_service=True)
        batch.stamp(100)
        made[view] = [bytes(part).hex() for part in batch.operations]  # type: ignore[arg-type]
    assert made == stored
    assert decode_record(bytes.fromhex(stored["NEW_AND_OLD_IMAGES"][1])).new == NEW
