"""An environment as ``conda env export`` writes it."""

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from conda_store_shared.conda.channels import strip_credentials
from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.domain.order import Order
from conda_store_shared.domain.package_address import PackageAddress
from conda_store_shared.domain.prefix_record import PrefixRecord

# Channels below this address are known by their bare names.
_DEFAULT_CHANNEL_ALIAS = "https://conda.anaconda.org/"
_KEPT = ("variables", "platforms", "virtual_packages")


def export_environment(order: Order, lockfile: Lockfile, record: PrefixRecord) -> str:
    """Return environment.yml text that pins every package: conda's by version and build, pip's by version.

    What conda installed is told by ``record``, what pip installed by ``lockfile``.
    """
    conda = [f"{package.name}={package.version}={package.build}" for package in record.packages]
    return _write(order, lockfile, conda, order.prefix.platform)


def export_lock(order: Order, lockfile: Lockfile, platform: str) -> str:
    """Return the same text of what is locked for a platform, whether or not it is installed anywhere."""
    locked = lockfile.select(platform, "conda")
    conda = [f"{one.name}={one.version}={one.build or PackageAddress.parse(one.url).build}" for one in locked]
    return _write(order, lockfile, conda, platform)


def _write(order: Order, lockfile: Lockfile, conda: Iterable[str], platform: str) -> str:
    dependencies: list[Any] = sorted(set(conda))
    pip = sorted({f"{package.name}=={package.version}" for package in lockfile.select(platform, "pip")})
    if pip:
        dependencies.append({"pip": pip})
    value: dict[str, Any] = {
        "name": order.environment,
        # A submitted lockfile was not solved from channels, but has come from some.
        "channels": list(_channel_names(order.solve.channels or lockfile.channels)),
        "dependencies": dependencies,
    }
    value |= _kept(order.solve.specification)
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, default_flow_style=False)


def _kept(specification: Mapping[str, Any]) -> dict[str, Any]:
    return {key: specification[key] for key in _KEPT if specification.get(key)}


def _channel_names(channels: Iterable[str]) -> Iterable[str]:
    return (strip_credentials(channel).removeprefix(_DEFAULT_CHANNEL_ALIAS).rstrip("/") for channel in channels)
