"""Post-link scripts, run the way conda runs them: rattler's own run swallows their failure."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from conda_store_shared.child.report import Report
from conda_store_shared.conda.ownership import unshare_files
from conda_store_shared.conda.spoken_process import run_spoken
from conda_store_shared.domain.prefix_record import InstalledPackage
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure

_MESSAGES = ".messages.txt"
_SHELLS = ("/bin/bash", "/usr/bin/bash", "/bin/sh")
_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def run_link_scripts(prefix: Path, packages: Iterable[InstalledPackage], report: Report) -> int:
    """Run the post-link script of each package that has one, dependencies first; returns how many there were.

    Raises StageFailure("link_script_failed") at the first that fails.
    """
    ordered = _dependencies_first({package.name: package for package in packages})
    scripts = [(package, script) for package in ordered if (script := _script_of(prefix, package)).is_file()]
    if scripts:
        # A script may write into any file, and a file of the cache is in other prefixes, too.
        unshare_files(prefix)
    for package, script in scripts:
        _run(prefix, package, script, report)
    return len(scripts)


def _script_of(prefix: Path, package: InstalledPackage) -> Path:
    return prefix / "bin" / f".{package.name}-post-link.sh"


def _run(prefix: Path, package: InstalledPackage, script: Path, report: Report) -> None:
    report.log(f"running the post-link script of {package.name} {package.version}")
    shell = next(path for path in _SHELLS if Path(path).exists())
    ended = run_spoken((shell, str(script)), _environment(prefix, package), script.parent, report)
    messages = prefix / _MESSAGES
    with suppress(FileNotFoundError):
        report.log(messages.read_text(errors="replace"))
        messages.unlink()
    if ended.status != 0:
        detail = f"the post-link script of package {package.name} {package.version} ended with status {ended.status}"
        raise StageFailure(FailureCode.LINK_SCRIPT_FAILED, f"{detail}\n{ended.last_words}".strip())


def _environment(prefix: Path, package: InstalledPackage) -> Mapping[str, str]:
    path = os.environ.get("PATH", _DEFAULT_PATH)
    return {
        **os.environ,
        "PREFIX": str(prefix),
        "CONDA_PREFIX": str(prefix),
        "ROOT_PREFIX": str(prefix),
        "PKG_NAME": package.name,
        "PKG_VERSION": package.version,
        "PKG_BUILDNUM": str(package.build_number),
        "PATH": f"{prefix}/bin:{path}",
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
