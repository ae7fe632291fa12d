"""What was there already, and what had to be fetched or made."""

from prometheus_client import Counter

from conda_store_shared.telemetry.registry import REGISTRY

PACKAGES, FRAGMENTS, COPIES, LAYERS = "packages", "fragments", "copies", "layers"

_lookups = Counter(
    "conda_store_cache_lookups",
    "What was looked for in a cache (packages and copies of fragments of a node, fragments and layers of the suite), "
    "by outcome: hit or miss.",
    ("cache", "outcome"),
    registry=REGISTRY,
)
_downloaded = Counter(
    "conda_store_downloaded_bytes", "Bytes of packages fetched from channels.", ("what",), registry=REGISTRY
)


def looked_up(cache: str, hits: int, misses: int) -> None:
    """So many of what was wanted were in the cache, and so many were not."""
    _lookups.labels(cache, "hit").inc(hits)
    _lookups.labels(cache, "miss").inc(misses)


def downloaded(what: str, size: int) -> None:
    """So many bytes came from elsewhere."""
    _downloaded.labels(what).inc(size)
