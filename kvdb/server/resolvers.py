"""The functions that ``serve --resolver`` names, given to the database before any peer is asked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, cast

from kvdb.database.database import Database
from kvdb.env.modules import function_named
from kvdb.errors import ValidationError
from kvdb.replica.functions import MergeFunction

FORM = "TABLE=MODULE:FUNCTION or TABLE=MODULE:FUNCTION@NAME"


class Named(NamedTuple):
    """A function as it is written."""

    table_name: str
    function: str
    """MODULE:FUNCTION."""
    name: str


def parsed(text: str) -> Named:
    """Raises: ValidationError: it has another form."""
    table_name, equals, rest = text.partition("=")
    function, at, name = rest.partition("@")
    module, colon, attribute = function.partition(":")
    if not (table_name and equals and module and colon and attribute) or (at and not name):
        raise ValidationError(f"a resolver must be {FORM}: {text}")
    return Named(table_name, function, name or function)


def give_resolvers(database: Database, texts: Iterable[str]) -> None:
    """Load and give them all.

    Raises:
        ValidationError: a text has another form; there is no such function; two have one name; the module
            cannot be loaded.
    """
    for text in texts:
        each = parsed(text)
        try:
            function = function_named(each.function)
        except ValidationError as error:
            raise ValidationError(f"--resolver {text}: {error.message}") from error
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise ValidationError(f"--resolver {text}: the module cannot be loaded: {reason}") from error
        database.regions.resolve_with(each.table_name, cast(MergeFunction, function), each.name)
