"""What is deleted goes from the disk and from the bucket, and its name can be used again at once: in both modes."""

import uuid
from functools import partial
from pathlib import Path

import httpx
import pytest

from conda_store_shared.testing.servers.process import wait_until
from tests.acceptance.remains import all_gone, remains_of
from tests.acceptance.user import User

SMALL = ["demo-text"]
LARGE = ["python", "numpy", "demo-prefix"]
ALL = ("DIRECTORY", "LOCKFILE", "YAML", "CONDA_PACK", "LOGS")
KEPT = ["LOCKFILE", "LOGS", "YAML"]

pytestmark = pytest.mark.timeout(240)


def a_name(kind: str = "deleted") -> str:
    return f"{kind}-{uuid.uuid4().hex[:8]}"


def link_of(user: User, name: str, namespace: str = "default") -> Path:
    return user.suite.store_directory / namespace / "envs" / name


def built(user: User, name: str, *dependencies: str) -> int:
    """A build with everything it leaves behind."""
    build_id = user.submit(name, dependencies or SMALL)
    user.wait(build_id)
    user.wait_for_artifacts(build_id, *ALL)
    return build_id


def delete(user: User, path: str) -> httpx.Response:
    answer = user.client.delete(f"/api/v1{path}")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "message": None})
    return answer


def kinds_of(user: User, build_id: int) -> list[str]:
    return sorted(row["artifact_type"] for row in user.build(build_id)["build_artifacts"])


def count_of(user: User, namespace: str) -> int:
    count: int = user.client.get("/api/v1/build/", params={"namespace": namespace}).json()["count"]
    return count


def is_linked(link: Path, prefix: Path) -> bool:
    return link.is_symlink() and link.resolve() == prefix.resolve()


def test_deleted_build_leaves_only_what_is_kept(user: User) -> None:
    name = a_name()
    build_id = built(user, name)
    prefix = Path(user.wait_for_artifacts(build_id, *ALL)["DIRECTORY"])
    delete(user, f"/build/{build_id}/")
    delete(user, f"/build/{build_id}/")
    kept = sorted([f"lockfile/{prefix.name}.yml", f"logs/{prefix.name}.log", f"yaml/{prefix.name}.yml"])
    assert wait_until(lambda: remains_of(user.suite, name) == kept, 60), remains_of(user.suite, name)
    assert wait_until(lambda: user.build(build_id)["size"] == 0, 30)
    assert (user.build(build_id)["status"], kinds_of(user, build_id)) == ("COMPLETED", KEPT)
    for kind in ("lockfile", "yaml", "logs"):
        assert user.client.get(f"/api/v1/build/{build_id}/{kind}/").status_code == httpx.codes.OK
    assert user.client.get(f"/api/v1/build/{build_id}/archive/").status_code == httpx.codes.NOT_FOUND
    again = user.client.put(f"/api/v1/build/{build_id}/").json()["data"]["build_id"]
    assert user.wait(again)["status"] == "COMPLETED"
    assert wait_until(partial(is_linked, link_of(user, name), prefix.with_name(prefix_name(user, again))), 30)


def prefix_name(user: User, build_id: int) -> str:
    return Path(user.wait_for_artifacts(build_id, "DIRECTORY")["DIRECTORY"]).name


def test_link_leads_to_the_build_before_when_the_current_one_is_deleted(user: User) -> None:
    name = a_name()
    first, second = built(user, name, "demo-versions ==1.0"), built(user, name, "demo-versions ==2.0")
    assert user.environment(name)["current_build_id"] == second
    before = Path(user.wait_for_artifacts(first, "DIRECTORY")["DIRECTORY"])
    delete(user, f"/build/{second}/")
    assert user.environment(name)["current_build_id"] == first
    assert wait_until(partial(is_linked, link_of(user, name), before), 30)


