"""Four ordered stores behind one face, for ``bench.engine``: kvdb's engine, RocksDB, LevelDB, LMDB.

Each is used as its own documentation shows, with default sizes but for LMDB's map, which has to
be given. Scans give keys and values; values are msgpack in all, packed and unpacked inside what is
measured. ``sync`` is ``commit`` (a put returns when it is durable) or ``none``.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Protocol

import lmdb
import msgpack
import plyvel
import rocksdict

from kvdb.env.env import Env
from kvdb.lsm.engine import Engine, WriteBatch
from kvdb.options import EngineOptions

Item = dict[str, object]
_LMDB_MAP_BYTES = 16 << 30


class Store(Protocol):
    def put(self, key: bytes, item: Item) -> None: ...

    def get(self, key: bytes) -> Item | None: ...

    def scan(self, start: bytes, count: int, *, reverse: bool = False) -> int:
        """Read ``count`` items from ``start`` on; how many there were."""
        ...

    def scan_all(self) -> int: ...

    def settle(self) -> None:
        """Everything in files, and compaction done, where the store can be asked for that."""
        ...

    def close(self) -> None: ...


class KvdbStore:
    def __init__(self, directory: str, sync: str) -> None:
        self._env = Env.system()
        self._engine = Engine.open(directory, self._env, EngineOptions(sync=sync))  # type: ignore[arg-type]

    def put(self, key: bytes, item: Item) -> None:
        self._engine.write(WriteBatch().put(key, msgpack.packb(item)))

    def get(self, key: bytes) -> Item | None:
        value = self._engine.get(key)
        return None if value is None else msgpack.unpackb(value)

    def scan(self, start: bytes, count: int, *, reverse: bool = False) -> int:
        pairs = self._engine.scan(b"", start, reverse=True) if reverse else self._engine.scan(start, b"")
        return sum(1 for _, value in islice(pairs, count) if msgpack.unpackb(value))

    def scan_all(self) -> int:
        return sum(1 for _, value in self._engine.scan(b"", b"") if msgpack.unpackb(value))

    def settle(self) -> None:
        self._engine.flush()

    def close(self) -> None:
        self._engine.close()
        self._env.jobs.close()


class RocksStore:
    def __init__(self, directory: str, sync: str) -> None:
        options = rocksdict.Options(raw_mode=True)
        options.create_if_missing(True)
        self._db = rocksdict.Rdict(directory, options)
        write_options = rocksdict.WriteOptions()
        write_options.sync = sync == "commit"
        self._db.set_write_options(write_options)

    def put(self, key: bytes, item: Item) -> None:
        self._db[key] = msgpack.packb(item)

    def get(self, key: bytes) -> Item | None:
        value = self._db.get(key)
        return None if value is None else msgpack.unpackb(value)

    def scan(self, start: bytes, count: int, *, reverse: bool = False) -> int:
        pairs = self._db.items(from_key=start, backwards=reverse)
        return sum(1 for _, value in islice(pairs, count) if msgpack.unpackb(value))

    def scan_all(self) -> int:
        return sum(1 for _, value in self._db.items() if msgpack.unpackb(value))

    def settle(self) -> None:
        self._db.flush()

    def close(self) -> None:
        self._db.close()


class LevelStore:
    def __init__(self, directory: str, sync: str) -> None:
        self._db = plyvel.DB(directory, create_if_missing=True)
        self._sync = sync == "commit"

    def put(self, key: bytes, item: Item) -> None:
        self._db.put(key, msgpack.packb(item), sync=self._sync)

    def get(self, key: bytes) -> Item | None:
        value = self._db.get(key)
        return None if value is None else msgpack.unpackb(value)

    def scan(self, start: bytes, count: int, *, reverse: bool = False) -> int:
        bounds = {"stop": start} if reverse else {"start": start}
        pairs: Iterator[tuple[bytes, bytes]] = self._db.iterator(reverse=reverse, **bounds)
        return sum(1 for _, value in islice(pairs, count) if msgpack.unpackb(value))

    def scan_all(self) -> int:
        return sum(1 for _, value in self._db.iterator() if msgpack.unpackb(value))

    def settle(self) -> None:
        """LevelDB has no call for a flush alone."""

    def close(self) -> None:
        self._db.close()


class LmdbStore:
    def __init__(self, directory: str, sync: str) -> None:
        is_synced = sync == "commit"
        self._db = lmdb.open(directory, map_size=_LMDB_MAP_BYTES, sync=is_synced, metasync=is_synced)

    def put(self, key: bytes, item: Item) -> None:
        with self._db.begin(write=True) as transaction:
            transaction.put(key, msgpack.packb(item))

    def get(self, key: bytes) -> Item | None:
        with self._db.begin() as transaction:
            value = transaction.get(key)
        return None if value is None else msgpack.unpackb(value)

    def scan(self, start: bytes, count: int, *, reverse: bool = False) -> int:
        with self._db.begin() as transaction, transaction.cursor() as cursor:
            if not cursor.set_range(start) and not (reverse and cursor.last()):
                return 0
            pairs = cursor.iterprev() if reverse else cursor.iternext()
            return sum(1 for _, value in islice(pairs, count) if msgpack.unpackb(value))

    def scan_all(self) -> int:
        with self._db.begin() as transaction, transaction.cursor() as cursor:
            return sum(1 for _, value in cursor.iternext() if msgpack.unpackb(value))

    def settle(self) -> None:
        self._db.sync(True)

    def close(self) -> None:
        self._db.close()


STORES: dict[str, type[KvdbStore] | type[RocksStore] | type[LevelStore] | type[LmdbStore]] = {
    "kvdb": KvdbStore,
    "rocksdict": RocksStore,
    "plyvel": LevelStore,
    "lmdb": LmdbStore,
}
