"""Notes that builders leave for each other."""

from pathlib import Path

from conda_store_builder.adapters.builder_files import BuilderFiles
from conda_store_builder.adapters.directory_janitor import DirectoryJanitor


def test_janitor_sweeps_on_when_a_power_loss_emptied_the_notes(tmp_path: Path) -> None:
    files = BuilderFiles(tmp_path)
    prefixes = tmp_path / "team"
    (prefixes / ".trash-1").mkdir(parents=True)
    files.remember_directory(prefixes)
    for kind in ("directories", "discard"):
        (tmp_path / ".builder" / kind).mkdir(exist_ok=True)
        (tmp_path / ".builder" / kind / "emptied").write_text("")
    DirectoryJanitor(tmp_path, tmp_path / "cache", 1.0).sweep()
    assert not list(prefixes.iterdir())
    assert files.directories() == [prefixes]
