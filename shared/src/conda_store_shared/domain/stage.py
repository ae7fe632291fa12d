"""The stages of a build, what an attempt at one is, and the causes a stage can fail from."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.build import Rank

StageName = NewType("StageName", str)

SOLVE = StageName("solve")
PREFIX = StageName("prefix")
_ARTIFACT = "artifact."

# The rank a build has while the stage runs.
RANK_OF_STAGE = {SOLVE: Rank.SOLVING, PREFIX: Rank.BUILDING}
# Attempts that may end without a word before the stage is given up (design §3.7).
MAXIMUM_LOST_ATTEMPTS = 3


def artifact_stage(artifact_type: ArtifactType) -> StageName:
    """The stage that makes one type of artifact."""
    return StageName(_ARTIFACT + artifact_type.value)


def artifact_type_of(stage: str) -> ArtifactType | None:
    """The artifact type ``stage`` makes, or None when it is the solve or the prefix stage."""
    return ArtifactType(stage.removeprefix(_ARTIFACT)) if stage.startswith(_ARTIFACT) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One worker's try at one stage; ``started_at`` orders the attempts of a stage."""

    attempt_id: str
    started_at: datetime


class FailureCode(StrEnum):
    """Why a stage failed; the code travels in ``stage.failed`` and stands in front of the status_info."""

    UNSATISFIABLE = "unsatisfiable"
    INVALID_SPECIFICATION = "invalid_specification"
    INVALID_LOCKFILE = "invalid_lockfile"
    CHANNEL_NOT_ALLOWED = "channel_not_allowed"
    CHANNEL_NOT_FOUND = "channel_not_found"
    CHANNEL_FORBIDDEN = "channel_forbidden"
    CHANNEL_UNREACHABLE = "channel_unreachable"
    INVALID_CHANNEL = "invalid_channel"
    HASH_MISMATCH = "hash_mismatch"
    INVALID_PACKAGE = "invalid_package"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out_of_memory"
    DISK_FULL = "disk_full"
    LINK_SCRIPT_FAILED = "link_script_failed"
    PIP_FAILED = "pip_failed"
    PREFIX_TOO_LONG = "prefix_too_long"
    PREFIX_MISSING = "prefix_missing"
    INPUT_MISSING = "input_missing"
    STORAGE_UNAVAILABLE = "storage_unavailable"
    PACK_FAILED = "pack_failed"
    IMAGE_NOT_POSSIBLE = "image_not_possible"
    REGISTRY_UNREACHABLE = "registry_unreachable"
    REGISTRY_REFUSED = "registry_refused"
    CANCELED = "canceled"
    WORKER_LOST = "worker_lost"
    INTERNAL_ERROR = "internal_error"
