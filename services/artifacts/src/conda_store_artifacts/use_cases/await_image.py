"""Waits for the image that somebody pulls, and sees to it that there will be one (contract §1.8)."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

from conda_store_artifacts.domain.image_path import DynamicImage, ImagePath
from conda_store_artifacts.repositories.images import (
    ImageState,
    find_current_build,
    find_image_state,
    find_tagged_build,
    last_rejection,
)
from conda_store_artifacts.use_cases.build_notices import BuildNotices
from conda_store_shared.bus.port import Bus
from conda_store_shared.contracts.envelope import Envelope
from conda_store_shared.contracts.events import ImageRequested
from conda_store_shared.contracts.topology import ARTIFACTS
from conda_store_shared.db.engine import Database
from conda_store_shared.domain.build import BuildStatus
from conda_store_shared.errors import NotAuthorized, NotFound
from conda_store_shared.telemetry.traceparent import current

LATEST = "latest"
_OPEN_STAGES = ("waiting", "requested", "running")
_ENDED_STAGES = ("failed", "canceled")
_LONGEST_REASON = 2_000


class NoSuchImage(NotFound):
    """Raised when there is no image, nor will there be; the message is the reason, empty when there is none to tell."""

    code = "no_such_image"


class NoSuchRepository(NotFound):
    """Raised when there is no environment of that name, and none is made."""

    code = "no_such_repository"


@dataclass(frozen=True, slots=True, kw_only=True)
class PullTools:
    """What a pull works with.

    It waits at most ``limit`` seconds, at most ``patience`` of them for a new environment, and looks every ``look``
    seconds for what it was not told.
    """

    database: Database
    bus: Bus
    notices: BuildNotices = field(default_factory=BuildNotices)
    limit: float = 600.0
    patience: float = 60.0
    look: float = 5.0
    look_for_environment: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Puller:
    """Somebody who pulls: whether they may have environments made, and whether they have left meanwhile."""

    may_make: bool
    has_left: Callable[[], Awaitable[bool]]


async def await_image(path: ImagePath, puller: Puller, tools: PullTools) -> str:
    """Return the key of the build whose image is meant, once it has one.

    Raises NoSuchRepository, NoSuchImage, NotAuthorized when an environment would have to be made for somebody who may
    not, and BusUnavailable when nobody can be asked for the image.
    """
    try:
        async with asyncio.timeout(tools.limit):
            return await _await_build(await _find_build(path, puller, tools), puller, tools)
    except TimeoutError:
        raise NoSuchImage(f"there was no image within {tools.limit:g} seconds; pull again to go on waiting") from None


async def _find_build(path: ImagePath, puller: Puller, tools: PullTools) -> int:
    async with tools.database.reader() as reader:
        known, current = await find_current_build(reader, path.namespace, path.stored_environment)
    if not known and (path.dynamic is None or path.reference != LATEST):
        raise NoSuchRepository("")
    if path.dynamic is not None and current is None and path.reference == LATEST:
        current = await _make_environment(path, path.dynamic, puller, tools)
    if path.reference != LATEST:
        async with tools.database.reader() as reader:
            current = await find_tagged_build(reader, path.namespace, path.stored_environment, path.reference)
    if current is None:
        raise NoSuchImage("")
    return current


async def _make_environment(path: ImagePath, dynamic: DynamicImage, puller: Puller, tools: PullTools) -> int:
    """Have an environment made; return its build."""
    if not puller.may_make:
        raise NotAuthorized("request not authorized")
    place = (path.namespace, path.stored_environment)
    async with tools.database.reader() as reader:
        earlier, _ = await last_rejection(reader, *place)
    wanted = ImageRequested(
        build_id=0, build_key="", environment=path.stored_environment, dependencies=dynamic.dependencies
    )
    await _publish(tools.bus, wanted)
    began = asyncio.get_running_loop().time()
    while asyncio.get_running_loop().time() - began < tools.patience:
        async with tools.database.reader() as reader:
            _, current = await find_current_build(reader, *place)
            rejection, reason = await last_rejection(reader, *place)
        if current is not None:
            return current
        if rejection > earlier:
            raise NoSuchImage(reason)
        await _stop_if_left(puller)
        # Nothing tells of environments; whoever waits for one is rare.
        await asyncio.sleep(tools.look_for_environment)
    raise NoSuchImage("nobody has made the environment in time; pull again later")


async def _await_build(build_id: int, puller: Puller, tools: PullTools) -> str:
    is_asked, earlier = False, None
    with tools.notices.of(build_id) as happened:
        while True:
            happened.clear()
            async with tools.database.reader() as reader:
                state = await find_image_state(reader, build_id)
            if state is None:
                raise NoSuchImage("")
            if state.has_image:
                return state.build_key
            _raise_if_over(state)
            if is_asked and state.stage in _ENDED_STAGES and state.requested_on != earlier:
                raise NoSuchImage(_why_none(state))
            if not is_asked and state.status == BuildStatus.COMPLETED:
                is_asked, earlier = True, await _ask(state, tools.bus)
            await _stop_if_left(puller)
            await _wait(happened, tools.look)


async def _ask(state: ImageState, bus: Bus) -> datetime | None:
    """Ask for the image unless it is being made; return when it was asked for in vain before."""
    if state.stage in _OPEN_STAGES:
        return None
    await _publish(bus, ImageRequested(build_id=state.build_id, build_key=state.build_key))
    return state.requested_on


def _raise_if_over(state: ImageState) -> None:
    if state.status in (BuildStatus.FAILED, BuildStatus.CANCELED):
        reason = f": {state.status_info}" if state.status_info else ""
        raise NoSuchImage(f"build {state.build_id} is {state.status}{reason}"[:_LONGEST_REASON])


def _why_none(state: ImageState) -> str:
    reason = f" ({state.code}): {state.detail}" if state.code else ""
    return f"the image of build {state.build_id} is {state.stage}{reason}"[:_LONGEST_REASON]


async def _publish(bus: Bus, event: ImageRequested) -> None:
    message_id = uuid4().hex
    envelope = Envelope(
        event=event,
        message_id=message_id,
        source=ARTIFACTS,
        time=datetime.now(UTC),
        correlation_id=message_id,
        traceparent=current(),
    )
    await bus.publish(envelope.encode())


async def _stop_if_left(puller: Puller) -> None:
    if await puller.has_left():
        raise NoSuchImage("the client has left")


async def _wait(happened: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await happened.wait()
    except TimeoutError:
        pass
