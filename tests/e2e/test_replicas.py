"""Three regions as three processes, with ways between them that can be cut; kill -9."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

import kvdb
from kvdb.api.replicas import (
    ConflictDescription,
    DescribeReplicas,
    DescribeReplicasResult,
    ListConflicts,
    ListConflictsResult,
)
from kvdb.api.tables import ConflictResolution, CreateReplica, UpdateTable
from kvdb.client.sync import Client
from kvdb.errors import ClosedError, ValidationError
from kvdb.item.dynamo_json import JsonObject
from tests.support.certificates import Authority
from tests.support.command_line import run as run_command
from tests.support.cutting_proxy import CuttingProxy
from tests.support.server_process import ServerProcess
from tests.support.waiting import eventually

NAMES = ("amsterdam", "berlin", "cairo")
TABLE = "orders"


class Ring:
    """The regions and the ways between them."""

    def __init__(self, root: Path, stack: ExitStack, *arguments: str) -> None:
        """All regions are served with the ``arguments``, too."""
        self._root = root
        self._stack = stack
        self.ways = {
            (one, other): stack.enter_context(CuttingProxy())
            for one in NAMES
            for other in NAMES
            if one != other
        }
        self.servers: dict[str, ServerProcess] = {}
        self._clients: dict[str, Client] = {}
        for name in NAMES:
            self.start(name, *arguments)

    def start(self, name: str, *arguments: str) -> None:
        peers = [f"--peer={peer}={self.ways[name, peer].target}" for peer in NAMES if peer != name]
        server = ServerProcess(self._root / name, "--region", name, *peers, *arguments)
        self._stack.callback(server.kill)
        self.servers[name] = server
        for peer in NAMES:
            if peer != name:
                self.ways[peer, name].upstream = server.address
        self._clients[name] = self._stack.enter_context(kvdb.connect(server.target))

    def client(self, name: str) -> Client:
        return self._clients[name]

    def items(self, name: str) -> list[JsonObject]:
        return sorted(self.client(name).table(TABLE).scan(), key=lambda item: str(item["id"]))

    def share(self) -> None:
        self.client("amsterdam").create_table(TABLE, key=("id", "S"))
        creations = [CreateReplica("berlin"), CreateReplica("cairo")]
        eventually(
            lambda: self.client("amsterdam").call(UpdateTable(TABLE, replica_updates=creations)) is not None
        )
        eventually(lambda: all(self.statuses(name) == ["ACTIVE"] * 3 for name in NAMES))

    def statuses(self, name: str) -> list[str]:
        described = self.client(name).table(TABLE).describe()
        return [replica.replica_status for replica in described.replicas]


@pytest.fixture
def ring(tmp_path: Path) -> Iterator[Ring]:
    with ExitStack() as stack:
        yield Ring(tmp_path, stack)


def test_three_regions_share_a_table_through_cuts_and_kills(ring: Ring) -> None:
    ring.client("amsterdam").create_table("other", key=("id", "S"))
    with pytest.raises(ValidationError, match="no peer is connected"):
        ring.client("amsterdam").call(UpdateTable("other", replica_updates=[CreateReplica("nowhere")]))
    ring.share()
    for at, name in enumerate(NAMES):
        ring.client(name).table(TABLE).put({"id": f"from-{name}", "n": at})
    eventually(lambda: all(len(ring.items(name)) == 3 for name in NAMES))

    # Cut off, cairo goes on by itself; what both sides wrote meanwhile conflicts.
    for pair, way in ring.ways.items():
        if "cairo" in pair:
            way.cut()
    ring.client("cairo").table(TABLE).put({"id": "from-amsterdam", "n": 100})
    ring.client("amsterdam").table(TABLE).put({"id": "from-amsterdam", "n": 200})
    ring.client("berlin").table(TABLE).delete({"id": "from-berlin"})
    for at in range(50):
        ring.client("cairo").table(TABLE).put({"id": f"cut-{at}", "n": at})
    eventually(lambda: len(ring.items("amsterdam")) == 2)
    assert len(ring.items("cairo")) == 53

    # Killed while it has something to send, berlin comes back with all of it.
    for at in range(20):
        ring.client("berlin").table(TABLE).put({"id": f"killed-{at}", "n": at})
    ring.servers["berlin"].kill()
    for way in ring.ways.values():
        way.heal()
    ring.start("berlin")

    eventually(lambda: all(len(ring.items(name)) == 72 for name in NAMES))
    eventually(lambda: ring.items("amsterdam") == ring.items("berlin") == ring.items("cairo"))
    assert ring.client("cairo").table(TABLE).get({"id": "from-amsterdam"}) == {
        "id": "from-amsterdam",
        "n": 200,
    }
    # Noted where the two met first: from there both travel as one.
    noted = [each for name in NAMES for each in conflicts(ring.client(name))]
    assert noted
    for conflict in noted:
        assert conflict.key == {"id": "from-amsterdam"}
        versions = {"STORED": conflict.stored_item, "INCOMING": conflict.incoming_item}
        assert versions[conflict.outcome] == {"id": "from-amsterdam", "n": 200}
        assert {"id": "from-amsterdam", "n": 100} in versions.values()
    described = ring.client("cairo").call(DescribeReplicas())
    assert isinstance(described, DescribeReplicasResult)
    assert described.region_name == "cairo"
    assert [peer.region_name for peer in described.peers] == ["amsterdam", "berlin"]
    assert all(peer.is_connected for peer in described.peers)


def conflicts(client: Client) -> tuple[ConflictDescription, ...]:
    listed = client.call(ListConflicts(TABLE))
    assert isinstance(listed, ListConflictsResult)
    return listed.conflicts


def test_the_command_line_shares_shows_and_takes_out(ring: Ring) -> None:
    ring.client("amsterdam").create_table(TABLE, key=("id", "S"))
    amsterdam, berlin = (["--endpoint", ring.servers[name].target] for name in NAMES[:2])

    def shares() -> bool:
        return run_command("replica", "add", TABLE, "berlin", "--counter", "n", *amsterdam).exit_code == 0

    eventually(shares)
    eventually(lambda: ring.statuses("berlin") == ["ACTIVE"] * 2)
    ways = [ring.ways["amsterdam", "berlin"], ring.ways["berlin", "amsterdam"]]
    for way in ways:
        way.cut()
    for amount, name in enumerate(NAMES[:2], 1):
        ring.client(name).table(TABLE).update({"id": "a"}, "ADD n :n", values={":n": amount})
    for way in ways:
        way.heal()
    eventually(lambda: all(ring.items(name) == [{"id": "a", "n": 3}] for name in NAMES[:2]))

    status = run_command("replica", "status", "--json", *amsterdam)
    assert status.exit_code == 0, status.output
    (link,) = [row for row in map(json.loads, status.output.splitlines()) if row.get("table") == TABLE]
    assert (link["peer"], link["status"], link["fault"]) == ("berlin", "ACTIVE", "")
    noted = [
        run_command("replica", "conflicts", TABLE, "--json", *each).output for each in (amsterdam, berlin)
    ]
    assert any("MERGED" in each for each in noted), noted

    reseeded = run_command("replica", "reseed", TABLE, "--yes", *berlin)
    assert reseeded.exit_code == 0, reseeded.output
    eventually(lambda: ring.items("berlin") == [{"id": "a", "n": 3}])
    eventually(lambda: ring.statuses("berlin") == ["ACTIVE"] * 2)
    detached = run_command("replica", "detach", *berlin)
    assert f"detached {TABLE}" in detached.output
    eventually(lambda: ring.statuses("amsterdam") == [])
    ring.client("berlin").table(TABLE).put({"id": "alone"})
    assert len(ring.items("amsterdam")) == 1


PATIENT = kvdb.ClientOptions(attempts_max=60, backoff_ms=20, backoff_ms_max=200, deadline_ms=60_000)


def follow(db: Client, found: list[ConflictDescription]) -> None:
    with suppress(ClosedError):
        found.extend(db.table(TABLE).conflicts(follow=True))


def test_conflicts_are_followed_over_a_kill_of_the_server(ring: Ring) -> None:
    ring.share()
    found: dict[str, list[ConflictDescription]] = {name: [] for name in NAMES}
    clients = [kvdb.connect(ring.servers[name].target, options=PATIENT) for name in NAMES]
    followers = [
        threading.Thread(target=follow, args=(db, found[name]))
        for db, name in zip(clients, NAMES, strict=True)
    ]
    for follower in followers:
        follower.start()
    numbers = dict.fromkeys(NAMES, 0)

    def conflict_about(*identities: str) -> None:
        """The two newer versions meet the older one, each once it can, in one region or another."""
        for way in ring.ways.values():
            way.cut()
        for name in NAMES:
            for identity in identities:
                numbers[name] += 1
                ring.client(name).table(TABLE).put({"id": identity, name: numbers[name]})
        for way in ring.ways.values():
            way.heal()

    def noticed() -> set[object]:
        return {each.key["id"] for name in NAMES for each in found[name]}

    first = [f"first-{at}" for at in range(5)]
    conflict_about(*first)
    eventually(lambda: noticed() == set(first))
    address = ring.servers["berlin"].address
    ring.servers["berlin"].kill()
    ring.start("berlin", "--grpc", address)
    second = [f"second-{at}" for at in range(5)]
    conflict_about(*second)
    eventually(lambda: noticed() == {*first, *second})
    eventually(lambda: ring.items("amsterdam") == ring.items("berlin") == ring.items("cairo"))
    for name in NAMES:
        listed = list(ring.client(name).table(TABLE).conflicts())
        eventually(lambda name=name, listed=listed: len(found[name]) >= len(listed))  # type: ignore[misc]
        # Each once, in order, none left out; and as they are listed.
        assert found[name] == listed
    for db, follower in zip(clients, followers, strict=True):
        db.close()
        follower.join()
    where = next(name for name in NAMES if found[name])
    told = run_command(
        *("replica", "conflicts", TABLE, "--follow", "--count", "1", "--json"),
        *("--endpoint", ring.servers[where].target),
    )
    row = json.loads(told.stdout)
    assert row["sequence"] == found[where][0].sequence_number
    assert row["winner"] in (row["stored_stamp"], row["incoming_stamp"])
    assert row["winner"].rpartition("@")[2] in NAMES
    newest = run_command(
        *("replica", "conflicts", TABLE, "--newest-first", "--count", "1", "--json"),
        *("--endpoint", ring.servers[where].target),
    )
    assert json.loads(newest.stdout)["sequence"] == found[where][-1].sequence_number


def test_regions_with_certificates_and_a_token_exchange_and_a_stranger_does_not(tmp_path: Path) -> None:
    authority, token = Authority(tmp_path), tmp_path / "token"
    token.write_text("0123456789abcdef" * 4 + "\n")
    names = NAMES[:2]
    with ExitStack() as stack:
        ways = {name: stack.enter_context(CuttingProxy()) for name in names}
        clients = {}
        for name, peer in zip(names, names[::-1], strict=True):
            issued = authority.issue(name, [name])
            server = ServerProcess(
                tmp_path / name,
                f"--region={name}",
                f"--peer={peer}={ways[peer].target.replace('grpc://', 'grpcs://')}",
                "--replication=127.0.0.1:0",
                f"--peer-cert={issued.cert}",
                f"--peer-key={issued.key}",
                f"--peer-ca={authority.file}",
                f"--peer-token-file={token}",
            )
            stack.callback(server.kill)
            ways[name].upstream = server.addresses["replication"]
            clients[name] = stack.enter_context(kvdb.connect(server.target))
        clients["amsterdam"].create_table(TABLE, key=("id", "S"))
        creation = [CreateReplica("berlin")]
        eventually(
            lambda: clients["amsterdam"].call(UpdateTable(TABLE, replica_updates=creation)) is not None
        )
        eventually(lambda: TABLE in list(clients["berlin"].tables()))
        for name in names:
            clients[name].table(TABLE).put({"id": name})
        for name in names:
            eventually(lambda name=name: len(list(clients[name].table(TABLE).scan())) == 2)  # type: ignore[misc]
        stranger = stack.enter_context(
            ServerProcess(tmp_path / "stranger", "--region=cairo", f"--peer=berlin={ways['berlin'].target}")
        )
        told = stack.enter_context(kvdb.connect(stranger.target))
        eventually(lambda: "UNAVAILABLE" in repr(told.call(DescribeReplicas())))


MERGING = """
def merge(key, earlier, later):
    kept = [version for version in (earlier, later) if version is not None]
    return {**kept[-1], "tags": set().union(*(version["tags"] for version in kept))}

