"""Settings over HTTP, and what they do to the next build: on every database (contract §1.5, §4.6, §4.9)."""

from typing import Any

import pytest

from conda_store_api.use_cases.ledger.storage_measured import storage_measured
from conda_store_shared.contracts.events import StorageMeasured
from conda_store_shared.domain.order import Order
from conda_store_shared.domain.settings import GLOBAL_KEYS
from tests.unit.api.api_client import DENIED, SPECIFICATION, Api, open_api
from tests.unit.api.ledger_builders import TWO_ARTIFACTS, Ledger
from tests.unit.shared.settings_builders import DEFAULTS as EVERY_DEFAULT

PATHS = ("/setting/", "/setting/team/", "/setting/team/weather/")
FULL = "`CondaStore.storage_threshold` reached. Action {} prevented due to insufficient storage space"
GIGABYTE = 1024**3

# What the ledger of these tests makes.
DEFAULTS = {**EVERY_DEFAULT, "build_artifacts": TWO_ARTIFACTS}


async def change(api: Api, path: str, **values: Any) -> None:
    answer = await api.ask("PUT", path, json=values)
    told = f"global setting keys {list(values)} updated"
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "data": None, "message": told})


async def order_of_next_build(api: Api, text: str = SPECIFICATION, **body: Any) -> Order:
    answer = await api.submit(text, **body)
    assert answer.status_code == 200, answer.text
    return Order.from_value((await api.ledger.build(answer.json()["data"]["build_id"])).order or {})


async def refusal(api: Api, method: str, path: str, **sent: Any) -> str:
    answer = await api.ask(method, path, **sent)
    assert (answer.status_code, answer.json()["status"]) == (400, "error"), answer.text
    return str(answer.json()["message"])


