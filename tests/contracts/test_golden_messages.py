"""Messages as they were written by every release so far: each must be read for ever, and this release writes the same.

A new event or version gets a file in `golden/`; a file there is never changed or removed.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from conda_store_shared.contracts import events
from conda_store_shared.contracts.envelope import Envelope, decode, type_of
from conda_store_shared.contracts.events import ALL_EVENTS, Event

GOLDEN = Path(__file__).parent / "golden"
DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
OTHER_DIGEST = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"
BUILD_KEY = "01234567-20261122-093000-12-lab"
DISCARD_ID = "c2a5d0f0e4b14c3d9b7a6f1e2d3c4b5a"
BUILD: dict[str, Any] = {"build_id": 12, "build_key": BUILD_KEY}
TOKEN_ID = "9a8f2c1e5b7d4f60a1b2c3d4e5f60718"
SOLVE_ID = "4d5a1b7c0e6f4f0f9d1a2b3c4d5e6f70"
CHANNEL = {"channel": "https://conda.anaconda.org/conda-forge", "subdir": "linux-64"}
ATTEMPT: dict[str, Any] = {
    **BUILD,
    "attempt_id": "4c0e0f5e-9e0e-4a52-8a5c-0b3c9a3a4f10",
    "attempt_started_at": datetime(2026, 11, 22, 9, 30, 0, 250_000, tzinfo=UTC),
}

EXAMPLES: tuple[Event, ...] = (
    events.SolveRequested(**BUILD, order_digest=DIGEST),
    events.SolveAnswered(solve_id=SOLVE_ID, answer_digest=DIGEST),
    events.SolveCanceled(solve_id=SOLVE_ID),
    events.LockfileSolved(**ATTEMPT, stage="solve", lockfile_digest=DIGEST),
    events.PrefixRequested(**BUILD, order_digest=DIGEST, lockfile_digest=OTHER_DIGEST),
    events.PrefixBuilt(**ATTEMPT, stage="prefix", lockfile_digest=DIGEST, record_digest=OTHER_DIGEST),
    events.ArtifactRequested(**BUILD, artifact_type="CONDA_PACK", order_digest=DIGEST, lockfile_digest=OTHER_DIGEST),
    events.ArtifactStored(
        **ATTEMPT,
        stage="artifact.CONDA_PACK",
        artifact_type="CONDA_PACK",
        key=f"archive/{BUILD_KEY}.tar.gz",
        size=12_345_678_901,
        digest=DIGEST,
    ),
    events.ImageRequested(
        build_id=0, build_key="", environment="python.ge.3.11-numpy", dependencies=("numpy", "python>=3.11")
    ),
    events.StageStarted(**ATTEMPT, stage="solve"),
    events.StageProgress(**ATTEMPT, stage="prefix", done=3, total=48, unit="packages"),
    events.StageInterrupted(**ATTEMPT, stage="prefix"),
    events.StageFailed(
        **ATTEMPT,
        stage="solve",
        code="unsatisfiable",
        detail="nothing provides numpy >=99\n└─ žádný «balíček»",
        transient=False,
    ),
    events.LogWritten(**ATTEMPT, stage="solve", sequence=0, lines="Fetching repodata …\n"),
    events.BuildCanceled(**BUILD),
    events.LinkRequested(
        **BUILD, namespace="lab", environment="analysis", link="/envs/analysis", path="/builds/12", generation=3
    ),
    events.EnvironmentLinked(**BUILD, namespace="lab", environment="analysis", path="/builds/12", generation=3),
    events.EnvironmentUpdated(environment_id=4, generation=3),
    events.LinkDiscardRequested(environment_id=4, link="/envs/analysis", generation=5, discard_id=DISCARD_ID),
    events.LinkDiscarded(environment_id=4, discard_id=DISCARD_ID),
    events.PrefixDiscardRequested(**BUILD, path="/builds/12"),
    events.PrefixDiscarded(**BUILD, discard_id=DISCARD_ID),
    events.ArtifactDiscardRequested(**BUILD, keys=(f"archive/{BUILD_KEY}.tar.gz", f"logs/{BUILD_KEY}.log")),
    events.ArtifactDiscarded(**BUILD, discard_id=DISCARD_ID),
    events.StorageMeasured(free=78_000_000_000, used=24_000_000_000, total=102_000_000_000),
    events.TokenRevoked(token_id=TOKEN_ID),
    events.TokenUsed(
        token_id=TOKEN_ID,
        primary_namespace="alice",
        expires_at=datetime(2026, 11, 23, 9, 30, tzinfo=UTC),
        used_at=datetime(2026, 11, 22, 9, 30, 0, 250_000, tzinfo=UTC),
    ),
    events.IndexRequested(**CHANNEL),
    events.ChannelIndexed(**CHANNEL, index_digest=DIGEST),
    events.SpecificationFound(path="/srv/environments/weather.yml", digest=DIGEST),
)


def golden_file(event: type[Event]) -> Path:
    return GOLDEN / f"{event.routing_key}.v{event.version}.json"


def an_envelope(event: Event) -> Envelope:
    return Envelope(
        event=event,
        message_id="0192f3c4-7d3a-7b7e-9a55-3b7d7c1f2a01",
        source="api",
        time=datetime(2026, 11, 22, 9, 30, 1, tzinfo=UTC),
        correlation_id="5f1f9a4e",
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )


def named(event: Event) -> str:
    return type(event).__name__


def test_every_event_has_an_example() -> None:
    assert {type(event) for event in EXAMPLES} == set(ALL_EVENTS)


@pytest.mark.parametrize("event", EXAMPLES, ids=named)
def test_release_writes_a_message_as_before(event: Event) -> None:
    golden = json.loads(golden_file(type(event)).read_text())
    message = an_envelope(event).encode()
    assert {"headers": dict(message.headers), "body": json.loads(message.body)} == golden


@pytest.mark.parametrize("event", EXAMPLES, ids=named)
def test_release_reads_its_own_message(event: Event) -> None:
    golden = json.loads(golden_file(type(event)).read_text())
    assert decode(golden["headers"], json.dumps(golden["body"]).encode()) == an_envelope(event)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_release_reads_every_message_ever_written(path: Path) -> None:
    golden = json.loads(path.read_text())
    envelope = decode(golden["headers"], json.dumps(golden["body"]).encode())
    assert f"conda-store.{path.stem}" == type_of(type(envelope.event))


@pytest.mark.parametrize("event", EXAMPLES, ids=named)
def test_release_reads_a_message_of_a_later_release_that_added_a_field(event: Event) -> None:
    message = an_envelope(event).encode()
    body = {**json.loads(message.body), "added_later": {"nested": [1, 2]}}
    headers = {**message.headers, "cloudEvents:addedlater": "x", "x-delivery-count": 3, "x-death": [{"count": 1}]}
    assert decode(headers, json.dumps(body).encode()).event == event


def test_field_that_was_added_later_is_carried_when_it_says_something() -> None:
    remote = events.SolveRequested(build_id=0, build_key="", order_digest=DIGEST, solve_id=SOLVE_ID)
    message = an_envelope(remote).encode()
    assert json.loads(message.body)["solve_id"] == SOLVE_ID
    assert decode(message.headers, message.body).event == remote
