"""The ``Authorization`` of a request: what it claims, or why it claims nothing.

    Authorization := "AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request,
                      SignedHeaders=a;b, Signature=HEX"

or the same in the query string (``X-Amz-Algorithm=...&X-Amz-Credential=...``). The form alone is
read here, in the service's observed order: twice given, not given, members missing. What the
service checks after that (date, scope, key, signature) needs credentials, and there are none yet:
a claim is not a proof, and nothing treats it as one.

Source: dynalite ``index.js``, whose comments were recorded from the service.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from kvdb.errors import IncompleteSignature, InvalidSignature, MissingAuthenticationToken

_IN_HEADER = ("Credential", "Signature", "SignedHeaders")
_IN_QUERY = (
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
    "X-Amz-Date",
)
_SCHEME = "AWS4-"
_QUERY_MEMBERS_MAX = 100
# Nearly every request: a whole header in one match.
_as_sdks_write_it = re.compile(
    rb"AWS4-[^\s,]+ Credential=([^\s,]+), ?SignedHeaders=[^\s,]+, ?Signature=[^\s,]+"
).fullmatch


class Claim(NamedTuple):
    """What a request says of who sent it. Unverified."""

    credential: str
    """Key id, date, region, service and terminator, with slashes between."""

    @property
    def access_key_id(self) -> str:
        return self.credential.partition("/")[0]


def claim_of(url: bytes, headers: Mapping[bytes, bytes]) -> Claim:
    """What the request claims.

    Raises:
        InvalidSignature: there is a claim in the header and one in the query string.
        MissingAuthenticationToken: there is none.
        IncompleteSignature: a member is missing; the message names each.
    """
    given = headers.get(b"authorization")
    if given is not None and b"?" not in url:
        found = _as_sdks_write_it(given)
        if found is not None and headers.get(b"x-amz-date"):
            return Claim(found[1].decode("latin-1"))
        return _claim_in_header(given.decode("latin-1"), headers)
    query = _query_of(url)
    if "X-Amz-Algorithm" in query:
        if given is not None:
            raise InvalidSignature(
                "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."
            )
        return _claim_in_query(query)
    if given is None:
        raise MissingAuthenticationToken("Request is missing Authentication Token")
    return _claim_in_header(given.decode("latin-1"), headers)


def _claim_in_header(text: str, headers: Mapping[bytes, bytes]) -> Claim:
    if not text.strip().startswith(_SCHEME):
        raise MissingAuthenticationToken("Request is missing Authentication Token")
    members: dict[str, str] = {}
    for part in text.replace(",", " ").split()[1:]:
        name, _, value = part.partition("=")
        members[name] = value
    faults = [
        f"Authorization header requires '{name}' parameter. " for name in _IN_HEADER if not members.get(name)
    ]
    if not headers.get(b"x-amz-date") and not headers.get(b"date"):
        faults.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ")
    if faults:
        raise IncompleteSignature(f"{''.join(faults)}Authorization={text}")
    return Claim(members["Credential"])


def _claim_in_query(query: Mapping[str, str]) -> Claim:
    faults = [
        f"AWS query-string parameters must include '{name}'. " for name in _IN_QUERY if not query.get(name)
    ]
    if faults:
        raise IncompleteSignature(f"{''.join(faults)}Re-examine the query-string parameters.")
    return Claim(query["X-Amz-Credential"])


def _query_of(url: bytes) -> dict[str, str]:
    try:
        query = urlsplit(url.decode("latin-1")).query
        return dict(parse_qsl(query, keep_blank_values=True, max_num_fields=_QUERY_MEMBERS_MAX))
    except ValueError:
        return {}
