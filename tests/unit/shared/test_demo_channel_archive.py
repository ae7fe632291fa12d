"""``.conda`` files: equal content gives equal bytes, and says of each file what an installer must know."""

import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import zstandard

from conda_store_shared.testing.demo_channel.conda_archive import (
    PLACEHOLDER,
    CondaPackage,
    FileMode,
    PackagedFile,
    write_conda_archive,
)


def a_package(*files: PackagedFile, noarch: str | None = None) -> CondaPackage:
    return CondaPackage(
        name="demo", version="1.0", build="h1_0", subdir="noarch" if noarch else "linux-64", noarch=noarch,
        depends=("python >=3.11",), purls=("pkg:pypi/demo@1.0",), entry_points=("demo = demo:main",), files=files,
    )  # fmt: skip


def read_members(archive: Path, kind: str) -> dict[str, tuple[tarfile.TarInfo, bytes]]:
    """The members of the archive's ``pkg`` or ``info`` part."""
    with zipfile.ZipFile(archive) as container:
        compressed = container.read(f"{kind}-{archive.stem}.tar.zst")
    with zstandard.ZstdDecompressor().stream_reader(compressed) as stream:
        content = io.BytesIO(stream.read())
    with tarfile.open(fileobj=content) as tar:
        return {m.name: (m, file.read() if (file := tar.extractfile(m)) else b"") for m in tar if not m.issym()} | {
            m.name: (m, m.linkname.encode()) for m in tar if m.issym()
        }


def read_info(archive: Path, name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(read_members(archive, "info")[f"info/{name}"][1])
    return document


def test_placeholder_is_as_long_as_the_longest_prefix() -> None:
    assert len(PLACEHOLDER) == 255


def test_writer_gives_equal_bytes_for_equal_content(tmp_path: Path) -> None:
    files = [PackagedFile(path="share/b", source=b"b"), PackagedFile(path="share/a", source=b"a", executable=True)]
    first = write_conda_archive(a_package(*files), tmp_path / "one")
    second = write_conda_archive(a_package(*reversed(files)), tmp_path / "two")
    assert first.read_bytes() == second.read_bytes()


def test_writer_keeps_modes_links_and_content_and_forgets_the_rest(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_bytes(b"#!/bin/sh\n")
    archive = write_conda_archive(
        a_package(
            PackagedFile(path="bin/run", source=script, executable=True),
            PackagedFile(path="share/text", source=b"text"),
            PackagedFile(path="share/link", link_target="text"),
        ),
        tmp_path / "channel",
    )
    members = read_members(archive, "pkg")
    assert list(members) == ["bin/run", "share/text", "share/link"]
    assert (members["bin/run"][0].mode, members["share/text"][0].mode) == (0o755, 0o644)
    assert members["bin/run"][1] == b"#!/bin/sh\n"
    assert members["share/link"][1] == b"text"
    assert {(m.uid, m.gid, m.uname, m.mtime) for m, _ in members.values()} == {(0, 0, "", 1_767_225_600)}


def test_writer_declares_placeholders_digests_and_links(tmp_path: Path) -> None:
    archive = write_conda_archive(
        a_package(
            PackagedFile(path="a.bin", source=b"x", file_mode=FileMode.BINARY),
            PackagedFile(path="b.txt", source=b"", file_mode=FileMode.TEXT),
            PackagedFile(path="c.lnk", link_target="b.txt"),
        ),
        tmp_path,
    )
    binary, text, link = read_info(archive, "paths.json")["paths"]
    assert binary["file_mode"] == "binary"
    assert binary["prefix_placeholder"] == PLACEHOLDER
    assert binary["sha256"] == "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    assert (text["file_mode"], text["size_in_bytes"]) == ("text", 0)
    assert link == {"_path": "c.lnk", "path_type": "softlink"}


def test_writer_states_the_record_a_solver_reads(tmp_path: Path) -> None:
    archive = write_conda_archive(a_package(), tmp_path)
    assert archive.relative_to(tmp_path).as_posix() == "linux-64/demo-1.0-h1_0.conda"
    index = read_info(archive, "index.json")
    assert index["depends"] == ["python >=3.11"]
    assert index["purls"] == ["pkg:pypi/demo@1.0"]
    assert (index["platform"], index["arch"], index["subdir"]) == ("linux", "x86_64", "linux-64")
    assert "noarch" not in index


def test_writer_leaves_entry_points_to_the_installer_when_noarch(tmp_path: Path) -> None:
    archive = write_conda_archive(a_package(noarch="python"), tmp_path)
    assert read_info(archive, "link.json")["noarch"] == {"type": "python", "entry_points": ["demo = demo:main"]}
    index = read_info(archive, "index.json")
    assert (index["noarch"], index["platform"], index["subdir"]) == ("python", None, "noarch")
