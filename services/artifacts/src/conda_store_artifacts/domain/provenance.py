"""Where a build comes from, as an in-toto statement with SLSA provenance.

https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md, https://slsa.dev/spec/v1.0/provenance
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from conda_store_artifacts.domain.package_url import package_url
from conda_store_shared.domain.lockfile import LockedPackage, Lockfile

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
# Names what the parameters below mean; it is told in docs/how-to/verify-builds.md.
BUILD_TYPE = "https://conda.store/build/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Something the build left behind: a name, and the SHA-256 (hex) that was recorded when it was stored."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How the build came about; times are UTC without a zone.

    ``parameters`` are what a user asked for, ``settings`` what the site made of it; neither holds a secret.
    """

    builder: str
    version: str
    build_key: str
    parameters: dict[str, Any]
    settings: dict[str, Any]
    started_on: datetime | None
    finished_on: datetime | None


def make_statement(course: Course, lockfile: Lockfile, subjects: Sequence[Subject]) -> dict[str, Any]:
    """Return the statement; the materials are the packages of every platform of the lockfile."""
    times = {"startedOn": _moment(course.started_on), "finishedOn": _moment(course.finished_on)}
    return {
        "_type": STATEMENT,
        "subject": [{"name": one.name, "digest": {"sha256": one.sha256}} for one in subjects],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": course.parameters,
                "internalParameters": course.settings,
                "resolvedDependencies": _materials(lockfile.packages),
            },
            "runDetails": {
                "builder": {"id": course.builder, "version": {"conda-store": course.version}},
                "metadata": {
                    "invocationId": course.build_key,
                    **{name: moment for name, moment in times.items() if moment},
                },
            },
        },
    }


def _materials(packages: Iterable[LockedPackage]) -> list[dict[str, Any]]:
    chosen = {package.url: package for package in packages}
    return [
        {"uri": package_url(package), "downloadLocation": package.url, "digest": _digest(package)}
        for package in sorted(chosen.values(), key=lambda one: one.url)
    ]


def _digest(package: LockedPackage) -> dict[str, str]:
    known = {"sha256": package.sha256, "md5": package.md5}
    return {name: digest for name, digest in known.items() if digest}


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment.replace(microsecond=0).isoformat()}Z"
