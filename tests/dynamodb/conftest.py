"""boto3 against a ``kvdb serve`` process: one server a session, tables with names of their own."""

from __future__ import annotations

import itertools
import json
import urllib.request
from collections.abc import Callable, Iterator

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.support.server_process import ServerProcess

_numbers = itertools.count(1)
ACCESS = {"region_name": "us-east-1", "aws_access_key_id": "key", "aws_secret_access_key": "secret"}
NO_RETRIES = Config(retries={"max_attempts": 0}, parameter_validation=False)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    data_dir = tmp_path_factory.mktemp("dynamodb") / "data"
    store = str(data_dir.parent / "store")
    arguments = ("--sync", "none", "--backup-store", store)
    with ServerProcess(data_dir, *arguments, doors=("http", "admin")) as process:
        yield process


@pytest.fixture(scope="session")
def endpoint(server) -> str:
    return f"http://{server.addresses['http']}"


@pytest.fixture(scope="session")
def dynamodb(endpoint):
    """A client that sends what it is given, without a second try."""
    client = boto3.client("dynamodb", endpoint_url=endpoint, config=NO_RETRIES, **ACCESS)
    yield client
    client.close()


@pytest.fixture
def resource(endpoint):
    resource = boto3.resource(
        "dynamodb", endpoint_url=endpoint, config=Config(retries={"max_attempts": 0}), **ACCESS
    )
    yield resource
    resource.meta.client.close()


@pytest.fixture
def make_table(dynamodb) -> Callable[..., str]:
    """Make a table; ``id`` (S) is its partition key, and ``sort`` names a sort key with its type."""

    def make(sort: tuple[str, str] | None = None, **settings: object) -> str:
        keys = [("id", "S")] + ([sort] if sort else [])
        name = f"table-{next(_numbers)}"
        dynamodb.create_table(
            TableName=name,
            KeySchema=[
                {"AttributeName": key, "KeyType": role}
                for (key, _), role in zip(keys, ("HASH", "RANGE"), strict=False)
            ],
            **{
                "AttributeDefinitions": [{"AttributeName": key, "AttributeType": kind} for key, kind in keys],
                "BillingMode": "PAY_PER_REQUEST",
                **settings,
            },
        )
        return name

    return make


@pytest.fixture
def table(make_table) -> str:
    return make_table()


class Refusal(Exception):
    """What was answered instead of a result."""


@pytest.fixture
def refusal(dynamodb):
    """``refusal("PutItem", **request)`` gives the code and the message of its refusal."""

    def call(operation: str, **request: object) -> tuple[str, str]:
        method = getattr(
            dynamodb, "".join("_" + c.lower() if c.isupper() else c for c in operation).lstrip("_")
        )
        with pytest.raises(ClientError) as caught:
            method(**request)
        error = caught.value.response["Error"]
        return error["Code"], error["Message"]

    return call


@pytest.fixture
def post(endpoint):
    """Send any body, as no SDK would; gives the status, the headers and the body."""

    def send(operation: str, body: object, **headers: str | None) -> tuple[int, dict[str, str], object]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"DynamoDB_20120810.{operation}",
            "X-Amz-Date": "20260101T000000Z",
            "Authorization": "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/dynamodb/aws4_request, "
            "SignedHeaders=host, Signature=00",
        }
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        request = urllib.request.Request(
            endpoint, data, {name: value for name, value in sent.items() if value is not None}
        )
        try:
            with urllib.request.urlopen(request) as answer:
                status, received, text = answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                status, received, text = error.code, error.headers, error.read()
        found = {name.lower(): value for name, value in received.items()}
        is_json = "json" in found.get("content-type", "") and "content-encoding" not in found
        return status, found, json.loads(text) if is_json else text

    return send
