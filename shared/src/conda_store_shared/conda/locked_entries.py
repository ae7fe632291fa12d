"""What every entry of a lockfile must be before anything is fetched: digests, addresses, channels, platforms."""

import re
from collections.abc import Iterable
from typing import Any

from conda_store_shared.conda.channels import check_package_address, strip_credentials, strip_user
from conda_store_shared.domain.lockfile import LockedPackage, Lockfile
from conda_store_shared.domain.package_address import PackageAddress
from conda_store_shared.domain.platforms import NOARCH, SUBDIRS
from conda_store_shared.errors import InvalidLockfile

_WEB = ("http://", "https://")
_DIGESTS = {"md5": re.compile("[0-9a-f]{32}"), "sha256": re.compile("[0-9a-f]{64}")}


def check_entries(lockfile: Lockfile, allowed_channels: Iterable[str]) -> None:
    """Raise InvalidLockfile or ChannelNotAllowed for the first entry that cannot or may not be installed, naming it.

    An empty ``allowed_channels`` permits every channel that is reached by http or https.
    """
    check_packages(lockfile)
    check_channels(lockfile, allowed_channels)


def check_packages(lockfile: Lockfile) -> None:
    """Raise InvalidLockfile for the first entry that cannot be installed anywhere, naming it."""
    unknown = [platform for platform in lockfile.platforms if platform not in (*SUBDIRS, NOARCH)]
    if unknown:
        raise InvalidLockfile(f"platform {unknown[0]!r} of the lockfile is not known; such as linux-64 or osx-arm64")
    chosen: dict[tuple[str, str, str], LockedPackage] = {}
    for package in lockfile.packages:
        _check(package, lockfile.platforms)
        known = chosen.setdefault((package.manager, package.platform, package.name), package)
        if known.url != package.url:
            raise InvalidLockfile(
                f"package {package.name} is twice in the lockfile for {package.platform}: "
                f"{strip_credentials(known.url)} and {strip_credentials(package.url)}"
            )


def check_channels(lockfile: Lockfile, allowed_channels: Iterable[str]) -> None:
    """Raise ChannelNotAllowed for the first package of conda that lies in no allowed channel."""
    allowed = tuple(allowed_channels)
    # Of one directory all are in the same channel: there are few, and thousands of packages.
    directories = {one.url.rpartition("/")[0]: one.url for one in lockfile.packages if one.manager == "conda"}
    for url in directories.values():
        check_package_address(url, allowed)


def without_credentials(lockfile: Lockfile) -> Lockfile:
    """Return the lockfile with no user, password or token in an address; everything else is kept as it is."""
    rows: list[dict[str, Any]] = [
        {**row, "url": _stripped(package)} if _is_suspicious(package.url) else row
        for row, package in zip(lockfile.value["package"], lockfile.packages, strict=True)
    ]
    metadata = dict(lockfile.value["metadata"])
    if isinstance(metadata.get("channels"), list):
        metadata["channels"] = [_stripped_channel(channel) for channel in metadata["channels"]]
    if rows == lockfile.value["package"] and metadata == lockfile.value["metadata"]:
        return lockfile
    return Lockfile.from_value({**lockfile.value, "metadata": metadata, "package": rows})


def _check(package: LockedPackage, platforms: tuple[str, ...]) -> None:
    named = f"package {package.name} {package.version} for {package.platform}"
    if package.platform not in platforms:
        raise InvalidLockfile(f"{named} is for none of the platforms of the lockfile: {', '.join(platforms)}")
    if package.md5 is None and package.sha256 is None:
        raise InvalidLockfile(f"{named} has neither md5 nor sha256, so nobody could tell whether it is the right one")
    for algorithm, digest in (("md5", package.md5), ("sha256", package.sha256)):
        if digest is not None and not _DIGESTS[algorithm].fullmatch(digest):
            raise InvalidLockfile(f"{named} has a digest that is no {algorithm}: {digest[:80]!r}")
    if package.manager == "conda":
        _check_address(package, named)
    elif not package.url.lower().startswith(_WEB):
        raise InvalidLockfile(f"pip {named} is not reached by http or https: {strip_user(package.url)[:200]}")


def _check_address(package: LockedPackage, named: str) -> None:
    try:
        address = PackageAddress.parse(package.url)
    except ValueError as error:
        raise InvalidLockfile(f"{named}: {error}") from None
    if address.name != package.name:
        raise InvalidLockfile(f"{named} has the address of another package, {address.name}")
    if address.subdir not in (package.platform, NOARCH):
        raise InvalidLockfile(f"{named} lies in {address.subdir}: a package of that platform, or of none, is expected")


def _is_suspicious(url: str) -> bool:
    """Whether an address may have credentials; most have none, and taking them apart takes its time."""
    return "@" in url or "/t/" in url


def _stripped(package: LockedPackage) -> str:
    # What `/t/` means in an address of PyPI is for its server to say.
    return strip_credentials(package.url) if package.manager == "conda" else strip_user(package.url)


def _stripped_channel(channel: Any) -> Any:
    if isinstance(channel, str):
        return strip_credentials(channel)
    if isinstance(channel, dict) and isinstance(channel.get("url"), str):
        return {**channel, "url": strip_credentials(channel["url"])}
    return channel
