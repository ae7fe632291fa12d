"""An installed environment as ``conda env export`` writes it."""

from collections.abc import Iterable
from typing import Any

import yaml

from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.domain.order import Order
from conda_store_shared.domain.prefix_record import PrefixRecord

# Channels below this address are known by their bare names.
_DEFAULT_CHANNEL_ALIAS = "https://conda.anaconda.org/"


def export_environment(order: Order, lockfile: Lockfile, record: PrefixRecord) -> str:
    """Return environment.yml text that pins every package: conda's by version and build, pip's by version.

    What conda installed is told by ``record``, what pip installed by ``lockfile``.
    """
    dependencies: list[Any] = sorted(f"{package.name}={package.version}={package.build}" for package in record.packages)
    pip = sorted(
        f"{package.name}=={package.version}" for package in lockfile.select(order.prefix.platform, manager="pip")
    )
    if pip:
        dependencies.append({"pip": pip})
    value: dict[str, Any] = {
        "name": order.environment,
        "channels": list(_channel_names(order.solve.channels)),
        "dependencies": dependencies,
    }
    for key in ("variables", "platforms", "virtual_packages"):
        if given := order.solve.specification.get(key):
            value[key] = given
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, default_flow_style=False)


def _channel_names(channels: Iterable[str]) -> Iterable[str]:
    return (channel.removeprefix(_DEFAULT_CHANNEL_ALIAS).rstrip("/") for channel in channels)
