"""Who does something, and when."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What a public event says of its cause; ``actor`` is the primary namespace of whoever asked, None for nobody."""

    actor: str | None
    now: datetime
