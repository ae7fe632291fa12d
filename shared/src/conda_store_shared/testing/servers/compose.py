"""The whole suite in containers, by docker-compose from a clean copy of the repository."""

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

from conda_store_shared.testing.servers.conda_store import CommandProcess
from conda_store_shared.testing.servers.docker_engine import DockerEngine
from conda_store_shared.testing.servers.process import ServerNotReady, find_program, free_port, wait_until

ROOT = Path(__file__).parents[5]
SERVICES = ("api", "auth", "solver", "builder", "artifacts")
_IMAGES = ("gateway", "s3", *SERVICES)
_CHANNEL = "http://channel:8000/demo-channel"
_TIMEOUT = 300.0


def copy_repository(directory: Path) -> None:
    """Copy what git has, or would have, of the repository."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True, timeout=30).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, directory / name)


def make_secrets(source: Path) -> None:
    """Make the secrets of a copy of the repository, by the documented command."""
    subprocess.run([source / "deploy" / "compose" / "make_secrets.sh"], check=True, capture_output=True, timeout=60)


def build_images(engine: DockerEngine, source: Path, version: str = "0.1.0") -> None:
    """Build every image of the suite from a copy of the repository, two at a time."""

    def build(name: str) -> None:
        image = f"conda-store-{name}:{version}"
        if name in SERVICES:
            engine.build(source, image, file=source / "deploy" / "Dockerfile", SERVICE=name)
        else:
            engine.build(source, image, file=source / "deploy" / name / "Dockerfile")

    with ThreadPoolExecutor(max_workers=2) as threads:
        for built in [threads.submit(build, name) for name in _IMAGES]:
            built.result()


def service_of(container: Mapping[str, Any]) -> str:
    """The service that a container belongs to, by what the engine says of it."""
    return str(container["Config"]["Labels"]["com.docker.compose.service"])


class ComposedSuite:
    """docker-compose.yaml of a copy of the repository, unchanged, and beside it a server of a channel.

    Every container, network and volume is gone when it is left.  ``channel`` is the address in the containers.
    """

    processes: Mapping[str, CommandProcess] = {}
    channel = _CHANNEL

    def __init__(self, engine: DockerEngine, source: Path, channel: Path) -> None:
        self.engine = engine
        self.source = source
        self.port = free_port()
        self.project = f"test{secrets.token_hex(4)}"
        self._program = find_program("docker-compose", "docker-compose", "/usr/bin")
        self._channel = channel

    @property
    def url(self) -> str:
        """The public address, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def host(self) -> str:
        """Host and port that images are pulled from."""
        return f"127.0.0.1:{self.port}"

    @property
    def store_directory(self) -> Path:
        """Where prefixes and links are."""
        return self.volume("state")

    @property
    def password(self) -> str:
        """The password for logging in."""
        return self.secret("login_password")

    def secret(self, name: str) -> str:
        """A secret of the suite."""
        return (self.source / "deploy" / "compose" / "secrets" / name).read_text()

    def object_keys(self) -> set[str]:
        """The key of every object in the store."""
        bucket = self.volume("s3") / "conda-store"
        return {str(path.relative_to(bucket)) for path in bucket.rglob("*") if path.is_file()}

    def volume(self, name: str) -> Path:
        """The directory of a volume."""
        place = self.engine.docker("volume", "inspect", "--format", "{{.Mountpoint}}", f"{self.project}_{name}")
        return Path(place.strip())

    def compose(self, *arguments: str, **variables: str) -> str:
        """Run docker-compose; returns what it printed, raises ServerNotReady with its words when it fails."""
        done = subprocess.run(
            [str(self._program), "--ansi", "never", *arguments],
            cwd=self.source,
            env={**os.environ, **self.engine.client_environment(), **self._variables(), **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )
        if done.returncode != 0:
            raise ServerNotReady(f"docker-compose {' '.join(arguments)}: {done.stdout}{done.stderr}{self._told()}")
        return done.stdout

    def up(self, *arguments: str) -> None:
        """Start what does not run, and wait until every container is healthy; raises ServerNotReady with the logs."""
        self.compose("up", "--detach", *arguments)
        if not wait_until(lambda: not self.unhealthy(), _TIMEOUT):
            raise ServerNotReady(f"not healthy: {self.unhealthy()}{self._told()}")

    def containers(self, *services: str) -> Sequence[Mapping[str, Any]]:
        """What the engine says of each container of the services, of every one when none is named."""
        # Asked many times: the engine's own client answers at once, and docker-compose after a second.
        labels = (f"com.docker.compose.project={self.project}", "com.docker.compose.oneoff=False")
        filters = [word for label in labels for word in ("--filter", f"label={label}")]
        ids = self.engine.docker("ps", "--all", "--quiet", *filters).split()
        told: list[dict[str, Any]] = json.loads(self.engine.docker("inspect", *ids)) if ids else []
        found = [each for each in told if not services or service_of(each) in services]
        return found

    def unhealthy(self) -> Mapping[str, str]:
        """Containers that are not what they should be, by name: healthy, or done."""
        told = {each["Name"].lstrip("/"): _condition(each["State"]) for each in self.containers()}
        return {name: condition for name, condition in told.items() if condition not in {"healthy", "done"}}

    def query(self, statements: str) -> list[str]:
        """Run SQL as the owner of the database; return the rows that it gives, columns apart by ``|``."""
        owner = "PGOPTIONS=--role=conda_store_owner_login"
        client = ["psql", "--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1"]
        client += ["--username=postgres", "--dbname=conda_store", f"--command={statements}"]
        return self.run_in("postgres", *client, options=["--env", owner]).splitlines()

    def run_in(self, service: str, *command: str, options: Sequence[str] = ()) -> str:
        """Run a command in a container of a service; returns what it printed."""
        return self.engine.docker("exec", *options, self.containers(service)[0]["Id"], *command)

    def logs(self, *services: str) -> str:
        """What containers have printed."""
        return self.compose("logs", "--no-color", *services)

    def __enter__(self) -> Self:
        make_secrets(self.source)
        self._override.write_text(json.dumps(self._additions()))
        return self

    def __exit__(self, *_: object) -> None:
        for listed, remove in (
            (("ps", "--all"), ("rm", "--force", "--volumes")),
            (("volume", "ls"), ("volume", "rm")),
            (("network", "ls"), ("network", "rm")),
        ):
            if names := self._ours(*listed):
                self.engine.docker(*remove, *names)

    @property
    def _override(self) -> Path:
        return self.source / "docker-compose.tests.json"

    def _additions(self) -> dict[str, Any]:
        channel = {
            "image": "conda-store-api:0.1.0",
            "entrypoint": ["python", "-m", "http.server", "--directory", "/channels", "8000"],
            "command": [],
            "healthcheck": {"disable": True},
            "networks": ["front"],
            "volumes": [f"{self._channel}:/channels/demo-channel:ro"],
        }
        # The format of the file that it is added to.
        return {"services": {"channel": channel}}

    def _variables(self) -> dict[str, str]:
        return {
            "COMPOSE_PROJECT_NAME": self.project,
            "COMPOSE_FILE": f"docker-compose.yaml:{self._override.name}",
            "CONDA_STORE_PORT": str(self.port),
            "CONDA_STORE_PUBLIC": self.host,
        }

    def _ours(self, *listed: str) -> list[str]:
        """What the engine has of the project, as a command of its client lists it."""
        mine = f"label=com.docker.compose.project={self.project}"
        return self.engine.docker(*listed, "--quiet", "--filter", mine).split()

    def _told(self) -> str:
        told = []
        for container in self._ours("ps", "--all"):
            name = self.engine.docker("inspect", "--format", "{{.Name}} {{json .State}}", container)
            told.append(f"\n== {name}{self.engine.combined('logs', '--tail', '20', container)}")
        return "".join(told)


def _condition(state: Mapping[str, Any]) -> str:
    """What is to be said of a container: of one that runs and checks nothing, that it is healthy."""
    status: str = state["Status"]
    if status == "exited" and state["ExitCode"] == 0:
        return "done"
    return str(state.get("Health", {}).get("Status", "healthy")) if status == "running" else status
