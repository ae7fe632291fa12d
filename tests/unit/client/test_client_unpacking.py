"""Nothing of an archive lands outside its directory."""

import os
import tarfile
from pathlib import Path

import pytest

from conda_store_client.errors import ClientError
from conda_store_client.unpacking import UnsafeMember, unpack
from tests.unit.client.client_builds import a_file, a_member, an_archive


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where to unpack to; what is beside it is to stay as it is."""
    inside = tmp_path / "outside" / "inside"
    inside.mkdir(parents=True)
    (inside.parent / "victim").write_text("untouched")
    return inside


def unpack_members(directory: Path, *members: tuple[tarfile.TarInfo, bytes]) -> None:
    """Unpack an archive of these members."""
    archive = directory.parent.parent / "archive.tar.gz"
    archive.write_bytes(an_archive(*members))
    unpack(archive, directory)


def test_archive_is_unpacked_with_its_links(directory: Path) -> None:
    unpack_members(
        directory,
        a_member("./", tarfile.DIRTYPE),
        a_file("./bin/python3.11", "#!", 0o755),
        a_member("bin/python", tarfile.SYMTYPE, "python3.11"),
        a_member("bin/hard", tarfile.LNKTYPE, "bin/python3.11"),
        a_member("lib64", tarfile.SYMTYPE, "lib"),
        a_member("lib/up", tarfile.SYMTYPE, "../bin"),
        a_member("lib/dangling", tarfile.SYMTYPE, "not-there"),
    )
    assert (directory / "bin/python").read_text() == "#!"
    assert (directory / "bin/hard").stat().st_nlink == 2
    assert os.access(directory / "bin/python3.11", os.X_OK)
    assert (directory / "lib64/up/python").exists()


def test_files_belong_to_whoever_unpacks_them(directory: Path) -> None:
    member, content = a_file("tool", mode=0o6777)
    member.uid, member.gid, member.uname = 12345, 12345, "nobody"
    unpack_members(directory, (member, content), a_file("closed", mode=0o000))
    found = (directory / "tool").stat()
    assert (found.st_uid, found.st_mode & 0o7777) == (os.getuid(), 0o755)
    assert (directory / "closed").read_text() == "content"


@pytest.mark.parametrize(
    "members",
    [
        [a_file("../victim")],
        [a_file("lib/../../victim")],
        [a_file("/tmp/victim-of-a-test")],
        [a_member("link", tarfile.SYMTYPE, "/etc")],
        [a_member("link", tarfile.SYMTYPE, "..")],
        [a_member("link", tarfile.SYMTYPE, "../victim"), a_file("link")],
        [a_member("link", tarfile.LNKTYPE, "../victim")],
        [a_member("device", tarfile.CHRTYPE)],
        [a_member("pipe", tarfile.FIFOTYPE)],
    ],
)
def test_archive_is_refused_when_it_reaches_out(directory: Path, members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    with pytest.raises(UnsafeMember):
        unpack_members(directory, *members)
    assert (directory.parent / "victim").read_text() == "untouched"


def test_archive_is_refused_when_links_lead_out_together(directory: Path) -> None:
    # Read as text the second link stays inside; followed through the first it does not.
    with pytest.raises(UnsafeMember, match="leads outside"):
        unpack_members(
            directory,
            a_file("deep/er/file"),
            a_member("deep/er/top", tarfile.SYMTYPE, "../.."),
            a_member("out", tarfile.SYMTYPE, "deep/er/top/.."),
            a_file("out/victim"),
        )
    assert (directory.parent / "victim").read_text() == "untouched"


def test_archive_is_refused_when_links_made_in_reverse_lead_out(directory: Path) -> None:
    with pytest.raises(UnsafeMember):
        unpack_members(
            directory,
            a_file("deep/er/file"),
            a_member("out", tarfile.SYMTYPE, "deep/er/top/.."),
            a_member("deep/er/top", tarfile.SYMTYPE, "../.."),
            a_file("out/victim"),
        )
    assert (directory.parent / "victim").read_text() == "untouched"


def test_archive_is_refused_when_a_file_is_there_twice(directory: Path) -> None:
    with pytest.raises(UnsafeMember, match="is there twice"):
        unpack_members(directory, a_member("a", tarfile.SYMTYPE, "b"), a_file("a"))


@pytest.mark.parametrize("content", [b"", b"not an archive", an_archive(a_file("a", "x" * 100_000))[:150]])
def test_archive_is_called_damaged_when_it_is(directory: Path, content: bytes) -> None:
    archive = directory.parent / "archive.tar.gz"
    archive.write_bytes(content)
    with pytest.raises(ClientError, match="the archive is damaged"):
        unpack(archive, directory)
