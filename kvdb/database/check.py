"""Checks of a database in use, as requests: begun here, done by the engine's ``lsm/scrub``."""

from __future__ import annotations

from kvdb.api.admin import (
    CheckDescription,
    CheckFinding,
    CheckStatus,
    DescribeCheckResult,
    StartCheck,
    StartCheckResult,
)
from kvdb.lsm.engine import Engine
from kvdb.lsm.scrub import PassStatus


def start_check(engine: Engine, request: StartCheck) -> StartCheckResult:
    """Begin a check, or join one."""
    return StartCheckResult(_described(engine.start_check(deep=request.deep)))


def describe_check(engine: Engine) -> DescribeCheckResult:
    """How the last passes have gone so far."""
    check, scrub = engine.last_check, engine.last_scrub
    return DescribeCheckResult(
        None if check is None else _described(check), None if scrub is None else _described(scrub)
    )


def _described(status: PassStatus) -> CheckDescription:
    report = status.report
    return CheckDescription(
        check_id=status.number,
        status=_status_of(status),
        is_deep=status.is_deep,
        started_ms=status.started_ms,
        ended_ms=status.ended_ms,
        bytes_total=status.bytes_total,
        bytes_read=report.bytes_read,
        sstables=report.sstables,
        blocks=report.blocks,
        entries=report.entries,
        damaged=report.damaged,
        findings=tuple(CheckFinding(*finding) for finding in tuple(report.findings)),
        error=status.error,
    )


def _status_of(status: PassStatus) -> CheckStatus:
    if status.is_running:
        return "RUNNING"
    if status.error is not None:
        return "FAILED"
    return "CLEAN" if status.report.is_clean else "DAMAGED"
