"""Filter patterns: what each rule matches, and what is said of what is no pattern."""

from __future__ import annotations

import json

import pytest

from kvdb.errors import ValidationError
from kvdb.stream.patterns import compile_patterns

EVENT = {
    "eventName": "MODIFY",
    "dynamodb": {
        "ApproximateCreationDateTime": 1_700_000_000,
        "Keys": {"id": {"S": "order-17"}},
        "NewImage": {
            "id": {"S": "order-17"},
            "state": {"S": "Shipped"},
            "total": {"N": "120.50"},
            "gift": {"BOOL": True},
            "note": {"NULL": True},
            "tags": {"SS": ["red", "large"]},
            "sizes": {"NS": ["3", "40"]},
            "lines": {"L": [{"M": {"sku": {"S": "a"}}}, {"M": {"sku": {"S": "b"}}}]},
            "empty": {"S": ""},
        },
    },
    "userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"},
}


def matches(*patterns: object, event: dict[str, object] = EVENT) -> bool:
    return compile_patterns([json.dumps(pattern) for pattern in patterns])(event)


def new(name: str, kind: str, *rules: object) -> dict[str, object]:
    return {"dynamodb": {"NewImage": {name: {kind: list(rules)}}}}


@pytest.mark.parametrize(
    ("pattern", "is_match"),
    [
        ({"eventName": ["MODIFY"]}, True),
        ({"eventName": ["INSERT", "MODIFY"]}, True),
        ({"eventName": ["INSERT"]}, False),
        ({"eventName": ["modify"]}, False),
        ({"eventName": [{"equals-ignore-case": "modify"}]}, True),
        ({"userIdentity": {"type": ["Service"], "principalId": ["dynamodb.amazonaws.com"]}}, True),
        ({"dynamodb": {"Keys": {"id": {"S": [{"prefix": "order-"}]}}}}, True),
        (new("state", "S", {"prefix": "shi"}), False),
        (new("state", "S", {"prefix": {"equals-ignore-case": "shi"}}), True),
        (new("state", "S", {"suffix": "ped"}), True),
        (new("state", "S", {"suffix": "x"}), False),
        (new("state", "S", {"suffix": {"equals-ignore-case": "PED"}}), True),
        (new("empty", "S", ""), True),
        (new("gift", "BOOL", True), True),
        (new("gift", "BOOL", False), False),
        (new("gift", "BOOL", 1), False),
        (new("note", "NULL", True), True),
        (new("note", "NULL", None), False),
        (new("total", "N", "120.50"), True),
        (new("total", "N", 120.5), False),
        (new("total", "N", {"numeric": ["=", 120.5]}), True),
        (new("total", "N", {"numeric": [">", 120.5]}), False),
        (new("total", "N", {"numeric": [">=", 120.5]}), True),
        (new("total", "N", {"numeric": ["<", 121]}), True),
        (new("total", "N", {"numeric": ["<=", 120]}), False),
        (new("total", "N", {"numeric": [">", 100, "<=", 120.5]}), True),
        (new("total", "N", {"numeric": [">", 120.5, "<", 130]}), False),
        (new("state", "S", {"numeric": [">", 0]}), False),
        (new("sizes", "NS", {"numeric": [">", 39]}), True),
        (new("sizes", "NS", {"numeric": [">", 40]}), False),
        (new("tags", "SS", "large"), True),
        (new("tags", "SS", "small"), False),
        (new("tags", "SS", {"anything-but": "red"}), True),
        (new("state", "S", {"anything-but": "Shipped"}), False),
        (new("state", "S", {"anything-but": ["Open", "Closed"]}), True),
        (new("state", "S", {"anything-but": ["Open", "Shipped"]}), False),
        (new("state", "S", {"anything-but": {"prefix": "Sh"}}), False),
        (new("state", "S", {"anything-but": {"prefix": ["X", "Y"]}}), True),
        (new("state", "S", {"anything-but": {"suffix": "ped"}}), False),
        (new("state", "S", {"anything-but": {"equals-ignore-case": ["SHIPPED"]}}), False),
        (new("absent", "S", {"anything-but": "x"}), False),
        (new("state", "S", {"exists": True}), True),
        (new("absent", "S", {"exists": True}), False),
        (new("absent", "S", {"exists": False}), True),
        (new("state", "S", {"exists": False}), False),
        (new("absent", "S", "x", {"exists": False}), True),
        ({"dynamodb": {"OldImage": {"state": {"S": [{"exists": False}]}}}}, True),
        ({"dynamodb": {"NewImage": [{"exists": True}]}}, False),
        ({"dynamodb": {"NewImage": [{"exists": False}]}}, True),
        ({"dynamodb": {"NewImage": {"lines": {"L": {"M": {"sku": {"S": ["b"]}}}}}}}, True),
        ({"dynamodb": {"NewImage": {"lines": {"L": {"M": {"sku": {"S": ["c"]}}}}}}}, False),
        ({"dynamodb": {"ApproximateCreationDateTime": [{"numeric": [">", 1.6e9]}]}}, True),
        ({"dynamodb": {"ApproximateCreationDateTime": [1_700_000_000]}}, True),
        ({"eventName": ["MODIFY"], "userIdentity": {"type": ["User"]}}, False),
        ({"$or": [{"eventName": ["INSERT"]}, new("gift", "BOOL", True)]}, True),
        ({"$or": [{"eventName": ["INSERT"]}, new("gift", "BOOL", False)]}, False),
        ({"eventName": ["INSERT"], "$or": [{"eventName": ["MODIFY"]}]}, False),
        (
            {"dynamodb": {"$or": [{"OldImage": {"a": {"S": ["x"]}}}, {"Keys": {"id": {"S": ["order-17"]}}}]}},
            True,
        ),
    ],
)
def test_a_pattern_matches_what_it_says(pattern: object, is_match: bool) -> None:
    assert matches(pattern) is is_match


