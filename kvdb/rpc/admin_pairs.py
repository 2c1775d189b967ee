"""The messages of ``admin.proto``, a pair each."""

from __future__ import annotations

from kvdb.api import admin
from kvdb.rpc import fields
from kvdb.rpc.fields import Pair
from kvdb.rpc.gen import admin_pb2

_FINDING = Pair(
    admin.CheckFinding,
    admin_pb2.CheckFinding,
    fields.enum("severity", "FINDING_SEVERITY_", "damage", "note"),
    fields.scalar("file"),
    fields.scalar("offset"),
    fields.scalar("message"),
)
_CHECK = Pair(
    admin.CheckDescription,
    admin_pb2.CheckDescription,
    fields.scalar("check_id"),
    fields.enum("status", "CHECK_STATUS_", "RUNNING", "CLEAN", "DAMAGED", "FAILED"),
    fields.flag("is_deep"),
    fields.scalar("started_ms"),
    fields.optional("ended_ms"),
    *map(fields.scalar, ("bytes_total", "bytes_read", "sstables", "blocks", "entries", "damaged")),
    fields.messages("findings", _FINDING, tuple),
    fields.optional("error"),
)

START_CHECK = Pair(admin.StartCheck, admin_pb2.StartCheckRequest, fields.flag("deep"))
START_CHECK_RESULT = Pair(
    admin.StartCheckResult, admin_pb2.StartCheckResponse, fields.message("check", _CHECK)
)
DESCRIBE_CHECK = Pair(admin.DescribeCheck, admin_pb2.DescribeCheckRequest)
DESCRIBE_CHECK_RESULT = Pair(
    admin.DescribeCheckResult,
    admin_pb2.DescribeCheckResponse,
    fields.optional_message("check", _CHECK),
    fields.optional_message("scrub", _CHECK),
)
