"""The answers of api to the letter (contract §1.1 to §1.4, §2.3)."""

from datetime import timedelta

import pytest

from conda_store_shared.domain.order import Order
from tests.unit.api.api_client import DENIED, Api
from tests.unit.api.ledger_builders import Attempt

pytestmark = pytest.mark.slow

NOON = "2026-11-22T12:00:00"


async def test_status_tells_the_version(api: Api) -> None:
    for path in ("/", ""):
        answer = await api.get(path, None)
        assert answer.status_code == 200
        assert answer.json() == {"status": "ok", "data": {"version": "0.1.0"}, "message": None}


async def test_submission_is_answered_with_the_build(api: Api) -> None:
    answer = await api.submit()
    build_id = answer.json()["data"]["build_id"]
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "data": {"build_id": build_id}, "message": None}
    assert (await api.ledger.build(build_id)).status == "QUEUED"


async def test_submission_goes_to_the_namespace_of_its_sender_when_it_names_none(api: Api) -> None:
    answer = await api.submit(caller="developer", namespace=None)
    assert answer.status_code == 403  # creating the namespace takes more
    await api.ask("POST", "/namespace/team/")
    answer = await api.submit(caller="developer", namespace=None)
    assert answer.status_code == 200
    assert await api.ledger.namespaces() == ["team"]


async def test_build_has_its_shape_when_it_is_completed(api: Api) -> None:
    build = await api.ledger.completed()
    answer = (await api.get(f"/build/{build.id}/")).json()
    specification, artifacts = answer["data"].pop("specification"), answer["data"].pop("build_artifacts")
    assert answer == {
        "status": "ok",
        "message": None,
        "data": {
            "id": build.id,
            "environment_id": build.environment_id,
            "packages": None,
            "status": "COMPLETED",
            "status_info": None,
            "size": 1000,
            "scheduled_on": NOON,
            "started_on": NOON,
            "ended_on": NOON,
        },
    }
    path = Order.from_value(build.order or {}).prefix.path
    assert [{**artifact, "id": 0} for artifact in artifacts] == [
        {"id": 0, "artifact_type": "LOCKFILE", "key": f"lockfile/{build.build_key}.yml"},
        {"id": 0, "artifact_type": "DIRECTORY", "key": path},
    ]
    assert specification == {
        "id": build.specification_id,
        "name": "weather",
        "sha256": specification["sha256"],
        "created_on": NOON,
        "spec": {
            "channels": ["conda-forge"],
            "dependencies": ["python"],
            "description": "",
            "name": "weather",
            "prefix": None,
            "variables": None,
        },
    }
    assert list(specification["spec"]) == ["channels", "dependencies", "description", "name", "prefix", "variables"]


async def test_builds_are_listed_without_what_is_inside_them(api: Api) -> None:
    first, second = await api.ledger.completed(), await api.ledger.submit()
    answer = (await api.get("/build/", params={"order": "desc", "size": 1})).json()
    (row,) = answer.pop("data")
    assert answer == {"status": "ok", "message": None, "page": 1, "size": 1, "count": 2}
    assert (row["id"], row["specification"], row["build_artifacts"], row["packages"]) == (second.id, None, None, None)
    for query, expected in (
        ({"status": "COMPLETED"}, [first.id]),
        ({"artifact": "DIRECTORY"}, [first.id]),
        ({"packages": ["python", "numpy"]}, [first.id]),
        ({"packages": ["python", "flask"]}, []),
        ({"environment_id": first.environment_id, "sort_by": "scheduled_on"}, [first.id, second.id]),
        ({"name": "weather", "namespace": "team"}, [first.id, second.id]),
        ({"name": "other"}, []),
        ({"page": 2, "size": 1}, [second.id]),
        ({"page": 1000}, []),
    ):
        assert [row["id"] for row in (await api.get("/build/", params=query)).json()["data"]] == expected, query


