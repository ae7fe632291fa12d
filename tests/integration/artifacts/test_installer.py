"""Installers, run as a user runs them, by the shells there are."""

import asyncio
import contextlib
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from conda_store_shared.contracts.events import StageFailed
from conda_store_shared.db.engine import Database
from conda_store_shared.db.migrate import upgrade
from conda_store_shared.domain.prefix_record import PrefixRecord
from conda_store_shared.storage.filesystem import FilesystemStore
from conda_store_shared.testing.bus_messages import eventually
from tests.integration.artifacts.conftest import DemoEnvironment
from tests.integration.artifacts.test_artifacts_service import running_suite
from tests.unit.artifacts.artifact_builders import BUILD_KEY, StoredBuild
from tests.unit.artifacts.fragment_world import a_lockfile, a_world

SHELLS = [path for name in ("dash", "bash", "busybox") if (path := shutil.which(name))]
TYPE = "CONSTRUCTOR_INSTALLER"


async def make(build: StoredBuild, database: Database, directory: Path) -> Path:
    async with FilesystemStore(directory / "storage") as store:
        await a_world(database, store, directory).add_builds(7)
        async with running_suite(store, database, directory / "work") as suite:
            await build.put(store)
            await suite.ask(build.request(TYPE))
            await suite.until_stored(1)
    return directory / "storage" / "installer" / f"{BUILD_KEY}.sh"


async def make_alone(build: StoredBuild, directory: Path) -> Path:
    async with Database(f"sqlite:///{directory}/artifacts.sqlite") as database:
        await upgrade(database)
        return await make(build, database, directory)


