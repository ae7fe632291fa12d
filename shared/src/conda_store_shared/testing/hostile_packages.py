"""Conda packages as somebody with bad intentions makes them, written the same way each time."""

import bz2
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zstandard

_EPOCH = (1980, 1, 1, 0, 0, 0)
FORMATS = (".conda", ".tar.bz2")


@dataclass(frozen=True, kw_only=True)
class Member:
    """An entry of the archive: a file with ``content`` unless ``kind`` is another of ``tarfile``'s."""

    name: str
    content: bytes = b""
    kind: bytes = tarfile.REGTYPE
    link: str = ""
    mode: int = 0o644

    def info(self) -> tarfile.TarInfo:
        """As tarfile takes it."""
        info = tarfile.TarInfo(self.name)
        info.type, info.linkname, info.mode = self.kind, self.link, self.mode
        info.size = len(self.content) if self.kind == tarfile.REGTYPE else 0
        return info


@dataclass(frozen=True, kw_only=True)
class HostilePackage:
    """A package of ``members``, which ``info/paths.json`` lists unless ``info`` says something else.

    ``info`` replaces files below ``info/`` by their names, or leaves them out where it is None; ``index`` changes
    members of ``info/index.json``.  ``damage`` is "swapped", "no-info", "no-pkg", "truncated" or nothing.
    """

    name: str
    members: tuple[Member, ...] = ()
    info: Mapping[str, bytes | None] = field(default_factory=dict)
    index: Mapping[str, Any] = field(default_factory=dict)
    damage: str = ""
    subdir: str = "linux-64"
    version: str = "1.0"
    build: str = "0"

    def write(self, channel: Path, ending: str) -> Path:
        """Write it to its subdir of ``channel``, a directory, in the format of ``ending``."""
        path = channel / self.subdir / f"{self.name}-{self.version}-{self.build}{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        information = [Member(name=name, content=content) for name, content in self._information()]
        if ending == ".conda":
            content = self._zipped(information)
        else:
            content = bz2.compress(_tarred([*information, *self.members]))
        path.write_bytes(content[: len(content) // 2] if self.damage == "truncated" else content)
        return path

    def locked(self, path: Path) -> dict[str, Any]:
        """Its entry in a lockfile."""
        content = path.read_bytes()
        return {
            "name": self.name, "version": self.version, "build": self.build, "manager": "conda",
            "platform": self.subdir, "dependencies": {}, "url": path.as_uri(),
            "hash": {"md5": hashlib.md5(content).hexdigest(), "sha256": hashlib.sha256(content).hexdigest()},
        }  # fmt: skip

    def _zipped(self, information: list[Member]) -> bytes:
        stem = f"{self.name}-{self.version}-{self.build}"
        inner = {"pkg": _tarred(list(self.members)), "info": _tarred(information)}
        if self.damage == "swapped":
            inner = {"pkg": inner["info"], "info": inner["pkg"]}
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr(zipfile.ZipInfo("metadata.json", _EPOCH), '{"conda_pkg_format_version": 2}')
            for part, tar in inner.items():
                if self.damage != f"no-{part}":
                    entry = zipfile.ZipInfo(f"{part}-{stem}.tar.zst", _EPOCH)
                    archive.writestr(entry, zstandard.compress(tar))
        return content.getvalue()

    def _information(self) -> Iterator[tuple[str, bytes]]:
        index = {
            "name": self.name, "version": self.version, "build": self.build, "build_number": 0,
            "subdir": self.subdir, "depends": [], **self.index,
        }  # fmt: skip
        files = {
            "info/index.json": json.dumps(index).encode(),
            "info/paths.json": paths_json(*(_path(member) for member in self.members)),
            "info/files": "\n".join(member.name for member in self.members).encode(errors="surrogateescape"),
        }
        for name, content in (files | {f"info/{name}": content for name, content in self.info.items()}).items():
            if content is not None:
                yield name, content


def paths_json(*paths: Mapping[str, Any]) -> bytes:
    """``info/paths.json`` of these rows."""
    return json.dumps({"paths": paths, "paths_version": 1}).encode()


def _path(member: Member) -> Mapping[str, Any]:
    kinds = {tarfile.SYMTYPE: "softlink", tarfile.DIRTYPE: "directory"}
    row: dict[str, Any] = {"_path": member.name, "path_type": kinds.get(member.kind, "hardlink")}
    if member.kind == tarfile.REGTYPE:
        row |= {"sha256": hashlib.sha256(member.content).hexdigest(), "size_in_bytes": len(member.content)}
    return row


def _tarred(members: list[Member]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member in members:
            archive.addfile(member.info(), io.BytesIO(member.content))
    return content.getvalue()


def _listing(path: str, kind: str = "hardlink") -> dict[str, bytes]:
    return {"paths.json": paths_json({"_path": path, "path_type": kind})}


def _noarch(entry_point: Any) -> dict[str, bytes]:
    link = {"noarch": {"type": "python", "entry_points": [entry_point]}, "package_metadata_version": 1}
    return {"link.json": json.dumps(link).encode()}


_FILE = Member(name="share/a", content=b"a")
_PYTHON = {"noarch": "python"}
_DAMAGES = ("truncated", "no-info", "no-pkg")


def refused_packages(outside: Path) -> dict[str, HostilePackage]:
    """Packages that nothing of is to be installed, by what is wrong; ``outside`` is where they want to get to."""
    return {
        **{name: HostilePackage(name=f"bad-{name}", members=each) for name, each in _bad_members(str(outside)).items()},
        **{
            name: HostilePackage(name=f"bad-{name}", members=(_FILE,), info=info, index=index)
            for name, (info, index) in _bad_information(str(outside)).items()
        },
        **{damage: HostilePackage(name=f"bad-{damage}", members=(_FILE,), damage=damage) for damage in _DAMAGES},
    }


def _bad_members(there: str) -> dict[str, tuple[Member, ...]]:
    link = Member(name="d", kind=tarfile.SYMTYPE, link=there)
    return {
        "dotdot": (Member(name="../escaped", content=b"x"),),
        "dotdot-inside": (Member(name="share/../../../escaped", content=b"x"),),
        "absolute": (Member(name=f"{there}/escaped", content=b"x"),),
        "link-out": (link,),
        "link-climbing-out": (Member(name="share/l", kind=tarfile.SYMTYPE, link="../../x"),),
        "link-through-link": (
            Member(name="a/b/s", kind=tarfile.SYMTYPE, link="../.."),
            Member(name="a/b/t", kind=tarfile.SYMTYPE, link="s/../../x"),
        ),
        "file-through-link": (link, Member(name="d/escaped", content=b"x")),
        "hard-link-out": (Member(name="h", kind=tarfile.LNKTYPE, link=f"{there}/secret"),),
        "hard-link-climbing-out": (Member(name="h", kind=tarfile.LNKTYPE, link="../" * 12 + there + "/secret"),),
        "hard-link-through-link": (link, Member(name="h", kind=tarfile.LNKTYPE, link="d/secret")),
        "newline": (Member(name="share/new\nline", content=b"x"),),
        "control": (Member(name="share/\x1b[31mred", content=b"x"),),
        "records": (Member(name="conda-meta/other-1.0-0.json", content=b"{}"),),
        "history": (Member(name="conda-meta/history", content=b"x"),),
        "deep": (Member(name="d/" * 1000 + "f", content=b"x"),),
    }


def _bad_information(there: str) -> dict[str, tuple[Mapping[str, bytes | None], Mapping[str, Any]]]:
    return {
        "lists-dotdot": (_listing("../../escaped"), {}),
        "lists-absolute": (_listing(f"{there}/secret"), {}),
        "lists-missing": (_listing("share/none"), {}),
        "lists-directory": (_listing("../../escaped", "directory"), {}),
        "lists-nonsense": ({"paths.json": b'{"paths": [1, {"_path": 3}], "paths_version": 1}'}, {}),
        "lists-no-json": ({"paths.json": b"["}, {}),
        "old-lists-dotdot": ({"paths.json": None, "files": b"../../escaped"}, {}),
        "placeholder": ({"paths.json": paths_json(
            {"_path": "share/a", "path_type": "hardlink", "prefix_placeholder": 7, "file_mode": "text"})}, {}),
        "entry-point-dotdot": (_noarch("../../../escaped = os:getcwd"), _PYTHON),
        "entry-point-newline": (_noarch("x = os:getcwd\nimport os"), _PYTHON),
        "entry-point-shell": (_noarch("y = os:getcwd();import os"), _PYTHON),
        "entry-point-number": (_noarch(7), _PYTHON),
        "link-nonsense": ({"link.json": b'"nonsense"'}, _PYTHON),
        "other-name": ({}, {"name": "another"}),
        "other-version": ({}, {"version": "9"}),
        "other-build": ({}, {"build": "../../x"}),
        "index-types": ({}, {"depends": "python"}),
        "index-site-packages": ({}, {"python_site_packages_path": "../../../escaped"}),
        "index-no-json": ({"index.json": b"not json"}, {}),
        "index-missing": ({"index.json": None}, {}),
    }  # fmt: skip


def contained_packages() -> dict[str, HostilePackage]:
    """Packages that can do no harm where they are installed, by what is strange."""
    members: dict[str, tuple[Member, ...]] = {
        "setuid": (Member(name="bin/suid", content=b"x", mode=0o6755),),
        "pipe": (Member(name="pipe", kind=tarfile.FIFOTYPE),),
        "device": (Member(name="device", kind=tarfile.CHRTYPE),),
        "case-clash": (Member(name="share/B", content=b"1"), Member(name="share/b", content=b"2")),
        "unlisted": (_FILE,),
        "swapped": (_FILE,),
    }
    return {
        name: HostilePackage(
            name=f"odd-{name}",
            members=each,
            info={"paths.json": paths_json()} if name == "unlisted" else {},
            damage="swapped" if name == "swapped" else "",
        )
        for name, each in members.items()
    }


def bombs() -> dict[str, HostilePackage]:
    """Packages that are small until they are extracted: one large file, and many small ones."""
    return {
        "large": HostilePackage(name="bomb-large", members=(Member(name="share/big", content=bytes(48 * 2**20)),)),
        "many": HostilePackage(
            name="bomb-many", members=tuple(Member(name=f"share/{number}") for number in range(6_000))
        ),
    }
