"""The doors of a served database. Reading order: ``app``, ``pipeline``, ``grpc_server``, ``wakeups``.

Point operations run on the event loop, whose thread they occupy for microseconds; what reads or
writes much goes to a bounded pool of threads. Invariant: every call passes the pipeline, which
counts it in before anything is decoded and counts it out when its work has really ended.
"""
