"""Every behaviour of the everyday face, through every door."""

from __future__ import annotations

import pytest

from kvdb.testing.checks import CHECKS, NATIVE, Check
from tests.conftest import DOORS, client_of

SHOWN = [(check, door) for check in CHECKS for door in DOORS if door != "http" or check not in NATIVE]


@pytest.mark.parametrize(("check", "door"), SHOWN, ids=[f"{check.__name__}-{door}" for check, door in SHOWN])
def test_every_door_shows(check: Check, door: str) -> None:
    with client_of(door) as client:
        check(client)
