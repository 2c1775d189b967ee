"""Limits are numbers with a source, and agree with one another."""

from __future__ import annotations

import re
from pathlib import Path

from kvdb import limits

SOURCE = Path(limits.__file__).read_text(encoding="utf-8")
NAMES = [name for name in vars(limits) if name.isupper()]


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
