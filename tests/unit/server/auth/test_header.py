"""What a request says of who sent it, and what is said of one that does not."""

from __future__ import annotations

import pytest

from kvdb import errors
from kvdb.server.auth.header import claim_of

CLAIM = (
    b"AWS4-HMAC-SHA256 Credential=KEY/20260101/us-east-1/dynamodb/aws4_request, "
    b"SignedHeaders=a;b, Signature=0"
)
DATE = {b"x-amz-date": b"20260101T000000Z"}


@pytest.mark.parametrize("text", [CLAIM, CLAIM.replace(b", ", b","), CLAIM.replace(b", ", b"  ")])
def test_a_claim_names_its_key(text):
    assert claim_of(b"/", {b"authorization": text, **DATE}).access_key_id == "KEY"


def test_a_claim_may_stand_in_the_query():
    url = (
        b"/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=KEY%2F1%2F2%2F3%2F4"
        b"&X-Amz-Signature=0&X-Amz-SignedHeaders=host&X-Amz-Date=1"
    )
    assert claim_of(url, {}).access_key_id == "KEY"
    with pytest.raises(errors.InvalidSignature):
        claim_of(url, {b"authorization": CLAIM, **DATE})


@pytest.mark.parametrize(
    ("url", "headers", "error", "message"),
    [
        (b"/", {}, errors.MissingAuthenticationToken, "Request is missing Authentication Token"),
        (b"/?a=b", {}, errors.MissingAuthenticationToken, "Request is missing Authentication Token"),
        (
            b"/",
            {b"authorization": b"Bearer abc"},
            errors.MissingAuthenticationToken,
            "Request is missing Authentication Token",
        ),
        (
            b"/",
            {b"authorization": b"AWS4-X"},
            errors.IncompleteSignature,
            "Authorization header requires 'Credential' parameter. "
            "Authorization header requires 'Signature' parameter. "
            "Authorization header requires 'SignedHeaders' parameter. "
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
            "Authorization=AWS4-X",
        ),
        (
            b"/?X-Amz-Algorithm=A",
            {},
            errors.IncompleteSignature,
            "AWS query-string parameters must include 'X-Amz-Credential'. "
            "AWS query-string parameters must include 'X-Amz-Signature'. "
            "AWS query-string parameters must include 'X-Amz-SignedHeaders'. "
            "AWS query-string parameters must include 'X-Amz-Date'. Re-examine the query-string parameters.",
        ),
        (
            b"/?" + b"a=b&" * 200,
            {},
            errors.MissingAuthenticationToken,
            "Request is missing Authentication Token",
        ),
        (b"/?X-Amz-Algorithm=\xff", {}, errors.IncompleteSignature, None),
    ],
)
def test_what_is_no_claim_is_refused_in_the_services_words(url, headers, error, message):
    with pytest.raises(error) as caught:
        claim_of(url, headers)
    assert message is None or caught.value.message == message
