"""Files whose checksums are right and whose content makes no sense: refused by name, never a traceback.

No disk makes such files; a mistake of ours, or somebody's tool, may.
"""

from __future__ import annotations

import struct
from typing import Any

import pytest

from kvdb.env.fs import join, read_all
from kvdb.errors import CorruptionError, FormatTooNew, ValidationError
from kvdb.lsm.coding import crc32c, pack
from kvdb.lsm.engine import Engine, WriteBatch
from kvdb.lsm.identity import read_identity
from kvdb.lsm.internal_key import SEQNO_MAX
from kvdb.lsm.manifest import Position, VersionEdit, read_manifest, salvage_manifest
from kvdb.lsm.record import RecordWriter, file_salt
from kvdb.lsm.sstable import bloom, writer
from kvdb.lsm.sstable import format as layout
from kvdb.lsm.sstable.reader import SstableReader, stated_by
from kvdb.lsm.sstable.writer import SstableSettings, SstableWriter
from kvdb.lsm.wal import read_log, read_opening
from kvdb.options import EngineOptions
from kvdb.testing import Fault, FaultyFileSystem, MemFileSystem, sim_env
from tests.support.crash import DIRECTORY
from tests.support.damage import disk_of, options, sample

ID = bytes(range(16))
NONSENSE = [
    b"",
    pack(5),
    pack([]),
    pack([1, 2, 3]),
    pack([[b"k"], [1]]),
    pack([[b"k"], [1, 2], [b"v"]]),
    pack({}),
    pack({"entries": 1}),
    pack([[b"k"], [1], 7]),
    b"\xc1",
]


def sealed(part: int, body: bytes) -> tuple[MemFileSystem, int]:
    """An sstable whose part (0 data, 1 ranges, 2 filter, 3 index, 4 properties) is ``body``, well sealed."""
    fs = MemFileSystem()
    fs.make_dir("db")
    settings = SstableSettings.of(EngineOptions(compression="none"))
    made = SstableWriter(fs.create("db/000001.sst"), settings, unique_id=7)
    parts: list[bytes] = []
    write_block = made._write_block

    def replaced(own: bytes, *rest: Any, **settings: Any) -> Any:
        parts.append(own)
        return write_block(body if len(parts) == part + 1 else own, *rest, **settings)

    made._write_block = replaced  # type: ignore[method-assign]  # a writer that makes a mistake
    made.add([(b"a", SEQNO_MAX - 1, b"1"), (b"b", SEQNO_MAX - 2, b"2")])
    made.add_range(writer.RangeTombstone(b"c", b"d", 3))
    size = made.finish(wall_ms=0).size
    assert len(parts) == 5
    return fs, size


def read_whole(fs: MemFileSystem, size: int) -> None:
    reader = SstableReader(fs, "db", 1, unique_id=7, size=size, cache=None)
    list(reader.entries())


@pytest.mark.parametrize("part", range(5), ids=["data", "ranges", "filter", "index", "properties"])
@pytest.mark.parametrize("body", NONSENSE, ids=range(len(NONSENSE)))
def test_a_part_of_an_sstable_that_makes_no_sense_is_refused_by_name(part: int, body: bytes) -> None:
    with pytest.raises(CorruptionError) as refused:
        read_whole(*sealed(part, body))
    assert refused.value.file == "000001.sst"
    assert refused.value.offset >= 0


@pytest.mark.parametrize(
    "index",
    [
        pack([[b"b"], [0], [3]]),
        pack([[b"b"], [1 << 40], [100]]),
        pack([[b"b"], [0], [1 << 40]]),
        pack([[b"a", b"b"], [0], [40]]),
        pack([[b"b"], [0, 1], [40]]),
        pack([[b"b"], 5, [40]]),
    ],
    ids=["short", "beyond", "long", "separators", "offsets", "number"],
)
def test_an_index_that_points_astray_is_refused(index: bytes) -> None:
    with pytest.raises(CorruptionError, match=r"file=000001\.sst"):
        read_whole(*sealed(3, index))


def test_an_empty_block_is_refused() -> None:
    with pytest.raises(CorruptionError, match="empty data block"):
        read_whole(*sealed(0, pack([[], [], []])))


def test_an_sstable_of_a_later_format_is_told_from_damage() -> None:
    fs, size = sealed(9, b"")[0], 0
    size = fs.file_size("db/000001.sst")
    data = read_all(fs, "db/000001.sst")
    footer = bytearray(data[-69:])
    fixed = len(footer) - 12
    footer[fixed - 1] = 2
    from_crc = struct.pack("<I", crc32c(bytes(footer[:fixed])))
    footer[fixed : fixed + 4] = from_crc
    fs.remove("db/000001.sst")
    fs.create("db/000001.sst").append(data[:-69] + bytes(footer))
    with pytest.raises(FormatTooNew, match="sstable format 2"):
        SstableReader(fs, "db", 1, unique_id=7, size=size, cache=None)
    with pytest.raises(FormatTooNew):
        stated_by(fs, "db", 1)


