"""Updates: what SET, REMOVE, ADD and DELETE make of an item.

Pure: the item given is left as it is, the new one shares with it whatever no action
touches. Every action reads the item as it was, whatever the order they are written in:

- ``SET``: the value, a sum or difference of two numbers, ``if_not_exists``, ``list_append``;
- ``REMOVE``: what is not there is no fault;
- ``ADD``: a number to a number (a missing one counts as 0), elements to a set (a missing
  one is made);
- ``DELETE``: elements from a set; a set that would be empty goes.

Places in lists are those of the item as it was. What is written past the end of a list is
appended, in the order of the indices; what is removed closes the gap, afterwards. All of a
path but its last step must be there.

Faults of an update that meets an item, first of several: an operand of a SET; then, action
by action as written, its path, and the type of what ADD or DELETE finds.

Source: developer guide, "Update expressions"; ScyllaDB ``test_update_expression.py`` and
``test_returnvalues.py``, which pass against the service; dynalite ``actions/updateItem.js``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias, cast

from kvdb.errors import ValidationError
from kvdb.expr import messages
from kvdb.expr.messages import ExpressionKind
from kvdb.expr.names import Placeholders, Shape, Table, is_placeholder, remember, resolved
from kvdb.expr.nodes import Action, Add, Arithmetic, Call, Delete, Operand, Remove, Set, Value
from kvdb.expr.operands import Fetch, fetch_path, fetcher_of
from kvdb.expr.projection import Projection
from kvdb.expr.update_checks import UpdateNeeds, operands_in
from kvdb.item import number
from kvdb.item.path import MISSING, Path
from kvdb.item.value import NESTED_TOO_DEEP, Item, fits_at, type_name

_Effect: TypeAlias = Callable[[Item], object]
"""What an action leaves at its path, of the item as it was; ``MISSING`` when that is nothing."""
_EffectMaker: TypeAlias = Callable[[Table], _Effect]
"""The effect once the request's values are known."""
_Tree: TypeAlias = "dict[str | int, _Tree | int]"
"""Steps into one map or list: what is below, or which action's path ends here."""


class _Shaped:
    """What an update is once its names are known, whatever its values. Immutable, so shared."""

    __slots__ = (
        "actions",
        "makers",
        "nested_names",
        "order",
        "paths",
        "projection",
        "remove_count",
        "set_count",
        "top_level_names",
        "tree",
    )

    def __init__(self, actions: tuple[Action, ...], table: Table, type_fault: str) -> None:
        names = {name: table[name] for name in table if is_placeholder(name)}
        self.actions = actions
        self.makers = tuple([_maker_of(action, names, type_fault) for action in actions])
        self.paths = tuple([resolved(action.path.parts, names) for action in actions])
        read = [
            resolved(operand.parts, names)
            for action in actions
            for operand in operands_in(action)
            if not isinstance(operand, (Value, Call))
        ]
        self.top_level_names = frozenset(str(path[0]) for path in self.paths)
        self.nested_names = frozenset(str(path[0]) for path in (*self.paths, *read) if len(path) > 1)
        self.set_count = sum(isinstance(action, (Set, Add)) for action in actions)
        self.remove_count = len(actions) - self.set_count
        self.projection = Projection(self.paths) if self.paths else None
        # The operands of SET are the first to be at fault.
        self.order = tuple(sorted(range(len(actions)), key=lambda at: not isinstance(actions[at], Set)))
        self.tree = None if all(len(path) == 1 for path in self.paths) else _tree_of(self.paths)


