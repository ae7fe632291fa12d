"""Writes ``@EXPLICIT`` lists, which ``conda create --file`` and ``micromamba create -f`` read."""

from conda_store_shared.domain.lockfile import LockedPackage, Lockfile


def write_explicit_list(lockfile: Lockfile, platform: str) -> str:
    """Return the list of one platform.

    The digests are md5 as far as they are known, which every reader knows; packages of pip are comments that
    conda-lock and micromamba follow.
    """
    conda = [f"{_address(package)}#{_digest(package)}" for package in lockfile.select(platform, "conda")]
    pip = [
        f"# pip {package.name} @ {_address(package)}#{_named(package)}" for package in lockfile.select(platform, "pip")
    ]
    # conda-lock lists a package once for each category it is in.
    lines = [
        "# Made by conda-store.",
        f"# platform: {platform}",
        "@EXPLICIT",
        *dict.fromkeys(conda),
        *dict.fromkeys(pip),
    ]
    return "\n".join(lines) + "\n"


def _address(package: LockedPackage) -> str:
    return package.url.partition("#")[0]


def _digest(package: LockedPackage) -> str:
    return package.md5 or f"sha256:{package.sha256}"


def _named(package: LockedPackage) -> str:
    return f"sha256={package.sha256}" if package.sha256 else f"md5={package.md5}"
