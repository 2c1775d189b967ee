"""Regions as processes: chains whose ends are no peers; regions that come, go, lose their disk under load."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from kvdb.api.tables import (
    AttributeDefinition,
    CreateIndex,
    CreateReplica,
    DeleteReplica,
    DescribeTimeToLive,
    DescribeTimeToLiveResult,
    IndexSpecification,
    KeySchemaElement,
    Projection,
    UpdateTable,
    UpdateTimeToLive,
)
from tests.support.command_line import run as run_command
from tests.support.served_regions import TABLE, ServedRegions, Writers
from tests.support.waiting import eventually

NAMES = ("amsterdam", "berlin", "cairo")


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


def test_the_ends_of_a_chain_share_items_and_settings_and_know_of_each_other(
    tmp_path: Path, stack: ExitStack
) -> None:
    regions = ServedRegions(tmp_path, stack, NAMES, edges=[("amsterdam", "berlin"), ("berlin", "cairo")])
    amsterdam, cairo = (regions.client(name) for name in ("amsterdam", "cairo"))
    amsterdam.create_table(TABLE, key=("id", "S"))
    amsterdam.table(TABLE).put({"id": "before", "n": 1})
    endpoint = ["--endpoint", regions.servers["amsterdam"].target]
    added = run_command("replica", "add", TABLE, "berlin", "cairo", "--relay", *endpoint)
    assert added.exit_code == 0, added.output
    eventually(lambda: regions.are_active(*NAMES))
    cairo.table(TABLE).put({"id": "from cairo", "n": 2})
    amsterdam.table(TABLE).put({"id": "from amsterdam", "n": 3})
    eventually(lambda: all(len(list(regions.client(name).table(TABLE).scan())) == 3 for name in NAMES))

    cairo.call(UpdateTimeToLive(TABLE, "gone_at", enabled=True))
    index = IndexSpecification("by-n", (KeySchemaElement("n", "HASH"),), Projection("ALL"))
    amsterdam.call(
        UpdateTable(
            TABLE,
            attribute_definitions=[AttributeDefinition("n", "N")],
            global_secondary_index_updates=[CreateIndex(index)],
        )
    )

    def has_both(name: str) -> bool:
        ttl = regions.client(name).call(DescribeTimeToLive(TABLE))
        assert isinstance(ttl, DescribeTimeToLiveResult)
        indexes = regions.client(name).table(TABLE).describe().global_secondary_indexes
        return ttl.attribute_name == "gone_at" and [each.index_status for each in indexes] == ["ACTIVE"]

    eventually(lambda: all(has_both(name) for name in NAMES))
    status = run_command("replica", "status", "--json", *endpoint)
    rows = {row["peer"]: row for row in map(json.loads, status.output.splitlines()) if row.get("table")}
    assert (rows["cairo"]["via"], rows["cairo"]["status"]) == ("berlin", "ACTIVE")
    assert "via" not in rows["berlin"]

    regions.servers["cairo"].kill()
    promoted = run_command("replica", "promote", "cairo", *endpoint)
    assert f"{TABLE} goes on without cairo" in promoted.output
    eventually(lambda: regions.are_active("amsterdam", "berlin"))


def test_regions_come_go_come_back_and_lose_their_disk_under_load(tmp_path: Path, stack: ExitStack) -> None:
    regions = ServedRegions(tmp_path, stack, NAMES)
    amsterdam, cairo = regions.client("amsterdam"), regions.client("cairo")
    amsterdam.create_table(TABLE, key=("id", "S"))

    def update(name: str, update: CreateReplica | DeleteReplica) -> None:
        eventually(
            lambda: regions.client(name).call(UpdateTable(TABLE, replica_updates=[update])) is not None
        )

    update("amsterdam", CreateReplica("berlin"))
    eventually(lambda: regions.are_active("amsterdam", "berlin"))
    with Writers(regions, "amsterdam", "berlin") as writers:
        update("berlin", CreateReplica("cairo"))
        eventually(lambda: regions.are_active(*NAMES))
        with Writers(regions, "cairo") as in_cairo:
            eventually(lambda: len(in_cairo.written["cairo"]) > 50)
            # It is taken out, goes on alone, and comes back with nothing of that.
            update("amsterdam", DeleteReplica("cairo"))
            eventually(lambda: not regions.statuses("cairo"))
        cairo.table(TABLE).put({"id": "alone"})
        cairo.delete_table(TABLE)
        update("amsterdam", CreateReplica("cairo"))
        eventually(lambda: regions.are_active(*NAMES))
        with Writers(regions, "cairo") as again:
            eventually(lambda: len(again.written["cairo"]) > 50)
            regions.lose_disk("berlin")
            regions.start("berlin")
            eventually(lambda: regions.are_active(*NAMES))
            before = len(writers.written["berlin"])
            eventually(lambda: len(writers.written["berlin"]) > before + 20)
    eventually(lambda: regions.are_same())
    kept = {str(item["id"]) for item in amsterdam.table(TABLE).scan()}
    assert "alone" not in kept
    # Berlin's last writes before its disk was lost may be gone; nothing else that was acknowledged is.
    assert kept.issuperset(writers.written["amsterdam"])
    assert kept.issuperset(again.written["cairo"])
    assert kept.issuperset(writers.written["berlin"][before:])
