"""A range of package names in a channel: what is compared and changed in one transaction."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement
from sqlalchemy.orm import InstrumentedAttribute


@dataclass(frozen=True, slots=True, kw_only=True)
class NameRange:
    """The names from ``first`` up to ``end``, which is left out; None stands for the end of all names."""

    channel_id: int
    first: str
    end: str | None

    def covering(
        self, channel_id: InstrumentedAttribute[int], name: InstrumentedAttribute[str]
    ) -> list[ColumnElement[bool]]:
        """Conditions: the columns are within the range."""
        conditions: list[ColumnElement[bool]] = [channel_id == self.channel_id, name >= self.first]
        return conditions if self.end is None else [*conditions, name < self.end]
