"""An environment or a namespace is deleted: all of it goes, and its name is free at once (contract §4.8)."""

import pytest

from conda_store_api.use_cases.request_discard import discard_message
from conda_store_api.use_cases.submit_specification import Request, rebuild
from conda_store_shared.contracts import events
from conda_store_shared.db.models import (
    Build,
    BuildArtifact,
    BuildLog,
    BuildStage,
    Environment,
    Namespace,
    NamespaceRoleMapping,
    NamespaceRoleMappingV2,
    PublicEvent,
    Specification,
    StageAttempt,
)
from conda_store_shared.domain.stage import PREFIX, SOLVE
from conda_store_shared.domain.storage_keys import keys_of_build
from conda_store_shared.errors import Conflict, InvalidInput, NotFound
from tests.unit.api.discarding import answered
from tests.unit.api.ledger_builders import NAMES, Attempt, Ledger, of_type

pytestmark = pytest.mark.slow

OF_BUILDS = (Build, BuildStage, StageAttempt, BuildLog, BuildArtifact, Specification)


async def erased(ledger: Ledger) -> list[type[events.Event]]:
    """Let everything go that was deleted; return the types of the messages on the way."""
    await ledger.erase()
    messages = await ledger.take()
    await answered(ledger, [discard_message(row) for row in await ledger.discards() if not row.late])
    await ledger.erase()
    return [type(message) for message in messages]


async def test_nothing_of_an_environment_is_left_when_it_was_deleted(ledger: Ledger) -> None:
    build = await ledger.completed()
    await ledger.apply(Attempt(build, PREFIX).log(0, "installing\n"))
    await ledger.completed()
    await ledger.delete_environment()
    kinds = await erased(ledger)
    assert kinds.count(events.PrefixDiscardRequested) == kinds.count(events.ArtifactDiscardRequested) == 2
    assert kinds.count(events.LinkDiscardRequested) == 1
    assert await ledger.count(*OF_BUILDS, Environment) == [0] * 7
    assert await ledger.namespaces() == [NAMES[0]]
    assert [discard.late for discard in await ledger.discards()] == [True, True]
    assert sorted((await ledger.events())[-3:]) == ["build.deleted", "build.deleted", "environment.deleted"]


async def test_kept_artifacts_go_as_well_when_the_environment_of_a_deleted_build_is_deleted(ledger: Ledger) -> None:
    build = await ledger.completed()
    await ledger.delete(build)
    await answered(ledger)
    await ledger.delete_environment()
    await ledger.erase()
    (objects,) = of_type(messages := await ledger.take(), events.ArtifactDiscardRequested)
    assert objects.keys == keys_of_build(build.build_key)
    await answered(ledger, messages)
    await ledger.erase()
    assert await ledger.count(Build, Environment) == [0, 0]
    assert (await ledger.events(build)).count("build.deleted") == 1


async def test_rows_stay_until_disk_and_bucket_hold_nothing(ledger: Ledger) -> None:
    await ledger.completed()
    await ledger.delete_environment()
    await ledger.erase()
    messages = await ledger.take()
    for number, message in enumerate(messages):
        await ledger.erase()
        assert await ledger.count(Environment) == [1], number
        await answered(ledger, [message])
    await ledger.erase()
    assert await ledger.count(Build, Environment) == [0, 0]


async def test_running_builds_are_canceled_first_when_their_environment_is_deleted(ledger: Ledger) -> None:
    released, solved, queued = await ledger.released(), await ledger.solved(), await ledger.submit()
    await ledger.delete_environment()
    await ledger.erase()
    canceled = of_type(messages := await ledger.take(), events.BuildCanceled)
    assert [each.build_id for each in canceled] == [released.id, solved.id]
    for build in (queued, released, solved):
        row = await ledger.build(build.id)
        assert (row.status, row.ended_on, row.deleted_on) == ("CANCELED", ledger.now, ledger.now)
        assert (await ledger.events(build))[-2:] == ["build.canceled", "build.deleted"]
    assert await ledger.release() == 0
    await answered(ledger, messages)
    await ledger.erase()
    assert await ledger.count(Build, Environment) == [0, 0]


