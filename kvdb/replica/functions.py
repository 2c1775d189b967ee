"""Python functions that resolve the conflicts of a table, and what they are held to.

    def merge(key, earlier, later):          # items as dicts; None: deleted
        ...
        return item                          # or None: the item is deleted

``earlier`` was written before ``later``, by their stamps. Regions come to the same items whatever a function
makes (see ``conflict``); for the outcome to be what is meant, in whichever order versions come together, it
must keep this contract:

- *pure*: the same outcome for the same versions, in every region, at any time;
- *one function everywhere*: regions name theirs (``MODULE:FUNCTION``, or what stands behind ``@``), the
  table's setting says which of these it goes by, and a region that was not given that one takes nothing in.
  That two functions of one name are the same is for who gives them to see to: give another name to another
  function, give it to every region beside the old one, then change the setting;
- *in any order*: for three versions, it is the same which two are resolved first; so of versions with one
  stamp the order must not matter, and an outcome that meets a version it includes must stay what it is. So it
  may take the larger of two numbers, and not their sum: for that there is the resolver "attributes";
- an item that can be stored, whose key, if it is there at all, is that of the versions.

What can be seen of this in one conflict is looked at in each: the function is called up to five times, on
fresh copies. When it raises, or breaks the contract, the page is refused with a fault that says so, and asked
for again later; nothing is resolved in another way instead, for the other region might not fail. Other tables
and peers go on.

A function that does not return cannot be ended. It runs while the items of its batch are latched, so writes
of those, and closing the database, wait for it; how long it has been running is told with the replicas.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Final, TypeAlias

from kvdb.env.clock import Clock
from kvdb.errors import ValidationError
from kvdb.item.value import Item, equals
from kvdb.limits import AWS, LimitsProfile
from kvdb.table.writes import sized_item

_log = logging.getLogger("kvdb.replica")

MergeFunction: TypeAlias = Callable[[Item, "Item | None", "Item | None"], "Item | None"]
"""``(key, earlier, later) -> item``; ``None`` stands for a deleted item."""
MakeItem: TypeAlias = Callable[[], "Item | None"]
"""Gives a fresh copy."""

NAME_CHARS_MAX: Final = 255
FUNCTIONS_MAX: Final = 16
"""For one table."""
SLOW_MS: Final = 1_000
_NS_PER_MS: Final = 1_000_000


class FunctionFault(Exception):
    """What a function did that it must not."""


def outcome_of(
    function: MergeFunction,
    key: Item,
    earlier: MakeItem,
    later: MakeItem,
    *,
    is_tie: bool,
    profile: LimitsProfile = AWS,
) -> Item | None:
    """What a function makes of two versions; ``is_tie``: they have one stamp.

    Raises:
        FunctionFault: it failed, or does not keep the contract.
    """

    def called(one: MakeItem, other: MakeItem) -> Item | None:
        first, second = one(), other()
        if first is None and second is None:
            return None
        return _checked(_call(function, key, first, second), key, profile)

    item = called(earlier, later)
    if not _is_same(called(earlier, later), item):
        raise FunctionFault("it is not pure: it made two things of the same versions")
    if is_tie and not _is_same(called(later, earlier), item):
        raise FunctionFault("it makes something else of versions with one stamp the other way round")

    def outcome() -> Item | None:
        # A function may have kept, or may change, what it was given or has given.
        return None if item is None else sized_item(item)[0]

    for included in (earlier, later):
        if not _is_same(called(included, outcome), item):
            raise FunctionFault("its outcome does not stay when it meets a version that it includes")
    return item


def _call(function: MergeFunction, key: Item, earlier: Item | None, later: Item | None) -> object:
    try:
        return function(dict(key), earlier, later)
    except (Exception, SystemExit) as error:
        raise FunctionFault(f"it raised {type(error).__name__}: {error}"[:500]) from error


def _checked(made: object, key: Item, profile: LimitsProfile) -> Item | None:
    if made is None:
        return None
    if not isinstance(made, Mapping):
        raise FunctionFault(f"it must give an item or None, not {type(made).__name__}")
    try:
        item, _ = sized_item({**key, **made}, profile)
    except Exception as error:
        raise FunctionFault(f"it gave no item that can be stored: {error}"[:500]) from error
    for name, value in key.items():
        if not equals(item[name], value):
            raise FunctionFault(f"it changed the key: {name}")
    return item


def _is_same(one: Item | None, other: Item | None) -> bool:
    if one is None or other is None:
        return one is other
    return equals(one, other)


class Functions:
    """Those that one database was given."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._given: dict[str, dict[str, MergeFunction]] = {}
        self._running: dict[object, tuple[str, int]] = {}

    def give(self, table_name: str, function: MergeFunction, name: str | None = None) -> None:
        """``name`` is what it is called in settings; without one: ``MODULE:FUNCTION``.

        Raises:
            ValidationError: it is no function; the name is too long, or another function's; there are too
                many.
        """
        if not callable(function):
            raise ValidationError(f"a resolver must be a function, not {type(function).__name__}")
        if name is None:
            name = name_of(function)
        if not 1 <= len(name) <= NAME_CHARS_MAX:
            raise ValidationError(f"the name of a resolver has 1 to {NAME_CHARS_MAX} characters: {name[:80]}")
        with self._guard:
            given = self._given.get(table_name, {})
            if given.get(name, function) is not function:
                raise ValidationError(f"two resolvers of table {table_name} have one name: {name}")
            if len(given) >= FUNCTIONS_MAX and name not in given:
                raise ValidationError(f"a table can have {FUNCTIONS_MAX} resolvers: {table_name}")
            self._given[table_name] = {**given, name: function}

    def get(self, table_name: str, name: str) -> MergeFunction | None:
        return self._given.get(table_name, {}).get(name)

    def named(self, table_name: str, name: str) -> str:
        """The name for a setting; ``name`` empty: that of the only one.

        Raises:
            ValidationError: this database was not given it; or none, or several to choose from.
        """
        given = sorted(self._given.get(table_name, {}))
        if name in given:
            return name
        if not given:
            raise ValidationError(
                f"no resolver was given here for table {table_name}: "
                f"serve with --resolver {table_name}=MODULE:FUNCTION, or open with resolvers"
            )
        if name:
            raise ValidationError(
                f"no resolver of this name was given here for table {table_name}: {name}; "
                f"there are: {', '.join(given)}"
            )
        if len(given) > 1:
            raise ValidationError(f"name one of the resolvers of table {table_name}: {', '.join(given)}")
        return given[0]

    @contextmanager
    def running(self, table_name: str) -> Generator[None, None, None]:
        """Around calls of a function."""
        token = object()
        began_ns = self._clock.monotonic_ns()
        with self._guard:
            self._running[token] = (table_name, began_ns)
        try:
            yield
        finally:
            with self._guard:
                del self._running[token]
            took_ms = (self._clock.monotonic_ns() - began_ns) // _NS_PER_MS
            if took_ms >= SLOW_MS:
                _log.warning("a resolver is slow table=%s took_ms=%d", table_name, took_ms)

    def slowness(self, table_name: str) -> str:
        """What is wrong when a function of the table has been running for too long; empty: nothing."""
        with self._guard:
            begun = [began_ns for name, began_ns in self._running.values() if name == table_name]
        if not begun:
            return ""
        took_ms = (self._clock.monotonic_ns() - min(begun)) // _NS_PER_MS
        if took_ms < SLOW_MS:
            return ""
        return f"the resolver has been running for {took_ms // 1000} s: nothing is taken in until it ends"


def name_of(function: MergeFunction) -> str:
    """``MODULE:FUNCTION``."""
    module = getattr(function, "__module__", None) or "?"
    return f"{module}:{getattr(function, '__qualname__', type(function).__qualname__)}"
