"""How far everything is handled."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kvdb.consumer.outstanding import Outstanding


@given(st.permutations(range(8)))
def test_the_level_is_the_last_before_the_first_that_is_not_done(order: list[int]) -> None:
    numbers = [f"{n}" for n in range(8)]
    outstanding = Outstanding("")
    for number in numbers:
        outstanding.add(number)
    done: set[str] = set()
    for place in order:
        expected = ""
        for number in numbers:
            if number not in done | {numbers[place]}:
                break
            expected = number
        assert outstanding.level_after({numbers[place]}) == expected
        outstanding.finish({numbers[place]})
        done.add(numbers[place])
        assert outstanding.level == expected
    assert len(outstanding) == 0
