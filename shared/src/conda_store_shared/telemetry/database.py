"""Connections to the database."""

from prometheus_client import Counter, Gauge, Histogram

from conda_store_shared.telemetry.registry import MOMENTS, REGISTRY

BUSY = Gauge("conda_store_database_connections_busy", "Connections to the database in use.", registry=REGISTRY)
LIMIT = Gauge("conda_store_database_connections_limit", "Connections there may be at once.", registry=REGISTRY)
WAIT = Histogram(
    "conda_store_database_wait_seconds",
    "Time until a connection to the database was free.",
    registry=REGISTRY,
    buckets=MOMENTS,
)
GIVEN_UP = Counter(
    "conda_store_database_waits_given_up", "Times no connection was free in the time there was.", registry=REGISTRY
)
