"""Hooks are asked before anything is done, and find out what there is (contract §4.6)."""

from collections.abc import Sequence
from typing import Any

import pytest

from conda_store_api.adapters.called_hooks import HookOptions
from conda_store_api.use_cases.ledger.storage_measured import storage_measured
from conda_store_shared.compat.default_hooks import conda_store_validate_action
from conda_store_shared.contracts.events import StorageMeasured
from conda_store_shared.db.models import Build
from conda_store_shared.errors import CondaStoreError
from tests.unit.api.api_client import open_api
from tests.unit.api.ledger_builders import Ledger, a_policy

pytestmark = pytest.mark.slow

TEXT = "name: weather\nchannels: [conda-forge]\ndependencies: [python]\n"


def message(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["message"]


class Record:
    """A hook that remembers what it was asked for, and refuses one kind of action."""

    def __init__(self, refused: str | None = None) -> None:
        self.refused = refused
        self.asked: list[tuple[str, str]] = []

    def __call__(self, namespace: str, action: str) -> None:
        self.asked.append((namespace, action))
        if action == self.refused:
            raise CondaStoreError(f"no {action} today")


async def test_hook_is_asked_about_each_action(ledger: Ledger) -> None:
    build, record = await ledger.completed(), Record()
    async with open_api(ledger, HookOptions(validate_action=record)) as api:
        for method, path, body in actions(build):
            assert (await api.ask(method, path, json=body)).status_code == 200, path
        await api.ask("PUT", "/environment/team/weather/", json={"description": "rain"})
        await api.ask("DELETE", "/namespace/team/")
    assert record.asked == [
        ("team", "environment:create"),
        ("team", "environment::update"),
        ("team", "environment::update"),
        ("team", "environment::update"),
        ("team", "build::delete"),
        ("team", "environment::delete"),
        ("team", "namespace::delete"),
    ]


def actions(build: Build) -> Sequence[tuple[str, str, Any]]:
    return [
        ("POST", "/specification/", {"specification": TEXT, "namespace": "team"}),
        ("PUT", f"/build/{build.id}/", None),
        ("PUT", "/environment/team/weather/", {"build_id": build.id}),
        ("DELETE", f"/build/{build.id}/", None),
        ("DELETE", "/environment/team/weather/", None),
    ]


@pytest.mark.parametrize(
    ("number", "action"),
    [(0, "environment:create"), (0, "environment::update"), (1, "environment::update"), (2, "environment::update"),
     (3, "build::delete"), (4, "environment::delete")],
)  # fmt: skip
async def test_nothing_changes_when_the_hook_refuses(ledger: Ledger, number: int, action: str) -> None:
    build = await ledger.completed()
    before = await ledger.events()
    method, path, body = actions(build)[number]
    async with open_api(ledger, HookOptions(validate_action=Record(action))) as api:
        assert message(await api.ask(method, path, json=body)) == (400, f"no {action} today")
    assert await ledger.events() == before


async def test_namespace_stays_when_the_hook_refuses_its_deletion(ledger: Ledger) -> None:
    await ledger.submit()
    async with open_api(ledger, HookOptions(validate_action=Record("namespace::delete"))) as api:
        assert message(await api.ask("DELETE", "/namespace/team/")) == (400, "no namespace::delete today")
        assert (await api.get("/namespace/team/")).status_code == 200


async def test_hook_is_not_asked_for_who_is_not_allowed(ledger: Ledger) -> None:
    build, record = await ledger.completed(), Record()
    async with open_api(ledger, HookOptions(validate_action=record)) as api:
        for method, path, body in actions(build):
            assert (await api.ask(method, path, "viewer", json=body)).status_code == 403
    assert record.asked == []


async def test_mistake_in_a_hook_is_no_refusal(ledger: Ledger) -> None:
    async with open_api(ledger, HookOptions(validate_action=lambda action: int(action))) as api:
        told = "CondaStore.validate_action failed; the administrator finds the reason in the log"
        assert message(await api.submit(TEXT)) == (500, told)


async def test_threshold_of_the_disk_is_the_hooks_affair(ledger: Ledger) -> None:
    ledger.policy = a_policy(storage_threshold=100)
    async with open_api(ledger, HookOptions(validate_action=lambda action: None)) as api:
        await measure(ledger, free=1)
        assert (await api.submit(TEXT)).status_code == 200
    async with open_api(ledger, HookOptions(validate_action=conda_store_validate_action)) as api:
        status, text = message(await api.submit(TEXT))
    assert (status, text.startswith("`CondaStore.storage_threshold` reached.")) == (400, True)


async def measure(ledger: Ledger, free: int) -> None:
    async with ledger.transactions.begin() as transaction:
        await storage_measured(StorageMeasured(free=free, used=1, total=2), transaction, ledger.now)


async def test_hook_looks_up_what_there_is(ledger: Ledger) -> None:
    build = await ledger.completed()
    await measure(ledger, free=5)
    found: list[Any] = []

    def look(db: Any, conda_store: Any) -> None:
        environment = db.environment("team", "weather")
        found.append((environment.namespace.name, environment.current_build_id, environment.current_build.status))
        current = environment.current_build
        found.append((str(current.build_path(conda_store)), str(current.environment_path(conda_store))))
        found.append([(one.id, one.specification["name"]) for one in db.builds("team", "weather")])
        found.append((db.namespace("team").name, db.namespace("nobody"), db.environment("team", "nothing")))
        found.append((db.builds("team", "nothing"), db.free_storage()))
        settings = conda_store.get_settings(db, namespace="team", environment_name="weather")
        found.append(settings.conda_default_channels.copy())
        found.append((conda_store.get_setting("default_namespace"), conda_store.default_namespace))
        found.append((hasattr(conda_store, "session_factory"), conda_store.log.name))

    async with open_api(ledger, HookOptions(validate_action=look)) as api:
        assert (await api.ask("DELETE", f"/build/{build.id}/")).status_code == 200
    assert found == [
        ("team", build.id, "COMPLETED"),
        (f"/store/team/{build.build_key}", "/store/team/envs/weather"),
        [(build.id, "weather")],
        ("team", None, None),
        ([], 5),
        ["conda-forge"],
        ("default", "default"),
        (False, "conda_store.hooks"),
    ]
