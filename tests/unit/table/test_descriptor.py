from __future__ import annotations

import msgpack
import pytest

from kvdb.api.tables import AttributeDefinition, KeySchemaElement
from kvdb.errors import CorruptionError
from kvdb.table.descriptor import KeyAttribute, TableDescriptor, decode_descriptor
from tests.support.builders import table_request

COMPOSITE = TableDescriptor(
    7, "airports", "uuid", 1_000, KeyAttribute("country", "S"), KeyAttribute("n", "N")
)
SIMPLE = TableDescriptor(8, "blobs", "uuid", 1_000, KeyAttribute("größe", "B"), None)


@pytest.mark.parametrize("descriptor", [COMPOSITE, SIMPLE])
def test_the_stored_form_reads_back(descriptor):
    assert decode_descriptor(descriptor.encoded()) == descriptor


def test_format_1_is_what_it_was():
    assert COMPOSITE.encoded().hex() == (
        "970107a8616972706f727473a475756964cd03e892a7636f756e747279a15392a16ea14e"
    )


def test_a_truncated_form_is_corruption():
    data = COMPOSITE.encoded()
    for length in range(len(data)):
        with pytest.raises(CorruptionError):
            decode_descriptor(data[:length])


def test_another_format_is_refused_by_its_number():
    with pytest.raises(CorruptionError, match="version=2"):
        decode_descriptor(msgpack.packb([2, 7, "airports", "uuid", 1_000, ["country", "S"], None]))


def test_a_request_becomes_a_descriptor_and_a_description():
    request = table_request("airports", ("country", "S"), ("n", "N"))
    descriptor = TableDescriptor.of_request(request, table_id=7, uuid="uuid", created_ms=1_000)
    assert descriptor == COMPOSITE
    described = descriptor.described("ACTIVE")
    assert described.table_status == "ACTIVE"
    assert described.table_id == "uuid"
    assert described.key_schema == (KeySchemaElement("country", "HASH"), KeySchemaElement("n", "RANGE"))
    assert described.attribute_definitions == (
        AttributeDefinition("country", "S"),
        AttributeDefinition("n", "N"),
    )
