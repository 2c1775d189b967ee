"""Metrics in Prometheus' form."""

from __future__ import annotations

from kvdb.metrics import Registry
from kvdb.server.admin_http import prometheus_text


def test_instruments_are_written_in_the_exposition_format():
    registry = Registry()
    registry.counter("writes_total").add(3)
    registry.gauge("lsm_tables").set(2.5)
    for operation in ("GetItem", "PutItem"):
        histogram = registry.histogram(f"server_{operation}_ms", bounds=(1.0, 10.0))
        histogram.observe(0.5)
        histogram.observe(5.0)
        histogram.observe(500.0)
    delays = registry.gauge_family("replication_latency_ms", ("table", "region"))
    delays.read_by(lambda: [(("orders", "berlin"), 250.0), (("orders", "cairo"), 0.0)])
    registry.histogram("flush_ms", bounds=(1.0,)).observe(2.0)
    assert prometheus_text(registry).splitlines() == [
        "# TYPE kvdb_flush_seconds histogram",
        'kvdb_flush_seconds_bucket{le="0.001"} 0',
        'kvdb_flush_seconds_bucket{le="+Inf"} 1',
        "kvdb_flush_seconds_sum 0.002",
        "kvdb_flush_seconds_count 1",
        "# TYPE kvdb_lsm_tables gauge",
        "kvdb_lsm_tables 2.5",
        "# TYPE kvdb_replication_latency_seconds gauge",
        'kvdb_replication_latency_seconds{table="orders",region="berlin"} 0.25',
        'kvdb_replication_latency_seconds{table="orders",region="cairo"} 0',
        "# TYPE kvdb_server_call_seconds histogram",
        *(
            line
            for operation in ("GetItem", "PutItem")
            for line in (
                f'kvdb_server_call_seconds_bucket{{operation="{operation}",le="0.001"}} 1',
                f'kvdb_server_call_seconds_bucket{{operation="{operation}",le="0.01"}} 2',
                f'kvdb_server_call_seconds_bucket{{operation="{operation}",le="+Inf"}} 3',
                f'kvdb_server_call_seconds_sum{{operation="{operation}"}} 0.5055',
                f'kvdb_server_call_seconds_count{{operation="{operation}"}} 3',
            )
        ),
        "# TYPE kvdb_writes_total counter",
        "kvdb_writes_total 3",
    ]
