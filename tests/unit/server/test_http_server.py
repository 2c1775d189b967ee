"""The HTTP door in one process with a database that is told what to do."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import ipaddress
import json
import ssl
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import kvdb
from kvdb import errors
from kvdb.api.items import GetItemResult
from kvdb.database.database import Database
from kvdb.options import ServerOptions
from kvdb.server.http_errors import FORMS
from kvdb.server.http_server import HttpDoor
from kvdb.server.pipeline import Pipeline
from tests.support.scripted_database import ScriptedDatabase
from tests.support.served import event_loop_thread, http_options, served_doors

HEADERS = {
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Date": "20260101T000000Z",
    "Authorization": "AWS4-HMAC-SHA256 Credential=k/d/r/s/t, SignedHeaders=host, Signature=00",
}
GET = {"TableName": "abc", "Key": {"id": {"S": "a"}}}
SECRET = "/var/lib/secret/000012.sst in kvdb.lsm.engine line 77 key AKIA123"


class Door:
    """An open door to a scripted database; ``ask`` sends one request on one kept connection."""

    def __init__(self, act, *, holds=False, **changes):
        self.database = ScriptedDatabase(act, holds=holds)
        self._options = http_options(**changes)

    def __enter__(self):
        self._loop = event_loop_thread()
        self.run = self._loop.__enter__()
        self._pool = ThreadPoolExecutor(2)
        pipeline = Pipeline.of_server(self.database.env, self._options)
        self._door = HttpDoor(self.database, self._options, pipeline, self._pool)
        self.address = self.run(self._door.start)
        self.wire = http.client.HTTPConnection(self.address, timeout=30)
        return self

    def __exit__(self, *exc_info):
        self.wire.close()
        self.run(lambda: self.stop(0))
        self._pool.shutdown()
        self._loop.__exit__(*exc_info)

    def stop(self, grace_ms):
        return self._door.stop(grace_ms)

    def ask(self, operation, body):
        headers = {**HEADERS, "X-Amz-Target": f"DynamoDB_20120810.{operation}"}
        self.wire.request("POST", "/", json.dumps(body), headers)
        answer = self.wire.getresponse()
        return answer.status, json.loads(answer.read()), answer.headers["x-amzn-RequestId"]


def test_a_packed_body_is_taken_where_the_operator_allows_it():
    def ask(door, body, coding):
        headers = {**HEADERS, "X-Amz-Target": "DynamoDB_20120810.GetItem", "Content-Encoding": coding}
        door.wire.request("POST", "/", body, headers)
        answer = door.wire.getresponse()
        return answer.status, json.loads(answer.read() or b"null")

    sound = json.dumps(GET).encode()
    with Door(lambda request: GetItemResult({"id": request.key["id"]})) as door:
        assert ask(door, gzip.compress(sound), "gzip") == (415, None)
    options = {"http_packed_requests": True, "http_body_bytes_max": 10_000}
    with Door(lambda request: GetItemResult({"id": request.key["id"]}), **options) as door:
        found = (200, {"Item": {"id": {"S": "a"}}})
        assert ask(door, gzip.compress(sound), "gzip") == found
        assert ask(door, zlib.compress(sound), "deflate") == found
        assert ask(door, gzip.compress(sound + b" " * 10_000), "gzip")[0] == 413
        assert ask(door, sound, "gzip")[0] == 400
        assert ask(door, gzip.compress(sound), "br")[0] == 400
        assert ask(door, gzip.compress(sound), "gzip") == found


@pytest.fixture
def certificate(tmp_path):
    """Files of a self-signed certificate of 127.0.0.1, and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kvdb test")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2100, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return str(cert_file), str(key_file)


