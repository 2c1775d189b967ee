"""The names of every file in a database directory, and the parse back.

CURRENT  IDENTITY  LOCK  BALLAST         one each
MANIFEST-000007  000012.log  000013.sst numbered from one shared counter
*.tmp                                   half-made; removed at open
quarantine/                             torn log tails, kept for people
RESTORING                               a restore is under way here; ``parse`` takes it for a stranger, so
                                        that nobody opens what has no IDENTITY yet
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

CURRENT = "CURRENT"
IDENTITY = "IDENTITY"
LOCK = "LOCK"
BALLAST = "BALLAST"
QUARANTINE = "quarantine"
RESTORING = "RESTORING"

FileKind = Literal[
    "current", "identity", "lock", "ballast", "quarantine", "manifest", "log", "sstable", "temporary"
]

_FIXED: dict[str, FileKind] = {
    CURRENT: "current",
    IDENTITY: "identity",
    LOCK: "lock",
    BALLAST: "ballast",
    QUARANTINE: "quarantine",
    f"{CURRENT}.tmp": "temporary",
    f"{IDENTITY}.tmp": "temporary",
}
_NUMBERED = re.compile(
    r"(?:MANIFEST-(?P<manifest>\d{6,18})|(?P<log>\d{6,18})\.log|(?P<sstable>\d{6,18})\.sst)\Z"
)


class FileName(NamedTuple):
    """What a name says: its kind, and its number (0 where the kind has none)."""

    kind: FileKind
    number: int


def manifest_name(number: int) -> str:
    return f"MANIFEST-{number:06d}"


def log_name(number: int) -> str:
    return f"{number:06d}.log"


def sstable_name(number: int) -> str:
    return f"{number:06d}.sst"


def parse(name: str) -> FileName | None:
    """The kind and number of one of our files; ``None`` for a stranger."""
    if name in _FIXED:
        return FileName(_FIXED[name], 0)
    match = _NUMBERED.match(name)
    if match is None:
        return None
    if match["manifest"]:
        return FileName("manifest", int(match["manifest"]))
    if match["log"]:
        return FileName("log", int(match["log"]))
    return FileName("sstable", int(match["sstable"]))
