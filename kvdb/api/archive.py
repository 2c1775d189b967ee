"""Requests and results of the continuous archive: settings of tables, labels, how it is doing.

Times are milliseconds since 1970; the service's calls have seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

OnOff = Literal["ENABLED", "DISABLED"]
ArchiveState = Literal["starting", "ok", "behind", "gap", "fenced", "stopped"]
"""starting: there is no base yet. behind: the store fails, the log waits. gap: a part of the log is lost to
the archive, and there is no base behind it yet. fenced: another writer has taken over."""


@dataclass(frozen=True, slots=True)
class ContinuousBackupsDescription:
    """What can be restored of one table."""

    continuous_backups_status: OnOff
    """Whether the database has an archive."""
    point_in_time_recovery_status: OnOff = "DISABLED"
    recovery_period_days: int | None = None
    earliest_restorable_ms: int | None = None
    """From here on every millisecond, up to the latest; ``None``: none yet, or it is disabled."""
    latest_restorable_ms: int | None = None


@dataclass(frozen=True, slots=True)
class UpdateContinuousBackups:
    """Turn point-in-time recovery of a table on or off. Source: API Reference."""

    table_name: str
    enabled: bool
    recovery_period_days: int | None = None
    """1 to 35; ``None``: as long as the archive keeps."""


@dataclass(frozen=True, slots=True)
class UpdateContinuousBackupsResult:
    continuous_backups: ContinuousBackupsDescription


@dataclass(frozen=True, slots=True)
class DescribeContinuousBackups:
    """Source: API Reference, DescribeContinuousBackups."""

    table_name: str


@dataclass(frozen=True, slots=True)
class DescribeContinuousBackupsResult:
    continuous_backups: ContinuousBackupsDescription


@dataclass(frozen=True, slots=True)
class ArchiveDescription:
    """How the archive of a database is doing."""

    url: str
    database_id: str
    state: ArchiveState
    reason: str
    """Why it is not ok; empty: nothing to tell."""
    seqno: int
    """The newest commit in the archive."""
    last_seqno: int
    """The newest commit of the database."""
    complete_ms: int
    """Up to this time every write is in the archive."""
    lag_ms: int
    held_bytes: int
    """Of the log, on disk for the archive's sake."""
    gaps: int
    """Since the database was opened."""
    window_days: int
    epoch: str | None = None
    earliest_ms: int | None = None
    """From here on every point can be restored."""
    base_seqno: int | None = None


@dataclass(frozen=True, slots=True)
class DescribeArchive:
    """Native."""


@dataclass(frozen=True, slots=True)
class DescribeArchiveResult:
    archive: ArchiveDescription | None = None
    """``None``: the database has none."""


@dataclass(frozen=True, slots=True)
class LabelArchive:
    """Give the present a name in the archive. Native."""

    label: str


@dataclass(frozen=True, slots=True)
class LabelArchiveResult:
    label: str
    seqno: int
    wall_ms: int


ArchiveRequest: TypeAlias = (
    UpdateContinuousBackups | DescribeContinuousBackups | DescribeArchive | LabelArchive
)
ArchiveResult: TypeAlias = (
    UpdateContinuousBackupsResult
    | DescribeContinuousBackupsResult
    | DescribeArchiveResult
    | LabelArchiveResult
)