def test_nothing_of_an_environment_is_left_and_its_name_is_used_at_once(user: User) -> None:
    name = a_name()
    builds = [built(user, name), built(user, name, "demo-versions")]
    keys = [prefix_name(user, build_id) for build_id in builds]
    delete(user, f"/build/{builds[0]}/")
    delete(user, f"/environment/default/{name}/")
    again = user.submit(name, SMALL)
    assert user.environment(name)["current_build_id"] == again
    assert user.wait(again)["status"] == "COMPLETED"
    for key in keys:
        assert all_gone(user.suite, key), remains_of(user.suite, key)
    for build_id in builds:
        assert wait_until(lambda: user.client.get(f"/api/v1/build/{build_id}/").status_code == 404, 30)  # noqa: B023
    new = Path(user.wait_for_artifacts(again, *ALL)["DIRECTORY"])
    assert wait_until(partial(is_linked, link_of(user, name), new), 30)
    delete(user, f"/environment/default/{name}/")
    assert all_gone(user.suite, name), remains_of(user.suite, name)
    assert wait_until(lambda: user.client.get(f"/api/v1/environment/default/{name}/").status_code == 404, 30)
    gone = user.client.delete(f"/api/v1/environment/default/{name}/")
    text = f"environment namespace=default name={name} does not exist"
    assert (gone.status_code, gone.json()) == (400, {"status": "error", "message": text})


def test_nothing_of_a_namespace_is_left_when_it_is_deleted_while_it_builds(user: User) -> None:
    namespace, name = a_name("namespace"), a_name()
    small = user.post(user.specification(name, SMALL), namespace).json()["data"]["build_id"]
    user.wait(small)
    texts = [user.specification(f"{name}-{number}", LARGE) for number in range(3)]
    running = [user.post(text, namespace).json()["data"]["build_id"] for text in texts]
    user.wait(running[0], "BUILDING", "COMPLETED")
    delete(user, f"/namespace/{namespace}/")
    assert user.client.get(f"/api/v1/namespace/{namespace}/").status_code == 404
    assert user.client.post(f"/api/v1/namespace/{namespace}/").status_code == 200
    assert user.client.get("/api/v1/environment/", params={"namespace": namespace}).json()["count"] == 0
    assert wait_until(lambda: count_of(user, namespace) == 0, 90), remains_of(user.suite, namespace)
    assert all_gone(user.suite, name), remains_of(user.suite, name)
    assert user.wait(user.post(user.specification(name, SMALL), namespace).json()["data"]["build_id"])
    delete(user, f"/namespace/{namespace}/")
    assert all_gone(user.suite, name), remains_of(user.suite, name)
    assert wait_until(lambda: user.client.delete(f"/api/v1/namespace/{namespace}/").status_code == 404, 30)


def test_nothing_of_a_canceled_build_is_left_when_it_is_deleted(user: User) -> None:
    name = a_name()
    build_id = user.submit(name, LARGE)
    user.wait(build_id, "BUILDING", "COMPLETED")
    user.client.put(f"/api/v1/build/{build_id}/cancel/").raise_for_status()
    if user.wait(build_id)["status"] == "CANCELED":
        told = f"build {build_id} marked as CANCELED due to being canceled from the REST API"
        assert wait_until(lambda: told in user.log(build_id), 30)
    delete(user, f"/build/{build_id}/")
    kept = ("lockfile/", "logs/", "yaml/")
    assert wait_until(lambda: all(each.startswith(kept) for each in remains_of(user.suite, name)), 60)
    delete(user, f"/environment/default/{name}/")
    assert all_gone(user.suite, name), remains_of(user.suite, name)


def test_build_under_way_cannot_be_deleted(user: User) -> None:
    build_id = user.submit(a_name(), LARGE)
    answer = user.client.delete(f"/api/v1/build/{build_id}/")
    if user.build(build_id)["status"] != "COMPLETED":
        text = "cannot delete build since not finished building"
        assert (answer.status_code, answer.json()) == (400, {"status": "error", "message": text})
    assert user.client.delete("/api/v1/build/99999999/").status_code == 404
    assert httpx.delete(f"{user.suite.url}/api/v1/build/99999999/").status_code == 404
    assert httpx.delete(f"{user.suite.url}/api/v1/build/{build_id}/").status_code == 403
    for path in ("environment/default/nothing-here", "namespace/nothing-here"):
        assert httpx.delete(f"{user.suite.url}/api/v1/{path}/").status_code == 403
    # Nothing is to be fetched any more when the channel stops.
    user.wait(build_id)
