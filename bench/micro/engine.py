"""The engine's inner loops, one at a time and in memory: ``python -m bench.micro.engine``.

For finding where the time goes when a figure of ``bench.run`` moves. Nanoseconds an operation,
the best of several rounds, which is the one that was disturbed least.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from tabulate import tabulate

from bench import sample_items
from bench.stopwatch import us_each
from kvdb.env.memory_fs import MemoryFileSystem
from kvdb.item.codec import decode_item, encode_item
from kvdb.item.value import normalise_item
from kvdb.lsm.batch import WriteBatch
from kvdb.lsm.internal_key import SEQNO_MAX
from kvdb.lsm.memtable import Memtable
from kvdb.lsm.sstable.block import Block, block_body
from kvdb.lsm.sstable.bloom import BloomFilter, key_hash
from kvdb.lsm.wal import Predecessor, create_log

ROUNDS = 5
KEYS = [b"customer-%07d/order-%010d" % (number % 100, number) for number in range(10_000)]
VALUE = encode_item(normalise_item(sample_items.item(1, 100))[0])
_BATCHES = [WriteBatch().put(key, VALUE) for key in KEYS]


def batch_encode() -> float:
    return us_each(WriteBatch.encoded, _BATCHES)


def log_append() -> float:
    """One batch of one put to a log in memory: framing and checksums without the disk."""
    fs = MemoryFileSystem()
    fs.make_dir("db")
    log = create_log(
        fs, "db", 1, database_id=bytes(16), sync_mode="none", base_seqno=0, previous=Predecessor()
    )
    encoded = [batch.encoded() for batch in _BATCHES]
    return us_each(lambda batch: log.append([batch], [1], wall_ms=1_700_000_000_000), encoded)


def memtable_put() -> float:
    memtable = Memtable(1)
    shuffled = random.Random(1).sample(_BATCHES, len(_BATCHES))
    numbered = list(enumerate(shuffled, start=1))
    return us_each(lambda pair: memtable.apply(pair[1].operations, pair[0]), numbered)


def memtable_get() -> float:
    memtable = Memtable(1)
    for seqno, batch in enumerate(_BATCHES, start=1):
        memtable.apply(batch.operations, seqno)
    return us_each(lambda key: memtable.get(key, len(KEYS)), KEYS)


def _block_body() -> bytes:
    return block_body([(key, SEQNO_MAX - seqno, VALUE) for seqno, key in enumerate(KEYS[:16], start=1)])


def block_decode() -> float:
    """A block of 16 entries, about 4 KiB."""
    return us_each(Block, [_block_body()] * 2_000)


def block_get() -> float:
    block = Block(_block_body())
    return us_each(lambda key: block.get(key, 100), KEYS[:16] * 500)


def bloom_build() -> float:
    hashes = [key_hash(key) for key in KEYS]
    return us_each(lambda _: BloomFilter.build(hashes, len(hashes), bits_per_key=12), [0] * 3) / len(KEYS)


def bloom_ask() -> float:
    """The hash of the key included, half of the keys absent."""
    bloom = BloomFilter.build(map(key_hash, KEYS[::2]), len(KEYS) // 2, bits_per_key=12)
    return us_each(lambda key: bloom.may_contain(key_hash(key)), KEYS)


def item_normalise() -> float:
    return us_each(normalise_item, [sample_items.item(number, 5_000) for number in range(5_000)])


def item_encode() -> float:
    return us_each(encode_item, [normalise_item(sample_items.item(1, 100))[0]] * 5_000)


def item_decode() -> float:
    return us_each(decode_item, [VALUE] * 5_000)


LOOPS: dict[str, Callable[[], float]] = {
    "batch: encode one put": batch_encode,
    "log: append one batch": log_append,
    "memtable: put": memtable_put,
    "memtable: get": memtable_get,
    "block: decode 4 KiB": block_decode,
    "block: get": block_get,
    "bloom: build, by key": bloom_build,
    "bloom: ask": bloom_ask,
    "item of 200 bytes: normalise": item_normalise,
    "item of 200 bytes: encode": item_encode,
    "item of 200 bytes: decode": item_decode,
}


def main() -> None:
    rows = [[name, round(min(loop() for _ in range(ROUNDS)) * 1000)] for name, loop in LOOPS.items()]
    print(tabulate(rows, ["loop", "ns"]))


if __name__ == "__main__":
    main()
