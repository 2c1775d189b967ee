"""Whether the settings that another region tells of a table are any (``table/settings``). Pure.

A region is not believed: what none could come to by its own requests is refused, before it is stored. A
setting that only a later release knows is passed on as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, get_args

import msgpack

from kvdb import limits
from kvdb.api.tables import (
    AttributeType,
    BillingMode,
    ProjectionType,
    ResolverKind,
    StreamViewType,
    TableClass,
)
from kvdb.errors import CorruptionError
from kvdb.table.descriptor import SharedSetting, TableDescriptor
from kvdb.table.settings import NAMED

_SETTINGS_MAX: Final = 10_000
_UNKNOWN_BYTES_MAX: Final = 10_000
_is_index_name = re.compile(r"[a-zA-Z0-9_.-]{3,255}").fullmatch
_is_region_name = re.compile(r"[a-z0-9-]{1,255}").fullmatch


def check_settings(table: TableDescriptor, *, latest_ms: int) -> None:
    """Refuse a state that no table can be in.

    Raises:
        CorruptionError: a setting is not one, or was changed after ``latest_ms``.
    """
    settings, sharing = table.settings, table.replication
    changes = [setting.changed for setting in settings]
    if sharing is not None:
        changes.append(sharing.changed)
        for region in sharing.regions:
            if type(region) is not str or _is_region_name(region) is None:
                raise CorruptionError("a region without a proper name")
    if len(settings) > _SETTINGS_MAX or len({setting.name for setting in settings}) != len(settings):
        raise CorruptionError(f"settings that come twice, or are too many: {len(settings)}")
    for changed in changes:
        if not _is_stamp(changed):
            raise CorruptionError("a setting whose stamp is none")
        if changed[0] > latest_ms:
            raise CorruptionError("a setting from the future: the peer's clock is ahead")
    for setting in settings:
        if not _is_sound(setting):
            raise CorruptionError(f"a setting that is none: {setting.name!s:.80}")


def _is_sound(setting: SharedSetting) -> bool:
    name, value = setting.name, setting.value
    if type(name) is not str:
        return False
    kind = next((kind for kind in NAMED if name.startswith(kind)), name)
    if kind in NAMED:
        is_name = _is_region_name if kind in ("region:", "override:") else _is_index_name
        if is_name(name.removeprefix(kind)) is None:
            return False
        if value is None:
            return kind != "units:"
    return _RULES.get(kind, _is_passed_on)(value)


def _is_passed_on(value: object) -> bool:
    return len(msgpack.packb(value)) <= _UNKNOWN_BYTES_MAX


def _is_stamp(value: object) -> bool:
    return type(value) is tuple and len(value) == 3 and all(type(each) is int and each >= 0 for each in value)


def _is_units(value: object) -> bool:
    return type(value) is int and 0 <= value <= limits.CAPACITY_UNITS_MAX


def _is_bound(value: object) -> bool:
    return value is None or (_is_units(value) and value != 0)


def _is_attribute(name: object) -> bool:
    return type(name) is str and 0 < len(name) <= limits.ATTRIBUTE_NAME_BYTES_MAX


def _are_names(value: object) -> bool:
    return type(value) is tuple and all(map(_is_attribute, value))


def _are_index_units(value: object) -> bool:
    if type(value) is not tuple or len(value) != 6:
        return False
    return all(map(_is_units, value[:2])) and all(map(_is_bound, value[2:]))


def _is_stream(value: object) -> bool:
    if value is None:
        return True
    if type(value) is not tuple or len(value) != 2:
        return False
    view_type, retention_ms = value
    return (
        view_type in get_args(StreamViewType)
        and type(retention_ms) is int
        and 0 < retention_ms <= limits.STREAM_RETENTION_MS_MAX
    )


def _is_resolution(value: object) -> bool:
    if type(value) is not tuple or len(value) not in (4, 5):
        return False
    resolver, counters, sets, relays, *function = value
    return (
        resolver in get_args(ResolverKind)
        and _are_names(counters)
        and _are_names(sets)
        and relays in (0, 1)
        and all(type(name) is str and name for name in function)
    )


def _is_override(value: object) -> bool:
    if type(value) is not tuple or len(value) != 3:
        return False
    read, max_read, table_class = value
    return _is_bound(read) and _is_bound(max_read) and _RULES["class"](table_class)


def _is_definition(value: object) -> bool:
    if type(value) is not tuple or len(value) != 4:
        return False
    partition, sort, projection_type, others = value
    keys_max = limits.INDEX_KEY_ATTRIBUTES_MAX
    return (
        all(type(keys) is tuple and len(keys) <= keys_max for keys in (partition, sort))
        and len(partition) > 0
        and all(map(_is_key, (*partition, *sort)))
        and len({key[0] for key in (*partition, *sort)}) == len((*partition, *sort))
        and projection_type in get_args(ProjectionType)
        and _are_names(others)
        and len(others) <= limits.INDEX_INCLUDED_NAMES_MAX
    )


def _is_key(value: object) -> bool:
    return (
        type(value) is tuple
        and len(value) == 2
        and _is_attribute(value[0])
        and value[1] in get_args(AttributeType)
    )


_RULES: Final[dict[str, Callable[[object], bool]]] = {
    "billing": lambda value: value in get_args(BillingMode),
    "read": _is_units,
    "write": _is_units,
    "max-read": _is_bound,
    "max-write": _is_bound,
    "warm-read": _is_bound,
    "warm-write": _is_bound,
    "class": lambda value: value is None or value in get_args(TableClass),
    "ttl": lambda value: value is None or _is_attribute(value),
    "stream": _is_stream,
    "conflicts": _is_resolution,
    "region:": lambda value: value == 1 or _is_stamp(value),
    "override:": _is_override,
    "index:": _is_definition,
    "units:": _are_index_units,
}
