"""The engine room: an ordered, durable, versioned map of bytes to bytes, as an LSM tree.

It knows bytes, never items. Others use ``engine`` and ``batch`` only (and ``wal``, to replay an
archived log).

Reading order: ``engine`` (the door), ``batch``, ``internal_key``; then down the write path
``commit``, ``wal`` with ``record``, ``memtable`` with ``echo``, ``flush``, ``sstable/``; the read path
``version``, ``iterator``, ``sstable_cache``, ``block_cache``; what changes the set of files
``manifest``, ``compaction/``, ``retention``, ``obsolete``; and ``recovery``, which brings it all back.

Invariants:
- one log file feeds one memtable, which becomes one level-0 sstable;
- nothing refers to a file, or to its name, before both are durable;
- nothing is deleted before the manifest record that drops it is durable;
- in modes commit and group nothing is visible before it is durable;
- ``retention`` is the only place where a version of a key is dropped.
"""