def test_a_compression_of_a_later_kvdb_is_told_from_damage() -> None:
    seed = crc32c(struct.pack("<QQB", 7, 40, 9))
    block = b"packed" + struct.pack("<BI", 9, crc32c(b"packed", seed))
    with pytest.raises(FormatTooNew, match=r"unknown block compression 9 file=000001\.sst offset=40"):
        layout.opened_block(block, unique_id=7, offset=40, file="000001.sst")


def test_a_block_that_unpacks_to_less_than_it_declares_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # The library holds a frame to its own size; should it ever not, the block is refused.
    block = layout.sealed_block(bytes(500), unique_id=7, offset=40, compression="zstd")
    monkeypatch.setattr(layout._codecs, "decompress", lambda frame, max_output_size: b"short")
    with pytest.raises(CorruptionError, match="wrong size declared=500 found=5"):
        layout.opened_block(block, unique_id=7, offset=40, file="000001.sst")


def test_a_file_too_short_for_a_footer_says_nothing_of_itself() -> None:
    fs = MemFileSystem()
    fs.make_dir("db")
    fs.create("db/000001.sst").append(b"tiny")
    with pytest.raises(CorruptionError, match="not an sstable footer"):
        stated_by(fs, "db", 1)


def recorded(kind: str, name: str, records: list[tuple[int, bytes]]) -> MemFileSystem:
    fs = MemFileSystem()
    fs.make_dir("db")
    salt = file_salt(ID, kind, 1)  # type: ignore[arg-type]  # log or manifest
    made = RecordWriter(fs.create(join("db", name)), salt=salt)
    for number, payload in records:
        made.append(number, [payload])
    return fs


MANIFESTS: list[tuple[int, bytes]] = [
    (1, b""),
    (1, b"\xc1"),
    (1, pack([])),
    (1, pack(["x"])),
    (1, pack(7)),
    (1, pack([1])),
    (1, pack([1, 5, 2, 3, 0, 0, 0, [], [], []])),
    (1, pack([1, 0, 2, 3, 0, 0, 0, [[0, 1]], [], []])),
    (1, pack([1, 0, 2, 3, 0, 0, 0, 5, [], []])),
    (1, pack([1, 0, 2, [], [], []])),
    (9, pack([1, 0, 2, 3, 0, 0, 0, [], [], []])),
]


@pytest.mark.parametrize("record", MANIFESTS[:9] + MANIFESTS[10:], ids=range(10))
def test_a_manifest_record_that_makes_no_sense_is_refused_by_name(record: tuple[int, bytes]) -> None:
    fs = recorded("manifest", "MANIFEST-000001", [record])
    with pytest.raises(CorruptionError) as refused:
        read_manifest(fs, "db", 1, durable_size=0, database_id=ID)
    assert (refused.value.file, refused.value.offset) == ("MANIFEST-000001", 0)
    assert salvage_manifest(fs, "db", 1, database_id=ID)[0] == []


def test_a_manifest_of_a_later_format_is_told_from_damage() -> None:
    fs = recorded("manifest", "MANIFEST-000001", [(1, pack([2, 0, "anything"]))])
    with pytest.raises(FormatTooNew, match="manifest format 2"):
        read_manifest(fs, "db", 1, durable_size=0, database_id=ID)


def opening(*fields: object) -> bytes:
    packed = pack(list(fields))
    return (struct.pack("<H", len(packed)) + packed).ljust(485, b"\xa5")


GOOD_OPENING = opening(1, ID, 1, "commit", 0, 0, 0, 0, 0)
LOGS: dict[str, list[tuple[int, bytes]]] = {
    "no length": [(1, b"")],
    "no fields": [(1, opening())],
    "no list": [(1, struct.pack("<H", 1) + b"\x05")],
    "no msgpack": [(1, struct.pack("<H", 1) + b"\xc1")],
    "no version": [(1, opening("x"))],
    "another kind": [(2, GOOD_OPENING)],
    "another database": [(1, opening(1, bytes(16), 1, "commit", 0, 0, 0, 0, 0))],
    "another number": [(1, opening(1, ID, 2, "commit", 0, 0, 0, 0, 0))],
    "no such mode": [(1, opening(1, ID, 1, "often", 0, 0, 0, 0, 0))],
    "too few fields": [(1, opening(1, ID, 1, "commit", 0))],
    "a second opening": [(1, GOOD_OPENING), (1, GOOD_OPENING)],
    "a batch too short": [(1, GOOD_OPENING), (2, b"short")],
    "a batch of nonsense": [(1, GOOD_OPENING), (2, struct.pack("<QQ", 1, 0) + b"\xc1")],
    "a batch of a number": [(1, GOOD_OPENING), (2, struct.pack("<QQ", 1, 0) + pack(5))],
    "a seqno out of order": [(1, GOOD_OPENING), (2, struct.pack("<QQ", 5, 0) + pack([b"a", b"1"]))],
}


