"""Watched files become builds, once: on every database (contract §4.10)."""

import asyncio
from typing import Any

from conda_store_api.adapters.called_hooks import CalledHooks, HookOptions
from conda_store_api.use_cases.register_found_specification import FoundTools, register_found_specification
from conda_store_shared.compat.specification import CondaSpecification
from conda_store_shared.contracts.events import SpecificationFound
from conda_store_shared.db.models import Build, Environment, FoundSpecification, PublicEvent
from conda_store_shared.domain.canonical import sha256_hex
from conda_store_shared.domain.storage_keys import found_specification_key
from tests.unit.api.api_client import NO_HOOKS
from tests.unit.api.discarding import answered
from tests.unit.api.ledger_builders import Ledger, a_policy

PATH = "/srv/environments/weather.yml"
TEXT = "name: weather\nchannels: [conda-forge]\ndependencies: [python]\n"
BOMB = "\n".join(["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40))])
INVALID: dict[str, bytes] = {
    "no YAML": b"name: [",
    "no name": b"dependencies: [python]",
    "empty": b"",
    "of another encoding": "name: wétter".encode("utf-16"),
    "binary": bytes(range(256)),
    "a bomb": BOMB.encode(),
    "deep": b"[" * 50_000,
    "long": b"name: a\n#" + b"x" * 300_000,
    "longer than is read": b"#" * 900_000,
    "with a package that cannot be": b"name: a\ndependencies: ['=== 3 ===']",
    "with a NUL": b'{"name": "a\\u0000"}',
}


async def found(ledger: Ledger, text: str | bytes = TEXT, path: str = PATH, **policy: Any) -> bool:
    """A watcher found a file; return whether that made a build."""
    content = text.encode() if isinstance(text, str) else text
    digest = sha256_hex(content)
    await ledger.store.put(found_specification_key(digest), content, "text/yaml")
    return await said(ledger, SpecificationFound(path=path, digest=digest), **policy)


async def said(ledger: Ledger, event: SpecificationFound, **policy: Any) -> bool:
    hooks = CalledHooks(policy.pop("hooks", NO_HOOKS), ledger.database, ledger.policy.settings)
    tools = FoundTools(
        transactions=ledger.transactions, store=ledger.store, policy=a_policy(**policy), hooks=hooks
    )
    return await register_found_specification(event, tools, ledger.now)


async def rejections(ledger: Ledger) -> list[PublicEvent]:
    return [event for event in await ledger.rows(PublicEvent) if event.type == "specification.rejected"]


class FoundSpecificationsSuite:
    """What api makes of what watchers found."""

    async def test_hooks_are_asked_about_a_file(self, ledger: Ledger) -> None:
        def validate(namespace: str, specification: CondaSpecification) -> CondaSpecification:
            if specification.name == "broken":
                raise LookupError
            specification.dependencies.append(f"for-{namespace}")
            return specification

        hooks = HookOptions(validate_specification=validate)
        assert await found(ledger, hooks=hooks)
        assert not await found(ledger, hooks=hooks)
        (build,) = await ledger.rows(Build)
        assert (build.order or {})["solve"]["specification"]["dependencies"] == ["python", "for-filesystem"]
        assert not await found(ledger, TEXT.replace("weather", "broken"), hooks=hooks)
        (rejection,) = await rejections(ledger)
        assert rejection.data["code"] == "hook_failed"

    async def test_file_is_built_in_the_namespace_of_watched_files(self, ledger: Ledger) -> None:
        assert await found(ledger)
        (build,) = await ledger.rows(Build)
        assert (build.status, build.scheduled) == ("QUEUED", True)
        assert (build.order or {})["namespace"] == "filesystem"
        assert await ledger.namespaces() == ["filesystem"]
        assert await ledger.events() == ["namespace.created", "environment.created", "build.queued"]
        assert await ledger.release() == 1

    async def test_file_is_built_by_the_settings_of_its_namespace(self, ledger: Ledger) -> None:
        assert await found(ledger, "name: weather", filesystem_namespace="files", conda_included_packages=["numpy"])
        (build,) = await ledger.rows(Build)
        order = build.order or {}
        assert (order["namespace"], order["solve"]["specification"]["dependencies"]) == ("files", ["numpy"])

    async def test_file_is_built_once_however_often_it_is_found(self, ledger: Ledger) -> None:
        outcomes = [await found(ledger) for _ in range(3)]
        assert outcomes == [True, False, False]
        assert await ledger.count(Build, FoundSpecification) == [1, 1]

    async def test_content_is_built_once_when_several_paths_hold_it(self, ledger: Ledger) -> None:
        for number in range(3):
            await found(ledger, path=f"/mounted/{number}/weather.yml")
        await found(ledger, f"# The same, to conda.\n{TEXT}")
        assert await ledger.count(Build) == [1]

    async def test_content_is_built_once_when_it_is_found_by_several_at_the_same_time(self, ledger: Ledger) -> None:
        outcomes = await asyncio.gather(*(found(ledger, path=f"/{number % 2}/weather.yml") for number in range(6)))
        assert sum(outcomes) == 1
        assert await ledger.count(Build) == [1]

    async def test_file_is_decided_upon_once_wherever_the_first_try_ended(self, ledger: Ledger) -> None:
        for number in range(12):
            texts = {"/good.yml": f"name: weather\ndependencies: [demo-{number}]", "/bad.yml": f"name: [ # {number}"}
            for path, text in texts.items():
                first = asyncio.create_task(found(ledger, text, path))
                # Somewhere on its way.
                await asyncio.sleep(number * 0.001)
                first.cancel()
                await asyncio.wait([first])
                await found(ledger, text, path)
            assert await ledger.count(Build) == [number + 1]
            assert len(await rejections(ledger)) == number + 1

    async def test_file_is_built_again_when_it_was_changed(self, ledger: Ledger) -> None:
        assert await found(ledger)
        assert await found(ledger, TEXT.replace("python", "numpy"))
        assert await ledger.count(Build, Environment) == [2, 1]
        # As upstream: going back makes no new build of what is there already.
        assert not await found(ledger)
        assert not await found(ledger, TEXT.replace("python", "numpy"))

    async def test_file_is_not_built_again_when_settings_change(self, ledger: Ledger) -> None:
        assert await found(ledger)
        assert not await found(ledger, conda_included_packages=["numpy"], conda_allowed_channels=["main"])
        assert await ledger.events() == ["namespace.created", "environment.created", "build.queued"]

    async def test_file_is_not_built_again_when_its_build_failed_or_was_deleted(self, ledger: Ledger) -> None:
        await found(ledger)
        (build,) = await ledger.rows(Build)
        await ledger.cancel(build)
        assert not await found(ledger)
        await ledger.delete(build)
        assert not await found(ledger)

    async def test_file_is_built_again_when_its_environment_is_gone(self, ledger: Ledger) -> None:
        await found(ledger)
        await ledger.delete_environment("filesystem", "weather")
        assert not await found(ledger)
        await ledger.erase()
        await answered(ledger)
        # A running install may leave something a little later.
        ledger.later(100_000)
        await ledger.rescue()
        await answered(ledger)
        await ledger.erase()
        assert await ledger.count(Build) == [0]
        assert await found(ledger)

    async def test_rejection_is_told_once_for_each_content(self, ledger: Ledger) -> None:
        for content in INVALID.values():
            for _ in range(2):
                assert not await found(ledger, content)
        told = await rejections(ledger)
        assert len(told) == len(INVALID)
        assert await ledger.count(Build) == [0]
        for event in told:
            assert (event.namespace, event.environment, event.build_id, event.actor) == ("filesystem", None, None, None)
            assert event.data["path"] == PATH
            assert event.data["detail"]

    async def test_rejection_says_which_rule_a_file_breaks(self, ledger: Ledger) -> None:
        await found(ledger, conda_allowed_channels=["main"])
        (event,) = await rejections(ledger)
        assert event.environment == "weather"
        assert (event.data["code"], event.data["digest"]) == ("channel_not_allowed", sha256_hex(TEXT.encode()))
        assert "Conda channels" in event.data["detail"]
        assert await ledger.namespaces() == []

    async def test_rejected_file_is_built_once_settings_allow_it(self, ledger: Ledger) -> None:
        await found(ledger, conda_allowed_channels=["main"])
        assert await found(ledger)
        assert not await found(ledger)

    async def test_rejection_is_told_again_when_a_file_was_right_in_between(self, ledger: Ledger) -> None:
        for content in (b"name: [", TEXT, b"name: [", b"name: ["):
            await found(ledger, content)
        assert len(await rejections(ledger)) == 2

    async def test_rejection_names_every_path_that_holds_the_content(self, ledger: Ledger) -> None:
        for path in ("/a.yml", "/b.yml", "/a.yml"):
            await found(ledger, b"name: [", path)
        assert sorted(event.data["path"] for event in await rejections(ledger)) == ["/a.yml", "/b.yml"]

    async def test_rejection_carries_no_secret(self, ledger: Ledger) -> None:
        text = TEXT.replace("conda-forge", "https://ann:hunter2@example.com/main")
        await found(ledger, text, conda_allowed_channels=["main"])
        assert "hunter2" not in (await rejections(ledger))[0].data["detail"]

    async def test_rejection_is_told_whatever_characters_its_reason_has(self, ledger: Ledger) -> None:
        detail = f"a\x00b\ud800c {'x' * 10_000}"
        await said(ledger, SpecificationFound(path=PATH, code="unreadable", detail=detail))
        (event,) = await rejections(ledger)
        assert event.data["detail"].startswith("ab?c xxx")
        assert len(event.data["detail"]) == 4_000

    async def test_file_that_cannot_be_read_is_told_once_for_each_reason(self, ledger: Ledger) -> None:
        for code in ("unreadable", "unreadable", "too_large", "too_large"):
            await said(ledger, SpecificationFound(path=PATH, code=code, detail="Permission denied"))
        assert [event.data["code"] for event in await rejections(ledger)] == ["unreadable", "too_large"]

    async def test_file_that_one_of_two_builders_cannot_read_is_told_once(self, ledger: Ledger) -> None:
        for _ in range(3):
            await found(ledger)
            await said(ledger, SpecificationFound(path=PATH, code="unreadable", detail="Permission denied"))
        assert len(await rejections(ledger)) == 1
        assert await ledger.count(Build) == [1]

    async def test_file_is_left_for_the_next_time_when_its_text_is_not_in_the_bucket(self, ledger: Ledger) -> None:
        digest = sha256_hex(TEXT.encode())
        assert not await said(ledger, SpecificationFound(path=PATH, digest=digest))
        assert await ledger.count(FoundSpecification, PublicEvent) == [0, 0]
        assert await found(ledger)

    async def test_path_may_be_longer_than_an_index_can_hold(self, ledger: Ledger) -> None:
        for _ in range(2):
            await found(ledger, path="/" + "ü/" * 2_000 + "weather.yml")
        assert await ledger.count(Build, FoundSpecification) == [1, 1]
