"""The machine and the versions a run was made with, and whether the machine had other things to do."""

import os
import platform
import subprocess
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import psutil

_PACKAGES = ("py-rattler", "conda-lock", "conda-pack", "uv", "SQLAlchemy", "asyncpg", "aio-pika", "aiobotocore",
             "uvicorn")  # fmt: skip
# Waiting programs per core above which figures are not worth keeping.
_QUIET = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What figures depend on; ``load`` is the load average over one minute when the run began."""

    date: str
    commit: str
    cores: int
    processor: str
    memory_gigabytes: float
    system: str
    python: str
    packages: dict[str, str]
    load: float

    @classmethod
    def now(cls) -> Self:
        """This machine as it is."""
        return cls(
            date=datetime.now(UTC).isoformat(timespec="seconds"),
            commit=_commit(),
            cores=os.cpu_count() or 1,
            processor=_processor(),
            memory_gigabytes=round(psutil.virtual_memory().total / 1e9, 1),
            system=f"{platform.system()} {platform.release()}",
            python=platform.python_version(),
            packages={name: version(name) for name in _PACKAGES},
            load=round(os.getloadavg()[0], 2),
        )

    @property
    def is_quiet(self) -> bool:
        """Whether nothing much else ran when the run began."""
        return self.load <= _QUIET * self.cores

    @property
    def warning(self) -> str:
        """What to think of figures from a busy machine; empty for a quiet one."""
        if self.is_quiet:
            return ""
        return f"The machine was busy: load average {self.load} on {self.cores} cores. Figures are too high."

    def to_json(self) -> dict[str, Any]:
        """For the file of results."""
        return {**asdict(self), "quiet": self.is_quiet}

    def description(self) -> str:
        """One line for people."""
        packages = ", ".join(f"{name} {number}" for name, number in self.packages.items())
        return (
            f"{self.date}, commit {self.commit}; {self.cores} cores ({self.processor}), {self.memory_gigabytes} GB, "
            f"{self.system}, load {self.load}; Python {self.python}, {packages}"
        )


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
