"""Writes that wait until other regions have them. Written by hand, as ``aio``."""

from __future__ import annotations

from kvdb.api.items import DeleteItemResult, PutItemResult, UpdateItemResult
from kvdb.api.operations import Request, Result
from kvdb.client.requests import replication_terms
from kvdb.client.transport import AsyncTransport
from kvdb.errors import NotReplicated


async def send_replicated(
    transport: AsyncTransport, request: Request, replicate_to: int | None, replicate_timeout: float | None
) -> Result:
    """As ``send``; with ``replicate_to``, once so many other regions have the write.

    Raises:
        NotReplicated: the write was made, and fewer have it in time.
    """
    if replicate_to is None and replicate_timeout is None:
        return await transport.send(request)
    answer = await transport.send_under(request, replication_terms(replicate_to, replicate_timeout))
    replication = answer.replication
    assert replication is not None, "a transport tells what came of the terms"
    if not replication.is_reached:
        result = answer.result
        raise NotReplicated(
            f"the write was made, and {len(replication.regions)} of {replication.wanted} other regions "
            f"have it in time: {', '.join(replication.regions) or 'none'}",
            regions=replication.regions,
            attributes=(
                result.attributes
                if isinstance(result, (PutItemResult, UpdateItemResult, DeleteItemResult))
                else None
            ),
        )
    return answer.result
