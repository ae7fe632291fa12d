"""What the list of a channel keeps of each file in its repodata."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from conda_store_shared.domain.channel_index import (
    LONGEST_BUILD,
    LONGEST_NAME,
    LONGEST_VERSION,
    IndexedBuild,
    IndexedPackage,
)

_LONGEST_TEXT = 1000
_LONGEST_FAMILY = 64
_LARGEST_NUMBER, _LARGEST_SIZE = 2**31 - 1, 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedFile:
    """One file of a package; ``is_conda`` tells the newer of the two formats."""

    version: str
    build: IndexedBuild
    is_conda: bool
    license: str | None
    license_family: str | None


def read_name(record: Any) -> str | None:
    """Name of the package in a record of repodata; None for one that is not as records are."""
    name = record.get("name") if isinstance(record, Mapping) else None
    return name if _is_text(name, LONGEST_NAME) else None


def read_file(filename: str, record: Mapping[str, Any]) -> ListedFile | None:
    """The file a record tells of; None when it is not as records are."""
    version, build, number = record.get("version"), record.get("build"), record.get("build_number", 0)
    if not (_is_text(version, LONGEST_VERSION) and _is_text(build, LONGEST_BUILD) and isinstance(number, int)):
        return None
    if not 0 <= number <= _LARGEST_NUMBER:
        return None
    return ListedFile(
        version=str(version),
        build=IndexedBuild(
            build=str(build),
            build_number=number,
            md5=_digest(record.get("md5"), 32),
            sha256=_digest(record.get("sha256"), 64),
            size=_size(record.get("size")),
            timestamp=_timestamp(record.get("timestamp")),
        ),
        is_conda=filename.endswith(".conda"),
        license=_shortened(record.get("license"), _LONGEST_TEXT),
        license_family=_shortened(record.get("license_family"), _LONGEST_FAMILY),
    )


def read_summary(entry: Any) -> str | None:
    """What a package is for, in an entry of channeldata."""
    return _shortened(entry.get("summary"), _LONGEST_TEXT) if isinstance(entry, Mapping) else None


def packages_of(name: str, files: Iterable[ListedFile], summary: str | None) -> list[IndexedPackage]:
    """The versions of one package in order; of a build in both formats the newer one alone, as solvers do."""
    versions: dict[str, dict[tuple[str, int], ListedFile]] = {}
    for file in files:
        builds = versions.setdefault(file.version, {})
        key = (file.build.build, file.build.build_number)
        if key not in builds or file.is_conda:
            builds[key] = file
    return [_package(name, version, builds.values(), summary) for version, builds in sorted(versions.items())]


def _package(name: str, version: str, files: Iterable[ListedFile], summary: str | None) -> IndexedPackage:
    ordered = sorted(files, key=lambda file: (file.build.build, file.build.build_number))
    newest = max(ordered, key=lambda file: file.build.timestamp or 0)
    return IndexedPackage(
        name=name,
        version=version,
        license=newest.license,
        license_family=newest.license_family,
        summary=summary,
        builds=tuple(file.build for file in ordered),
    )


def _is_text(value: Any, longest: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= longest and value.isprintable()


def _digest(value: Any, length: int) -> str:
    return value.lower() if isinstance(value, str) and len(value) == length and value.isalnum() else ""


def _size(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value <= _LARGEST_SIZE else -1


def _timestamp(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) and abs(value) < _LARGEST_SIZE else None


def _shortened(value: Any, length: int) -> str | None:
    if not isinstance(value, str):
        return None
    return value.encode("utf-8", "replace").decode().replace("\x00", "")[:length] or None
