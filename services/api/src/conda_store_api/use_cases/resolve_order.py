"""Resolves everything a build's stages need to know, once (design §3.4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from conda_store_api.domain.policy import BuildPolicy
from conda_store_shared.conda.channels import check_channels, normalise_channel
from conda_store_shared.conda.locked_entries import check_channels as check_locked_channels
from conda_store_shared.domain.build_key import BuildIdentity
from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.domain.order import Order, PrefixOrder, SolveOrder
from conda_store_shared.domain.platforms import NOARCH
from conda_store_shared.domain.settings import Settings
from conda_store_shared.domain.specification import Specification
from conda_store_shared.domain.wanted_platforms import provided_by
from conda_store_shared.errors import InvalidInput, InvalidLockfile, InvalidSpecification


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What a user sent, read and checked; ``lockfile`` is set when it was sent instead of a specification."""

    name: str
    value: Mapping[str, Any]
    sha256: str
    specification: Specification | None
    lockfile: Lockfile | None
    description: str | None

    @classmethod
    def of(cls, specification: Specification) -> "Submission":
        """What is submitted with a specification."""
        return cls(
            name=specification.name,
            value=specification.to_value(),
            sha256=specification.sha256,
            specification=specification,
            lockfile=None,
            description=specification.description,
        )

    def as_specification(self, now: datetime) -> dict[str, Any]:
        """Values of the row that keeps it."""
        return {
            "name": self.name,
            "spec": dict(self.value),
            "sha256": self.sha256,
            "created_on": now,
            "is_lockfile": self.lockfile is not None,
        }


def resolve_channels(specification: Specification, settings: Settings) -> tuple[str, ...]:
    """Return the base addresses to solve from; raises ChannelNotAllowed."""
    names = specification.channels or settings.conda_default_channels
    return check_channels(names, settings.conda_allowed_channels, settings.conda_channel_alias)


def allowed_channels(settings: Settings) -> tuple[str, ...]:
    """Return the base addresses that are allowed; empty permits all."""
    return tuple(normalise_channel(name, settings.conda_channel_alias) for name in settings.conda_allowed_channels)


def resolve_platforms(submission: Submission, policy: BuildPolicy) -> tuple[str, ...]:
    """Return the platforms a build is locked for, the builders' among them; raises InvalidInput.

    Those of a lockfile are all it has.
    """
    specification, lockfile, platform = submission.specification, submission.lockfile, policy.platform
    if lockfile is not None:
        platforms = tuple(dict.fromkeys(one for one in lockfile.platforms if one != NOARCH))
    else:
        platforms = locked_platforms(specification, policy.settings)
    if platform not in platforms:
        raise _not_for(submission, platform, platforms)
    return platforms


def locked_platforms(specification: Specification | None, settings: Settings) -> tuple[str, ...]:
    """Return the platforms that a specification is solved for."""
    return (specification.platforms if specification else ()) or settings.conda_solve_platforms


def presumed(specification: Specification | None, platforms: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """Return what a specification says that platforms provide, of those it says something about."""
    if specification is None:
        return {}
    found = {platform: provided_by(platform, specification.virtual_packages) for platform in platforms}
    return {platform: packages for platform, packages in found.items() if packages}


def _not_for(submission: Submission, platform: str, platforms: tuple[str, ...]) -> InvalidInput:
    installed = f"{platform}, on which environments are installed here"
    named = ", ".join(platforms) or "none"
    if submission.lockfile is not None:
        return InvalidLockfile(f"the lockfile is not for {installed}; it is for: {named}")
    return InvalidSpecification(f"the specification is not for {installed}; add that to its platforms: {named}")


def resolve_order(submission: Submission, policy: BuildPolicy, identity: BuildIdentity, build_key: str) -> Order:
    """Return the order of a new build; raises ChannelNotAllowed, InvalidSpecification, InvalidLockfile."""
    specification, settings = submission.specification, policy.settings
    places = {"store_directory": str(policy.store_directory), "namespace": identity.namespace, "name": submission.name}
    hashed = policy.build_key_version == 3
    build_directory = policy.build_directory.format(**{**places, "namespace": "" if hashed else identity.namespace})
    platforms = resolve_platforms(submission, policy)
    if submission.lockfile is not None:
        check_locked_channels(submission.lockfile, allowed_channels(settings))
    return Order(
        build_id=identity.build_id,
        build_key=build_key,
        namespace=identity.namespace,
        environment=submission.name,
        solve=SolveOrder(
            specification=specification.to_value() if specification else {"name": submission.name},
            channels=resolve_channels(specification, settings) if specification else (),
            allowed_channels=allowed_channels(settings),
            platforms=platforms,
            virtual_packages=presumed(specification, platforms),
            lockfile=submission.lockfile.value if submission.lockfile else None,
            channel_priority=policy.channel_priority.value,
            deadline=policy.solve_deadline,
        ),
        prefix=PrefixOrder(
            platform=policy.platform,
            path=f"{build_directory.rstrip('/')}/{build_key}",
            link=None if hashed else policy.environment_directory.format(**places),
            uid=settings.default_uid,
            gid=settings.default_gid,
            permissions=settings.default_permissions,
            deadline=policy.install_deadline,
        ),
        artifacts=tuple(artifact.value for artifact in policy.artifacts),
        artifact_deadline=policy.artifact_deadline,
    )
