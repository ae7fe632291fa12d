"""A single build is deleted: what goes, what stays, and which build is current then (contract §4.8)."""

import pytest

from conda_store_api.repositories.settings import store_settings
from conda_store_api.use_cases.store_logs import store_logs
from conda_store_shared.contracts import events
from conda_store_shared.db.models import Build
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.order import Order
from conda_store_shared.domain.stage import PREFIX, SOLVE
from conda_store_shared.domain.storage_keys import artifact_key, keys_of_build
from conda_store_shared.errors import InvalidInput, NotFound
from tests.unit.api.discarding import answered
from tests.unit.api.ledger_builders import NAMES, Attempt, Ledger, of_type

pytestmark = pytest.mark.slow

YAML, ARCHIVE = "artifact.YAML", "artifact.CONDA_PACK"
KEPT = (ArtifactType.LOGS, ArtifactType.LOCKFILE, ArtifactType.YAML)


async def finished(ledger: Ledger) -> Build:
    """A COMPLETED build with all its artifacts; earlier messages are forgotten."""
    build = await ledger.completed()
    await ledger.apply(Attempt(build, YAML).product(), Attempt(build, ARCHIVE).product())
    await store_logs(ledger.transactions, ledger.store, ledger.now)
    await ledger.take()
    return build


def path_of(build: Build) -> str:
    return Order.from_value(build.order or {}).prefix.path


async def test_deleted_build_keeps_the_artifacts_that_the_settings_keep(ledger: Ledger) -> None:
    build = await finished(ledger)
    assert await ledger.artifacts(build) == ["CONDA_PACK", "DIRECTORY", "LOCKFILE", "LOGS", "YAML"]
    await ledger.delete(build)
    assert await ledger.artifacts(build) == ["LOCKFILE", "LOGS", "YAML"]
    (prefix,) = of_type(messages := await ledger.take(), events.PrefixDiscardRequested)
    assert prefix.path == path_of(build)
    (objects,) = of_type(messages, events.ArtifactDiscardRequested)
    assert objects.keys == keys_of_build(build.build_key, KEPT)
    assert artifact_key(ArtifactType.CONDA_PACK, build.build_key) in objects.keys


async def test_deleted_build_keeps_what_was_set_while_it_was_there(ledger: Ledger) -> None:
    build = await finished(ledger)
    async with ledger.transactions.begin() as transaction:
        await store_settings(
            transaction.session, None, None, {"build_artifacts_kept_on_deletion": ["CONDA_PACK", "DIRECTORY"]}
        )
    await ledger.delete(build)
    assert await ledger.artifacts(build) == ["CONDA_PACK", "DIRECTORY"]
    assert not of_type(await ledger.take(), events.PrefixDiscardRequested)
    assert await ledger.log(build) == []
    assert await store_logs(ledger.transactions, ledger.store, ledger.now) == 0


async def test_deleted_build_stays_as_a_row_and_takes_no_room_once_its_prefix_is_gone(ledger: Ledger) -> None:
    build = await finished(ledger)
    await ledger.delete(build)
    row = await ledger.build(build.id)
    assert (row.status, row.size, row.deleted_on) == ("COMPLETED", 1000, ledger.now)
    await answered(ledger)
    assert (await ledger.build(build.id)).size == 0
    assert [discard.late for discard in await ledger.discards()] == [True]
    assert (await ledger.events(build))[-1:] == ["build.deleted"]


async def test_deletion_says_nothing_when_it_is_repeated(ledger: Ledger) -> None:
    build = await finished(ledger)
    await ledger.delete(build)
    await answered(ledger)
    await ledger.delete(build)
    assert await ledger.take() == []
    assert (await ledger.events(build)).count("build.deleted") == 1


async def test_build_cannot_be_deleted_before_it_is_over(ledger: Ledger) -> None:
    for build in (await ledger.released(), await ledger.solved(), await ledger.submit()):
        with pytest.raises(InvalidInput, match=r"^cannot delete build since not finished building$"):
            await ledger.delete(build)


async def test_unknown_build_cannot_be_deleted(ledger: Ledger) -> None:
    with pytest.raises(NotFound, match=r"^build id does not exist$"):
        await ledger.delete(Build(id=4711))


async def test_canceled_and_failed_builds_can_be_deleted(ledger: Ledger) -> None:
    canceled, failed = await ledger.solved(), await ledger.released()
    await ledger.cancel(canceled)
    await ledger.apply(Attempt(failed, SOLVE).failed("unsatisfiable"))
    for build in (canceled, failed):
        await ledger.delete(build)
        assert (await ledger.build(build.id)).deleted_on == ledger.now
    assert [(await ledger.build(build.id)).status for build in (canceled, failed)] == ["CANCELED", "FAILED"]


