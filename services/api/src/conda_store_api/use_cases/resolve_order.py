"""Resolves everything a build's stages need to know, once (design §3.4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from conda_store_api.domain.policy import BuildPolicy
from conda_store_shared.conda.channels import check_channels, normalise_channel
from conda_store_shared.domain.build_key import BuildIdentity
from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.domain.order import Order, PrefixOrder, SolveOrder
from conda_store_shared.domain.settings import Settings
from conda_store_shared.domain.specification import Specification


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


def resolve_order(submission: Submission, policy: BuildPolicy, identity: BuildIdentity, build_key: str) -> Order:
    """Return the order of a new build; raises ChannelNotAllowed."""
    specification, settings = submission.specification, policy.settings
    places = {"store_directory": str(policy.store_directory), "namespace": identity.namespace, "name": submission.name}
    hashed = policy.build_key_version == 3
    build_directory = policy.build_directory.format(**{**places, "namespace": "" if hashed else identity.namespace})
    return Order(
        build_id=identity.build_id,
        build_key=build_key,
        namespace=identity.namespace,
        environment=submission.name,
        solve=SolveOrder(
            specification=specification.to_value() if specification else {"name": submission.name},
            channels=resolve_channels(specification, settings) if specification else (),
            allowed_channels=allowed_channels(settings),
            platforms=settings.conda_solve_platforms,
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
