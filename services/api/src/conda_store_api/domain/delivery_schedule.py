"""When a webhook that failed is tried again: the schedule of Standard Webhooks, or later when the receiver asks so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_MINUTE, _HOUR = 60.0, 3600.0
PAUSES = (5.0, 5 * _MINUTE, 30 * _MINUTE, *(hours * _HOUR for hours in (2, 5, 10, 14, 20, 24)))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySchedule:
    """Seconds between the attempts; each pause is longer by up to ``jitter`` of itself, so that nobody comes in waves.

    A receiver may ask for a longer pause, but not for one longer than ``longest``.
    """

    pauses: Sequence[float] = PAUSES
    jitter: float = 0.1
    longest: float = 24 * _HOUR

    def next_pause(self, attempts: int, chance: float, asked: float | None) -> float | None:
        """Return the seconds until the next attempt after so many, None when there is none.

        ``chance`` is a random number below 1, ``asked`` what the receiver asks for.
        """
        if attempts > len(self.pauses):
            return None
        pause = self.pauses[attempts - 1] * (1 + self.jitter * chance)
        return max(pause, min(asked or 0.0, self.longest))


def parse_retry_after(text: str | None, now: datetime) -> float | None:
    """Return the seconds a ``Retry-After`` asks for, as a number or a date; None when it cannot be read."""
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdecimal():
        return float(text[:10])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    # A date without a zone is said to be of Greenwich.
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return max(0.0, (moment - now.replace(tzinfo=UTC)) / timedelta(seconds=1))
