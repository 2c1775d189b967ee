"""What comes after a run of regions: time goes on until tombstones are gone; then old answers come again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kvdb.replica.regions import HORIZON_MS
from kvdb.table import row

if TYPE_CHECKING:
    from tests.support.replica_sim import Node, World

LATE_MAX: Final = 40
"""Answers of the run that come once more."""


def outlive_tombstones(world: World) -> int:
    """Go on until no tombstone is left, let old answers come, and a region crash. Gives how many there were.

    Raises:
        AssertionError: a tombstone stays; regions differ; what was deleted is back.
    """
    members = [node.name for node in world.nodes.values() if world._is_member(node)]
    deleted = {name for each in members for name in _items(world, each, are_tombstones=True)}
    for _ in range(5):
        world._advance(HORIZON_MS // 2)
        _pull(world, 2)
        for name in members:
            for _ in range(4):
                world.nodes[name].regions.keeper.step(0)
    for name in members:
        assert not _items(world, name, are_tombstones=True), f"a tombstone stays for ever seed={world.seed}"
    for source, target, frame in world.late:
        world.nodes[source].links[target].inbox.append(frame)
        _step(world.nodes[source])
    world._crash(world.nodes[members[0]])
    _pull(world, 8)
    rows = [_items(world, name, are_tombstones=False) for name in members]
    assert all(each == rows[0] for each in rows), f"regions differ in the end seed={world.seed}"
    back = deleted & rows[0].keys()
    assert not back, f"what was deleted is back seed={world.seed} items={back}"
    return len(deleted)


def _pull(world: World, rounds: int) -> None:
    for _ in range(rounds):
        for name in world.names:
            _step(world.nodes[name])
        world._pass(600)


def _step(node: Node) -> None:
    for puller in node.pullers:
        puller.step(0)


def _items(world: World, name: str, *, are_tombstones: bool) -> dict[str, bytes]:
    stored = {item: world._stored(world.nodes[name], item) for item in world.items}
    return {
        item: version
        for item, version in stored.items()
        if version is not None and row.is_tombstone(version) == are_tombstones
    }
