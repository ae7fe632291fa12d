"""Unpacks an archive so that nothing of it lands outside its directory."""

import os
import tarfile
import zlib
from pathlib import Path, PurePosixPath

from conda_store_client.errors import ClientError

_FILE_MODE, _DIRECTORY_MODE = 0o600, 0o700
# Nobody but the owner writes, and no file runs as somebody else.
_MODE_MASK = 0o755


class UnsafeMember(ClientError):
    """Raised for an archive that reaches out of its directory."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"the archive is not safe to unpack: {name!r} {problem}")


def unpack(archive: Path, directory: Path) -> None:
    """Unpack a compressed tar archive into an empty directory; raises UnsafeMember, or ClientError when damaged."""
    root = Path(os.path.realpath(directory))
    try:
        with tarfile.open(archive, "r:*") as opened:
            # Our own checks, which older versions of Python need, take the place of tarfile's.
            opened.extraction_filter = lambda member, _path: member
            _extract_all(opened, root)
    except (tarfile.TarError, zlib.error, EOFError) as error:
        raise ClientError("the archive is damaged", str(error)) from None


def _extract_all(archive: tarfile.TarFile, root: Path) -> None:
    checked: set[Path] = set()
    for member in archive:
        path = root / _relative(member.name)
        if path == root:
            continue
        if path.parent not in checked:
            _require_inside(member, path.parent, root)
            checked.add(path.parent)
        _require_kind(member)
        _require_new(member, path)
        _require_safe_target(member, path, root)
        _restrict(member)
        archive.extract(member, root, set_attrs=not member.issym())


def _relative(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise UnsafeMember(name, "is not a path inside")
    return path


def _require_kind(member: tarfile.TarInfo) -> None:
    if not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
        raise UnsafeMember(member.name, "is neither file, directory nor link")


def _require_new(member: tarfile.TarInfo, path: Path) -> None:
    # Writing to what is there would follow a link that an earlier member made.
    if os.path.lexists(path) and not (member.isdir() and path.is_dir() and not path.is_symlink()):
        raise UnsafeMember(member.name, "is there twice")


def _require_safe_target(member: tarfile.TarInfo, path: Path, root: Path) -> None:
    if member.issym():
        if PurePosixPath(member.linkname).is_absolute():
            raise UnsafeMember(member.name, f"links to {member.linkname!r}, which is outside")
        _require_inside(member, path.parent / member.linkname, root)
    elif member.islnk():
        _require_inside(member, root / _relative(member.linkname), root)


def _require_inside(member: tarfile.TarInfo, path: Path, root: Path) -> None:
    if not Path(os.path.realpath(path)).is_relative_to(root):
        raise UnsafeMember(member.name, "leads outside")


def _restrict(member: tarfile.TarInfo) -> None:
    """Let what is extracted belong to us."""
    member.uid, member.gid, member.uname, member.gname = os.getuid(), os.getgid(), "", ""
    member.mode = member.mode & _MODE_MASK | (_DIRECTORY_MODE if member.isdir() else _FILE_MODE)
