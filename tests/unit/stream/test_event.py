"""Events are Lambda's, member for member."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

from kvdb.api.streams import TTL_IDENTITY, Record, StreamRecord
from kvdb.stream.event import event_of

GOLDEN = Path(__file__).parents[2] / "golden" / "lambda_events.json"
ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/ExampleTableWithStream/stream/2015-06-27T00:48:05.899"

INSERTED = Record(
    "c4ca4238a0b923820dcc509a6f75849b",
    "INSERT",
    "us-east-1",
    StreamRecord(
        {"Id": 101},
        "100000000000000000001",
        "NEW_AND_OLD_IMAGES",
        26,
        1_428_537_600_999,
        {"Message": "New item!", "Id": 101},
    ),
    event_source_arn=ARN,
)
MODIFIED = Record(
    "c81e728d9d4c2f636f067f89cc14862c",
    "MODIFY",
    "us-east-1",
    StreamRecord(
        {"Id": 101},
        "100000000000000000002",
        "NEW_AND_OLD_IMAGES",
        59,
        1_428_537_600_000,
        {
            "Id": 101,
            "Price": Decimal("1.50"),
            "Tags": {"b", "a"},
            "Raw": b"\x00\x01",
            "Deep": {"List": [True, None, {3}]},
        },
        {"Message": "New item!", "Id": 101},
    ),
    event_source_arn=ARN,
)
EXPIRED = Record(
    "eccbc87e4b5ce2fe28308fd9f2a7baf3",
    "REMOVE",
    "us-east-1",
    StreamRecord({"Id": 101}, "100000000000000000003", "KEYS_ONLY", 6, 1_428_537_600_000),
    user_identity=TTL_IDENTITY,
    event_source_arn=ARN,
)


def test_events_are_those_of_lambda() -> None:
    events = {"Records": [event_of(record) for record in (INSERTED, MODIFIED, EXPIRED)]}
    assert events == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_an_event_is_json_and_shares_nothing_with_its_record() -> None:
    event = event_of(MODIFIED)
    json.dumps(event)
    event["dynamodb"]["NewImage"]["Deep"]["M"].clear()  # type: ignore[index]
    event["dynamodb"]["Keys"].clear()  # type: ignore[index]
    assert event_of(MODIFIED) != event
    assert MODIFIED.dynamodb.keys == {"Id": 101}
