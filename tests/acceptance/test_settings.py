"""Settings of each level decide about the next build, in both modes (contract §4.9)."""

import json
import stat
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.user import User


@pytest.fixture
def namespace() -> str:
    """A namespace nobody else uses."""
    return f"settings-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def deployment(user: User) -> Iterator[User]:
    """Somebody who may change the settings of everybody, which are put back."""
    before = user.client.get("/api/v1/setting/").json()["data"]
    yield user
    change(user, "", **before)


def change(user: User, place: str, **values: Any) -> None:
    answer = user.client.put(f"/api/v1/setting/{place}", json=values)
    assert answer.status_code == httpx.codes.OK, answer.text


def build(user: User, namespace: str, name: str, *dependencies: str) -> dict[str, Any]:
    """Build what is asked for, from channels that are not named."""
    answer = user.post(json.dumps({"name": name, "dependencies": list(dependencies)}), namespace)
    assert answer.status_code == httpx.codes.OK, answer.text
    found = user.wait(answer.json()["data"]["build_id"])
    assert found["status"] == "COMPLETED", found
    return found


def packages(user: User, built: dict[str, Any]) -> dict[str, str]:
    rows = user.client.get(f"/api/v1/build/{built['id']}/packages/").json()["data"]
    return {row["name"]: row["version"] for row in rows}


def test_next_build_is_as_the_settings_of_each_level_say(deployment: User, namespace: str) -> None:
    user = deployment
    change(user, "", conda_default_channels=[user.channel], default_permissions="750", build_artifacts=["YAML"])
    change(user, f"{namespace}/", conda_included_packages=["demo-text"])
    own = {"conda_included_packages": ["demo-versions ==1.0"], "build_artifacts": ["CONDA_PACK"]}
    change(user, f"{namespace}/second/", **own)

    first, second = build(user, namespace, "first", "demo-versions"), build(user, namespace, "second", "demo-text")
    assert set(packages(user, first)) >= {"demo-text", "demo-versions"}
    assert packages(user, second)["demo-versions"] == "1.0"
    keys = user.wait_for_artifacts(first["id"], "DIRECTORY", "LOCKFILE", "YAML", "LOGS")
    assert set(keys) == {"DIRECTORY", "LOCKFILE", "YAML", "LOGS"}
    assert stat.S_IMODE(Path(keys["DIRECTORY"]).stat().st_mode) == 0o750
    keys = user.wait_for_artifacts(second["id"], "DIRECTORY", "LOCKFILE", "CONDA_PACK", "LOGS")
    assert "YAML" not in keys

    change(user, f"{namespace}/", conda_included_packages=[])
    assert "demo-text" not in packages(user, build(user, namespace, "first", "demo-versions"))


def test_next_build_is_refused_as_the_settings_say(deployment: User, namespace: str) -> None:
    user = deployment
    change(user, f"{namespace}/", conda_allowed_channels=[user.channel])
    change(user, f"{namespace}/strict/", conda_required_packages=["demo-text"])
    for name, channel, told in (
        ("free", "https://elsewhere.example/main", "Conda channels {'https://elsewhere.example/main'} not allowed"),
        ("strict", user.channel, "Conda packages {'demo-text'} required and missing from specification"),
    ):
        specification = {"name": name, "channels": [channel], "dependencies": ["demo-versions"]}
        answer = user.post(json.dumps(specification), namespace)
        assert (answer.status_code, answer.json()["message"].startswith(told)) == (400, True), answer.text


def test_builds_are_refused_while_the_disk_of_the_builders_is_too_full(deployment: User, namespace: str) -> None:
    change(deployment, "", storage_threshold=2**60)
    deadline = time.monotonic() + 30
    while (answer := deployment.post('{"name": "large"}', namespace)).status_code == httpx.codes.OK:
        assert time.monotonic() < deadline, "no builder told how full its disk is"
        # The first figures are on their way.
        time.sleep(0.1)
    told = "`CondaStore.storage_threshold` reached. Action environment:create prevented due to"
    assert (answer.status_code, answer.json()["message"]) == (400, f"{told} insufficient storage space")
