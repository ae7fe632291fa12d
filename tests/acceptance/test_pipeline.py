"""A specification goes in; a lockfile, a working prefix and an archive come out: the same in both modes."""

import json
import subprocess
import tarfile
import uuid
from pathlib import Path

import httpx
import pytest

from tests.acceptance.user import User

DEMO = ["python", "numpy", "flask", "ipykernel", "demo-prefix"]
SMALL = ["demo-text"]
ARTIFACTS = ("DIRECTORY", "LOCKFILE", "YAML", "CONDA_PACK", "LOGS")


def a_name(kind: str = "environment") -> str:
    """Return a name nobody else uses."""
    return f"{kind}-{uuid.uuid4().hex[:8]}"


def run_python(prefix: Path, program: str) -> str:
    """Run a program in a prefix, with nothing else in its environment; return what it printed."""
    done = subprocess.run(
        [prefix / "bin" / "python", "-c", program], env={}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.timeout(180)
def test_user_gets_a_working_prefix_and_archive_of_a_specification(user: User, tmp_path: Path) -> None:
    name = a_name()
    build_id = user.submit(name, DEMO)
    build = user.wait(build_id, timeout=120)
    assert (build["status"], build["status_info"]) == ("COMPLETED", None)
    assert build["size"] > 50_000_000
    keys = user.wait_for_artifacts(build_id, *ARTIFACTS, timeout=60)
    prefix = Path(keys["DIRECTORY"])
    assert run_python(prefix, "import numpy, flask, ipykernel; print(numpy.arange(3).sum())") == "3"
    link = user.suite.store_directory / "default" / "envs" / name
    assert link.resolve() == prefix.resolve()
    assert user.environment(name)["current_build_id"] == build_id

    archive = user.client.get(f"/api/v1/build/{build_id}/archive/")
    assert archive.status_code == httpx.codes.OK
    (tmp_path / "archive.tar.gz").write_bytes(archive.content)
    elsewhere = tmp_path / "elsewhere"
    with tarfile.open(tmp_path / "archive.tar.gz") as opened:
        opened.extractall(elsewhere, filter="tar")
    subprocess.run([elsewhere / "bin" / "python", elsewhere / "bin" / "conda-unpack"], check=True, timeout=60)
    assert run_python(elsewhere, "import numpy; print(numpy.__file__)").startswith(str(elsewhere))

    lockfile = json.loads(user.client.get(f"/api/v1/build/{build_id}/lockfile/").text)
    assert {package["name"] for package in lockfile["package"]} >= {"python", "numpy", "flask"}
    assert "numpy" in user.client.get(f"/api/v1/build/{build_id}/yaml/").text
    assert "solved in" in user.log(build_id)
    packages = user.client.get(f"/api/v1/build/{build_id}/packages/").json()
    assert packages["count"] == len(lockfile["package"])


def test_user_reads_the_solvers_explanation_when_a_specification_is_unsatisfiable(user: User) -> None:
    build = user.wait(user.submit(a_name(), ["demo-needs-old", "demo-versions >=2"]))
    assert build["status"] == "FAILED"
    assert "demo-versions" in build["status_info"]
    assert build["status_info"].startswith("unsatisfiable")
    assert "demo-needs-old" in user.log(build["id"])


def test_user_is_told_which_channel_does_not_exist(user: User) -> None:
    wrong = user.channel.replace("demo-channel", "no-such-channel")
    specification = {"name": a_name(), "channels": [wrong], "dependencies": SMALL}
    build_id = user.post(json.dumps(specification)).json()["data"]["build_id"]
    build = user.wait(build_id)
    assert build["status"] == "FAILED"
    assert "no-such-channel" in build["status_info"]


def test_user_is_told_that_yaml_is_invalid_and_nothing_is_stored(user: User) -> None:
    before = user.client.get("/api/v1/build/").json()["count"]
    answer = user.post("name: [")
    assert (answer.status_code, answer.json()) == (
        400,
        {"status": "error", "message": "Unable to parse. Invalid YAML"},
    )
    assert user.client.get("/api/v1/build/").json()["count"] == before


def test_user_gets_a_second_build_when_a_specification_is_submitted_twice(user: User) -> None:
    name = a_name()
    first, second = user.submit(name, SMALL), user.submit(name, SMALL)
    assert first != second
    builds = [user.wait(build_id) for build_id in (first, second)]
    assert [build["status"] for build in builds] == ["COMPLETED", "COMPLETED"]
    assert builds[0]["specification"]["sha256"] == builds[1]["specification"]["sha256"]
    assert user.environment(name)["current_build_id"] == second


def test_two_environments_do_not_disturb_each_other(user: User) -> None:
    names = [a_name(), a_name()]
    builds = [user.submit(names[0], ["demo-versions ==1.0"]), user.submit(names[1], ["demo-versions ==2.0"])]
    for build_id in builds:
        assert user.wait(build_id)["status"] == "COMPLETED"
    versions = [user.client.get(f"/api/v1/build/{build_id}/packages/").json()["data"] for build_id in builds]
    assert [[row["version"] for row in rows] for rows in versions] == [["1.0"], ["2.0"]]
    assert [user.environment(name)["current_build_id"] for name in names] == builds


def test_new_version_becomes_current_and_an_old_one_can_be_chosen_again(user: User) -> None:
    name = a_name()
    first = user.submit(name, ["demo-versions ==1.0"])
    user.wait(first)
    second = user.submit(name, ["demo-versions ==2.0"])
    user.wait(second)
    assert user.environment(name)["current_build_id"] == second
    answer = user.client.put(f"/api/v1/environment/default/{name}/", json={"build_id": first})
    assert answer.json() == {"status": "ok", "message": None}
    assert user.environment(name)["current_build_id"] == first


def test_user_gets_the_same_packages_when_a_lockfile_is_submitted(user: User) -> None:
    first = user.submit(a_name(), SMALL)
    assert user.wait(first)["status"] == "COMPLETED"
    lockfile, name = user.client.get(f"/api/v1/build/{first}/lockfile/").text, a_name()
    body = {"specification": lockfile, "is_lockfile": True, "environment_name": name, "namespace": "default"}
    second = user.client.post("/api/v1/specification/", json=body).json()["data"]["build_id"]
    assert user.wait(second)["status"] == "COMPLETED"
    packages = [user.client.get(f"/api/v1/build/{build_id}/packages/").json()["data"] for build_id in (first, second)]
    assert packages[0] == packages[1] != []
    again = json.loads(user.client.get(f"/api/v1/build/{second}/lockfile/").text)
    assert again["package"] == json.loads(lockfile)["package"]


def test_user_rebuilds_a_build(user: User) -> None:
    first = user.submit(a_name(), SMALL)
    user.wait(first)
    answer = user.client.put(f"/api/v1/build/{first}/")
    assert answer.json()["message"] == "rebuild triggered"
    assert user.wait(answer.json()["data"]["build_id"])["status"] == "COMPLETED"


@pytest.mark.timeout(180)
def test_twenty_builds_at_once_all_complete(user: User) -> None:
    builds = [user.submit(a_name(), ["demo-versions", "demo-text"]) for _ in range(20)]
    for build_id in builds:
        assert user.wait(build_id, timeout=120)["status"] == "COMPLETED"


def test_user_cancels_a_build_that_is_under_way(user: User) -> None:
    build_id = user.submit(a_name(), DEMO)
    answer = user.client.put(f"/api/v1/build/{build_id}/cancel/")
    assert answer.json()["message"] == f"build {build_id} canceled"
    build = user.wait(build_id)
    assert build["status"] in ("CANCELED", "COMPLETED")
