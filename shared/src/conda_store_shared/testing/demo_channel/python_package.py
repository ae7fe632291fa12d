"""The running interpreter as the channel's ``python`` package: binary, standard library, headers, host libraries."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from conda_store_shared.testing.demo_channel.conda_archive import PLACEHOLDER, CondaPackage, FileMode, PackagedFile
from conda_store_shared.testing.demo_channel.elf import (
    NoRoomForRunPath,
    ensure_run_path,
    replace_run_path,
    shared_object_name,
)
from conda_store_shared.testing.demo_channel.host_packages import GLIBC, is_runtime_library
from conda_store_shared.testing.demo_channel.interpreter import DemoChannelFailed, Interpreter

LEFT_OUT_DIRECTORIES = frozenset(
    {"__pycache__", "test", "tests", "idlelib", "idle_test", "tkinter", "turtledemo", "ensurepip", "lib-dynload",
     "site-packages", "dist-packages"}
)  # fmt: skip
LEFT_OUT_FILES = frozenset({"EXTERNALLY-MANAGED", "sitecustomize.py", "turtle.py"})
LEFT_OUT_SUFFIXES = frozenset({".pyc", ".a", ".o", ".exe"})


def make_python_package(interpreter: Interpreter, build: str) -> CondaPackage:
    """The interpreter as a package that runs from any prefix.

    Raises DemoChannelFailed when its executable cannot be told to look for libraries beside itself.
    """
    files = [*_executables(interpreter), *_standard_library(interpreter), *_libraries(interpreter)]
    files.extend(_headers(interpreter))
    if interpreter.uses_dist_packages:
        files.append(_dist_packages_redirection(interpreter))
    return CondaPackage(
        name="python",
        version=interpreter.version,
        build=build,
        subdir=interpreter.subdir,
        depends=(GLIBC, "ca-certificates", "libstdcxx"),
        license="Python-2.0",
        summary=f"The interpreter of this machine, CPython {interpreter.version}",
        purls=(f"pkg:generic/python@{interpreter.version}",),
        files=tuple(files),
    )


def _executables(interpreter: Interpreter) -> Iterator[PackagedFile]:
    name = f"python{interpreter.minor}"
    try:
        image = ensure_run_path(interpreter.executable.read_bytes(), "$ORIGIN/../lib")
    except NoRoomForRunPath as error:
        raise DemoChannelFailed(f"{interpreter.executable} has no room for a run path; use another CPython") from error
    yield PackagedFile(path=f"bin/{name}", source=image, executable=True)
    for alias in ("python3", "python"):
        yield PackagedFile(path=f"bin/{alias}", link_target=name)


def _standard_library(interpreter: Interpreter) -> Iterator[PackagedFile]:
    base = f"lib/python{interpreter.minor}"
    for directory, subdirectories, names in os.walk(interpreter.stdlib):
        # Pruned on the way down: site-packages of the host can be larger than everything else.
        subdirectories[:] = sorted(name for name in subdirectories if not _is_left_out_directory(name))
        below = Path(directory).relative_to(interpreter.stdlib).as_posix()
        for name in sorted(names):
            file = Path(directory, name)
            if name not in LEFT_OUT_FILES and file.suffix not in LEFT_OUT_SUFFIXES:
                yield _standard_library_file(interpreter, f"{base}/{below}/{name}".replace("/./", "/"), file)
    for module in interpreter.extensions:
        image = replace_run_path(module.read_bytes(), "$ORIGIN/../..")
        yield PackagedFile(path=f"{base}/lib-dynload/{module.name}", source=image)
    readme = b"Packages installed into this prefix.\n"
    yield PackagedFile(path=f"{base}/site-packages/README.txt", source=readme)


def _is_left_out_directory(name: str) -> bool:
    return name in LEFT_OUT_DIRECTORIES or name.startswith("config-")


def _standard_library_file(interpreter: Interpreter, path: str, file: Path) -> PackagedFile:
    if file.name.startswith("_sysconfigdata_"):
        text = replace_prefix(file.read_text(), interpreter.prefix)
        return PackagedFile(path=path, source=text.encode(), file_mode=FileMode.TEXT)
    if file.name == "sysconfig.py" and interpreter.uses_dist_packages:
        # Debian installs below local/ and into dist-packages by default; a prefix is not Debian's to divide.
        text = file.read_text().replace("prefix_scheme = 'posix_local'", "prefix_scheme = 'posix_prefix'")
        return PackagedFile(path=path, source=text.encode())
    return PackagedFile(path=path, source=file)


def replace_prefix(text: str, prefix: Path) -> str:
    """The text with the placeholder for ``prefix`` wherever it is a whole path, its beginning, or follows -I or -L."""
    # Below /usr are the tools and the time zones of the host as well, which no prefix has.
    kept = r"(?!/(?:share|lib)/zoneinfo|/bin/)" if prefix == Path("/usr") else ""
    beginning = r"(?:(?<=-[IL])|(?<![\w/.\-]))"
    return re.sub(rf"{beginning}{re.escape(str(prefix))}(?![\w.\-]){kept}", PLACEHOLDER, text)


def _libraries(interpreter: Interpreter) -> Iterator[PackagedFile]:
    for library in interpreter.libraries:
        if is_runtime_library(library):
            continue
        image = library.read_bytes()
        name = shared_object_name(image) or library.name
        yield PackagedFile(path=f"lib/{name}", source=replace_run_path(image, "$ORIGIN"), executable=True)


def _headers(interpreter: Interpreter) -> Iterator[PackagedFile]:
    directory = interpreter.prefix / "include" / f"python{interpreter.minor}"
    for header in sorted(directory.rglob("*.h")):
        relative = header.relative_to(directory).as_posix()
        yield PackagedFile(path=f"include/python{interpreter.minor}/{relative}", source=header)


def _dist_packages_redirection(interpreter: Interpreter) -> PackagedFile:
    """Debian freezes a ``site`` module that knows dist-packages only, so that editing site.py would do nothing."""
    base = f"lib/python{interpreter.minor}"
    line = f"import os, site, sys; site.addsitedir(os.path.join(sys.prefix, '{base}', 'site-packages'))\n"
    return PackagedFile(path=f"{base}/dist-packages/site-packages.pth", source=line.encode())
