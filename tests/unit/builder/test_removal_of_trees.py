"""Directories are removed whatever is inside."""

import os
from pathlib import Path

import pytest

from conda_store_shared.conda.ownership import remove_tree

pytestmark = pytest.mark.slow


def test_tree_is_removed_when_it_is_deeper_than_any_path_may_be_long(tmp_path: Path) -> None:
    root = tmp_path / "deep"
    root.mkdir()
    here = os.open(root, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("directory", dir_fd=here)
        inner = os.open("directory", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)
    remove_tree(root)
    assert list(tmp_path.iterdir()) == []


def test_tree_is_removed_when_its_owner_may_not_write_to_it(tmp_path: Path) -> None:
    inner = tmp_path / "tree/inner"
    inner.mkdir(parents=True)
    (inner / "file").touch()
    (inner / "link").symlink_to(tmp_path)
    inner.chmod(0o500)
    (tmp_path / "tree").chmod(0)
    remove_tree(tmp_path / "tree")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_directory_is_removed_and_nothing_is_not_missed(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    remove_tree(tmp_path / "file")
    remove_tree(tmp_path / "file")
    assert list(tmp_path.iterdir()) == []
