"""The reserved words of the service."""

from __future__ import annotations

import pytest

from kvdb.expr import reserved


def test_there_are_573_of_them() -> None:
    assert len(reserved._WORDS) == 573


@pytest.mark.parametrize("word", ["abort", "Views", "STATUS", "zone", "name", "Size", "FLATTERN"])
def test_a_reserved_word_is_reserved_in_any_case(word: str) -> None:
    assert reserved.is_reserved(word)


@pytest.mark.parametrize("word", ["country", "icao", "names_", "#name", "a"])
def test_other_words_are_free(word: str) -> None:
    assert not reserved.is_reserved(word)
