"""Where figures go: ``latest.json`` with everything, ``latest.md`` with a table."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Figure, table
from benchmarks.machine import Machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """One run; ``failures`` tells by measurement why there are no figures."""

    machine: Machine
    quick: bool
    figures: Mapping[str, Sequence[Figure]]
    failures: Mapping[str, str]

    def write(self, directory: Path) -> None:
        """Replace the files in ``directory``."""
        directory.mkdir(parents=True, exist_ok=True)
        document = {
            "machine": self.machine.to_json(),
            "quick": self.quick,
            "figures": {name: [figure.to_json() for figure in found] for name, found in self.figures.items()},
            "failures": dict(self.failures),
        }
        (directory / "latest.json").write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
        (directory / "latest.md").write_text(self.markdown())

    def markdown(self) -> str:
        """The page for people."""
        warnings = [f"**{self.machine.warning}**"] if self.machine.warning else []
        if self.quick:
            warnings.append("**A quick run: too few repeats for figures worth keeping.**")
        failures = [f"`{name}` was not measured: {reason}" for name, reason in self.failures.items()]
        every = [figure for found in self.figures.values() for figure in found]
        parts = ["# Figures of the last run", self.machine.description(), *warnings, table(every), *failures]
        return "\n\n".join(parts) + "\n"
