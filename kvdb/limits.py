"""Every limit of the service as a named constant with its source.

No number of the service stands anywhere else. Sources: [M] the DynamoDB service
model shipped in botocore, [DG] the developer guide (Service quotas, Naming rules),
[X] captured from the real service by other implementers, [K] kvdb's own bound.
"""

from __future__ import annotations

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

# Tables
TABLE_NAME_CHARS_MIN = 3  # [DG] naming rules
TABLE_NAME_CHARS_MAX = 255  # [DG] naming rules
TABLES_MAX = 2500  # [DG] tables per Region
LIST_TABLES_PAGE_MAX = 100  # [M] ListTables Limit

# Expressions
EXPRESSION_BYTES_MAX = 4096  # [DG] raw bytes, before substitution
EXPRESSION_OPERATORS_MAX = 300  # [DG] operators and functions in one expression
EXPRESSION_DEPTH_MAX = 300  # [K] parentheses and NOTs that may be open at once
EXPRESSION_PLACEHOLDER_BYTES_MAX = 255  # [DG] one #name or :value token
EXPRESSION_VARIABLES_BYTES_MAX = 2 * 1024 * 1024  # [DG] all names and values of one request
IN_OPERANDS_MAX = 100  # [DG]

# Pages and batches
PAGE_BYTES_MAX = 1024 * 1024  # [DG] read by one Query or Scan before the filter
INTEGER_MAX = 2**31 - 1  # [M] the service's Integer: Limit, Segment, TotalSegments
TOTAL_SEGMENTS_MAX = 1_000_000  # [M] Scan TotalSegments
BATCH_WRITE_REQUESTS_MAX = 25  # [M] BatchWriteItem
BATCH_GET_KEYS_MAX = 100  # [M] BatchGetItem
BATCH_BYTES_MAX = 16 * 1024 * 1024  # [DG] BatchGetItem answer, BatchWriteItem request

# Transport
REQUEST_BYTES_MAX = 16 * 1024 * 1024  # [DG] the service's request size; gRPC message bound
"""Also the bound on a gRPC message in either direction."""
