"""Many callers change settings and roles at the same moment, on PostgreSQL."""

import asyncio
from typing import Any

from tests.unit.api.api_client import Api

KEYS = ("conda_default_channels", "conda_allowed_channels", "conda_included_packages", "conda_required_packages")


async def at_once(api: Api, method: str, path: str, bodies: list[Any]) -> list[int]:
    """Send all bodies together; return the statuses."""
    answers = await asyncio.gather(*(api.ask(method, path, json=body) for body in bodies))
    return sorted(answer.status_code for answer in answers)


async def test_every_change_of_settings_is_taken_when_they_come_together(api: Api) -> None:
    bodies = [{key: [f"n{number}"] for key in (KEYS if number % 2 else KEYS[::-1])} for number in range(16)]
    assert await at_once(api, "PUT", "/setting/team/", bodies) == [200] * 16
    settings = (await api.get("/setting/team/")).json()["data"]
    assert len({tuple(settings[key]) for key in KEYS}) == 1


async def test_role_is_granted_once_when_many_grant_it_together(api: Api) -> None:
    for name in ("team", "lab"):
        await api.ask("POST", f"/namespace/{name}/")
    bodies = [{"other_namespace": "lab", "role": "viewer"}] * 8
    assert await at_once(api, "POST", "/namespace/team/role", bodies) == [200, *[409] * 7]
    assert len((await api.get("/namespace/team/roles")).json()["data"]) == 1


async def test_mappings_are_those_of_one_writer_when_many_replace_them_together(api: Api) -> None:
    await api.ask("POST", "/namespace/team/")
    bodies = [{"role_mappings": {f"a{number}/*": ["viewer"], f"b{number}/*": ["admin"]}} for number in range(8)]
    assert await at_once(api, "PUT", "/namespace/team/", bodies) == [200] * 8
    rows = (await api.get("/namespace/team/")).json()["data"]["role_mappings"]
    assert sorted(row["entity"][0] for row in rows) == ["a", "b"]
    assert len({row["entity"][1:] for row in rows}) == 1
