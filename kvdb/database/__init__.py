"""The hall: wires the rooms of one database together and passes each request to its function.

Reading order: ``database``, ``dispatch``, ``recovery``, ``background``. Whoever stands outside (a
client in this process, a server's door) uses ``Database`` only; whatever leaves it in anger is a
``KvdbError``.
"""
