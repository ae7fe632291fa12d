"""Owner and mode without touching what is shared; bytes; removal."""

import os
import stat
from pathlib import Path

import pytest

from conda_store_shared.conda.ownership import Ownership, own_cached_package, own_prefix, remove_tree, unshare_files


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_ownership_is_read_from_an_order() -> None:
    assert Ownership.of(1, 2, "775") == Ownership(uid=1, gid=2, mode=0o775)
    assert Ownership.of(None, None, None).label == "any-any-any"
    assert Ownership.of(0, 0, "7").label == "0-0-007"


def test_own_prefix_changes_no_file_that_is_linked_elsewhere(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("shared")
    elsewhere.chmod(0o666)
    prefix = tmp_path / "prefix"
    prefix.mkdir()
    (prefix / "file").hardlink_to(elsewhere)
    own_prefix(prefix, Ownership(mode=0o750))
    assert (mode(prefix / "file"), mode(elsewhere)) == (0o640, 0o666)
    assert (prefix / "file").read_text() == "shared"
    assert elsewhere.stat().st_nlink == 1


def test_own_prefix_leaves_what_links_point_at(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("x")
    outside.chmod(0o600)
    prefix = tmp_path / "prefix"
    prefix.mkdir()
    (prefix / "link").symlink_to(outside)
    (prefix / "dangling").symlink_to("nowhere")
    own_prefix(prefix, Ownership(mode=0o755))
    assert mode(outside) == 0o600


def test_own_prefix_counts_links_once_and_shared_ones_as_not_unique(tmp_path: Path) -> None:
    prefix = tmp_path / "prefix"
    prefix.mkdir()
    (prefix / "own").write_bytes(b"x" * 100)
    (prefix / "twin").hardlink_to(prefix / "own")
    (tmp_path / "cached").write_bytes(b"x" * 1000)
    (prefix / "shared").hardlink_to(tmp_path / "cached")
    usage = own_prefix(prefix, Ownership())
    directory = prefix.stat().st_size
    assert (usage.apparent, usage.unique) == (directory + 1100, directory + 100)


def test_unshare_files_keeps_content_mode_and_time(tmp_path: Path) -> None:
    prefix = tmp_path / "prefix"
    prefix.mkdir()
    cached = tmp_path / "cached"
    cached.write_text("x")
    cached.chmod(0o555)
    os.utime(cached, (10, 10))
    (prefix / "file").hardlink_to(cached)
    unshare_files(prefix)
    status = (prefix / "file").stat()
    assert (status.st_nlink, stat.S_IMODE(status.st_mode), status.st_mtime) == (1, 0o555, 10)


@pytest.mark.parametrize("permissions", [0o000, 0o500, 0o700])
def test_remove_tree_removes_whatever_the_modes(tmp_path: Path, permissions: int) -> None:
    root = tmp_path / "root"
    (root / "a/b").mkdir(parents=True)
    (root / "a/b/file").write_text("x")
    (root / "a/link").symlink_to(tmp_path)
    for directory in ("a/b", "a"):
        (root / directory).chmod(permissions)
    remove_tree(root)
    assert not root.exists()
    remove_tree(root)


def test_own_prefix_looks_not_at_what_is_settled_in_the_cache(tmp_path: Path) -> None:
    cached = tmp_path / "cached"
    cached.mkdir()
    (cached / "file").write_bytes(b"x" * 1000)
    (cached / "file").chmod(0o666)
    settled = own_cached_package(cached, Ownership(mode=0o755))
    assert (settled, mode(cached / "file")) == ({(cached / "file").stat().st_ino: 1000}, 0o644)
    prefix = tmp_path / "prefix"
    prefix.mkdir(0o755)
    for name in ("file", "twin"):
        (prefix / name).hardlink_to(cached / "file")
    (prefix / "own").write_bytes(b"x" * 10)
    looked_at = own_prefix(prefix, Ownership(mode=0o755))
    assert own_prefix(prefix, Ownership(mode=0o755), settled) == looked_at
    assert looked_at.apparent == prefix.stat().st_size + 1010
