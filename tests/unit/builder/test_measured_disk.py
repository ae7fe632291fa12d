"""Figures of the disk that the prefixes are going to be on."""

import shutil
from pathlib import Path

from conda_store_builder.adapters.directory_meter import measure


def test_disk_is_measured_before_the_directory_is_there(tmp_path: Path) -> None:
    measured = measure(tmp_path / "not" / "yet")
    assert measured.total == shutil.disk_usage(tmp_path).total
    assert 0 < measured.free < measured.total
