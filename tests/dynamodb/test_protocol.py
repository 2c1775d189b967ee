"""What every request and answer goes through: headers, targets, authorisation, the body as such."""

from __future__ import annotations

import gzip
import json
import re
import socket
import zlib

import pytest

CORAL = "com.amazon.coral.service#"
AUTH = "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=00"


def test_an_answer_carries_its_id_its_checksum_and_its_type(post):
    status, headers, body = post("ListTables", {})
    assert status == 200
    assert headers["content-type"] == "application/x-amz-json-1.0"
    assert headers["x-amzn-requestid"]
    assert int(headers["x-amz-crc32"]) == zlib.crc32(json.dumps(body, separators=(",", ":")).encode())
    assert headers["date"].endswith("GMT")


def test_no_two_answers_have_one_id(post):
    assert len({post("ListTables", {})[1]["x-amzn-requestid"] for _ in range(10)}) == 10


def test_a_long_answer_is_compressed_when_that_is_asked_for(post, dynamodb, table):
    dynamodb.put_item(TableName=table, Item={"id": {"S": "a"}, "text": {"S": "x" * 5_000}})
    request = {"TableName": table, "Key": {"id": {"S": "a"}}}
    for operation, asked in (("GetItem", request), ("Scan", {"TableName": table})):
        _, headers, packed = post(operation, asked, Accept_Encoding="gzip, deflate")
        assert headers["content-encoding"] == "gzip"
        assert int(headers["x-amz-crc32"]) == zlib.crc32(packed)
        assert len(packed) < 500
        assert json.loads(gzip.decompress(packed)) == post(operation, asked)[2]
        assert "content-encoding" not in post(operation, asked, Accept_Encoding="gzip;q=0")[1]


@pytest.mark.parametrize(
    "target",
    [
        None,
        "",
        "ListTables",
        "DynamoDB_20120810",
        "DynamoDB_20120810.",
        "DynamoDB_20120810.listTables",
        "DynamoDB_20120810.Nonsense",
        "DynamoDB_20111205.ListTables",
        "DynamoDB_20120810.ListTables.x",
        "DynamoDB_20120810.ExecuteStatement",
        "DynamoDBStreams_20120810.GetItem",
        "DynamoDB_20120810.OpenSnapshot",
    ],
)
def test_what_is_not_served_is_an_unknown_operation(target, post):
    status, _, body = post("", {}, X_Amz_Target=target)
    assert (status, body) == (400, {"__type": f"{CORAL}UnknownOperationException"})


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "application/cbor"]
)
def test_another_content_type_is_no_request(media_type, post):
    status, headers, body = post("ListTables", {}, Content_Type=media_type)
    assert (status, body) == (404, b"<UnknownOperationException/>\n")
    assert headers["x-amz-crc32"] == "3552371480"


def test_the_media_type_of_an_answer_is_that_of_its_request(post):
    assert post("ListTables", {}, Content_Type="application/json; charset=utf-8")[1]["content-type"] == (
        "application/json"
    )


def test_a_compressed_body_is_not_read(post):
    assert post("ListTables", gzip.compress(b"{}"), Content_Encoding="gzip")[0] == 415


@pytest.mark.parametrize("body", [b"", b"hello", b'{"a":NaN}', b'{"a":1,"a":2}', b"\xff"])
def test_what_is_no_json_is_a_serialization_exception_without_a_message(body, post):
    status, _, answer = post("ListTables", body)
    assert (status, answer) == (400, {"__type": f"{CORAL}SerializationException"})


def test_a_wrong_type_spells_its_message_with_a_capital(post):
    status, _, answer = post("ListTables", {"Limit": "1"})
    assert (status, answer) == (
        400,
        {
            "__type": f"{CORAL}SerializationException",
            "Message": "STRING_VALUE cannot be converted to Integer",
        },
    )


def test_faults_fire_in_the_services_order(post):
    no_target, no_auth = {"X_Amz_Target": None}, {"Authorization": None}

    def fault(body, **headers):
        return post("GetItem", body, **headers)[2]["__type"].partition("#")[2]

    assert fault(b"hello", **no_target, **no_auth) == "SerializationException"
    assert fault(b"{}", **no_target, **no_auth) == "UnknownOperationException"
    assert fault(b"{}", **no_auth) == "MissingAuthenticationTokenException"
    assert fault(b"", **no_auth) == "MissingAuthenticationTokenException"
    assert fault(b'{"TableName": 1}') == "SerializationException"
    assert (
        fault({"TableName": "no", "Key": {"a": {}}, "ExpressionAttributeNames": {}}) == "ValidationException"
    )
    assert fault({"TableName": "nothing-here", "Key": {"a": {"S": "a"}}}) == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("authorization", "code", "message"),
    [
        (None, "MissingAuthenticationTokenException", "Request is missing Authentication Token"),
        ("Basic abc", "MissingAuthenticationTokenException", "Request is missing Authentication Token"),
        (
            "AWS4-HMAC-SHA256 Credential=a",
            "IncompleteSignatureException",
            "Authorization header requires 'Signature' parameter. "
            "Authorization header requires 'SignedHeaders' parameter. "
            "Authorization=AWS4-HMAC-SHA256 Credential=a",
        ),
    ],
)
def test_a_request_must_say_who_sent_it(authorization, code, message, post):
    status, _, body = post("ListTables", {}, Authorization=authorization)
    assert (status, body) == (400, {"__type": f"{CORAL}{code}", "message": message})


