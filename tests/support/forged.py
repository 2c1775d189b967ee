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
