"""Exports and imports with boto3, in the shapes of the service's model."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.dynamodb.conftest import ACCESS
from tests.support.server_process import ServerProcess


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("buckets")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, root: Path):
    """Parameters are validated, and answers parsed by the model."""
    data_dir = tmp_path_factory.mktemp("transfers") / "data"
    arguments = ("--sync", "none", "--export-root", str(root), "--history-retention", "3600")
    with ServerProcess(data_dir, *arguments, doors=("http",)) as process:
        client = boto3.client(
            "dynamodb",
            endpoint_url=f"http://{process.addresses['http']}",
            config=Config(retries={"max_attempts": 0}),
            **ACCESS,
        )
        yield client
        client.close()


def over(describe, arn):
    for _ in range(600):
        (found,) = (value for key, value in describe(arn).items() if key.endswith("Description"))
        if "IN_PROGRESS" not in found.values():
            return found
        time.sleep(0.05)
    raise AssertionError(found)


def export_of(client, arn):
    return over(lambda arn: client.describe_export(ExportArn=arn), arn)


def import_of(client, arn):
    return over(lambda arn: client.describe_import(ImportArn=arn), arn)


SCHEMA = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


@pytest.fixture(scope="module")
def table_arn(client) -> str:
    made = client.create_table(TableName="products", **SCHEMA)
    for n in range(30):
        client.put_item(TableName="products", Item={"id": {"S": f"p{n:02}"}, "n": {"N": str(n)}})
    return made["TableDescription"]["TableArn"]


def test_an_export_is_described_as_the_service_does_and_imported(client, table_arn, root):
    begun = client.export_table_to_point_in_time(
        TableArn=table_arn, S3Bucket="my-bucket", S3Prefix="2026-Nov", ClientToken="one"
    )["ExportDescription"]
    assert begun["ExportStatus"] == "IN_PROGRESS"
    assert begun["ExportArn"].startswith(f"{table_arn}/export/")
    done = export_of(client, begun["ExportArn"])
    assert (done["ExportStatus"], done["ItemCount"], done["S3SseAlgorithm"]) == ("COMPLETED", 30, "AES256")
    manifest = root / "my-bucket" / done["ExportManifest"]
    summary = json.loads(manifest.read_text())
    assert (summary["s3Bucket"], summary["s3Prefix"], summary["itemCount"]) == ("my-bucket", "2026-Nov", 30)
    listed = client.list_exports(TableArn=table_arn)["ExportSummaries"]
    assert done["ExportArn"] in [summary["ExportArn"] for summary in listed]

    begun = client.import_table(
        S3BucketSource={"S3Bucket": "my-bucket", "S3KeyPrefix": done["ExportManifest"].rpartition("/")[0]},
        InputFormat="DYNAMODB_JSON",
        InputCompressionType="GZIP",
        TableCreationParameters={"TableName": "products-again", **SCHEMA},
    )["ImportTableDescription"]
    assert begun["TableCreationParameters"]["TableName"] == "products-again"
    found = import_of(client, begun["ImportArn"])
    assert (found["ImportStatus"], found["ImportedItemCount"], found["ErrorCount"]) == ("COMPLETED", 30, 0)
    assert client.scan(TableName="products-again", Select="COUNT")["Count"] == 30
    (summary,) = client.list_imports(PageSize=1)["ImportSummaryList"]
    assert (summary["ImportArn"], summary["InputFormat"]) == (found["ImportArn"], "DYNAMODB_JSON")


def test_a_filter_is_taken_and_told(client, table_arn, root):
    asked = {
        "FilterExpression": "#n < :n",
        "ProjectionExpression": "id",
        "ExpressionAttributeNames": {"#n": "n"},
        "ExpressionAttributeValues": {":n": {"N": "3"}},
    }
    begun = client.export_table_to_point_in_time(
        TableArn=table_arn, S3Bucket="filtered", FilterSpecification=asked
    )["ExportDescription"]
    done = export_of(client, begun["ExportArn"])
    assert (done["ItemCount"], done["FilterSpecification"]) == (3, asked)
    (data,) = (root / "filtered").glob("AWSDynamoDB/*/data/*.json.gz")
    lines = gzip.decompress(data.read_bytes()).splitlines()
    assert sorted(lines) == [b'{"Item":{"id":{"S":"p0%d"}}}' % n for n in range(3)]


def test_csv_is_imported_with_the_services_options(client, root):
    (root / "csv-bucket" / "in").mkdir(parents=True)
    (root / "csv-bucket" / "in" / "a.csv").write_text("a;x\nb;y\n")
    begun = client.import_table(
        S3BucketSource={"S3Bucket": "csv-bucket", "S3KeyPrefix": "in/"},
        InputFormat="CSV",
        InputFormatOptions={"Csv": {"Delimiter": ";", "HeaderList": ["id", "note"]}},
        TableCreationParameters={"TableName": "from-csv", **SCHEMA},
    )["ImportTableDescription"]
    found = import_of(client, begun["ImportArn"])
    assert found["ImportStatus"] == "COMPLETED", found
    assert found["InputFormatOptions"]["Csv"]["HeaderList"] == ["id", "note"]
    items = client.scan(TableName="from-csv")["Items"]
    assert {item["id"]["S"]: item["note"]["S"] for item in items} == {"a": "x", "b": "y"}


def test_bad_items_make_an_import_fail_as_the_services(client, root):
    (root / "bad-bucket").mkdir()
    (root / "bad-bucket" / "a.json").write_text('{"Item":{"id":{"S":"a"}}}\n{"Item":{}}\n')
    begun = client.import_table(
        S3BucketSource={"S3Bucket": "bad-bucket"},
        InputFormat="DYNAMODB_JSON",
        TableCreationParameters={"TableName": "from-bad", **SCHEMA},
    )["ImportTableDescription"]
    found = import_of(client, begun["ImportArn"])
    assert (found["ImportStatus"], found["FailureCode"]) == ("FAILED", "ItemValidationError")
    assert (found["ProcessedItemCount"], found["ImportedItemCount"], found["ErrorCount"]) == (2, 1, 1)


def refusal(call, **arguments) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def test_refusals_have_the_services_codes(client, table_arn):
    missing = table_arn.replace("products", "nothing")
    export = client.export_table_to_point_in_time
    assert refusal(export, TableArn=missing, S3Bucket="bucket") == (
        "TableNotFoundException",
        f"Table not found: {missing}",
    )
    assert refusal(export, TableArn=table_arn, S3Bucket="bucket", ExportTime=time.time() + 3600) == (
        "InvalidExportTimeException",
        "Export Time is invalid",
    )
    code, message = refusal(
        export,
        TableArn=table_arn,
        S3Bucket="bucket",
        ExportType="INCREMENTAL_EXPORT",
        IncrementalExportSpecification={"ExportFromTime": int(time.time()) - 1_000_000},
    )
    assert code == "InvalidExportTimeException"
    assert "table creation time" in message
    export(TableArn=table_arn, S3Bucket="bucket", ClientToken="twice")
    code, message = refusal(export, TableArn=table_arn, S3Bucket="other", ClientToken="twice")
    assert code == "ExportConflictException"
    assert "Duplicate request detected" in message
    arn = f"{table_arn}/export/01700000000000-0123abcd"
    assert refusal(client.describe_export, ExportArn=arn)[0] == "ExportNotFoundException"
    assert refusal(client.describe_import, ImportArn=arn)[0] == "ImportNotFoundException"
    taken = refusal(
        client.import_table,
        S3BucketSource={"S3Bucket": "bucket"},
        InputFormat="DYNAMODB_JSON",
        TableCreationParameters={"TableName": "products", **SCHEMA},
    )
    assert taken[0] == "ResourceInUseException"
    assert (
        refusal(export, TableArn=table_arn, S3Bucket="bucket", ExportFormat="ION")[0] == "ValidationException"
    )
