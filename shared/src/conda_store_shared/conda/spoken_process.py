"""A process whose words go to the build's log as they come."""

import subprocess
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from conda_store_shared.child.report import Report

_LAST_LINES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How it ended; ``last_words`` are the last lines it printed."""

    status: int
    last_words: str


def run_spoken(
    command: Sequence[str],
    environment: Mapping[str, str],
    directory: Path,
    report: Report,
    descriptors: Sequence[int] = (),
) -> Ended:
    """Run ``command`` to its end, with ``descriptors`` left open for it; raises OSError when it cannot be started."""
    last: deque[str] = deque(maxlen=_LAST_LINES)
    with subprocess.Popen(  # noqa: S603 - what runs is the caller's promise
        command,
        env=dict(environment),
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=descriptors,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            report.log(line.rstrip("\n"))
            last.append(line)
    return Ended(status=process.returncode, last_words="".join(last).strip())