async def test_build_that_completes_late_never_becomes_current_when_its_environment_is_deleted(ledger: Ledger) -> None:
    build = await ledger.solved()
    await ledger.delete_environment()
    await ledger.take()
    # Nothing was done about the build itself yet.
    await ledger.complete(build)
    assert (await ledger.build(build.id)).status == "BUILDING"
    kinds = [type(message) for message in await ledger.take()]
    assert kinds == [events.PrefixDiscardRequested, events.ArtifactDiscardRequested]
    assert (await ledger.environment(build)).generation == 1


async def test_late_words_of_a_build_whose_row_is_gone_have_their_products_removed(ledger: Ledger) -> None:
    build = await ledger.completed()
    await ledger.delete_environment()
    await erased(ledger)
    await ledger.put_record(build)
    attempts = [Attempt(build, stage) for stage in (SOLVE, PREFIX, "artifact.YAML")]
    for attempt in attempts:
        await ledger.apply(attempt.started(), attempt.log(0, "late\n"), attempt.product())
    messages = await ledger.take()
    assert len(of_type(messages, events.BuildCanceled)) == 3
    keys = [key for message in of_type(messages, events.ArtifactDiscardRequested) for key in message.keys]
    assert {key.split("/")[0] for key in keys} == {"lockfile", "prefix", "yaml"}
    assert len(of_type(messages, events.PrefixDiscardRequested)) == 1
    assert await ledger.count(Build, BuildStage, BuildLog) == [0, 0, 0]


async def test_deletion_of_an_environment_says_nothing_when_it_is_repeated(ledger: Ledger) -> None:
    build = await ledger.completed()
    await ledger.delete_environment()
    await ledger.take()
    await ledger.delete_environment()
    assert await ledger.take() == []
    assert (await ledger.environment(build)).generation == 2
    await ledger.erase()
    await ledger.take()
    await ledger.erase()
    assert await ledger.take() == []


async def test_environment_that_is_not_there_cannot_be_deleted(ledger: Ledger) -> None:
    text = "^environment namespace=team name=weather does not exist$"
    with pytest.raises(InvalidInput, match=text):
        await ledger.delete_environment()
    await ledger.completed()
    await ledger.delete_environment()
    await erased(ledger)
    with pytest.raises(InvalidInput, match=text):
        await ledger.delete_environment()


async def test_environment_is_made_anew_when_its_name_is_used_while_it_is_being_deleted(ledger: Ledger) -> None:
    old = await ledger.completed()
    await ledger.delete_environment()
    new = await ledger.completed()
    environment = await ledger.environment(new)
    assert environment.id == old.environment_id
    assert (environment.deleted_on, environment.current_build_id, environment.generation) == (None, new.id, 3)
    assert (await ledger.events()).count("environment.created") == 2
    await erased(ledger)
    assert [row.id for row in await ledger.rows(Build)] == [new.id]
    environment = await ledger.environment(new)
    assert (environment.erased_through, environment.current_build_id) == (0, new.id)
    assert (await ledger.build(new.id)).deleted_on is None


async def test_name_is_used_again_and_again_when_each_environment_is_deleted_before_the_last_is_gone(
    ledger: Ledger,
) -> None:
    for _ in range(3):
        await ledger.completed()
        await ledger.delete_environment()
    last = await ledger.submit()
    await erased(ledger)
    assert [row.id for row in await ledger.rows(Build)] == [last.id]
    await ledger.delete_environment()
    await erased(ledger)
    assert await ledger.count(*OF_BUILDS, Environment) == [0] * 7


