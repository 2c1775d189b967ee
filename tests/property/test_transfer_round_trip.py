"""Whatever the items, an export that is imported gives the same items, in every format."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvdb.backup.transfer.records import EXPORT_FORMATS, ExportFormat, ItemChange
from kvdb.item.value import Item, equals
from kvdb.testing import sim_env
from tests.support.strategies import items
from tests.support.transfers import exported, facts, imported


def tables() -> st.SearchStrategy[list[Item]]:
    return st.lists(items(), max_size=6).map(
        lambda found: [{**item, "id": f"i{place}"} for place, item in enumerate(found)]
    )


@pytest.mark.parametrize("format", EXPORT_FORMATS)
@given(contents=tables())
def test_a_full_export_comes_back(format: ExportFormat, contents: list[Item]) -> None:
    back = imported(exported(sim_env(), contents, facts(format), file_bytes=200))

    assert len(back) == len(contents)
    assert all(equals(back[str(item["id"])], item) for item in contents)


@pytest.mark.parametrize("format", ["DYNAMODB_JSON", "CBOR"])
@given(contents=tables())
def test_the_new_images_of_an_incremental_export_come_back(
    format: ExportFormat, contents: list[Item]
) -> None:
    changes = [ItemChange(1, {"id": item["id"]}, item, item) for item in contents]

    back = imported(exported(sim_env(), changes, facts(format, from_ms=1), file_bytes=200))

    assert len(back) == len(contents)
    assert all(equals(back[str(item["id"])], item) for item in contents)
