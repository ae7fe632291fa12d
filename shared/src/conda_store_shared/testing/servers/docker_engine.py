"""A Docker engine with everything below one directory: nothing of the machine's own engine is touched."""

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from conda_store_shared.testing.servers.mounts import unmount_below
from conda_store_shared.testing.servers.process import ServerNotReady, ServerProcess, find_program

_PACKAGE = "docker.io"
_PLACES = "/usr/bin"
# Networks of the engine's own, away from those that a machine usually has.
_BRIDGE = "10.253.0.1/24"
_POOLS = [{"base": "10.253.16.0/20", "size": 24}]
# Without CAP_SYS_RESOURCE an engine cannot raise limits, and would fail to start any container.
_LIMITS = {"nofile": {"Name": "nofile", "Hard": 8192, "Soft": 8192}}
_CLIENT_TIMEOUT = 600.0
# Containers end with an engine that is asked to stop, and would outlive one that is killed.
_GUARD = """\
read -r _
kill -s TERM "$0"
tries=60
while kill -0 "$0" && [ $tries -gt 0 ]; do sleep 1; tries=$((tries - 1)); done
kill -s KILL -- "-$0"
awk -v below="$1/" 'index($2, below) == 1 { print $2 }' /proc/self/mounts | sort -r | xargs -r -n 1 umount -l
rm -rf -- "$1"
"""


class DockerEngine(ServerProcess):
    """`dockerd` with a socket of its own; needs root.  Registries on loopback may speak plain http."""

    name = "docker"
    start_timeout = 60.0
    stop_timeout = 30.0
    guard_script = _GUARD

    def __init__(self, place: Path | None = None) -> None:
        """`place` is for its files, images included."""
        super().__init__(place=place)
        self.socket = self.directory / "docker.sock"
        self._client = find_program("docker", _PACKAGE, _PLACES)

    def command(self) -> Sequence[str | Path]:
        """The engine, configured by a file alone."""
        return find_program("dockerd", _PACKAGE, "/usr/sbin"), "--config-file", self.directory / "daemon.json"

    def prepare(self) -> None:
        """Write the configuration."""
        super().prepare()
        options = {
            "data-root": str(self.directory / "data"),
            "exec-root": str(self.directory / "run"),
            "pidfile": str(self.directory / "docker.pid"),
            "hosts": [f"unix://{self.socket}"],
            "storage-driver": "overlay2",
            "exec-opts": ["native.cgroupdriver=cgroupfs"],
            "ip": "127.0.0.1",
            "default-ulimits": _LIMITS,
            "bip": _BRIDGE,
            "default-address-pools": _POOLS,
            "ip-masq": False,
        }
        (self.directory / "daemon.json").write_text(json.dumps(options))

    def is_ready(self) -> bool:
        """Whether it answers its client."""
        return self.socket.exists() and self._client_run("version", "--format", "{{.Server.Version}}").returncode == 0

    def client_environment(self) -> Mapping[str, str]:
        """The variables by which clients find this engine."""
        return {
            "DOCKER_HOST": f"unix://{self.socket}",
            "DOCKER_CONFIG": str(self.directory / "client"),
            "DOCKER_BUILDKIT": "1",
        }

    def docker(self, *arguments: str | Path) -> str:
        """Run the client; returns what it printed, raises ServerNotReady with its words when it fails."""
        done = self._client_run(*arguments)
        if done.returncode != 0:
            raise ServerNotReady(f"docker {' '.join(map(str, arguments))}: {done.stdout}{done.stderr}")
        return done.stdout

    def run_image(self, image: str, *command: str, options: Sequence[str] = ()) -> str:
        """Run a command in a new container without network, which is gone afterwards; returns what it printed."""
        return self.docker("run", "--rm", "--network", "none", *options, image, *command)

    def combined(self, *arguments: str | Path) -> str:
        """Run the client, and return all that it printed, whether it fails or not."""
        done = self._client_run(*arguments)
        return done.stdout + done.stderr

    def build(self, context: Path, image: str, *, file: Path | None = None, **arguments: str) -> None:
        """Build an image, by BuildKit, on the network of this machine; raises ServerNotReady with its words."""
        options = ["--quiet", "--network", "host", "--tag", image, "--file", str(file or context / "Dockerfile")]
        for name, value in arguments.items():
            options += ["--build-arg", f"{name}={value}"]
        self.docker("build", *options, context)

    def login(self, registry: str, user: str, password: str) -> None:
        """Let the client show a credential to `registry` from now on."""
        done = self._client_run("login", "--username", user, "--password-stdin", registry, words=password)
        if done.returncode != 0:
            raise ServerNotReady(f"docker login: {done.stdout}{done.stderr}")

    def stop(self) -> None:
        """Stop it and let go of what it mounted."""
        super().stop()
        unmount_below(self.directory)

    def discard(self) -> None:
        """Stop it in good order, which ends its containers, and remove everything."""
        self._end(signal.SIGTERM)
        unmount_below(self.directory)
        # Images have a hundred thousand files, which is long work in Python.
        subprocess.run(["/bin/rm", "-rf", str(self.directory / "data")], check=False, timeout=_CLIENT_TIMEOUT)
        super().discard()

    def _client_run(self, *arguments: str | Path, words: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self._client), *map(str, arguments)],
            env={**os.environ, **self.client_environment()},
            input=words,
            stdin=subprocess.DEVNULL if words is None else None,
            capture_output=True,
            text=True,
            timeout=_CLIENT_TIMEOUT,
            check=False,
        )

