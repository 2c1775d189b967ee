"""One sstable: an immutable file of entries in internal-key order.

Reading order: ``format`` (the file's layout and its table of parts), ``block``, ``bloom``,
``writer``, ``reader``. Others use ``SstableWriter`` and ``SstableReader``.
"""
