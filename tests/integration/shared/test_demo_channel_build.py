"""Building the channel: once, whatever asks for it, and the same bytes each time."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from conda_store_shared.testing.demo_channel import DemoChannelFailed, build_demo_channel

COMMAND = [
    sys.executable,
    "-m",
    "conda_store_shared.testing.demo_channel",
    "build",
    "--packages",
    "small",
    "--directory",
]


@pytest.fixture(scope="module")
def built_by_two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A directory two commands built the channel in at the same time, and what each printed."""
    directory = tmp_path_factory.mktemp("two")
    commands = [subprocess.Popen([*COMMAND, directory], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    return directory, [command.communicate(timeout=100)[0] for command in commands]


def digests(channel: Path) -> dict[str, str]:
    """Digest of every package and repodata.json by path."""
    files = [*channel.rglob("*.conda"), *channel.rglob("repodata.json")]
    return {str(file.relative_to(channel)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_two_commands_build_the_channel_once_when_started_together(built_by_two: tuple[Path, list[str]]) -> None:
    directory, outputs = built_by_two
    assert sorted("demo channel: built, " in output for output in outputs) == [False, True]
    assert len({output.splitlines()[-1] for output in outputs}) == 1
    assert [file.name for file in directory.iterdir() if file.name.startswith(".building-")] == []


def test_command_reports_its_progress_and_the_url(built_by_two: tuple[Path, list[str]]) -> None:
    (output,) = (output for output in built_by_two[1] if "building from CPython" in output)
    assert "packages written" in output
    assert output.splitlines()[-1].startswith("file:///")


def test_channel_is_found_again_when_nothing_changed(built_by_two: tuple[Path, list[str]]) -> None:
    channel = build_demo_channel(built_by_two[0], packages="small")
    assert not channel.is_new
    assert channel.package_count >= 20


def test_two_builds_are_byte_identical(built_by_two: tuple[Path, list[str]], tmp_path: Path) -> None:
    first = build_demo_channel(built_by_two[0], packages="small")
    lines: list[str] = []
    second = build_demo_channel(tmp_path, packages="small", report=lines.append)
    assert second.is_new
    assert lines
    assert digests(second.path) == digests(first.path)


def test_half_a_channel_is_built_anew(built_by_two: tuple[Path, list[str]], tmp_path: Path) -> None:
    name = build_demo_channel(built_by_two[0], packages="small").key
    (tmp_path / name / "noarch").mkdir(parents=True)
    (tmp_path / ".building-of-a-killed-process").mkdir()
    assert build_demo_channel(tmp_path, packages="small").is_new
    assert not (tmp_path / ".building-of-a-killed-process").exists()


def test_build_fails_with_the_reason_when_there_is_no_such_interpreter(tmp_path: Path) -> None:
    with pytest.raises(DemoChannelFailed, match="/nonexistent/python3"):
        build_demo_channel(tmp_path, interpreter=Path("/nonexistent/python3"))
