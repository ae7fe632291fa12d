"""Hooks of a configuration file in a running suite (docs/how-to/write-hooks.md)."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from conda_store_shared.testing.demo_channel.server import ChannelServer
from conda_store_shared.testing.servers.conda_store import QUICK, StandaloneSuite
from tests.acceptance.user import User

HOOKS = """
import time
from pathlib import Path

from conda_store_server.app import conda_store_validate_specification
from conda_store_server.utils import CondaStoreError

NOTES = Path({notes!r})


def wait_while(name):
    while (NOTES / name).exists():
        time.sleep(0.05)


def validate_specification(db, conda_store, namespace, specification):
    if specification.name == "refused":
        raise ValueError("not this one")
    if specification.name == "broken":
        raise LookupError("hidden-word")
    if specification.name == "slow":
        wait_while("slow")
    specification.dependencies.append("demo-text")
    return conda_store_validate_specification(db, conda_store, namespace, specification)


async def validate_action(conda_store, namespace, action):
    if action == "build::delete":
        raise CondaStoreError("builds are kept")


def tell(conda_store, environment):
    build = environment.current_build
    is_linked = build.environment_path(conda_store).resolve() == build.build_path(conda_store).resolve()
    with (NOTES / "told").open("a") as file:
        file.write(f"{{environment.name}} {{build.id}} {{is_linked}}\\n")
    wait_while("hang")


def note(event):
    kind = event["type"].removeprefix("conda-store.events.").removesuffix(".v1")
    with (NOTES / "events").open("a") as file:
        file.write(f"{{event['id']}} {{kind}} {{event['subject']}}\\n")
    wait_while("hang")


async def leave(event):
    raise SystemExit(event["id"])


c.CondaStore.event_hooks = {{"*": note, "build.*": leave}}
c.CondaStore.validate_specification = validate_specification
c.CondaStore.validate_action = validate_action
c.CondaStore.post_update_environment_build_hook = tell
"""
OPTIONS = {**QUICK, "CondaStore.build_artifacts": []}


def told(notes: Path, name: str = "told") -> list[list[str]]:
    """What the hook was told: environment, build, whether the link points there; or of events id, type, place."""
    file = notes / name
    return [line.split() for line in file.read_text().splitlines()] if file.exists() else []


def told_becomes(notes: Path, count: int) -> list[list[str]]:
    """Return what the hook was told once it was told so often."""
    deadline = time.monotonic() + 40
    while len(told(notes)) < count and time.monotonic() < deadline:
        time.sleep(0.05)
    return told(notes)


def noted_becomes(notes: Path, last: list[str]) -> list[list[str]]:
    """Return what the hook of events was told once there is a last one of that type and place."""
    deadline = time.monotonic() + 40
    while [line[1:] for line in told(notes, "events")][-1:] != [last] and time.monotonic() < deadline:
        time.sleep(0.05)
    return told(notes, "events")


def events_are_noted(user: User, noted: list[list[str]]) -> None:
    """Check that the hook was told of each event of the log in order, some of them again."""
    listed = user.client.get("/api/v1/event/", params={"order": "asc"}).json()["data"]
    begin = int(noted[0][0])
    assert list(dict.fromkeys(line[0] for line in noted)) == [each["id"] for each in listed if int(each["id"]) >= begin]
    ids = [int(line[0]) for line in noted]
    assert ids == sorted(ids)


def build(user: User, name: str = "weather") -> int:
    build_id = user.submit(name, ["demo-versions"])
    assert user.wait(build_id)["status"] == "COMPLETED"
    return build_id


def test_hooks_of_a_file_take_part_in_a_suite(tmp_path: Path, demo_channel_server: ChannelServer) -> None:
    text = HOOKS.format(notes=str(tmp_path))
    with StandaloneSuite(tmp_path / "suite", OPTIONS, text) as suite, User(suite, demo_channel_server.url) as user:
        answers = [user.post(user.specification(name, ["demo-versions"])) for name in ("refused", "broken")]
        assert [answer.status_code for answer in answers] == [400, 500]
        assert answers[0].json()["message"] == "not this one"
        assert "hidden-word" not in answers[1].text

        (tmp_path / "slow").touch()
        with ThreadPoolExecutor() as threads:
            slow = threads.submit(user.post, user.specification("slow", ["demo-versions"]))
            first = build(user)
            assert not slow.done(), slow.result().text
            (tmp_path / "slow").unlink()
            assert slow.result().status_code == httpx.codes.OK
        rows = user.client.get(f"/api/v1/build/{first}/packages/").json()["data"]
        assert {row["name"] for row in rows} >= {"demo-text", "demo-versions"}
        refused = user.client.delete(f"/api/v1/build/{first}/")
        assert (refused.status_code, refused.json()["message"]) == (400, "builds are kept")

        user.wait(slow.result().json()["data"]["build_id"])
        lines = told_becomes(tmp_path, 2)
        assert sorted(line[0] for line in lines) == ["slow", "weather"]
        assert {line[2] for line in lines} == {"True"}

        (tmp_path / "hang").touch()
        second = build(user)
        assert told_becomes(tmp_path, 3)[2][:2] == ["weather", str(second)]
        process = suite.processes["standalone"]
        process.crash()
        (tmp_path / "hang").unlink()
        process.start()
        assert told_becomes(tmp_path, 4)[3][:3] == ["weather", str(second), "True"]
        before = len(told(tmp_path, "events"))
        assert user.client.delete("/api/v1/environment/default/slow/").status_code == httpx.codes.OK
        noted = noted_becomes(tmp_path, ["build.deleted", "default/slow"])
        assert len(noted) > before
        # Of the event that was being told when the process was killed, the hook was told again.
        assert len({line[0] for line in noted}) < len(noted)
        events_are_noted(user, noted)
