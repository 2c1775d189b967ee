"""What a table is: its names, its key schema, and the stored form of both.

Stored form, the value of a catalog entry (see ``table/keys``):

    descriptor := msgpack [1, table_id, name, uuid, created_ms, attribute, attribute | nil]
    attribute  := [name, "S" | "N" | "B"]                partition key, then sort key

``table_id`` is the number that engine keys start with; it is never given twice, so a table
made again under an old name cannot meet the old rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import msgpack

from kvdb.api.tables import (
    AttributeDefinition,
    AttributeType,
    CreateTable,
    KeySchemaElement,
    TableDescription,
    TableStatus,
)
from kvdb.errors import CorruptionError

_FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class KeyAttribute:
    """One key attribute and the only type its values may have."""

    name: str
    type: AttributeType


@dataclass(frozen=True, slots=True)
class TableDescriptor:
    """One table, as the catalog keeps it."""

    table_id: int
    name: str
    uuid: str
    created_ms: int
    partition: KeyAttribute
    sort: KeyAttribute | None

    @classmethod
    def of_request(
        cls, request: CreateTable, *, table_id: int, uuid: str, created_ms: int
    ) -> TableDescriptor:
        """The table a checked ``CreateTable`` asks for."""
        types = {
            definition.attribute_name: definition.attribute_type
            for definition in request.attribute_definitions
        }
        keys = [
            KeyAttribute(element.attribute_name, types[element.attribute_name])
            for element in request.key_schema
        ]
        sort = keys[1] if len(keys) == 2 else None
        return cls(table_id, request.table_name, uuid, created_ms, keys[0], sort)

    def described(self, status: TableStatus) -> TableDescription:
        """What ``DescribeTable`` tells."""
        keys = [self.partition] if self.sort is None else [self.partition, self.sort]
        return TableDescription(
            table_name=self.name,
            table_status=status,
            table_id=self.uuid,
            creation_date_time_ms=self.created_ms,
            key_schema=tuple(
                KeySchemaElement(key.name, "RANGE" if key is self.sort else "HASH") for key in keys
            ),
            attribute_definitions=tuple(AttributeDefinition(key.name, key.type) for key in keys),
        )

    def encoded(self) -> bytes:
        """The stored form."""
        sort = None if self.sort is None else [self.sort.name, self.sort.type]
        return cast(
            bytes,
            msgpack.packb(
                [
                    _FORMAT_VERSION,
                    self.table_id,
                    self.name,
                    self.uuid,
                    self.created_ms,
                    [self.partition.name, self.partition.type],
                    sort,
                ]
            ),
        )


def decode_descriptor(data: bytes) -> TableDescriptor:
    """The descriptor of a stored form.

    Raises:
        CorruptionError: ``data`` is not one, or of a format this kvdb does not know.
    """
    try:
        format_version, table_id, name, uuid, created_ms, partition, sort = msgpack.unpackb(data)
        if format_version != _FORMAT_VERSION:
            raise CorruptionError(f"table descriptor has an unknown format version={format_version}")
        return TableDescriptor(
            table_id,
            name,
            uuid,
            created_ms,
            KeyAttribute(*partition),
            None if sort is None else KeyAttribute(*sort),
        )
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise CorruptionError("table descriptor is not readable") from error
