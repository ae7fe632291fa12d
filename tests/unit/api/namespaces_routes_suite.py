"""Changing namespaces and the roles they grant, over HTTP: on every database (contract §1.2, §3.7)."""

from typing import Any

import httpx
import pytest

from conda_store_api.repositories.environments import find_namespace
from tests.unit.api.api_client import DENIED, Api
from tests.unit.api.ledger_builders import Ledger

ACK = {"status": "ok", "message": None}
MISSING = {"status": "error", "message": "namespace does not exist"}
UNKNOWN = {"status": "error", "message": "Namespace='nobody' not found"}


async def create(api: Api, *names: str) -> None:
    for name in names:
        assert (await api.ask("POST", f"/namespace/{name}/")).status_code == 200


async def shown(api: Api, name: str = "team") -> dict[str, Any]:
    found: dict[str, Any] = (await api.get(f"/namespace/{name}/")).json()["data"]
    return found


async def roles(api: Api) -> list[tuple[str, str, str]]:
    rows = (await api.get("/namespace/team/roles")).json()["data"]
    return [(row["namespace"], row["other_namespace"], row["role"]) for row in rows]


def told(answer: httpx.Response) -> tuple[int, Any]:
    return answer.status_code, answer.json()


def refused(message: str) -> tuple[int, Any]:
    return 400, {"status": "error", "message": message}


async def put(api: Api, body: Any, caller: str = "admin", path: str = "/namespace/team/") -> httpx.Response:
    return await api.ask("PUT", path, caller, json=body)


async def ask_role(api: Api, method: str, other: str = "lab", role: str = "viewer") -> httpx.Response:
    body = {"other_namespace": other} if method == "DELETE" else {"other_namespace": other, "role": role}
    return await api.ask(method, "/namespace/team/role", json=body)


