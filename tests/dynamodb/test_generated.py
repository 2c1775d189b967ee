"""Requests made from the service's own model, sound and broken: every answer is a documented one.

Never a 500, never a traceback, never anything that tells of the server's inside.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import botocore
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kvdb.server.http_codec import ROUTES

_MODEL = Path(botocore.__file__).parent / "data/dynamodb/2012-08-10/service-2.json.gz"
MODEL = json.loads(gzip.decompress(_MODEL.read_bytes()))
SHAPES = MODEL["shapes"]
TABLE = "generated"
INSIDE = ("Traceback", "kvdb.", ".py", "/tmp", "/home", "/root", "0x")

texts = st.sampled_from(
    ["", "a", "id", ":v", "#n", "\ud800", "é" * 5, "x" * 300, "SET a = :v", "id = :v", TABLE]
)
scalars = st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False), texts)
junk = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)
values = st.deferred(
    lambda: st.one_of(
        st.fixed_dictionaries({"S": texts}),
        st.fixed_dictionaries({"N": st.sampled_from(["1", "-0.5", "1e400", "nan", ""])}),
        st.fixed_dictionaries({"B": st.sampled_from(["YQ==", "=", "é"])}),
        st.fixed_dictionaries({"SS": st.lists(texts, max_size=2)}),
        st.fixed_dictionaries({"L": st.lists(values, max_size=2)}),
        st.fixed_dictionaries({"M": st.dictionaries(texts, values, max_size=2)}),
        st.dictionaries(st.sampled_from(["S", "N", "NULL", "BOOL", "X"]), scalars, max_size=2),
    )
)


def of_shape(name: str, depth: int = 0) -> st.SearchStrategy[object]:
    """What the model allows there, and a little of what it does not."""
    shape = SHAPES[name]
    kind = shape["type"]
    if name == "AttributeValue":
        sound: st.SearchStrategy[object] = values
    elif depth > 6:
        sound = st.none()
    elif kind == "structure":
        optional = {member: of_shape(facts["shape"], depth + 1) for member, facts in shape["members"].items()}
        sound = st.fixed_dictionaries({}, optional=optional)
    elif kind == "list":
        sound = st.lists(of_shape(shape["member"]["shape"], depth + 1), max_size=2)
    elif kind == "map":
        sound = st.dictionaries(texts, of_shape(shape["value"]["shape"], depth + 1), max_size=2)
    elif "enum" in shape:
        sound = st.sampled_from([*shape["enum"], "", "NONSENSE"])
    elif kind == "string":
        sound = texts
    elif kind == "boolean":
        sound = st.booleans()
    else:
        sound = st.sampled_from([0, 1, -1, 100, 2**31, 2**63])
    return st.one_of(sound, sound, sound, sound, junk)


def documented_errors(operation: str) -> set[str]:
    modelled = {error["shape"] for error in MODEL["operations"][operation].get("errors", ())}
    return modelled | {"ValidationException", "SerializationException", "UnknownOperationException"}


def assert_fits(shape_name: str, value: object) -> None:
    """Whether an answer is of its shape, member by member."""
    shape = SHAPES[shape_name]
    if shape["type"] == "structure":
        assert isinstance(value, dict), shape_name
        assert set(value) <= set(shape["members"]), shape_name
        for name, member in value.items():
            assert_fits(shape["members"][name]["shape"], member)
    elif shape["type"] == "list":
        assert isinstance(value, list), shape_name
        for element in value:
            assert_fits(shape["member"]["shape"], element)
    elif shape["type"] == "map":
        assert isinstance(value, dict), shape_name
        for element in value.values():
            assert_fits(shape["value"]["shape"], element)
    elif shape["type"] == "boolean":
        assert isinstance(value, bool), shape_name
    elif shape["type"] in ("integer", "long"):
        assert type(value) is int, shape_name
    elif shape["type"] in ("double", "timestamp"):
        assert isinstance(value, (int, float)), shape_name
    else:
        assert isinstance(value, str), shape_name


@pytest.fixture(scope="module", autouse=True)
def some_table(dynamodb):
    dynamodb.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


@pytest.mark.parametrize("operation", [route.name for route in ROUTES])
def test_every_answer_is_a_documented_one(operation, post):
    model = MODEL["operations"][operation]

    @settings(max_examples=60, suppress_health_check=list(HealthCheck))
    @given(body=of_shape(model["input"]["shape"]))
    def ask(body):
        status, headers, answer = post(operation, json.dumps(body).encode())
        assert headers["x-amzn-requestid"]
        if status == 200:
            assert_fits(model["output"]["shape"], answer)
            return
        assert status == 400, answer
        code = answer["__type"].partition("#")[2]
        assert code in documented_errors(operation), answer
        message = answer.get("message", answer.get("Message", ""))
        assert not any(trace in message for trace in INSIDE), message

    ask()
