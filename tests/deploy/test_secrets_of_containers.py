"""Secrets of the suite in containers are where they were put, and nowhere else."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from conda_store_shared.testing.servers.compose import ComposedSuite
from conda_store_shared.testing.servers.stand_ins import RECIPES
from tests.acceptance.canary import Search
from tests.acceptance.user import User

_SHORTEST = 12
# The id of a key is no secret, and stands in whatever it signs.
_KNOWN = {"s3_access_key"}
CONTROL = "no secret"


def secrets_of(suite: ComposedSuite) -> dict[str, str]:
    """Every secret by its name: whole, or what is secret of an address, a key in PEM or a list of definitions."""
    found = {}
    for path in sorted((suite.source / "deploy" / "compose" / "secrets").iterdir()):
        text = path.read_text().strip()
        password = urlsplit(text).password if "://" in text[:24] else None
        found[path.name] = unquote(password) if password else text.splitlines()[len(text.splitlines()) // 2]
    return {name: text for name, text in found.items() if name not in _KNOWN and len(text) >= _SHORTEST}


@pytest.fixture(scope="module")
def built(composed: ComposedSuite) -> ComposedSuite:
    """The suite after it has built something."""
    with User(composed, composed.channel, password=composed.password) as user:
        build_id = user.submit("secretive", ["demo-text"])
        assert user.wait(build_id, timeout=150)["status"] == "COMPLETED"
        user.wait_for_artifacts(build_id, "CONDA_PACK", "DOCKER_MANIFEST", "LOGS", timeout=150)
    return composed


def told(suite: ComposedSuite) -> Iterator[tuple[str, str]]:
    """What the engine tells everybody of containers and images, and what those have printed."""
    engine = suite.engine
    for container in suite.containers():
        name = container["Name"]
        yield f"inspect {name}", json.dumps(container)
        yield f"processes {name}", engine.combined("top", container["Id"], "-o", "pid,args")
        yield f"logs {name}", engine.combined("logs", container["Id"])
    images = sorted(set(engine.docker("image", "ls", "--quiet").split()))
    yield "inspect images", engine.docker("inspect", *images)
    for image in images:
        yield f"history {image}", engine.docker("history", "--no-trunc", image)


def layers(suite: ComposedSuite) -> set[Path]:
    """The directories of the layers of our images, and of what containers have written above them."""
    inspect, containers = suite.engine.docker, suite.containers()
    images = json.loads(inspect("inspect", *{container["Image"] for container in containers}))
    bases = json.loads(inspect("inspect", *RECIPES))
    return directories(*images, *containers) - directories(*bases)


def directories(*inspected: Mapping[str, Any]) -> set[Path]:
    """Where the engine keeps the layers of images and containers."""
    kept = [each["GraphDriver"]["Data"] for each in inspected]
    return {Path(path) for each in kept for path in (each["UpperDir"], *each.get("LowerDir", "").split(":")) if path}


def test_secrets_are_not_in_what_the_engine_tells_nor_in_any_layer(built: ComposedSuite, tmp_path: Path) -> None:
    secrets = secrets_of(built)
    assert {"token_secret", "login_password", "s3_secret_key", "signing_key", "bus_url_api"} <= set(secrets)
    search = Search({**secrets, CONTROL: "/opt/conda-store"}, tmp_path / "search")
    found = {each for where, text in told(built) for each in search.in_text(where, text)}
    found |= set(search.in_files(*layers(built)))
    control = {each for each in found if each.startswith(CONTROL)}
    assert sorted(found - control) == []
    places = (f"{CONTROL}: inspect ", f"{CONTROL}: history ", "/overlay2/")
    assert [place for place in places if not any(place in each for each in control)] == []


def test_containers_see_no_secrets_but_their_own(built: ComposedSuite) -> None:
    seen = {
        service: set(built.run_in(service, "ls", "/run/secrets").split())
        for service in ("api", "auth", "solver", "builder", "artifacts", "s3")
    }
    keys = {"s3_access_key", "s3_secret_key"}
    assert seen == {
        "api": {"database_url", "bus_url", "token_secret", *keys},
        "auth": {"database_url", "bus_url", "token_secret", "login_password"},
        "solver": {"bus_url", *keys},
        "builder": {"bus_url", *keys},
        "artifacts": {"database_url", "bus_url", "token_secret", "signing_key", *keys},
        "s3": keys,
    }


def test_secrets_are_for_their_owner_alone_on_the_machine(composed: ComposedSuite) -> None:
    directory = composed.source / "deploy" / "compose" / "secrets"
    assert directory.stat().st_mode & 0o777 == 0o700
    ignored = ["git", "check-ignore", "--quiet", "deploy/compose/secrets/token_secret"]
    assert subprocess.run(ignored, cwd=Path(__file__).parents[2], check=False).returncode == 0
