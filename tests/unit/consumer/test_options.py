"""Settings outside their bounds are refused by name."""

from __future__ import annotations

import pytest

from kvdb.consumer.options import WorkerOptions
from kvdb.errors import ValidationError


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("batch_size", (1, 10_000), (0, 10_001, 1.5, True)),
        ("batching_window_s", (0, 0.5, 300), (-1, 300.1, "1", float("nan"))),
        ("maximum_retry_attempts", (-1, 0, 10_000), (-2, 10_001)),
        ("maximum_record_age_s", (-1, 60, 604_800), (0, 59, 604_801)),
        ("parallelization_factor", (1, 10), (0, 11)),
        ("tumbling_window_s", (0, 900), (-1, 901)),
        ("handler_timeout_s", (None, 0.1), (0, -1, float("nan"))),
        ("starting_position", ("TRIM_HORIZON", "LATEST"), ("AT_TIMESTAMP", "")),
        ("on_trimmed", ("fail", "skip"), ("ignore",)),
        ("on_failure", (None, "table:failed", "file:/failed"), ("sqs:x", "failed", "table:", "")),
        ("filter_patterns", ((), ('{"eventName": ["INSERT"]}',)), (("{",),)),
        ("application", ("a",), ("",)),
        ("failover_ms", (1,), (0,)),
        ("poll_ms", (1,), (0,)),
        ("shard_sync_ms", (1,), (0,)),
        ("threads_max", (1,), (0,)),
    ],
)
def test_a_setting_has_bounds(name: str, good: tuple[object, ...], bad: tuple[object, ...]) -> None:
    for value in good:
        WorkerOptions(**{name: value})  # type: ignore[arg-type]
    for value in bad:
        with pytest.raises(ValidationError, match=name.split("_")[0]):
            WorkerOptions(**{name: value})  # type: ignore[arg-type]


def test_settings_that_exclude_each_other_are_refused() -> None:
    with pytest.raises(ValidationError, match="one state a shard"):
        WorkerOptions(tumbling_window_s=60, parallelization_factor=2)
    with pytest.raises(ValidationError, match="commits a batch as a whole"):
        WorkerOptions(exactly_once=True, report_batch_item_failures=True)


def test_leases_are_kept_beside_the_table() -> None:
    assert WorkerOptions().lease_table_of("orders") == "orders.worker.leases"
    assert WorkerOptions(application="mail").lease_table_of("orders") == "orders.mail.leases"
    assert WorkerOptions(lease_table="mine").lease_table_of("orders") == "mine"
