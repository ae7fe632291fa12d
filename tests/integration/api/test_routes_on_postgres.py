"""Hostile input that only PostgreSQL could choke on: NUL, halves of characters, numbers beyond its integers."""

import pytest

from conda_store_api.use_cases.store_logs import store_logs
from conda_store_shared.domain.stage import SOLVE
from tests.unit.api.api_client import SPECIFICATION, Api
from tests.unit.api.ledger_builders import Attempt, Ledger

QUERIES = ("search=%00", "namespace=%00", "name=%00", "packages=%00", "page=2147483647&size=100", "search=%25_%5C",
           "environment_id=-1", "packages=" + "x" * 3000, "search=" + "x" * 3000)  # fmt: skip
LOCKFILE = '{"metadata": {"platforms": [%s]}, "package": []}'


async def test_nothing_crashes_when_queries_are_hostile(api: Api) -> None:
    await api.ledger.completed()
    for path in ("/environment/", "/build/", "/namespace/", "/build/1/packages/"):
        for query in QUERIES:
            answer = await api.get(f"{path}?{query}")
            assert answer.status_code in (200, 400), (path, query, answer.text)


async def test_nothing_is_found_when_names_are_hostile(api: Api) -> None:
    for name in ("a%00b", "%ED%A0%80", "x" * 3000, "%F0%9F%98%80"):
        for path in (f"/namespace/{name}/", f"/environment/{name}/x/", f"/environment/team/{name}/"):
            answer = await api.get(path)
            assert answer.status_code in (400, 403, 404), (path, answer.text)


@pytest.mark.parametrize("platform", ['"\\u0000"', '"\\ud800"', '"linux-64", NaN', '"linux-64"], "x": [1e999'])
async def test_lockfile_is_refused_when_no_column_can_hold_it(api: Api, platform: str) -> None:
    answer = await api.submit(LOCKFILE % platform, is_lockfile=True, environment_name="weather")
    assert answer.status_code == 400
    assert await api.ledger.namespaces() == []


async def test_description_is_kept_to_the_letter_when_it_is_odd(api: Api) -> None:
    await api.submit(SPECIFICATION)
    for description, status in (("ü 😀 \\ ' \" %s :x", 200), ("a\x00b", 400), ("x" * 100_000, 200)):
        answer = await api.ask("PUT", "/environment/team/weather/", json={"description": description})
        assert answer.status_code == status, answer.text
    assert (await api.get("/environment/team/weather/")).json()["data"]["description"] == "x" * 100_000


async def test_log_is_kept_to_the_letter_when_it_is_odd(ledger: Ledger) -> None:
    build = await ledger.released()
    await ledger.apply(Attempt(build, SOLVE).failed("unsatisfiable", "ü 😀"))
    await ledger.apply(Attempt(build, SOLVE).log(0, "ü 😀 \x1b[1m\r"))
    assert await ledger.log(build) == ["ü 😀 \x1b[1m\r"]
    assert await store_logs(ledger.transactions, ledger.store, ledger.now) == 1
