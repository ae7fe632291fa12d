"""Every table, one file per family; tables that upstream has keep upstream's names (contract §2.7)."""

from conda_store_shared.db.models.base import Model
from conda_store_shared.db.models.blob import ArtifactBlob, Blob, Fragment
from conda_store_shared.db.models.build import Build, BuildArtifact, BuildLog, BuildStage, StageAttempt
from conda_store_shared.db.models.discard import Discard
from conda_store_shared.db.models.environment import Environment, Specification
from conda_store_shared.db.models.found_specification import FoundSpecification
from conda_store_shared.db.models.issued_token import IssuedToken
from conda_store_shared.db.models.namespace import Namespace, NamespaceRoleMapping, NamespaceRoleMappingV2
from conda_store_shared.db.models.outbox import EventCursor, Outbox, PublicEvent
from conda_store_shared.db.models.package import (
    CondaChannel,
    CondaChannelIndex,
    CondaIndexSection,
    CondaPackage,
    CondaPackageBuild,
    CondaPackageName,
    RemoteSolve,
    build_conda_package_build,
)
from conda_store_shared.db.models.setting import CondaStoreConfiguration, KeyValueStore
from conda_store_shared.db.models.webhook import Webhook, WebhookDelivery, WebhookSecret

__all__ = [
    "ArtifactBlob",
    "Blob",
    "Build",
    "BuildArtifact",
    "BuildLog",
    "BuildStage",
    "CondaChannel",
    "CondaChannelIndex",
    "CondaIndexSection",
    "CondaPackage",
    "CondaPackageBuild",
    "CondaPackageName",
    "CondaStoreConfiguration",
    "Discard",
    "Environment",
    "EventCursor",
    "FoundSpecification",
    "Fragment",
    "IssuedToken",
    "KeyValueStore",
    "Model",
    "Namespace",
    "NamespaceRoleMapping",
    "NamespaceRoleMappingV2",
    "Outbox",
    "PublicEvent",
    "RemoteSolve",
    "Specification",
    "StageAttempt",
    "Webhook",
    "WebhookDelivery",
    "WebhookSecret",
    "build_conda_package_build",
]
