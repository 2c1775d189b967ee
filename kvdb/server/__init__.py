"""The doors of a served database.

Reading order: ``app``, ``pipeline``, ``grpc_server``, ``wakeups``; then the HTTP door: ``http_server``,
``http_protocol`` and ``listener`` below it, ``http_codec`` with ``http_shapes``, ``http_items``,
``http_tables`` and ``http_errors``, ``http_coding``, ``auth``; ``admin_http`` stands beside.

Point operations run on the event loop, whose thread they occupy for microseconds; what reads or
writes much goes to a bounded pool of threads. Invariant: every call passes the pipeline, which
counts it in before anything is decoded and counts it out when its work has really ended.
"""
