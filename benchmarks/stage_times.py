"""How long each stage of a build took, by the log of the suite."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from conda_store_shared.testing.servers.conda_store import Suite


def stage_seconds(suite: Suite, build_ids: Iterable[int]) -> Mapping[str, list[float]]:
    """Seconds of every stage that ended, by stage; several attempts count each for itself."""
    wanted = set(build_ids)
    found: dict[str, list[float]] = defaultdict(list)
    for process in suite.processes.values():
        for line in process.log.read_text(errors="replace").splitlines():
            entry = _entry(line)
            if entry.get("event") == "stage_ended" and entry.get("build_id") in wanted:
                found[entry["stage"]].append(entry["seconds"])
    return found


def _entry(line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}
