"""The table floor: where items meet the keyspace, and where the rules of tables stand.

Reading order, which is the order of a write and then of the reads: ``descriptor``, ``keys``,
``row``, ``catalog`` (with ``creation`` and ``description``), ``latches``, ``writes``,
``index``, ``mutation``, ``claims``, ``capacity``, ``writer``; ``reader``, ``page``, ``query``, ``scan``;
``batch``; ``snapshots`` and ``history``; ``client_tokens``, ``read_set`` and ``transaction``; the jobs
``backfill``, ``remover``, ``expiry``, ``census``.

Invariants:

- A row is written only under the latch of its engine key, by a writer who saw under it that the
  table was not dropped (``catalog`` says what follows from that).
- Everything one request changes is one ``WriteBatch``: durable together or not at all.
- Items are normalised once, where a write is made of a request (``writes``); what lies in rows
  and what expressions see is normal.
- Index rows are written in the batch of the row they follow from; while a table's row is latched,
  its index rows are what ``index`` makes of it, in every index that is complete.
- A transaction holds the latches of all its items from before it looks at the first until its batch
  is committed; a native one asks again, by the guard of the batch, whether what it has read is as it was.
- Only ``keys`` knows engine keys, only ``row``, ``descriptor`` and ``client_tokens`` know stored values.
"""
