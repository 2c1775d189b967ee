"""Tags of a table. Pure. Sources: API Reference, TagResource; ack-api-quirks, October 2026 (messages)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from kvdb import limits
from kvdb.api.tables import Tag
from kvdb.api.validation.settings import TOO_MANY_TAGS
from kvdb.errors import ValidationError
from kvdb.table.descriptor import TableDescriptor


def with_tags(table: TableDescriptor, added: Sequence[Tag]) -> TableDescriptor:
    """A tag with a key the table has already replaces that one.

    Raises:
        ValidationError: there would be more than 50.
    """
    values = {tag.key: tag.value for tag in (*table.tags, *added)}
    if len(values) > limits.TAGS_MAX:
        raise ValidationError(TOO_MANY_TAGS)
    return replace(table, tags=tuple(Tag(key, value) for key, value in values.items()))


def without_tags(table: TableDescriptor, keys: Collection[str]) -> TableDescriptor:
    """Keys the table does not have are no fault."""
    return replace(table, tags=tuple(tag for tag in table.tags if tag.key not in keys))
