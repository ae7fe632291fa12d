"""Wheels made to do harm are refused before they are unpacked, and named."""

import stat
import zipfile
from pathlib import Path

import pytest

from conda_store_shared.conda.package_check import PackageLimits
from conda_store_shared.conda.wheel_check import check_wheel
from conda_store_shared.domain.lockfile import LockedPackage
from conda_store_shared.errors import StageFailure

SMALL = PackageLimits(bytes=1000, files=10)
POINTS = "bad-1.0.dist-info/entry_points.txt"
PACKAGE = LockedPackage(
    name="bad", version="1.0", manager="pip", platform="linux-64", url="https://x.example/bad-1.0-py3-none-any.whl",
    md5=None, sha256="00", build=None, dependencies={},
)  # fmt: skip


def write(directory: Path, files: dict[str, str], *, mode: int = 0o644) -> Path:
    path = directory / "bad-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (stat.S_IFREG | mode if mode < 0o10000 else mode) << 16
            archive.writestr(entry, text)
    return path


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"../escaped": ""}, "leads out of the environment: '../escaped'"),
        ({"bad/../../escaped": ""}, "leads out"),
        ({"/etc/escaped": ""}, "leads out"),
        ({"bad-1.0.data/scripts/../../escaped": ""}, "leads out"),
        ({"bad/new\nline": ""}, "leads out"),
        ({"bad-1.0.data/elsewhere/x": ""}, "has no place"),
        ({"bad-1.0.data/data/conda-meta/x.json": ""}, "would be a record"),
        ({POINTS: "[console_scripts]\n../../escaped = os:getcwd\n"}, "an entry point that is none"),
        ({POINTS: "[console_scripts]\nbad = os:getcwd;import os\n"}, "an entry point that is none"),
        ({POINTS: "[gui_scripts]\n.bad = os:getcwd\n"}, "an entry point that is none"),
        ({POINTS: "no section"}, "cannot be read"),
        ({"bad/big": "x" * 2000}, "larger than 1000 bytes"),
        ({f"bad/{number}": "" for number in range(20)}, "more than 10 files"),
    ],
)
def test_wheel_is_refused_with_the_reason(tmp_path: Path, files: dict[str, str], words: str) -> None:
    with pytest.raises(StageFailure) as refused:
        check_wheel(write(tmp_path, files), PACKAGE, SMALL)
    assert refused.value.cause == "invalid_package"
    assert refused.value.detail.startswith("package bad 1.0 (bad-1.0-py3-none-any.whl) is refused: ")
    assert words in refused.value.detail


def test_wheel_is_refused_when_it_holds_a_link_or_is_none(tmp_path: Path) -> None:
    link = write(tmp_path, {"bad/link": "/etc"}, mode=stat.S_IFLNK | 0o777)
    with pytest.raises(StageFailure, match="is a symbolic link"):
        check_wheel(link, PACKAGE, SMALL)
    link.write_bytes(b"nothing of the kind")
    with pytest.raises(StageFailure, match="it is no wheel"):
        check_wheel(link, PACKAGE, SMALL)


def test_wheel_as_others_make_them_is_taken(tmp_path: Path) -> None:
    points = "[console_scripts]\nbad-tool = bad.cli:main\nb.2 = bad : cli.run\n\n[other]\nx = y\n"
    files = {"bad/__init__.py": "", "bad-1.0.data/data/share/x": "", "bad-1.0.data/scripts/tool": "", POINTS: points}
    check_wheel(write(tmp_path, files), PACKAGE, SMALL)
