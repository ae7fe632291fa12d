"""The pip part of a lockfile, put into a prefix by uv: exactly what is locked, every file by its hash."""

import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from conda_store_shared.child.report import Report
from conda_store_shared.conda.channels import strip_user
from conda_store_shared.conda.credentials import CredentialBook, Credentials
from conda_store_shared.conda.spoken_process import run_spoken
from conda_store_shared.domain.lockfile import LockedPackage
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure
from conda_store_shared.logs import redact

_PATH = "/usr/local/bin:/usr/bin:/bin"
_INHERITED = ("SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_NETWORK = ("error sending request", "Connection refused", "dns error", "timed out", "Connection reset",
            "HTTP status server error")  # fmt: skip

_LINE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]* @ [a-z0-9+]+://[!-#%-~]+ --hash=sha256:[0-9a-fA-F]{64}")
_REFUSED = re.compile(r"HTTP status client error \((?P<status>40[13])[^)]*\) for url \((?P<address>[^)\s]+)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class PipInstaller:
    """``uv`` is the program, ``cache`` its directory; ``builds_sdists`` lets packages run code to build themselves.

    ``environment`` sets uv up (certificates); ``credentials`` are by name; the certificates of ``trusted_hosts`` need
    not be good, since every file is known by its hash.
    """

    uv: str
    cache: Path
    builds_sdists: bool = False
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    credentials: Credentials = field(default_factory=dict, repr=False)
    trusted_hosts: Sequence[str] = ()

    def install(self, prefix: Path, packages: Sequence[LockedPackage], report: Report) -> None:
        """Add ``packages`` to ``prefix``; raises StageFailure."""
        python = prefix / "bin" / "python"
        if not python.exists():
            detail = "packages are wanted from pip, but there is no python in the environment; add it to dependencies"
            raise StageFailure(FailureCode.PIP_FAILED, detail)
        book = CredentialBook(self.credentials)
        requirements = "".join(self._requirement(package, book) for package in packages)
        report.log(f"installing {len(packages)} packages with pip")
        with tempfile.TemporaryDirectory(prefix=".pip-", dir=prefix) as scratch:
            listing = Path(scratch) / "requirements.txt"
            listing.write_text(requirements)
            ended = run_spoken(self._command(python, listing), self._environment(scratch, book), Path(scratch), report)
        if ended.status != 0:
            raise _explain(redact(ended.last_words), book)

    def _requirement(self, package: LockedPackage, book: CredentialBook) -> str:
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
        line = f"{package.name} @ {book.with_login(url)} --hash=sha256:{package.sha256}"
        if not _LINE.fullmatch(line):
            # uv would take it for several, or for an option, or fill in what stands in a variable.
            detail = f"pip package {package.name!r} of the lockfile has a name, an address or a sha256 that is none"
            raise StageFailure(FailureCode.INVALID_LOCKFILE, detail)
        return f"{line}\n"

    def _command(self, python: Path, listing: Path) -> Sequence[str]:
        build = () if self.builds_sdists else ("--no-build",)
        return (
            self.uv, "pip", "install", "--python", str(python), "--no-deps", "--require-hashes", "--no-config",
            "--no-python-downloads", "--break-system-packages", "--no-progress", "--color", "never",
            "--link-mode", "copy", *build, "--requirements", str(listing),
        )  # fmt: skip

    def _environment(self, scratch: str, book: CredentialBook) -> Mapping[str, str]:
        # Nothing else of the service reaches code a package brings along.
        inherited = {name: value for name in _INHERITED if (value := os.environ.get(name))}
        own = {"PATH": _PATH, "HOME": scratch, "LANG": "C.UTF-8", "UV_CACHE_DIR": str(self.cache)}
        if trusted := [host for host in self.trusted_hosts if not book.is_verified(host)]:
            own["UV_INSECURE_HOST"] = " ".join(trusted)
        return inherited | dict(self.environment) | own


def _explain(last_words: str, book: CredentialBook) -> StageFailure:
    if refused := _REFUSED.search(last_words):
        address = strip_user(refused["address"])
        detail = f"{address} refused access (HTTP {refused['status']}): {book.index_refusal(address)}\n{last_words}"
        return StageFailure(FailureCode.PIP_FAILED, detail)
    if "Hash mismatch" in last_words:
        return StageFailure(FailureCode.HASH_MISMATCH, f"a pip package is not the one the lockfile names: {last_words}")
    if "No space left on device" in last_words:
        return StageFailure(FailureCode.DISK_FULL, f"no space left while installing: {last_words}", transient=True)
    if any(mark in last_words for mark in _NETWORK):
        return StageFailure(FailureCode.CHANNEL_UNREACHABLE, last_words, transient=True)
    return StageFailure(FailureCode.PIP_FAILED, f"uv could not install the pip packages: {last_words}")