async def test_new_environment_of_an_old_name_has_a_row_and_a_link_of_its_own(ledger: Ledger) -> None:
    old = await ledger.completed()
    await ledger.delete_environment()
    await erased(ledger)
    await ledger.submit()
    await ledger.release()
    new = (await ledger.rows(Build))[0]
    assert new.id > old.id
    assert new.environment_id > old.environment_id
    late = events.EnvironmentLinked(
        build_id=old.id,
        build_key=old.build_key,
        namespace=NAMES[0],
        environment=NAMES[1],
        path="/x",
        generation=9,
        environment_id=old.environment_id,
    )
    await ledger.apply(late)
    assert (await ledger.environment(new)).linked_generation == 0


async def test_build_of_a_deleted_environment_is_not_built_again(ledger: Ledger) -> None:
    build = await ledger.completed()
    await ledger.delete_environment()
    request = Request(namespace=NAMES[0], actor="ann", now=ledger.now)
    with pytest.raises(Conflict, match=r"^environment team/weather is being deleted; submit its specification"):
        async with ledger.transactions.begin() as transaction:
            await rebuild(build.id, request, ledger.policy, transaction)
    await erased(ledger)
    with pytest.raises(NotFound):
        async with ledger.transactions.begin() as transaction:
            await rebuild(build.id, request, ledger.policy, transaction)


async def test_specification_stays_when_another_environment_has_a_build_of_it(ledger: Ledger) -> None:
    await ledger.submit("team")
    other = await ledger.submit("other")
    await ledger.delete_environment("team")
    await erased(ledger)
    assert [row.id for row in await ledger.rows(Specification)] == [other.specification_id]
    await ledger.delete_environment("other")
    await erased(ledger)
    assert await ledger.count(Specification) == [0]


async def test_nothing_of_a_namespace_is_left_when_it_was_deleted(ledger: Ledger) -> None:
    await ledger.completed()
    await ledger.submit(name="second")
    other = await ledger.submit("other")
    await ledger.grant()
    await ledger.delete_namespace()
    assert await ledger.count(NamespaceRoleMapping, NamespaceRoleMappingV2) == [0, 0]
    await erased(ledger)
    assert await ledger.namespaces() == ["other"]
    assert [row.id for row in await ledger.rows(Build)] == [other.id]
    assert await ledger.count(Environment) == [1]
    told = [(row.type, row.environment, row.actor) for row in await ledger.rows(PublicEvent)]
    assert ("namespace.deleted", None, "ann") in told
    ends = {"build.canceled", "build.deleted", "environment.deleted"}
    assert {(kind, actor) for kind, _name, actor in told if kind in ends} == {(kind, "ann") for kind in ends}


async def test_deletion_of_a_namespace_may_be_repeated_until_it_is_gone(ledger: Ledger) -> None:
    await ledger.completed()
    await ledger.delete_namespace()
    await ledger.delete_namespace()
    assert (await ledger.events()).count("namespace.deleted") == 1
    await erased(ledger)
    with pytest.raises(NotFound, match=r"^namespace does not exist$"):
        await ledger.delete_namespace()


async def test_namespace_is_made_anew_when_its_name_is_used_while_it_is_being_deleted(ledger: Ledger) -> None:
    await ledger.completed()
    await ledger.submit(name="second")
    await ledger.delete_namespace()
    new = await ledger.submit(name="third")
    assert (await ledger.events()).count("namespace.created") == 2
    await erased(ledger)
    assert await ledger.namespaces() == [NAMES[0]]
    assert [row.id for row in await ledger.rows(Build)] == [new.id]
    assert [row.name for row in await ledger.rows(Environment)] == ["third"]


async def test_empty_namespace_goes_when_it_is_deleted(ledger: Ledger) -> None:
    await ledger.completed()
    await ledger.delete_environment()
    await erased(ledger)
    await ledger.delete_namespace()
    await ledger.erase()
    assert await ledger.count(Namespace) == [0]
