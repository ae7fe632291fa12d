"""The pip part of a lockfile, put into a prefix by uv: exactly what is locked, every file by its hash."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from conda_store_shared.child.report import Report
from conda_store_shared.conda.spoken_process import run_spoken
from conda_store_shared.domain.lockfile import LockedPackage
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure

_PATH = "/usr/local/bin:/usr/bin:/bin"
_INHERITED = ("SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_NETWORK = ("error sending request", "Connection refused", "dns error", "timed out", "Connection reset",
            "HTTP status server error")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PipInstaller:
    """``uv`` is the program, ``cache`` its directory; ``builds_sdists`` lets packages run code to build themselves.

    ``environment`` sets uv up (indexes with their credentials, certificates).
    """

    uv: str
    cache: Path
    builds_sdists: bool = False
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    def install(self, prefix: Path, packages: Sequence[LockedPackage], report: Report) -> None:
        """Add ``packages`` to ``prefix``; raises StageFailure."""
        python = prefix / "bin" / "python"
        if not python.exists():
            detail = "packages are wanted from pip, but there is no python in the environment; add it to dependencies"
            raise StageFailure(FailureCode.PIP_FAILED, detail)
        requirements = "".join(self._requirement(package) for package in packages)
        report.log(f"installing {len(packages)} packages with pip")
        with tempfile.TemporaryDirectory(prefix=".pip-", dir=prefix) as scratch:
            listing = Path(scratch) / "requirements.txt"
            listing.write_text(requirements)
            ended = run_spoken(self._command(python, listing), self._environment(scratch), Path(scratch), report)
        if ended.status != 0:
            raise _explain(ended.last_words)

    def _requirement(self, package: LockedPackage) -> str:
        url = package.url.partition("#")[0]
        if not package.sha256:
            detail = f"pip package {package.name} has no sha256 in the lockfile, so it cannot be checked: {url}"
            raise StageFailure(FailureCode.INVALID_LOCKFILE, detail)
        if not url.endswith(".whl") and not self.builds_sdists:
            detail = (
                f"pip package {package.name} {package.version} is not a wheel and would have to be built here, which "
                f"is not allowed: {url}; choose a version that has a wheel"
            )
            raise StageFailure(FailureCode.PIP_FAILED, detail)
        return f"{package.name} @ {url} --hash=sha256:{package.sha256}\n"

    def _command(self, python: Path, listing: Path) -> Sequence[str]:
        build = () if self.builds_sdists else ("--no-build",)
        return (
            self.uv, "pip", "install", "--python", str(python), "--no-deps", "--require-hashes", "--no-config",
            "--no-python-downloads", "--break-system-packages", "--no-progress", "--color", "never",
            "--link-mode", "copy", *build, "--requirements", str(listing),
        )  # fmt: skip

    def _environment(self, scratch: str) -> Mapping[str, str]:
        # Nothing else of the service reaches code a package brings along.
        inherited = {name: value for name in _INHERITED if (value := os.environ.get(name))}
        own = {"PATH": _PATH, "HOME": scratch, "LANG": "C.UTF-8", "UV_CACHE_DIR": str(self.cache)}
        return inherited | dict(self.environment) | own


def _explain(last_words: str) -> StageFailure:
    if "Hash mismatch" in last_words:
        return StageFailure(FailureCode.HASH_MISMATCH, f"a pip package is not the one the lockfile names: {last_words}")
    if "No space left on device" in last_words:
        return StageFailure(FailureCode.DISK_FULL, f"no space left while installing: {last_words}", transient=True)
    if any(mark in last_words for mark in _NETWORK):
        return StageFailure(FailureCode.CHANNEL_UNREACHABLE, last_words, transient=True)
    return StageFailure(FailureCode.PIP_FAILED, f"uv could not install the pip packages: {last_words}")
