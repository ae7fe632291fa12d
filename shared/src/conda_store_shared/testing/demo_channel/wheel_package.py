"""An unpacked wheel as a conda package: metadata, dependencies, files, entry points."""

import configparser
import csv
import io
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from conda_store_shared.testing.demo_channel.conda_archive import PLACEHOLDER, CondaPackage, FileMode, PackagedFile
from conda_store_shared.testing.demo_channel.host_packages import GLIBC
from conda_store_shared.testing.demo_channel.interpreter import Interpreter

# conda-forge's names where they differ from the index's.
CONDA_NAMES = {
    "ipython-pygments-lexers": "ipython_pygments_lexers",
    "jupyter-client": "jupyter_client",
    "jupyter-core": "jupyter_core",
    "pure-eval": "pure_eval",
    "stack-data": "stack_data",
    "typing-extensions": "typing_extensions",
    "tzdata": "python-tzdata",
}
SITE_PACKAGES = "site-packages"
INSTALLERS_FILES = frozenset({"INSTALLER", "RECORD", "REQUESTED", "direct_url.json", "uv_build.json", "uv_cache.json"})
OUTSIDE_SITE_PACKAGES = frozenset({"bin", "share", "etc", "include"})
SCRIPT = """\
#!{placeholder}/bin/python
import sys

from {module} import {name}

if __name__ == "__main__":
    sys.exit({call}())
"""


def conda_name(name: str) -> str:
    """The conda package that provides the distribution ``name``."""
    canonical = canonicalize_name(name)
    return CONDA_NAMES.get(canonical, canonical)


def marker_environment(interpreter: Interpreter) -> dict[str, str]:
    """The values environment markers are evaluated with, for ``interpreter`` instead of the running one."""
    environment = {key: str(value) for key, value in default_environment().items()}
    return environment | {
        "implementation_name": "cpython",
        "implementation_version": interpreter.version,
        "platform_python_implementation": "CPython",
        "python_full_version": interpreter.version,
        "python_version": interpreter.minor,
        "platform_machine": platform.machine(),
        "extra": "",
    }


def conda_dependency(requirement: str, environment: Mapping[str, str]) -> str | None:
    """The MatchSpec for one ``Requires-Dist``; None when its marker does not hold."""
    parsed = Requirement(requirement)
    if parsed.marker is not None and not parsed.marker.evaluate(dict(environment)):
        return None
    versions = ",".join(sorted(str(specifier) for specifier in parsed.specifier))
    return f"{conda_name(parsed.name)} {versions}".rstrip()


class RecordedFile(NamedTuple):
    """One line of a RECORD: path relative to the root, digest as ``sha256=...``, size in bytes."""

    path: str
    digest: str
    size: str

    @property
    def top(self) -> str:
        """The first part of the path."""
        return self.path.partition("/")[0]


@dataclass(frozen=True)
class UnpackedWheel:
    """One distribution in a directory of unpacked wheels, found by its ``.dist-info``."""

    dist_info: Path

    @property
    def root(self) -> Path:
        """The directory all wheels were unpacked into."""
        return self.dist_info.parent

    @cached_property
    def metadata(self) -> Message:
        """The core metadata."""
        return HeaderParser().parsestr((self.dist_info / "METADATA").read_text(encoding="utf-8"))

    @property
    def is_pure(self) -> bool:
        """Whether it holds no code for a particular machine."""
        wheel = HeaderParser().parsestr((self.dist_info / "WHEEL").read_text(encoding="utf-8"))
        return wheel.get("Root-Is-Purelib", "true").lower() == "true"

    @cached_property
    def entry_points(self) -> dict[str, str]:
        """Commands it offers: name to ``module:function``."""
        parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        parser.read(self.dist_info / "entry_points.txt", encoding="utf-8")
        return dict(parser["console_scripts"]) if parser.has_section("console_scripts") else {}

    def recorded_files(self) -> Iterator[RecordedFile]:
        """Its files without what the installer added."""
        with (self.dist_info / "RECORD").open(newline="", encoding="utf-8") as record:
            for path, digest, size in csv.reader(record):
                top, _, rest = path.partition("/")
                added = top == self.dist_info.name and rest in INSTALLERS_FILES
                if not added and "__pycache__/" not in path:
                    yield RecordedFile(path, digest, size)


def unpacked_wheels(directory: Path) -> list[UnpackedWheel]:
    """Every distribution unpacked into ``directory``, by name."""
    return [UnpackedWheel(dist_info) for dist_info in sorted(directory.glob("*.dist-info"))]


