"""A server with a continuous archive, as an AWS SDK sees it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from kvdb.options import ArchiveOptions, DatabaseOptions
from tests.support.served import http_options, served_doors


@contextmanager
def archived_boto3(place: Path, table: str) -> Iterator[Any]:
    """A client, and a table with the key ``id``."""
    options = DatabaseOptions(archive=ArchiveOptions(str(place / "store"), ship_interval_ms=20))
    with served_doors(http_options(data_dir=str(place / "db"), database=options)) as addresses:
        client = boto3.client(
            "dynamodb",
            endpoint_url=f"http://{addresses.http}",
            region_name="us-east-1",
            aws_access_key_id="key",
            aws_secret_access_key="secret",
            config=Config(retries={"max_attempts": 0}),
        )
        client.create_table(
            TableName=table,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield client
