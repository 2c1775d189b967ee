"""Limits are numbers with a source, and agree with one another."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kvdb import limits
from kvdb.options import EngineOptions

SOURCE = Path(limits.__file__).read_text(encoding="utf-8")
PROFILES = ("AWS", "OPEN", "PROFILES")
NAMES = [name for name in vars(limits) if name.isupper() and name not in PROFILES]


def test_every_limit_is_a_whole_number() -> None:
    assert NAMES
    assert [name for name in NAMES if type(getattr(limits, name)) is not int] == []


def test_every_limit_names_its_source() -> None:
    sourced = set(re.findall(r"^(\w+) = .*# .*\[(?:M|DG|X|K)\]", SOURCE, re.MULTILINE))
    assert [name for name in NAMES if name not in sourced] == []


def test_an_item_fits_into_a_page_and_a_request() -> None:
    assert limits.ITEM_BYTES_MAX < limits.PAGE_BYTES_MAX < limits.REQUEST_BYTES_MAX


def test_a_batch_of_the_largest_items_fits_into_a_request() -> None:
    assert limits.BATCH_WRITE_REQUESTS_MAX * limits.ITEM_BYTES_MAX <= limits.BATCH_BYTES_MAX


def test_the_open_profile_is_nowhere_tighter_than_the_service() -> None:
    for name in limits.LimitsProfile.__slots__:
        if name != "name":
            assert getattr(limits.OPEN, name) > getattr(limits.AWS, name), name


@pytest.mark.parametrize("profile", limits.PROFILES.values(), ids=limits.PROFILES)
def test_what_one_request_writes_fits_into_one_engine_batch(profile: limits.LimitsProfile) -> None:
    # With indexes a row may be written several times; each index that projects all is one more.
    assert profile.item_bytes_max <= limits.REQUEST_BYTES_MAX
    assert profile.transaction_bytes_max <= EngineOptions().batch_bytes_max // 2
    assert profile.batch_bytes_max <= EngineOptions().batch_bytes_max // 2


def test_profiles_are_found_by_their_names() -> None:
    assert [profile.name for profile in limits.PROFILES.values()] == list(limits.PROFILES)
