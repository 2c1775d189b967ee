"""What another database says of its table: read, and refused unless it could be a table of this one. Pure.

A peer is not believed (see ``settings_check`` for what regions have in common): a description becomes a
table here, in the catalog, so each value must be of its type, and what the engine's keys and the catalog
rely on must hold: proper names, and numbers of indexes that are each given once.
"""

from __future__ import annotations

import re
import types
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Final, Literal, Union, get_args, get_origin, get_type_hints

from kvdb import limits
from kvdb.errors import CorruptionError
from kvdb.table.descriptor import IndexDescriptor, SharedSetting, TableDescriptor, decode_described
from kvdb.table.keys import COUNTERS_NUMBER

_INT_MAX: Final = (1 << 63) - 1
_TEXT_MAX: Final = 65_536
_STAMP: Final = tuple[int, int, int]
_KEPT_MAX: Final = 512
"""Peers tell the same every other second."""
_is_name = re.compile(r"[a-zA-Z0-9_.-]{3,255}").fullmatch


@lru_cache(_KEPT_MAX)
def table_described(data: bytes) -> TableDescriptor:
    """The descriptor of another database's table.

    Raises:
        CorruptionError: it is none, or not one that a table here could have.
    """
    table = decode_described(data)
    hints = get_type_hints(TableDescriptor)
    fault = next((name for name, value in _parts(table) if not _is_of(value, hints[name])), None)
    if fault is not None:
        raise CorruptionError(f"the table's description is none: {fault}")
    if (reason := _why_not(table)) is not None:
        raise CorruptionError(f"the table's description is none: {reason}")
    return table


def _why_not(table: TableDescriptor) -> str | None:
    local = [index for index in table.indexes if index.kind == "LOCAL"]
    numbers = [index.number for index in table.indexes]
    numbers += [
        setting.number for setting in (table.ttl, table.stream) if setting is not None and setting.number
    ]
    names = [index.name for index in table.indexes]
    if _is_name(table.name) is None or not all(map(_is_name, names)) or len(set(names)) != len(names):
        return "a name that is none, or comes twice"
    if not all(0 < len(key.name.encode()) <= limits.KEY_ATTRIBUTE_NAME_BYTES_MAX for key in table.keys):
        return "a key attribute without a proper name"
    if len({key.name for key in table.keys}) != len(table.keys):
        return "a key attribute that comes twice"
    if len(set(numbers)) != len(numbers) or not all(0 < number < COUNTERS_NUMBER for number in numbers):
        return "a number of an index that is none, or comes twice"
    if not max(numbers, default=0) < table.next_index_number <= COUNTERS_NUMBER:
        return "a number for the next index that is given already"
    if len(local) > limits.LOCAL_INDEXES_MAX or len(names) > len(local) + limits.GLOBAL_INDEXES_MAX:
        return "too many indexes"
    if len(table.tags) > limits.TAGS_MAX:
        return "too many tags"
    if not all(_has_keys(index, table) for index in table.indexes):
        return "an index with other keys than one can have"
    return None


def _has_keys(index: IndexDescriptor, table: TableDescriptor) -> bool:
    if index.kind == "LOCAL":
        return index.partition == (table.partition,) and len(index.sort) == 1
    keys_max = limits.INDEX_KEY_ATTRIBUTES_MAX
    return 0 < len(index.partition) <= keys_max and len(index.sort) <= keys_max


# Types. Only what descriptors are made of.


def _parts(value: object) -> list[tuple[str, object]]:
    assert is_dataclass(value)
    return [(field.name, getattr(value, field.name)) for field in fields(value)]


def _is_of(value: object, kind: object) -> bool:
    origin, arguments = get_origin(kind), get_args(kind)
    if isinstance(value, SharedSetting):
        # What its value may be goes by its name.
        return kind is SharedSetting and _is_of(value.name, str) and _is_of(value.changed, _STAMP)
    if origin in (Union, types.UnionType):
        return any(_is_of(value, each) for each in arguments)
    if origin is Literal:
        return isinstance(value, str) and value in arguments
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        if arguments[1:] == (...,):
            return all(_is_of(each, arguments[0]) for each in value)
        return len(value) == len(arguments) and all(map(_is_of, value, arguments))
    assert isinstance(kind, type), kind
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return type(value) is kind and all(_is_of(part, hints[name]) for name, part in _parts(value))
    if type(value) is not kind:
        return False
    if isinstance(value, int):
        return 0 <= value <= _INT_MAX
    return not isinstance(value, str | bytes) or len(value) <= _TEXT_MAX
