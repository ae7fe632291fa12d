"""Lists of environments, version 2 and the filters of both, and usage: on every database (contract §1.1, §1.3)."""

import base64
import itertools
import json
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import update

from conda_store_shared.db.models import Build, Environment, Namespace
from conda_store_shared.domain.prefix_record import InstalledPackage, PrefixRecord
from conda_store_shared.domain.storage_keys import prefix_record_key
from tests.unit.api.api_client import Api
from tests.unit.api.ledger_builders import Attempt, Ledger, a_package

PLACES = [(namespace, name) for namespace in ("a", "ab", "a_b") for name in ("x", "x.y", "X", "z")]
END = {"last_id": None, "last_value": None}
BOTH = ("/api/v1/environment/", "/api/v2/environment/")


async def fill(ledger: Ledger, *places: tuple[str, str]) -> None:
    """Make environments without builds, ids in another order than names."""
    async with ledger.transactions.begin() as transaction:
        session = transaction.session
        namespaces = {name: Namespace(name=name) for name in {namespace for namespace, _ in places}}
        session.add_all(namespaces.values())
        await session.flush()
        session.add_all(Environment(namespace_id=namespaces[where].id, name=name) for where, name in reversed(places))


async def ask(api: Api, path: str = BOTH[1], caller: str | None = "admin", **query: Any) -> Any:
    headers = {"Authorization": f"Bearer {caller}"} if caller else {}
    sent = {key: value for key, value in query.items() if value is not None}
    answer = await api.client.get(path, params=sent, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def all_pages(api: Api, **query: Any) -> list[list[tuple[str, str]]]:
    """The pages from the first to the one that is empty, as a client walks them."""
    pages: list[list[tuple[str, str]]] = []
    cursor: dict[str, str] = {}
    while not pages or pages[-1]:
        answer = await ask(api, **query, **cursor)
        assert answer["count"] == len(PLACES)
        pages.append([(row["namespace"]["name"], row["name"]) for row in answer["data"]])
        cursor = {"cursor": answer["cursor"]}
    assert decoded(answer["cursor"]) == END
    return pages[:-1]


def decoded(cursor: str) -> Any:
    return json.loads(base64.b64decode(cursor, validate=True))


def encoded(value: Any) -> str:
    return base64.b64encode(value if isinstance(value, bytes) else json.dumps(value).encode()).decode()


async def complete(ledger: Ledger, name: str, *packages: InstalledPackage) -> Build:
    """A completed build of team/``name`` with these packages."""
    submitted = await ledger.submit(name=name)
    await ledger.release()
    path = f"/store/team/{submitted.build_key}"
    record = PrefixRecord(path=path, apparent_bytes=1000, unique_bytes=400, packages=packages)
    await ledger.store.put(prefix_record_key(submitted.build_key), record.to_bytes(), "text/plain")
    await ledger.apply(Attempt(submitted, "solve").product(), Attempt(submitted, "prefix").product())
    return await ledger.build(submitted.id)


class EnvironmentListsSuite:
    """Suites below run on the ledger of their directory."""

    async def test_environment_has_its_shape_in_version_2(self, api: Api) -> None:
        build = await api.ledger.completed()
        answer = await ask(api)
        (row,) = answer["data"]
        assert row == {
            "id": build.environment_id,
            "namespace": {"id": row["namespace"]["id"], "name": "team", "metadata_": {}, "role_mappings": []},
            "name": "weather",
            "current_build_id": build.id,
            "description": "",
        }
        assert answer == {"data": [row], "status": "ok", "message": None, "cursor": answer["cursor"], "count": 1}
        assert decoded(answer["cursor"]) == {"last_id": row["id"], "last_value": {}}

    @pytest.mark.parametrize("order", ["asc", "desc"])
    @pytest.mark.parametrize("sort_by", [[], ["name"], ["namespace"], ["namespace", "name"], ["name", "namespace"]])
    async def test_pages_follow_each_other_without_gap_or_repeat(
        self, api: Api, sort_by: list[str], order: str
    ) -> None:
        await fill(api.ledger, *PLACES)
        (whole,) = await all_pages(api, sort_by=sort_by, order=order)
        assert sorted(whole) == sorted(PLACES)
        for limit in (1, 5):
            pages = await all_pages(api, sort_by=sort_by, order=order, limit=limit)
            assert list(itertools.chain(*pages)) == whole
            assert {len(page) for page in pages[:-1]} <= {limit}
        assert (await all_pages(api, sort_by=",".join(sort_by), order=order) == [whole]) if sort_by else True

    async def test_rows_are_sorted_as_version_1_sorts_them(self, api: Api) -> None:
        await fill(api.ledger, *PLACES)
        for order, sort_by in itertools.product(("asc", "desc"), (["name"], ["namespace", "name"])):
            first, second = [await ask(api, path, order=order, sort_by=sort_by) for path in BOTH]
            assert [row["id"] for row in first["data"]] == [row["id"] for row in second["data"]]

    async def test_row_that_appears_before_the_cursor_moves_nothing(self, api: Api) -> None:
        await fill(api.ledger, ("n", "b"), ("n", "d"))
        first = await ask(api, sort_by="name", limit=1)
        await fill(api.ledger, ("m", "a"), ("m", "c"))
        rest = await ask(api, sort_by="name", cursor=first["cursor"])
        assert [row["name"] for row in (*first["data"], *rest["data"])] == ["b", "c", "d"]
        assert rest["count"] == 4

    async def test_end_cursor_leads_to_the_first_page(self, api: Api) -> None:
        await fill(api.ledger, ("n", "a"))
        for cursor in (encoded(END), encoded({"last_id": 0, "last_value": None}), ""):
            assert len((await ask(api, cursor=cursor))["data"]) == 1

    async def test_limit_is_capped(self, api: Api) -> None:
        await fill(api.ledger, *[("n", f"e{number:03}") for number in range(101)])
        for limit in (None, 1000):
            answer = await ask(api, limit=limit)
            assert (len(answer["data"]), answer["count"]) == (100, 101)

    async def test_sort_key_is_refused_by_name_when_there_is_none(self, api: Api) -> None:
        for sort_by, named in ((["id"], "['id']"), (["name", "age"], "['age']"), (["name,age,id"], "['age', 'id']")):
            answer = await api.client.get(BOTH[1], params={"sort_by": sort_by})
            message = f"Cannot sort results by {named}. Valid sort_by values are ['namespace', 'name']"
            assert (answer.status_code, answer.json()) == (400, {"status": "error", "message": message})

    @pytest.mark.parametrize(
        "cursor",
        ["%%%", "a", encoded(b"{"), encoded([]), encoded({"last_id": "1", "last_value": {}}),
         encoded({"last_id": 1, "last_value": {"namespace": "a"}}), encoded({"last_id": 1, "last_value": None}),
         encoded({"last_id": None, "last_value": {"name": "x"}}),
         encoded({"last_id": 2**40, "last_value": {"name": "x"}}),
         encoded({"last_id": 1, "last_value": {"name": 3}}), encoded({"last_id": 1, "last_value": {"name": "\x00"}}),
         encoded({"last_id": 1, "last_value": {"name": "x"}})[:-3], encoded(b"\xff")],
    )  # fmt: skip
    async def test_cursor_is_refused_when_it_is_none(self, api: Api, cursor: str) -> None:
        answer = await api.client.get(BOTH[1], params={"cursor": cursor, "sort_by": "name"})
        assert (answer.status_code, answer.json()["status"]) == (400, "error")

    @pytest.mark.parametrize(
        "query",
        [{"order": "up"}, {"limit": "0"}, {"limit": "-1"}, {"limit": "x"}, {"status": "GONE"}, {"artifact": "ZIP"}],
    )
    async def test_query_is_unprocessable_when_it_has_another_shape(self, api: Api, query: Mapping[str, str]) -> None:
        answer = await api.client.get(BOTH[1], params=query)
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["query", *query]

    @pytest.mark.parametrize("path", BOTH)
    async def test_environments_are_filtered_in_both_versions(self, api: Api, path: str) -> None:
        await api.ledger.completed()
        await api.ledger.submit("lab_1", "rain")
        await fill(api.ledger, ("empty", "100%"), ("empty", "snow"))
        for query, expected in (
            ({}, ["100%", "rain", "snow", "weather"]),
            ({"search": "eath"}, ["weather"]),
            ({"search": "b_1"}, ["rain"]),
            ({"search": "0%"}, ["100%"]),
            ({"search": "_"}, ["rain"]),
            ({"search": "\\"}, []),
            ({"namespace": "team"}, ["weather"]),
            ({"namespace": "tea"}, []),
            ({"name": "rain"}, ["rain"]),
            ({"status": "COMPLETED"}, ["weather"]),
            ({"status": "QUEUED"}, ["rain"]),
            ({"artifact": "LOCKFILE"}, ["weather"]),
            ({"artifact": "LOCKFILE", "status": "QUEUED"}, []),
            ({"packages": ["numpy", "python"]}, ["weather"]),
            ({"packages": ["numpy", "flask"]}, []),
        ):
            answer = await ask(api, path, sort_by="name", **query)
            assert [row["name"] for row in answer["data"]] == expected, query
            assert answer["count"] == len(expected)

    @pytest.mark.parametrize("path", [*BOTH, "/api/v1/build/"])
    async def test_packages_are_found_by_all_distinct_names(self, api: Api, path: str) -> None:
        others = map(a_package, ("flask", "a", "b", "c", "d"))
        await complete(api.ledger, "two", a_package("numpy", "1.0"), a_package("numpy", "2.0"), *others)
        await complete(api.ledger, "one", a_package("numpy", "1.0"))
        for packages, count in (
            (["numpy"], 2),
            (["numpy", "numpy"], 2),
            (["flask", "numpy"], 1),
            (["numpy", "flask", "numpy"], 1),
            (["flask", "nothing"], 0),
            (["numpy", "flask", "a", "b", "c", "d"], 1),
            (["numpy", "flask", "a", "b", "c", "nothing"], 0),
            (["numpy", *(f"no-{number}" for number in range(200))], 0),
        ):
            assert (await ask(api, path, packages=packages))["count"] == count, packages

    @pytest.mark.parametrize("path", BOTH)
    async def test_token_leaves_what_its_holder_and_the_caller_see(self, api: Api, path: str) -> None:
        await fill(api.ledger, ("team", "weather"), ("secret", "hidden"), ("default", "open"))
        for caller, jwt, expected in (
            ("admin", "", ["hidden", "open", "weather"]),
            ("admin", "viewer", ["open", "weather"]),
            ("admin", "stranger", ["open"]),
            ("viewer", "admin", ["open", "weather"]),
            ("viewer", "stranger", ["open"]),
            (None, "admin", ["open"]),
        ):
            answer = await ask(api, path, caller, jwt=jwt, sort_by="name")
            assert [row["name"] for row in answer["data"]] == expected, (caller, jwt)
            assert answer["count"] == len(expected)

    @pytest.mark.parametrize("path", BOTH)
    async def test_token_is_refused_when_it_is_worth_nothing(self, api: Api, path: str) -> None:
        for jwt in ("nonsense", "a.b.c", "x" * 3000, "\x00"):
            answer = await api.client.get(path, params={"jwt": jwt})
            message = "jwt is no token of this server, or has expired"
            assert (answer.status_code, answer.json()) == (400, {"status": "error", "message": message})

    async def test_usage_counts_namespaces_with_builds(self, api: Api) -> None:
        await fill(api.ledger, ("empty", "snow"))
        await api.ledger.completed()
        await api.ledger.submit()
        queued = await api.ledger.submit("default", "open")
        await api.ledger.submit("default", "other")
        async with api.ledger.transactions.begin() as transaction:
            await transaction.session.execute(
                update(Build).where(Build.id == queued.id).values(deleted_on=api.ledger.now)
            )
        usage = {
            "default": {"num_environments": 2, "num_builds": 2, "storage": 0},
            "team": {"num_environments": 1, "num_builds": 2, "storage": 1000},
        }
        assert await ask(api, "/api/v1/usage/") == {"status": "ok", "data": usage, "message": None}
        assert list((await ask(api, "/api/v1/usage/", "viewer"))["data"]) == ["default", "team"]
        assert list((await ask(api, "/api/v1/usage/", None))["data"]) == ["default"]
