"""Items cross the wire unchanged, whatever a caller may pass; foreign messages are checked."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given

from kvdb.errors import KvdbError, SerializationError, ValidationError
from kvdb.item.value import equals, normalise_item
from kvdb.rpc.gen import items_pb2
from kvdb.rpc.item_codec import read_item, write_item
from tests.support import strategies


def through_the_wire(item: dict[str, object]) -> dict[str, object]:
    message = items_pb2.AttributeMap()
    write_item(item, message)
    return read_item(items_pb2.AttributeMap.FromString(message.SerializeToString()))


def value_of(**kind: object) -> items_pb2.AttributeMap:
    return items_pb2.AttributeMap(attributes={"x": items_pb2.AttributeValue(**kind)})


@given(strategies.items())
@example({"": ""})
@example({"a": {}, "b": [], "c": [{}]})
def test_a_normalised_item_comes_back_as_it_was(item: dict[str, object]) -> None:
    assert equals(through_the_wire(item), item)


@given(strategies.raw_items())
def test_what_a_caller_may_pass_comes_back_in_normal_form(item: dict[str, object]) -> None:
    try:
        normal, _ = normalise_item(item)
    except KvdbError:
        return
    assert equals(normalise_item(through_the_wire(item))[0], normal)


def test_numbers_are_read_in_normal_form() -> None:
    read = through_the_wire({"a": Decimal("1.50"), "b": Decimal("2.0"), "c": 1.5, "d": 10**40})
    assert read == {"a": Decimal("1.5"), "b": 2, "c": Decimal("1.5"), "d": 10**40}
    assert type(read["b"]) is int


def test_an_empty_item_is_there_and_an_absent_one_is_not() -> None:
    response = items_pb2.GetItemResponse()
    assert not response.HasField("item")
    write_item({}, response.item)
    assert items_pb2.GetItemResponse.FromString(response.SerializeToString()).HasField("item")


def test_the_deepest_legal_item_of_a_batch_is_shallow_enough_for_the_parser() -> None:
    value: object = "x"
    for _ in range(31):
        value = {"a": value}
    item, _ = normalise_item({"x": value})
    batch = items_pb2.BatchWriteItemRequest()
    write_item(item, batch.request_items.add().requests.add().put_item)
    parsed = items_pb2.BatchWriteItemRequest.FromString(batch.SerializeToString())
    assert read_item(parsed.request_items[0].requests[0].put_item) == item


def test_a_level_more_is_refused_before_it_is_sent() -> None:
    for wrap in (lambda inner: {"a": inner}, lambda inner: [inner]):
        value: object = "x"
        for _ in range(32):
            value = wrap(value)
        with pytest.raises(ValidationError, match="Nesting Levels"):
            through_the_wire({"x": value})


def test_text_that_is_no_unicode_is_refused() -> None:
    with pytest.raises((ValidationError, SerializationError)):
        through_the_wire({"x": "\ud800"})


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (value_of(), "must contain exactly one of the supported datatypes"),
        (value_of(null=False), "must have the value of true"),
        (value_of(n="seven"), "cannot be converted to a numeric value"),
        (value_of(n="1" * 39), "38 significant digits"),
        (value_of(ss={"values": []}), "may not be empty"),
        (value_of(ss={"values": ["a", "a"]}), "duplicates"),
        (value_of(ns={"values": ["1", "1.0"]}), "duplicates"),
        (value_of(bs={"values": [b"", b""]}), "duplicates"),
        (value_of(l={"values": [items_pb2.AttributeValue()]}), "exactly one"),
    ],
    ids=lambda given: str(given).split("\n")[0][:40],
)
def test_a_message_that_holds_no_value_is_refused(message: items_pb2.AttributeMap, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        read_item(message)
