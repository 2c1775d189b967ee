"""What a write of a shared table puts into its batch."""

from __future__ import annotations

import pytest

from kvdb.env.hlc import Stamp
from kvdb.item.value import Item
from kvdb.lsm.batch import WriteBatch, without_echoes
from kvdb.table import replica_keys, row
from kvdb.table.descriptor import KeyAttribute, ReplicationSetting, TableDescriptor
from kvdb.table.lineage import lineage_of
from kvdb.table.shipping import Shipper
from kvdb.table.tombstones import Tombstones
from tests.support.versions import ROW_KEY, Change

HERE, ELSEWHERE = 1, 2
NEW: Item = {"id": "a", "n": 1}
NOW = Stamp(9, 0, HERE)
NOTES = replica_keys.writes_prefix(1)
PART = replica_keys.row_part(ROW_KEY)
TOMBSTONE_KEY = Tombstones(1).key_of(ROW_KEY)


def shipper(*, relays: bool = False) -> Shipper:
    setting = ReplicationSetting(("r1", "r2"), (1, 0, 1), "r1", relays=relays)
    table = TableDescriptor(1, "t", "u", 0, KeyAttribute("id", "S"), None, replication=setting)
    return Shipper(table, setting, Tombstones(1))


def written(change: Change, *, relays: bool = False) -> dict[bytes, object]:
    """What each key becomes; the first operation has the seqno 1."""
    batch = WriteBatch()
    shipper(relays=relays).add(batch, change, NOW)
    batch.stamp(1)
    operations = without_echoes(batch.operations, 1)
    keys = operations[::2]
    assert len(set(map(bytes, keys))) == len(keys)  # type: ignore[arg-type]
    return dict(zip(keys, operations[1::2], strict=True))  # type: ignore[arg-type]


def notes(found: dict[bytes, object]) -> list[bytes]:
    """The row parts of the items that are noted, each note under its own seqno."""
    places = [(place, key) for place, key in enumerate(found, 1) if key.startswith(NOTES)]
    assert all(replica_keys.seqno_of(key) == place and found[key] == b"" for place, key in places)
    return [replica_keys.part_of(key) for _, key in places]


def stored(region: int, *, is_tombstone: bool = False, lineage: bytes = b"") -> bytes:
    return row.encode({"id": "a"}, 0, Stamp(5, 0, region), lineage, is_tombstone=is_tombstone)


def put(*, old_row: bytes | None = None, tombstone: bytes | None = None) -> Change:
    return Change(None, NEW, old_row, tombstone, new_size=5)


@pytest.mark.parametrize("old_row", [None, stored(HERE)], ids=["new", "written here"])
def test_a_put_is_its_row_without_lineage_and_a_note(old_row: bytes | None) -> None:
    found = written(put(old_row=old_row))
    assert found[ROW_KEY] == row.encode(NEW, 5, NOW)
    assert notes(found) == [PART]
    assert len(found) == 2


def test_a_put_over_a_row_from_elsewhere_includes_it() -> None:
    found = written(put(old_row=stored(ELSEWHERE)))
    version = found[ROW_KEY]
    assert isinstance(version, bytes)
    assert lineage_of(version).seen == {HERE: (9, 0), ELSEWHERE: (5, 0)}
    assert notes(found) == [PART]


def test_a_put_over_a_row_of_here_keeps_what_that_includes() -> None:
    before = written(put(old_row=stored(ELSEWHERE)))[ROW_KEY]
    assert isinstance(before, bytes)
    after = written(put(old_row=before))[ROW_KEY]
    assert isinstance(after, bytes)
    assert lineage_of(after).seen == {HERE: (9, 0), ELSEWHERE: (5, 0)}


@pytest.mark.parametrize("region", [HERE, ELSEWHERE])
def test_a_put_takes_the_place_of_a_tombstone_and_includes_it(region: int) -> None:
    found = written(put(tombstone=stored(region, is_tombstone=True)))
    version = found[ROW_KEY]
    assert isinstance(version, bytes)
    assert lineage_of(version).seen == {HERE: (9, 0)} | ({region: (5, 0)} if region != HERE else {})
    assert found[TOMBSTONE_KEY] is None
    assert notes(found) == [PART]


def test_a_delete_leaves_a_tombstone_and_a_note() -> None:
    found = written(Change({"id": "a"}, None, stored(HERE), None))
    assert found[ROW_KEY] is None
    assert found[TOMBSTONE_KEY] == row.encode({"id": "a"}, 0, NOW, is_tombstone=True)
    assert notes(found) == [PART]


def test_a_delete_of_nothing_is_no_write() -> None:
    assert written(Change(None, None, None, None)) == {}


@pytest.mark.parametrize("relays", [False, True])
@pytest.mark.parametrize("is_tombstone", [False, True])
@pytest.mark.parametrize("was_there", [False, True])
def test_what_comes_from_elsewhere_is_stored_as_it_came_and_noted_by_relays_only(
    relays: bool, is_tombstone: bool, was_there: bool
) -> None:
    given = stored(ELSEWHERE, is_tombstone=is_tombstone)
    old_row = stored(HERE) if was_there else None
    change = Change(None, None if is_tombstone else {"id": "a"}, old_row, None, given=given)
    found = written(change, relays=relays)
    assert found[TOMBSTONE_KEY if is_tombstone else ROW_KEY] == given
    assert notes(found) == ([PART] if relays else [])