class Update:
    """One update of one request, ready to be applied to any number of items. Immutable."""

    __slots__ = ("_attributes", "_effects", "_shaped", "_table", "applied_to")

    applied_to: Callable[[Item], Item]
    """The item as updated. ``item`` holds its key attributes, even if it does not exist yet.

    Raises ValidationError, in the service's words, if the update does not fit the item.
    Whether the result is too large is the caller's to check.
    """

    def __init__(self, shaped: _Shaped, table: Table) -> None:
        self._shaped = shaped
        self._effects = effects = [make(table) for make in shaped.makers]
        self._table = table
        if shaped.tree is None:
            self._attributes = [(cast(str, shaped.paths[at][0]), effects[at]) for at in shaped.order]
            self.applied_to = self._with_attributes
        else:
            self.applied_to = self._with_places

    @property
    def paths(self) -> tuple[Path, ...]:
        """Where the actions write, placeholders resolved, in the order written."""
        return self._shaped.paths

    @property
    def top_level_names(self) -> frozenset[str]:
        """The attributes it writes to or into: ``a`` for ``SET #a.b[1] = c``."""
        return self._shaped.top_level_names

    @property
    def nested_names(self) -> frozenset[str]:
        """The attributes it writes or looks into: no key attribute has an inside."""
        return self._shaped.nested_names

    @property
    def known_types(self) -> Mapping[str, str]:
        """Attribute -> the type it will have, ``"N"``, where the request alone says so."""
        types = {
            str(path[0]): _type_of(action, self._table)
            for action, path in zip(self._shaped.actions, self.paths, strict=True)
            if len(path) == 1
        }
        return {name: known for name, known in types.items() if known is not None}

    @property
    def creates(self) -> bool:
        """Whether it makes an item where there is none; one that only takes away does not.

        Such an update is not applied to a missing item at all. An update without any action
        creates. Source: ScyllaDB ``test_item.py`` and ``test_returnvalues.py``.
        """
        return not self._shaped.actions or self._shaped.set_count > 0

    @property
    def set_count(self) -> int:
        """Actions that write a value: SET and ADD."""
        return self._shaped.set_count

    @property
    def remove_count(self) -> int:
        """Actions that take one away: REMOVE and DELETE."""
        return self._shaped.remove_count

    def touched_in(self, item: Item) -> Item:
        """What of the item, old or new, lies on ``paths``: UPDATED_OLD and UPDATED_NEW.

        The paths are taken as written. So an element that was appended is not found at the
        index it was given, and one that moved up into a gap is. Lists come without gaps.
        """
        projection = self._shaped.projection
        return {} if projection is None else projection.applied_to(item)

    def _with_attributes(self, item: Item) -> Item:
        updated = item.copy()
        for name, effect in self._attributes:
            value = effect(item)
            if value is not MISSING:
                updated[name] = value
            else:
                updated.pop(name, None)
        return updated

    def _with_places(self, item: Item) -> Item:
        actions, paths, tree = self._shaped.actions, self.paths, self._shaped.tree
        assert tree is not None
        results: list[object] = [MISSING] * len(actions)
        for at, action in enumerate(actions):
            if isinstance(action, Set):
                results[at] = self._effects[at](item)
        for at, action in enumerate(actions):
            _check_parent(item, paths[at])
            if isinstance(action, (Add, Delete)):
                results[at] = self._effects[at](item)
            elif not fits_at(results[at], len(paths[at]) - 1):
                raise ValidationError(NESTED_TOO_DEEP)
        return cast(Item, _rewritten(item, tree, results))


class UpdateProgram:
    """The actions of an update, the same for every request with this text. Immutable but for the
    shapes it has seen, so shared."""

    __slots__ = ("_actions", "_needs", "_shapes", "_type_fault")

    def __init__(
        self,
        actions: tuple[Action, ...],
        kind: ExpressionKind = "UpdateExpression",
        *,
        type_fault: str = messages.UPDATE_OPERAND_TYPE,
    ) -> None:
        """``type_fault`` is the message when an operand has the wrong type in an item."""
        self._actions = actions
        self._needs = UpdateNeeds(actions, kind)
        self._type_fault = type_fault
        self._shapes: dict[Shape, _Shaped] = {}

    def bound_to(self, placeholders: Placeholders) -> Update:
        """The update of one request. Cost: a look-up a placeholder, a closure an action; for a
        shape not seen before, that of compiling it.

        Raises:
            ValidationError: a placeholder is not defined, two paths overlap or conflict, or
                an operand does not fit.
        """
        table, shape = placeholders.table, placeholders.shape
        shaped = None if shape is None else self._shapes.get(shape)
        if shaped is None:
            self._needs.check(table)
            shaped = _Shaped(self._actions, table, self._type_fault)
            remember(self._shapes, shape, shaped)
        placeholders.mark_used(self._needs.placeholders)
        return Update(shaped, table)


# What an action leaves


def _maker_of(action: Action, names: Table, type_fault: str) -> _EffectMaker:
    if isinstance(action, Remove):
        return lambda values: _nothing
    if isinstance(action, Set):
        if isinstance(action.value, Value):
            placeholder = action.value.placeholder
            return lambda values: _constant(values[placeholder])
        return _value_maker(action.value, names, type_fault)
    given = action.value.placeholder
    change = _added if isinstance(action, Add) else _deleted
    fetch = fetch_path(resolved(action.path.parts, names))
    return lambda values: change(fetch, values[given], type_fault)


def _nothing(item: Item) -> object:
    return MISSING


def _constant(value: object) -> _Effect:
    return lambda item: value


