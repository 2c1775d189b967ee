"""The ground: the only room that touches the clock, the disk, chance, threads and processes.

Reading order: ``clock``, ``hlc``, ``entropy``, ``process``, ``fork``, ``fs``, ``jobs``, ``env``.
Everything above is given an ``Env`` and asks nothing else of the world, so that a test can replace the world
(``kvdb.testing``: ``MemFileSystem``, ``FaultyFileSystem``, ``ManualClock``, ``InlineJobs``).

Invariant: no module outside this room calls ``time``, ``random``, ``os`` file functions or starts
a thread or a process; ``tools/tidy.py`` and ruff's TID251 hold it.
"""
