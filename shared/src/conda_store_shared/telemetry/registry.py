"""The registry of a process: one for all, because what is counted lies in every layer.

Labels take values of a known few only: never an id, a name that somebody chose, or a path.
"""

from prometheus_client import CollectorRegistry, disable_created_metrics

# When each began to be counted would be half of all lines, and Prometheus 2 has no use for it.
disable_created_metrics()

REGISTRY = CollectorRegistry()
# Seconds, of what takes moments, and of what may take as long as a stage.
MOMENTS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
MINUTES = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0)
