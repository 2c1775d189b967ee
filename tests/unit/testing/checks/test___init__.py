"""The checks run on an honest client and notice one that is not."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import pytest

import kvdb
from kvdb.api.items import GetItemResult
from kvdb.errors import ResourceInUse, ValidationError
from kvdb.testing import checks
from kvdb.testing.checks import items
from kvdb.testing.checks.airports import raised
from tests.support.scripted_transport import ScriptedTransport


def test_an_honest_client_passes_them_all() -> None:
    checks.check_client(lambda: kvdb.open(":memory:"))


def test_every_check_is_in_the_list() -> None:
    modules = [import_module(f"{checks.__name__}.{found.name}") for found in iter_modules(checks.__path__)]
    found = [
        check
        for module in modules
        for check in vars(module).values()
        if callable(check)
        and getattr(check, "__module__", "") == module.__name__
        and getattr(check, "__annotations__", {}).keys() == {"client", "return"}
    ]
    assert set(found) == set(checks.CHECKS)
    assert len({check.__name__ for check in checks.CHECKS}) == len(checks.CHECKS)
    assert set(checks.CHECKS) >= checks.NATIVE


def test_a_client_that_forgets_is_noticed() -> None:
    transport = ScriptedTransport(lambda request: GetItemResult(None))
    with pytest.raises(AssertionError):
        items.a_put_item_comes_back(kvdb.Client(transport))


def test_an_error_of_another_class_is_noticed() -> None:
    def fail() -> None:
        raise ResourceInUse("taken")

    assert raised(ResourceInUse, fail).message == "taken"
    with pytest.raises(AssertionError, match="ResourceInUse: taken"):
        raised(ValidationError, fail)
    with pytest.raises(AssertionError, match="was not raised"):
        raised(ValidationError, lambda: None)
