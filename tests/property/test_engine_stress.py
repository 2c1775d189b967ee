"""Writers, submitters, scanners, compaction and a close, all at once: nothing acknowledged is lost."""

from __future__ import annotations

import threading

import pytest

from kvdb.env.env import Env
from kvdb.errors import ClosedError
from kvdb.lsm.engine import Engine, WriteBatch
from tests.support.engines import small_options

WRITES = 150


class Writers:
    """Threads that each write their own keys, by turns waiting and submitting, until told to stop."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.acknowledged: dict[bytes, bytes] = {}
        self.faults: list[BaseException] = []

    def write(self, worker: int) -> None:
        try:
            for i in range(WRITES):
                key, value = b"%d-%d" % (worker, i % 37), b"%d" % i * 20
                _ = self.submit(key, value) if i % 3 == 0 else self.engine.write(WriteBatch().put(key, value))
                self.acknowledged[key] = value
                assert self.engine.get(key) == value
        except BaseException as fault:
            self.faults.append(fault)

    def submit(self, key: bytes, value: bytes) -> None:
        answered = threading.Event()
        errors: list[BaseException | None] = []

        def done(seqno: int, error: BaseException | None) -> None:
            errors.append(error)
            answered.set()

        self.engine.submit(WriteBatch().put(key, value), done)
        assert answered.wait(60)
        assert errors == [None]

    def scan(self, stop: threading.Event) -> None:
        try:
            while not stop.is_set():
                with self.engine.snapshot() as snapshot:
                    forward = list(self.engine.scan(b"", b"", at=snapshot))
                    assert list(self.engine.scan(b"", b"", at=snapshot, reverse=True)) == forward[::-1]
        except BaseException as fault:
            self.faults.append(fault)


@pytest.mark.parametrize("sync", ["commit", "group", "interval", "none"])
def test_nothing_acknowledged_is_lost_among_threads(tmp_path: object, sync: str) -> None:
    env = Env.system(offload_bytes_min=1 << 30)
    options = small_options(sync, memtable_size_bytes=30_000, sstable_size_bytes=20_000, group_delay_ms=0)  # type: ignore[arg-type]
    engine = Engine.open(str(tmp_path), env, options)
    writers = Writers(engine)
    stop = threading.Event()
    threads = [threading.Thread(target=writers.write, args=(worker,)) for worker in range(5)]
    scanner = threading.Thread(target=writers.scan, args=(stop,))
    for thread in (*threads, scanner):
        thread.start()
    engine.compact()
    for thread in threads:
        thread.join()
    stop.set()
    scanner.join()
    assert writers.faults == []
    engine.close()
    env.jobs.close()
    with pytest.raises(ClosedError):
        engine.write(WriteBatch().put(b"late", b""))
    env = Env.system()
    engine = Engine.open(str(tmp_path), env, options)
    assert dict(engine.scan(b"", b"")) == writers.acknowledged
    assert len(writers.acknowledged) == 5 * 37
    engine.close()
    env.jobs.close()
