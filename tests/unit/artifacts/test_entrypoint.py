"""What runs first in an image: scripts of packages, then the command in their place."""

import subprocess
from pathlib import Path

import pytest

from conda_store_artifacts.domain.image_config import ENTRYPOINT, PREFIX
from conda_store_artifacts.domain.image_files import activation_files

pytestmark = pytest.mark.slow


def entrypoint(prefix: Path) -> Path:
    """The entrypoint of an image whose environment is at ``prefix``."""
    (file,) = (file for file in activation_files("") if f"/{file.path}" == ENTRYPOINT)
    path = prefix / "entrypoint.sh"
    path.write_text((file.content or "").replace(PREFIX, str(prefix)))
    path.chmod(file.mode)
    return path


def run(path: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([path, *command], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False)


def test_command_runs_with_what_the_scripts_of_packages_set(tmp_path: Path) -> None:
    scripts = tmp_path / "etc" / "conda" / "activate.d"
    scripts.mkdir(parents=True)
    (scripts / "a.sh").write_text("export GREETING=hello\nfalse\n")
    (scripts / "b.sh").write_text('export GREETING="$GREETING, you"\n')
    (scripts / "c.fish").write_text("no shell of ours knows this\n")
    done = run(entrypoint(tmp_path), "/bin/sh", "-c", 'echo "$GREETING: $1"', "x", "two words")
    assert (done.stdout, done.stderr, done.returncode) == ("hello, you: two words\n", "", 0)


def test_status_of_the_command_is_that_of_the_container(tmp_path: Path) -> None:
    assert run(entrypoint(tmp_path), "/bin/sh", "-c", "exit 7").returncode == 7
