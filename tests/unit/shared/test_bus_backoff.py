"""How long the bus waits before it tries again."""

import pytest

from conda_store_shared.bus.backoff import Backoff


@pytest.mark.parametrize(("repeats", "step"), [(0, 0.2), (1, 0.4), (3, 1.6), (5, 5.0), (10_000, 5.0)])
def test_backoff_doubles_up_to_the_longest(repeats: int, step: float) -> None:
    backoff = Backoff(first=0.2, longest=5.0)
    delays = {backoff.delay(repeats) for _ in range(50)}
    assert all(step / 2 <= delay <= step for delay in delays)
    assert len(delays) > 10