class NamespaceRoutesSuite:
    """Suites below run on the ledger of their directory."""

    async def test_namespace_keeps_what_a_change_leaves_out(self, api: Api) -> None:
        await create(api, "team")
        mappings = {"team/*": ["viewer", "editor"], "other/x": ["admin"]}
        assert told(await put(api, {"metadata": {"a": {"b": 1}}, "role_mappings": mappings})) == (200, ACK)
        bodies: list[Any] = [None, {}, {"unknown": 1}, {"metadata": None, "role_mappings": None}]
        for body in bodies:
            assert told(await put(api, body)) == (200, ACK)
        namespace = await shown(api)
        assert namespace["metadata_"] == {"a": {"b": 1}}
        assert [(row["entity"], row["role"]) for row in namespace["role_mappings"]] == [
            ("team/*", "developer"),
            ("team/*", "viewer"),
            ("other/x", "admin"),
        ]

    async def test_change_replaces_what_it_names_as_a_whole(self, api: Api) -> None:
        await create(api, "team")
        await put(api, {"metadata": {"a": 1}, "role_mappings": {"team/*": ["viewer"]}})
        await put(api, {"metadata": {"b": 2}})
        assert (await shown(api))["metadata_"] == {"b": 2}
        await put(api, {"role_mappings": {}})
        assert (await shown(api))["role_mappings"] == []
        await put(api, {"role_mappings": {"team/*": ["viewer", "viewer"]}})
        assert len((await shown(api))["role_mappings"]) == 1

    async def test_mapping_is_refused_by_name_when_it_is_none(self, api: Api) -> None:
        await create(api, "team")
        for arn in ("", "team", "a/b/c", "a b/c", "ü/*", "team/\n"):
            assert told(await put(api, {"role_mappings": {arn: ["viewer"]}})) == refused(f"invalid entity={arn}")
        for role in ("", "owner", "Admin"):
            answer = await put(api, {"metadata": {"a": 1}, "role_mappings": {"team/*": ["viewer", role]}})
            assert told(answer) == refused(f"invalid entity={role}")
        assert ((await shown(api))["metadata_"], (await shown(api))["role_mappings"]) == ({}, [])

    async def test_nobody_grants_more_than_they_hold(self, api: Api) -> None:
        await create(api, "team")
        for arn in ("victim/*", "*/*", "t*/*", "tea*/x", "default/*"):
            answer = await put(api, {"role_mappings": {arn: ["admin"]}}, "owner")
            assert answer.status_code == 400
            assert answer.json()["message"].startswith(f"invalid entity={arn}; ")
        for mappings in ({"team/*": ["admin"]}, {"team/a*": ["editor"]}, {"default/x": ["viewer"]}):
            assert told(await put(api, {"role_mappings": mappings}, "owner")) == (200, ACK)
        # The holder of the namespace has what was granted; everybody else still has not.
        await put(api, {"role_mappings": {"secret/*": ["viewer"]}})
        assert (await api.get("/environment/secret/x/", "developer")).status_code == 404
        assert (await api.get("/environment/secret/x/", "viewer")).status_code == 403

    @pytest.mark.parametrize(
        "body",
        [3, [], "x", {"metadata": []}, {"metadata": "x"}, {"role_mappings": []}, {"role_mappings": {"a/b": "admin"}}],
    )
    async def test_change_is_unprocessable_when_it_has_another_shape(self, api: Api, body: Any) -> None:
        assert (await put(api, body)).status_code == 422

    async def test_mapping_counts_at_once_when_it_is_made_and_when_it_is_taken_away(self, api: Api) -> None:
        await create(api, "team", "stranger")
        steps: list[tuple[dict[str, list[str]], int]] = [({}, 403), ({"team/*": ["viewer"]}, 200), ({}, 403)]
        for mappings, status in steps:
            assert told(await put(api, {"role_mappings": mappings}, path="/namespace/stranger/")) == (200, ACK)
            assert (await api.get("/namespace/team/", caller="stranger")).status_code == status

    async def test_metadata_is_the_body_itself(self, api: Api) -> None:
        await create(api, "team")
        path = "/namespace/team/metadata"
        assert told(await put(api, {"metadata": {"a": 1}}, path=path)) == (200, ACK)
        assert (await shown(api))["metadata_"] == {"metadata": {"a": 1}}
        assert told(await api.ask("PUT", path)) == (200, ACK)
        assert (await shown(api))["metadata_"] == {"metadata": {"a": 1}}
        assert told(await put(api, {}, path=path)) == (200, ACK)
        assert (await shown(api))["metadata_"] == {}
        for wrong in ([1], 3, "x"):
            assert (await put(api, wrong, path=path)).status_code == 422

    async def test_roles_are_granted_changed_and_taken_away(self, api: Api) -> None:
        await create(api, "team", "lab", "guests")
        assert told(await ask_role(api, "POST", "lab", "editor")) == (200, ACK)
        assert told(await ask_role(api, "POST", "guests", "viewer")) == (200, ACK)
        assert await roles(api) == [("team", "lab", "developer"), ("team", "guests", "viewer")]
        assert told(await ask_role(api, "PUT", "lab", "admin")) == (200, ACK)
        one = (await api.get("/namespace/team/role", params={"other_namespace": "lab"})).json()
        row = {"id": one["data"]["id"], "namespace": "team", "other_namespace": "lab", "role": "admin"}
        assert one == {"status": "ok", "data": row, "message": None}
        for _ in range(2):
            assert told(await ask_role(api, "DELETE", "lab")) == (200, ACK)
        assert await roles(api) == [("team", "guests", "viewer")]
        for _ in range(2):
            assert told(await api.ask("DELETE", "/namespace/team/roles")) == (200, ACK)
        assert await roles(api) == []

    async def test_role_is_refused_when_there_is_one_already(self, api: Api) -> None:
        await create(api, "team", "lab")
        await ask_role(api, "POST")
        answer = await ask_role(api, "POST", role="admin")
        assert (answer.status_code, answer.json()["status"]) == (409, "error")
        assert await roles(api) == [("team", "lab", "viewer")]

    async def test_role_is_not_found_when_none_was_granted(self, api: Api) -> None:
        await create(api, "team", "lab")
        told_so = (404, {"status": "error", "message": "failed to find role"})
        assert told(await ask_role(api, "PUT")) == told_so
        assert told(await api.get("/namespace/team/role", params={"other_namespace": "lab"})) == told_so

    async def test_other_namespace_is_told_when_there_is_none(self, api: Api) -> None:
        await create(api, "team", "gone")
        await soft_delete(api.ledger, "gone")
        for method in ("POST", "PUT", "DELETE"):
            assert told(await ask_role(api, method, "nobody", "no-role")) == (400, UNKNOWN)
            assert (await ask_role(api, method, "gone")).json()["message"] == "Namespace='gone' not found"
        answer = await api.get("/namespace/team/role", params={"other_namespace": "nobody"})
        assert told(answer) == (400, UNKNOWN)

    async def test_role_is_refused_when_there_is_no_such_role(self, api: Api) -> None:
        await create(api, "team", "lab")
        for method in ("POST", "PUT"):
            assert told(await ask_role(api, method, role="owner")) == refused("invalid role=owner")

    async def test_namespace_is_missing_before_anything_else(self, api: Api) -> None:
        await create(api, "team")
        await soft_delete(api.ledger, "team")
        answers = [
            await put(api, {"role_mappings": {"": ["x"]}}),
            await put(api, {"a": 1}, path="/namespace/team/metadata"),
            *[await ask_role(api, method, "nobody", "x") for method in ("POST", "PUT", "DELETE")],
            await api.get("/namespace/team/role", params={"other_namespace": "nobody"}),
            await api.get("/namespace/team/roles"),
            await api.ask("DELETE", "/namespace/team/roles"),
        ]
        assert [told(answer) for answer in answers] == [(404, MISSING)] * 8

    async def test_role_is_unprocessable_when_a_part_is_missing(self, api: Api) -> None:
        for method, body in (("POST", {"role": "viewer"}), ("PUT", {"other_namespace": "lab"}), ("DELETE", {})):
            answer = await api.ask(method, "/namespace/team/role", json=body)
            assert (answer.status_code, answer.json()["detail"][0]["type"]) == (422, "missing")
        assert (await api.get("/namespace/team/role")).status_code == 422

    async def test_roles_are_for_those_whose_roles_let_them(self, api: Api) -> None:
        await create(api, "team", "lab")
        role = {"other_namespace": "lab", "role": "viewer"}
        writes = [
            ("PUT", "", {}),
            ("PUT", "metadata", {}),
            ("POST", "role", role),
            ("PUT", "role", role),
            ("DELETE", "role", role),
            ("DELETE", "roles", None),
        ]
        for method, path, body in writes:
            for caller in (None, "stranger", "viewer", "developer"):
                assert told(await api.ask(method, f"/namespace/team/{path}", caller, json=body)) == (403, DENIED)
            assert (await api.ask(method, f"/namespace/team/{path}", "owner", json=body)).status_code == 200
        for caller, status in ((None, 403), ("stranger", 403), ("viewer", 200)):
            assert (await api.get("/namespace/team/roles", caller)).status_code == status
        assert (await api.get("/namespace/nobody/roles", "owner")).status_code == 403

    async def test_paths_are_taken_with_a_slash_as_well(self, api: Api) -> None:
        await create(api, "team")
        assert (await api.get("/namespace/team/roles/")).json()["data"] == []
        assert told(await put(api, {"a": 1}, path="/namespace/team/metadata/")) == (200, ACK)


async def soft_delete(ledger: Ledger, name: str) -> None:
    async with ledger.transactions.begin() as transaction:
        namespace = await find_namespace(transaction.session, name)
        assert namespace is not None
        namespace.deleted_on = ledger.now
