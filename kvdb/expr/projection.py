"""Projections: keep only these document paths of an item.

- a path that is not there is left out, with every map and list that held nothing else;
- several indices of one list come back as one list, in ascending order, without gaps;
- paths below one element are merged into one element;
- paths that overlap, or take one place as a map and as a list, are refused.

Source: dynoxide CHANGELOG (#126; confirmed in eu-west-2), dynalite ``projectionParser``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeAlias, cast

from kvdb.expr import messages
from kvdb.expr.checks import check_apart, check_defined, placeholders_of
from kvdb.expr.names import Placeholders, resolved
from kvdb.expr.nodes import Path as PathNode
from kvdb.item.path import MISSING, Path
from kvdb.item.value import Item

_KIND: messages.ExpressionKind = "ProjectionExpression"

_Plan: TypeAlias = "tuple[tuple[str | int, _Plan | None], ...]"
"""Steps to take from one map or list, list indices ascending; ``None`` keeps what is there."""
_Branches: TypeAlias = "dict[str | int, _Branches | None]"


class Projection:
    """One projection of one request, ready for any number of items."""

    __slots__ = ("applied_to", "paths")

    applied_to: Callable[[Item], Item]
    """The item with only the projected paths, ``{}`` if it has none of them.

    A new dict; the values kept whole are the item's own, not copies.
    """
    paths: tuple[Path, ...]
    """The projected paths, placeholders resolved, in the order written."""

    @property
    def nested_names(self) -> frozenset[str]:
        """The attributes it looks into."""
        return frozenset(str(path[0]) for path in self.paths if len(path) > 1)

    def __init__(self, paths: tuple[Path, ...]) -> None:
        """Plan how to walk an item.

        Raises:
            ValidationError: two of the paths overlap or conflict.
        """
        self.paths = paths
        names = tuple([path[0] for path in paths if len(path) == 1])
        if len(names) == len(paths) == len(set(names)):
            self.applied_to = partial(_kept_attributes, cast("tuple[str, ...]", names))
        else:
            check_apart(paths, _KIND)
            self.applied_to = partial(_kept_paths, _plan(paths))


class ProjectionProgram:
    """A parsed projection, the same for every request with this text. Immutable, so shared."""

    __slots__ = ("_fixed", "_paths", "_placeholders")

    def __init__(self, paths: tuple[PathNode, ...]) -> None:
        self._paths = tuple(path.parts for path in paths)
        self._placeholders = tuple(name for path in paths for name in placeholders_of(path))
        self._fixed = None if self._placeholders else Projection(self._paths)

    def bound_to(self, placeholders: Placeholders) -> Projection:
        """The projection of one request.

        Raises:
            ValidationError: a placeholder is not defined, or two paths overlap or conflict.
        """
        if self._fixed is not None:
            return self._fixed
        table = placeholders.table
        for placeholder in self._placeholders:
            check_defined(placeholder, table, _KIND)
        placeholders.mark_used(self._placeholders)
        return Projection(tuple([resolved(path, table) for path in self._paths]))


def _kept_attributes(names: tuple[str, ...], item: Item) -> Item:
    return {name: item[name] for name in names if name in item}


def _kept_paths(plan: _Plan, item: Item) -> Item:
    kept = _kept(plan, item)
    return kept if isinstance(kept, dict) else {}


def _kept(plan: _Plan, value: object) -> object:
    """What the plan keeps of a map or list; ``MISSING`` when that is nothing."""
    kept: dict[str | int, object] = {}
    for step, below in plan:
        found = _step_into(value, step)
        if below is not None:
            found = _kept(below, found)
        if found is not MISSING:
            kept[step] = found
    if not kept:
        return MISSING
    return list(kept.values()) if isinstance(value, list) else kept


def _step_into(value: object, step: str | int) -> object:
    if isinstance(value, dict) and isinstance(step, str):
        return value.get(step, MISSING)
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return value[step]
    return MISSING


def _plan(paths: tuple[Path, ...]) -> _Plan:
    root: _Branches = {}
    for path in paths:
        branches = root
        for step in path[:-1]:
            branches = cast(_Branches, branches.setdefault(step, {}))
        branches[path[-1]] = None
    return _sorted(root)


def _sorted(branches: _Branches) -> _Plan:
    steps = list(branches.items())
    if isinstance(steps[0][0], int):
        steps.sort(key=lambda branch: branch[0])
    return tuple([(step, None if below is None else _sorted(below)) for step, below in steps])
