"""What is there in the end, where, and how to go on."""

import json
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from conda_store_standalone.demo.channel import ServedChannel
from conda_store_standalone.demo.display import Display
from conda_store_standalone.demo.places import ENVIRONMENT, NAMESPACE, PASSWORD, USERNAME, Places
from conda_store_standalone.demo.session import Build

_DOWNLOADS = {
    "LOCKFILE": "lockfile",
    "YAML": "yaml",
    "CONDA_PACK": "archive",
    "CONSTRUCTOR_INSTALLER": "installer",
    "LOGS": "logs",
}
_IMAGE = "DOCKER_MANIFEST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What the demo made."""

    build: Build
    prefix: Path
    unpacked: Path
    installed: Path
    url: str
    channel: ServedChannel | None


def show_artifacts(result: Result, places: Places, display: Display) -> None:
    """List every artifact of the build that exists."""
    display.heading("What there is now")
    for artifact in result.build.artifacts:
        if artifact.type == "DIRECTORY":
            size, address = result.build.size, "the prefix itself"
        elif artifact.type == _IMAGE:
            size, address = places.stored(artifact.key).stat().st_size, f"docker pull {_image(result)}"
        else:
            size = places.stored(artifact.key).stat().st_size
            where = _DOWNLOADS.get(artifact.type)
            address = f"GET /api/v1/build/{result.build.id}/{where}/" if where else artifact.key
        display.say(f"{artifact.type:<22}{size / 1e6:9.2f} MB  {address}")


def show_places(result: Result, places: Places, display: Display) -> None:
    """Tell where everything is and how to start the server again."""
    build = result.build
    rows: list[tuple[str, object]] = [
        ("prefix", result.prefix),
        ("link to it", places.link),
        *((name, places.stored(key)) for name, key in _stored_keys(build)),
        ("unpacked", result.unpacked),
        ("installed", result.installed),
        ("database", places.database),
        ("server log", places.server_log),
        ("configuration", places.configuration),
    ]
    display.heading("Where it is")
    display.say("\n".join(f"{name:<14} {where}" for name, where in rows))
    server = [str(Path(sys.executable).with_name("conda-store-server")), "--standalone"]
    commands = [shlex.join([*server, "--config", str(places.configuration)])]
    if result.channel is not None:
        commands.append(shlex.join(result.channel.command))
    beside = ", and the channel beside it" if result.channel is not None else ""
    display.heading(f"To go on by hand, start the server again{beside}")
    display.say("\n".join(commands))
    login = json.dumps({"username": USERNAME, "password": PASSWORD})
    display.heading(f"and then; anybody may log in with the password {PASSWORD!r}")
    display.say(
        f"curl -c jar --json '{login}' {result.url}/login/\n"
        f"curl -b jar {result.url}/api/v1/environment/{NAMESPACE}/{ENVIRONMENT}/\n"
        f"curl -b jar -L {result.url}/api/v1/build/{build.id}/lockfile/\n"
        f"conda-store --conda-store-url {result.url} --auth basic token |\n"
        f"    docker login --username {USERNAME} --password-stdin {_registry(result)}    # as well with podman\n"
        f"docker run --rm {_image(result)} python -c 'import numpy, flask'"
    )


def _registry(result: Result) -> str:
    return result.url.partition("://")[2]


def _image(result: Result) -> str:
    return f"{_registry(result)}/{NAMESPACE}/{ENVIRONMENT}:latest"


def _stored_keys(build: Build) -> list[tuple[str, str]]:
    names = {"LOCKFILE": "lockfile", "CONDA_PACK": "archive", "LOGS": "log"}
    return [(name, key) for kind, name in names.items() if (key := build.key_of(kind)) is not None]
