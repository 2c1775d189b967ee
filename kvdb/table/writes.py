"""What a write does to one item: pure ``apply(old) -> new``, or a refusal.

A write knows the item and the condition of its request, nothing of tables, latches or disk. It
may be applied again to another ``old``: it keeps no trace of the last time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeAlias

from kvdb.api.items import ConditionCheck, DeleteItem, PutItem, UpdateItem
from kvdb.errors import ConditionalCheckFailed, ValidationError
from kvdb.expr.compiler import Condition, Placeholders, Update, compile_condition, compile_update
from kvdb.item.size import item_size, text_size, value_size
from kvdb.item.value import ITEM_TOO_LARGE, Item, normalise_item
from kvdb.limits import AWS, LimitsProfile
from kvdb.table import legacy

UPDATE_TOO_LARGE = "Item size to update has exceeded the maximum allowed size"
"""Source: dynalite, actions/updateItem.js."""
UPDATE_BYTES, WRITE_BYTES, CLEAR_BYTES = 3, 19, 2
"""What counts towards the size of an update besides attributes: itself, each SET or ADD, each REMOVE
or DELETE. Source: dynoxide, expressions/update.rs size_overhead, captured from the service."""

_NO_ITEM: Item = {}
_NO_NAMES: frozenset[str] = frozenset()


class Write(Protocol):
    """One write of one item."""

    @property
    def needs_old(self) -> bool:
        """Whether ``apply`` has to be given the stored item; if not, it may be given ``None``."""
        ...

    @property
    def nested_names(self) -> frozenset[str]:
        """The attributes that its expressions look or write into: no key attribute has an inside."""
        ...

    def apply(self, old: Item | None) -> Item | None:
        """What the row becomes; ``None``: no row. Pure.

        Raises:
            ConditionalCheckFailed: the condition does not hold for ``old``.
        """
        ...

    def size_of(self, new: Item, old: Item | None, old_size: int) -> int:
        """The published size of what ``apply`` gave for ``old``, which has ``old_size`` bytes. Pure.

        Raises:
            ValidationError: it is more than an item may have.
        """
        ...


class Guard:
    """A request's condition, and whether a refusal shows the item."""

    __slots__ = ("_condition", "_shows_item")

    def __init__(self, condition: Condition, *, shows_item: bool) -> None:
        self._condition = condition
        self._shows_item = shows_item

    @property
    def nested_names(self) -> frozenset[str]:
        """The attributes that the condition looks into."""
        return self._condition.nested_names

    def check(self, old: Item | None) -> None:
        """Raise ``ConditionalCheckFailed`` unless the condition holds; an absent item is an empty one."""
        if not self._condition.holds(_NO_ITEM if old is None else old):
            raise ConditionalCheckFailed(item=old if self._shows_item else None)


_Conditioned: TypeAlias = PutItem | UpdateItem | DeleteItem | ConditionCheck


def _placeholders_of(request: _Conditioned) -> Placeholders:
    return Placeholders(request.expression_attribute_names, request.expression_attribute_values)


def _guard_of(request: _Conditioned, placeholders: Placeholders) -> Guard | None:
    if request.condition_expression is not None:
        condition: Condition | None = compile_condition(request.condition_expression, placeholders)
    elif isinstance(request, ConditionCheck) or request.expected is None:
        return None
    else:
        condition = legacy.condition_of(request.expected, request.conditional_operator)
    if condition is None:
        return None
    shows_item = request.return_values_on_condition_check_failure == "ALL_OLD"
    return Guard(condition, shows_item=shows_item)


def sized_item(item: Mapping[str, object], profile: LimitsProfile = AWS) -> tuple[Item, int]:
    """A normalised copy of an item to store, and its size.

    Raises:
        ValidationError: a value is none of the ten types, or the item is larger than ``profile`` allows.
    """
    normal, size_bytes = normalise_item(item)
    if size_bytes > profile.item_bytes_max:
        raise ValidationError(ITEM_TOO_LARGE)
    return normal, size_bytes


class PutWrite:
    """The item becomes this one."""

    __slots__ = ("_guard", "item", "needs_old", "size_bytes")

    def __init__(
        self, item: Item, size_bytes: int, guard: Guard | None = None, *, needs_old: bool = False
    ) -> None:
        self.item = item
        """Normalised."""
        self.size_bytes = size_bytes
        self.needs_old = needs_old or guard is not None
        self._guard = guard

    @classmethod
    def of_request(cls, request: PutItem, profile: LimitsProfile = AWS) -> PutWrite:
        """Check what can be checked without the table, in the service's order."""
        item, size_bytes = sized_item(request.item, profile)
        return cls(item, size_bytes, _checked_guard(request), needs_old=_shows_old(request))

    @property
    def nested_names(self) -> frozenset[str]:
        return _looked_into(self._guard)

    def apply(self, old: Item | None) -> Item | None:
        if self._guard is not None:
            self._guard.check(old)
        return self.item

    def size_of(self, new: Item, old: Item | None, old_size: int) -> int:
        return self.size_bytes


