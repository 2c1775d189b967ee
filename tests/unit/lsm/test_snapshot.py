from __future__ import annotations

from kvdb.lsm.snapshot import SnapshotList


def test_live_snapshots_are_listed_oldest_first_until_released() -> None:
    snapshots = SnapshotList()
    first, second, third = (snapshots.take(lambda seqno=seqno: seqno) for seqno in (7, 3, 7))
    assert snapshots.seqnos() == [3, 7]
    first.release()
    first.release()
    assert snapshots.seqnos() == [3, 7]
    third.release()
    with second:
        assert snapshots.seqnos() == [3]
    assert snapshots.seqnos() == []
