"""What people do with the AWS CLI, against the endpoint in ENDPOINT. AWS names the command."""

from __future__ import annotations

import json
import os
import subprocess

ENVIRONMENT = {
    **os.environ,
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_MAX_ATTEMPTS": "1",
    "AWS_PAGER": "",
}
TABLE = ("--table-name", "awscli")
REFUSED = (254, 255)
"""The exit codes of a request that the service refused, of version 2 and of 1."""


def aws(command: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    texts = [argument if isinstance(argument, str) else json.dumps(argument) for argument in arguments]
    return subprocess.run(
        [os.environ["AWS"], "dynamodb", command, "--endpoint-url", os.environ["ENDPOINT"], *texts],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )


def told(command: str, *arguments: object) -> dict:
    """What the service answers, as the CLI prints it."""
    done = aws(command, *arguments)
    assert done.returncode == 0, (command, done.stderr)
    return json.loads(done.stdout or "{}")


def main() -> None:
    made = told(
        "create-table",
        *TABLE,
        *("--key-schema", "AttributeName=id,KeyType=HASH", "AttributeName=n,KeyType=RANGE"),
        *("--attribute-definitions", "AttributeName=id,AttributeType=S", "AttributeName=n,AttributeType=N"),
        *("--billing-mode", "PAY_PER_REQUEST"),
    )
    assert made["TableDescription"]["TableName"] == "awscli"
    told("wait", "table-exists", *TABLE)
    assert "awscli" in told("list-tables")["TableNames"]

    item = {"id": {"S": "a"}, "n": {"N": "1"}, "tags": {"SS": ["x"]}, "list": {"L": [{"NULL": True}]}}
    told("put-item", *TABLE, "--item", item)
    key = {"id": {"S": "a"}, "n": {"N": "1"}}
    assert told("get-item", *TABLE, "--key", key, "--consistent-read")["Item"] == item
    updated = told(
        "update-item",
        *TABLE,
        *("--key", key, "--update-expression", "SET v = :v", "--return-values", "UPDATED_NEW"),
        *("--expression-attribute-values", {":v": {"N": "7"}}),
    )
    assert updated["Attributes"] == {"v": {"N": "7"}}

    puts = [{"PutRequest": {"Item": {"id": {"S": "b"}, "n": {"N": str(n)}}}} for n in range(25)]
    assert told("batch-write-item", "--request-items", {"awscli": puts})["UnprocessedItems"] == {}
    page = told(
        "query",
        *TABLE,
        *("--key-condition-expression", "id = :id AND n >= :n", "--no-scan-index-forward"),
        *("--expression-attribute-values", {":id": {"S": "b"}, ":n": {"N": "20"}}),
    )
    assert [found["n"]["N"] for found in page["Items"]] == ["24", "23", "22", "21", "20"]
    scanned = told("scan", *TABLE, "--page-size", "4", "--max-items", "10")
    assert len(scanned["Items"]) == 10
    rest = told("scan", *TABLE, "--page-size", "4", "--starting-token", scanned["NextToken"])
    assert len(rest["Items"]) == 16

    refused = aws("put-item", *TABLE, "--item", item, "--condition-expression", "attribute_not_exists(id)")
    assert refused.returncode in REFUSED
    assert "(ConditionalCheckFailedException)" in refused.stderr
    assert "The conditional request failed" in refused.stderr
    unknown = aws("create-backup", *TABLE, "--backup-name", "none")
    assert unknown.returncode in REFUSED
    assert "(UnknownOperationException)" in unknown.stderr

    told("transact-write-items", "--transact-items", [{"Delete": {"TableName": "awscli", "Key": key}}])
    assert told("get-item", *TABLE, "--key", key) == {}
    told("update-time-to-live", *TABLE, "--time-to-live-specification", "Enabled=true,AttributeName=gone_at")
    described = told("describe-time-to-live", *TABLE)["TimeToLiveDescription"]
    assert described == {"TimeToLiveStatus": "ENABLED", "AttributeName": "gone_at"}
    told("delete-table", *TABLE)
    told("wait", "table-not-exists", *TABLE)
    print("the AWS CLI: all well")


main()
