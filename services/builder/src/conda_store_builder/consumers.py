"""Message in, one use case, fact out: which message the builder answers with what."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from conda_store_builder.ports import EnvironmentLinks, Installer, PrefixStore
from conda_store_builder.use_cases.build_prefix import build_prefix
from conda_store_builder.use_cases.delete_prefix import delete_prefix
from conda_store_builder.use_cases.link_environment import link_environment
from conda_store_builder.use_cases.unlink_environment import unlink_environment
from conda_store_shared.bus.port import Bus, Subscription
from conda_store_shared.contracts.envelope import Envelope
from conda_store_shared.contracts.events import (
    BuildCanceled,
    Event,
    LinkDiscardRequested,
    LinkRequested,
    PrefixBuilt,
    PrefixDiscardRequested,
    PrefixRequested,
)
from conda_store_shared.contracts.topology import BUILDER, queue_name
from conda_store_shared.domain.stage import PREFIX
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.worker.reporter import publish_until_taken
from conda_store_shared.worker.stage import StageContext, StageWorker

Message = TypeVar("Message", bound=Event)
# Links and removals are short, and must not wait for installs.
_SHORT_WORK = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What the use cases are given."""

    bus: Bus
    store: ObjectStore
    installer: Installer
    prefixes: PrefixStore
    links: EnvironmentLinks


def subscriptions(tools: Tools, stages: StageWorker, concurrency: int) -> Sequence[Subscription]:
    """Everything the builder takes; ``concurrency`` installs run at once."""

    async def install(request: PrefixRequested, context: StageContext) -> PrefixBuilt:
        return await build_prefix(
            request, context, store=tools.store, installer=tools.installer, prefixes=tools.prefixes
        )

    async def link(envelope: Envelope) -> None:
        request = _expect(envelope, LinkRequested)
        linked = await link_environment(request, links=tools.links)
        if linked is not None:
            await publish_until_taken(tools.bus, BUILDER, envelope, linked)

    async def unlink(envelope: Envelope) -> None:
        discarded = await unlink_environment(_expect(envelope, LinkDiscardRequested), links=tools.links)
        await publish_until_taken(tools.bus, BUILDER, envelope, discarded)

    async def discard(envelope: Envelope) -> None:
        discarded = await delete_prefix(_expect(envelope, PrefixDiscardRequested), prefixes=tools.prefixes)
        if discarded is not None:
            await publish_until_taken(tools.bus, BUILDER, envelope, discarded)

    async def cancel(envelope: Envelope) -> None:
        await stages.on_build_canceled(envelope)
        # For a builder on the same volume that does not hear this now.
        await tools.prefixes.mark_canceled(_expect(envelope, BuildCanceled).build_key)

    return (
        Subscription(
            queue=queue_name(BUILDER, PrefixRequested),
            handler=stages.handler(lambda _request: PREFIX, install),
            concurrency=concurrency,
        ),
        Subscription(queue=queue_name(BUILDER, LinkRequested), handler=link, concurrency=_SHORT_WORK),
        Subscription(queue=queue_name(BUILDER, LinkDiscardRequested), handler=unlink, concurrency=_SHORT_WORK),
        Subscription(queue=queue_name(BUILDER, PrefixDiscardRequested), handler=discard, concurrency=_SHORT_WORK),
        Subscription(event=BuildCanceled, handler=cancel),
    )


def _expect(envelope: Envelope, kind: type[Message]) -> Message:
    if not isinstance(envelope.event, kind):
        raise TypeError(f"{type(envelope.event).__name__} came where {kind.__name__} was expected")
    return envelope.event
