"""The wire: ``proto/kvdb/v1`` and what stands between its messages and the contract in ``api``.

Reading order: ``item_codec`` (values and items), ``fields`` (a pair a message, a row a field),
``item_pairs``, ``table_pairs``, ``codec`` (the methods of the services), ``status`` (errors).
Server and client share this room, so each form is written and read in one place. ``gen`` is made
by ``tools/gen_proto.py`` and never edited.

Invariant: whatever a caller can put into an ``api`` request either crosses the wire unchanged or
raises here what the database itself would raise, so that both doors give one answer.
"""
