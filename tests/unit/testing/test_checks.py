"""The checks run on an honest client and notice one that is not."""

from __future__ import annotations

import pytest

import kvdb
from kvdb.api.items import GetItemResult
from kvdb.errors import ResourceInUse, ValidationError
from kvdb.testing import checks
from tests.support.scripted_transport import ScriptedTransport


def test_an_honest_client_passes_them_all() -> None:
    checks.check_client(lambda: kvdb.open(":memory:"))


def test_every_check_is_in_the_list() -> None:
    found = {
        name
        for name, check in vars(checks).items()
        if callable(check)
        and getattr(check, "__module__", "") == checks.__name__
        and getattr(check, "__annotations__", {}).keys() == {"client", "return"}
    }
    assert found == {check.__name__ for check in checks.CHECKS}


def test_a_client_that_forgets_is_noticed() -> None:
    transport = ScriptedTransport(lambda request: GetItemResult(None))
    with pytest.raises(AssertionError):
        checks.a_put_item_comes_back(kvdb.Client(transport))


def test_an_error_of_another_class_is_noticed() -> None:
    def fail() -> None:
        raise ResourceInUse("taken")

    assert checks.raised(ResourceInUse, fail).message == "taken"
    with pytest.raises(AssertionError, match="ResourceInUse: taken"):
        checks.raised(ValidationError, fail)
    with pytest.raises(AssertionError, match="was not raised"):
        checks.raised(ValidationError, lambda: None)
