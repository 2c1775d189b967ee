"""Amazon resource names: how tables, indexes and streams are named in full.

    table  arn:aws:dynamodb:REGION:ACCOUNT:table/NAME
    index  table ARN /index/NAME
    stream table ARN /stream/LABEL
    backup table ARN /backup/ID, or arn:aws:dynamodb:REGION:ACCOUNT:database/backup/ID    all of it: native

Wherever a request names a table, the table's ARN serves as well (service model, ``TableArn``).
Region and account are settings of the database; an ARN with others names nothing here.
"""

from __future__ import annotations

import re

_TABLE_ARN = re.compile(
    r"(arn:aws[a-z-]*:dynamodb:[a-zA-Z0-9-]+:[0-9]{12}:table/)([a-zA-Z0-9_.-]{3,255})", re.ASCII
)


_BACKUP_ID = re.compile("[0-9]{14}-[0-9a-f]{8}")
_BACKUP_ARN = re.compile(
    r"arn:aws[a-z-]*:dynamodb:[a-zA-Z0-9-]+:[0-9]{12}:(?:database|table/[a-zA-Z0-9_.-]{3,255})/backup/(.*)",
    re.ASCII,
)


def is_arn(text: str) -> bool:
    """Whether a table's name is meant to be an ARN: a name has no colon."""
    return text.startswith("arn:")


def table_arn_parts(text: str) -> tuple[str, str] | None:
    """The part of a table's ARN before its name, and the name; ``None`` if it is no table's ARN."""
    match = _TABLE_ARN.fullmatch(text)
    return None if match is None else (match[1], match[2])


def table_arn_prefix(region: str, account: str) -> str:
    """What the ARNs of all tables of a database begin with."""
    return f"arn:aws:dynamodb:{region}:{account}:table/"


def index_arn(table_arn: str, index_name: str) -> str:
    return f"{table_arn}/index/{index_name}"


def table_name_of(resource_arn: str) -> str | None:
    """The name of the table in its ARN, or in that of an index of it."""
    parts = table_arn_parts(resource_arn.partition("/index/")[0])
    return None if parts is None else parts[1]


def database_arn(table_arn_prefix: str) -> str:
    """What the ARNs of backups of a whole database begin with."""
    return table_arn_prefix.removesuffix("table/") + "database"


def is_backup_id(text: str) -> bool:
    return _BACKUP_ID.fullmatch(text) is not None


def backup_id_of(text: str) -> str | None:
    """The id in a backup's ARN, or an id itself; ``None``: neither."""
    match = _BACKUP_ARN.fullmatch(text)
    backup_id = text if match is None else match[1]
    return backup_id if is_backup_id(backup_id) else None


def stream_arn(table_arn: str, label: str) -> str:
    return f"{table_arn}/stream/{label}"
