"""The everyday face: ``Client`` and ``Table``, over a database in this process or on a server.

Reading order: ``connect`` (which transport), ``aio`` (the face, written once), ``sync`` (generated
from it by ``tools/gen_sync.py``), ``requests`` (keyword arguments -> api requests), ``paginate``,
``transport``, ``embedded_transport``, ``grpc_transport``, ``retry``.

Invariant: a face builds requests and unpacks results and does nothing else, so what a call means
does not depend on the transport it goes by.
"""