@pytest.mark.parametrize("operation", ["GetItem", "Scan"])
def test_internal_errors_leak_nothing_and_the_log_has_them_by_id(operation, caplog):

    def fail(request):
        raise RuntimeError(SECRET)

    with Door(fail) as door:
        for _ in range(250):
            status, body, request_id = door.ask(operation, GET)
            assert (status, body) == (
                500,
                {
                    "__type": "com.amazonaws.dynamodb.v20120810#InternalServerError",
                    "message": f"internal server error request_id={request_id}",
                },
            )
    assert f"request_id={request_id}" in caplog.text
    assert len(caplog.records) == 250


def test_an_answer_that_cannot_be_written_is_an_internal_error(caplog):
    with Door(lambda request: object()) as door:
        for operation in ("GetItem", "Scan", "GetItem"):
            assert door.ask(operation, GET)[0] == 500


@pytest.mark.parametrize("cls", list(errors.BY_CODE.values()), ids=lambda cls: cls.__name__)
def test_every_error_has_a_status_and_a_type(cls):
    error = errors.from_code(cls.code, "the message")

    def fail(request):
        raise error

    with Door(fail) as door:
        status, body, _ = door.ask("GetItem", GET)
    assert status in (400, 413, 500, 503)
    assert body["__type"].startswith("com.amazon")
    if error.retryable and status == 400:
        assert cls.code in body["__type"]
    if status == 500:
        assert "InternalServerError" in body["__type"]


def test_the_table_of_errors_names_only_classes_there_are():
    assert set(FORMS) <= set(errors.BY_CODE.values())


@pytest.mark.parametrize(
    ("error", "body"),
    [
        (
            errors.ThroughputExceeded("slow down", reasons=[errors.ThrottlingReason("Why", "arn:x")]),
            {
                "__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
                "message": "slow down",
                "ThrottlingReasons": [{"reason": "Why", "resource": "arn:x"}],
            },
        ),
        (
            errors.Throttled("slow down", reasons=[errors.ThrottlingReason("Why", "arn:x")]),
            {
                "__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException",
                "message": "slow down",
                "throttlingReasons": [{"reason": "Why", "resource": "arn:x"}],
            },
        ),
        (
            errors.TransactionCanceled(
                [
                    errors.CancellationReason(),
                    errors.CancellationReason("ConditionalCheckFailed", "no", {"id": "a"}),
                ]
            ),
            {
                "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
                "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons "
                "[None, ConditionalCheckFailed]",
                "CancellationReasons": [
                    {"Code": "None"},
                    {"Code": "ConditionalCheckFailed", "Message": "no", "Item": {"id": {"S": "a"}}},
                ],
            },
        ),
    ],
)
def test_errors_carry_their_details(error, body):
    def fail(request):
        raise error

    with Door(fail) as door:
        assert door.ask("GetItem", GET)[:2] == (400, body)


def test_a_call_past_its_deadline_is_answered_and_the_connection_goes_on():
    is_over = threading.Event()

    def act(request):
        assert is_over.wait(30)
        raise errors.ResourceNotFound("late")

    with Door(act, deadline_ms_max=50) as door:
        assert door.ask("Scan", GET)[0] == 503
        is_over.set()
        assert door.ask("GetItem", GET)[:2] == (
            400,
            {"__type": "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", "message": "late"},
        )


def test_too_many_calls_at_once_are_refused_so_that_sdks_try_again():
    with Door(lambda request: GetItemResult(None), holds=True, concurrent_calls_max=1) as door:
        other = http.client.HTTPConnection(door.address, timeout=30)
        headers = {**HEADERS, "X-Amz-Target": "DynamoDB_20120810.GetItem"}
        other.request("POST", "/", json.dumps(GET), headers)
        door.run(lambda: door.database.held(1))
        status, body, _ = door.ask("GetItem", GET)
        assert (status, body["__type"]) == (
            400,
            "com.amazonaws.dynamodb.v20120810#RequestLimitExceeded",
        )
        door.database.finish_all()
        assert other.getresponse().read() == b"{}"
        other.close()


