"""Owner and mode of a prefix, given in such a way that no file shared with the package cache changes for others."""

import os
import shutil
import stat
import uuid
from collections.abc import Container, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# A regular file may be a hard link into the package cache: nobody but its owner may write to it.
_SHARED_WRITE = stat.S_IWGRP | stat.S_IWOTH

# Pipes and sockets, which a script may leave, are nothing of an environment.
_KINDS = (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """Who owns a prefix; None leaves what is there.  ``mode`` holds the permission bits of directories."""

    uid: int | None = None
    gid: int | None = None
    mode: int | None = None

    @classmethod
    def of(cls, uid: int | None, gid: int | None, permissions: str | None) -> "Ownership":
        """From the fields of an order; ``permissions`` are octal digits."""
        return cls(uid=uid, gid=gid, mode=int(permissions, 8) & 0o777 if permissions else None)

    @property
    def label(self) -> str:
        """A directory name that tells this owner and mode from every other."""
        mode = "any" if self.mode is None else f"{self.mode:03o}"
        parts = ("any" if value is None else str(value) for value in (self.uid, self.gid))
        return "-".join((*parts, mode))

    def within_reach(self) -> "Ownership":
        """What this process may do of it."""
        return self.within_reach_of(os.geteuid(), (os.getegid(), *os.getgroups()))

    def within_reach_of(self, uid: int, groups: Container[int]) -> "Ownership":
        """What a process of that user in those groups may do of it: only root gives files away."""
        if uid == 0:
            return self
        gid = self.gid if self.gid in groups else None
        return Ownership(uid=self.uid if self.uid == uid else None, gid=gid, mode=self.mode)

    def mode_of(self, status: os.stat_result) -> int:
        """The permission bits an entry is to have."""
        current = stat.S_IMODE(status.st_mode)
        if stat.S_ISDIR(status.st_mode):
            return current if self.mode is None else self.mode
        if self.mode is None:
            # A file that ran as its owner, whoever starts it, would run as the service.
            return current & 0o777 & ~_SHARED_WRITE
        bits = self.mode & ~_SHARED_WRITE
        return bits if current & stat.S_IXUSR else bits & ~0o111

    def fits(self, status: os.stat_result) -> bool:
        """Whether an entry has owner and mode already; a symbolic link has no mode of its own."""
        owned = self.uid in (None, status.st_uid) and self.gid in (None, status.st_gid)
        return owned and (stat.S_ISLNK(status.st_mode) or stat.S_IMODE(status.st_mode) == self.mode_of(status))


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskUsage:
    """Bytes of a directory: ``apparent`` as ``du --apparent-size`` counts, ``unique`` what removing it would free."""

    apparent: int
    unique: int


def own_prefix(prefix: Path, ownership: Ownership, settled: Mapping[int, int] | None = None) -> DiskUsage:
    """Give every entry of ``prefix`` its owner and mode, and count their bytes.

    A regular file with links elsewhere is replaced by a copy rather than changed.  ``settled`` are sizes by inode of
    files in the package cache, which have their owner and mode: to look at each of their links takes half the time.
    """
    wanted = ownership.within_reach()
    apparent = unique = 0
    linked: dict[int, list[int]] = {}
    settled, met = settled or {}, set[int]()
    # A prefix has ten thousand entries and a handful of owners and modes: each of these is judged once.
    judged: dict[tuple[int, int, int], bool] = {}
    for path, status in _entries(prefix, settled, met):
        if stat.S_IFMT(status.st_mode) not in _KINDS:
            os.unlink(path)
            continue
        kind = (status.st_mode, status.st_uid, status.st_gid)
        fits = judged.get(kind)
        if fits is None:
            fits = judged[kind] = wanted.fits(status)
        if not fits:
            if _is_shared(status):
                _copy(path)
                status = os.lstat(path)
            _set(path, status, wanted)
        if _is_shared(status):
            links = linked.setdefault(status.st_ino, [status.st_nlink, 0, status.st_size])
            links[1] += 1
        else:
            apparent += status.st_size
            unique += status.st_size
    for count, seen, size in linked.values():
        apparent += size
        unique += size if count == seen else 0
    return DiskUsage(apparent=apparent + sum(settled[inode] for inode in met), unique=unique)


def own_entry(path: Path, ownership: Ownership) -> None:
    """Give one entry, which nothing else is linked to, its owner and mode."""
    _set(str(path), os.lstat(path), ownership.within_reach())


def unshare_files(prefix: Path) -> None:
    """Replace every file of ``prefix`` that has links elsewhere by a copy, so that it may be written to."""
    for path, status in _entries(prefix):
        if _is_shared(status):
            _copy(path)


def give_away(directory: Path, uid: int, gid: int) -> None:
    """Let all of ``directory``, none of which has links elsewhere, belong to another user; takes root."""
    for path, status in _entries(directory):
        if (status.st_uid, status.st_gid) != (uid, gid):
            os.chown(path, uid, gid, follow_symlinks=False)


def own_cached_package(directory: Path, ownership: Ownership) -> dict[int, int]:
    """Give an extracted package of the cache its owner and mode; the cache serves this owner and mode alone.

    Returns the sizes of its regular files by inode.
    """
    wanted = ownership.within_reach()
    files: dict[int, int] = {}
    for path, status in _entries(directory):
        if not stat.S_ISDIR(status.st_mode) and not wanted.fits(status):
            _set(path, status, wanted)
        if stat.S_ISREG(status.st_mode):
            files[status.st_ino] = status.st_size
    return files


def links_below(directory: Path) -> Iterator[str]:
    """The symbolic links below ``directory``."""
    return (path for path, status in _entries(directory) if stat.S_ISLNK(status.st_mode))


def file_sizes(directory: Path) -> dict[int, int]:
    """The sizes of the regular files below ``directory`` by inode."""
    entries = (status for _, status in _entries(directory))
    return {status.st_ino: status.st_size for status in entries if stat.S_ISREG(status.st_mode)}


def remove_tree(directory: Path) -> None:
    """Remove a directory whatever is inside it; harmless when there is none, or when another removes it too."""
    with suppress(RecursionError):
        shutil.rmtree(directory, ignore_errors=True)
    with suppress(FileNotFoundError):
        if not stat.S_ISDIR(os.lstat(directory).st_mode):
            os.unlink(directory)
        else:
            _remove_flattened(directory)


def _remove_flattened(directory: Path) -> None:
    """For directories their owner may not write to, and for those so deep that no path leads to the last.

    What is in a directory comes up to ``directory`` before it goes; a file's own mode does not matter, and may be
    shared with the cache.
    """
    os.chmod(directory, 0o700)
    top = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        while names := os.listdir(top):
            for name in names:
                if not _removed_file(name, top):
                    _remove_level(name, top)
    finally:
        os.close(top)
    os.rmdir(directory)


def _remove_level(name: str, top: int) -> None:
    inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
    try:
        for entry in os.listdir(inner):
            if not _removed_file(entry, inner):
                os.rename(entry, uuid.uuid4().hex, src_dir_fd=inner, dst_dir_fd=top)
    finally:
        os.close(inner)
    os.rmdir(name, dir_fd=top)


def _removed_file(name: str, directory: int) -> bool:
    """Remove what is no directory; one that is can be written to from then on."""
    if stat.S_ISDIR(os.lstat(name, dir_fd=directory).st_mode):
        os.chmod(name, 0o700, dir_fd=directory)
        return False
    os.unlink(name, dir_fd=directory)
    return True


def _entries(
    root: Path, shared: Container[int] = (), met: set[int] | None = None
) -> Iterator[tuple[str, os.stat_result]]:
    """All that is below ``root``, links not followed; directories come last, the innermost first, then ``root``.

    Inodes that are ``shared`` are not looked at, but noted as ``met``.
    """
    met = set() if met is None else met
    directories = [(str(root), os.lstat(root))]
    for path, _ in directories:
        with os.scandir(path) as listing:
            for entry in listing:
                inode = entry.inode()
                if inode in shared:
                    met.add(inode)
                    continue
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode):
                    directories.append((entry.path, status))
                else:
                    yield entry.path, status
    yield from reversed(directories)


def _is_shared(status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode) and status.st_nlink > 1


def _copy(path: str) -> None:
    copy = f"{path}.{uuid.uuid4().hex}"
    shutil.copy2(path, copy)
    os.replace(copy, path)


def _set(path: str, status: os.stat_result, wanted: Ownership) -> None:
    if wanted.uid not in (None, status.st_uid) or wanted.gid not in (None, status.st_gid):
        os.chown(path, -1 if wanted.uid is None else wanted.uid, -1 if wanted.gid is None else wanted.gid,
                 follow_symlinks=False)  # fmt: skip
    if not stat.S_ISLNK(status.st_mode):
        os.chmod(path, wanted.mode_of(status))
