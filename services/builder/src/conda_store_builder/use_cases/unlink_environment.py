"""The link of a deleted environment goes (contract §4.8)."""

from pathlib import Path

from conda_store_builder.ports import EnvironmentLinks, Generation
from conda_store_shared.contracts.events import LinkDiscarded, LinkDiscardRequested


async def unlink_environment(request: LinkDiscardRequested, *, links: EnvironmentLinks) -> LinkDiscarded:
    """Remove the link, unless a newer generation is there."""
    await links.discard(Path(request.link), Generation(request.environment_id, request.generation))
    return LinkDiscarded(environment_id=request.environment_id, discard_id=request.discard_id)
