"""How long to wait before trying again: exponential, with jitter."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Seconds to wait: ``first`` before the first repeat, doubling up to ``longest``."""

    first: float
    longest: float

    def delay(self, repeats: int) -> float:
        """Seconds to wait after ``repeats`` repeats were made already; between half and the whole of the step."""
        # Beyond 2**30 the step is the longest for any sensible setting, and the power would overflow.
        step = min(self.longest, self.first * 2.0 ** min(repeats, 30))
        return step * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards no secret
