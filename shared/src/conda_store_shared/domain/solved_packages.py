"""What a remote solve found; kept at ``solve/<solve_id>/packages.json`` until whoever waits has it."""

import dataclasses
import json
from collections.abc import Iterable

from conda_store_shared.domain.canonical import canonical_json
from conda_store_shared.domain.prefix_record import InstalledPackage


def write_packages(packages: Iterable[InstalledPackage]) -> bytes:
    """Return the stored form: canonical JSON."""
    return canonical_json([dataclasses.asdict(package) for package in packages])


def read_packages(content: bytes) -> tuple[InstalledPackage, ...]:
    """Read the stored form, which only the solver writes."""
    return tuple(map(InstalledPackage.from_value, json.loads(content)))
