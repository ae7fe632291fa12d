"""Everything that is done for a build, by whichever service, is one trace."""

import uuid
from collections.abc import Sequence

import pytest

from conda_store_shared.testing.demo_channel.server import ChannelServer
from conda_store_shared.testing.servers.conda_store import DistributedSuite
from conda_store_shared.testing.servers.otlp_sink import OtlpSink, SeenSpan
from tests.acceptance.user import User

CLIENT = "00f067aa0ba902b7"
PATH = [
    ("api", "POST /api/v1/specification/"),
    ("api", "send solve.requested"),
    ("solver", "handle solve.requested"),
    ("solver", "stage solve"),
    ("solver", "send lockfile.solved"),
    ("api", "handle lockfile.solved"),
    ("api", "send prefix.requested"),
    ("builder", "handle prefix.requested"),
    ("builder", "stage prefix"),
    ("builder", "send prefix.built"),
    ("api", "handle prefix.built"),
    ("api", "send artifact.requested"),
    ("artifacts", "handle artifact.requested"),
    ("artifacts", "stage artifact.CONDA_PACK"),
    ("artifacts", "send artifact.stored"),
    ("api", "handle artifact.stored"),
]
TOLD = {
    "http.request.method", "http.route", "http.response.status_code", "correlation_id", "build_id", "stage",
    "attempt_id", "outcome", "messaging.destination.name", "messaging.message.id",
}  # fmt: skip


def chain(spans: Sequence[SeenSpan]) -> list[tuple[str, str]]:
    """From the request down to the stored archive, each the parent of the next."""
    known = {each.id: each for each in spans}
    for last in spans:
        way, span = [], known.get(last.id) if last.name == "handle artifact.stored" else None
        while span is not None:
            way.append((span.service.removeprefix("conda-store-"), span.name))
            span = known.get(span.parent)
        if PATH[-3] in way:
            return way[::-1]
    return []


@pytest.mark.timeout(180)
def test_one_trace_leads_from_the_request_to_the_stored_archive_when_services_restart_meanwhile(
    distributed_suite: DistributedSuite, collector: OtlpSink, demo_channel_server: ChannelServer
) -> None:
    trace, name = uuid.uuid4().hex, f"traced-{uuid.uuid4().hex[:8]}"

    def of_trace(spans: Sequence[SeenSpan]) -> list[SeenSpan]:
        return [each for each in spans if each.trace == trace]

    def is_whole(spans: Sequence[SeenSpan]) -> bool:
        ours = of_trace(spans)
        known = {CLIENT, *(each.id for each in ours)}
        return chain(ours) == PATH and all(each.parent in known for each in ours)

    with User(distributed_suite, demo_channel_server.url) as user:
        # Whatever remembers the trace must not be a process.
        distributed_suite.processes["solver"].stop()
        user.client.headers["traceparent"] = f"00-{trace}-{CLIENT}-01"
        build_id = user.submit(name, ["demo-text"])
        del user.client.headers["traceparent"]
        distributed_suite.processes["api"].restart()
        distributed_suite.processes["solver"].start()
        user.wait(build_id)
        user.wait_for_artifacts(build_id, "CONDA_PACK", "LOGS")
    spans = of_trace(collector.await_spans(is_whole))
    stages = {each.name: each.attributes for each in spans if each.name.startswith("stage ")}
    assert {(each["build_id"], each["outcome"]) for each in stages.values()} == {(build_id, "done")}
    assert all(each["attempt_id"] for each in stages.values())
    assert {name for each in spans for name in each.attributes} <= TOLD
    assert name not in str(spans)
    log = (distributed_suite.processes["builder"].directory / "server.log").read_text()
    assert f'"trace_id": "{trace}"' in log
