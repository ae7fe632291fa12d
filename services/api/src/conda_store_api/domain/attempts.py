"""What the attempts at a stage tell: which is the newest, whether it works, how many were lost (design §3.1, §3.7)."""

from dataclasses import dataclass, replace
from datetime import datetime

from conda_store_shared.domain.stage import MAXIMUM_LOST_ATTEMPTS, FailureCode


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAttempt:
    """An attempt that was heard of as the ``number``-th; ``started_at`` is by its worker's clock.

    ``outcome`` is None while nothing was heard of its end.
    """

    attempt_id: str
    number: int
    started_at: datetime
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Attempts:
    """All attempts at one stage of a build, in the order they were heard of."""

    known: tuple[KnownAttempt, ...] = ()

    @property
    def next_number(self) -> int:
        """Number of an attempt that is heard of now."""
        return max((attempt.number for attempt in self.known), default=0) + 1

    def find(self, attempt_id: str) -> KnownAttempt | None:
        """Return the attempt; None when it was not heard of."""
        return next((attempt for attempt in self.known if attempt.attempt_id == attempt_id), None)

    def with_attempt(self, attempt: KnownAttempt) -> "Attempts":
        """These and another one."""
        return Attempts((*self.known, attempt))

    def with_outcome(self, attempt_id: str, outcome: str) -> "Attempts":
        """These, one of them ended."""
        ended = (replace(one, outcome=outcome) if one.attempt_id == attempt_id else one for one in self.known)
        return Attempts(tuple(ended))

    def is_newest(self, attempt_id: str) -> bool:
        """Whether no later attempt is known: one that was heard of later, and by its clock began later.

        The clocks of two workers may differ, and messages may overtake each other; either alone misleads nobody.
        """
        one = self.find(attempt_id)
        return one is not None and not any(
            other.number > one.number and other.started_at > one.started_at for other in self.known
        )

    def is_at_work(self, attempt_id: str) -> bool:
        """Whether no later attempt is known, nor how this one ended: its words may come late."""
        one = self.find(attempt_id)
        return one is not None and one.outcome is None and self.is_newest(attempt_id)

    def count_lost(self, *, with_newest: bool) -> int:
        """Return how many ended without a word, or died with their worker.

        The newest one may still be running: it counts only ``with_newest``.
        """
        ended = sorted(self.known, key=lambda attempt: attempt.number, reverse=True)
        if ended and ended[0].outcome is None and not with_newest:
            ended = ended[1:]
        return sum(attempt.outcome in (None, FailureCode.WORKER_LOST) for attempt in ended)

    def is_given_up(self, *, with_newest: bool) -> bool:
        """Whether the attempts died too often."""
        return self.count_lost(with_newest=with_newest) >= MAXIMUM_LOST_ATTEMPTS