async def test_packages_of_a_build_have_their_shape(api: Api) -> None:
    build = await api.ledger.completed()
    answer = (await api.get(f"/build/{build.id}/packages/")).json()
    (numpy, python) = answer.pop("data")
    assert answer == {"status": "ok", "message": None, "page": 1, "size": 100, "count": 2}
    channel = {"id": numpy["channel"]["id"], "name": "https://conda.anaconda.org/conda-forge", "last_update": None}
    assert numpy == {
        "id": numpy["id"],
        "channel": channel,
        "license": None,
        "name": "numpy",
        "summary": None,
        "version": "1.0",
    }
    assert python["name"] == "python"
    for query, expected in (
        ({"search": "py"}, ["numpy", "python"]),
        ({"search": "py", "exact": "1"}, []),
        ({"search": "python", "exact": "no"}, ["python"]),
        ({"exact": "1"}, ["numpy", "python"]),
        ({"search": "_"}, []),
        ({"build": "h1"}, ["numpy", "python"]),
        ({"build": "h2"}, []),
        ({"order": "desc", "sort_by": "name"}, ["python", "numpy"]),
    ):
        answer = (await api.get(f"/build/{build.id}/packages/", params=query)).json()
        assert [row["name"] for row in answer["data"]] == expected, query


async def test_rebuild_and_cancel_say_what_they_did(api: Api) -> None:
    build = await api.ledger.released()
    again = (await api.ask("PUT", f"/build/{build.id}/")).json()
    assert again == {"status": "ok", "data": {"build_id": build.id + 1}, "message": "rebuild triggered"}
    canceled = await api.ask("PUT", f"/build/{build.id}/cancel/")
    assert canceled.json()["message"] == f"build {build.id} canceled"
    assert (await api.ledger.build(build.id)).status == "CANCELED"
    assert (await api.ask("PUT", f"/build/{build.id}/cancel/")).status_code == 200


async def test_stages_of_a_build_are_shown_in_their_order(api: Api) -> None:
    build = await api.ledger.completed()
    attempt = Attempt(build, "artifact.YAML", api.ledger.now + timedelta(seconds=1))
    await api.ledger.apply(attempt.progress(1, 2, "files"))
    stages = (await api.get(f"/build/{build.id}/stages/")).json()["data"]
    assert stages[0]["stage"] == "solve"
    assert {stage["stage"]: stage["state"] for stage in stages}["artifact.YAML"] == "running"


async def test_environment_has_its_shape(api: Api) -> None:
    build = await api.ledger.completed()
    shape = {
        "id": build.environment_id,
        "namespace": {"id": 1, "name": "team", "metadata_": {}, "role_mappings": []},
        "name": "weather",
        "current_build_id": build.id,
        "current_build": None,
        "description": "",
    }
    answer = (await api.get("/environment/team/weather/")).json()
    shape["namespace"]["id"] = answer["data"]["namespace"]["id"]  # type: ignore[index]
    assert answer == {"status": "ok", "data": shape, "message": None}
    listed = await api.get("/environment/")
    assert listed.json() == {"status": "ok", "data": [shape], "message": None, "page": 1, "size": 100, "count": 1}
    assert listed.headers["deprecation"] == "True"
    assert listed.headers["sunset"] == "Mon, 17 Mar 2025 00:00:00 UTC"


async def test_environments_are_filtered(api: Api) -> None:
    await api.ledger.completed()
    await api.ledger.submit("lab_1", "rain")
    for query, expected in (
        ({}, ["rain", "weather"]),
        ({"order": "desc"}, ["weather", "rain"]),
        ({"sort_by": ["name"], "order": "desc"}, ["weather", "rain"]),
        ({"search": "eath"}, ["weather"]),
        ({"search": "lab"}, ["rain"]),
        ({"search": "b_1"}, ["rain"]),
        ({"search": "%"}, []),
        ({"namespace": "team"}, ["weather"]),
        ({"name": "rain"}, ["rain"]),
        ({"status": "COMPLETED"}, ["weather"]),
        ({"status": "QUEUED"}, ["rain"]),
        ({"artifact": "LOCKFILE"}, ["weather"]),
        ({"packages": ["numpy", "numpy"]}, ["weather"]),
    ):
        rows = (await api.get("/environment/", params=query)).json()["data"]
        assert [row["name"] for row in rows] == expected, query


async def test_current_build_is_chosen_by_a_user(api: Api) -> None:
    first, second = await api.ledger.completed(), await api.ledger.completed()
    queued, other = await api.ledger.submit(), await api.ledger.submit(name="other")
    path = "/environment/team/weather/"
    assert (await api.ask("PUT", path, json={"build_id": str(first.id)})).json() == {"status": "ok", "message": None}
    assert (await api.ledger.environment(second)).current_build_id == first.id
    assert (await api.ask("PUT", path, json={"description": "rain"})).status_code == 200
    assert (await api.get(path)).json()["data"]["description"] == "rain"
    assert (await api.ask("PUT", "/environment/team/nothing/")).json() == {"status": "ok", "message": None}
    for build_id, message in (
        (4711, "build id=4711 does not exist"),
        (queued.id, "cannot update environment to build id since not completed"),
        (other.id, "cannot update environment to build id since not completed"),
    ):
        answer = await api.ask("PUT", path, json={"build_id": build_id})
        assert (answer.status_code, answer.json()) == (400, {"status": "error", "message": message})
    for body in ({"build_id": first.id}, {"description": "x"}):
        answer = await api.ask("PUT", "/environment/team/nothing/", json=body)
        assert answer.json()["message"] == "environment namespace=team name=nothing does not exist"
    answer = await api.ask("PUT", "/environment/team/other/", json={"build_id": first.id})
    assert "does not match environment name" in answer.json()["message"]


