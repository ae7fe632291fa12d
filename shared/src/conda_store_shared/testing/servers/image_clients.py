"""Other people's clients of registries, each with its files below one directory."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from conda_store_shared.testing.servers.mounts import unmount_below
from conda_store_shared.testing.servers.process import ServerNotReady, find_program

_TIMEOUT = 300.0
# Runtimes that raise limits fail where that is not allowed, and crun wants one kind of control groups.
_CONTAINERS = """\
[containers]
default_ulimits = ["nofile=8192:8192", "nproc=8192:8192"]
netns = "none"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
"""
_POLICY = {"default": [{"type": "insecureAcceptAnything"}]}


class Skopeo:
    """`skopeo`: inspects and copies images without an engine."""

    def __init__(self, directory: Path) -> None:
        self._policy = directory / "policy.json"
        self._policy.write_text(json.dumps(_POLICY))
        self._program = find_program("skopeo", "skopeo", "/usr/bin")

    def __call__(self, *arguments: str | Path) -> str:
        """Run it; returns what it printed, raises ServerNotReady with its words when it fails."""
        return _run([self._program, "--policy", self._policy, *arguments], {})

    def inspect(self, reference: str, *arguments: str) -> dict[str, object]:
        """What it tells of an image; `reference` is such as `docker://host/name:tag`."""
        told: dict[str, object] = json.loads(self("inspect", *arguments, reference))
        return told


class Podman:
    """`podman`: an engine without a daemon; needs root."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        (directory / "containers.conf").write_text(_CONTAINERS)
        (directory / "policy.json").write_text(json.dumps(_POLICY))
        (directory / "registries.conf").write_text("")
        self._program = find_program("podman", "podman", "/usr/bin")

    def __call__(self, *arguments: str | Path) -> str:
        """Run it; returns what it printed, raises ServerNotReady with its words when it fails."""
        places = ("--root", self._directory / "images", "--runroot", self._directory / "run",
                  "--tmpdir", self._directory / "tmp")  # fmt: skip
        environment = {
            "CONTAINERS_CONF": str(self._directory / "containers.conf"),
            "CONTAINERS_REGISTRIES_CONF": str(self._directory / "registries.conf"),
        }
        return _run([self._program, *places, *arguments], environment)

    def pull(self, image: str, credential: str) -> str:
        """Pull an image over plain http, with `user:password`; returns its id."""
        plain = ("--tls-verify=false", "--signature-policy", str(self._directory / "policy.json"))
        return self("pull", "--quiet", *plain, "--creds", credential, image).strip()

    def run_image(self, image: str, *command: str) -> str:
        """Run a command in a new container without network, which is gone afterwards; returns what it printed."""
        return self("run", "--rm", "--network", "none", image, *command)

    def remove_all(self) -> None:
        """Remove every image and whatever is mounted for them."""
        self("system", "reset", "--force")
        unmount_below(self._directory)


def _run(command: list[str | Path], environment: Mapping[str, str]) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
        check=False,
    )
    if done.returncode != 0:
        raise ServerNotReady(f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}")
    return done.stdout
