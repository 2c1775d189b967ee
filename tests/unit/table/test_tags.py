from __future__ import annotations

import pytest

from kvdb.api.tables import ListTagsOfResource, Tag, TagResource, UntagResource
from kvdb.errors import ResourceInUse, ResourceNotFound, ValidationError
from kvdb.options import DatabaseOptions
from kvdb.table import tags
from kvdb.table.catalog import Catalog
from kvdb.table.descriptor import KeyAttribute, TableDescriptor
from tests.support.builders import AIRPORTS, open_floor, reloaded

PLAIN = TableDescriptor(1, "airports", "uuid", 0, KeyAttribute("p", "S"), None)
ARN = "arn:aws:dynamodb:ddblocal:000000000000:table/airports"


def test_tags_are_added_replaced_and_removed():
    table = tags.with_tags(PLAIN, [Tag("a", "1"), Tag("b", "2")])
    table = tags.with_tags(table, [Tag("b", "3"), Tag("c", "4")])
    assert table.tags == (Tag("a", "1"), Tag("b", "3"), Tag("c", "4"))
    assert tags.without_tags(table, ["a", "absent"]).tags == (Tag("b", "3"), Tag("c", "4"))


def test_a_table_has_at_most_fifty_tags():
    full = tags.with_tags(PLAIN, [Tag(f"key-{number}", "") for number in range(50)])
    assert len(tags.with_tags(full, [Tag("key-0", "new")]).tags) == 50
    with pytest.raises(ValidationError, match="Number of Tags exceed the current limit"):
        tags.with_tags(full, [Tag("one more", "")])


def test_tags_outlive_their_catalog():
    floor = open_floor()
    floor.create()
    floor.catalog.tag(TagResource(ARN, [Tag("owner", "ground"), Tag("stage", "test")]))
    floor.catalog.untag(UntagResource(ARN, ["owner"]))
    for catalog in (floor.catalog, reloaded(floor).catalog):
        assert catalog.tags(ListTagsOfResource(ARN)).tags == [Tag("stage", "test")]


def test_a_table_that_is_not_there_has_no_tags():
    catalog = open_floor().catalog
    for call in (
        lambda: catalog.tag(TagResource(ARN, [Tag("a", "")])),
        lambda: catalog.untag(UntagResource(ARN, ["a"])),
        lambda: catalog.tags(ListTagsOfResource(ARN)),
    ):
        with pytest.raises(ResourceNotFound, match=f"^Requested resource not found: ResourcArn: {ARN} not f"):
            call()


def test_a_table_is_tagged_when_it_has_been_created():
    floor = open_floor()
    catalog = Catalog(floor.engine, floor.env, DatabaseOptions(table_status_delay_ms=500))
    catalog.create(AIRPORTS)
    with pytest.raises(ResourceInUse, match="Table is being created: airports"):
        catalog.tag(TagResource(ARN, [Tag("a", "")]))


def test_tags_have_one_page():
    floor = open_floor()
    floor.create()
    with pytest.raises(ValidationError, match="no page of tags"):
        floor.catalog.tags(ListTagsOfResource(ARN, "token"))