def _value_maker(value: Operand | Arithmetic, names: Table, type_fault: str) -> _EffectMaker:
    """One stack frame a call within a call, of which the parser has capped the number."""
    if isinstance(value, Arithmetic):
        left, right = [_value_maker(each, names, type_fault) for each in (value.left, value.right)]
        compute = number.add if value.operator == "+" else number.subtract
        return lambda values: _computed(compute, left(values), right(values), type_fault)
    if isinstance(value, Call):
        if value.function == "if_not_exists":
            path, otherwise = value.operands
            fetcher, instead = fetcher_of(path, names), _value_maker(otherwise, names, type_fault)
            return lambda values: _if_not_exists(fetcher(values), instead(values))
        first, second = [_value_maker(operand, names, type_fault) for operand in value.operands]
        return lambda values: _list_append(first(values), second(values), type_fault)
    if isinstance(value, Value):
        placeholder = value.placeholder
        return lambda values: _constant(values[placeholder])
    present = _present(fetch_path(resolved(value.parts, names)))
    return lambda values: present


def _present(fetch: Fetch) -> _Effect:
    def effect(item: Item) -> object:
        value = fetch(item)
        if value is MISSING:
            raise ValidationError(messages.UPDATE_OPERAND_MISSING)
        return value

    return effect


def _if_not_exists(fetch: Fetch, otherwise: _Effect) -> _Effect:
    def effect(item: Item) -> object:
        value = fetch(item)
        return otherwise(item) if value is MISSING else value

    return effect


def _computed(
    compute: Callable[[number.Number, number.Number], number.Number],
    left: _Effect,
    right: _Effect,
    type_fault: str,
) -> _Effect:
    def effect(item: Item) -> object:
        one, other = left(item), right(item)
        if not (_is_number(one) and _is_number(other)):
            raise ValidationError(type_fault)
        return compute(cast(number.Number, one), cast(number.Number, other))

    return effect


def _list_append(first: _Effect, second: _Effect, type_fault: str) -> _Effect:
    def effect(item: Item) -> object:
        one, other = first(item), second(item)
        if not isinstance(one, list) or not isinstance(other, list):
            raise ValidationError(type_fault)
        return one + other

    return effect


def _added(fetch: Fetch, addend: object, type_fault: str) -> _Effect:
    def effect(item: Item) -> object:
        present = fetch(item)
        if present is MISSING:
            return addend
        if _is_number(present) and _is_number(addend):
            return number.add(cast(number.Number, present), cast(number.Number, addend))
        if not _are_sets_of_one_type(present, addend):
            raise ValidationError(type_fault)
        return cast("set[object]", present) | cast("set[object]", addend)

    return effect


def _deleted(fetch: Fetch, elements: object, type_fault: str) -> _Effect:
    def effect(item: Item) -> object:
        present = fetch(item)
        if present is MISSING:
            return MISSING
        if not _are_sets_of_one_type(present, elements):
            raise ValidationError(type_fault)
        return cast("set[object]", present) - cast("set[object]", elements) or MISSING

    return effect


def _is_number(value: object) -> bool:
    return type(value) is int or type(value) is Decimal


def _are_sets_of_one_type(one: object, other: object) -> bool:
    return isinstance(one, set) and isinstance(other, set) and type_name(one) == type_name(other)


def _type_of(action: Action, table: Table) -> str | None:
    value = action.value if not isinstance(action, Remove) else None
    if isinstance(value, Value):
        return type_name(table[value.placeholder])
    if isinstance(value, Arithmetic):
        return "N"
    if isinstance(value, Call) and value.function == "list_append":
        return "L"
    return None


# Writing into documents


def _tree_of(paths: Sequence[Path]) -> _Tree:
    """``paths`` do not overlap, so none of them ends where another goes on."""
    root: _Tree = {}
    for at, path in enumerate(paths):
        branch = root
        for step in path[:-1]:
            branch = cast(_Tree, branch.setdefault(step, {}))
        branch[path[-1]] = at
    return root


def _check_parent(item: Item, path: Path) -> None:
    """What the last step of a path goes into must be there, a map for a name, a list for an index."""
    if len(path) > 1:
        parent = fetch_path(path[:-1])(item)
        if not isinstance(parent, dict if isinstance(path[-1], str) else list):
            raise ValidationError(messages.UPDATE_PATH_INVALID)


def _rewritten(container: object, tree: _Tree, results: Sequence[object]) -> object:
    """A copy of a map or list in which each place of ``tree`` has its action's result."""
    changed = {
        step: results[below]
        if isinstance(below, int)
        else _rewritten(_step_into(container, step), below, results)
        for step, below in tree.items()
    }
    if isinstance(container, list):
        return _list_with(container, cast("dict[int, object]", changed))
    assert isinstance(container, dict)
    updated = container | changed
    for name, value in changed.items():
        if value is MISSING:
            del updated[name]
    return updated


def _step_into(container: object, step: str | int) -> object:
    return container[step]  # type: ignore[index]


def _list_with(elements: list[object], changed: Mapping[int, object]) -> list[object]:
    updated = elements.copy()
    for index in sorted(changed):
        if index < len(elements):
            updated[index] = changed[index]
        else:
            updated.append(changed[index])
    return [element for element in updated if element is not MISSING]
