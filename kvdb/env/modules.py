"""Functions of the user's own modules, by name: ``MODULE:FUNCTION``."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable

from kvdb.errors import ValidationError


def function_named(name: str) -> Callable[..., object]:
    """The function; modules of the working directory are found, too.

    Raises:
        ValidationError: the name has another form; there is no such module, or function in it.
        Exception: what the module itself raises when it is loaded.
    """
    module_name, _, function_name = name.partition(":")
    if not module_name or not function_name:
        raise ValidationError(f"give MODULE:FUNCTION: {name}")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        raise ValidationError(f"there is no module {module_name!r}") from None
    function = getattr(module, function_name, None)
    if not callable(function):
        raise ValidationError(f"module {module_name!r} has no function {function_name!r}")
    return function  # type: ignore[no-any-return]
