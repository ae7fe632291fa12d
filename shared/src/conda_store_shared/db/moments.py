"""Moments as the database keeps them: UTC without a zone."""

from datetime import UTC, datetime


def now() -> datetime:
    """The time now."""
    return datetime.now(UTC).replace(tzinfo=None)


def naive(moment: datetime) -> datetime:
    """Return a moment that has a zone as the database keeps it."""
    return moment.astimezone(UTC).replace(tzinfo=None)
