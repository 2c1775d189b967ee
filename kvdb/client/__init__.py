"""The everyday face: ``Client`` and ``Table``, over a database in this process or on a server.

Reading order: ``connect`` (which transport), ``aio`` and ``aio_table`` (the face, written once),
``sync`` and ``sync_table`` (generated from them by ``tools/gen_sync.py``), ``requests`` and
``table_requests`` (keyword arguments -> api requests), ``actions``, ``paginate``, ``transport``,
``embedded_transport``, ``grpc_transport``, ``retry``.

Invariant: a face builds requests and unpacks results and does nothing else, so what a call means
does not depend on the transport it goes by.
"""
