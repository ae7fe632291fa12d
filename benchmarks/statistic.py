"""Median and percentiles of a few measurements."""

import statistics
from collections.abc import Sequence


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that ``percent`` of all do not exceed; of few values, the next higher one."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, -(-len(ordered) * percent // 100) - 1)]


def rounded(values: Sequence[float]) -> list[float]:
    """To a tenth of a millisecond, for results that people read."""
    return [round(value, 4) for value in values]
