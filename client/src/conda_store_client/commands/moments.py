"""Moments as people give them to options."""

import re
from datetime import UTC, datetime, timedelta

import click

_AGO = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def read_moment(_context: click.Context, _parameter: click.Parameter, text: str | None) -> datetime | None:
    """Read a moment, or how long ago it was; raises BadParameter."""
    if text is None:
        return None
    try:
        if ago := _AGO.fullmatch(text):
            return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        # Without a zone, it is that of whoever writes it.
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{text!r} is neither a moment (2026-11-27T02:30) nor so long ago (30s, 10m, 2h, 7d)"
        ) from None