def fail(key, earlier, later):
    raise LookupError("no luck")
"""


def test_functions_of_servers_resolve_conflicts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "merging_of_orders.py").write_text(MERGING, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    given = [f"--resolver={TABLE}=merging_of_orders:{name}" for name in ("fail@v1", "merge@v2")]
    with ExitStack() as stack:
        ring = Ring(tmp_path, stack, *given)
        amsterdam = ["--endpoint", ring.servers["amsterdam"].target]
        ring.client("amsterdam").create_table(TABLE, key=("id", "S"))
        unnamed = run_command("replica", "add", TABLE, "berlin", "--resolver", "callable", *amsterdam)
        assert (unnamed.exit_code, "name one of the resolvers" in unnamed.stderr) == (1, True)
        shares = ("replica", "add", TABLE, "berlin", "--function", "v1", *amsterdam)
        eventually(lambda: run_command(*shares).exit_code == 0)
        eventually(lambda: ring.statuses("berlin") == ["ACTIVE"] * 2)
        ways = [ring.ways["amsterdam", "berlin"], ring.ways["berlin", "amsterdam"]]
        for way in ways:
            way.cut()
        for name in NAMES[:2]:
            ring.client(name).table(TABLE).put({"id": "a", "tags": {name}})
        for way in ways:
            way.heal()

        def faults() -> str:
            return run_command("replica", "status", "--json", *amsterdam).stdout

        eventually(lambda: "the resolver v1 failed: it raised LookupError: no luck" in faults())
        resolution = ConflictResolution("callable", function="v2")
        ring.client("berlin").call(UpdateTable(TABLE, conflict_resolution=resolution))
        merged = [{"id": "a", "tags": {"amsterdam", "berlin"}}]
        eventually(lambda: all(ring.items(name) == merged for name in NAMES[:2]))
        noted = [each for name in NAMES[:2] for each in ring.client(name).table(TABLE).conflicts()]
        assert [each.winner_item for each in noted] == merged * len(noted)
        assert noted


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("orders", "a resolver must be TABLE=MODULE:FUNCTION"),
        ("orders=module", "a resolver must be TABLE=MODULE:FUNCTION"),
        ("orders=module:function@", "a resolver must be TABLE=MODULE:FUNCTION"),
        ("orders=no_such_module:f", "there is no module 'no_such_module'"),
        ("orders=json:no_such_function", "module 'json' has no function 'no_such_function'"),
        ("orders=broken_module:f", "the module cannot be loaded: ZeroDivisionError"),
    ],
)
def test_a_server_does_not_start_with_a_resolver_that_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, fault: str
) -> None:
    (tmp_path / "broken_module.py").write_text("1 / 0", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    result = run_command("serve", "--data-dir", str(tmp_path / "data"), "--resolver", text)
    assert (result.exit_code, result.stdout) == (1, "")
    assert fault in result.stderr


def test_an_embedded_program_gives_its_functions(tmp_path: Path) -> None:
    def merge(key: object, earlier: object, later: object) -> None:
        return None

    shared = [CreateReplica("berlin")]
    for given, name in (({TABLE: merge}, f"{__name__}:"), ({TABLE: {"v1": merge}}, "v1")):
        with kvdb.open(str(tmp_path / name[:2]), resolvers=given) as db:  # type: ignore[arg-type]
            db.create_table(TABLE, key=("id", "S"))
            db.call(UpdateTable(TABLE, conflict_resolution=ConflictResolution("callable")))
            described = db.table(TABLE).describe().conflict_resolution
            assert described is not None
            assert described.function.startswith(name)
            with pytest.raises(ValidationError, match="no peer is connected"):
                db.call(UpdateTable(TABLE, replica_updates=shared))  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="must be a function"):
        kvdb.open(str(tmp_path / "none"), resolvers={TABLE: 7})  # type: ignore[dict-item]
    # It was closed again.
    kvdb.open(str(tmp_path / "none")).close()


def test_who_was_away_for_longer_than_the_horizon_is_told_and_begins_anew(tmp_path: Path) -> None:
    with ExitStack() as stack:
        ring = Ring(tmp_path, stack, "--replica-horizon=2")
        ring.share()
        ring.client("amsterdam").table(TABLE).put({"id": "deleted"})
        eventually(lambda: all(len(ring.items(name)) == 1 for name in NAMES))
        ways = [way for pair, way in ring.ways.items() if "cairo" in pair]
        for way in ways:
            way.cut()
        ring.client("amsterdam").table(TABLE).delete({"id": "deleted"})
        ring.client("amsterdam").table(TABLE).put({"id": "meanwhile"})
        # Long enough for the tombstone to go as well: whoever has the item still could bring it back.
        threading.Event().wait(5)
        for way in ways:
            way.heal()

        def shown(name: str, peer: str) -> tuple[str, str]:
            status = run_command("replica", "status", "--json", "--endpoint", ring.servers[name].target)
            rows = [row for row in map(json.loads, status.output.splitlines()) if row.get("table") == TABLE]
            return next(((row["status"], row["fault"]) for row in rows if row["peer"] == peer), ("", ""))

        eventually(lambda: shown("cairo", "amsterdam")[0] == "NEEDS_RESEED")
        eventually(lambda: shown("amsterdam", "cairo")[0] == "LOST")
        assert "begin anew here" in shown("cairo", "amsterdam")[1]
        assert "begin anew in one of the two" in shown("amsterdam", "cairo")[1]
        # The other two go on, and nothing comes from cairo.
        ring.client("berlin").table(TABLE).put({"id": "others"})
        eventually(lambda: len(ring.items("amsterdam")) == 2)
        assert [item["id"] for item in ring.items("amsterdam")] == ["meanwhile", "others"]
        reseeded = run_command(
            "replica", "reseed", TABLE, "--yes", "--endpoint", ring.servers["cairo"].target
        )
        assert reseeded.exit_code == 0, reseeded.output
        eventually(lambda: ring.items("cairo") == ring.items("amsterdam") == ring.items("berlin"))
        eventually(lambda: all(ring.statuses(name) == ["ACTIVE"] * 3 for name in NAMES))
        assert [item["id"] for item in ring.items("cairo")] == ["meanwhile", "others"]


def test_a_region_that_is_gone_is_gone_on_without(ring: Ring) -> None:
    ring.share()
    ring.servers["cairo"].kill()
    promoted = run_command("replica", "promote", "cairo", "--endpoint", ring.servers["berlin"].target)
    assert f"{TABLE} goes on without cairo" in promoted.output
    eventually(lambda: len(ring.statuses("amsterdam")) == 2)
