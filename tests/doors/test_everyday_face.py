"""Every behaviour of the everyday face, through every door."""

from __future__ import annotations

import pytest

import kvdb
from kvdb.testing.checks import CHECKS, Check


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_every_door_shows(check: Check, door: kvdb.Client) -> None:
    check(door)
