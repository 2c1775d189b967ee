"""Every limit of the service as a named constant with its source.

No number of the service stands anywhere else. Sources: [M] the DynamoDB service
model shipped in botocore, [DG] the developer guide (Service quotas, Naming rules),
[X] captured from the real service by other implementers, [K] kvdb's own bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

# Items and values
ITEM_BYTES_MAX = 400 * 1024  # [DG] item size, names included
NESTING_LEVELS_MAX = 32  # [DG]; [X] 31 wraps of a map accepted, 32 refused
NUMBER_DIGITS_MAX = 38  # [DG] significant digits
NUMBER_EXPONENT_MAX = 125  # [DG] largest magnitude 9.99...9E+125
NUMBER_EXPONENT_MIN = -130  # [DG] smallest non-zero magnitude 1E-130
ATTRIBUTE_NAME_BYTES_MAX = 65_535  # [DG] 64 KB less one
KEY_ATTRIBUTE_NAME_BYTES_MAX = 255  # [DG] key attribute names
PARTITION_KEY_BYTES_MAX = 2048  # [DG]
SORT_KEY_BYTES_MAX = 1024  # [DG]

GB = 1024**3  # [DG] as the service counts them
ITEM_COLLECTION_BYTES_MAX = 10 * GB  # [DG] tables with local indexes: the items of one partition key

# Tables
TABLE_NAME_CHARS_MIN = 3  # [DG] naming rules
TABLE_NAME_CHARS_MAX = 255  # [DG] naming rules
TABLES_MAX = 2500  # [DG] tables per Region
RECOVERY_PERIOD_DAYS_MIN = 1  # [M] PointInTimeRecoverySpecification
RECOVERY_PERIOD_DAYS_MAX = 35  # [M] PointInTimeRecoverySpecification
LIST_JOBS_PAGE_MAX = 100  # ours, as [M] ListBackups Limit
CONFLICTS_PAGE_MAX = 1_000  # [K] conflicts one call may list
REGIONS_MAX = 16  # [K] regions that share a table
REPLICATED_TABLES_MAX = 256  # [K] tables shared with one peer
SESSION_TOKEN_CHARS_MAX = 4096  # [K] what a session has seen of its tables, as text
SESSION_WAIT_MS = 5_000  # [K] a call of a session waits so long for what the session has seen, unless it says
SESSION_WAIT_MS_MAX = 30_000  # [K] the longest it may ask for
REPLICATE_WAIT_MS = 5_000  # [K] a write with replicate_to waits so long for regions, unless it says
REPLICATE_WAIT_MS_MAX = 30_000  # [K] the longest it may ask for
PROMISES_MAX = 10_000  # [K] calls under way that may wait for other regions
LIST_BACKUPS_PAGE_MAX = 100  # [M] BackupsInputLimit
BACKUP_NAME_CHARS_MIN = 3  # [M] BackupName
BACKUP_ARN_CHARS_MIN = 37  # [M] BackupArn
BACKUP_ARN_CHARS_MAX = 1024  # [M] BackupArn
LIST_TRANSFERS_PAGE_MAX = 25  # [M] ListExports, ListImports
EXPORT_WINDOW_MS_MIN = 15 * 60 * 1000  # [X] of an incremental export, unless limits are open
EXPORT_WINDOW_MS_MAX = 24 * 60 * 60 * 1000  # [X] likewise
LIST_TABLES_PAGE_MAX = 100  # [M] ListTables Limit
LOCAL_INDEXES_MAX = 5  # [M] CreateTable LocalSecondaryIndexes
GLOBAL_INDEXES_MAX = 20  # [M] CreateTable GlobalSecondaryIndexes
INDEX_KEY_ATTRIBUTES_MAX = 4  # [M] KeySchema of a global index: HASH, and again RANGE
INDEX_INCLUDED_NAMES_MAX = 20  # [M] NonKeyAttributes of one index
INDEXES_INCLUDED_NAMES_MAX = 100  # [M] NonKeyAttributes of all indexes of a table together
TAGS_MAX = 50  # [DG] tags of one table
TAG_KEY_CHARS_MAX = 128  # [M] TagKeyString
TAG_VALUE_CHARS_MAX = 256  # [M] TagValueString

# Throughput
CAPACITY_UNITS_MAX = 1_000_000_000_000  # [X] "is out of bounds" above it; dynalite, createTable.js
TABLE_CAPACITY_UNITS_MAX = 40_000  # [DG] read and write units of one table
ACCOUNT_CAPACITY_UNITS_MAX = 80_000  # [DG] read and write units of all provisioned tables
BURST_SECONDS = 300  # [DG] of unused capacity are kept
DECREASES_FREE = 4  # [X] decreases a UTC day; after them one an hour, which makes 27 a day
DECREASE_PAUSE_MS = 3_600_000  # [X] between two decreases once the free ones are used
ON_DEMAND_SWITCHES_MAX = 4  # [DG] switches to on demand in 24 hours

# Time to live
TTL_CHANGE_PAUSE_MS = 3_600_000  # [M] UpdateTimeToLive: one change an hour
TTL_YEARS_MAX = 5  # [DG] an item that expired longer ago than this is not deleted

# Expressions
EXPRESSION_BYTES_MAX = 4096  # [DG] raw bytes, before substitution
EXPRESSION_OPERATORS_MAX = 300  # [DG] operators and functions in one expression
EXPRESSION_DEPTH_MAX = 300  # [K] parentheses and NOTs that may be open at once
EXPRESSION_PLACEHOLDER_BYTES_MAX = 255  # [DG] one #name or :value token
EXPRESSION_VARIABLES_BYTES_MAX = 2 * 1024 * 1024  # [DG] all names and values of one request
IN_OPERANDS_MAX = 100  # [DG]
ATTRIBUTES_TO_GET_MAX = 255  # [X] dynalite: names in one AttributesToGet

# Pages and batches
PAGE_BYTES_MAX = 1024 * 1024  # [DG] read by one Query or Scan before the filter
LONG_MAX = 2**63 - 1  # [M] the service's Long: capacity units
INTEGER_MAX = 2**31 - 1  # [M] the service's Integer: Limit, Segment, TotalSegments
TOTAL_SEGMENTS_MAX = 1_000_000  # [M] Scan TotalSegments
BATCH_WRITE_REQUESTS_MAX = 25  # [M] BatchWriteItem
BATCH_GET_KEYS_MAX = 100  # [M] BatchGetItem
BATCH_BYTES_MAX = 16 * 1024 * 1024  # [DG] BatchGetItem answer, BatchWriteItem request

# Transactions
TRANSACTION_ACTIONS_MAX = 100  # [M] TransactWriteItems, TransactGetItems
TRANSACTION_BYTES_MAX = 4 * 1024 * 1024  # [M] of one request, and of the items one reads
TRANSACTION_READS_MAX = 10_000  # [K] items and ranges a native transaction may have read
CLIENT_TOKEN_CHARS_MAX = 36  # [M] ClientRequestToken
CLIENT_TOKEN_VALID_MS = 10 * 60 * 1000  # [M] after the transaction has completed
CLIENT_TOKENS_MAX = 1_000_000  # [K] tokens kept; one more transaction with a token is refused for now

# Snapshots and history
SNAPSHOTS_MAX = 1_000  # [K] open at once
SNAPSHOT_IDLE_MS = 60_000  # [K] a snapshot that nobody reads at for this long is released
SNAPSHOT_LIFE_MS_MAX = 24 * 60 * 60 * 1000  # [K] and this long after it was opened in any case
VERSIONS_PAGE = 100  # [K] ListItemVersions, unless it says another limit
VERSIONS_PAGE_MAX = 1_000  # [K] ListItemVersions

# Streams
STREAM_RETENTION_MS = 24 * 60 * 60 * 1000  # [DG] of records, unless the table says otherwise
STREAM_RETENTION_MS_MIN = 60 * 60 * 1000  # [K]
STREAM_RETENTION_MS_MAX = 365 * 24 * 60 * 60 * 1000  # [K]
SHARDS_AT_FIRST = 4  # [K] of a new stream
SHARDS_OPEN_MAX = 64  # [K] of one stream
SHARD_ROTATION_MS = 4 * 60 * 60 * 1000  # [X] a shard is succeeded by its like after this long
SHARD_RECORDS_PER_S_MAX = 1_000  # [K] a shard that gets more is split
SHARD_BYTES_PER_S_MAX = 1024 * 1024  # [K] likewise
STREAM_DIVISIONS_MAX = 10_000  # [K] times its shards changed within its retention
LIST_STREAMS_PAGE_MAX = 100  # [M] ListStreams
SHARDS_PAGE_MAX = 100  # [M] DescribeStream
SHARD_ITERATOR_VALID_MS = 15 * 60 * 1000  # [M] GetShardIterator
SHARD_ITERATOR_CHARS_MAX = 2_048  # [M]
SEQUENCE_NUMBER_CHARS_MIN = 21  # [M]
SEQUENCE_NUMBER_CHARS_MAX = 40  # [M]
GET_RECORDS_MAX = 1_000  # [M] GetRecords
GET_RECORDS_BYTES_MAX = 1024 * 1024  # [M]
GET_RECORDS_LOOKS_MAX = 20_000  # [K] changes of other shards that one call passes over
FILTER_PATTERNS_MAX = 5  # [DG] Lambda, event filtering
FILTER_PATTERN_CHARS_MAX = 4_096  # [DG]
SUBSCRIPTIONS_MAX = 1_000  # [K] feeds that are open at once in one database
HEARTBEAT_MS_MIN = 100  # [K] Subscribe
HEARTBEAT_MS_MAX = 60_000  # [K]

# Event sources (Lambda's event source mappings)
EVENT_BATCH_RECORDS_MAX = 10_000  # [M] BatchSize
EVENT_BATCH_BYTES_MAX = 6 * 1024 * 1024  # [DG] one invocation's payload
EVENT_WINDOW_S_MAX = 300  # [M] MaximumBatchingWindowInSeconds
EVENT_RETRIES_MAX = 10_000  # [M] MaximumRetryAttempts
EVENT_AGE_S_MIN = 60  # [M] MaximumRecordAgeInSeconds
EVENT_AGE_S_MAX = 604_800  # [M] MaximumRecordAgeInSeconds
EVENT_LANES_MAX = 10  # [M] ParallelizationFactor
TUMBLING_WINDOW_S_MAX = 900  # [M] TumblingWindowInSeconds
TUMBLING_STATE_BYTES_MAX = 1024 * 1024  # [DG] state carried through a window

# Transport
REQUEST_BYTES_MAX = 16 * 1024 * 1024  # [DG] the service's request size; gRPC message bound
"""Also the bound on a gRPC message in either direction."""


# Profiles

LimitsName = Literal["aws", "open"]


@dataclass(frozen=True, slots=True)
class LimitsProfile:
    """The limits that an option may raise. What stands above and not here holds always."""

    name: LimitsName
    item_bytes_max: int
    batch_write_requests_max: int
    batch_get_keys_max: int
    batch_bytes_max: int
    """Of the items one BatchGetItem answers with."""
    transaction_actions_max: int
    transaction_bytes_max: int
    index_changes_max: int
    """Indexes one UpdateTable may create and delete."""
    table_capacity_units_max: int
    """Read and write units a table or index may be provisioned with."""
    account_capacity_units_max: int
    """Of all tables and indexes together."""
    allows_consistent_index_reads: bool
    """Whether a consistent read of a global index is answered; ours always are."""


AWS = LimitsProfile(
    name="aws",
    item_bytes_max=ITEM_BYTES_MAX,
    batch_write_requests_max=BATCH_WRITE_REQUESTS_MAX,
    batch_get_keys_max=BATCH_GET_KEYS_MAX,
    batch_bytes_max=BATCH_BYTES_MAX,
    transaction_actions_max=TRANSACTION_ACTIONS_MAX,
    transaction_bytes_max=TRANSACTION_BYTES_MAX,
    index_changes_max=1,
    table_capacity_units_max=TABLE_CAPACITY_UNITS_MAX,
    account_capacity_units_max=ACCOUNT_CAPACITY_UNITS_MAX,
    allows_consistent_index_reads=False,
)
"""Every number of the service."""

OPEN = LimitsProfile(
    name="open",
    item_bytes_max=16 * 1024 * 1024,
    batch_write_requests_max=1_000,
    batch_get_keys_max=1_000,
    batch_bytes_max=32 * 1024 * 1024,
    transaction_actions_max=1_000,
    transaction_bytes_max=32 * 1024 * 1024,
    index_changes_max=20,
    table_capacity_units_max=CAPACITY_UNITS_MAX,
    account_capacity_units_max=LONG_MAX,
    allows_consistent_index_reads=True,
)
"""As far as one process carries it: what one request writes fits into one engine batch."""

PROFILES: Mapping[LimitsName, LimitsProfile] = {"aws": AWS, "open": OPEN}