class SettingsRoutesSuite:
    """Suites below run on the ledger of their directory."""

    async def test_settings_are_the_defaults_until_they_are_changed(self, api: Api) -> None:
        for path in PATHS:
            assert (await api.get(path)).json() == {"status": "ok", "data": DEFAULTS, "message": None}

    async def test_settings_of_each_level_stand_above_those_before(self, api: Api) -> None:
        for number, path in enumerate(PATHS):
            await change(api, path, conda_default_channels=[f"channel-{number}"])
        for number, path in enumerate(PATHS):
            expected = {**DEFAULTS, "conda_default_channels": [f"channel-{number}"]}
            assert (await api.get(path)).json()["data"] == expected
        assert (await api.get("/setting/lab/rain/")).json()["data"]["conda_default_channels"] == ["channel-0"]

    async def test_value_is_kept_as_its_type(self, api: Api) -> None:
        await change(api, "/setting/", conda_max_solve_time="60", default_uid=None)
        settings = (await api.get("/setting/team/")).json()["data"]
        assert (settings["conda_max_solve_time"], settings["default_uid"]) == (60, None)

    @pytest.mark.parametrize("path", PATHS)
    async def test_change_is_refused_when_a_key_is_unknown(self, api: Api, path: str) -> None:
        body = {"zeta": 1, "alpha": 2, "conda_default_channels": ["main"]}
        assert await refusal(api, "PUT", path, json=body) == "Invalid setting keys {'alpha', 'zeta'}"
        assert (await api.get(path)).json()["data"] == DEFAULTS

    @pytest.mark.parametrize("path", PATHS[1:])
    async def test_change_is_refused_when_a_global_key_is_set_below(self, api: Api, path: str) -> None:
        for key in GLOBAL_KEYS:
            message = f"Setting {key} is a global setting and cannot be set within a namespace or environment"
            assert await refusal(api, "PUT", path, json={key: DEFAULTS[key]}) == message

    async def test_change_is_refused_when_a_value_does_not_fit(self, api: Api) -> None:
        for key, value, told in (
            ("conda_max_solve_time", "soon", "Input should be a valid integer"),
            ("conda_max_solve_time", 100_000, "conda_max_solve_time=100000 is more than 1440 seconds"),
            ("conda_solve_platforms", ["win-64"], "conda_solve_platforms must contain 'linux-64'"),
            ("conda_solve_platforms", ["linux-64", "vax"], "conda_solve_platforms: ['vax'] are not known"),
            ("conda_included_packages", ["num py 1 2 3"], "conda_included_packages: Invalid conda package"),
            ("pypi_default_packages", ["--no-index"], "pypi_default_packages: Invalid pip option"),
            ("pypi_required_packages", ["a b"], "pypi_required_packages: Invalid pypi package"),
            ("build_artifacts", ["ZIP"], "1 validation error for SomeSettings\nbuild_artifacts.0\n"),
            ("conda_channel_alias", "a\x00b", "String should match pattern"),
            ("conda_channel_alias", "https://h/t/hunter2", "conda_channel_alias: a channel is written with"),
            ("conda_default_channels", ["a", "https://me:hunter2@h/c"], "conda_default_channels: a channel is written"),
            ("conda_indexed_channels", ["t/hunter2/c"], "conda_indexed_channels: a channel is written with"),
            ("conda_allowed_channels", "https://me:hunter2@h/c", "Input should be a valid tuple"),
            ("pypi_default_packages", ["--index-url=https://me:hunter2@h"], "pypi_default_packages: an address is"),
        ):
            message = await refusal(api, "PUT", "/setting/", json={key: value, "conda_command": "conda"})
            assert told in message
            assert "hunter2" not in message
        assert (await api.get("/setting/")).json()["data"] == DEFAULTS

    @pytest.mark.parametrize("content", [b"", b"null", b"[]", b"3", b"{"])
    async def test_change_is_unprocessable_when_it_is_no_object(self, api: Api, content: bytes) -> None:
        assert (await api.ask("PUT", "/setting/", content=content)).status_code == 422

    async def test_place_is_refused_when_it_can_have_no_settings(self, api: Api) -> None:
        long = "x" * 256
        for path in ("/setting/.hidden/", f"/setting/{long}/", f"/setting/team/{long}/"):
            await refusal(api, "PUT", path, json={})

    async def test_settings_hold_that_stand_below_when_they_are_taken_back(self, api: Api) -> None:
        for number, path in enumerate(PATHS):
            await change(api, path, conda_default_channels=[f"channel-{number}"], pypi_included_packages=["pip"])
        taken = await api.ask("DELETE", "/setting/team/weather/", params={"key": "conda_default_channels"})
        told = {"data": ["conda_default_channels"], "message": "setting keys ['conda_default_channels'] reset"}
        assert (taken.status_code, taken.json()) == (200, {"status": "ok", **told})
        settings = (await api.get("/setting/team/weather/")).json()["data"]
        assert (settings["conda_default_channels"], settings["pypi_included_packages"]) == (["channel-1"], ["pip"])
        for path in PATHS:
            assert (await api.ask("DELETE", path)).status_code == 200
        assert (await api.get("/setting/team/weather/")).json()["data"] == DEFAULTS
        again = await api.ask("DELETE", "/setting/team/")
        assert again.json()["data"] == []

    async def test_settings_are_not_taken_back_when_a_key_is_unknown(self, api: Api) -> None:
        message = await refusal(api, "DELETE", "/setting/team/", params={"key": ["zeta", "alpha"]})
        assert message == "Invalid setting keys {'alpha', 'zeta'}"

    async def test_settings_are_shown_and_changed_by_those_whose_roles_let_them(self, api: Api) -> None:
        readers = {"/setting/": ["admin"], "/setting/team/": ["developer", "admin"]}
        for path in (*PATHS, "/setting/lab/"):
            for caller in (None, "stranger", "viewer", "developer", "admin"):
                may_read = caller in readers.get(path, ["admin"] if "lab" in path else ["developer", "admin"])
                read, wrote = await api.get(path, caller), await api.ask("PUT", path, caller, json={})
                assert read.status_code == (200 if may_read else 403)
                assert wrote.status_code == (200 if caller == "admin" else 403)
                assert may_read or read.json() == DENIED

    async def test_next_build_goes_by_the_settings_of_its_environment(self, api: Api) -> None:
        text = "name: {}\ndependencies: [numpy]"
        await change(api, "/setting/", default_uid=7, default_gid=8, default_permissions="700", conda_max_solve_time=9)
        await change(api, "/setting/", conda_default_channels=["global"], build_artifacts=[])
        await change(api, "/setting/team/", conda_channel_alias="https://c.example/", build_artifacts=["YAML", "LOGS"])
        await change(
            api, "/setting/team/weather/", conda_solve_platforms=["linux-64", "osx-64"], conda_default_channels=["own"]
        )
        order = await order_of_next_build(api, text.format("weather"))
        assert (order.prefix.uid, order.prefix.gid, order.prefix.permissions) == (7, 8, "700")
        assert (order.solve.deadline, order.artifacts) == (9, ("YAML",))
        assert order.solve.channels == ("https://c.example/own",)
        assert order.solve.platforms == ("linux-64", "osx-64")
        order = await order_of_next_build(api, text.format("rain"))
        assert (order.solve.channels, order.solve.platforms) == (("https://c.example/global",), ("linux-64",))
        order = await order_of_next_build(api, text.format("rain"), namespace="lab")
        assert (order.solve.channels, order.artifacts) == (("https://conda.anaconda.org/global",), ())

    async def test_rebuild_goes_by_the_settings_that_hold_now(self, api: Api) -> None:
        order = await order_of_next_build(api)
        await change(api, "/setting/team/weather/", build_artifacts=["CONDA_PACK"])
        answer = await api.ask("PUT", f"/build/{order.build_id}/")
        again = Order.from_value((await api.ledger.build(answer.json()["data"]["build_id"])).order or {})
        assert (order.artifacts, again.artifacts) == (("YAML", "CONDA_PACK"), ("CONDA_PACK",))

    async def test_packages_of_the_settings_stand_in_the_specification(self, api: Api) -> None:
        await change(api, "/setting/team/", conda_included_packages=["ipykernel"], conda_default_channels=["main"])
        order = await order_of_next_build(api, "name: weather\ndependencies: [numpy]")
        specification = (await api.get(f"/build/{order.build_id}/")).json()["data"]["specification"]["spec"]
        assert (specification["channels"], specification["dependencies"]) == (["main"], ["numpy", "ipykernel"])
        assert order.solve.specification["dependencies"] == ["numpy", "ipykernel"]

    async def test_submission_is_refused_by_the_settings_of_its_environment(self, api: Api) -> None:
        await change(api, "/setting/team/weather/", conda_required_packages=["flask"])
        await change(api, "/setting/lab/", conda_allowed_channels=["main"])
        body = {"specification": SPECIFICATION, "namespace": "team"}
        message = await refusal(api, "POST", "/specification/", json=body)
        assert message == "Conda packages {'flask'} required and missing from specification"
        message = await refusal(api, "POST", "/specification/", json={**body, "namespace": "lab"})
        told = "Conda channels {'https://conda.anaconda.org/conda-forge'} not allowed in specification"
        assert message.startswith(told)
        assert await api.ledger.namespaces() == []

    async def test_anonymous_works_in_the_default_namespace_of_the_settings(self, ledger: Ledger) -> None:
        async with open_api(ledger, unauthenticated_role_bindings={"*/*": ["admin"]}) as open_to_all:
            await open_to_all.submit(caller=None, namespace=None)
            await change(open_to_all, "/setting/", default_namespace="lobby")
            await open_to_all.submit(caller=None, namespace="")
            await open_to_all.submit(caller="stranger", namespace=None)
        assert await ledger.namespaces() == ["default", "lobby"]

    async def test_change_counts_for_every_replica_at_once(self, api: Api) -> None:
        async with open_api(api.ledger) as replica:
            for number in range(3):
                await change(replica if number % 2 else api, "/setting/", conda_default_channels=[str(number)])
                order = await order_of_next_build(api if number % 2 else replica, "name: weather")
                assert order.solve.channels == (f"https://conda.anaconda.org/{number}",)

    async def test_work_is_refused_when_the_disk_is_nearly_full(self, api: Api) -> None:
        ledger = api.ledger
        build = await ledger.completed()
        await measure(ledger, free=5 * GIGABYTE - 1)
        body = {"specification": SPECIFICATION, "namespace": "team"}
        assert await refusal(api, "POST", "/specification/", json=body) == FULL.format("environment:create")
        rebuild, choose = f"/build/{build.id}/", "/environment/team/weather/"
        assert await refusal(api, "PUT", rebuild) == FULL.format("environment::update")
        assert await refusal(api, "PUT", choose, json={"build_id": 4711}) == FULL.format("environment::update")
        assert (await api.ask("PUT", choose, json={"description": "rain"})).status_code == 200
        await change(api, "/setting/", storage_threshold=GIGABYTE)
        assert (await api.ask("PUT", rebuild)).status_code == 200
        await change(api, "/setting/", storage_threshold=DEFAULTS["storage_threshold"])
        await measure(ledger, free=5 * GIGABYTE)
        assert (await api.submit()).status_code == 200


async def measure(ledger: Ledger, free: int) -> None:
    async with ledger.transactions.begin() as transaction:
        await storage_measured(StorageMeasured(free=free, used=1, total=free + 1), transaction, ledger.now)