@pytest.mark.parametrize("name", LOGS)
def test_a_log_record_that_makes_no_sense_is_refused_by_name(name: str) -> None:
    fs = recorded("log", "000001.log", LOGS[name])
    with pytest.raises(CorruptionError) as refused:
        read_log(fs, "db", 1, database_id=ID, is_newest=True)
    assert refused.value.file == "000001.log"
    if len(LOGS[name]) == 1:
        with pytest.raises(CorruptionError):
            read_opening(fs, "db", 1, database_id=ID)


def test_a_log_of_a_later_format_is_told_from_damage() -> None:
    fs = recorded("log", "000001.log", [(1, opening(2, "whatever"))])
    with pytest.raises(FormatTooNew, match="log format 2"):
        read_log(fs, "db", 1, database_id=ID, is_newest=True)


def test_a_salt_inside_a_value_is_not_taken_for_a_record() -> None:
    salt = struct.pack("<I", file_salt(ID, "log", 1))
    batch = struct.pack("<QQ", 1, 0) + pack([b"a", salt * 20])
    later = struct.pack("<QQ", 2, 0) + pack([b"b", salt + b"x" * 40])
    fs = recorded("log", "000001.log", [(1, GOOD_OPENING), (2, batch), (2, later)])
    data = read_all(fs, "db/000001.log")
    damaged = data[:530] + bytes([data[530] ^ 1]) + data[531:]
    fs.remove("db/000001.log")
    fs.create("db/000001.log").append(damaged)
    with pytest.raises(CorruptionError) as refused:
        read_log(fs, "db", 1, database_id=ID, is_newest=True)
    assert (refused.value.file, refused.value.offset) == ("000001.log", 512)


def test_a_filter_has_one_byte_order_on_every_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    hashes = [bloom.key_hash(b"%d" % number) for number in range(100)]
    made = bloom.BloomFilter.build(hashes, 100, bits_per_key=12)
    here = made.encoded()
    other_order = "little" if bloom.sys.byteorder == "big" else "big"
    monkeypatch.setattr(bloom.sys, "byteorder", other_order)
    there = made.encoded()
    assert there[0] == here[0]
    words = [here[place : place + 8][::-1] for place in range(1, len(here), 8)]
    assert there[1:] == b"".join(words)
    assert all(bloom.BloomFilter.decoded(there).may_contain(hashed) for hashed in hashes)


def test_a_half_made_file_is_cleared_away_by_the_next_open() -> None:
    disk = disk_of({**sample().files, "IDENTITY.tmp": b"half", "notes.txt": b"mine"})
    Engine.open(DIRECTORY, sim_env(disk), options()).close()
    assert "IDENTITY.tmp" not in disk.list_dir(DIRECTORY)
    assert "notes.txt" in disk.list_dir(DIRECTORY)


def test_an_open_whose_clean_up_fails_succeeds_all_the_same() -> None:
    fs = FaultyFileSystem(disk_of(sample().files))
    engine = Engine.open(DIRECTORY, sim_env(fs), options())
    listings = [call.operation for call in fs.calls].count("list_dir")
    engine.close()
    again = FaultyFileSystem(disk_of(sample().files))
    again.fail(Fault("list_dir", nth=listings, for_ever=True))
    engine = Engine.open(DIRECTORY, sim_env(again), options())
    assert dict(engine.scan(b"", b"")) == sample().state
    engine.close()


class NetworkFileSystem(FaultyFileSystem):
    """A directory that another machine serves."""

    def network_kind(self, path: str) -> str:
        return "nfs4"


def test_a_directory_on_a_network_is_refused_unless_that_is_wanted() -> None:
    fs = NetworkFileSystem(MemFileSystem())
    with pytest.raises(ValidationError, match=r"network file system.*kind=nfs4"):
        Engine.open("db", sim_env(fs), EngineOptions())
    engine = Engine.open("db", sim_env(fs), EngineOptions(allow_network_dir=True))
    engine.write(WriteBatch().put(b"a", b"1"))
    engine.close()
    assert read_identity(fs, "db")


def test_a_large_sstable_is_written_in_pieces_and_searched_by_its_end() -> None:
    fs = MemFileSystem()
    engine = Engine.open("db", sim_env(fs), EngineOptions(block_size_bytes=500, compression="none"))
    first = engine.snapshot()
    for number in range(500):
        engine.write(WriteBatch().put(b"%04d" % number, bytes([number % 251]) * 700))
    engine.flush()
    seqno = engine.last_seqno
    with first:
        assert not engine.changed_since(b"0000", b"0100", seqno - 300)
        engine.write(WriteBatch().put(b"0300", b"new"))
        engine.flush()
        assert engine.changed_since(b"0290", b"0310", seqno)
    assert len(list(engine.scan(b"", b""))) == 500


def test_an_edit_that_names_an_unknown_file_is_refused() -> None:
    fs = recorded("manifest", "MANIFEST-000001", [(1, pack([1, 0, 2, 3, 0, 0, 0, [], [[0, 9]], []]))])
    found = read_manifest(fs, "db", 1, durable_size=0, database_id=ID)
    assert found.edits == [VersionEdit(removed=((0, 9),))]
    assert found.position == Position(2, 3, 0, 0, 0)
