"""Secrets are found nowhere but where they were put, whatever becomes of the builds that need them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from conda_store_shared.testing.demo_channel.server import ChannelServer
from conda_store_shared.testing.servers import Databases, VirtualHosts
from conda_store_shared.testing.servers.conda_store import Backing
from conda_store_shared.testing.servers.process import wait_until
from tests.acceptance.canary import SECRETS, Search, self_test_content, watched_command_lines
from tests.acceptance.canary_world import (
    MANNERS,
    Servers,
    Watched,
    World,
    distributed,
    private_world,
    standalone,
)
from tests.acceptance.user import User

CONTROL = "no secret"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Channels and indexes that demand credentials."""
    with private_world(tmp_path_factory.mktemp("private")) as world:
        yield world


@pytest.fixture(params=["standalone", "distributed"])
def watched(request: pytest.FixtureRequest, tmp_path: Path, world: World) -> Iterator[Watched]:
    """The suite in each mode."""
    directory = tmp_path / "suite"
    directory.mkdir()
    if request.param == "standalone":
        with standalone(directory, world) as running:
            yield running
        return
    postgres: Databases = request.getfixturevalue("postgres_server")
    rabbitmq: VirtualHosts = request.getfixturevalue("rabbitmq_server")
    make_backing: Callable[[], Backing] = request.getfixturevalue("make_backing")
    with distributed(directory, world, Servers(postgres, rabbitmq, make_backing())) as running:
        yield running


class Visitor:
    """A user of private channels; keeps whatever the suite answers."""

    def __init__(self, user: User, world: World) -> None:
        self.answers: list[str] = []
        self.user = user
        self.user.client.event_hooks["response"].append(self._keep)
        self._world = world
        self._demo = user.channel

    def _keep(self, answer: httpx.Response) -> None:
        answer.read()
        self.answers.append(f"{answer.headers}")
        if not answer.headers.get("Content-Type", "").startswith(("application/x-tar", "application/gzip")):
            self.answers.append(answer.text)

    def submit(self, name: str, channels: list[str], *dependencies: Any) -> int:
        return self.user.submit(name, dependencies, channels=channels)

    def good(self) -> dict[int, tuple[str, ...]]:
        """Builds that need every credential, and what each of them leaves behind."""
        # Python is large, and an image of it tells no more than one without.
        answer = self.user.client.put("/api/v1/setting/default/by-pip/", json={"build_artifacts": ["CONDA_PACK"]})
        answer.raise_for_status()
        pip = {"pip": [f"--index-url={self._world.index.url}/basic/simple", "private-wheel"]}
        by_pip = self.submit("by-pip", [self._world.channel("token"), self._demo], "python", "private-token", pip)
        channels = list(map(self._world.channel, MANNERS))
        by_conda = self.submit("by-conda", channels, *(f"private-{manner}" for manner in MANNERS))
        everything_made = ("YAML", "CONDA_PACK", "CONSTRUCTOR_INSTALLER", "LOGS", "DOCKER_MANIFEST")
        return {by_pip: ("CONDA_PACK", "LOGS"), by_conda: everything_made}

    def bad(self) -> dict[str, int]:
        """Builds that fail, by the cause that they are to fail from."""
        world, foreign = self._world, self._world.foreign.url
        broken = f"{world.ours.url}/token/broken"
        pip = {"pip": [f"--index-url {foreign}/basic/simple", "private-wheel"]}
        return {
            "channel_forbidden: the credential 'wrong-token'": self.submit("a", [f"{foreign}/token/c"], "x"),
            "channel_forbidden: the credential 'wrong-login'": self.submit("b", [f"{foreign}/basic/c"], "x"),
            "channel_forbidden: no credential": self.submit("c", [f"{foreign}/bearer/c"], "x"),
            "channel_not_found: gone-1.0-0": self.submit("d", [broken], "gone"),
            "hash_mismatch: changed-1.0-0": self.submit("e", [broken], "changed"),
            "channel_not_found: no-such-channel": self.submit("f", [f"{world.ours.url}/token/no-such-channel"], "x"),
            "unsatisfiable: no-such-package": self.submit("g", [world.channel("raw")], "no-such-package"),
            "pip_failed: the credential 'wrong-login'": self.submit("h", [self._demo], "python", pip),
        }

    def refused(self) -> None:
        """What is not taken at all."""
        secret = SECRETS["address in a specification"]
        for channel in (f"http://me:{secret}@127.0.0.1/c", f"http://127.0.0.1/t/{secret}/c", f"t/{secret}/c"):
            answer = self.user.post(self.user.specification("refused", ["x"], channels=[channel]))
            assert answer.status_code == httpx.codes.BAD_REQUEST
            answer = self.user.client.get("/api/v1/specification/", params={"channel": channel, "conda": "x"})
            assert answer.status_code == httpx.codes.BAD_REQUEST
            answer = self.user.client.put("/api/v1/setting/", json={"conda_default_channels": [channel]})
            assert answer.status_code == httpx.codes.BAD_REQUEST

    def read(self, build_id: int) -> None:
        """Read what there is to read of a build."""
        lock = ("lockfile", "conda-lock.yml", "pixi.lock", "explicit", "environment.yml", "sbom", "provenance")
        for place in (*lock, "yaml", "logs", "archive", "packages"):
            self.user.client.get(f"/api/v1/build/{build_id}/{place}/")

    def look_around(self) -> None:
        """Read what there is to read of everything else."""
        for place in ("build", "environment", "channel", "setting", "event", "usage", "permission", "token"):
            self.user.client.get(f"/api/v1/{place}/", params={"size": 100})
        for place in ("/metrics", "/health/ready", "/openapi.json"):
            self.user.client.get(place)
        self.user.client.get(
            "/api/v1/specification/", params={"channel": self._world.channel("raw"), "conda": "private-raw"}
        )

    def finds(self, name: str) -> bool:
        answer = self.user.client.get("/api/v1/package/", params={"search": name, "exact": 1})
        return bool(answer.json()["count"])