def test_stopping_lets_a_call_in_flight_finish():
    with Door(lambda request: GetItemResult({"id": "a"}), holds=True) as door:
        headers = {**HEADERS, "X-Amz-Target": "DynamoDB_20120810.GetItem"}
        door.wire.request("POST", "/", json.dumps(GET), headers)
        door.run(lambda: door.database.held(1))

        async def stop_and_finish():
            stopping = asyncio.ensure_future(door.stop(30_000))
            await asyncio.sleep(0)
            door.database.finish_all()
            await stopping

        door.run(stop_and_finish)
        answer = door.wire.getresponse()
        assert answer.headers["Connection"] == "close"
        assert json.loads(answer.read()) == {"Item": {"id": {"S": "a"}}}


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "example.org:0"])
def test_a_door_to_other_machines_opens_only_when_told_so(address):
    async def start():
        real = Database.open(":memory:")
        options = ServerOptions(":memory:", grpc_address=None, http_address=address)
        with pytest.raises(errors.ValidationError, match="insecure"):
            await HttpDoor(real, options, Pipeline.of_server(real.env, options), None).start()
        real.close()

    asyncio.run(start())


def test_an_insecure_door_says_so_in_the_log(caplog):
    with served_doors(http_options(http_address="0.0.0.0:0", is_insecure=True)) as addresses:
        assert addresses.http
    assert any("insecure" in record.message and record.levelname == "WARNING" for record in caplog.records)


def test_an_address_in_use_is_refused_with_the_reason():
    with served_doors(http_options()) as addresses:

        async def start():
            real = Database.open(":memory:")
            options = ServerOptions(":memory:", grpc_address=None, http_address=addresses.http)
            with pytest.raises(errors.ValidationError, match="cannot listen"):
                await HttpDoor(real, options, Pipeline.of_server(real.env, options), None).start()
            real.close()

        asyncio.run(start())


def test_both_doors_serve_one_database():
    options = http_options()
    both = ServerOptions(
        ":memory:", grpc_address="127.0.0.1:0", http_address=options.http_address, admin_address="127.0.0.1:0"
    )
    with served_doors(both) as addresses:
        assert str(addresses) == f"grpc={addresses.grpc} http={addresses.http} admin={addresses.admin}"
        with kvdb.connect(f"grpc://{addresses.grpc}") as client:
            client.create_table("abc", key=("id", "S")).put({"id": "a", "n": 1})
        wire = http.client.HTTPConnection(addresses.http)
        wire.request("POST", "/", json.dumps(GET), {**HEADERS, "X-Amz-Target": "DynamoDB_20120810.GetItem"})
        assert json.loads(wire.getresponse().read()) == {"Item": {"id": {"S": "a"}, "n": {"N": "1"}}}
        wire.close()


@pytest.mark.filterwarnings("ignore:ssl.OP_NO:DeprecationWarning")
def test_tls_is_spoken_and_nothing_else(certificate):
    cert, key = certificate
    with served_doors(http_options(tls_cert=cert, tls_key=key)) as addresses:
        context = ssl.create_default_context(cafile=cert)
        wire = http.client.HTTPSConnection(addresses.http, context=context, timeout=30)
        wire.request("POST", "/", "{}", {**HEADERS, "X-Amz-Target": "DynamoDB_20120810.ListTables"})
        assert json.loads(wire.getresponse().read()) == {"TableNames": []}
        wire.close()
        host, _, port = addresses.http.rpartition(":")
        plain = http.client.HTTPConnection(host, int(port), timeout=30)
        with pytest.raises((http.client.HTTPException, OSError)):
            plain.request("GET", "/")
            plain.getresponse()
        plain.close()
        old = ssl.create_default_context(cafile=cert)
        old.options &= ~ssl.OP_NO_TLSv1_1
        old.options |= ssl.OP_NO_TLSv1_2 | ssl.OP_NO_TLSv1_3
        refused = http.client.HTTPSConnection(addresses.http, context=old, timeout=30)
        with pytest.raises(OSError, match=r"(?i)ssl|protocol|version|cipher"):
            refused.connect()
        refused.close()
