"""Backups by somebody who knows the formats: manifests with a right digest that say something else."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any

import msgpack

from kvdb.backup import names
from kvdb.backup.manifest import Manifest, sealed
from kvdb.lsm.sstable.writer import file_digest
from kvdb.testing import MemFileSystem

Change = Callable[[dict[str, Any], list[Any]], None]
"""Changes the fields of a manifest and the plain form of its image, in place."""


def forge(fs: MemFileSystem, backup_id: str, change: Change) -> None:
    """Change a manifest in ``store`` and seal it again."""
    content = fs._inode(f"store/{names.manifest_name(backup_id)}").content
    content[:] = forged(bytes(content), change)


def forged(data: bytes, change: Change) -> bytes:
    """A manifest's bytes after ``change``, under their own digest."""
    line = data.split(b"\n")[0]
    fields = json.loads(line)
    image = msgpack.unpackb(base64.b64decode(fields["image"]))
    before = fields["image"]
    change(fields, image)
    if fields["image"] == before:
        fields["image"] = base64.b64encode(msgpack.packb(image)).decode()
    return sealed(json.dumps(fields).encode())


def replace_part(fs: MemFileSystem, manifest: Manifest, place: int, content: bytes) -> str:
    """Have the manifest refer to other content for a part, all digests and sizes right; its new object."""
    sha256 = hashlib.sha256(content).digest()
    digest = file_digest()
    digest.update(content)
    part = manifest.parts[place]
    files = len(manifest.image.files)

    def change(fields: dict[str, Any], image: list[Any]) -> None:
        fields["parts"][place] |= {"size": len(content), "sha256": sha256.hex()}
        if place < files:
            image[3][place][3:5] = [len(content), digest.digest()]
        else:
            image[4][place - files][1] = len(content)

    forge(fs, manifest.backup_id, change)
    name = part._replace(size=len(content), sha256=sha256).object_name
    if not fs.exists(f"store/{name}"):
        file = fs.create(f"store/{name}")
        file.append(content)
        file.sync()
        file.close()
    return name


def tree(fs: MemFileSystem, path: str = "") -> dict[str, bytes]:
    """Every file under ``path`` and its content; an empty directory has a name that ends with a slash."""
    found: dict[str, bytes] = {}
    for name in fs.list_dir(path or "/"):
        at = f"{path}/{name}" if path else name
        if fs.is_dir(at):
            found |= tree(fs, at) or {at + "/": b""}
        else:
            found[at] = bytes(fs._inode(at).content)
    return found


# Manifests that must be refused.


def _set(name: str, value: object) -> Change:
    def change(fields: dict[str, Any], image: list[Any]) -> None:
        fields[name] = value

    return change


def _part(name: str, value: object, place: int = 0) -> Change:
    def change(fields: dict[str, Any], image: list[Any]) -> None:
        fields["parts"][place][name] = value

    return change


def _file(field: int, value: object, place: int = 0) -> Change:
    """``field`` of the image's file: 0 is the level, then as in ``FileMeta``."""

    def change(fields: dict[str, Any], image: list[Any]) -> None:
        image[3][place][field] = value

    return change


def _image(field: int, value: object) -> Change:
    def change(fields: dict[str, Any], image: list[Any]) -> None:
        image[field] = value

    return change


def _table(name: str, value: object) -> Change:
    def change(fields: dict[str, Any], image: list[Any]) -> None:
        fields["tables"][0][name] = value

    return change


def _before_itself(fields: dict[str, Any], image: list[Any]) -> None:
    fields["previous"] = {"backup_id": fields["backup_id"], "digest": "0" * 64}


def _twice(name: str) -> Change:
    def change(fields: dict[str, Any], image: list[Any]) -> None:
        fields[name].append(fields[name][0])

    return change


def _of_a_stranger(fields: dict[str, Any], image: list[Any]) -> None:
    """Another database's id, in both places: its logs are not of that one."""
    image[0] = b"\7" * 16
    fields["database_id"] = image[0].hex()


def _deep(fields: dict[str, Any], image: list[Any]) -> None:
    image[2] = "[" * 10_000
    fields["tables"] = nested = []
    for _ in range(500):
        nested.append([])
        nested = nested[0]


def _levels_that_overlap(fields: dict[str, Any], image: list[Any]) -> None:
    """All files on one level, where they may not overlap."""
    for file in image[3]:
        file[0] = 1


HOSTILE: list[Change] = [
    *(
        _part("file", name)
        for name in ("../../etc/passwd", "/etc/passwd", "CURRENT", "000001.sst\0", "a/b", "")
    ),
    *(_part("file", value) for value in ("000099.sst", "LOCK", "..", 7, None, ["000001.sst"])),
    *(_part("size", size) for size in (-1, 1 << 63, "12", None, 1.5, True)),
    *(_part("sha256", digest) for digest in ("", "00", "zz" * 32, "../" * 21 + "x", None, "0" * 66)),
    *(_file(1, number) for number in (0, -1, 10**18, "1")),
    *(_file(0, level) for level in (-1, 7, 1 << 40)),
    _file(3, 1 << 60),
    _file(3, 12),
    _file(11, 1 << 55),
    _file(6, b""),
    *(_image(0, value) for value in (b"short", "text", None)),
    *(_image(1, seqno) for seqno in (-1, 0, 1 << 60)),
    *(_image(5, position) for position in ([], [0] * 5, [1, 1, 1, 1, 1], None)),
    _image(4, [[3, 100], [2, 100]]),
    _image(3, []),
    *(_table("id", value) for value in (0, -1, 1 << 32, "1")),
    *(_table("name", value) for value in ("", "x" * 300, 5)),
    *(_set("tables", value) for value in (None, {}, "one", [1], [[]])),
    *(_set("backup_id", value) for value in ("../x", "", "00000000000000-00000000", 7)),
    *(_set("seqno", value) for value in (1, -1, None)),
    *(_set("kind", value) for value in ("other", None)),
    *(_set("previous", value) for value in ({"backup_id": "../x", "digest": "0" * 64}, [], 1)),
    _set("parts", []),
    _set("image", "not base64!"),
    _set("image", base64.b64encode(b"\xdd\xff\xff\xff\xff").decode()),
    _set("image", base64.b64encode(b"\x91" * 100_000).decode()),
    _set("format_version", 0.5),
    _set("is_whole", 1),
    _before_itself,
    _twice("parts"),
    _twice("tables"),
    _of_a_stranger,
    _deep,
    _levels_that_overlap,
    _set("previous", {"backup_id": "00000000000001-00000000", "digest": "../" * 21 + "x"}),
    _set("parts", [{}] * 100_000),
    _set("database_id", "00" * 16),
]
