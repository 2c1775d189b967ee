"""Change streams: the records of ``table/change``, divided, found again and handed out.

Reading order:

    shards     which shards a stream has: pure functions of its divisions
    iterator   signed tokens for places: shard iterators, cursors, sequence numbers
    reader     a page of changes, and their rendering
    service    the five stream operations
    feed       every change from a cursor on, in commit order, as it happens
    keeper     the job that trims, removes, rotates, splits and merges

Invariants:

- a stream's records are in the order of their seqnos, which is the order of commits; every change of
  an item is in it once, and what was committed together has one commit number;
- nothing that was asked for is skipped: what is not kept any more is ``TrimmedDataAccess``;
- shards and feeds are views of the same records: dividing a stream moves and copies nothing.
"""