def pushed(world: World) -> bool:
    """Whether somebody tried to push an image, and was refused."""
    return any("/v2/" in seen.path and "Authorization" in seen.headers for seen in world.foreign.seen)


def everything(watched: Watched, visitor: Visitor, command_lines: set[str], search: Search) -> Iterator[str]:
    """What there is of what is searched for, in all that the suite wrote down or told anybody."""
    yield from search.in_files(*watched.logs().values(), watched.directory)
    yield from search.in_objects(watched.objects())
    for where, texts in (
        ("row", watched.rows()),
        ("message", watched.messages),
        ("answer", visitor.answers),
        ("command", command_lines),
    ):
        for text in texts:
            yield from search.in_text(f"{where} {text[:80]}", text)


def test_search_finds_secrets_however_they_are_hidden(tmp_path: Path) -> None:
    search = Search(SECRETS, tmp_path)
    assert next(search.in_objects({"a/b": self_test_content()})).startswith("channel token: ")
    for text in ("cnry%2Fix%3A5%2Be%3Da3f17c", "Basic bWU6Y25yeS9peDo1K2U9YTNmMTdj", "bXk6Y25yeS9peDo1K2U9YTNmMTdj"):
        assert list(search.in_text("here", text)) == ["index password: here"], text
    assert list(search.in_text("here", "cnry")) == []


@pytest.mark.timeout(180)
def test_secrets_are_found_nowhere_but_where_they_were_put(
    watched: Watched, world: World, demo_channel_server: ChannelServer, tmp_path: Path
) -> None:
    login = User(watched.suite, demo_channel_server.url, password=SECRETS["login password"])
    with login as user, watched_command_lines() as command_lines:
        visitor = Visitor(user, world)
        good, bad = visitor.good(), visitor.bad()
        visitor.refused()
        for cause, build_id in bad.items():
            code, _, words = cause.partition(": ")
            build = visitor.user.wait(build_id)
            assert build["status"] == "FAILED", build
            assert build["status_info"].startswith(code), (cause, build["status_info"])
            assert words in build["status_info"], (cause, build["status_info"])
            visitor.read(build_id)
        for build_id, artifacts in good.items():
            assert visitor.user.wait(build_id)["status"] == "COMPLETED", visitor.user.build(build_id)["status_info"]
            visitor.user.wait_for_artifacts(build_id, *artifacts)
            visitor.read(build_id)
        assert wait_until(lambda: pushed(world), 30)
        visitor.look_around()
        assert wait_until(lambda: visitor.finds("private-token"), 30)
    search = Search({**SECRETS, CONTROL: "private-token"}, tmp_path / "search")
    found = set(everything(watched, visitor, command_lines, search))
    control = {what for what in found if what.startswith(CONTROL)}
    assert sorted(found - control) == []
    # What is no secret is found in every kind of place.
    places = ("/objects/", "/suite/state/", "/suite/cache/", f"{CONTROL}: row ", f"{CONTROL}: answer ")
    assert [place for place in places if not any(place in what for what in control)] == []
    assert len(watched.messages) > 20 or len(watched.suite.processes) == 1
    assert any("uv pip install" in line for line in command_lines)
