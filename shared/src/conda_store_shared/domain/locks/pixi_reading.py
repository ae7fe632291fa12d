"""Reads ``pixi.lock``, versions 6 and 7."""

from collections.abc import Mapping, Sequence
from typing import Any

from conda_store_shared.domain.locks.conda_lock import CONDA, PIP, FoundPackage, conda_lock_value
from conda_store_shared.domain.locks.explicit_reading import file_version
from conda_store_shared.domain.package_address import PackageAddress
from conda_store_shared.errors import InvalidLockfile

_VERSIONS = (6, 7)
_MANAGERS = {"conda": CONDA, "pypi": PIP}
_SOURCE = "pixi.lock"


def is_pixi_lock(value: Any) -> bool:
    """Whether a document is one: it has environments, and packages apart from them."""
    return isinstance(value, Mapping) and "environments" in value and "packages" in value


def read_pixi_lock(value: Mapping[str, Any], environment: str = "") -> dict[str, Any]:
    """Return one environment as a conda-lock document; raises InvalidLockfile naming what cannot be used.

    Without ``environment`` there has to be a single one.
    """
    if value.get("version") not in _VERSIONS:
        raise InvalidLockfile(
            f"pixi.lock version {value.get('version')!r} is not known; expected one of "
            f"{', '.join(map(str, _VERSIONS))}: `pixi lock` of a newer pixi brings an old one up to date"
        )
    chosen = _choose(_mapping(value["environments"], "environments"), environment)
    known = _known_packages(value["packages"])
    subdirs = _subdirs(value.get("platforms"))
    found: list[FoundPackage] = []
    platforms: list[str] = []
    for platform, references in _mapping(chosen.get("packages"), "packages of the environment").items():
        subdir = subdirs.get(str(platform), str(platform))
        platforms.append(subdir)
        found += [_package(one, known, subdir) for one in _list(references, f"packages for {platform}")]
    return conda_lock_value(found, tuple(dict.fromkeys(platforms)), _channels(chosen.get("channels")), _SOURCE)


def _choose(environments: Mapping[Any, Any], name: str) -> Mapping[Any, Any]:
    names = ", ".join(sorted(map(str, environments)))
    if name and name not in environments:
        raise InvalidLockfile(f"pixi.lock has no environment {name!r}; it has: {names}")
    if not name and len(environments) != 1:
        raise InvalidLockfile(
            f"pixi.lock has several environments, so say which one by lockfile_environment (the command: "
            f"--lockfile-environment): {names}"
            if environments
            else "pixi.lock has no environment"
        )
    chosen = environments[name] if name else next(iter(environments.values()))
    return _mapping(chosen, f"environment {name}".strip())


def _known_packages(value: Any) -> dict[str, Mapping[Any, Any]]:
    known = {}
    for index, package in enumerate(_list(value, "packages")):
        row = _mapping(package, f"packages[{index}]")
        for key in _MANAGERS:
            if isinstance(row.get(key), str):
                known[f"{key} {row[key]}"] = row
    return known


def _subdirs(value: Any) -> dict[str, str]:
    """Version 7 lets platforms have names of their own."""
    rows = [row for row in value or () if isinstance(row, Mapping)] if isinstance(value, Sequence) else []
    return {str(row.get("name")): str(row["subdir"]) for row in rows if row.get("subdir")}


def _package(reference: Any, known: Mapping[str, Mapping[Any, Any]], platform: str) -> FoundPackage:
    row = _mapping(reference, f"a package for {platform}")
    key = next((key for key in _MANAGERS if isinstance(row.get(key), str)), None)
    if key is None:
        told = ", ".join(f"{name}: {one}" for name, one in row.items())
        raise InvalidLockfile(
            f"package {told[:200]} for {platform} is built from source, which a lock here cannot hold"
        )
    url = row[key]
    package = known.get(f"{key} {url}")
    if package is None:
        raise InvalidLockfile(
            f"package {url} for {platform} is in an environment of pixi.lock, but not among its packages"
        )
    hashes = {name: str(package[name]).lower() for name in ("md5", "sha256") if package.get(name)}
    return (_conda if key == "conda" else _pypi)(url, package, platform, hashes)


def _conda(url: str, package: Mapping[Any, Any], platform: str, hashes: Mapping[str, str]) -> FoundPackage:
    try:
        address = PackageAddress.parse(url)
    except ValueError as error:
        raise InvalidLockfile(f"package {url} for {platform}: {error}") from None
    return FoundPackage(
        name=str(package.get("name") or address.name),
        version=str(package.get("version") or address.version),
        manager=CONDA,
        platform=platform,
        url=url,
        hashes=hashes,
        build=str(package.get("build") or address.build),
        depends=[str(one) for one in _list(package.get("depends"), f"depends of {url}")],
    )


def _pypi(url: str, package: Mapping[Any, Any], platform: str, hashes: Mapping[str, str]) -> FoundPackage:
    address = url.partition("#")[0]
    name = package.get("name")
    if not isinstance(name, str):
        raise InvalidLockfile(f"package {address} for {platform} has no name")
    if not address.startswith(("http://", "https://")):
        raise InvalidLockfile(f"pip package {name} for {platform} is not reached by http or https: {address}")
    return FoundPackage(
        name=name,
        version=str(package.get("version") or _version(name, address)),
        manager=PIP,
        platform=platform,
        url=address,
        hashes=hashes,
    )


def _version(name: str, url: str) -> str:
    try:
        return file_version(url)
    except ValueError as error:
        raise InvalidLockfile(f"pip package {name}: {error}") from None


def _channels(value: Any) -> tuple[str, ...]:
    rows = [row.get("url") if isinstance(row, Mapping) else row for row in _list(value, "channels")]
    return tuple(row.rstrip("/") for row in rows if isinstance(row, str))


def _mapping(value: Any, what: str) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise InvalidLockfile(f"{what} in pixi.lock should be a mapping")
    return value


def _list(value: Any, what: str) -> Sequence[Any]:
    if value is None:
        return ()
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise InvalidLockfile(f"{what} in pixi.lock should be a list")
    return value
