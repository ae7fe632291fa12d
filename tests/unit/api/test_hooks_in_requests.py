"""Hooks change and refuse what is asked for, and whatever they do the server goes on (contract §4.6)."""

import asyncio
import threading
from typing import Any

import pytest
from sqlalchemy import func, select
from structlog.testing import capture_logs

from conda_store_api.adapters.called_hooks import HookOptions
from conda_store_shared.compat.default_hooks import conda_store_validate_specification
from conda_store_shared.compat.specification import CondaSpecification, CondaSpecificationPip
from conda_store_shared.db.models import Build, Environment, Namespace, Specification
from conda_store_shared.errors import CondaStoreError
from conda_store_shared.redaction import redact
from tests.unit.api.api_client import open_api
from tests.unit.api.ledger_builders import Ledger, a_policy

pytestmark = pytest.mark.slow

TEXT = "name: weather\nchannels: [conda-forge]\ndependencies: [python, {pip: [flask]}]\n"


async def nothing_is_stored(ledger: Ledger) -> bool:
    async with ledger.database.session() as session:
        rows = [
            await session.scalar(select(func.count()).select_from(table))
            for table in (Namespace, Environment, Specification, Build)
        ]
    return not any(rows)


async def stored(ledger: Ledger, build_id: int) -> dict[str, Any]:
    async with ledger.database.session() as session:
        row = await session.get_one(Specification, (await session.get_one(Build, build_id)).specification_id)
        return row.spec