class UpdateWrite:
    """Some attributes change; where there was no item, one with this key is made."""

    __slots__ = ("_guard", "_item_bytes_max", "_key", "_update", "needs_old", "touched_names")

    def __init__(
        self, key: Item, update: Update | None, guard: Guard | None = None, *, item_bytes_max: int
    ) -> None:
        self.needs_old = True
        self.touched_names: frozenset[str] = frozenset() if update is None else update.top_level_names
        """The attributes it writes or removes, in whole or in part."""
        self._key = key
        """Normalised."""
        self._update = update
        self._guard = guard
        self._item_bytes_max = item_bytes_max

    @classmethod
    def of_request(cls, request: UpdateItem, profile: LimitsProfile = AWS) -> UpdateWrite:
        """Check what can be checked without the table, in the service's order."""
        placeholders = _placeholders_of(request)
        update = None
        if request.update_expression is not None:
            update = compile_update(request.update_expression, placeholders)
        elif request.attribute_updates is not None:
            update = legacy.update_of(request.attribute_updates)
        guard = _guard_of(request, placeholders)
        placeholders.check_all_used()
        key, _ = normalise_item(request.key)
        return cls(key, update, guard, item_bytes_max=profile.item_bytes_max)

    @property
    def nested_names(self) -> frozenset[str]:
        looked_into = _looked_into(self._guard)
        return looked_into if self._update is None else self._update.nested_names | looked_into

    def apply(self, old: Item | None) -> Item | None:
        if self._guard is not None:
            self._guard.check(old)
        update = self._update
        if update is None:
            return self._key if old is None else old
        if old is None and not update.creates:
            return None
        return update.applied_to(self._key if old is None else old)

    def size_of(self, new: Item, old: Item | None, old_size: int) -> int:
        """Bounds the item, and what the update writes, which the service counts in its own way:
        the attributes it touches, as they come to be, and something for each action.

        Source: dynoxide #210 and ``size_overhead``, captured byte by byte from the service.
        """
        update = self._update
        if update is None:
            return item_size(new) if old is None else old_size
        touched = self._touched_size(new)
        size = item_size(new) if old is None else old_size - self._touched_size(old) + touched
        overhead = UPDATE_BYTES + WRITE_BYTES * update.set_count + CLEAR_BYTES * update.remove_count
        if max(size, touched + overhead) > self._item_bytes_max:
            raise ValidationError(UPDATE_TOO_LARGE)
        return size

    def shown(self, item: Item | None) -> Item | None:
        """What UPDATED_OLD or UPDATED_NEW shows of the item before or after; ``None`` when nothing."""
        if item is None or self._update is None:
            return None
        return self._update.touched_in(item) or None

    def _touched_size(self, item: Item) -> int:
        size = 0
        for name in self.touched_names:
            if name in item:
                size += text_size(name) + value_size(item[name])
        return size


class DeleteWrite:
    """The item goes; nothing happens where there is none."""

    __slots__ = ("_guard", "needs_old")

    def __init__(self, guard: Guard | None = None, *, needs_old: bool = False) -> None:
        self.needs_old = needs_old or guard is not None
        self._guard = guard

    @classmethod
    def of_request(cls, request: DeleteItem) -> DeleteWrite:
        return cls(_checked_guard(request), needs_old=_shows_old(request))

    @property
    def nested_names(self) -> frozenset[str]:
        return _looked_into(self._guard)

    def apply(self, old: Item | None) -> Item | None:
        if self._guard is not None:
            self._guard.check(old)
        return None

    def size_of(self, new: Item, old: Item | None, old_size: int) -> int:
        raise AssertionError("a delete leaves no item")


class CheckWrite:
    """Nothing happens: a transaction holds the item as it is, if its condition holds."""

    __slots__ = ("_guard",)
    needs_old = True

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    @classmethod
    def of_request(cls, request: ConditionCheck) -> CheckWrite:
        guard = _checked_guard(request)
        assert guard is not None, "a condition check has a condition"
        return cls(guard)

    @property
    def nested_names(self) -> frozenset[str]:
        return _looked_into(self._guard)

    def apply(self, old: Item | None) -> Item | None:
        self._guard.check(old)
        return old

    def size_of(self, new: Item, old: Item | None, old_size: int) -> int:
        return old_size


def _checked_guard(request: _Conditioned) -> Guard | None:
    """The guard of a request that has no other expression."""
    if request.condition_expression is None and (
        isinstance(request, ConditionCheck) or request.expected is None
    ):
        return None
    placeholders = _placeholders_of(request)
    guard = _guard_of(request, placeholders)
    placeholders.check_all_used()
    return guard


def _looked_into(guard: Guard | None) -> frozenset[str]:
    return _NO_NAMES if guard is None else guard.nested_names


def _shows_old(request: PutItem | DeleteItem) -> bool:
    """Whether the answer tells of the old item, or of its size."""
    return request.return_values == "ALL_OLD" or request.return_consumed_capacity != "NONE"
