"""Runs in a child process: the files of a wheel, unpacked without a Python of its platform."""

import stat
from pathlib import Path
from zipfile import BadZipFile

from installer import install
from installer.destinations import SchemeDictionaryDestination
from installer.exceptions import InstallerError
from installer.sources import WheelFile

from conda_store_artifacts.adapters.package_entries import Entries, mended_script
from conda_store_artifacts.adapters.plain_tar import Entry
from conda_store_artifacts.domain.fragment import FragmentKind
from conda_store_artifacts.domain.fragment_files import FragmentFiles, Mention
from conda_store_shared.domain.lockfile import LockedPackage
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure


def unpack_wheel(wheel: Path, package: LockedPackage, directory: Path, target: str, python: str) -> None:
    """Install a wheel into ``directory``, as if that were the root of a system whose environment is at ``target``.

    ``python`` is ``3.11``, or ``3.13t``.  Raises StageFailure("pip_failed") for a wheel that is none.
    """
    site_packages = f"{target}/lib/python{python}/site-packages"
    destination = SchemeDictionaryDestination(
        scheme_dict={
            "purelib": site_packages,
            "platlib": site_packages,
            "scripts": f"{target}/bin",
            "headers": f"{target}/include/python{python}/{package.name}",
            "data": target,
        },
        interpreter=f"{target}/bin/python",
        script_kind="posix",
        destdir=str(directory),
    )
    try:
        with WheelFile.open(wheel) as source:
            install(source, destination, additional_metadata={"INSTALLER": b"uv", "REQUESTED": b""})
    except (InstallerError, BadZipFile, ValueError, KeyError, FileExistsError) as error:
        detail = f"{wheel.name} is not a wheel that can be unpacked: {error}"
        raise StageFailure(FailureCode.PIP_FAILED, detail) from error


def wheel_entries(directory: Path, target: str, kind: FragmentKind) -> Entries:
    """List what ``unpack_wheel`` put into ``directory``."""
    prefix = directory / target.strip("/")
    members: list[Entry] = []
    mentions: list[Mention] = []
    for source in prefix.rglob("*"):
        if source.is_dir():
            continue
        status, path = source.stat(), str(source.relative_to(prefix))
        is_command = path.startswith("bin/")
        # Commands are to be run, whatever modes the wheel was zipped with; pip and uv see to that, too.
        executable = is_command or bool(status.st_mode & stat.S_IXUSR)
        member = Entry(path=path, source=str(source), size=status.st_size, executable=executable)
        if kind == FragmentKind.ARCHIVE and is_command:
            content, is_mended = mended_script(source.read_bytes(), path, target)
            member = Entry(path=path, content=content, executable=executable)
            if not is_mended:
                mentions.append(Mention(path=path, placeholder=target, mode="text"))
        members.append(member)
    members.sort(key=lambda member: member.path)
    return Entries(
        members=tuple(members),
        files=FragmentFiles.of(
            (member.path for member in members),
            sorted(mentions, key=lambda mention: mention.path),
            link_script=False,
        ),
    )
