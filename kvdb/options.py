"""Settings, as frozen dataclasses of plain values, validated once when something is opened.

What does work (clock, disk, chance, jobs) is not a setting: it comes in through ``Env``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from kvdb.errors import ValidationError
from kvdb.limits import PROFILES, REQUEST_BYTES_MAX, LimitsName

SyncMode = Literal["commit", "group", "interval", "none"]
"""When a write is acknowledged.

    commit    after an fdatasync that covers it; nothing acknowledged is ever lost
    group     the same promise; the leader waits up to ``group_delay_ms`` for company
    interval  after write(2); a background fdatasync runs every ``sync_interval_ms``
    none      after write(2); synced only when a memtable is flushed and on close
"""

SYNC_MODES: tuple[str, ...] = get_args(SyncMode)

Compression = Literal["zstd", "none"]
"""How blocks of sstables are stored."""

COMPRESSIONS: tuple[str, ...] = get_args(Compression)

OnSyncError = Literal["degrade", "exit"]
"""What a failed sync does: writes stop and reads go on, or the process ends at once (PostgreSQL's way)."""

ON_SYNC_ERROR: tuple[str, ...] = get_args(OnSyncError)

_MIN_FREE_BYTES = 64 * 1024 * 1024


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise ValidationError(message)


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How one LSM engine keeps its files. Every size is in bytes."""

    sync: SyncMode = "commit"
    """The promise behind an acknowledged write."""
    sync_interval_ms: int = 100
    """Longest time between two background syncs in mode ``interval``."""
    group_delay_ms: int = 2
    """How long a commit leader in mode ``group`` waits for more writers."""
    memtable_size_bytes: int = 16 * 1024 * 1024
    """A memtable this large is frozen and flushed to an sstable."""
    frozen_memtables_max: int = 3
    """Writers wait while this many frozen memtables are unflushed."""
    block_size_bytes: int = 4096
    """Target size of an sstable data block."""
    compression: Compression = "zstd"
    """Compression of sstable blocks. ``zstd``: a half to a fifth of the space of text-like items, for
    some 5 us more for each block read from disk. Files of either kind are read whatever this says."""
    bloom_bits_per_key: int = 12
    """Bloom filter size; 0 leaves the filter out."""
    level0_tables_max: int = 4
    """Compaction starts when level 0 holds this many sstables; when they are little beside the level
    they go to, twice as many, for each time much of that level is written again."""
    level0_tables_slowdown: int | None = None
    """Writers are slowed down while level 0 holds this many sstables or more: from 16 MB a second, by
    pauses of 1 ms, to 1 MB at the stall. ``None``: half way from ``level0_tables_max`` to the stall."""
    level0_tables_stall: int = 36
    """Writers wait while level 0 holds this many sstables."""
    base_level_bytes: int | None = None
    """Level 0 is merged straight into the last level while that is smaller than this; beyond it, there are
    levels between, each a tenth of the one below. ``None``: forty memtables (640 MB)."""
    debt_slowdown_bytes: int = 256 * 1024 * 1024
    """Writers are slowed down, in the same way, while compaction is this many bytes behind: those on
    level 0 and those that the deeper levels hold above their targets."""
    debt_stall_bytes: int = 1024 * 1024 * 1024
    """Writers wait while compaction is this many bytes behind."""
    sstable_size_bytes: int = 32 * 1024 * 1024
    """Compaction starts a new output sstable at this size."""
    block_cache_bytes: int = 64 * 1024 * 1024
    """Decoded blocks kept in memory, charged by what they take there."""
    open_sstables_max: int = 500
    """Sstable readers, and so file handles, kept open."""
    open_sstables_bytes: int = 64 * 1024 * 1024
    """Memory for the indexes and filters of open sstables: those opened first are closed past it."""
    offload_bytes_min: int = 8 * 1024 * 1024
    """Background work on fewer input bytes runs in this process, larger in a worker process."""
    batch_bytes_max: int = 64 * 1024 * 1024
    """Largest byte form of one write batch."""
    history_retention_ms: int = 0
    """How long replaced and deleted versions are kept for reads of the past; 0 keeps only what
    snapshots see. Costs the disk space of everything written in that time."""
    log_pad_bytes: int = 0
    """0, 512 or 4096: each commit group fills its last sector of this size, so that no later write touches
    it. For disks that may harm the other bytes of a sector that they write to; costs the bytes."""
    on_fsync_error: OnSyncError = "degrade"
    """Whether a failed sync makes the database read-only, or ends the process with exit code 74."""
    min_free_bytes: int | None = None
    """Writes but deletes are refused with DiskFull while the disk has less free than this; 0 never
    refuses. ``None``: 64 MiB, or two memtables if that is more."""
    ballast_bytes: int = 8 * 1024 * 1024
    """A file of this size, made once the database is larger, is given up on a full disk so that
    deletes and compaction have room; 0 makes none."""
    scrub_period_ms: int = 7 * 24 * 60 * 60 * 1000
    """How often every sstable is read again to find what has rotted, in the background, for at most a
    fiftieth of one core; 0 never does. What it finds is logged, counted and told by ``kvdb scrub``."""
    log_hold_bytes: int = 0
    """Logs that an archive has not shipped yet stay on disk, up to so many bytes of them beyond what the
    database itself needs; past that they go, and the archive has a gap. 0: nobody archives."""
    allow_network_dir: bool = False
    """Open a directory on a network file system, where locks and syncs may promise less."""
    read_only: bool = False
    """Open an existing database without writing a single byte to it; writes are refused."""

    @property
    def free_bytes_min(self) -> int:
        """``min_free_bytes`` with its default worked out."""
        if self.min_free_bytes is not None:
            return self.min_free_bytes
        return max(_MIN_FREE_BYTES, 2 * self.memtable_size_bytes)

    def __post_init__(self) -> None:
        _require(self.sync in SYNC_MODES, f"sync must be one of {', '.join(SYNC_MODES)}: {self.sync!r}")
        _require(
            self.compression in COMPRESSIONS,
            f"compression must be one of {', '.join(COMPRESSIONS)}: {self.compression!r}",
        )
        for name in (
            "sync_interval_ms",
            "memtable_size_bytes",
            "frozen_memtables_max",
            "block_size_bytes",
            "level0_tables_max",
            "sstable_size_bytes",
            "open_sstables_max",
            "open_sstables_bytes",
            "batch_bytes_max",
            "debt_slowdown_bytes",
        ):
            _require(getattr(self, name) > 0, f"{name} must be positive: {getattr(self, name)}")
        _require(
            self.on_fsync_error in ON_SYNC_ERROR,
            f"on_fsync_error must be one of {', '.join(ON_SYNC_ERROR)}: {self.on_fsync_error!r}",
        )
        _require(
            self.log_pad_bytes in (0, 512, 4096),
            f"log_pad_bytes must be 0, 512 or 4096: {self.log_pad_bytes}",
        )
        _require(self.base_bytes > 0, f"base_level_bytes must be positive: {self.base_level_bytes}")
        _require(self.free_bytes_min >= 0, f"min_free_bytes must not be negative: {self.min_free_bytes}")
        for name in (
            "group_delay_ms",
            "bloom_bits_per_key",
            "block_cache_bytes",
            "offload_bytes_min",
            "ballast_bytes",
            "history_retention_ms",
            "scrub_period_ms",
            "log_hold_bytes",
        ):
            _require(getattr(self, name) >= 0, f"{name} must not be negative: {getattr(self, name)}")
        _require(
            self.level0_tables_stall > self.level0_tables_max,
            "level0_tables_stall must be larger than level0_tables_max",
        )
        _require(
            self.level0_tables_max < self.level0_slowdown <= self.level0_tables_stall,
            "level0_tables_slowdown must be larger than level0_tables_max, and at most level0_tables_stall",
        )
        _require(
            self.debt_stall_bytes >= self.debt_slowdown_bytes,
            "debt_stall_bytes must be at least debt_slowdown_bytes",
        )

    @property
    def base_bytes(self) -> int:
        """``base_level_bytes`` with its default worked out."""
        if self.base_level_bytes is not None:
            return self.base_level_bytes
        return 10 * self.level0_tables_max * self.memtable_size_bytes

    @property
    def level0_slowdown(self) -> int:
        """``level0_tables_slowdown`` with its default worked out."""
        if self.level0_tables_slowdown is not None:
            return self.level0_tables_slowdown
        return (self.level0_tables_max + self.level0_tables_stall + 1) // 2


@dataclass(frozen=True, slots=True)
class ArchiveOptions:
    """The continuous archive of a database: its log and, now and then, a base to replay it on."""

    url: str
    """The backup store: a directory, or s3://BUCKET/PREFIX, gs://..., az://..."""
    window_days: int = 35
    """How far back every point can be restored."""
    ship_interval_ms: int = 1000
    """Longest time between two shipments while there are writes."""
    held_bytes_max: int = 1024 * 1024 * 1024
    """While the store does not answer, so many bytes of log are kept for it. Beyond, the archive gets a gap,
    and a base of its own when the store is back; writes go on in any case."""
    base_log_bytes: int = 1024 * 1024 * 1024
    """After so many bytes of log in the store there is another base."""
    base_hours: int = 24
    """After so many hours with a write there is another base."""

    def __post_init__(self) -> None:
        _require(bool(self.url), "the archive needs a url")
        _require(1 <= self.window_days <= 35, f"window_days must be 1..35: {self.window_days}")
        for name in ("ship_interval_ms", "held_bytes_max", "base_log_bytes", "base_hours"):
            _require(getattr(self, name) > 0, f"{name} must be positive: {getattr(self, name)}")


@dataclass(frozen=True, slots=True)
class DatabaseOptions:
    """How a whole database runs."""

    engine: EngineOptions = EngineOptions()
    archive: ArchiveOptions | None = None
    """Ship the log to a store, to restore any point from; ``None``: no archive."""
    region: int = 0
    """This database's region id, 0..65535; the tie-breaker of row stamps."""
    region_name: str = "ddblocal"
    """The region in ARNs."""
    account_id: str = "000000000000"
    """The account in ARNs, 12 digits."""
    throttling: bool = True
    """Whether tables are held to the throughput they ask for: provisioned units, on-demand maxima."""
    table_status_delay_ms: int = 0
    """How long tables and indexes stay CREATING, UPDATING or DELETING, as they do at the service."""
    backup_store: str | None = None
    """Where the backups of backup calls lie: a directory, or s3://BUCKET/PREFIX, gs://..., az://...
    ``None``: there are no such calls."""
    replica_horizon_ms: int = 24 * 60 * 60 * 1000
    """For how long writes are kept for a peer that does not fetch them; after that its table must begin
    anew. Tombstones are kept twice as long."""
    export_root: str | None = None
    """Below here every folder is a bucket that exports go to and imports come from: a directory, or
    s3://BUCKET/PREFIX, gs://..., az://... ``None``: these calls are refused."""
    limits: LimitsName = "aws"
    """"aws": the service's numbers. "open": larger items, batches and transactions (``kvdb/limits``)."""

    def __post_init__(self) -> None:
        _require(self.limits in PROFILES, f"limits must be one of {', '.join(PROFILES)}: {self.limits!r}")
        _require(0 <= self.region <= 0xFFFF, f"region must be 0..65535: {self.region}")
        _require(
            re.fullmatch("[a-z0-9-]+", self.region_name) is not None,
            f"region_name must be of a-z, 0-9 and '-': {self.region_name!r}",
        )
        _require(
            re.fullmatch("[0-9]{12}", self.account_id) is not None,
            f"account_id must have 12 digits: {self.account_id!r}",
        )
        _require(
            self.replica_horizon_ms > 0, f"replica_horizon_ms must be positive: {self.replica_horizon_ms}"
        )
        _require(
            0 <= self.table_status_delay_ms <= 3_600_000,
            f"table_status_delay_ms must be 0..3600000: {self.table_status_delay_ms}",
        )


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How ``kvdb serve`` listens. Bounds hold for the whole server."""

    data_dir: str
    """The database directory, made when absent."""
    grpc_address: str | None = "127.0.0.1:7400"
    """HOST:PORT of the gRPC door; port 0 picks a free one. ``None``: no such door."""
    http_address: str | None = None
    """HOST:PORT of the HTTP door, which speaks DynamoDB's JSON protocol."""
    admin_address: str | None = None
    """HOST:PORT of health, readiness and metrics."""
    tls_cert: str | None = None
    """File of the HTTP door's certificate chain, PEM; with ``tls_key``."""
    tls_key: str | None = None
    """File of its private key, PEM."""
    http_body_bytes_max: int = REQUEST_BYTES_MAX
    """Largest HTTP request body; one that is larger is refused unread."""
    http_packed_requests: bool = False
    """Take request bodies in gzip or deflate, as the service does; unpacked they have the same bound."""
    http_connections_max: int = 4096
    """HTTP connections at once; one more is closed at once."""
    http_connections_per_address_max: int = 2048
    """The same, from one address."""
    database: DatabaseOptions = DatabaseOptions()
    peers: tuple[tuple[str, str], ...] = ()
    """Other regions, which this one may share tables with: name and grpc://HOST:PORT of each, or grpcs://..."""
    replication_address: str | None = None
    """HOST:PORT where peers are answered, and nowhere else then; ``None``: by the gRPC door."""
    peer_cert: str | None = None
    """File of the certificate chain that this server shows to peers, PEM; with ``peer_key`` and ``peer_ca``.
    Its DNS name is the region's name."""
    peer_key: str | None = None
    peer_ca: str | None = None
    """File of the authority whose certificates peers must show, PEM."""
    peer_token_file: str | None = None
    """File of the secret that peers must show, one a line: the first is shown to peers."""
    resolvers: tuple[str, ...] = ()
    """Functions that may resolve conflicts: TABLE=MODULE:FUNCTION, or TABLE=MODULE:FUNCTION@NAME."""
    peer_bytes_per_s_max: int | None = None
    """How much is pulled from each of them; ``None``: no bound."""
    message_bytes_max: int = 16 * 1024 * 1024 + 64 * 1024
    """Largest gRPC message in either direction: the service's 16 MiB and room for its frame."""
    concurrent_calls_max: int = 1024
    """Calls in flight; one more is refused with RequestLimitExceeded."""
    request_bytes_in_flight_max: int = 256 * 1024 * 1024
    """Bytes of the requests in flight, together; one more that would pass this is refused so, too."""
    subscriptions_max: int = 256
    """Feeds that may be open at once. They are no calls in flight."""
    concurrent_streams_per_connection_max: int = 256
    """HTTP/2 streams one connection may have open."""
    read_threads: int = 4
    """Threads for scans, queries and batches, so that they do not hold up the event loop."""
    deadline_ms_max: int = 30_000
    """A call without a deadline, or with a later one, gets this one."""
    is_insecure: bool = False
    """Listen where other machines can reach it, though nobody is authenticated and nothing encrypted."""
    grace_ms: int = 5_000
    """How long a stopping server lets running calls finish."""

    def __post_init__(self) -> None:
        for name in (
            "message_bytes_max",
            "http_body_bytes_max",
            "http_connections_max",
            "http_connections_per_address_max",
            "concurrent_calls_max",
            "request_bytes_in_flight_max",
            "subscriptions_max",
            "concurrent_streams_per_connection_max",
            "read_threads",
            "deadline_ms_max",
            "grace_ms",
        ):
            _require(getattr(self, name) > 0, f"{name} must be positive: {getattr(self, name)}")
        _require(
            self.grpc_address is not None or self.http_address is not None,
            "a server needs at least one of grpc_address and http_address",
        )
        _require(
            len({each is None for each in (self.peer_cert, self.peer_key, self.peer_ca)}) == 1,
            "peer_cert, peer_key and peer_ca come together",
        )
        _require(
            self.replication_address is not None or (self.peer_cert is None and self.peer_token_file is None),
            "peers that must show a certificate or a token are answered on a port of their own: "
            "give replication_address, too",
        )
        _require((self.tls_cert is None) == (self.tls_key is None), "tls_cert and tls_key come together")
        _require(
            self.tls_cert is None or self.http_address is not None,
            "tls_cert is for the HTTP door: give http_address, too",
        )


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """How a client calls and retries."""

    deadline_ms: int = 30_000
    """Time one call may take, retries included."""
    attempts_max: int = 4
    """Tries of one call, the first included; 1 turns retries off."""
    backoff_ms: int = 25
    """First pause between tries; doubles, with full jitter, up to ``backoff_ms_max``."""
    backoff_ms_max: int = 1_000
    message_bytes_max: int = 16 * 1024 * 1024 + 64 * 1024
    """Largest gRPC message in either direction."""

    def __post_init__(self) -> None:
        for name in ("deadline_ms", "attempts_max", "backoff_ms", "backoff_ms_max", "message_bytes_max"):
            _require(getattr(self, name) > 0, f"{name} must be positive: {getattr(self, name)}")


@dataclass(frozen=True, slots=True)
class FailoverOptions:
    """When a client with several endpoints leaves one, and when it comes back."""

    check_interval_ms: int = 1_000
    """Between two rounds of health checks; each round asks every endpoint."""
    check_timeout_ms: int = 1_000
    """A check without an answer for so long has failed."""
    failures_to_leave: int = 3
    """Failed checks in a row before an endpoint is left; an endpoint that says it does not serve is
    left at once."""
    successes_to_return: int = 3
    """Good checks in a row before it counts as healthy again."""
    hold_down_ms: int = 10_000
    """How long it has to be healthy before calls come back to it. Doubles each time that it is left
    within ``hold_down_ms_max`` of a return."""
    hold_down_ms_max: int = 300_000
    try_ms: int = 5_000
    """Longest that one endpoint is waited for, within ``ClientOptions.deadline_ms``: then a read is asked
    of the next, and a write ends with an unknown outcome."""

    def __post_init__(self) -> None:
        for name in (
            *("check_interval_ms", "check_timeout_ms", "failures_to_leave"),
            *("successes_to_return", "hold_down_ms", "try_ms"),
        ):
            _require(getattr(self, name) > 0, f"{name} must be positive: {getattr(self, name)}")
        _require(
            self.hold_down_ms_max >= self.hold_down_ms,
            f"hold_down_ms_max must be at least hold_down_ms: {self.hold_down_ms_max}",
        )
