"""Finds wheels with ``uv pip compile``; runs in the child, so that uv ends with it."""

import asyncio
import os
import re
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from uv import find_uv_bin

from conda_store_shared.conda.certificates import REMEDY, is_untrusted
from conda_store_shared.conda.channels import strip_user
from conda_store_shared.conda.credentials import CredentialBook, Credentials
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure
from conda_store_shared.redaction import redact
from conda_store_solver.domain.packages import PipPackage
from conda_store_solver.domain.pip_section import PipRequest
from conda_store_solver.domain.pip_targets import best_wheel, uv_platform, wheel_tags

# The stage tries again what failed for the moment, and with more patience.
_RETRIES = "1"
_UNSATISFIABLE = "No solution found"
_UNREACHABLE = re.compile(
    r"Failed to fetch|Request failed after|error sending request|operation timed out|HTTP status server error"
)
_REFUSED = re.compile(
    r"index URL \((?P<index>\S+)\) could not be queried [^(]*\((?P<status>40[13])"
    r"|HTTP status client error \((?P<code>40[13])[^)]*\) for url \((?P<address>[^)\s]+)\)"
)
_SDIST_ONLY = "no usable wheels"
_SDIST_HINT = (
    "a pip package comes as source only, and packages are not built from source here: "
    "choose a version that has a wheel, ask for the package among the conda dependencies, "
    "or build its wheel once and put it on an index of your own"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UvOptions:
    """``environment`` sets uv up: its default index, certificates, proxies; ``credentials`` are by name."""

    cache_directory: str
    credentials: Credentials = field(default_factory=dict, repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


class UvPipCompiler:
    """Compiles the pip section; wheels only, each with its hash."""

    def __init__(self, options: UvOptions) -> None:
        self._options = options
        self._book = CredentialBook(options.credentials)

    async def compile(self, request: PipRequest) -> tuple[PipPackage, ...]:
        """Return everything the requirements need; raises StageFailure with uv's own explanation."""
        platform = uv_platform(request.platform, request.glibc)
        if platform is None:
            detail = f"pip packages cannot be resolved for {request.platform}"
            raise StageFailure(FailureCode.PIP_FAILED, detail)
        self._check_trust(request.section.trusted_hosts)
        with tempfile.TemporaryDirectory(prefix="pip-") as directory:
            document = await self._run(request, platform, Path(directory))
        tags = wheel_tags(request.platform, request.python_version, request.glibc, request.macos)
        chosen = (_choose(package, tags, request.platform) for package in document.get("packages", ()))
        return tuple(chosen)

    def _check_trust(self, hosts: Sequence[str]) -> None:
        for host in hosts:
            if self._book.is_verified(host):
                detail = f"--trusted-host {host}: it is shown a credential, so its certificate has to be good"
                raise StageFailure(FailureCode.INVALID_SPECIFICATION, detail)

    async def _run(self, request: PipRequest, platform: str, directory: Path) -> dict[str, Any]:
        requirements, constraints = directory / "requirements.in", directory / "constraints.txt"
        requirements.write_text("\n".join(map(self._requirement, request.section.requirements)))
        constraints.write_text("\n".join(request.constraints))
        process = await asyncio.create_subprocess_exec(
            find_uv_bin(),
            *("pip", "compile", str(requirements), "--constraints", str(constraints)),
            *("--python-version", request.python_version, "--python-platform", platform, "--python", sys.executable),
            *("--format", "pylock.toml", "--no-build", "--no-header", "--quiet", "--no-python-downloads"),
            env=self._environment(request),
            cwd=directory,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
        if process.returncode != 0:
            raise self._failure(errors.decode(errors="replace"), request)
        return tomllib.loads(output.decode())

    def _requirement(self, requirement: Requirement) -> str:
        text, url = str(requirement), requirement.url
        return text if url is None else text.replace(url, self._book.with_login(url))

    def _environment(self, request: PipRequest) -> dict[str, str]:
        """uv's environment; indexes travel in it, since anyone may read a command line."""
        section = request.section
        # The child's own environment is what its pool gave it; nothing of the service's secrets is in there.
        environment = {
            **os.environ,
            "UV_CACHE_DIR": self._options.cache_directory,
            "UV_HTTP_RETRIES": _RETRIES,
            **self._options.environment,
        }
        if section.index_url:
            environment["UV_DEFAULT_INDEX"] = self._book.with_login(section.index_url)
        if section.extra_index_urls:
            environment["UV_INDEX"] = " ".join(map(self._book.with_login, section.extra_index_urls))
        if section.trusted_hosts:
            environment["UV_INSECURE_HOST"] = " ".join(section.trusted_hosts)
        if request.macos:
            environment["MACOSX_DEPLOYMENT_TARGET"] = request.macos
        return environment

    def _failure(self, errors: str, request: PipRequest) -> StageFailure:
        text, platform = redact(errors).strip(), request.platform
        if refused := _REFUSED.search(text):
            address = strip_user(refused["index"] or refused["address"])
            detail = f"{address} refused access (HTTP {refused['status'] or refused['code']}): "
            detail += self._book.index_refusal(address)
            return StageFailure(FailureCode.PIP_FAILED, f"pip section, {platform}: {detail}\n{text}")
        if is_untrusted(text):
            detail = f"pip section, {platform}: the certificate of an index is not trusted; {REMEDY}: {text}"
            return StageFailure(FailureCode.PIP_FAILED, detail)
        if _SDIST_ONLY in text:
            return StageFailure(FailureCode.PIP_FAILED, f"{_SDIST_HINT}\n{platform}: {text}")
        if _UNSATISFIABLE in text:
            detail = f"pip section, {platform}: {_conflicts(text, request.constraints)}{text}"
            return StageFailure(FailureCode.UNSATISFIABLE, detail)
        return StageFailure(
            FailureCode.PIP_FAILED, f"pip section, {platform}: {text}", transient=bool(_UNREACHABLE.search(text))
        )


def _conflicts(text: str, constraints: Sequence[str]) -> str:
    """Which packages of conda an explanation speaks of, in words that tell so."""
    found = [one.replace("==", " ") for one in constraints if re.search(rf"(?<![\w.-]){re.escape(one)}(?![\w.])", text)]
    return f"it does not go with what conda installs, {', '.join(found)}: " if found else ""


def _choose(package: Mapping[str, Any], tags: list[Any], platform: str) -> PipPackage:
    """The wheel of one entry of pylock.toml that fits best."""
    name = canonicalize_name(package["name"])
    wheels = {_filename(wheel): wheel for wheel in package.get("wheels", ())}
    archive = package.get("archive")
    if archive is not None and _filename(archive).endswith(".whl"):
        wheels[_filename(archive)] = archive
    filename = best_wheel(wheels, tags)
    if filename is None:
        detail = f"pip package {name} {package.get('version', '')} has no wheel for {platform}; {_SDIST_HINT}"
        raise StageFailure(FailureCode.PIP_FAILED, detail)
    wheel = wheels[filename]
    sha256 = wheel.get("hashes", {}).get("sha256")
    if sha256 is None:
        raise StageFailure(FailureCode.PIP_FAILED, f"the index publishes no sha256 for pip package {filename}")
    version = package.get("version") or filename.split("-")[1]
    return PipPackage(name=name, version=version, url=strip_user(wheel["url"]), sha256=sha256)


def _filename(wheel: Mapping[str, Any]) -> str:
    return unquote(urlsplit(wheel["url"]).path.rpartition("/")[2])

