from __future__ import annotations

import pytest

from kvdb.api import arn

PREFIX = arn.table_arn_prefix("ddblocal", "000000000000")


def test_tables_indexes_and_streams_have_names_of_the_service_s_form():
    table = PREFIX + "airports"
    assert table == "arn:aws:dynamodb:ddblocal:000000000000:table/airports"
    assert arn.index_arn(table, "by-city") == f"{table}/index/by-city"
    assert arn.stream_arn(table, "2023") == f"{table}/stream/2023"


def test_a_table_arn_falls_into_prefix_and_name():
    assert arn.table_arn_parts(PREFIX + "airports") == (PREFIX, "airports")


@pytest.mark.parametrize(
    "text", ["airports", PREFIX, PREFIX + "ab", PREFIX + "airports/index/a", "arn:aws:s3:::airports"]
)
def test_what_is_no_table_arn_has_no_parts(text):
    assert arn.table_arn_parts(text) is None


def test_a_name_is_no_arn():
    assert arn.is_arn(PREFIX)
    assert not arn.is_arn("arn.aws-dynamodb_table")
