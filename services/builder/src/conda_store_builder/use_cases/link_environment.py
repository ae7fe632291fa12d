"""An environment's link comes to point at its current build (design §3.3)."""

from pathlib import Path

from conda_store_builder.ports import EnvironmentLinks, Generation
from conda_store_shared.contracts.events import EnvironmentLinked, LinkRequested


async def link_environment(request: LinkRequested, *, links: EnvironmentLinks) -> EnvironmentLinked | None:
    """Switch the link; None when a newer generation was there already, so that there is nothing to tell."""
    generation = Generation(request.environment_id, request.generation)
    if not await links.point(Path(request.link), Path(request.path), generation):
        return None
    return EnvironmentLinked(
        build_id=request.build_id,
        build_key=request.build_key,
        namespace=request.namespace,
        environment=request.environment,
        path=request.path,
        generation=request.generation,
        environment_id=request.environment_id,
    )
