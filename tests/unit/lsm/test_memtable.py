from __future__ import annotations

import threading
from collections.abc import Iterator

from kvdb.lsm.internal_key import MISSING, SEQNO_MAX
from kvdb.lsm.memtable import Memtable


def filled(*pairs: tuple[bytes, bytes | None]) -> Memtable:
    memtable = Memtable(1)
    for seqno, (key, value) in enumerate(pairs, start=1):
        memtable.apply([key, value], seqno)
    return memtable


def keys_of(memtable: Memtable, seqno: int, *, reverse: bool = False) -> Iterator[bytes]:
    for chunk in memtable.chunks(b"", b"", seqno, reverse=reverse):
        yield from (key for key, _, _ in (reversed(chunk) if reverse else chunk))


def test_a_read_sees_the_newest_version_at_its_seqno() -> None:
    memtable = filled((b"k", b"1"), (b"k", b"2"), (b"k", None))
    assert [memtable.get(b"k", seqno) for seqno in (0, 1, 2, 3, 9)] == [MISSING, b"1", b"2", None, None]


def test_a_scan_gives_one_entry_a_key_with_tombstones_in_order() -> None:
    memtable = filled((b"b", b"1"), (b"a", b"2"), (b"b", b"3"), (b"c", None), (b"d", b"later"))
    found = list(memtable.chunks(b"", b"", 4))
    assert [[(key, value) for key, _, value in chunk] for chunk in found] == [
        [(b"a", b"2"), (b"b", b"3"), (b"c", None)]
    ]
    assert list(memtable.chunks(b"a", b"c", 4, reverse=True)) == [found[0][:2]]


def test_entries_are_in_internal_key_order_with_every_version() -> None:
    memtable = filled((b"b", b"1"), (b"a", b"2"), (b"b", b"3"))
    entries = list(memtable.entries())
    assert entries == sorted(entries)
    assert [(key, SEQNO_MAX - rank) for key, rank, _ in entries] == [(b"a", 2), (b"b", 3), (b"b", 1)]


def test_of_two_operations_of_one_batch_on_one_key_the_later_stands() -> None:
    memtable = Memtable(1)
    memtable.apply([b"k", b"1", b"k", b"2"], 5)
    assert (memtable.get(b"k", 5), memtable.get(b"k", 6), memtable.last_seqno) == (b"1", b"2", 6)


def test_writes_between_the_chunks_of_a_scan_do_not_show_or_break_it() -> None:
    memtable = Memtable(1)
    for seqno in range(1, 1001):
        memtable.apply([b"%04d" % (seqno * 2), b"v"], seqno)
    for reverse in (False, True):
        scan = keys_of(memtable, memtable.last_seqno, reverse=reverse)
        found = [next(scan) for _ in range(300)]
        start = memtable.last_seqno
        for odd in range(1, 2000, 2):
            memtable.apply([b"%04d" % odd, b"new"], start + odd)
        found += scan
        assert found == sorted((b"%04d" % even for even in range(2, 2001, 2)), reverse=reverse)
        memtable = filled()
        for seqno in range(1, 1001):
            memtable.apply([b"%04d" % (seqno * 2), b"v"], seqno)


def test_readers_and_the_writer_do_not_disturb_one_another() -> None:
    memtable = Memtable(1)
    stop = threading.Event()
    failures: list[object] = []

    def read() -> None:
        while not stop.is_set():
            seqno = memtable.last_seqno
            keys = list(keys_of(memtable, seqno))
            if keys != sorted(keys) or len(keys) != seqno:
                failures.append((seqno, len(keys)))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for seqno in range(1, 3001):
        memtable.apply([b"%06d" % (seqno * 7919 % 1_000_003), b"v"], seqno)
    stop.set()
    for reader in readers:
        reader.join()
    assert failures == []


def test_size_grows_with_every_entry() -> None:
    memtable = filled((b"k", b"v" * 1000))
    first = memtable.size_bytes
    memtable.apply([b"k", b"v" * 1000], 2)
    assert first > 1000
    assert memtable.size_bytes == 2 * first
