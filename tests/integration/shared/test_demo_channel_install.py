"""Environments installed from the demo channel: real software that runs from its prefix alone."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conda_store_shared.testing.demo_channel import DemoChannel, build_demo_channel
from conda_store_shared.testing.demo_channel.conda_archive import PLACEHOLDER
from conda_store_shared.testing.demo_channel.server import ChannelServer

CLIENT = Path(__file__).with_name("demo_channel_client.py")
DEBIAN_PYTHON = Path("/usr/bin/python3.11")
LINUX, GLIBC = "linux-64" if os.uname().machine == "x86_64" else "linux-aarch64", {"__glibc": "2.28", "__linux": "5.10"}
IMPORTS = "import bz2, ctypes, curses, flask, hashlib, lzma, numpy, readline, sqlite3, ssl, uuid, zlib"
FOREIGN_LIBRARIES = f"""
{IMPORTS}
import sys
lines = open("/proc/self/maps").read().splitlines()
print(*sorted({{line.split()[-1] for line in lines if ".so" in line and sys.prefix not in line}}))
"""
Client = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Client:
    """Solve in a process of its own, and install if a prefix is given."""
    cache = tmp_path_factory.mktemp("cache")

    def solve(channel: str, *specs: str, prefix: Path | None = None, **changes: Any) -> list[dict[str, Any]]:
        order = {"channel": channel, "specs": specs, "cache": str(cache), "platforms": [LINUX, "noarch"]}
        order |= {"virtual_packages": GLIBC, "prefix": None if prefix is None else str(prefix)} | changes
        answer = subprocess.run(
            [sys.executable, CLIENT, json.dumps(order)], capture_output=True, text=True, check=False, timeout=100
        )
        assert answer.returncode == 0, answer.stderr
        records: list[dict[str, Any]] = json.loads(answer.stdout)
        return records

    return solve


@pytest.fixture(scope="module")
def prefix(demo_channel: DemoChannel, client: Client, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with everything the demonstration needs."""
    target = tmp_path_factory.mktemp("environments") / "demo"
    client(
        demo_channel.url,
        "python",
        "numpy",
        "flask",
        "ipykernel",
        "pip",
        "demo-prefix",
        "demo-link-script",
        prefix=target,
    )
    return target


def run(prefix: Path, *arguments: str) -> str:
    """What a command of the prefix prints, without any of this process's environment."""
    command = [str(prefix / "bin" / arguments[0]), *arguments[1:]]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, env={}, timeout=60)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip()


def foreign_libraries(prefix: Path) -> set[str]:
    """Names of the libraries loaded from outside the prefix."""
    return {Path(path).name.partition(".so")[0] for path in run(prefix, "python", "-c", FOREIGN_LIBRARIES).split()}


def test_environment_runs_on_nothing_but_the_c_library(prefix: Path) -> None:
    assert foreign_libraries(prefix) <= {
        "ld-linux-x86-64", "ld-linux-aarch64", "libc", "libm", "libpthread", "libdl", "libutil", "librt",
    }  # fmt: skip


def test_python_knows_its_own_prefix(prefix: Path) -> None:
    script = (
        "import sys, sysconfig; print(sys.prefix, sysconfig.get_path('purelib'), sysconfig.get_config_var('INCLUDEPY'))"
    )
    root, packages, headers = run(prefix, "python", "-c", script).split()
    minor = f"python{sys.version_info.major}.{sys.version_info.minor}"
    assert root == str(prefix)
    assert packages == str(prefix / "lib" / minor / "site-packages")
    assert headers == str(prefix / "include" / minor)


def test_commands_of_pure_and_of_binary_wheels_run(prefix: Path) -> None:
    assert "Werkzeug" in run(prefix, "flask", "--version")
    assert str(prefix) in run(prefix, "pip", "--version")
    assert run(prefix, "f2py", "-v")


def test_pip_finds_no_broken_requirements(prefix: Path) -> None:
    assert run(prefix, "pip", "check") == "No broken requirements found."


def test_kernel_is_registered(prefix: Path) -> None:
    assert "python3" in run(prefix, "jupyter", "kernelspec", "list")


def test_placeholders_become_the_prefix_as_text_and_in_binaries(prefix: Path) -> None:
    directory = prefix / "share" / "demo-prefix"
    assert (directory / "text.conf").read_text() == f"root = {directory}\nagain = {prefix}\n"
    binary = (directory / "binary.dat").read_bytes()
    assert f"{prefix}/lib\0".encode() in binary
    assert len(binary) == len(b"\x00\x01DEMO\x00" + PLACEHOLDER.encode() + b"/lib\x00END\x00")
    assert run(prefix, "demo-prefix") == (directory / "text.conf").read_text().strip()


def test_no_file_mentions_the_placeholder_or_the_interpreter_it_was_made_from(prefix: Path) -> None:
    suspects = [PLACEHOLDER[:40].encode(), f"'{sys.base_prefix}/lib/python".encode()]
    texts = [*(prefix / "lib").rglob("_sysconfigdata*.py"), prefix / "bin" / "f2py"]
    assert len(texts) >= 2
    for file in texts:
        assert not any(suspect in file.read_bytes() for suspect in suspects), file


def test_link_script_runs(prefix: Path) -> None:
    assert (prefix / "link-script-ran").read_text() == f"{prefix}\n"


def test_every_package_of_the_channel_can_be_solved_for(demo_channel: DemoChannel, client: Client) -> None:
    names = {
        record["name"]
        for subdir in (LINUX, "noarch")
        for record in json.loads((demo_channel.path / subdir / "repodata.json").read_text())["packages.conda"].values()
    }
    records = client(demo_channel.url, *sorted(names))
    assert {record["name"] for record in records} == names
    assert len(names) >= 48
    assert all(record["has_digests"] for record in records)


def test_channel_offers_one_package_on_every_platform(demo_channel: DemoChannel, client: Client) -> None:
    for subdir, virtual in (("linux-64", GLIBC), ("osx-arm64", {"__osx": "11.0"}), ("win-64", {"__win": "10"})):
        records = client(demo_channel.url, "demo-platform", platforms=[subdir, "noarch"], virtual_packages=virtual)
        assert {(record["name"], record["subdir"]) for record in records} == {
            ("demo-platform", subdir),
            ("demo-text", "noarch"),
        }


def test_environment_installs_over_http(demo_channel_server: ChannelServer, client: Client, tmp_path: Path) -> None:
    records = client(demo_channel_server.url, "python", "flask", prefix=tmp_path / "flask")
    assert all(record["url"].startswith(demo_channel_server.url) for record in records)
    assert run(tmp_path / "flask", "python", "-c", "import flask; print('it works')") == "it works"


def test_debian_interpreter_makes_an_environment_too(client: Client, tmp_path: Path) -> None:
    assert DEBIAN_PYTHON.exists(), "/usr/bin/python3.11 is missing: apt-get install python3.11"
    channel = build_demo_channel(packages="small", interpreter=DEBIAN_PYTHON)
    target = tmp_path / "debian"
    client(channel.url, "python", "numpy", "flask", "pip", prefix=target)
    assert foreign_libraries(target) <= {"ld-linux-x86-64", "ld-linux-aarch64", "libc", "libm", "libpthread"}
    assert run(target, "pip", "--version").split()[3].startswith(str(target / "lib"))
    places = run(
        target, "python", "-c", "import sys, sysconfig; print(sysconfig.get_path('purelib'), *sys.path)"
    ).split()
    assert places[0] == str(target / "lib" / "python3.11" / "site-packages")
    assert all(place.startswith(str(target)) for place in places)
