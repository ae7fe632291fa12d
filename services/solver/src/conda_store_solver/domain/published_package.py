"""What a channel publishes of a package it must be able to mean: it goes into lockfiles, and to whoever fetches it."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from conda_store_shared.domain.package_address import PackageAddress, is_part
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure
from conda_store_solver.domain.packages import CondaPackage

_WEB = ("http", "https")


def check_published(package: CondaPackage, channels: Iterable[str]) -> None:
    """Raise StageFailure("invalid_package") for one that cannot be installed from there, or is said to lie elsewhere.

    Only a channel on disk has packages on disk; where on the web its packages are is for a channel to say.
    """
    reason = _wrong_with(package, channels)
    if reason is not None:
        detail = f"package {package.name} {package.version!a} is refused: its channel publishes {reason}"
        raise StageFailure(FailureCode.INVALID_PACKAGE, detail)


def _wrong_with(package: CondaPackage, channels: Iterable[str]) -> str | None:
    for kind, text in (("name", package.name), ("version", package.version), ("build", package.build)):
        if not is_part(text):
            return f"{kind} {text!a}, which is none"
    try:
        address = PackageAddress.parse(package.url)
    except ValueError:
        return f"the address {package.url!a}, which is none of a package"
    if (address.name, address.version, address.build) != (package.name, package.version, package.build):
        return f"the address of another, {package.url!a}"
    schemes = {*_WEB, *(urlsplit(channel).scheme for channel in channels)}
    if urlsplit(package.url).scheme not in schemes:
        return f"the address {package.url!a}, which is not on the web"
    return None
