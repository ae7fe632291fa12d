"""Figures as tests read them."""

from conda_store_shared.telemetry.registry import REGISTRY


def figure(name: str, **labels: str) -> float:
    """What was counted in this process under a name; 0 when nothing was."""
    value: float | None = REGISTRY.get_sample_value(name, labels)
    return value or 0.0
