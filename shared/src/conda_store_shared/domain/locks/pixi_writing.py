"""Writes ``pixi.lock`` in its version 6, which every pixi since 0.40 and every rattler since then reads."""

from collections.abc import Iterable
from typing import Any

import yaml

from conda_store_shared.domain.lockfile import LockedPackage, Lockfile
from conda_store_shared.domain.package_address import PackageAddress

VERSION = 6
_ENVIRONMENT = "default"
_KEYS = {"conda": "conda", "pip": "pypi"}


def write_pixi_lock(lockfile: Lockfile) -> str:
    """Return the text, with all platforms in one environment."""
    packages = {package.url: package for package in lockfile.packages}
    environment: dict[str, Any] = {"channels": [{"url": channel} for channel in lockfile.channels]}
    environment["packages"] = {
        platform: [
            {_KEYS[package.manager]: package.url}
            for package in _once(one for one in lockfile.packages if one.platform == platform)
        ]
        for platform in lockfile.platforms
    }
    value = {
        "version": VERSION,
        "environments": {_ENVIRONMENT: environment},
        "packages": [_entry(package) for package in packages.values()],
    }
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=4096)


class _Dumper(yaml.CSafeDumper):
    """Repeats what occurs twice, instead of referring to it."""

    def ignore_aliases(self, data: Any) -> bool:
        """Never refer."""
        del data
        return True


def _once(packages: Iterable[LockedPackage]) -> Iterable[LockedPackage]:
    """conda-lock lists a package once for each category it is in."""
    return {package.url: package for package in packages}.values()


def _entry(package: LockedPackage) -> dict[str, Any]:
    hashes = {name: digest for name, digest in (("sha256", package.sha256), ("md5", package.md5)) if digest}
    if package.manager == "pip":
        return {"pypi": package.url, "name": package.name, "version": package.version, **hashes}
    depends = [f"{name} {constraint or ''}".strip() for name, constraint in package.dependencies.items()]
    return {"conda": package.url, **_beyond_address(package), **hashes, **({"depends": depends} if depends else {})}


def _beyond_address(package: LockedPackage) -> dict[str, str]:
    """What the file's name does not tell: readers take the rest from there."""
    try:
        address = PackageAddress.parse(package.url)
    except ValueError:
        return {"name": package.name, "version": package.version}
    return {} if package.build in (None, address.build) else {"build": str(package.build)}
