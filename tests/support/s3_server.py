"""An S3-compatible server in this process, on loopback (moto's)."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
from moto.server import ThreadedMotoServer

SETTINGS = {
    "aws_access_key_id": "any",
    "aws_secret_access_key": "any",
    "aws_region": "us-east-1",
}


@contextmanager
def s3_server(bucket: str = "backups") -> Iterator[dict[str, str]]:
    """A server with one empty bucket; the settings with which an ``ObjectStore`` reaches it."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="any",
            aws_secret_access_key="any",
        )
        client.create_bucket(Bucket=bucket)
        client.close()
        try:
            yield {**SETTINGS, "aws_endpoint": endpoint}
        finally:
            server.stop()
