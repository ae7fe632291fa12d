"""Runs in a child process: the compiled modules of packages among the files of their layers."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from conda_store_artifacts.adapters.compiled_modules import Module, compile_all, compiled_path
from conda_store_artifacts.adapters.package_entries import Entries, is_directory
from conda_store_artifacts.adapters.plain_tar import Entry
from conda_store_artifacts.domain.fragment_files import FragmentFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class CompileOptions:
    """Modules of ``python`` (``3.11``, or ``3.13t``), which will be in the environment at ``target``.

    ``processes`` compile into ``directory``, which has to last for as long as the entries.
    """

    python: str
    target: str
    directory: Path
    processes: int


def with_compiled(packages: Sequence[Entries], options: CompileOptions) -> list[Entries]:
    """Add the compiled modules of each package; one that it brings is replaced when it is taken over."""
    modules = [dict(_modules(entries, number, options)) for number, entries in enumerate(packages)]
    compile_all([module for found in modules for module in found.values()], options.python, options.processes)
    return [_completed(entries, found) for entries, found in zip(packages, modules, strict=True)]


def _modules(entries: Entries, number: int, options: CompileOptions) -> Iterator[tuple[str, Module]]:
    library = f"lib/python{options.python}/"
    packaged = {member.path: member.source for member in entries.members}
    for member in entries.members:
        path = compiled_path(member.path, options.python) if member.path.startswith(library) else None
        if path is not None and member.source is not None:
            # Each package has a directory of its own: another may bring the same module.
            compiled = f"{options.directory}/{number}/{path}"
            place = f"{options.target}/{member.path}"
            yield path, Module(source=member.source, place=place, packaged=packaged.get(path), compiled=compiled)


def _completed(entries: Entries, modules: dict[str, Module]) -> Entries:
    members = {member.path: member for member in entries.members}
    for path, module in modules.items():
        if os.path.exists(module.compiled):
            known, size = members.get(path, Entry(path=path)), os.path.getsize(module.compiled)
            members[path] = replace(known, source=module.compiled, content=None, size=size, executable=False)
    ordered = tuple(sorted(members.values(), key=lambda member: member.path))
    files = entries.files
    return Entries(
        members=ordered,
        files=FragmentFiles.of(
            (member.path for member in ordered if not is_directory(member)),
            files.mentions,
            link_script=files.link_script,
            variables=files.variables,
        ),
    )