def make_wheel_package(wheel: UnpackedWheel, interpreter: Interpreter, digest: str) -> CondaPackage:
    """The wheel as a package: ``noarch: python`` when it is pure, else for this interpreter's subdir."""
    name, version = wheel.metadata["Name"], wheel.metadata["Version"]
    pure = wheel.is_pure
    compact = interpreter.minor.replace(".", "")
    return CondaPackage(
        name=conda_name(name),
        version=version,
        build=f"pyh{digest}_0" if pure else f"py{compact}h{digest}_0",
        subdir="noarch" if pure else interpreter.subdir,
        depends=_depends(wheel, interpreter),
        noarch="python" if pure else None,
        entry_points=tuple(f"{command} = {target}" for command, target in sorted(wheel.entry_points.items())),
        license=wheel.metadata.get("License-Expression"),
        summary=wheel.metadata.get("Summary", ""),
        purls=(f"pkg:pypi/{canonicalize_name(name)}@{version}",),
        files=tuple(_files(wheel, interpreter)),
    )


def _depends(wheel: UnpackedWheel, interpreter: Interpreter) -> tuple[str, ...]:
    environment = marker_environment(interpreter)
    required = wheel.metadata.get_all("Requires-Dist", [])
    depends = {spec for text in required if (spec := conda_dependency(text, environment)) is not None}
    if wheel.is_pure:
        depends.add(f"python {wheel.metadata.get('Requires-Python', '').replace(' ', '')}".rstrip())
    else:
        depends |= {f"python {interpreter.minor}.*", "libstdcxx", GLIBC}
    return tuple(sorted(depends))


def _files(wheel: UnpackedWheel, interpreter: Interpreter) -> Iterator[PackagedFile]:
    site = SITE_PACKAGES if wheel.is_pure else f"lib/python{interpreter.minor}/{SITE_PACKAGES}"
    modules = []
    for file in wheel.recorded_files():
        if file.top == "bin":
            yield from _script(file, wheel, interpreter)
        elif file.top in OUTSIDE_SITE_PACKAGES:
            yield PackagedFile(path=file.path, source=wheel.root / file.path)
        else:
            modules.append(file)
            yield PackagedFile(path=f"{site}/{file.path}", source=wheel.root / file.path)
    if not wheel.is_pure:
        for command, target in sorted(wheel.entry_points.items()):
            yield _entry_point_script(command, target)
    yield PackagedFile(path=f"{site}/{wheel.dist_info.name}/INSTALLER", source=b"conda\n")
    yield PackagedFile(path=f"{site}/{wheel.dist_info.name}/RECORD", source=_record(wheel, modules))


def _is_generated(script: str, wheel: UnpackedWheel, interpreter: Interpreter) -> bool:
    """Whether the installer made this script from an entry point; of pip it makes ``pip3.11`` as well."""
    return script in wheel.entry_points or script.removesuffix(interpreter.minor) in wheel.entry_points


def _script(file: RecordedFile, wheel: UnpackedWheel, interpreter: Interpreter) -> Iterator[PackagedFile]:
    """A script that came with the wheel; its first line names the interpreter it was unpacked for."""
    name = file.path.removeprefix("bin/")
    if _is_generated(name, wheel, interpreter):
        return
    path = f"python-scripts/{name}" if wheel.is_pure else file.path
    content = (wheel.root / file.path).read_bytes()
    first, newline, rest = content.partition(b"\n")
    if not first.startswith(b"#!") or b"python" not in first:
        yield PackagedFile(path=path, source=content, executable=True)
        return
    shebang = f"#!{PLACEHOLDER}/bin/python".encode()
    yield PackagedFile(path=path, source=shebang + newline + rest, executable=True, file_mode=FileMode.TEXT)


def _entry_point_script(command: str, target: str) -> PackagedFile:
    module, _, call = target.partition("[")[0].strip().partition(":")
    text = SCRIPT.format(placeholder=PLACEHOLDER, module=module, name=call.partition(".")[0], call=call)
    return PackagedFile(path=f"bin/{command}", source=text.encode(), executable=True, file_mode=FileMode.TEXT)


def _record(wheel: UnpackedWheel, modules: list[RecordedFile]) -> bytes:
    """A RECORD without the digests of scripts, which differ between machines."""
    rows = [*modules, *(RecordedFile(f"../../../bin/{command}", "", "") for command in wheel.entry_points)]
    rows.extend(RecordedFile(f"{wheel.dist_info.name}/{name}", "", "") for name in ("INSTALLER", "RECORD"))
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(sorted(rows))
    return text.getvalue().encode()
