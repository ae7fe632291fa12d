"""Platforms a specification can be solved for."""

from rattler import Subdir

from conda_store_shared.domain.platforms import NOARCH, PLATFORMS
from conda_store_shared.errors import InvalidSpecification


def current_platform() -> str:
    """The platform this process runs on, such as ``linux-64``."""
    return str(Subdir.current())


def check_platforms(platforms: tuple[str, ...]) -> tuple[str, ...]:
    """Return the platforms once each, in order; ``noarch`` is part of every platform and left out.

    Raises InvalidSpecification for one that is not known, and when none is left.
    """
    wanted = tuple(dict.fromkeys(platform for platform in platforms if platform != NOARCH))
    for platform in wanted:
        if platform not in PLATFORMS:
            raise InvalidSpecification(f"platform {platform!r} is not known; expected one of: {', '.join(PLATFORMS)}")
    if not wanted:
        raise InvalidSpecification(f"no platform to solve for; expected some of: {', '.join(PLATFORMS)}")
    return wanted
