"""One frozen dataclass per message: facts in the past tense, ids and digests only.

Fields may be added with a default; they are never changed or removed.  Digests are SHA-256 in lower-case hex.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Root of all messages; ``version`` is part of the type."""

    routing_key: ClassVar[str]
    version: ClassVar[int] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildEvent(Event):
    """A message about one build."""

    build_id: int
    build_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEvent(BuildEvent):
    """A fact about running work: which stage, and which attempt at it says so."""

    stage: str
    attempt_id: str
    attempt_started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SolveRequested(BuildEvent):
    """The order is in the object store; a lockfile is wanted.

    With ``solve_id`` nothing is built: somebody waits for the packages alone, and build id and key are 0 and empty.
    """

    routing_key: ClassVar[str] = "solve.requested"
    order_digest: str
    solve_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SolveAnswered(Event):
    """A remote solve is over: its packages are in the object store, or ``code`` and ``detail`` say why there are none.

    ``transient`` tells whether asking again may help.
    """

    routing_key: ClassVar[str] = "solve.answered"
    solve_id: str
    answer_digest: str = ""
    code: str = ""
    detail: str = ""
    transient: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SolveCanceled(Event):
    """Nobody waits for the remote solve any more: work on it is to stop at once."""

    routing_key: ClassVar[str] = "solve.canceled"
    solve_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LockfileSolved(AttemptEvent):
    """The lockfile is in the object store."""

    routing_key: ClassVar[str] = "lockfile.solved"
    lockfile_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefixRequested(BuildEvent):
    """Order and lockfile are in the object store; a prefix is wanted."""

    routing_key: ClassVar[str] = "prefix.requested"
    order_digest: str
    lockfile_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefixBuilt(AttemptEvent):
    """The prefix is whole on disk, its record in the object store."""

    routing_key: ClassVar[str] = "prefix.built"
    lockfile_digest: str
    record_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactRequested(BuildEvent):
    """One type of artifact is wanted of a completed build."""

    routing_key: ClassVar[str] = "artifact.requested"
    artifact_type: str
    order_digest: str
    lockfile_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactStored(AttemptEvent):
    """The artifact is in the object store under ``key``; ``size`` is in bytes.

    One that was sent elsewhere is known by the addresses it has there: ``key``, and ``further_keys``.
    """

    routing_key: ClassVar[str] = "artifact.stored"
    artifact_type: str
    key: str
    size: int
    digest: str
    further_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRequested(BuildEvent):
    """Somebody pulls the image of a completed build that has none.

    With ``environment`` there is no build either, and id and key are 0 and empty: it is to hold ``dependencies``.
    """

    routing_key: ClassVar[str] = "image.requested"
    environment: str = ""
    dependencies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStarted(AttemptEvent):
    """A worker began an attempt."""

    routing_key: ClassVar[str] = "stage.started"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageProgress(AttemptEvent):
    """An attempt is alive; ``done`` of ``total`` are counted in ``unit``; total 0 means not known."""

    routing_key: ClassVar[str] = "stage.progress"
    done: int
    total: int
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StageInterrupted(AttemptEvent):
    """A worker that stops on purpose gave the attempt up; it does not count against the build."""

    routing_key: ClassVar[str] = "stage.interrupted"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFailed(AttemptEvent):
    """An attempt ended without its product; ``transient`` tells whether trying again may help."""

    routing_key: ClassVar[str] = "stage.failed"
    code: str
    detail: str
    transient: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LogWritten(AttemptEvent):
    """A piece of an attempt's log, at most 64 KiB; ``sequence`` counts up from 0 within the attempt."""

    routing_key: ClassVar[str] = "log.written"
    sequence: int
    lines: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildCanceled(BuildEvent):
    """The build is over: work on it is to stop at once."""

    routing_key: ClassVar[str] = "build.canceled"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRequested(BuildEvent):
    """An environment's link is to point at ``path``; only a ``generation`` above the recorded one counts.

    Generations of a later environment of the same name, whose id is higher, are above all of an earlier one.
    """

    routing_key: ClassVar[str] = "link.requested"
    namespace: str
    environment: str
    link: str
    path: str
    generation: int
    environment_id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentLinked(BuildEvent):
    """The environment's link points at ``path``."""

    routing_key: ClassVar[str] = "environment.linked"
    namespace: str
    environment: str
    path: str
    generation: int
    environment_id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentUpdated(Event):
    """Users of the environment get another build from now on: its link points there, or its builds have none."""

    routing_key: ClassVar[str] = "environment.updated"
    environment_id: int
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkDiscardRequested(Event):
    """An environment's link is to go, unless one of a newer generation is there."""

    routing_key: ClassVar[str] = "link.discard_requested"
    environment_id: int
    link: str
    generation: int
    discard_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkDiscarded(Event):
    """No link of the named generation or an older one is there, nor will there be."""

    routing_key: ClassVar[str] = "link.discarded"
    environment_id: int
    discard_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefixDiscardRequested(BuildEvent):
    """The prefix at ``path`` belongs to no build any more; ``discard_id`` is named when it is gone."""

    routing_key: ClassVar[str] = "prefix.discard_requested"
    path: str
    discard_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefixDiscarded(BuildEvent):
    """The prefix is gone and will not come back, or it never was one of ours to remove."""

    routing_key: ClassVar[str] = "prefix.discarded"
    discard_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactDiscardRequested(BuildEvent):
    """The objects under ``keys`` belong to no build any more; ``discard_id`` is named when they are gone."""

    routing_key: ClassVar[str] = "artifact.discard_requested"
    keys: tuple[str, ...]
    discard_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactDiscarded(BuildEvent):
    """The objects are gone."""

    routing_key: ClassVar[str] = "artifact.discarded"
    discard_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRevoked(Event):
    """The token is worth nothing any more; ``token_id`` is its ``jti``, or the SHA-256 of its text if it has none."""

    routing_key: ClassVar[str] = "token.revoked"
    token_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUsed(Event):
    """The token was shown to an instance and found good; said at most once a minute, and lost while the bus is away."""

    routing_key: ClassVar[str] = "token.used"
    token_id: str
    primary_namespace: str
    expires_at: datetime
    used_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageMeasured(Event):
    """The disk of the prefixes has this many bytes free, in use, and in all."""

    routing_key: ClassVar[str] = "storage.measured"
    free: int
    used: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelEvent(Event):
    """A message about one subdir of a channel; ``channel`` is its base address."""

    channel: str
    subdir: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexRequested(ChannelEvent):
    """The packages of the subdir are to be listed anew."""

    routing_key: ClassVar[str] = "index.requested"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelIndexed(ChannelEvent):
    """The list of the subdir's packages is in the object store."""

    routing_key: ClassVar[str] = "channel.indexed"
    index_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecificationFound(Event):
    """A watched path holds this specification: its text is in the object store under its digest.

    Where it could not be read there is no digest, but ``code`` and ``detail`` say why.
    """

    routing_key: ClassVar[str] = "specification.found"
    path: str
    digest: str = ""
    code: str = ""
    detail: str = ""


ALL_EVENTS: tuple[type[Event], ...] = (
    SolveRequested,
    SolveAnswered,
    SolveCanceled,
    LockfileSolved,
    PrefixRequested,
    PrefixBuilt,
    ArtifactRequested,
    ArtifactStored,
    ImageRequested,
    StageStarted,
    StageProgress,
    StageInterrupted,
    StageFailed,
    LogWritten,
    BuildCanceled,
    LinkRequested,
    EnvironmentLinked,
    EnvironmentUpdated,
    LinkDiscardRequested,
    LinkDiscarded,
    PrefixDiscardRequested,
    PrefixDiscarded,
    ArtifactDiscardRequested,
    ArtifactDiscarded,
    StorageMeasured,
    TokenRevoked,
    TokenUsed,
    IndexRequested,
    ChannelIndexed,
    SpecificationFound,
)
