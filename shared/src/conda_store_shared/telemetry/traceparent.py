"""What says to which trace something belongs, in the form of https://www.w3.org/TR/trace-context/."""

import re

import structlog

# The variable of the context it is bound under.
TRACEPARENT = "traceparent"
_FORM = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}")


def parsed(text: str | None) -> tuple[str, str] | None:
    """Return the ids of trace and span; None when the text has another form."""
    found = _FORM.fullmatch(text) if text else None
    return (found[1], found[2]) if found else None


def current() -> str | None:
    """Return what is being done now belongs to."""
    bound: str | None = structlog.contextvars.get_contextvars().get(TRACEPARENT)
    return bound


def within(wanted: str | None) -> str | None:
    """Return what is being done now, if that is part of the wanted trace, else what is wanted itself."""
    bound = current()
    if wanted is None or bound is None:
        return wanted or bound
    return bound if bound[:35] == wanted[:35] else wanted
