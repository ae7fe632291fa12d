"""Pip packages that come as source become wheels: their code runs in a sandbox, without network.

What a build requires is installed first, as wheels, beside the environment; nothing of it runs outside.
"""

import json
import os
import shutil
import stat
import tarfile
import tomllib
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from conda_store_shared.child.report import Report
from conda_store_shared.conda.sandbox import build_driver
from conda_store_shared.conda.sandbox.confinement import Sandbox
from conda_store_shared.domain.lockfile import LockedPackage
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure

_LEGACY = "setuptools.build_meta:__legacy__"
_LEGACY_REQUIRES = ("setuptools>=40.8.0",)
_LARGEST_TEXT = 1024 * 1024
_MOST_MEMBERS = 200_000
_PATH = "/usr/local/bin:/usr/bin:/bin"
# Zip archives begin in 1980.
_EPOCH = "315532800"
_UNREADABLE = (tomllib.TOMLDecodeError, UnicodeDecodeError, tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error)
InstallRequirements = Callable[[Path, Sequence[str]], None]


class _Unfit(ValueError):
    """Says what is wrong with a source package that the caller names."""


@dataclass(frozen=True, slots=True)
class _BuildSystem:
    requires: tuple[str, ...]
    backend: str
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceBuilder:
    """Builds in ``sandbox`` with the ``python`` of the environment; ``kept`` is a directory it can read and not change.

    ``install`` puts wheels that fit requirements into a directory, without running anything.
    """

    sandbox: Sandbox
    python: Path
    kept: Path
    install: InstallRequirements
    report: Report

    def build(self, package: LockedPackage, archive: Path) -> Path:
        """The wheel of ``package``, in ``kept``; raises StageFailure("pip_failed")."""
        self.report.log(f"building {package.name} {package.version} from source")
        try:
            system = _build_system(archive)
            self._install(package, system.requires)
            self._run(package, archive, "requires", system)
            self._install(package, _required(self._read(package, "requires.json")))
            self._run(package, archive, "wheel", system)
            return self._take_wheel(package)
        except _Unfit as unfit:
            detail = f"pip package {package.name} {package.version} cannot be built from source: {unfit}"
            raise StageFailure(FailureCode.PIP_FAILED, detail) from None

    def _install(self, package: LockedPackage, requires: Sequence[str]) -> None:
        if requires:
            self.report.log(f"the build of {package.name} requires {', '.join(requires)}")
            self.install(self._requirements(package), requires)

    def _requirements(self, package: LockedPackage) -> Path:
        return self.kept / f"requires-{package.name}"

    def _run(self, package: LockedPackage, archive: Path, what: str, system: _BuildSystem) -> None:
        driver = self.kept / "build_driver.py"
        shutil.copyfile(build_driver.__file__, driver)
        environment = {
            "PATH": f"{self.python.parent}:{_PATH}",
            "PYTHONPATH": str(self._requirements(package)),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONNOUSERSITE": "1",
            "SOURCE_DATE_EPOCH": _EPOCH,
        }
        work = f"{self.sandbox.home}/{package.name}"
        command = (str(self.python), str(driver), str(archive), work, what, system.backend, *system.places)
        ended = self.sandbox.run(command, environment, self.sandbox.home, self.report)
        if ended.status != 0:
            raise _Unfit(f"its build ended with status {ended.status}\n{ended.last_words}")

    def _read(self, package: LockedPackage, name: str) -> bytes:
        with self._output(package) as directory, _open_file(directory, name) as file:
            return file.read(_LARGEST_TEXT)

    def _take_wheel(self, package: LockedPackage) -> Path:
        with self._output(package) as directory:
            wheels = [name for name in os.listdir(directory) if name.endswith(".whl")]
            if len(wheels) != 1 or not _is_wheel_of(package, wheels[0]):
                raise _Unfit(f"its build made {', '.join(map(ascii, wheels)) or 'no wheel'}, and one of it is expected")
            wheel = self.kept / wheels[0]
            with _open_file(directory, wheels[0]) as file, wheel.open("xb") as copy:
                shutil.copyfileobj(file, copy)
        return wheel

    @contextmanager
    def _output(self, package: LockedPackage) -> Iterator[int]:
        """A descriptor of where the build left its output, whatever links it left on the way there."""
        opened = [os.open(self.sandbox.scratch, os.O_RDONLY | os.O_DIRECTORY)]
        try:
            for name in (package.name, "out"):
                opened.append(os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=opened[-1]))
            yield opened[-1]
        except OSError as error:
            raise _Unfit(f"what its build left cannot be read: {error.strerror}") from None
        finally:
            for descriptor in opened:
                os.close(descriptor)


def _open_file(directory: int, name: str) -> IO[bytes]:
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _Unfit(f"its build left {name!a}, which is no file")
    return open(descriptor, "rb")


def _is_wheel_of(package: LockedPackage, name: str) -> bool:
    try:
        found, version, _, _ = parse_wheel_filename(name)
        return (found, version) == (canonicalize_name(package.name), Version(package.version))
    except (InvalidWheelFilename, InvalidVersion):
        return False


def _required(text: bytes) -> tuple[str, ...]:
    try:
        return _checked(json.loads(text))
    except ValueError as error:
        raise _Unfit(f"its build requires nonsense: {error}") from None


def _checked(requires: Any) -> tuple[str, ...]:
    if not isinstance(requires, list) or not all(isinstance(text, str) for text in requires):
        raise _Unfit("its build requirements are no list of texts")
    for text in requires:
        try:
            requirement = Requirement(text)
        except InvalidRequirement as error:
            raise _Unfit(f"its build requirement {text!a} is none: {error}") from None
        if requirement.url is not None:
            raise _Unfit(f"its build requirement {text!a} names an address of its own, which is not allowed")
    return tuple(requires)


def _build_system(archive: Path) -> _BuildSystem:
    try:
        text = _pyproject(archive)
        table = tomllib.loads(text.decode()).get("build-system") if text is not None else None
    except (*_UNREADABLE, OSError) as error:
        raise _Unfit(f"it is no source package: {error}") from None
    if not isinstance(table, dict):
        return _BuildSystem(_LEGACY_REQUIRES, _LEGACY, ())
    backend, places = table.get("build-backend", _LEGACY), table.get("backend-path", [])
    if not isinstance(places, list) or not all(isinstance(text, str) for text in (backend, *places)):
        raise _Unfit("its pyproject.toml has a build system that is none")
    return _BuildSystem(_checked(table.get("requires", list(_LEGACY_REQUIRES))), backend, tuple(places))


def _pyproject(archive: Path) -> bytes | None:
    """The file of that name in the archive's only directory; nothing is extracted."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            found = next((entry for entry in opened.infolist() if _is_pyproject(entry.filename)), None)
            return None if found is None or found.file_size > _LARGEST_TEXT else opened.read(found)
    with tarfile.open(archive) as tar:
        for number, member in enumerate(tar):
            if number > _MOST_MEMBERS:
                raise _Unfit(f"it holds more than {_MOST_MEMBERS} files")
            if _is_pyproject(member.name) and member.isreg() and member.size <= _LARGEST_TEXT:
                file = tar.extractfile(member)
                return None if file is None else file.read()
    return None


def _is_pyproject(name: str) -> bool:
    return name.count("/") == 1 and name.endswith("/pyproject.toml")
