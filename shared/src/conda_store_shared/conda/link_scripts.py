"""Post-link scripts, run the way conda runs them: rattler's own run swallows their failure."""

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from conda_store_shared.child.report import Report
from conda_store_shared.conda import conda_meta
from conda_store_shared.conda.ownership import links_below, unshare_files
from conda_store_shared.conda.sandbox.confinement import Confinement, Sandbox, Workplace, open_sandbox
from conda_store_shared.domain.prefix_record import InstalledPackage
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure

_MESSAGES = ".messages.txt"
_SHELLS = ("/bin/bash", "/usr/bin/bash", "/bin/sh")
_LONGEST_MESSAGE = 65536
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def run_link_scripts(
    prefix: Path, packages: Iterable[InstalledPackage], confinement: Confinement, report: Report
) -> int:
    """Run the post-link script of each package that has one, dependencies first; returns how many there were.

    Raises StageFailure("link_script_failed") at the first that fails.
    """
    ordered = _dependencies_first({package.name: package for package in packages})
    scripted = [package for package in ordered if _script_of(prefix, package).is_file()]
    if scripted:
        # A script may write into any file, and a file of the cache is in other prefixes, too.
        unshare_files(prefix)
        with open_sandbox(confinement, Workplace(prefix=prefix, changes=True), report) as sandbox:
            for package in scripted:
                _run(sandbox, prefix, package, report)
        _check_records(prefix)
        _check_links(prefix)
    return len(scripted)


def _script_of(prefix: Path, package: InstalledPackage) -> Path:
    return prefix / "bin" / f".{package.name}-post-link.sh"


def _run(sandbox: Sandbox, prefix: Path, package: InstalledPackage, report: Report) -> None:
    script = _script_of(prefix, package)
    report.log(f"running the post-link script of {package.name} {package.version}")
    shell = next(path for path in _SHELLS if Path(path).exists())
    ended = sandbox.run((shell, str(script)), _environment(prefix, package), str(script.parent), report)
    if messages := _take_messages(prefix / _MESSAGES):
        report.log(messages)
    if ended.status != 0:
        detail = f"the post-link script of package {package.name} {package.version} ended with status {ended.status}"
        # Scripts that fetch data are the usual ones to fail.
        hint = "\nit had no network and saw nothing but this environment (CondaStoreWorker.sandbox)"
        words = f"{detail}\n{ended.last_words}".strip()
        raise StageFailure(FailureCode.LINK_SCRIPT_FAILED, words + (hint if sandbox.is_confined else ""))


def _take_messages(path: Path) -> str:
    """What a script left to be said; it may have left a link to somebody else's file, or nothing to be read at all."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return ""
    with open(descriptor, "rb") as file:
        is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        text = file.read(_LONGEST_MESSAGE) if is_file else b""
    path.unlink()
    return text.decode(errors="replace")


def _check_records(prefix: Path) -> None:
    """The service reads and writes there: raises StageFailure when a script made it lead somewhere else."""
    directory = prefix / conda_meta.DIRECTORY
    is_whole = stat.S_ISDIR(os.lstat(directory).st_mode) if os.path.lexists(directory) else False
    if not is_whole or not all(_is_plain(entry) for entry in os.scandir(directory)):
        detail = f"a post-link script changed {conda_meta.DIRECTORY}, which holds the records of the environment"
        raise StageFailure(FailureCode.LINK_SCRIPT_FAILED, detail)


def _check_links(prefix: Path) -> None:
    """Pip packages are written below: raises StageFailure when a directory leads out of the environment now."""
    root = os.path.realpath(prefix)
    for path in links_below(prefix):
        led = os.path.realpath(path)
        if os.path.isdir(led) and led != root and not led.startswith(f"{root}/"):
            detail = f"a post-link script made {os.path.relpath(path, prefix)} lead out of the environment, to {led}"
            raise StageFailure(FailureCode.LINK_SCRIPT_FAILED, detail)


def _is_plain(entry: os.DirEntry[str]) -> bool:
    return entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)


def _environment(prefix: Path, package: InstalledPackage) -> Mapping[str, str]:
    return {
        "PREFIX": str(prefix),
        "CONDA_PREFIX": str(prefix),
        "ROOT_PREFIX": str(prefix),
        "PKG_NAME": package.name,
        "PKG_VERSION": package.version,
        "PKG_BUILDNUM": str(package.build_number),
        "PATH": f"{prefix}/bin:{_SYSTEM_PATH}",
    }


def _dependencies_first(packages: Mapping[str, InstalledPackage]) -> Iterator[InstalledPackage]:
    """By name, each after what it depends on; a cycle is cut where it is met."""
    met: set[str] = set()

    def visit(name: str) -> Iterator[InstalledPackage]:
        if name in met or name not in packages:
            return
        met.add(name)
        for constraint in packages[name].depends:
            yield from visit(constraint.partition(" ")[0])
        yield packages[name]

    for name in sorted(packages):
        yield from visit(name)
