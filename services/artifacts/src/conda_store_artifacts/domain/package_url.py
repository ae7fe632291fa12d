"""Package URLs, by which scanners know a package (https://github.com/package-url/purl-spec)."""

import re
from urllib.parse import quote

from conda_store_shared.domain.lockfile import LockedPackage
from conda_store_shared.domain.package_address import PackageAddress

# Channels below this address are known by their bare names.
_DEFAULT_CHANNEL_ALIAS = "https://conda.anaconda.org/"
_SEPARATORS = re.compile(r"[-_.]+")


def package_url(package: LockedPackage) -> str:
    """Return ``pkg:conda/…`` with build, channel and subdir, or ``pkg:pypi/…``."""
    if package.manager == "pip":
        name = _SEPARATORS.sub("-", package.name).lower()
        return f"pkg:pypi/{_quoted(name)}@{_quoted(package.version)}"
    address = PackageAddress.parse(package.url)
    kind = "conda" if address.file_name.endswith(".conda") else "tar.bz2"
    channel = address.channel.removeprefix(_DEFAULT_CHANNEL_ALIAS)
    qualifiers = {"build": package.build or address.build, "channel": channel, "subdir": address.subdir, "type": kind}
    told = "&".join(f"{key}={_quoted(value)}" for key, value in qualifiers.items())
    return f"pkg:conda/{_quoted(package.name)}@{_quoted(package.version)}?{told}"


def _quoted(text: str) -> str:
    return quote(text, safe=":/")
