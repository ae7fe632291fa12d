"""Answers that go on for as long as somebody reads them: streams of events and of logs."""

from prometheus_client import Counter, Gauge

from conda_store_shared.telemetry.registry import REGISTRY

OPEN = Gauge("conda_store_open_streams", "Streams of events and logs that are being read.", registry=REGISTRY)
REFUSED = Counter("conda_store_streams_refused", "Streams refused because too many were open.", registry=REGISTRY)
