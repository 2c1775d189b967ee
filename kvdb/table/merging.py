"""Merging two versions of one item attribute by attribute. Pure.

A ``MergeState`` stands beside the item it was made with and says of every part of it when it was
written. Two states of one item, wherever and in whatever order their writes were made, have one
``merged`` state: the operation is commutative, associative and idempotent, so regions that have
exchanged all states have the same one, and the same item.

- An attribute is what its latest write made of it, or is absent if that removed it.
- A *counter* is a number that is the sum of what each region has added: a region's part is replaced by
  a later part of the same region only. A local SET counts as adding the difference to what was there,
  a removal as taking away all that was seen.
- A *set* (SS, NS, BS) is merged element by element, the latest adding or removing of each deciding.
- The item is there if its latest write left one, and a delete takes every attribute and element
  written before it; what other regions wrote later, or added to a counter without knowing of the
  delete, stays.

Key attributes take no part. A sum beyond the range or the 38 digits of a number is cut to them.

Form, as plain values for ``table/lineage``:

    merge   := [stamp, stamp | nil, {name: [stamp, kind]}, {name: {region: [wall_ms, counter, text]}},
                {name: [[element, stamp, present] ...]}]
               latest write that left the item, latest delete, attributes, parts of counters, elements
    stamp   := [wall_ms, counter, region]
    kind    0 absent, 1 as it stands in the item, 2 a counter, 3 SS, 4 NS, 5 BS
    element   "S" and a string, "N" and the text of a number, or bytes
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import Final, TypeAlias

from kvdb import limits
from kvdb.env.hlc import Stamp
from kvdb.item import number
from kvdb.item.path import MISSING
from kvdb.item.value import Item, equals, type_name

_ABSENT, _PLAIN, _COUNTER = 0, 1, 2
_SET_KINDS: Final = {"SS": 3, "NS": 4, "BS": 5}
# Enough for the sum of any two numbers to be exact.
_EXACT: Final = Context(prec=600, Emax=999_999, Emin=-999_999)
_STORED: Final = Context(prec=limits.NUMBER_DIGITS_MAX, Emax=999_999, Emin=-999_999)
_LARGEST: Final = Decimal("9." + "9" * (limits.NUMBER_DIGITS_MAX - 1) + "E+125")
_SMALLEST: Final = Decimal("1E-130")

Element: TypeAlias = "str | bytes"


@dataclass(frozen=True, slots=True)
class MergeRules:
    """Which attributes of a table are more than plain ones."""

    counters: frozenset[str] = frozenset()
    sets: frozenset[str] = frozenset()


@dataclass(slots=True)
class MergeState:
    """When every part of an item was written."""

    alive: Stamp
    """The latest write that left an item."""
    floor: Stamp | None = None
    """The latest delete: what is not later is gone."""
    attributes: dict[str, tuple[Stamp, int]] = field(default_factory=dict)
    """Name -> when, and what kind of value it is since; never at or before ``floor``."""
    counters: dict[str, dict[int, tuple[int, int, Decimal]]] = field(default_factory=dict)
    """Name -> region -> wall time and counter of its latest addition, and the sum of all of them."""
    sets: dict[str, dict[Element, tuple[Stamp, bool]]] = field(default_factory=dict)
    """Name -> element -> when it was added or removed, and which of the two."""

    @property
    def is_there(self) -> bool:
        return self.floor is None or self.alive > self.floor


def state_of_plain(item: Item, key_names: Container[str], stamp: Stamp, rules: MergeRules) -> MergeState:
    """The state of an item that was written as a whole."""
    state = MergeState(stamp)
    _note_changes(state, {}, item, key_names, stamp, rules)
    return state


def state_of_none(stamp: Stamp) -> MergeState:
    """The state of an item that was deleted as a whole."""
    return MergeState(Stamp(0, 0, 0), stamp)


def written(
    state: MergeState,
    old: Item | None,
    new: Item | None,
    key_names: Container[str],
    stamp: Stamp,
    rules: MergeRules,
) -> MergeState:
    """The state after a local write that made ``new`` of ``old``."""
    after = MergeState(
        state.alive,
        state.floor,
        dict(state.attributes),
        {name: dict(parts) for name, parts in state.counters.items()},
        {name: dict(elements) for name, elements in state.sets.items()},
    )
    _note_changes(after, old or {}, new or {}, key_names, stamp, rules)
    if new is None:
        after.floor = stamp
        _sink(after)
    else:
        after.alive = stamp
    return after


def _note_changes(
    state: MergeState, old: Item, new: Item, key_names: Container[str], stamp: Stamp, rules: MergeRules
) -> None:
    for name in sorted({*old, *new}):
        if name in key_names:
            continue
        before, after = old.get(name, MISSING), new.get(name, MISSING)
        if before is not MISSING and after is not MISSING and equals(before, after):
            continue
        state.attributes[name] = (stamp, _kind(name, after, rules))
        if name in rules.counters:
            _add_part(state, name, _EXACT.subtract(_amount(after), _counted(state, name)), stamp)
        if name in rules.sets:
            _note_elements(state, name, _elements(before), _elements(after), stamp)


def _kind(name: str, value: object, rules: MergeRules) -> int:
    if value is MISSING:
        return _ABSENT
    if name in rules.counters and type(value) in (int, Decimal):
        return _COUNTER
    if name in rules.sets and isinstance(value, set):
        return _SET_KINDS[type_name(value)]
    return _PLAIN


def _amount(value: object) -> Decimal:
    return Decimal(value) if type(value) in (int, Decimal) else Decimal(0)  # type: ignore[arg-type]


def _add_part(state: MergeState, name: str, amount: Decimal, stamp: Stamp) -> None:
    parts = state.counters.setdefault(name, {})
    own = parts.get(stamp.region)
    total = amount if own is None else _EXACT.add(own[2], amount)
    parts[stamp.region] = (stamp.wall_ms, stamp.counter, total)


def _counted(state: MergeState, name: str) -> Decimal:
    """The sum of all parts."""
    total = Decimal(0)
    for part in state.counters.get(name, {}).values():
        total = _EXACT.add(total, part[2])
    return total


def _elements(value: object) -> set[Element]:
    if not isinstance(value, set):
        return set()
    return {_element(each) for each in value}


def _element(value: object) -> Element:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return "S" + value
    assert isinstance(value, (int, Decimal)), "sets are of strings, numbers or bytes"
    return "N" + number.to_text(value)


def _note_elements(state: MergeState, name: str, old: set[Element], new: set[Element], stamp: Stamp) -> None:
    elements = state.sets.setdefault(name, {})
    for element in old - new:
        elements[element] = (stamp, False)
    for element in new - old:
        elements[element] = (stamp, True)


def merged(
    one: MergeState, one_item: Item, other: MergeState, other_item: Item, key: Item
) -> tuple[MergeState, Item | None]:
    """What two versions come to; ``None``: there is no item. The items of absent ones are their keys."""
    floors = [each for each in (one.floor, other.floor) if each is not None]
    state = MergeState(max(one.alive, other.alive), max(floors, default=None))
    state.counters = _joined_counters(one, other)
    for name in {*one.sets, *other.sets}:
        state.sets[name] = _joined_elements(one.sets.get(name, {}), other.sets.get(name, {}))
    is_mine: dict[str, bool] = {}
    for name in sorted({*one.attributes, *other.attributes}):
        mine, theirs = one.attributes.get(name), other.attributes.get(name)
        is_mine[name] = theirs is None or (mine is not None and mine >= theirs)
        entry = mine if is_mine[name] else theirs
        assert entry is not None, "one of the two has it"
        state.attributes[name] = entry
    _sink(state)
    if not state.is_there:
        return state, None
    item: Item = dict(key)
    for name, (_, kind) in state.attributes.items():
        if kind == _PLAIN:
            item[name] = (one_item if is_mine[name] else other_item)[name]
        elif kind == _COUNTER:
            item[name] = _stored_number(_counted(state, name))
        elif kind != _ABSENT and (members := _members(state.sets.get(name, {}), kind)):
            item[name] = members
    return state, item


def _members(elements: dict[Element, tuple[Stamp, bool]], kind: int) -> set[object]:
    present = [element for element, (_, is_present) in elements.items() if is_present]
    if kind == _SET_KINDS["BS"]:
        return {element for element in present if isinstance(element, bytes)}
    texts = [element for element in present if isinstance(element, str)]
    if kind == _SET_KINDS["NS"]:
        return {number.parse(text[1:]) for text in texts if text[0] == "N"}
    return {text[1:] for text in texts if text[0] == "S"}


def _stored_number(total: Decimal) -> number.Number:
    cut = _STORED.plus(total)
    if abs(cut) > _LARGEST:
        cut = _LARGEST.copy_sign(cut)
    elif abs(cut) < _SMALLEST:
        cut = Decimal(0)
    return number.normalise(cut)


def _joined_counters(one: MergeState, other: MergeState) -> dict[str, dict[int, tuple[int, int, Decimal]]]:
    joined: dict[str, dict[int, tuple[int, int, Decimal]]] = {}
    for name in {*one.counters, *other.counters}:
        parts = dict(one.counters.get(name, {}))
        for region, part in other.counters.get(name, {}).items():
            if region not in parts or part > parts[region]:
                parts[region] = part
        joined[name] = parts
    return joined


def _joined_elements(
    one: dict[Element, tuple[Stamp, bool]], other: dict[Element, tuple[Stamp, bool]]
) -> dict[Element, tuple[Stamp, bool]]:
    joined = dict(one)
    for element, entry in other.items():
        if element not in joined or entry > joined[element]:
            joined[element] = entry
    return joined


def _sink(state: MergeState) -> None:
    """Forget what the latest delete took."""
    floor = state.floor
    if floor is None:
        return
    state.attributes = {name: entry for name, entry in state.attributes.items() if entry[0] > floor}
    for name, elements in list(state.sets.items()):
        state.sets[name] = {element: entry for element, entry in elements.items() if entry[0] > floor}


def encode_state(state: MergeState) -> list[object]:
    """As plain values."""
    return [
        list(state.alive),
        None if state.floor is None else list(state.floor),
        {name: [list(stamp), kind] for name, (stamp, kind) in sorted(state.attributes.items())},
        {
            name: {
                region: [wall_ms, counter, str(part)]
                for region, (wall_ms, counter, part) in sorted(parts.items())
            }
            for name, parts in sorted(state.counters.items())
        },
        {
            name: [
                [element, list(stamp), is_present]
                for element, (stamp, is_present) in _in_order(elements.items())
            ]
            for name, elements in sorted(state.sets.items())
        },
    ]


def _in_order(
    elements: Iterable[tuple[Element, tuple[Stamp, bool]]],
) -> list[tuple[Element, tuple[Stamp, bool]]]:
    return sorted(elements, key=lambda each: (isinstance(each[0], bytes), each))


def decode_state(fields: list[object]) -> MergeState:
    """Raises ``ValueError`` or ``TypeError`` for what is none."""
    alive, floor, attributes, counters, sets = fields
    return MergeState(
        _stamp(alive),
        None if floor is None else _stamp(floor),
        {name: (_stamp(stamp), int(kind)) for name, (stamp, kind) in attributes.items()},  # type: ignore[attr-defined]
        {
            name: {int(region): (part[0], part[1], Decimal(part[2])) for region, part in parts.items()}
            for name, parts in counters.items()  # type: ignore[attr-defined]
        },
        {
            name: {element: (_stamp(stamp), bool(present)) for element, stamp, present in elements}
            for name, elements in sets.items()  # type: ignore[attr-defined]
        },
    )


def _stamp(fields: object) -> Stamp:
    if not isinstance(fields, (list, tuple)) or len(fields) != 3:
        raise ValueError("not a stamp")
    return Stamp(*map(int, fields))