@pytest.fixture(scope="module")
def installer(plain: DemoEnvironment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of an environment that fragments make up."""
    return asyncio.run(make_alone(plain.stored_build(mounted=False), tmp_path_factory.mktemp("installer")))


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Path]:
    """The working directory, which holds a home directory."""
    (tmp_path / "home").mkdir()
    with contextlib.chdir(tmp_path):
        yield tmp_path


def command(shell: str) -> list[str]:
    return [shell, "sh"] if shell.endswith("busybox") else [shell]


def run(installer: Path, *arguments: str, shell: str = "sh", answer: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*command(shell), str(installer), *arguments],
        env={"PATH": "/usr/bin:/bin", "HOME": str(Path.cwd() / "home")},
        input=answer,
        capture_output=True,
        text=True,
        check=False,
    )


def said_by(prefix: Path, *words: str) -> str:
    """What a program of an environment prints when nothing of it is in the path."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
    return subprocess.run(words, env=environment, check=True, capture_output=True, text=True, cwd=prefix).stdout


def check_installed(prefix: Path) -> None:
    python = str(prefix / "bin" / "python")
    assert said_by(prefix, python, "-c", "import numpy, flask; print(numpy.__file__)").startswith(str(prefix))
    # Called by their paths, without activation.
    assert said_by(prefix, str(prefix / "bin" / "cheese")) == "gouda\n"
    assert said_by(prefix, str(prefix / "bin" / "flask"), "--version").startswith("Python 3")
    assert said_by(prefix, str(prefix / "bin" / "demo-prefix")).startswith(f"root = {prefix}/share/demo-prefix\n")
    assert f"\0{prefix}/lib\0".encode() in (prefix / "share/demo-prefix/binary.dat").read_bytes()
    assert [str(path) for path in prefix.rglob("*.pyc") if "conda_unpack_progress" in path.name] == []


def test_installer_installs_with_every_shell(installer: Path, here: Path) -> None:
    assert any("dash" in shell for shell in SHELLS)
    assert any("bash" in shell for shell in SHELLS)
    for number, shell in enumerate(SHELLS):
        prefix = here / f"installed-{number}" / "below" / "here"
        ended = run(installer, "-b", "-p", str(prefix), shell=shell)
        assert (ended.returncode, ended.stderr) == (0, ""), shell
        assert f"installed; to activate it: . {prefix}/bin/activate" in ended.stdout
        check_installed(prefix)


def test_installer_tells_how_it_is_used(installer: Path, here: Path) -> None:
    told = run(installer, "-h")
    assert told.returncode == 0
    assert "usage: sh" in told.stdout
    assert "team/weather, build 0123abcd-1700000000-7-weather, for linux-64" in told.stdout.replace("\n", " ")
    for arguments in (["-x"], ["-p"], ["-f"], ["-u"], ["-b", "somewhere"], ["-b", "-p", ""]):
        refused = run(installer, *arguments)
        assert refused.returncode == 2, arguments
        assert refused.stderr != ""
    assert "-f is not supported: remove what exists" in run(installer, "-f").stderr


def test_installer_asks_unless_told_not_to(installer: Path, here: Path) -> None:
    prefix = here / "asked"
    assert run(installer, "-p", str(prefix), answer="no\n").returncode == 1
    nobody = run(installer, "-p", str(prefix))
    assert (nobody.returncode, "nobody answers; use -b" in nobody.stderr) == (2, True)
    assert not prefix.exists()
    assert run(installer, "-p", str(prefix), answer="yes\n").returncode == 0
    assert (prefix / "bin" / "python").exists()
    # By itself it offers a place in the home directory.
    assert run(installer, answer="\n").returncode == 0
    assert (here / "home" / "weather" / "bin" / "python").exists()
    assert run(installer, answer="relative/place/\n").returncode == 0
    assert (here / "relative" / "place" / "bin" / "python").exists()


def test_installer_leaves_alone_what_exists(installer: Path, here: Path) -> None:
    directory, link = here / "directory", here / "link"
    directory.mkdir()
    link.symlink_to(here / "nowhere")
    for prefix in (directory, link):
        refused = run(installer, "-b", "-p", str(prefix))
        assert refused.returncode == 1
        assert f"{prefix} exists; remove it, or choose another PREFIX" in refused.stderr
    assert list(directory.iterdir()) == []
    (here / "file").write_text("")
    assert run(installer, "-b", "-p", str(here / "file" / "below")).returncode == 2


@pytest.mark.parametrize("name", ["with space", "with\ttab", "long-" * 60])
def test_installer_refuses_a_path_nothing_would_work_at(installer: Path, here: Path, name: str) -> None:
    parts = "/".join(name[start : start + 100] for start in range(0, len(name), 100))
    refused = run(installer, "-b", "-p", str(here / parts))
    assert refused.returncode == 2
    assert "spaces" in refused.stderr or "is too long" in refused.stderr
    assert not (here / parts).exists()


def test_installer_says_that_it_is_damaged(installer: Path, here: Path) -> None:
    content = installer.read_bytes()
    half = len(content) // 2
    damaged = {
        "cut short": content[:half],
        "without its seal": content[:-65],
        "one byte changed": content[:half] + bytes([content[half] ^ 1]) + content[half + 1 :],
        "its script alone": content[: content.index(b"\nexit 0\n") + 8],
        "with more behind it": content + b"\n",
    }
    for how, bad in damaged.items():
        path = here / f"{how.replace(' ', '-')}.sh"
        path.write_bytes(bad)
        ended = run(path, "-b", "-p", str(here / "prefix"))
        assert (ended.returncode, "is damaged or incomplete" in ended.stderr) == (3, True), how
        assert not (here / "prefix").exists()


def test_installer_leaves_nothing_behind_when_it_fails(installer: Path, here: Path) -> None:
    # A tar that stops in the middle, as on a full disk.
    programs = here / "programs"
    programs.mkdir()
    tar = programs / "tar"
    tar.write_text("#!/bin/sh\nhead -c 1000000 | /bin/tar \"$@\" 2>/dev/null\nexit 2\n")
    tar.chmod(0o755)
    (here / "kept").mkdir()
    prefix = here / "kept" / "new" / "prefix"
    ended = subprocess.run(
        ["sh", str(installer), "-b", "-p", str(prefix)],
        env={"PATH": f"{programs}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, "is there room on that disk?" in ended.stderr) == (1, True)
    assert list((here / "kept").iterdir()) == []


def test_installer_leaves_nothing_behind_when_it_is_stopped(installer: Path, here: Path) -> None:
    programs = here / "programs"
    programs.mkdir()
    tar = programs / "tar"
    # It tells its caller to stop as soon as it began.
    tar.write_text("#!/bin/sh\nkill -TERM $PPID\ncat >/dev/null\n")
    tar.chmod(0o755)
    ended = subprocess.run(
        ["dash", str(installer), "-b", "-p", str(here / "prefix")],
        env={"PATH": f"{programs}:/usr/bin:/bin"},
        capture_output=True,
        check=False,
    )
    assert ended.returncode != 0
    assert not (here / "prefix").exists()


def test_installer_works_for_somebody_who_is_not_root(installer: Path) -> None:
    # Only root can be somebody else; others are not root already.
    user = 12345 if os.geteuid() == 0 else os.geteuid()
    home = Path("/var/tmp") / f"conda-store-installer-{os.getpid()}"
    home.mkdir()
    try:
        copy = home / "installer.sh"
        shutil.copy(installer, copy)
        copy.chmod(0o644)
        os.chown(home, user, -1)
        subprocess.run(["sh", str(copy), "-b", "-p", str(home / "prefix")], user=user, cwd="/", check=True)
        assert (home / "prefix").stat().st_uid == user
        assert stat.S_IMODE((home / "prefix/bin/python3.11").stat().st_mode) & 0o500 == 0o500
        check_installed(home / "prefix")
    finally:
        shutil.rmtree(home)


async def test_installer_of_an_environment_with_link_scripts_holds_what_they_made(
    scripted: DemoEnvironment, empty_database: Database, here: Path
) -> None:
    installer = await make(scripted.stored_build(), empty_database, here)
    prefix = here / "installed"
    ended = await asyncio.to_thread(run, installer, "-b", "-p", str(prefix))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert await asyncio.to_thread((prefix / "link-script-ran").read_text) == f"{prefix}\n"


async def test_installer_of_an_environment_nothing_could_mend_is_not_made(
    plain: DemoEnvironment, empty_database: Database, tmp_path: Path
) -> None:
    packages = [package for package in plain.lockfile.value["package"] if package["name"] == "demo-prefix"]
    record = PrefixRecord(path="/nowhere", apparent_bytes=1, unique_bytes=1, packages=())
    build = StoredBuild(lockfile=a_lockfile(*packages), record=record)
    async with FilesystemStore(tmp_path / "storage") as store:
        await a_world(empty_database, store, tmp_path).add_builds(7)
        async with running_suite(store, empty_database, tmp_path / "work") as suite:
            await build.put(store)
            await suite.ask(build.request(TYPE))
            await eventually(lambda: bool(suite.of(StageFailed)), timeout=30)
            [failed] = suite.of(StageFailed)
    assert isinstance(failed, StageFailed)
    assert (failed.code, failed.transient) == ("pack_failed", False)
    assert "add python to its dependencies" in failed.detail