async def test_artifacts_under_way_are_stopped_when_their_build_is_deleted(ledger: Ledger) -> None:
    build = await ledger.completed()
    await ledger.delete(build)
    assert of_type(await ledger.take(), events.BuildCanceled)
    assert {row.state for name, row in (await ledger.stages(build)).items() if name in (YAML, ARCHIVE)} == {"canceled"}
    for late in (Attempt(build, YAML), Attempt(build, ARCHIVE)):
        await ledger.apply(late.started())
        assert [type(message) for message in await ledger.take()] == [events.BuildCanceled]
        await ledger.apply(late.product())
        assert [type(message) for message in await ledger.take()] == [events.ArtifactDiscardRequested]


async def test_kept_artifact_stays_when_word_of_it_comes_once_more(ledger: Ledger) -> None:
    build = await finished(ledger)
    await ledger.delete(build)
    await ledger.take()
    await ledger.apply(Attempt(build, YAML).product())
    assert await ledger.take() == []


async def test_prefix_that_comes_late_is_discarded_with_its_record_when_the_build_is_deleted(ledger: Ledger) -> None:
    build = await finished(ledger)
    await ledger.delete(build)
    await answered(ledger)
    await ledger.put_record(build)
    await ledger.apply(Attempt(build, PREFIX).product())
    kinds = [type(message) for message in await ledger.take()]
    assert kinds == [events.PrefixDiscardRequested, events.ArtifactDiscardRequested]


async def test_log_of_a_deleted_build_is_stored_when_it_is_kept_and_was_not_yet(ledger: Ledger) -> None:
    build = await ledger.completed()
    await ledger.apply(Attempt(build, YAML).log(0, "packing\n"))
    await ledger.delete(build)
    assert await store_logs(ledger.transactions, ledger.store, ledger.now) == 1
    assert await ledger.artifacts(build) == ["LOCKFILE", "LOGS"]
    await ledger.apply(Attempt(build, YAML).log(1, "too late\n"))
    assert await store_logs(ledger.transactions, ledger.store, ledger.now) == 0
    assert await ledger.log(build) == ["packing\n"]


async def test_newest_completed_build_is_linked_when_the_current_one_is_deleted(ledger: Ledger) -> None:
    first, second, third = [await finished(ledger) for _ in range(3)]
    await ledger.delete(second)
    assert (await ledger.environment(first)).current_build_id == third.id
    waiting = await ledger.submit()
    await ledger.take()
    await ledger.delete(third)
    environment = await ledger.environment(first)
    assert (environment.current_build_id, environment.generation) == (first.id, 4)
    (link,) = of_type(await ledger.take(), events.LinkRequested)
    assert (link.build_id, link.path, link.generation) == (first.id, path_of(first), 4)
    assert (await ledger.events(first))[-1] == "environment.current_build_changed"
    await ledger.cancel(waiting)


async def test_environment_has_no_link_when_its_only_completed_build_is_deleted(ledger: Ledger) -> None:
    build = await finished(ledger)
    await ledger.delete(build)
    environment = await ledger.environment(build)
    assert environment.current_build_id == build.id
    (unlink,) = of_type(messages := await ledger.take(), events.LinkDiscardRequested)
    assert (unlink.environment_id, unlink.generation, unlink.link) == (
        environment.id,
        2,
        f"/store/{NAMES[0]}/envs/{NAMES[1]}",
    )
    assert environment.linked_generation == 2
    assert not of_type(messages, events.LinkRequested)
    await ledger.completed()
    assert (await ledger.environment(build)).generation == 3


async def test_build_that_waits_becomes_current_when_the_only_completed_one_is_deleted(ledger: Ledger) -> None:
    build = await finished(ledger)
    waiting = await ledger.submit()
    await ledger.delete(build)
    assert (await ledger.environment(build)).current_build_id == waiting.id
    assert of_type(await ledger.take(), events.LinkDiscardRequested)


async def test_choice_of_a_user_is_void_when_the_chosen_build_is_deleted(ledger: Ledger) -> None:
    first, second = await finished(ledger), await finished(ledger)
    under_way = await ledger.solved()
    ledger.later(10)
    await ledger.choose(first)
    await ledger.delete(first)
    assert (await ledger.environment(first)).current_build_id == second.id
    await ledger.complete(under_way)
    assert (await ledger.environment(first)).current_build_id == under_way.id


async def test_deleted_build_cannot_become_current(ledger: Ledger) -> None:
    first, _ = await finished(ledger), await finished(ledger)
    await ledger.delete(first)
    with pytest.raises(InvalidInput, match="since not completed"):
        await ledger.choose(first)


async def test_object_that_another_build_has_recorded_too_stays(ledger: Ledger) -> None:
    build, other = await finished(ledger), await finished(ledger)
    await ledger.record(build, ArtifactType.DOCKER_MANIFEST, "docker/manifest/own")
    for each in (build, other):
        await ledger.record(each, ArtifactType.DOCKER_BLOB, "docker/blobs/shared")
    await ledger.record(build, ArtifactType.CONTAINER_REGISTRY, "registry.example/team/weather:1")
    await ledger.record(build, ArtifactType.CONSTRUCTOR_INSTALLER, "")
    await ledger.delete(build)
    (objects,) = of_type(await ledger.take(), events.ArtifactDiscardRequested)
    assert set(objects.keys) - set(keys_of_build(build.build_key)) == {"docker/manifest/own"}
