"""A prefix is whole: the build completes, its artifacts are made, the environment follows (design §3.2, §3.3, §3.9)."""

from datetime import timedelta

from sqlalchemy import func, select

from conda_store_shared.contracts import events
from conda_store_shared.db.models import Build, CondaPackage, build_conda_package_build
from conda_store_shared.domain.order import Order
from conda_store_shared.domain.stage import PREFIX
from tests.unit.api.ledger_builders import DIGEST, NAMES, Attempt, Ledger, of_type

YAML, ARCHIVE = "artifact.YAML", "artifact.CONDA_PACK"


async def test_build_completes_with_everything_that_follows_when_its_prefix_is_whole(ledger: Ledger) -> None:
    build = await ledger.solved()
    await ledger.complete(build)
    row = await ledger.build(build.id)
    assert (row.status, row.rank, row.size, row.ended_on) == ("COMPLETED", 4, 1000, ledger.now)
    assert await ledger.artifacts(build) == ["DIRECTORY", "LOCKFILE"]
    messages = await ledger.take()
    wanted = [message.artifact_type for message in of_type(messages, events.ArtifactRequested)]
    assert wanted == ["YAML", "CONDA_PACK"]
    (link,) = of_type(messages, events.LinkRequested)
    assert (link.namespace, link.environment, link.generation) == (*NAMES, 1)
    assert link.path == Order.from_value(row.order or {}).prefix.path
    assert (await ledger.events(build))[-2:] == ["build.completed", "environment.current_build_changed"]
    assert await _packages_of(ledger, build) == 2


async def _packages_of(ledger: Ledger, build: Build) -> int:
    installed = build_conda_package_build
    async with ledger.database.session() as session:
        query = select(func.count()).select_from(installed).where(installed.c.build_id == build.id)
        return await session.scalar(query) or 0


async def test_build_completes_when_the_prefix_is_the_first_that_is_heard_of_it(ledger: Ledger) -> None:
    build = await ledger.released()
    await ledger.complete(build)
    row, stages = await ledger.build(build.id), await ledger.stages(build)
    assert (row.status, row.started_on) == ("COMPLETED", ledger.now)
    assert "solve" in stages
    assert stages["solve"].state == "done"
    told = ["build.queued", "build.started", "build.solved", "build.completed", "environment.current_build_changed"]
    assert await ledger.events(build) == told
    late = Attempt(build, "solve")
    await ledger.take()
    await ledger.apply(late.started(), late.product())
    assert of_type(await ledger.take(), events.PrefixRequested) == []
    assert await ledger.events(build) == told


async def test_nothing_is_asked_for_twice_when_the_prefix_is_announced_again(ledger: Ledger) -> None:
    build = await ledger.completed()
    await ledger.complete(build)
    await ledger.complete(build)
    assert await ledger.take() == []
    assert (await ledger.environment(build)).generation == 1


async def test_packages_are_shared_when_two_builds_install_the_same(ledger: Ledger) -> None:
    first, second = await ledger.completed(), await ledger.completed()
    async with ledger.database.session() as session:
        assert await session.scalar(select(func.count()).select_from(CondaPackage)) == 2
    assert await _packages_of(ledger, first) == await _packages_of(ledger, second) == 2


async def test_prefix_is_requested_again_when_its_record_is_gone(ledger: Ledger) -> None:
    build = await ledger.solved()
    await ledger.apply(Attempt(build, PREFIX).product())
    assert [type(message) for message in await ledger.take()] == [events.PrefixRequested]
    assert (await ledger.build(build.id)).status == "BUILDING"
    await ledger.complete(build)
    assert (await ledger.build(build.id)).status == "COMPLETED"


async def test_prefix_is_discarded_when_its_build_was_canceled(ledger: Ledger) -> None:
    build = await ledger.solved()
    await ledger.cancel(build)
    await ledger.take()
    await ledger.complete(build)
    (message,) = await ledger.take()
    assert isinstance(message, events.PrefixDiscardRequested)
    assert message.path == Order.from_value(build.order or {}).prefix.path
    assert (await ledger.build(build.id)).status == "CANCELED"
    assert await ledger.artifacts(build) == ["LOCKFILE"]


async def test_prefix_of_a_canceled_build_is_discarded_when_its_record_is_gone(ledger: Ledger) -> None:
    build = await ledger.solved()
    await ledger.cancel(build)
    await ledger.take()
    await ledger.apply(Attempt(build, PREFIX).product())
    (message,) = await ledger.take()
    assert isinstance(message, events.PrefixDiscardRequested)
    assert message.path == Order.from_value(build.order or {}).prefix.path


async def test_prefix_is_discarded_when_its_build_failed(ledger: Ledger) -> None:
    build = await ledger.solved()
    await ledger.apply(Attempt(build, PREFIX).failed("disk_full"))
    assert [type(message) for message in await ledger.take()] == [events.PrefixDiscardRequested]
    await ledger.complete(build)
    assert [type(message) for message in await ledger.take()] == [events.PrefixDiscardRequested]


async def test_prefix_is_discarded_at_once_when_a_build_is_canceled_that_asked_for_it(ledger: Ledger) -> None:
    build = await ledger.solved()
    await ledger.cancel(build)
    kinds = [type(message) for message in await ledger.take()]
    assert kinds == [events.BuildCanceled, events.PrefixDiscardRequested]
    assert await ledger.log(build) == [
        f"build {build.id} marked as CANCELED due to being canceled from the REST API\n"
    ]


