"""The event of one change record, as Lambda hands it to a function: one member of ``Records``.

    {"eventID": ..., "eventName": "INSERT", "eventVersion": "1.1", "eventSource": "aws:dynamodb",
     "awsRegion": ..., "dynamodb": {"ApproximateCreationDateTime": seconds, "Keys": item,
     "NewImage": item, "OldImage": item, "SequenceNumber": ..., "SizeBytes": ...,
     "StreamViewType": ...}, "eventSourceARN": ..., "userIdentity": {"type", "principalId"}}

Items are in DynamoDB JSON (``item/dynamo_json``). Members that a record does not have are left
out: images that the view or the change lacks, and the identity of what no service did.

Source: Lambda developer guide, "Using AWS Lambda with Amazon DynamoDB", example event; developer
guide of DynamoDB, "DynamoDB Streams and Time to Live", for the identity.
"""

from __future__ import annotations

from kvdb.api.streams import EVENT_SOURCE, EVENT_VERSION, Record
from kvdb.item.dynamo_json import JsonObject, item_to_json

_MS_PER_S = 1000


def event_of(record: Record) -> JsonObject:
    """The event of one record; shares nothing with it that a handler could change."""
    change = record.dynamodb
    body: JsonObject = {
        "ApproximateCreationDateTime": change.approximate_creation_date_time_ms // _MS_PER_S,
        "Keys": item_to_json(change.keys),
    }
    if change.new_image is not None:
        body["NewImage"] = item_to_json(change.new_image)
    if change.old_image is not None:
        body["OldImage"] = item_to_json(change.old_image)
    body["SequenceNumber"] = change.sequence_number
    body["SizeBytes"] = change.size_bytes
    body["StreamViewType"] = change.stream_view_type
    event: JsonObject = {
        "eventID": record.event_id,
        "eventName": record.event_name,
        "eventVersion": EVENT_VERSION,
        "eventSource": EVENT_SOURCE,
        "awsRegion": record.aws_region,
        "dynamodb": body,
        "eventSourceARN": record.event_source_arn,
    }
    if record.user_identity is not None:
        identity = record.user_identity
        event["userIdentity"] = {"type": identity.type, "principalId": identity.principal_id}
    return event
