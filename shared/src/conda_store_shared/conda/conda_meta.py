"""The records conda keeps in a prefix (``conda-meta``): completed from the packages, freed of cache paths."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from conda_store_shared.conda.channels import strip_credentials
from conda_store_shared.conda.meta_record import MetaRecord
from conda_store_shared.domain.package_address import PackageAddress
from conda_store_shared.domain.prefix_record import InstalledPackage

DIRECTORY = "conda-meta"
# What a lockfile does not say and the package does.
_COMPLETED = ("build_number", "noarch", "constrains", "license", "license_family", "timestamp", "arch", "platform",
              "track_features", "python_site_packages_path")  # fmt: skip
SizeOf = Callable[[Path, str], int | None]


def complete_records(prefix: Path, size_of: SizeOf) -> None:
    """Rewrite each record of a newly installed prefix.

    ``size_of`` is told the extracted package and its name, and returns the size of its archive if that is known.
    """
    for path in record_paths(prefix):
        read = MetaRecord.parse(path.read_bytes())
        record = read.members
        record |= {key: strip_credentials(record[key]) for key in ("url", "channel")}
        extracted = record.pop("extracted_package_dir", None)
        record.pop("package_tarball_full_path", None)
        if extracted is not None:
            _complete(record, Path(extracted), size_of)
        if isinstance(record.get("link"), dict):
            record["link"]["source"] = ""
        path.write_bytes(read.to_bytes())
        os.chmod(path, 0o644)


def installed_packages(prefix: Path) -> tuple[InstalledPackage, ...]:
    """What is installed in ``prefix``, by name."""
    records = [MetaRecord.parse(path.read_bytes()).members for path in record_paths(prefix)]
    return tuple(sorted((package_of_record(record) for record in records), key=lambda package: package.name))


def package_of_record(record: Mapping[str, Any]) -> InstalledPackage:
    """The package that a record of a prefix, or of a channel, tells of."""
    address = PackageAddress.parse(record["url"])
    return InstalledPackage(
        channel=address.channel,
        name=record["name"],
        version=record["version"],
        build=record["build"],
        build_number=record.get("build_number", 0),
        subdir=record["subdir"],
        md5=record.get("md5") or "",
        sha256=record.get("sha256") or "",
        size=record.get("size") or -1,
        depends=tuple(record.get("depends", ())),
        constrains=tuple(record.get("constrains", ())),
        license=record.get("license"),
        license_family=record.get("license_family"),
        summary=record.get("summary"),
        timestamp=record.get("timestamp"),
    )


def record_paths(prefix: Path) -> Iterator[Path]:
    """The files of the records."""
    yield from sorted((prefix / DIRECTORY).glob("*.json"))


def _complete(record: dict[str, Any], extracted: Path, size_of: SizeOf) -> None:
    index = _read(extracted / "info/index.json")
    record.update({key: index[key] for key in _COMPLETED if index.get(key) is not None})
    record["depends"] = record.get("depends") or index.get("depends", [])
    summary = _read(extracted / "info/about.json").get("summary")
    if summary is not None:
        record["summary"] = summary
    size = size_of(extracted, record["name"])
    if size is not None:
        record["size"] = size


def _read(path: Path) -> Mapping[str, Any]:
    """A JSON file of a package; whatever is missing or broken there is no reason to refuse the package."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