async def test_namespaces_have_their_shapes(api: Api) -> None:
    assert (await api.ask("POST", "/namespace/team/")).json() == {"status": "ok", "message": None}
    again = await api.ask("POST", "/namespace/team/")
    assert (again.status_code, again.json()) == (409, {"status": "error", "message": "namespace already exists"})
    (row,) = (await api.get("/namespace/")).json()["data"]
    assert row == {"id": row["id"], "name": "team"}
    listed = (await api.get("/namespace/")).json()
    assert listed == {"status": "ok", "data": [row], "page": 1, "size": 100, "count": 1}
    shown = (await api.get("/namespace/team/")).json()
    assert shown == {"status": "ok", "data": {**row, "metadata_": {}, "role_mappings": []}, "message": None}


async def test_namespace_is_hidden_when_it_is_being_deleted_and_its_name_is_free(api: Api) -> None:
    await api.ask("POST", "/namespace/team/")
    assert (await api.ask("DELETE", "/namespace/team/")).status_code == 200
    gone = await api.get("/namespace/team/")
    assert (gone.status_code, gone.json()["message"]) == (404, "namespace does not exist")
    assert (await api.get("/namespace/")).json()["data"] == []
    assert (await api.ask("POST", "/namespace/team/")).status_code == 200
    assert (await api.get("/namespace/team/")).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("PUT", ""), ("PUT", "cancel/"), ("GET", "packages/"), ("GET", "stages/")],
)
async def test_unknown_build_is_told_before_rights(api: Api, method: str, path: str) -> None:
    for build_id in ("4711", "0", "-1", "99999999999999999999"):
        answer = await api.ask(method, f"/build/{build_id}/{path}", None)
        assert (answer.status_code, answer.json()["message"]) == (404, "build id does not exist")


async def test_rights_are_told_before_what_exists(api: Api) -> None:
    for path in ("/namespace/secret/", "/environment/secret/weather/", "/environment/a b/c d/", "/namespace/ü/"):
        answer = await api.get(path, "stranger")
        assert (answer.status_code, answer.json()) == (403, DENIED)
    assert (await api.get("/environment/team/nothing/", "viewer")).json()["message"] == "environment does not exist"


async def test_callers_do_what_their_roles_let_them(api: Api) -> None:
    build = await api.ledger.completed()
    allowed = {
        ("GET", f"/build/{build.id}/"): ("admin", "developer", "viewer"),
        ("GET", "/environment/team/weather/"): ("admin", "developer", "viewer"),
        ("GET", "/namespace/team/"): ("admin", "developer", "viewer"),
        ("PUT", "/environment/team/weather/"): ("admin", "developer"),
        ("PUT", f"/build/{build.id}/"): ("admin", "developer"),
        ("PUT", f"/build/{build.id}/cancel/"): ("admin", "developer"),
        ("POST", "/namespace/new/"): ("admin",),
    }
    for (method, path), callers in allowed.items():
        for caller in (None, "stranger", "viewer", "developer", "admin"):
            answer = await api.ask(method, path, caller)
            assert (answer.status_code == 200) == (caller in callers), (method, path, caller)
            assert answer.status_code == 200 or answer.json() == DENIED


async def test_lists_show_what_the_caller_may_see(api: Api) -> None:
    await api.ledger.completed()
    await api.ledger.submit("secret", "hidden")
    await api.ledger.submit("default", "open")
    for caller, names in ((None, ["open"]), ("stranger", ["open"]), ("viewer", ["open", "weather"])):
        assert [row["name"] for row in (await api.get("/environment/", caller)).json()["data"]] == names
        assert (await api.get("/build/", caller)).json()["count"] == len(names)
    assert [row["name"] for row in (await api.get("/namespace/", "viewer")).json()["data"]] == ["default", "team"]
