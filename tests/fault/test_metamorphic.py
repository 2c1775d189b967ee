"""The same calls give the same answers, whatever the sizes, caches, filters and sync modes."""

from __future__ import annotations

import random
from typing import get_args

import pytest

from kvdb.options import SyncMode
from tests.support.damage import options_by_chance
from tests.support.script import first_wrong_answer

CONFIGURATIONS = 24
STEPS = 700


@pytest.mark.parametrize("number", range(CONFIGURATIONS))
def test_no_option_changes_an_answer(number: int) -> None:
    chance = random.Random(number)
    sync: SyncMode = chance.choice(get_args(SyncMode))
    options = options_by_chance(chance, sync)
    # Six scripts, each under four configurations.
    wrong = first_wrong_answer(number % 6, options, steps=STEPS)
    assert wrong is None, f"{wrong}\nunder {options}"