async def test_cancel_stops_only_artifacts_when_the_build_is_completed(ledger: Ledger) -> None:
    build = await ledger.completed()
    assert await ledger.cancel(build) is None
    assert [type(message) for message in await ledger.take()] == [events.BuildCanceled]
    assert (await ledger.build(build.id)).status == "COMPLETED"
    assert {row.state for name, row in (await ledger.stages(build)).items() if name != "solve"} == {"canceled", "done"}
    await ledger.apply(Attempt(build, YAML).product())
    assert await ledger.artifacts(build) == ["DIRECTORY", "LOCKFILE"]
    (discard,) = await ledger.take()
    assert isinstance(discard, events.ArtifactDiscardRequested)


async def test_cancel_says_nothing_when_all_is_over(ledger: Ledger) -> None:
    build = await ledger.completed()
    await ledger.apply(Attempt(build, YAML).product(), Attempt(build, ARCHIVE).product())
    await ledger.take()
    assert await ledger.cancel(build) is None
    assert await ledger.take() == []
    assert "build.canceled" not in await ledger.events(build)


async def test_queued_build_is_canceled_at_once_when_it_was_not_released(ledger: Ledger) -> None:
    build = await ledger.submit()
    assert await ledger.cancel(build) == build.build_key
    assert await ledger.take() == []
    assert (await ledger.build(build.id)).status == "CANCELED"
    assert await ledger.release() == 0


async def test_artifact_is_recorded_once_when_it_is_stored_twice(ledger: Ledger) -> None:
    build = await ledger.completed()
    stored = Attempt(build, YAML).product()
    await ledger.apply(stored, stored)
    assert await ledger.artifacts(build) == ["DIRECTORY", "LOCKFILE", "YAML"]
    assert (await ledger.events(build)).count("artifact.stored") == 1
    assert await ledger.take() == []


async def test_artifact_is_discarded_when_its_build_is_deleted(ledger: Ledger) -> None:
    build = await ledger.completed()
    async with ledger.transactions.begin() as transaction:
        row = await transaction.session.get(Build, build.id)
        assert row is not None
        row.deleted_on = ledger.now
    await ledger.apply(Attempt(build, YAML).product())
    (message,) = await ledger.take()
    assert isinstance(message, events.ArtifactDiscardRequested)
    assert len(message.keys) == 1
    assert message.keys[0].endswith(f"{build.build_key}.yml")


async def test_build_stays_completed_when_an_artifact_fails(ledger: Ledger) -> None:
    build = await ledger.completed()
    await ledger.apply(Attempt(build, ARCHIVE).failed("pack_failed", "a file is gone"))
    row, stage = await ledger.build(build.id), (await ledger.stages(build))[ARCHIVE]
    assert (row.status, row.status_info) == ("COMPLETED", None)
    assert (stage.state, stage.code, stage.detail) == ("failed", "pack_failed", "a file is gone")
    assert (await ledger.events(build))[-1] == "artifact.failed"


async def test_completed_build_says_nothing_when_an_artifact_waits(ledger: Ledger) -> None:
    build = await ledger.completed()
    await ledger.apply(Attempt(build, ARCHIVE).failed("storage_unavailable", transient=True))
    assert (await ledger.build(build.id)).status_info is None
    assert (await ledger.stages(build))[ARCHIVE].state == "waiting"


async def test_older_build_stays_behind_when_a_newer_one_is_current(ledger: Ledger) -> None:
    old, new = await ledger.solved(), await ledger.solved()
    await ledger.complete(new)
    await ledger.complete(old)
    environment = await ledger.environment(old)
    assert (environment.current_build_id, environment.generation) == (new.id, 1)
    assert [link.build_id for link in of_type(await ledger.take(), events.LinkRequested)] == [new.id]


async def test_chosen_build_stays_current_when_one_scheduled_before_completes(ledger: Ledger) -> None:
    first = await ledger.completed()
    second = await ledger.solved()
    ledger.later(10)
    await ledger.choose(first)
    ledger.later(10)
    await ledger.complete(second)
    environment = await ledger.environment(first)
    assert (environment.current_build_id, environment.generation) == (first.id, 2)
    ledger.later(10)
    third = await ledger.completed()
    assert (await ledger.environment(first)).current_build_id == third.id


async def test_environment_notes_the_newest_link_when_words_of_links_cross(ledger: Ledger) -> None:
    build = await ledger.completed()
    for generation in (2, 1):
        await ledger.apply(
            events.EnvironmentLinked(
                build_id=build.id,
                build_key=build.build_key,
                namespace=NAMES[0],
                environment=NAMES[1],
                path="/x",
                generation=generation,
            )
        )
    assert (await ledger.environment(build)).linked_generation == 2


async def test_second_solve_changes_nothing_when_the_first_was_recorded(ledger: Ledger) -> None:
    build = await ledger.solved()
    await ledger.apply(Attempt(build, "solve", ledger.now + timedelta(seconds=5)).product())
    assert await ledger.take() == []
    assert (await ledger.build(build.id)).lockfile_digest == DIGEST
