"""The everyday face: ``Client`` and ``Table``, over a database in this process or on a server.

Reading order: ``connect`` (which transport), ``aio``, ``aio_table`` and ``aio_transaction`` (the face,
written once), ``sync``, ``sync_table`` and ``sync_transaction`` (generated from them by
``tools/gen_sync.py``), ``requests`` and ``table_requests`` (keyword arguments -> api requests),
``actions``, ``overlay`` (a transaction's own writes in its reads), ``paginate``, ``transport``,
``embedded_transport``, ``grpc_transport``, ``retry``.

Invariant: a face builds requests and unpacks results and does nothing else, so what a call means
does not depend on the transport it goes by. A native transaction does more: it keeps what it has
read and written until its end, and works out its own updates.
"""
