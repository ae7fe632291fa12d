"""Writes a solution as a conda-lock version 1 lockfile, with conda-lock's own models and content hash."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from conda_lock._vendor.conda.exceptions import CondaError
from conda_lock._vendor.conda.models.match_spec import MatchSpec
from conda_lock.content_hash import compute_content_hashes
from conda_lock.lockfile.v2prelim.models import HashModel, LockedDependency, Lockfile, LockMeta
from conda_lock.models.channel import Channel
from conda_lock.models.lock_spec import Dependency, LockSpecification, VersionedDependency
from conda_lock.models.pip_repository import PipRepository
from conda_lock.src_parser.conda_common import conda_spec_to_versioned_dep
from conda_lock.src_parser.markers import evaluate_marker
from conda_lock.src_parser.pyproject_toml import parse_python_requirement
from conda_lock.virtual_package import FakeRepoData
from conda_lock.virtual_package import VirtualPackage as LockVirtualPackage

from conda_store_shared.conda.channels import strip_credentials, strip_user
from conda_store_shared.conda.virtual_packages import VirtualPackage
from conda_store_shared.domain.pip_options import is_pip_option
from conda_store_shared.domain.specification import Specification
from conda_store_shared.errors import InvalidSpecification
from conda_store_solver.domain.packages import CondaPackage, PipPackage, PlatformSolution
from conda_store_solver.domain.pip_section import PipSection

_CATEGORY = "main"
_SOURCE = "environment.yaml"
_NODEFAULTS = "nodefaults"
# Versions that conda's parser gives back as they stand; it takes 0.2 ms for each, and a solution has a thousand.
_PLAIN_VERSION = r"(?:[<>!]=?)?[0-9][0-9a-z._!+]*"
_PLAIN = re.compile(
    rf"(?P<name>[a-z0-9_.-]+)(?: +(?P<version>{_PLAIN_VERSION}(?:,{_PLAIN_VERSION})*|\*)(?: +[^\s\[]+)?)?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LockSource:
    """What a lockfile is made for; ``channels`` are as the specification has them."""

    specification: Specification
    channels: Sequence[str]
    platforms: Sequence[str]
    virtual_packages: Mapping[str, tuple[VirtualPackage, ...]]


def write_lock(source: LockSource, solutions: Sequence[PlatformSolution]) -> dict[str, Any]:
    """Return the lockfile as a document; raises InvalidSpecification for what conda-lock cannot express."""
    lockfile = Lockfile(
        package=[package for solution in solutions for package in _packages(solution)],
        metadata=LockMeta(
            content_hash=lock_content_hashes(source),
            channels=_channels(source),
            platforms=list(source.platforms),
            sources=[_SOURCE],
        ),
    )
    lockfile.alphasort_inplace()
    value: dict[str, Any] = lockfile.to_v1().dict_for_output()
    return value


def lock_content_hashes(source: LockSource) -> dict[str, str]:
    """conda-lock's hash of what is asked for, by platform."""
    hashes: dict[str, str] = compute_content_hashes(_lock_specification(source), _virtual_package_repodata(source))
    return hashes


def _lock_specification(source: LockSource) -> LockSpecification:
    """The specification as conda-lock reads it from environment.yaml; its content hash depends on every detail."""
    section = PipSection.from_texts(source.specification.pip)
    indexes = [section.index_url] if section.index_url else []
    return LockSpecification(
        dependencies={platform: _dependencies(source.specification, platform) for platform in source.platforms},
        channels=_channels(source),
        pip_repositories=[PipRepository(url=strip_user(url)) for url in (*indexes, *section.extra_index_urls)],
        sources=[Path(_SOURCE)],
    )


def _channels(source: LockSource) -> list[Channel]:
    return [
        Channel(url=strip_credentials(channel), used_env_vars=())
        for channel in source.channels
        if channel != _NODEFAULTS
    ]


