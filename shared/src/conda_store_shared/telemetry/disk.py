"""The disk of the prefixes, as the builder that measures it sees it."""

from prometheus_client import Gauge

from conda_store_shared.telemetry.registry import REGISTRY

_bytes = Gauge(
    "conda_store_store_directory_bytes",
    "Bytes of the disk that holds the store directory: free, used, total.",
    ("state",),
    registry=REGISTRY,
)


def measured(*, free: int, used: int, total: int) -> None:
    """Note what a look at the disk found."""
    for state, value in (("free", free), ("used", used), ("total", total)):
        _bytes.labels(state).set(value)
