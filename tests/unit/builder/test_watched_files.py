"""Which files of watched paths hold specifications, and what may stand there instead."""

import os
from pathlib import Path

from conda_store_builder.adapters.watched_files import MAXIMUM_BYTES, Unreadable, Version, list_files, read_file


def read(path: Path) -> bytes | Unreadable | None:
    """The content of a file as it is listed now."""
    version = list_files([path]).files[path]
    return version if isinstance(version, Unreadable) else read_file(path, version)


def test_directory_is_listed_one_level_deep(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "directory.yml").mkdir()
    for name in ("one.yaml", "two.yml", ".hidden.yml", "three.json", "four.YAML", "five.yml~", "below/six.yml"):
        (tmp_path / name).write_text("name: a")
    assert sorted(path.name for path in list_files([tmp_path]).files) == [".hidden.yml", "one.yaml", "two.yml"]


def test_file_is_listed_once_when_it_is_named_itself_as_well(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("name: a")
    assert list(list_files([tmp_path, tmp_path / "a.yml"]).files) == [tmp_path / "a.yml"]


def test_file_of_another_suffix_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("name: a")
    listing = list_files([tmp_path / "a.txt", tmp_path / "not" / "there"])
    assert (listing.files, listing.unsuitable) == ({}, {tmp_path / "a.txt"})
    assert listing.missing == {tmp_path / "not" / "there"}


def test_changes_show_in_the_nearest_directory_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "a.yml").write_text("name: a")
    paths = [tmp_path / "there", tmp_path / "not" / "yet" / "there", tmp_path / "a.yml", tmp_path / "a.yml" / "b"]
    assert {path for path, _, _ in list_files(paths).directories} == {tmp_path, tmp_path / "there"}


def test_directory_is_another_one_when_it_was_replaced(tmp_path: Path) -> None:
    watched = tmp_path / "watched"
    watched.mkdir()
    before = list_files([watched]).directories
    watched.rename(tmp_path / "old")
    watched.mkdir()
    assert list_files([watched]).directories != before


def test_link_leads_to_its_file(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("name: a")
    (tmp_path / "a.yml").symlink_to(tmp_path / "outside")
    assert read(tmp_path / "a.yml") == b"name: a"


def test_lock_of_an_editor_is_no_file(tmp_path: Path) -> None:
    (tmp_path / ".#a.yml").symlink_to("ann@host.123")
    assert list_files([tmp_path]).files == {}


def test_links_in_a_circle_are_unreadable(tmp_path: Path) -> None:
    (tmp_path / "a.yml").symlink_to(tmp_path / "b.yml")
    (tmp_path / "b.yml").symlink_to(tmp_path / "a.yml")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    listing = list_files([tmp_path, tmp_path / "circle"])
    assert set(listing.files) == {tmp_path / "a.yml", tmp_path / "b.yml", tmp_path / "circle"}
    assert set(listing.files.values()) == {Unreadable("unreadable", "Too many levels of symbolic links")}


def test_pipe_and_device_are_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yml")
    (tmp_path / "zeros.yml").symlink_to("/dev/zero")
    for name in ("pipe.yml", "zeros.yml"):
        assert read(tmp_path / name) == Unreadable("unreadable", "Not a regular file")


def test_pipe_is_not_waited_for_when_it_took_the_place_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_text("name: a")
    version = Version.of(path.stat())
    path.unlink()
    os.mkfifo(path)
    assert read_file(path, version) is None


def test_file_has_no_content_when_another_version_took_its_place(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_text("name: a")
    version = Version.of(path.stat())
    path.write_text("name: ab")
    assert read_file(path, version) is None
    path.unlink()
    assert read_file(path, version) is None


def test_file_is_another_version_when_it_was_replaced_by_one_as_long_and_as_old(tmp_path: Path) -> None:
    path, other = tmp_path / "a.yml", tmp_path / "b"
    for file, text in ((path, "name: a"), (other, "name: b")):
        file.write_text(text)
        os.utime(file, (1, 1))
    before = list_files([path]).files
    other.rename(path)
    assert list_files([path]).files != before


def test_large_file_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    with path.open("wb") as file:
        file.truncate(10 * 1024**4)
    assert read(path) == Unreadable("too_large", f"more than {MAXIMUM_BYTES} bytes")



def test_file_is_not_read_out_when_an_address_in_it_holds_a_credential(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_text("name: a\nchannels: ['https://me:hunter2@conda.example/team']\n")
    found = read(path)
    assert isinstance(found, Unreadable)
    assert found.code == "invalid_specification"
    assert "CondaStoreWorker.channel_credentials" in found.detail
    assert "hunter2" not in found.detail
