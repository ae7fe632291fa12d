"""Programs that the demo runs from what it built."""

import io
import tarfile
from pathlib import Path

import pytest

from conda_store_standalone.demo.failure import DemoFailed
from conda_store_standalone.demo.programs import install, run_from, unpack


def a_prefix(root: Path, python: str) -> Path:
    (root / "bin").mkdir(parents=True)
    program = root / "bin" / "python"
    program.write_text(f"#!/bin/sh\n{python}\n")
    program.chmod(0o755)
    return root


def test_program_that_fails_is_told_with_its_words(tmp_path: Path) -> None:
    with pytest.raises(DemoFailed, match=r"status 3(.|\n)*no numpy"):
        run_from(a_prefix(tmp_path / "prefix", "echo no numpy >&2; exit 3"))


def test_program_of_another_prefix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DemoFailed, match="says that its prefix is /usr"):
        run_from(a_prefix(tmp_path / "prefix", "echo 5050; echo /usr"))


def test_prefix_without_python_is_told(tmp_path: Path) -> None:
    with pytest.raises(DemoFailed, match="cannot be run"):
        run_from(tmp_path)


def test_archive_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(DemoFailed, match="could not unpack"):
        unpack([b"no archive"], tmp_path / "unpacked")


def test_archive_is_unpacked_and_told_its_place(tmp_path: Path) -> None:
    prefix = a_prefix(tmp_path / "prefix", 'echo "$1" > /dev/null')
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        tar.add(prefix, arcname=".")
    content = packed.getvalue()
    assert unpack([content[:100], content[100:]], tmp_path / "unpacked") == len(content)
    assert (tmp_path / "unpacked" / "bin" / "python").exists()


def test_archive_is_not_unpacked_over_another(tmp_path: Path) -> None:
    with pytest.raises(DemoFailed, match="is there already"):
        unpack([], tmp_path)


def test_installer_is_kept_and_run_with_the_place_it_is_to_make(tmp_path: Path) -> None:
    target = tmp_path / "installed" / "build-1"
    pieces = [b'mkdir "$3"; ', b'echo "$1" > "$3/how"']
    assert install(pieces, target) == sum(map(len, pieces))
    assert (target / "how").read_text() == "-b\n"
    assert target.with_suffix(".sh").exists()


def test_installer_that_fails_is_told_with_its_words(tmp_path: Path) -> None:
    with pytest.raises(DemoFailed, match=r"status 4(.|\n)*no room"):
        install([b"echo no room >&2; exit 4"], tmp_path / "installed")
