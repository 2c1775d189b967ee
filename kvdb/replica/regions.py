"""``Regions``: the peers of one database, and everything that is asked about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final, cast

from kvdb.api.replicas import (
    DescribeReplicasResult,
    LinkStatus,
    PeerDescription,
    ReplicaLinkDescription,
)
from kvdb.api.tables import (
    CreateReplica,
    OnDemandThroughputOverride,
    ProvisionedThroughputOverride,
    ReplicaDescription,
    ReplicaStatus,
    TableClass,
    TableDescription,
    UpdateTable,
)
from kvdb.env.env import Env
from kvdb.env.hlc import region_number
from kvdb.env.jobs import JobHandle
from kvdb.errors import DiskError, DiskFull, ReadOnlyDegraded, ServiceUnavailable, ValidationError
from kvdb.limits import AWS, REGIONS_MAX, LimitsProfile
from kvdb.lsm.engine import Engine
from kvdb.replica.acks import Acks, Gone
from kvdb.replica.applier import Applier
from kvdb.replica.conflict_log import ConflictLog
from kvdb.replica.functions import Functions, MergeFunction
from kvdb.replica.hearsay import FRESH_MS, Heard, Hearsay
from kvdb.replica.holds import Holds
from kvdb.replica.link import ReplicaLink
from kvdb.replica.positions import Positions
from kvdb.replica.puller import Puller, TableLink
from kvdb.replica.source import Source
from kvdb.replica.topology import named, part_if_copied, settle_in, settled
from kvdb.replica.waits import Waits
from kvdb.table.catalog import Catalog, Table, not_found
from kvdb.table.change import Arrivals
from kvdb.table.descriptor import TableDescriptor
from kvdb.table.latches import Latches
from kvdb.table.settings import override_of
from kvdb.table.writer import Writer

KEEPER_MS: Final = 10_000
"""How often at least a table is looked after; four times in a horizon, if that is short."""
_STATUSES: Final[dict[LinkStatus, ReplicaStatus]] = {
    "CREATING": "CREATING",
    "ACTIVE": "ACTIVE",
    "NEEDS_RESEED": "REPLICATION_NOT_AUTHORIZED",
    "LOST": "REPLICATION_NOT_AUTHORIZED",
    "REFUSED": "REPLICATION_NOT_AUTHORIZED",
}
_PENDINGS_MAX: Final = 50_000
_PENDING_MIN: Final = 100
HORIZON_MS: Final = 24 * 60 * 60 * 1000


class ReplicaKeeper:
    """Job: removes what peers need no more, or are too late for. One table a step."""

    name = "replica keeper"

    def __init__(
        self, catalog: Catalog, engine: Engine, env: Env, acks: Acks, holds: Holds, horizon_ms: int
    ) -> None:
        self._catalog = catalog
        self._engine = engine
        self._env = env
        self._acks = acks
        self._holds = holds
        self._gone = Gone(engine)
        self._horizon_ms = horizon_ms
        self._period_ms = max(1, min(KEEPER_MS, horizon_ms // 4))
        self._queue: list[str] = []
        self._lost = env.metrics.counter("replica_peers_lost_total")

    def step(self, now_ms: int) -> int | None:
        """Look after the next table."""
        self._holds.sweep()
        if not self._queue:
            tables = list(self._catalog.all_tables())
            self._acks.keep_only(tables)
            self._queue = [table.descriptor.name for table in tables if table.indexes.shipper is not None]
            if not self._queue:
                return self._period_ms
        name = self._queue.pop()
        try:
            for table in self._catalog.all_tables():
                if table.descriptor.name == name and table.indexes.shipper is not None:
                    wall_ms = self._env.hlc.wall_ms()
                    aged = self._engine.seqno_at(max(0, wall_ms - self._horizon_ms))
                    self._lost.add(self._acks.trim(table, aged_seqno=aged))
                    setting = table.descriptor.replication
                    # A delete may be away for a horizon on each way that it is relayed.
                    ways = len(setting.regions) if setting is not None and setting.relays else 2
                    self._gone.step(table, before_ms=wall_ms - max(2, ways) * self._horizon_ms)
        except (DiskError, DiskFull, ServiceUnavailable):
            return self._period_ms
        except ReadOnlyDegraded:
            return None
        return 0 if self._queue else self._period_ms


class Regions:
    """What a database is to its peers, and they to it."""

    def __init__(
        self,
        catalog: Catalog,
        engine: Engine,
        latches: Latches,
        writer: Writer,
        env: Env,
        *,
        region: str,
        number: int,
        horizon_ms: int = HORIZON_MS,
        profile: LimitsProfile = AWS,
        on_changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.region = region
        self.number = number
        self.acks = Acks(engine)
        self._hearsay = Hearsay()
        self.shared = Arrivals()
        """Tells of changes of which tables are shared, and how."""
        catalog.on_shared = self.shared.announce
        self._catalog = catalog
        self._engine = engine
        self._env = env
        part_if_copied(catalog, engine)
        self._on_changed = on_changed
        self.conflicts = ConflictLog(catalog, engine, lambda: (region, *self._pullers))
        self.functions = Functions(env.clock)
        self._applier = Applier(
            engine,
            latches,
            writer,
            env,
            self.functions,
            profile=profile,
            on_conflicts=self.conflicts.arrivals.announce,
        )
        self._pullers: dict[str, Puller] = {}
        self.positions = Positions(engine, self.acks, self._pullers, region=region, number=number)
        self.waits = Waits(env)
        self.acks.on_applied = self.waits.changed
        self.source = Source(
            catalog,
            engine,
            latches,
            env,
            self.acks,
            self._hearsay,
            self.positions,
            region=region,
            number=number,
            horizon_ms=horizon_ms,
        )
        self.source.on_heard = self._heard
        self._handles: dict[str, JobHandle] = {}
        self.keeper = ReplicaKeeper(catalog, engine, env, self.acks, self.source.holds, horizon_ms)
        self._keeper = env.jobs.add(self.keeper)
        env.metrics.gauge("replica_pending_count").read_by(self._pending)
        latencies = env.metrics.gauge_family("replication_latency_ms", ("table", "region", "source"))
        latencies.read_by(self._latencies)
        pendings = env.metrics.gauge_family("pending_replication_count", ("table", "region"))
        pendings.read_by(self._pendings)

    def connect(
        self,
        peer: str,
        link_of: Callable[[Callable[[], None]], ReplicaLink],
        *,
        bytes_per_s_max: int | None = None,
    ) -> Puller:
        """Begin to pull from a peer. ``link_of(wake)`` makes the link to it, which calls ``wake`` when an
        answer has come.

        Raises:
            ValidationError: the peer has this region's name or number, or there are too many.
        """
        if peer == self.region or region_number(peer) == self.number:
            raise ValidationError(f"a peer must have another name, and number, than this region: {peer}")
        if self.number != region_number(self.region):
            raise ValidationError(f"a database with peers must have the number of its region: {self.region}")
        if self._engine.sync_mode not in ("commit", "group"):
            raise ValidationError(
                "a database with peers must not lose what it has acknowledged: sync mode commit or group"
            )
        if peer in self._pullers or len(self._pullers) >= REGIONS_MAX - 1:
            raise ValidationError(f"the peer is there already, or there are too many: {peer}")
        settle_in(self._engine)
        handles = self._handles

        def wake() -> None:
            if peer in handles:
                handles[peer].wake()

        puller = Puller(
            peer,
            link_of(wake),
            self._catalog,
            self._engine,
            self._env,
            self.acks,
            self._applier,
            self._hearsay,
            region=self.region,
            number=self.number,
            bytes_per_s_max=bytes_per_s_max,
            on_changed=self._on_changed,
            on_met=self._settle,
            on_moved=self.waits.changed,
        )
        self._pullers[peer] = puller
        handles[peer] = self._env.jobs.add(puller)
        handles[peer].wake()
        self._keeper.wake()
        return puller

    def _heard(self, region: str) -> None:
        puller, handle = self._pullers.get(region), self._handles.get(region)
        if puller is not None and handle is not None and not puller.is_connected:
            puller.hurry()
            handle.wake()

    def resolve_with(self, table_name: str, function: MergeFunction, name: str | None = None) -> None:
        """Give a function that may resolve conflicts of a table, see ``functions``.

        ``name`` is what it is called in the table's setting; without one: ``MODULE:FUNCTION``.

        Raises:
            ValidationError: it is none, or another one has the name.
        """
        self.functions.give(table_name, function, name)

    def before_update(self, request: UpdateTable) -> None:
        """What has to be so before the regions of a table are changed.

        Raises:
            ValidationError: no peer of a new region's name is connected, and the table does not relay.
        """
        creations = [each for each in request.replica_updates or () if isinstance(each, CreateReplica)]
        table = named(self._catalog, request.table_name)
        setting = None if table is None else table.descriptor.replication
        if setting is None or not setting.relays:
            for creation in creations:
                if creation.region_name != self.region:
                    self.require_peer(creation.region_name)
        if creations and table is not None and setting is not None and not setting.is_on:
            self.acks.go_apart(table)

    def require_peer(self, region: str) -> None:
        """Raises: ValidationError: no peer of this name is connected."""
        if region not in self._pullers:
            raise ValidationError(
                f"no peer is connected for region {region}: serve with --peer {region}=URL, or let the table "
                "relay first, if peers lead there"
            )

    def with_replicas(self, table: TableDescription) -> TableDescription:
        """A description with the regions of the table, as they are known here."""
        found = named(self._catalog, table.table_name)
        setting = None if found is None else found.descriptor.replication
        if found is None or setting is None or not setting.is_on:
            return table
        replicas = (
            _with_overrides(self._described(region, table.table_name), found.descriptor)
            for region in setting.regions
        )
        return replace(table, replicas=tuple(replicas))

    def described(self) -> DescribeReplicasResult:
        """This region, its peers, and how far each table is."""
        peers = (
            PeerDescription(
                name,
                puller.is_connected,
                puller.fault,
                tuple(
                    ReplicaLinkDescription(
                        table_name,
                        link.status,
                        link.fault or self.functions.slowness(table_name),
                        link.latency_ms,
                        self.acks.pending(link.table, name),
                        link.conflicts,
                    )
                    for table_name, link in sorted(puller.links.items())
                ),
            )
            for name, puller in sorted(self._pullers.items())
        )
        return DescribeReplicasResult(self.region, (*peers, *self._distant_peers()))

    def _distant_peers(self) -> Iterator[PeerDescription]:
        """The regions that share relayed tables and are no peers of this one."""
        tables: dict[str, list[str]] = {}
        for table in self._catalog.all_tables():
            setting = table.descriptor.replication
            if setting is not None and setting.relays:
                for region in setting.peers:
                    if region not in self._pullers:
                        tables.setdefault(region, []).append(table.descriptor.name)
        for region, names in sorted(tables.items()):
            known = {name: self._hearsay.of(name, region) for name in names}
            heard = [each for each in known.values() if each is not None]
            fault, _ = self._silence(max(heard, default=None))
            links = (
                ReplicaLinkDescription(name, "ACTIVE" if each is not None and each.is_ready else "CREATING")
                for name, each in sorted(known.items())
            )
            via = max(heard).via if heard else ""
            yield PeerDescription(region, not fault, fault, tuple(links), via)

    def _silence(self, heard: Heard | None) -> tuple[str, int | None]:
        """What is wrong with a region that others tell of, and since when; empty: nothing."""
        if heard is None:
            return "not heard of yet by way of any peer", None
        age_ms = self._env.clock.monotonic_ns() // 1_000_000 - heard.at_ms
        if age_ms <= FRESH_MS:
            return "", None
        fault = f"not heard of for {age_ms // 1000} seconds, last by way of {heard.via}"
        return fault, self._env.clock.wall_ms() - age_ms

    def reseed(self, table_name: str) -> None:
        """Drop this region's copy of a shared table; the peers' comes in its place.

        Raises:
            ResourceNotFound: there is no such table.
            ValidationError: no peer that answers has it.
        """
        table = named(self._catalog, table_name)
        if table is None:
            raise not_found()
        setting = table.descriptor.replication
        peers = () if setting is None else setting.peers
        if not any(
            peer in self._pullers
            and self._pullers[peer].is_connected
            and table_name in self._pullers[peer].links
            for peer in peers
        ):
            raise ValidationError(f"no peer that answers has the table: {table_name}")
        self._catalog.drop_replica(table)
        for peer, puller in self._pullers.items():
            puller.refresh()
            self._handles[peer].wake()

    def _described(self, region: str, table_name: str) -> ReplicaDescription:
        if region == self.region:
            status, why = self._own_status(table_name)
            return ReplicaDescription(region, status, why or None)
        puller = self._pullers.get(region)
        if puller is None:
            return self._described_distant(region, table_name, "not a peer of this region")
        if table_name in puller.refused:
            return ReplicaDescription(region, "CREATION_FAILED", puller.refused[table_name])
        if not puller.is_connected:
            return self._described_distant(region, table_name, puller.fault, puller.fault_since_ms)
        link = puller.links.get(table_name)
        if link is None:
            reason = self.source.refused.get(region, {}).get(table_name)
            if reason is not None:
                return ReplicaDescription(region, "CREATION_FAILED", f"refused there: {reason}")
            return ReplicaDescription(region, "CREATING", "the table is not there yet")
        if link.status == "NEEDS_RESEED":
            # That is this region's trouble, not the peer's.
            return ReplicaDescription(region, "ACTIVE")
        return ReplicaDescription(region, _STATUSES[link.status], link.fault or None)

    def _described_distant(
        self, region: str, table_name: str, why: str, since_ms: int | None = None
    ) -> ReplicaDescription:
        """Of a region that does not answer this one: by what others tell, if the table relays."""
        table = named(self._catalog, table_name)
        setting = None if table is None else table.descriptor.replication
        if setting is None or not setting.relays:
            return ReplicaDescription(region, "REGION_DISABLED", why, since_ms)
        heard = self._hearsay.of(table_name, region)
        fault, heard_ms = self._silence(heard)
        if fault or heard is None:
            return ReplicaDescription(region, "REGION_DISABLED", f"{why}; {fault}", heard_ms or since_ms)
        status: ReplicaStatus = "ACTIVE" if heard.is_ready else "CREATING"
        return ReplicaDescription(region, status, f"by way of {heard.via}: {why}")

    def _own_status(self, table_name: str) -> tuple[ReplicaStatus, str]:
        links = [puller.links[table_name] for puller in self._pullers.values() if table_name in puller.links]
        for link in links:
            if link.status == "NEEDS_RESEED":
                return _STATUSES[link.status], link.fault
        is_creating = any(link.status == "CREATING" and not link.fault for link in links)
        return ("CREATING" if is_creating else "ACTIVE"), ""

    def _settle(self, table: Table) -> None:
        """End a table's seeding when it has met every peer."""
        setting = table.descriptor.replication
        name = table.descriptor.name
        for peer in () if setting is None else setting.peers:
            puller = self._pullers.get(peer)
            if puller is None and setting is not None and setting.relays:
                # What it has comes by way of others.
                continue
            link = None if puller is None else puller.links.get(name)
            if link is None or link.table is not table or not link.is_met:
                return
        settled(self._catalog, table)

    @property
    def pullers(self) -> Mapping[str, Puller]:
        """By the names of peers."""
        return self._pullers

    def _pending(self) -> int:
        """Items written here that some peer is not known to have, over all tables and peers."""
        return int(sum(number for _, number in self._pendings()))

    def _pendings(self) -> Iterator[tuple[tuple[str, ...], float]]:
        """The service's PendingReplicationCount, by table and receiving region."""
        links = self._links()
        # So that a look at them all costs no more than a look at a few, when a peer of many tables is away.
        count_max = max(_PENDING_MIN, _PENDINGS_MAX // max(1, len(links)))
        for peer, link in links:
            count = self.acks.pending(link.table, peer, count_max=count_max)
            yield (link.table.descriptor.name, peer), count

    def _latencies(self) -> Iterator[tuple[tuple[str, ...], float]]:
        """The service's ReplicationLatency, by table and receiving region, which is this one."""
        for peer, link in self._links():
            yield (link.table.descriptor.name, self.region, peer), link.latency_ms

    def _links(self) -> list[tuple[str, TableLink]]:
        return [
            (peer, link)
            for peer, puller in tuple(self._pullers.items())
            for _, link in sorted(puller.links.items())
            if not link.table.is_dropped
        ]

    def stop(self) -> None:
        """No more steps; returns when running ones have ended."""
        for peer, puller in self._pullers.items():
            puller.close()
            self._handles[peer].stop()
        self._keeper.stop()
        self.source.holds.close()
        self.waits.stop()


def _with_overrides(replica: ReplicaDescription, table: TableDescriptor) -> ReplicaDescription:
    read, max_read, table_class = override_of(table, replica.region_name)
    return replace(
        replica,
        provisioned_throughput_override=ProvisionedThroughputOverride(cast(int, read)) if read else None,
        on_demand_throughput_override=OnDemandThroughputOverride(cast(int, max_read)) if max_read else None,
        table_class_override=cast("TableClass | None", table_class),
    )
