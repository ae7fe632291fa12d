"""Images that somebody pulls and nobody has made: asked of their build, or of a new build of their own."""

import pytest
from sqlalchemy import select

from conda_store_api.use_cases.request_image import ImageTools, request_image
from conda_store_shared.contracts import events
from conda_store_shared.db.models import Build, PublicEvent
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.order import Order
from conda_store_shared.domain.storage_keys import order_key
from tests.unit.api.ledger_builders import Attempt, Ledger, a_policy, of_type

pytestmark = pytest.mark.slow

STAGE = "artifact.DOCKER_MANIFEST"
ADDRESS = "https://registry.example/team-weather"
PULLED = events.ImageRequested(
    build_id=0, build_key="", environment="numpy-python.ge.3.11", dependencies=("numpy", "python>=3.11")
)


async def request(ledger: Ledger, event: Build | events.ImageRequested) -> bool:
    """Ask for the image of a build, or for a dynamic one."""
    if isinstance(event, Build):
        event = events.ImageRequested(build_id=event.id, build_key=event.build_key)
    tools = ImageTools(transactions=ledger.transactions, store=ledger.store, policy=ledger.policy)
    return await request_image(event, tools, ledger.now)


async def wanted(ledger: Ledger) -> list[str]:
    return [message.artifact_type for message in of_type(await ledger.take(), events.ArtifactRequested)]


async def test_completed_build_is_asked_for_its_image_once(ledger: Ledger) -> None:
    build = await ledger.completed()
    await ledger.store.delete(order_key(build.build_key))
    assert not await request(ledger, build)
    await request(ledger, build)
    assert await wanted(ledger) == ["DOCKER_MANIFEST"]
    assert await ledger.store.head(order_key(build.build_key)) is not None


async def test_build_is_not_asked_again_once_it_has_its_image(ledger: Ledger) -> None:
    build = await ledger.completed()
    await request(ledger, build)
    await ledger.apply(Attempt(build, STAGE).product())
    await ledger.take()
    await request(ledger, build)
    assert await wanted(ledger) == []
    assert "DOCKER_MANIFEST" in await ledger.artifacts(build)


async def test_image_that_failed_long_ago_is_tried_again_with_time_of_its_own(ledger: Ledger) -> None:
    build = await ledger.completed()
    await request(ledger, build)
    await ledger.apply(Attempt(build, STAGE).failed("internal_error"))
    await ledger.take()
    ledger.later(1_000_000)
    await request(ledger, build)
    assert await wanted(ledger) == ["DOCKER_MANIFEST"]
    await ledger.apply(Attempt(build, STAGE, ledger.now).failed("storage_unavailable", transient=True))
    assert (await ledger.stages(build))[STAGE].state == "waiting"


async def test_build_that_is_not_completed_or_is_gone_is_not_asked(ledger: Ledger) -> None:
    building = await ledger.solved()
    await request(ledger, building)
    await ledger.cancel(building)
    deleted = await ledger.completed()
    await ledger.delete(deleted)
    await ledger.take()
    await request(ledger, deleted)
    await request(ledger, events.ImageRequested(build_id=99, build_key="gone"))
    assert await wanted(ledger) == []


async def test_dynamic_image_is_built_once_out_of_the_packages_in_its_name(ledger: Ledger) -> None:
    assert await request(ledger, PULLED)
    assert not await request(ledger, PULLED)
    async with ledger.database.session() as session:
        (build,) = (await session.scalars(select(Build))).all()
    order = Order.from_value(build.order or {})
    assert (order.namespace, order.environment) == ("conda-store-dynamic", "numpy-python.ge.3.11")
    assert order.solve.specification["dependencies"] == ["numpy", "python>=3.11"]
    assert order.solve.channels == ("https://conda.anaconda.org/conda-forge",)


@pytest.mark.parametrize(
    ("environment", "dependencies", "code"),
    [("what is", ("python",), "invalid_specification"), ("odd", ("python ][",), "invalid_specification")],
)
async def test_dynamic_image_that_cannot_be_built_is_refused_for_all_to_see(
    ledger: Ledger, environment: str, dependencies: tuple[str, ...], code: str
) -> None:
    event = events.ImageRequested(build_id=0, build_key="", environment=environment, dependencies=dependencies)
    assert not await request(ledger, event)
    async with ledger.database.session() as session:
        (told,) = (await session.scalars(select(PublicEvent))).all()
    assert (told.type, told.namespace, told.environment, told.data["code"]) == (
        "specification.rejected", "conda-store-dynamic", environment, code,
    )  # fmt: skip


async def test_image_that_was_pushed_is_recorded_under_each_of_its_addresses(ledger: Ledger) -> None:
    ledger.policy = a_policy(build_artifacts=["CONTAINER_REGISTRY"])
    build = await ledger.completed()
    attempt = Attempt(build, "artifact.CONTAINER_REGISTRY")
    pushed = events.ArtifactStored(
        **attempt.said, artifact_type=ArtifactType.CONTAINER_REGISTRY, key=f"{ADDRESS}:1",
        further_keys=(f"{ADDRESS}-too:1",), size=1, digest="d" * 64,
    )  # fmt: skip
    await ledger.apply(attempt.started(), pushed)
    assert (await ledger.artifacts(build)).count("CONTAINER_REGISTRY") == 2
    await ledger.take()
    await ledger.apply(pushed)
    assert of_type(await ledger.take(), events.ArtifactDiscardRequested) == []