def test_null_matches_null_alone() -> None:
    assert matches({"a": [None]}, event={"a": None})
    assert not matches({"a": [None]}, event={"a": False})
    assert not matches({"a": [None]}, event={})


def test_several_patterns_are_alternatives() -> None:
    assert matches({"eventName": ["INSERT"]}, {"eventName": ["MODIFY"]})
    assert not matches({"eventName": ["INSERT"]}, {"eventName": ["REMOVE"]})


def test_without_patterns_everything_matches() -> None:
    assert matches()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "not JSON"),
        ('{"a": NaN}', "not JSON: NaN"),
        ("[" * 4096, "nested too deep"),
        ("[]", "must be an object"),
        ("{}", "pattern is empty"),
        ('{"a": {}}', "pattern.a is empty"),
        ('{"a": []}', "pattern.a is an empty list"),
        ('{"a": "x"}', "pattern.a must be an object, or a list"),
        ('{"a": [["x"]]}', "no rule"),
        ('{"a": [{"prefix": 1}]}', "prefix takes a text"),
        ('{"a": [{"suffix": {"prefix": "x"}}]}', "suffix takes a text"),
        ('{"a": [{"wildcard": "x*"}]}', 'unknown rule "wildcard"'),
        ('{"a": [{"prefix": "x", "suffix": "y"}]}', "a rule has one member"),
        ('{"a": [{"exists": "yes"}]}', "exists must be true or false"),
        ('{"a": [{"exists": 0}]}', "exists must be true or false"),
        ('{"a": [{"anything-but": []}]}', "empty list"),
        ('{"a": [{"anything-but": {"prefix": []}}]}', "empty list"),
        ('{"a": [{"anything-but": [null]}]}', "anything-but takes texts and numbers"),
        ('{"a": [{"anything-but": {"numeric": ["=", 1]}}]}', "anything-but takes no"),
        ('{"a": [{"numeric": ["=", "1"]}]}', "numeric compares with a number"),
        ('{"a": [{"numeric": ["!=", 1]}]}', "numeric knows"),
        ('{"a": [{"numeric": ["=", 1, "="]}]}', "numeric takes an operator and a number"),
        ('{"a": [{"numeric": ["<", 1, ">", 0]}]}', "a range is"),
        ('{"a": [{"numeric": [">", 2, "<", 1]}]}', "the range is empty"),
        ('{"a": [{"numeric": [">", 1, "<=", 1]}]}', "the range is empty"),
        ('{"$or": {}}', "must be a list of patterns"),
        ('{"$or": []}', "must be a list of patterns"),
        ('{"$or": ["x"]}', "must be a list of patterns"),
        ('{"a": ["' + "x" * 4096 + '"]}', "longer than 4096 characters"),
    ],
)
def test_what_is_no_pattern_is_refused_by_its_fault(text: str, fault: str) -> None:
    with pytest.raises(ValidationError) as refused:
        compile_patterns(['{"eventName": ["INSERT"]}', text])
    assert refused.value.message.startswith("filter pattern 2: ")
    assert fault in refused.value.message


def test_there_are_at_most_five() -> None:
    compile_patterns(['{"a": [1]}'] * 5)
    with pytest.raises(ValidationError, match="at most 5"):
        compile_patterns(['{"a": [1]}'] * 6)


def test_a_single_text_is_no_list_of_them() -> None:
    with pytest.raises(ValidationError, match="must be a list of JSON texts"):
        compile_patterns('{"a": [1]}')
    with pytest.raises(ValidationError, match="must be a JSON text, not dict"):
        compile_patterns([{"a": [1]}])  # type: ignore[list-item]
