"""Pulls of images that are not there yet: they wait, and have them made (contract §1.8)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from conda_store_shared.bus.port import Subscription
from conda_store_shared.contracts.envelope import Envelope
from conda_store_shared.contracts.events import ImageRequested
from conda_store_shared.contracts.topology import API, queue_name
from conda_store_shared.db.engine import Database
from conda_store_shared.db.models import Namespace, PublicEvent
from conda_store_shared.domain.public_event import PublicEventType
from conda_store_shared.storage.filesystem import FilesystemStore
from conda_store_shared.testing.bus_messages import running
from conda_store_shared.testing.public_events import an_event
from conda_store_shared.testing.servers import Databases
from conda_store_shared.transaction import Transactions
from tests.integration.artifacts.download_service import BEGAN, BUILD_KEY, DownloadService, token_of
from tests.integration.artifacts.stored_image import add_environment, add_image, change_build, set_stage

MANIFEST = "/v2/team/what%3F/manifests/latest"
DYNAMIC = "/v2/conda-store-dynamic/python.ge.3.11.lt.3.13/numpy/manifests/latest"
ENVIRONMENT = "python.ge.3.11.lt.3.13-numpy"
LATER = BEGAN.replace(hour=12)
MAKER = token_of({"conda-store-dynamic": ("developer",)})


@dataclass
class World:
    """Downloads with an api beside them that notes what it is asked for, and does nothing."""

    service: DownloadService
    asked: "asyncio.Queue[ImageRequested]" = field(default_factory=asyncio.Queue)

    async def hear(self, envelope: Envelope) -> None:
        """Take a request for an image."""
        assert isinstance(envelope.event, ImageRequested)
        await self.asked.put(envelope.event)

    async def pull(self, path: str = MANIFEST, token: str | None = None, limit: float = 20) -> httpx.Response:
        """Ask for a manifest."""
        self.service.pull_limit = limit
        async with self.service.client(token=token) as client:
            return await client.get(path)

    @asynccontextmanager
    async def pulling(
        self, path: str = MANIFEST, token: str | None = None
    ) -> AsyncIterator["asyncio.Task[httpx.Response]"]:
        """A pull that goes on in the block, and that has ended with it."""
        async with asyncio.TaskGroup() as group:
            yield group.create_task(self.pull(path, token))


@pytest.fixture
async def world(sqlite_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with Database(sqlite_url) as database, FilesystemStore(tmp_path / "storage") as store:
        world = World(DownloadService(database=database, store=store))
        await world.service.add_build()
        queue = queue_name(API, ImageRequested)
        world.service.bus.subscribe(Subscription(queue=queue, handler=world.hear))
        async with running(world.service.bus):
            yield world


def reason_of(answer: httpx.Response) -> tuple[int, str, str | None]:
    """Status, code and reason of a refusal."""
    (error,) = answer.json()["errors"]
    return answer.status_code, error["code"], error["detail"]


async def test_pull_waits_for_a_build_and_its_image(world: World) -> None:
    async with world.pulling() as pull:
        await change_build(world.service, status="COMPLETED")
        asked = await world.asked.get()
        assert not pull.done()
        await add_image(world.service)
    assert (asked.build_id, asked.build_key, asked.environment) == (1, BUILD_KEY, "")
    assert pull.result().status_code == 200
    assert world.asked.empty()


async def test_pull_asks_for_no_image_that_is_being_made(world: World) -> None:
    await change_build(world.service, status="COMPLETED")
    await set_stage(world.service, "running", BEGAN)
    async with world.pulling() as pull:
        await asyncio.sleep(0.7)  # longer than it takes to look again
        await add_image(world.service)
    assert pull.result().status_code == 200
    assert world.asked.empty()


@pytest.mark.parametrize("status", ["FAILED", "CANCELED"])
async def test_pull_ends_with_the_reason_when_its_build_fails(world: World, status: str) -> None:
    async with world.pulling() as pull:
        await change_build(world.service, status=status, status_info="unsatisfiable: nothing provides it")
    reason = f"build 1 is {status}: unsatisfiable: nothing provides it"
    assert reason_of(pull.result()) == (404, "MANIFEST_UNKNOWN", reason)


async def test_pull_asks_once_more_for_an_image_that_failed_and_ends_when_it_fails_again(world: World) -> None:
    await change_build(world.service, status="COMPLETED")
    await set_stage(world.service, "failed", BEGAN, code="timeout", detail="then")
    async with world.pulling() as pull:
        await world.asked.get()
        await set_stage(world.service, "failed", LATER, code="disk_full", detail="no room")
    reason = "the image of build 1 is failed (disk_full): no room"
    assert reason_of(pull.result()) == (404, "MANIFEST_UNKNOWN", reason)


async def test_pull_ends_when_the_image_that_was_being_made_fails(world: World) -> None:
    await change_build(world.service, status="COMPLETED")
    await set_stage(world.service, "running", BEGAN)
    async with world.pulling() as pull:
        await asyncio.sleep(0.7)  # until the pull has seen it run
        await set_stage(world.service, "failed", BEGAN, code="timeout", detail="too slow")
    assert reason_of(pull.result())[:2] == (404, "MANIFEST_UNKNOWN")


async def test_pull_gives_up_in_the_end(world: World) -> None:
    status, code, reason = reason_of(await world.pull(limit=0.2))
    assert (status, code) == (404, "MANIFEST_UNKNOWN")
    assert reason == "there was no image within 0.2 seconds; pull again to go on waiting"


async def test_dynamic_image_is_asked_for_by_what_it_is_to_hold(world: World) -> None:
    async with world.pulling(DYNAMIC, MAKER) as pull:
        asked = await world.asked.get()
        async with Transactions(world.service.database, "test").begin() as transaction:
            transaction.session.add(Namespace(id=5, name="conda-store-dynamic"))
        await add_environment(world.service, 5, ENVIRONMENT, 7)
        of_build = await world.asked.get()
        await add_image(world.service, build_id=7)
    assert (asked.environment, asked.dependencies) == (ENVIRONMENT, ("numpy", "python>=3.11,<3.13"))
    assert (asked.build_id, asked.build_key, of_build.build_id) == (0, "", 7)
    assert pull.result().status_code == 200


async def test_dynamic_image_is_not_made_for_those_who_may_not_create_environments(world: World) -> None:
    reader = token_of({"conda-store-dynamic": ("viewer",)})
    assert reason_of(await world.pull(DYNAMIC, reader))[:2] == (403, "DENIED")
    assert reason_of(await world.pull(DYNAMIC.replace("latest", "1"), MAKER))[:2] == (404, "NAME_UNKNOWN")
    assert world.asked.empty()


async def test_dynamic_image_that_is_refused_is_told_why(world: World) -> None:
    async with world.pulling(DYNAMIC, MAKER) as pull:
        await world.asked.get()
        async with Transactions(world.service.database, "test").begin() as transaction:
            transaction.record(
                PublicEvent(
                    type="specification.rejected", time=BEGAN, namespace="conda-store-dynamic",
                    environment=ENVIRONMENT, data={"code": "channel_not_allowed", "detail": "not that channel"},
                )
            )  # fmt: skip
    assert reason_of(pull.result()) == (404, "MANIFEST_UNKNOWN", "not that channel")


async def test_pull_hears_of_a_build_that_ends_before_it_looks_again(
    postgres_server: Databases, postgres_template: str, tmp_path: Path
) -> None:
    url = postgres_server.create_database(postgres_template)
    async with Database(url) as database, FilesystemStore(tmp_path / "storage") as store:
        service = DownloadService(database=database, store=store)
        await service.add_build()
        async with service.listening(), asyncio.timeout(4), asyncio.TaskGroup() as group:
            pull = group.create_task(World(service).pull())
            await asyncio.sleep(0.3)  # until the pull waits
            await change_build(service, status="FAILED", status_info="of late")
            async with Transactions(database, "test").begin() as transaction:
                failed = an_event(PublicEventType.BUILD_FAILED)
                failed.build_id = 1
                transaction.record(failed)
    assert reason_of(pull.result())[2] == "build 1 is FAILED: of late"
