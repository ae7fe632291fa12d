"""Upstream's own client, from its package, against the running suite."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.acceptance.foreign_tool import install_tool
from tests.acceptance.user import User

PASSWORD = {"CONDA_STORE_AUTH": "basic", "CONDA_STORE_USERNAME": "alice", "CONDA_STORE_PASSWORD": "password"}


@pytest.fixture(scope="session")
def command() -> Path:
    """The command `conda-store` of upstream."""
    return install_tool("upstream-client") / "conda-store"


class UpstreamClient:
    """Somebody who calls upstream's client in a directory of their own."""

    def __init__(self, command: Path, url: str, directory: Path) -> None:
        self._command = command
        self._variables = {
            "CONDA_STORE_URL": url,
            "TMPDIR": str(directory),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "COLUMNS": "200",
        }
        self.directory = directory

    def __call__(self, *arguments: str, credentials: Mapping[str, str] = PASSWORD) -> str:
        """Call the command, which is to succeed; return what it prints."""
        done = subprocess.run(
            [self._command, *arguments],
            cwd=self.directory,
            env={**self._variables, **credentials},
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def upstream(command: Path, user: User, tmp_path: Path) -> UpstreamClient:
    """Upstream's client, turned to the suite by name: it keeps no cookies of hosts that are only numbers."""
    return UpstreamClient(command, user.suite.url.replace("127.0.0.1", "localhost"), tmp_path)


def test_upstream_client_tells_who_it_speaks_for_by_password_and_by_token(upstream: UpstreamClient) -> None:
    assert "alice" in upstream("info")
    token = upstream("token").strip()
    by_token = upstream("info", credentials={"CONDA_STORE_AUTH": "token", "CONDA_STORE_TOKEN": token})
    assert "alice" in by_token
    assert "admin" not in upstream("info", credentials={})


def test_upstream_client_waits_for_downloads_and_runs_an_environment(upstream: UpstreamClient, user: User) -> None:
    build_id = user.submit("upstream", ["python"])
    upstream("wait", "default/upstream", "--interval", "1", "--timeout", "80")
    upstream("wait", str(build_id), "--artifact", "archive", "--interval", "1", "--timeout", "80")
    lockfile = json.loads(Path(upstream("download", str(build_id), "--artifact", "lockfile").strip()).read_text())
    assert "python" in {package["name"] for package in lockfile["package"]}
    exported = Path(upstream("download", "default/upstream", "--artifact", "yaml").strip()).read_text()
    assert "python" in exported
    ran = upstream("run", f"default/upstream:{build_id}", "--", "python", "-c", "import sys; print(sys.prefix)")
    assert str(upstream.directory) in ran


def test_upstream_client_lists_what_there_is(upstream: UpstreamClient, user: User) -> None:
    build_id = user.submit("listed", ["demo-text"])
    user.wait(build_id)
    assert "default" in {row["name"] for row in json.loads(upstream("list", "namespace", "--output", "json"))}
    assert "listed" in {row["name"] for row in json.loads(upstream("list", "environment", "--output", "json"))}
    assert build_id in {row["id"] for row in json.loads(upstream("list", "build", "--output", "json"))}
