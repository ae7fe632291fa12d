"""A measured figure, what it may be at most or must be at least, and how both are shown."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

_HEAD = ("| figure | measured | budget | |", "|---|---:|---:|---|")


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What the design allows; ``at_least`` turns the comparison round."""

    value: float
    at_least: bool = False

    def is_met(self, value: float) -> bool:
        """Whether ``value`` is within the budget."""
        return value >= self.value if self.at_least else value <= self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure; ``details`` are whatever explains it, as JSON."""

    name: str
    value: float
    unit: str
    budget: Budget | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """Whether the budget is met, in a word; empty when there is none."""
        if self.budget is None:
            return ""
        return "met" if self.budget.is_met(self.value) else "NOT MET"

    def to_json(self) -> dict[str, Any]:
        """For the file of results."""
        return {**asdict(self), "verdict": self.verdict}

    def line(self) -> str:
        """For a terminal."""
        budget = f"  (budget {self._budget_text()}: {self.verdict})" if self.budget else ""
        return f"{self.name}: {_rounded(self.value)} {self.unit}{budget}"

    def row(self) -> str:
        """For the table."""
        measured = f"{_rounded(self.value)} {self.unit}"
        return f"| {self.name} | {measured} | {self._budget_text()} | {self.verdict} |"

    def _budget_text(self) -> str:
        if self.budget is None:
            return ""
        return f"{'≥' if self.budget.at_least else '≤'} {_rounded(self.budget.value)} {self.unit}"


def table(figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table."""
    return "\n".join((*_HEAD, *(figure.row() for figure in figures)))


def _rounded(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
