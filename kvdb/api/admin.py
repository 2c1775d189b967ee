"""Requests and results of what operators ask for. All of it is native: the service has no such calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CheckStatus = Literal["RUNNING", "CLEAN", "DAMAGED", "FAILED"]
FindingSeverity = Literal["damage", "note"]


@dataclass(frozen=True, slots=True)
class CheckFinding:
    """One thing found. ``offset`` is -1 where it is about the whole file."""

    severity: FindingSeverity
    file: str
    offset: int
    message: str


@dataclass(frozen=True, slots=True)
class CheckDescription:
    """A pass over every sstable: how far it has come, or how it ended."""

    check_id: int
    """Counted from 1 since the database was opened, checks and scrubs apart."""
    status: CheckStatus
    is_deep: bool = False
    started_ms: int = 0
    ended_ms: int | None = None
    bytes_total: int = 0
    """What the files held when it began; ``bytes_read`` of them are done."""
    bytes_read: int = 0
    sstables: int = 0
    blocks: int = 0
    entries: int = 0
    damaged: int = 0
    """How many findings are damage, those left out of ``findings`` too."""
    findings: tuple[CheckFinding, ...] = ()
    """The first thousand."""
    error: str | None = None
    """Why it FAILED to go on to its end."""


@dataclass(frozen=True, slots=True)
class StartCheck:
    """Check every sstable at full speed, while calls go on; or join a check under way that is as deep."""

    deep: bool = False
    """Look at every key: filters, and the order of versions."""


@dataclass(frozen=True, slots=True)
class StartCheckResult:
    check: CheckDescription


@dataclass(frozen=True, slots=True)
class DescribeCheck:
    """The last check that was asked for, and the last scrub, since the database was opened."""


@dataclass(frozen=True, slots=True)
class DescribeCheckResult:
    check: CheckDescription | None = None
    scrub: CheckDescription | None = None
