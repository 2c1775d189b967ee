from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from kvdb.lsm.batch import Operations, without_echoes
from kvdb.lsm.echo import EchoRun
from kvdb.lsm.internal_key import SEQNO_MAX, Entry
from kvdb.lsm.iterator import Pair, live, merged
from kvdb.lsm.memtable import Memtable

KEYS = st.binary(min_size=1, max_size=3)
PREFIXES = st.sampled_from([b"p", b"pp", b"q"])
AT = st.sampled_from([0, 0, 0, 1])
BATCHES = st.lists(
    st.tuples(st.sampled_from([b"a", b"ab", b"p", b"z"]), st.none() | st.just(b"v"), PREFIXES, AT),
    max_size=40,
)


def bounds() -> st.SearchStrategy[bytes]:
    seqnos = st.integers(0, 90).map(lambda seqno: seqno.to_bytes(8, "big"))
    inside = st.tuples(PREFIXES, seqnos, st.sampled_from([b"", b"a", b"ab", b"\xff"])).map(b"".join)
    return inside | inside.map(lambda key: key[:-1]) | KEYS | st.just(b"")


def both(batches: list[tuple[bytes, bytes | None, bytes, int]]) -> tuple[Memtable, Memtable]:
    """With echoes, and with what they stand for."""
    echoing, plain = Memtable(1), Memtable(1)
    seqno = 1
    for key, value, prefix, at in batches:
        operations: Operations = [key, value, prefix, at]
        if isinstance(value, bytes):
            echoing.apply_echoed(operations, seqno)
        else:
            echoing.apply(operations, seqno)
        plain.apply(without_echoes(operations, seqno), seqno)
        seqno += 2
    return echoing, plain


def scanned(memtable: Memtable, start: bytes, end: bytes, seqno: int, *, reverse: bool) -> list[Pair]:
    sources = memtable.sources(start, end, seqno, reverse=reverse)
    pages = live(sources, memtable.ranges, seqno, reverse=reverse)
    return [pair for page in pages for pair in page]


@given(BATCHES, bounds(), bounds(), st.integers(0, 90), st.booleans())
def test_a_memtable_with_echoes_reads_as_one_with_what_they_stand_for(
    batches: list[tuple[bytes, bytes | None, bytes, int]], start: bytes, end: bytes, seqno: int, reverse: bool
) -> None:
    echoing, plain = both(batches)
    assert list(echoing.entries()) == list(plain.entries())
    assert (len(echoing), echoing.last_seqno) == (len(plain), plain.last_seqno)
    for key in [start, end, *(entry[0] for entry in plain.entries())]:
        assert echoing.get(key, seqno) == plain.get(key, seqno)
        assert list(echoing.versions(key)) == list(plain.versions(key))
        assert echoing.newest(key) == plain.newest(key)
    if start < end or not end:
        found = scanned(plain, start, end, seqno, reverse=reverse)
        assert scanned(echoing, start, end, seqno, reverse=reverse) == found
        assert echoing.has_newer(start, end, seqno) == plain.has_newer(start, end, seqno)
        assert echoing.overlaps(start, end) == plain.overlaps(start, end)


def test_a_range_delete_takes_the_echoes_before_it_and_none_after() -> None:
    memtable, _ = both([(b"a", b"v", b"p", 0), (b"b", b"v", b"p", 0)])
    keys = [entry[0] for entry in memtable.entries() if entry[0].startswith(b"p")]
    memtable.apply([b"p", [b"q"]], 5)
    memtable.apply([b"c", b"v", b"p", 0], 6)
    assert [memtable.get(key, 7) for key in keys] == [None, None]
    assert [memtable.get(key, 4) for key in keys] == [b"", b""]
    assert scanned(memtable, b"p", b"q", 7, reverse=False) == [(b"p" + bytes(7) + b"\x07" + b"c", b"")]


def test_a_deleted_echo_stays_deleted() -> None:
    memtable, _ = both([(b"a", b"v", b"p", 0)])
    key = b"p" + bytes(7) + b"\x02" + b"a"
    memtable.apply([key, None], 3)
    assert (memtable.get(key, 2), memtable.get(key, 3)) == (b"", None)
    assert list(memtable.versions(key)) == [(3, None), (2, b"")]
    assert scanned(memtable, b"p", b"q", 3, reverse=False) == []


def test_a_long_run_is_read_in_pieces_both_ways_while_it_grows() -> None:
    run = EchoRun(b"p", 0)
    for seqno in range(1, 2_001):
        run.add(b"key-%d" % seqno, seqno)
    for reverse in (False, True):
        found: list[Entry] = []
        for chunk in merged([run.chunks(b"", b"", 1_900, reverse=reverse)], reverse=reverse):
            run.add(b"later", 2_001 + len(run))
            found += reversed(chunk) if reverse else chunk
        seqnos = [SEQNO_MAX - rank for _, rank, _ in found]
        assert seqnos == sorted(range(1, 1_901), reverse=reverse)


def test_readers_and_the_writer_of_a_run_do_not_disturb_one_another() -> None:
    run = EchoRun(b"p", 0)
    stop = threading.Event()
    failures: list[object] = []

    def read() -> None:
        while not stop.is_set():
            seqno = len(run)
            entries = [entry for chunk in run.chunks(b"", b"", seqno, reverse=False) for entry in chunk]
            if len(entries) != seqno or any(int(key[9:]) != SEQNO_MAX - rank for key, rank, _ in entries):
                failures.append(seqno)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for seqno in range(1, 20_001):
        run.add(b"%d" % seqno, seqno)
    stop.set()
    for reader in readers:
        reader.join()
    assert not failures
