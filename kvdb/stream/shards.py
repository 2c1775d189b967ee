"""How a stream is divided into shards: pure functions of its divisions (``table/streams``).

A *shard* is the changes whose hash is in a range and whose seqno is in an interval. A division ends
the open shards whose ranges meet its own, and begins one shard for each of its ranges; they are the
parents of those. Invariants, which every division that is made here keeps:

- at each moment the open shards tile all hashes, or there are none because the stream has ended;
- a shard's parents ended where it began, and together they had all of its hashes;
- so the changes of one item, in the order of their commits, pass from parent to child.

A shard's id tells where it is: ``shardId-`` and the seqno after which it began, 20 digits, ``-`` and
the first and last hash of its range, four hexadecimal digits each.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from kvdb import limits
from kvdb.errors import LimitExceeded, ResourceNotFound, ValidationError
from kvdb.table.streams import Division, HashRange


class ShardSpan(NamedTuple):
    """One shard: ``after < seqno <= upto`` and ``start <= hash < end``."""

    shard_id: str
    after: int
    upto: int | None
    """``None``: it is open."""
    start: int
    end: int
    parents: tuple[str, ...]


def shard_id(after: int, start: int, end: int) -> str:
    return f"shardId-{after:020d}-{start:04x}{end - 1:04x}"


@lru_cache(maxsize=256)
def shards_of(divisions: tuple[Division, ...]) -> tuple[ShardSpan, ...]:
    """All shards, those that began first first; of one moment, in the order of their hashes."""
    shards: list[ShardSpan] = []
    open_at: dict[HashRange, int] = {}
    for seqno, ranges in divisions:
        ended = {
            span: place
            for span, place in open_at.items()
            if not ranges or any(start < span[1] and span[0] < end for start, end in ranges)
        }
        for span, place in ended.items():
            shards[place] = shards[place]._replace(upto=seqno)
            del open_at[span]
        for start, end in sorted(ranges):
            parents = tuple(
                shards[place].shard_id
                for span, place in sorted(ended.items())
                if start < span[1] and span[0] < end
            )
            open_at[start, end] = len(shards)
            shards.append(ShardSpan(shard_id(seqno, start, end), seqno, None, start, end, parents))
    return tuple(shards)


def kept_shards(divisions: tuple[Division, ...], trimmed_seqno: int) -> tuple[ShardSpan, ...]:
    """The shards that are open or may still hold something."""
    return tuple(shard for shard in shards_of(divisions) if shard.upto is None or shard.upto > trimmed_seqno)


def unneeded_divisions(divisions: tuple[Division, ...], trimmed_seqno: int) -> tuple[Division, ...]:
    """The divisions whose shards have all ended and hold nothing any more, so that nobody asks for them.

    Only from the oldest on: what comes after a kept one is needed to say where its shards end. The
    newest is always kept.
    """
    gone: list[Division] = []
    shards = shards_of(divisions)
    for division in divisions[:-1]:
        if any(
            shard.after == division.seqno and (shard.upto is None or shard.upto > trimmed_seqno)
            for shard in shards
        ):
            break
        gone.append(division)
    return tuple(gone)


# New divisions.


def split(divisions: tuple[Division, ...], of: str, at: int | None = None) -> tuple[HashRange, ...]:
    """The ranges that divide an open shard in two: at hash ``at``, or in the middle.

    Raises:
        ResourceNotFound, ValidationError, LimitExceeded
    """
    shard = _open_shard(divisions, of)
    if len(open_shards(divisions)) >= limits.SHARDS_OPEN_MAX:
        raise LimitExceeded(f"a stream has at most {limits.SHARDS_OPEN_MAX} open shards")
    middle = (shard.start + shard.end) // 2 if at is None else at
    if not shard.start < middle < shard.end:
        raise ValidationError(f"a shard of one hash cannot be split: {of}")
    return (shard.start, middle), (middle, shard.end)


def merge(divisions: tuple[Division, ...], one: str, other: str) -> tuple[HashRange, ...]:
    """The range that makes two open shards one.

    Raises:
        ResourceNotFound; ValidationError: they are not adjacent.
    """
    first, second = sorted((_open_shard(divisions, one), _open_shard(divisions, other)), key=_start)
    if first.end != second.start:
        raise ValidationError(f"only adjacent shards can be merged: {one} and {other}")
    return ((first.start, second.end),)


def rotation(divisions: tuple[Division, ...]) -> tuple[HashRange, ...]:
    """The ranges of the open shards, to be begun anew.

    Raises:
        ValidationError: the stream has ended.
    """
    ranges = tuple((shard.start, shard.end) for shard in open_shards(divisions))
    if not ranges:
        raise ValidationError("the stream has no open shard")
    return ranges


def open_shards(divisions: tuple[Division, ...]) -> tuple[ShardSpan, ...]:
    """In the order of their hashes."""
    return tuple(sorted((shard for shard in shards_of(divisions) if shard.upto is None), key=_start))


def _start(shard: ShardSpan) -> int:
    return shard.start


def _open_shard(divisions: tuple[Division, ...], of: str) -> ShardSpan:
    shard = next((shard for shard in shards_of(divisions) if shard.shard_id == of), None)
    if shard is None:
        raise ResourceNotFound(f"Requested resource not found: Shard: {of} not found")
    if shard.upto is not None:
        raise ValidationError(f"the shard has ended: {of}")
    return shard
