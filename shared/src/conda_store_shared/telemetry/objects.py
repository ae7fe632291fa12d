"""The object store: requests by outcome, their time, and bytes both ways."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Histogram

from conda_store_shared.errors import CondaStoreError
from conda_store_shared.telemetry.registry import MINUTES, REGISTRY

_requests = Counter(
    "conda_store_object_requests",
    "Requests to the object store, by outcome: done, or the code of the error.",
    ("operation", "outcome"),
    registry=REGISTRY,
)
_seconds = Histogram(
    "conda_store_object_request_seconds",
    "Time of a request to the object store, from first to last byte.",
    ("operation",),
    registry=REGISTRY,
    buckets=MINUTES,
)
STORED = Counter("conda_store_object_stored_bytes", "Bytes put into the object store.", registry=REGISTRY)
READ = Counter("conda_store_object_read_bytes", "Bytes read from the object store.", registry=REGISTRY)


@contextmanager
def requesting(operation: str) -> Iterator[None]:
    """Count a request."""
    began, outcome = time.perf_counter(), "given_up"
    try:
        yield
        outcome = "done"
    except CondaStoreError as error:
        outcome = error.code
        raise
    finally:
        _requests.labels(operation, outcome).inc()
        _seconds.labels(operation).observe(time.perf_counter() - began)
