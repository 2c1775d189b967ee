from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvdb.cli.json_form import from_json, item_from_json, to_json
from kvdb.item import number
from kvdb.item.strict_json import strict_json

numbers = st.integers(-(10**37), 10**37) | st.decimals(
    allow_nan=False, allow_infinity=False, places=10, min_value=-(10**20), max_value=10**20
).map(number.normalise)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
sets = (
    st.sets(texts, min_size=1, max_size=3)
    | st.sets(numbers, min_size=1, max_size=3)
    | st.sets(st.binary(max_size=4), min_size=1, max_size=3)
)
scalars = st.none() | st.booleans() | texts | numbers | st.binary(max_size=8) | sets
names = texts | st.sampled_from(["$bytes", "$set", "$map"])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_every_value_reads_back_as_itself(value: object) -> None:
    read = from_json(to_json(value))

    assert read == value
    assert type(read) is type(value)


@given(values)
def test_what_is_written_is_json_on_one_line(value: object) -> None:
    text = to_json(value)

    json.loads(text)
    assert "\n" not in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("0.1"), "0.1"),
        (12345678901234567890123456789012345678, "12345678901234567890123456789012345678"),
        (10**40, "1" + "0" * 40),
        (Decimal("1E-10"), "0.0000000001"),
        (True, "true"),
        (None, "null"),
        ("é\n\x1b", '"é\\n\\u001b"'),
        (b"\x00\xff", '{"$bytes": "AP8="}'),
        ({3, 1, 2}, '{"$set": [1, 2, 3]}'),
        ({b"b", b"a"}, '{"$set": [{"$bytes": "YQ=="}, {"$bytes": "Yg=="}]}'),
        ({"$set": [1]}, '{"$map": {"$set": [1]}}'),
        ({"$set": [1], "b": 2}, '{"$set": [1], "b": 2}'),
    ],
)
def test_a_value_has_one_form(value: object, text: str) -> None:
    assert to_json(value) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.50", Decimal("1.5")),
        ("1e3", 1000),
        ("-0", 0),
        ("0.1", Decimal("0.1")),
        ("123456789012345678.5", Decimal("123456789012345678.5")),
    ],
)
def test_numbers_are_read_without_rounding(text: str, value: object) -> None:
    read = from_json(text)

    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "not JSON: .* at character 2"),
        ("", "not JSON"),
        ("{'a': 1}", "not JSON"),
        ("NaN", "not a number: NaN"),
        ('{"a": -Infinity}', "not a number: -Infinity"),
        ('{"a": 1, "a": 2}', "name given twice: 'a'"),
        ('{"x": {"a": 1, "a": 2}}', "name given twice: 'a'"),
        ('"\\ud800"', "surrogate"),
        ('{"\\ud800": 1}', "surrogate"),
        ("1" * 39, "38 significant digits"),
        ("1" * 5000, "overflow|digits"),
        ("1e200", "overflow"),
        ("[" * 100_000, "nested too deeply|not JSON"),
        ('{"$map": ' * 150 + "{}" + "}" * 150, "nested too deeply"),
        ('{"$bytes": "!"}', "base64"),
        ('{"$bytes": 5}', "base64"),
        ('{"$set": []}', "at least one"),
        ('{"$set": "a"}', "needs a list"),
        ('{"$set": [1, "a"]}', "all strings, all numbers or all bytes"),
        ('{"$set": [true]}', "all strings"),
        ('{"$set": [[1]]}', "all strings"),
        ('{"$set": [1, 1.0]}', "given twice"),
        ('{"$map": 1}', "needs an object"),
    ],
)
def test_what_is_not_meant_is_refused(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        from_json(text)


@pytest.mark.parametrize("text", ["[]", "1", "null", '"a"', '{"$set": [1]}'])
def test_an_item_is_an_object(text: str) -> None:
    with pytest.raises(ValueError, match="not a JSON object"):
        item_from_json(text)


def test_strict_json_leaves_marks_alone() -> None:
    assert strict_json('{"$set": [1]}') == {"$set": [1]}


def test_only_attribute_values_are_written() -> None:
    with pytest.raises(TypeError, match="float"):
        to_json(1.5)
