"""Runs in a child process: packages become fragments, without an environment they are part of.

Conda packages are installed into a scratch directory as the builder installs them, as far as that changes anything, and
taken apart again by their records; wheels are unpacked one by one.  No code of a package runs.
"""

import tempfile
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from conda_store_artifacts.adapters.compiled_entries import CompileOptions, with_compiled
from conda_store_artifacts.adapters.compression import Compression, compressed
from conda_store_artifacts.adapters.linked_packages import Linking, link_outlines, link_packages
from conda_store_artifacts.adapters.package_entries import Entries, Installed, NotAsPackaged, package_entries
from conda_store_artifacts.adapters.plain_tar import END, PlainTar
from conda_store_artifacts.domain.fragment import Codec, FragmentFormat, FragmentKind, python_of
from conda_store_shared.child.report import Report
from conda_store_shared.conda.install_plan import InstallPlan
from conda_store_shared.conda.ownership import remove_tree
from conda_store_shared.conda.pip_files import PipFiles
from conda_store_shared.conda.wheel_check import check_wheel
from conda_store_shared.domain.lockfile import LockedPackage
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure

_Link = Callable[[Path, Linking, Report], Awaitable[list[Installed]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """One call: fragments of the wanted packages of ``plan`` into ``output``; ``lent`` are caches of others."""

    plan: InstallPlan
    wanted: frozenset[str]
    python: str | None
    format: FragmentFormat
    threads: int
    output: Path
    lent: Sequence[Path]


async def make_fragments(arguments: dict[str, Any], report: Report) -> list[dict[str, Any]]:
    """Write a fragment of each wanted package; raises StageFailure as installing does.

    ``plan`` holds all packages of the environment, ``wanted`` names those a fragment is wanted of, as
    ``conda:python`` or ``pip:flask``; ``format`` is a FragmentFormat, ``output`` an empty directory, ``lent`` are roots
    of package caches that are only read.  Returns for each: ``name``, ``file``, ``digest``, ``size``, ``raw_digest``,
    ``raw_size``, ``about``.
    """
    wanted_format = arguments["format"]
    plan = InstallPlan.from_json(arguments["plan"])
    work = _Work(
        plan=plan,
        wanted=frozenset(arguments["wanted"]),
        python=python_of(plan.conda),
        format=FragmentFormat(
            kind=FragmentKind(wanted_format["kind"]),
            codec=Codec(wanted_format["codec"]),
            level=wanted_format["level"],
            prefix=wanted_format["prefix"],
        ),
        threads=arguments["threads"],
        output=Path(arguments["output"]),
        lent=[Path(root) for root in arguments["lent"]],
    )
    return await _Maker(work, report).make()


class _Maker:
    def __init__(self, work: _Work, report: Report) -> None:
        self._work = work
        self._report = report
        self._made: list[dict[str, Any]] = []

    async def make(self) -> list[dict[str, Any]]:
        work = self._work
        conda = [package for package in work.plan.conda if f"conda:{package.name}" in work.wanted]
        pip = [package for package in work.plan.pip if f"pip:{package.name}" in work.wanted]
        if conda:
            await self._make_conda(conda)
        wheels = PipFiles(
            root=work.plan.package_cache.root / "wheels",
            credentials=work.plan.credentials,
            trusted_hosts=work.plan.trusted_hosts,
        )
        for package in pip:
            self._make_wheel(package, wheels)
        return self._made

    async def _make_conda(self, packages: Sequence[LockedPackage]) -> None:
        """Of the packages where they are; else, such as when one has to be fetched, of an installation of them."""
        work = self._work
        linking = Linking(
            plan=work.plan, packages=packages, target=work.format.prefix, python=work.python, lent=work.lent
        )
        try:
            await self._make_linked(linking, link_outlines)
            return
        except (NotAsPackaged, OSError):
            # Whatever cannot be read there: others may remove it at any time.
            self._forget_made()
        except StageFailure as failure:
            if failure.cause != FailureCode.INTERNAL_ERROR:
                raise
            self._forget_made()
        await self._make_linked(linking, link_packages)

    async def _make_linked(self, linking: Linking, link: _Link) -> None:
        scratch = Path(tempfile.mkdtemp(prefix=".scratch-", dir=self._work.output))
        try:
            installed = await link(scratch, linking, self._report)
            entries = [package_entries(each, self._work.format.kind) for each in installed]
            compiled = scratch / "compiled"
            self._write_all(list(zip(linking.packages, self._with_compiled(entries, compiled), strict=True)))
        finally:
            remove_tree(scratch)

    def _forget_made(self) -> None:
        self._made.clear()
        for path in list(self._work.output.glob("conda-*")):
            path.unlink()

    def _with_compiled(self, entries: list[Entries], directory: Path) -> list[Entries]:
        work = self._work
        if work.format.kind != FragmentKind.LAYER or work.python is None:
            return entries
        options = CompileOptions(
            python=work.python, target=work.format.prefix, directory=directory, processes=work.threads
        )
        return with_compiled(entries, options)

    def _write_all(self, listed: list[tuple[LockedPackage, Entries]]) -> None:
        """Write the largest first, several side by side; one that is most of all is compressed by all threads."""
        total = sum(_bytes_of(entries) for _, entries in listed)
        listed.sort(key=lambda each: _bytes_of(each[1]), reverse=True)
        with ThreadPoolExecutor(self._work.threads) as pool:
            writing = []
            for package, entries in listed:
                threads = self._work.threads if _bytes_of(entries) * self._work.threads > total else 1
                writing.append(pool.submit(self._write, f"conda:{package.name}", entries, threads))
            for written in writing:
                written.result()

    def _make_wheel(self, package: LockedPackage, wheels: PipFiles) -> None:
        work = self._work
        if work.python is None:
            detail = f"package {package.name} is wanted from pip, but there is no python in the environment"
            raise StageFailure(FailureCode.PIP_FAILED, detail)
        scratch = Path(tempfile.mkdtemp(prefix=".scratch-", dir=work.output))
        try:
            wheel = wheels.fetch(package)
            check_wheel(wheel, package, work.plan.limits)
            # Of a library that most calls do not need.
            reading = import_module("conda_store_artifacts.adapters.wheel_entries")
            reading.unpack_wheel(wheel, package, scratch, work.format.prefix, work.python)
            entries: Entries = reading.wheel_entries(scratch, work.format.prefix, work.format.kind)
            [compiled] = self._with_compiled([entries], scratch / "compiled")
            self._write(f"pip:{package.name}", compiled, work.threads)
        finally:
            remove_tree(scratch)

    def _write(self, name: str, entries: Entries, threads: int) -> None:
        work = self._work
        is_layer = work.format.kind == FragmentKind.LAYER
        path = work.output / name.replace(":", "-")
        with compressed(path, Compression(codec=work.format.codec, level=work.format.level, threads=threads)) as out:
            tar = PlainTar(out.raw, work.format.prefix if is_layer else "")
            for member in entries.members:
                tar.add(member)
            if is_layer:
                out.raw.write(END)
        self._made.append(
            {
                "name": name,
                "file": path.name,
                "digest": out.packed.digest(),
                "size": out.packed.size,
                "raw_digest": out.raw.digest(),
                "raw_size": out.raw.size,
                "about": entries.files.to_json(),
            }
        )
        self._report.progress(len(self._made), len(work.wanted), "packages")


def _bytes_of(entries: Entries) -> int:
    return sum(member.size or len(member.content or b"") for member in entries.members)