def _dependencies(specification: Specification, platform: str) -> list[Dependency]:
    found: dict[tuple[str, str], Dependency] = {}
    for text in specification.dependencies:
        dependency = _conda_dependency(text)
        found[dependency.manager, dependency.name] = dependency
    for text in specification.pip:
        if not is_pip_option(text):
            requirement = parse_python_requirement(text, manager="pip", category=_CATEGORY, mapping_url="")
            if evaluate_marker(requirement.markers, platform):
                found[requirement.manager, requirement.name] = requirement
    if specification.pip:
        found["conda", "pip"] = VersionedDependency(name="pip", version="*", manager="conda")
    return list(found.values())


def _conda_dependency(text: str) -> Dependency:
    try:
        return conda_spec_to_versioned_dep(text, _CATEGORY)
    except (RuntimeError, ValueError) as error:
        raise InvalidSpecification(f"{text!r} cannot be written into a lockfile: {error.__cause__ or error}") from error


def _virtual_package_repodata(source: LockSource) -> FakeRepoData:
    """What this solve presumed, as conda-lock hashes it; the hash of a platform covers that platform alone."""
    repodata = FakeRepoData(base_path=Path("virtual-packages"))
    repodata.all_repodata["noarch"] = {"info": {"subdir": "noarch"}, "packages": {}}
    for platform in source.platforms:
        entries = [
            LockVirtualPackage(name=package.name, version=package.version, build_string=package.build)
            for package in source.virtual_packages[platform]
        ]
        if platform == "osx-64":
            # conda-lock lists this one twice, and hashes both.
            entries.append(LockVirtualPackage(name="__osx", version="10.15"))
        packages = dict(entry.to_repodata_entry(subdir=platform) for entry in entries)
        repodata.all_repodata[platform] = {"info": {"subdir": platform}, "packages": packages}
    return repodata


def _packages(solution: PlatformSolution) -> list[LockedDependency]:
    conda = [_conda_package(package, solution.platform) for package in solution.conda]
    return conda + [_pip_package(package, solution.platform) for package in solution.pip]


def _conda_package(package: CondaPackage, platform: str) -> LockedDependency:
    return LockedDependency(
        name=package.name,
        version=package.version,
        manager="conda",
        platform=platform,
        dependencies=_dependency_versions(package.depends),
        url=package.url,
        hash=HashModel(md5=package.md5, sha256=package.sha256),
        categories={_CATEGORY},
        build=package.build,
    )


def _pip_package(package: PipPackage, platform: str) -> LockedDependency:
    return LockedDependency(
        name=package.name,
        version=package.version,
        manager="pip",
        platform=platform,
        dependencies={},
        url=package.url,
        hash=HashModel(sha256=package.sha256),
        categories={_CATEGORY},
    )


def _dependency_versions(depends: Sequence[str]) -> dict[str, str]:
    texts: dict[str, list[str]] = {}
    for text in depends:
        name, _ = name_and_version(text)
        texts.setdefault(name, []).append(text)
    return {
        name: name_and_version(several[0])[1] if len(several) == 1 else _merged_version(tuple(several))
        for name, several in texts.items()
    }


@lru_cache(maxsize=65536)
def name_and_version(text: str) -> tuple[str, str]:
    """Name and version of a dependency, in the words conda-lock would use."""
    plain = _PLAIN.fullmatch(text)
    if plain:
        return plain["name"], plain["version"] or ""
    try:
        spec = MatchSpec(text)
    except CondaError:
        name, _, version = text.partition(" ")
        return name, version
    return spec.name, spec.version.spec_str if spec.version is not None else ""


@lru_cache(maxsize=4096)
def _merged_version(texts: tuple[str, ...]) -> str:
    try:
        merged = MatchSpec.merge([MatchSpec(text) for text in texts])[0]
    except (CondaError, ValueError):
        return ",".join(version for _, version in map(name_and_version, texts) if version)
    return merged.version.spec_str if merged.version is not None else ""