def test_a_date_must_come_with_a_signature(post):
    body = post("ListTables", {}, X_Amz_Date=None)[2]
    assert body["message"].startswith(
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
    )


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "localhost.evil.example", "[evil]"])
def test_a_name_that_someone_points_here_is_not_served(host, post):
    assert post("ListTables", {}, Host=host)[0] == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:8000", "db.localhost:80"])
def test_this_machines_names_are_served(host, post):
    assert post("ListTables", {}, Host=host)[0] == 200


def test_no_page_of_another_origin_is_let_in(post):
    _, headers, _ = post("ListTables", {}, Origin="http://evil.example")
    assert not any(name.startswith("access-control") for name in headers)


def raw(server, *chunks: bytes) -> bytes:
    """Send bytes, say that there are no more, and read all that comes."""
    host, _, port = server.addresses["http"].rpartition(":")
    received = b""
    with socket.create_connection((host, int(port)), timeout=30) as wire:
        try:
            for chunk in chunks:
                wire.sendall(chunk)
            wire.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # refused before the end: the answer says why
        while chunk := wire.recv(65_536):
            received += chunk
    return received


def request_bytes(body: bytes, *headers: bytes) -> bytes:
    lines = [
        b"POST / HTTP/1.1",
        b"Host: localhost",
        b"X-Amz-Target: DynamoDB_20120810.ListTables",
        b"Content-Type: application/x-amz-json-1.0",
        b"X-Amz-Date: 20260101T000000Z",
        b"Authorization: " + AUTH.encode(),
        *headers,
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def test_pipelined_requests_are_answered_in_order(server):
    one = request_bytes(b"{}", b"Content-Length: 2")
    bad = request_bytes(b"[]", b"Content-Length: 2")
    answers = raw(server, one + bad + one)
    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"200", b"400", b"200"]


def test_a_chunked_body_is_a_body(server):
    assert raw(
        server, request_bytes(b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", b"Transfer-Encoding: chunked")
    ).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (request_bytes(b"{}", b"Content-Length: 2", b"Transfer-Encoding: chunked"), b"400"),
        (request_bytes(b"{}", b"Content-Length: 2", b"Content-Length: 3"), b"400"),
        (request_bytes(b"", b"Content-Length: 16777217"), b"413"),
        (request_bytes(b"1000001\r\n" + b"a" * 0x1000001, b"Transfer-Encoding: chunked"), b"413"),
        (request_bytes(b"{}", b"Content-Length: 2", b"X: " + b"a" * 70_000), b"431"),
        (request_bytes(b"{}", *([b"X: a"] * 100)), b"431"),
        (b"POST /" + b"a" * 9_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),
    ],
    ids=["both lengths", "two lengths", "too long", "chunks too long", "header", "headers", "line", "TLS"],
)
def test_what_is_no_request_is_refused(data, status, server):
    assert raw(server, data).startswith(b"HTTP/1.1 " + status)


def test_a_body_of_16_mib_is_read(server):
    body = b'{"Limit":1' + b" " * (16 * 1024 * 1024 - 11) + b"}"
    assert raw(server, request_bytes(body, b"Content-Length: %d" % len(body))).startswith(b"HTTP/1.1 200")


def test_a_get_says_that_the_server_is_there(server):
    assert raw(server, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").endswith(b"\r\n\r\nhealthy: localhost ")
    assert raw(server, b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n").endswith(b"\r\n\r\n")
    assert raw(server, b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").startswith(b"HTTP/1.1 404")
    assert raw(server, b"OPTIONS / HTTP/1.1\r\nHost: localhost\r\n\r\n").startswith(b"HTTP/1.1 404")


def test_the_admin_port_tells_health_readiness_and_metrics(server, post):
    post("ListTables", {})

    def get(path):
        host, _, port = server.addresses["admin"].rpartition(":")
        with socket.create_connection((host, int(port)), timeout=30) as wire:
            wire.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            answer = b""
            while chunk := wire.recv(65_536):
                answer += chunk
        head, _, body = answer.partition(b"\r\n\r\n")
        return head.split()[1], body.decode()

    assert get("/health") == (b"200", "ok\n")
    assert get("/ready") == (b"200", "ready\n")
    status, text = get("/metrics")
    assert status == b"200"
    assert "# TYPE kvdb_server_call_seconds histogram" in text
    counts = [line for line in text.splitlines() if line.startswith("kvdb_server_call_seconds_count")]
    assert any('operation="ListTables"' in line and not line.endswith(" 0") for line in counts)
    assert get("/")[0] == b"404"
