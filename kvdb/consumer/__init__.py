"""Workers: the changes of a table handed to a handler, in batches, by any number of processes.

Reading order: ``options`` (what can be set), ``worker`` (the loop, and what holds whatever happens),
``balance`` and ``shard_sync`` (pure: who takes what, which leases there are), ``lease`` (their rows,
every write conditional), ``held`` (one of them, held here), ``source`` (a shard's records),
``shard_work`` and ``outstanding`` (what was read, how far it is handled), ``lane`` (batches, retries,
windows), ``batch_call`` and ``invocation`` (one call of a handler), ``destination`` (what is given
up), ``pool`` (threads), ``status`` (leases and lag, for people).

Invariant: everything goes through the public face of a client: leases are ordinary items, and a
worker can do nothing that a user could not. Time is judged by the monotonic clock of each process.
"""

from kvdb.consumer.invocation import BatchTransaction, Context, Handler
from kvdb.consumer.options import WorkerOptions
from kvdb.consumer.worker import Worker

__all__ = ["BatchTransaction", "Context", "Handler", "Worker", "WorkerOptions"]
