"""The public events: what users are told, in which words, and who may know of it (design §3.11).

Names and versions are a promise: a field is only ever added; anything else makes another version.
"""

from collections.abc import Mapping
from enum import StrEnum

from conda_store_shared.domain.permission import Permission

# Part of the type of an event as CloudEvents: ``conda-store.events.build.completed.v1``.  Messages between services
# have types without this word.
_PREFIX = "conda-store.events"
_VERSION = 1


class PublicEventType(StrEnum):
    """Something that happened to a build, an artifact, an environment, a namespace or a channel."""

    BUILD_QUEUED = "build.queued"
    BUILD_STARTED = "build.started"
    BUILD_SOLVED = "build.solved"
    BUILD_COMPLETED = "build.completed"
    BUILD_FAILED = "build.failed"
    BUILD_CANCELED = "build.canceled"
    BUILD_DELETED = "build.deleted"
    BUILD_ARTIFACTS_COMPLETED = "build.artifacts_completed"
    ARTIFACT_STORED = "artifact.stored"
    ARTIFACT_FAILED = "artifact.failed"
    ENVIRONMENT_CREATED = "environment.created"
    ENVIRONMENT_CURRENT_BUILD_CHANGED = "environment.current_build_changed"
    ENVIRONMENT_DELETED = "environment.deleted"
    NAMESPACE_CREATED = "namespace.created"
    NAMESPACE_CHANGED = "namespace.changed"
    NAMESPACE_DELETED = "namespace.deleted"
    ROLE_GRANTED = "role.granted"
    ROLE_REVOKED = "role.revoked"
    SETTINGS_CHANGED = "settings.changed"
    CHANNEL_INDEXED = "channel.indexed"
    SPECIFICATION_REJECTED = "specification.rejected"

    @property
    def cloud_event_type(self) -> str:
        """The type with its version, as CloudEvents."""
        return f"{_PREFIX}.{self.value}.v{_VERSION}"


# What one has to be allowed, at the place where it happened, to know of it; None is anybody who is logged in.
NEEDED: Mapping[PublicEventType, Permission | None] = {
    **dict.fromkeys(PublicEventType, Permission.ENVIRONMENT_READ),
    PublicEventType.NAMESPACE_CREATED: Permission.NAMESPACE_READ,
    PublicEventType.NAMESPACE_CHANGED: Permission.NAMESPACE_READ,
    PublicEventType.NAMESPACE_DELETED: Permission.NAMESPACE_READ,
    PublicEventType.ROLE_GRANTED: Permission.NAMESPACE_ROLE_MAPPING_READ,
    PublicEventType.ROLE_REVOKED: Permission.NAMESPACE_ROLE_MAPPING_READ,
    PublicEventType.SETTINGS_CHANGED: Permission.SETTING_READ,
    PublicEventType.CHANNEL_INDEXED: None,
}