def message(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["message"]


async def test_what_the_hook_returns_is_built(ledger: Ledger) -> None:
    seen: list[Any] = []

    def change(db: Any, conda_store: Any, namespace: str, specification: CondaSpecification) -> CondaSpecification:
        seen.append((namespace, specification.name, specification.dependencies[:]))
        specification.channels = ["main"]
        specification.dependencies.insert(0, "ipykernel")
        specification.variables = {"COLOUR": "green"}
        return specification

    async with open_api(ledger, HookOptions(validate_specification=change)) as api:
        answer = await api.submit(TEXT)
    value = await stored(ledger, answer.json()["data"]["build_id"])
    assert seen == [("team", "weather", ["python", CondaSpecificationPip(pip=["flask"])])]
    assert value["channels"] == ["main"]
    assert value["dependencies"] == ["ipykernel", "python", {"pip": ["flask"]}]
    assert value["variables"] == {"COLOUR": "green"}


async def test_hook_of_old_that_knows_no_db_may_be_async(ledger: Ledger) -> None:
    async def validate(conda_store: Any, namespace: str, specification: CondaSpecification) -> CondaSpecification:
        await asyncio.sleep(0)
        return CondaSpecification(name=specification.name, channels=["main"], dependencies=["python"])

    async with open_api(ledger, HookOptions(validate_specification=validate)) as api:
        answer = await api.submit(TEXT)
    assert (await stored(ledger, answer.json()["data"]["build_id"]))["dependencies"] == ["python"]


@pytest.mark.parametrize("error", [ValueError("not\nthis one"), CondaStoreError("not\nthis one")])
async def test_specification_is_refused_in_the_words_of_the_hook(ledger: Ledger, error: Exception) -> None:
    def refuse(specification: CondaSpecification) -> None:
        raise error

    async with open_api(ledger, HookOptions(validate_specification=refuse)) as api:
        assert message(await api.submit(TEXT)) == (400, "not\nthis one")
    assert await nothing_is_stored(ledger)


@pytest.mark.parametrize("is_async", [False, True])
async def test_failure_of_a_hook_is_for_the_log_alone(ledger: Ledger, is_async: bool) -> None:
    def fail(specification: CondaSpecification) -> None:
        raise KeyError("https://user:hidden@host/")  # a-password-in-the-file

    async def fail_later(specification: CondaSpecification) -> None:
        fail(specification)

    options = HookOptions(validate_specification=fail_later if is_async else fail)
    with capture_logs() as logs:
        async with open_api(ledger, options) as api:
            answer = await api.submit(TEXT)
    told = "CondaStore.validate_specification failed; the administrator finds the reason in the log"
    assert message(answer) == (500, told)
    assert await nothing_is_stored(ledger)
    (line,) = [line for line in logs if line["event"] == "hook_failed"]
    assert ", in fail\nKeyError: 'https://***@host/'\n" in redact(line["traceback"])
    assert "a-password" not in line["traceback"]


@pytest.mark.parametrize(
    ("made", "told"),
    [(None, "returned NoneType; it has to return the specification"),
     ({"name": "weather"}, "returned dict; it has to return the specification"),
     (CondaSpecification(name="a b"), "returned a specification that is none: "),
     (CondaSpecification(name="a", dependencies=["=="]), "Invalid conda package dependency specification =="),
     (CondaSpecification(name="a", channels="main"), "Input should be a valid list")],  # type: ignore[arg-type]
)  # fmt: skip
async def test_hook_that_returns_no_specification_is_an_error_that_says_so(
    ledger: Ledger, made: object, told: str
) -> None:
    async with open_api(ledger, HookOptions(validate_specification=lambda specification: made)) as api:
        status, text = message(await api.submit(TEXT))
    assert status == 500
    assert text.startswith("CondaStore.validate_specification returned ")
    assert told in text
    assert await nothing_is_stored(ledger)


async def test_caller_must_be_allowed_what_the_hook_makes_of_a_specification(ledger: Ledger) -> None:
    def rename(specification: CondaSpecification) -> CondaSpecification:
        specification.name += "-2"
        return specification

    await ledger.submit()
    bindings = {"team/weather": {"developer"}}
    options = HookOptions(validate_specification=rename)
    async with open_api(ledger, options, unauthenticated_role_bindings=bindings) as api:
        assert (await api.submit(TEXT, caller=None)).status_code == 403
        answer = await api.submit(TEXT)
    assert (await stored(ledger, answer.json()["data"]["build_id"]))["name"] == "weather-2"


async def test_rules_hold_when_the_hook_calls_them(ledger: Ledger) -> None:
    ledger.policy = a_policy(
        conda_included_packages=["numpy"], conda_required_packages=["python"], conda_default_channels=["main"]
    )

    def validate(
        db: Any, conda_store: Any, namespace: str, specification: CondaSpecification
    ) -> CondaSpecification:
        if specification.name == "old":
            return conda_store_validate_specification(conda_store, namespace, specification)  # type: ignore[no-any-return]
        made: CondaSpecification = conda_store_validate_specification(
            db=db, conda_store=conda_store, namespace=namespace, specification=specification
        )
        return made

    async with open_api(ledger, HookOptions(validate_specification=validate)) as api:
        answers = [await api.submit(f"name: {name}\ndependencies: [python]") for name in ("old", "new")]
        refused = await api.submit("name: new\ndependencies: [scipy]")
    for answer in answers:
        value = await stored(ledger, answer.json()["data"]["build_id"])
        assert (value["channels"], value["dependencies"]) == (["main"], ["python", "numpy"])
    assert message(refused) == (400, "Conda packages {'python'} required and missing from specification")


async def test_rules_do_not_hold_when_the_hook_does_not_call_them(ledger: Ledger) -> None:
    ledger.policy = a_policy(conda_included_packages=["numpy"], conda_allowed_channels=["conda-forge"])
    async with open_api(ledger, HookOptions(validate_specification=lambda specification: specification)) as api:
        answer = await api.submit(TEXT)
        elsewhere = await api.submit(TEXT.replace("conda-forge", "main"))
    assert "numpy" not in (await stored(ledger, answer.json()["data"]["build_id"]))["dependencies"]
    # What may be fetched from is no matter of hooks.
    assert elsewhere.status_code == 400


async def test_others_are_served_while_a_hook_takes_its_time(ledger: Ledger) -> None:
    begun, until = threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        until.wait(20)

    async def forget_to_wait(specification: CondaSpecification) -> CondaSpecification:
        wait()
        return specification

    hooks = [HookOptions(validate_action=wait), HookOptions(validate_specification=forget_to_wait)]
    for options in hooks:
        async with open_api(ledger, options) as api:
            submitted = asyncio.ensure_future(api.submit(TEXT))
            await asyncio.to_thread(begun.wait, 20)
            assert (await api.ask("POST", "/namespace/other/")).status_code in (200, 409)
            assert not submitted.done()
            until.set()
            assert (await submitted).status_code == 200
        begun.clear()
        until.clear()


async def test_nothing_is_stored_when_a_hook_takes_too_long(ledger: Ledger) -> None:
    until = threading.Event()
    async with open_api(ledger, HookOptions(validate_action=until.wait, seconds=0.05)) as api:
        told = "CondaStore.validate_action gave no answer within 0.05 seconds"
        assert message(await api.submit(TEXT)) == (504, told)
        until.set()
    assert await nothing_is_stored(ledger)
