"""The pip part of a lockfile, put into a prefix by uv: exactly what is locked, every file by its hash."""

import hashlib
import os
import re
import resource
import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from conda_store_shared.child.report import Report
from conda_store_shared.conda.certificates import REMEDY as CERTIFICATE_REMEDY
from conda_store_shared.conda.certificates import is_untrusted
from conda_store_shared.conda.channels import strip_user
from conda_store_shared.conda.credentials import CredentialBook, Credentials
from conda_store_shared.conda.package_check import PackageLimits
from conda_store_shared.conda.pip_files import PipFiles
from conda_store_shared.conda.sandbox.confinement import OFF, Confinement, Sandbox, Workplace, open_sandbox, why_not
from conda_store_shared.conda.spoken_process import run_spoken
from conda_store_shared.domain.lockfile import LockedPackage
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure
from conda_store_shared.redaction import redact

if TYPE_CHECKING:
    from conda_store_shared.conda.source_packages import SourceBuilder

_PATH = "/usr/local/bin:/usr/bin:/bin"
_READABLE = 0o755
_INHERITED = ("SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_NETWORK = ("error sending request", "Connection refused", "dns error", "timed out", "Connection reset",
            "HTTP status server error")  # fmt: skip

_LINE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]* @ [a-z0-9+]+://[!-#%-~]+ --hash=sha256:[0-9a-fA-F]{64}")
_REFUSED = re.compile(r"HTTP status client error \((?P<status>40[13])[^)]*\) for url \((?P<address>[^)\s]+)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class PipInstaller:
    """``uv`` is the program, ``cache`` its directory; ``builds_sdists`` lets packages run code to build themselves.

    ``environment`` sets uv up (certificates); ``credentials`` are by name; the certificates of ``trusted_hosts`` need
    not be good, since every file is known by its hash.  ``confinement`` is of code that packages bring;
    ``largest_file`` in bytes is what a wheel may hold.
    """

    uv: str
    cache: Path
    builds_sdists: bool = False
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    credentials: Credentials = field(default_factory=dict, repr=False)
    trusted_hosts: Sequence[str] = ()
    confinement: Confinement = field(default_factory=Confinement)
    largest_file: int = PackageLimits().bytes

    def install(self, prefix: Path, packages: Sequence[LockedPackage], report: Report) -> None:
        """Add ``packages`` to ``prefix``; raises StageFailure."""
        if not (prefix / "bin" / "python").exists():
            detail = "packages are wanted from pip, but there is no python in the environment; add it to dependencies"
            raise StageFailure(FailureCode.PIP_FAILED, detail)
        for package in packages:
            self._check(package)
        report.log(f"installing {len(packages)} packages with pip")
        with tempfile.TemporaryDirectory(prefix=".pip-", dir=prefix) as scratch:
            # What is in there, logins of indexes among it, is not for code of packages.
            place = Workplace(prefix=prefix, covered=(Path(scratch),))
            with open_sandbox(self.confinement, place, report) as sandbox:
                _Work(self, prefix, Path(scratch), sandbox, report).install(packages)

    def _check(self, package: LockedPackage) -> None:
        if not package.sha256:
            detail = f"pip package {package.name} has no sha256 in the lockfile, so it cannot be checked: {package.url}"
            raise StageFailure(FailureCode.INVALID_LOCKFILE, detail)
        if is_wheel(package):
            return
        named = f"pip package {package.name} {package.version} is not a wheel and would have to be built here"
        if not self.builds_sdists:
            detail = f"{named}, which is not allowed: {package.url}; choose a version that has a wheel"
            raise StageFailure(FailureCode.PIP_FAILED, detail)
        if self.confinement.mode != OFF and (missing := why_not()) is not None:
            detail = (
                f"{named}, which runs its code, and that cannot be confined: {missing}; choose a version that has a "
                'wheel, or let it run as it is with CondaStoreWorker.sandbox = "off"'
            )
            raise StageFailure(FailureCode.PIP_FAILED, detail)


@dataclass(frozen=True, slots=True)
class _Work:
    """One installation; ``scratch`` is a directory that code of packages does not see."""

    settings: PipInstaller
    prefix: Path
    scratch: Path
    sandbox: Sandbox
    report: Report

    def install(self, packages: Sequence[LockedPackage]) -> None:
        book = CredentialBook(self.settings.credentials)
        lines = [_requirement(package, book.with_login(_address(package)), package.sha256) for package in packages
                 if is_wheel(package)]  # fmt: skip
        if sources := [package for package in packages if not is_wheel(package)]:
            lines += self._build(sources)
        self._uv(lines, "--no-deps", "--require-hashes")

    def _build(self, sources: Sequence[LockedPackage]) -> list[str]:
        settings, lines = self.settings, []
        with tempfile.TemporaryDirectory(prefix=".sources-", dir=self.prefix) as kept:
            os.chmod(kept, _READABLE)
            # What it reads requirements with takes a megabyte, and most environments are of wheels alone.
            source_packages = import_module("conda_store_shared.conda.source_packages")
            builder: SourceBuilder = source_packages.SourceBuilder(
                sandbox=self.sandbox,
                python=self.prefix / "bin" / "python",
                kept=Path(kept),
                install=self._install_requirements,
                report=self.report,
            )
            files = PipFiles(
                root=Path(kept) / "archives", credentials=settings.credentials, trusted_hosts=settings.trusted_hosts
            )
            for package in sources:
                archive = files.fetch(package)
                wheel = self.scratch / builder.build(package, archive).name
                shutil.move(Path(kept) / wheel.name, wheel)
                digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
                lines.append(_requirement(package, wheel.as_uri(), digest))
        return lines

    def _install_requirements(self, target: Path, requires: Sequence[str]) -> None:
        self._uv(requires, "--target", str(target))

    def _uv(self, lines: Sequence[str], *options: str) -> None:
        settings, book = self.settings, CredentialBook(self.settings.credentials)
        # uv asks the interpreter what it is, and with that runs whatever packages let run at its start.
        python = self.sandbox.wrapper(self.prefix / "bin" / "python", self.scratch, settings.cache)
        listing = self.scratch / "requirements.txt"
        listing.write_text("".join(f"{line}\n" for line in lines))
        command = (
            settings.uv, "pip", "install", "--python", str(python), "--no-config", "--no-python-downloads",
            "--break-system-packages", "--no-progress", "--color", "never", "--link-mode", "copy", "--no-build",
            *options, "--requirements", str(listing),
        )  # fmt: skip
        with _file_limit(settings.largest_file):
            ended = run_spoken(command, self._environment(book), self.scratch, self.report)
        if ended.status == -signal.SIGXFSZ:
            names = ", ".join(line.partition(" @ ")[0] for line in lines)
            detail = f"of pip packages {names} one holds a file that is larger than CondaStoreWorker.package_max_bytes"
            raise StageFailure(FailureCode.INVALID_PACKAGE, f"{detail} ({settings.largest_file})")
        if ended.status != 0:
            raise _explain(redact(ended.last_words), book)

    def _environment(self, book: CredentialBook) -> Mapping[str, str]:
        inherited = {name: value for name in _INHERITED if (value := os.environ.get(name))}
        own = {"PATH": _PATH, "HOME": str(self.scratch), "LANG": "C.UTF-8", "UV_CACHE_DIR": str(self.settings.cache)}
        if trusted := [host for host in self.settings.trusted_hosts if not book.is_verified(host)]:
            own["UV_INSECURE_HOST"] = " ".join(trusted)
        return inherited | dict(self.settings.environment) | own


@contextmanager
def _file_limit(size: int) -> Iterator[None]:
    """Processes that are started meanwhile write no larger files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size if hard == resource.RLIM_INFINITY else min(size, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def is_wheel(package: LockedPackage) -> bool:
    """Whether a pip package is installed as it is; any other is built first."""
    return _address(package).endswith(".whl")


def _address(package: LockedPackage) -> str:
    return package.url.partition("#")[0]


def _requirement(package: LockedPackage, url: str, sha256: str | None) -> str:
    line = f"{package.name} @ {url} --hash=sha256:{sha256}"
    if not _LINE.fullmatch(line):
        # uv would take it for several, or for an option, or fill in what stands in a variable.
        detail = f"pip package {package.name!r} of the lockfile has a name, an address or a sha256 that is none"
        raise StageFailure(FailureCode.INVALID_LOCKFILE, detail)
    return line


def _explain(last_words: str, book: CredentialBook) -> StageFailure:
    if refused := _REFUSED.search(last_words):
        address = strip_user(refused["address"])
        detail = f"{address} refused access (HTTP {refused['status']}): {book.index_refusal(address)}\n{last_words}"
        return StageFailure(FailureCode.PIP_FAILED, detail)
    if is_untrusted(last_words):
        detail = f"the certificate of an index is not trusted; {CERTIFICATE_REMEDY}: {last_words}"
        return StageFailure(FailureCode.PIP_FAILED, detail)
    if "Hash mismatch" in last_words:
        return StageFailure(FailureCode.HASH_MISMATCH, f"a pip package is not the one the lockfile names: {last_words}")
    if "No space left on device" in last_words:
        return StageFailure(FailureCode.DISK_FULL, f"no space left while installing: {last_words}", transient=True)
    if any(mark in last_words for mark in _NETWORK):
        return StageFailure(FailureCode.CHANNEL_UNREACHABLE, last_words, transient=True)
    return StageFailure(FailureCode.PIP_FAILED, f"uv could not install the pip packages: {last_words}")
