"""The contract: one request and one result an operation, as plain dataclasses.

Doors translate bytes to these, rooms below serve them, clients build them. Reading order:
``items``, ``tables``, ``operations``, ``validation``. Names and defaults follow the DynamoDB
service model (botocore, ``service-2.json``) in snake case; what is ours alone says so.

Requests are slotted, unfrozen dataclasses: they are made on every call, and a frozen one
costs three times as much to make. Treat them as values all the same.

Values inside items are plain Python (see ``item/value``, which owns the rules); this room
does not look at them.
"""
