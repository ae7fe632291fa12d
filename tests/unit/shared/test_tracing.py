"""What belongs to a trace says so, whether anybody collects traces or not."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from structlog.contextvars import bound_contextvars
from structlog.testing import capture_logs
from traitlets.config import Config

from conda_store_shared.assembly.traces import traces
from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.bus.port import Subscription
from conda_store_shared.contracts.events import SolveRequested
from conda_store_shared.errors import ConfigurationError
from conda_store_shared.telemetry.otlp import OtlpTracer
from conda_store_shared.telemetry.traceparent import current, parsed, within
from conda_store_shared.telemetry.tracing import Kind, span, traced_by
from conda_store_shared.testing.bus_messages import SOLVE_QUEUE, Recorder, an_envelope, running
from conda_store_shared.testing.figures import figure
from conda_store_shared.testing.servers import free_port
from conda_store_shared.testing.servers.otlp_sink import OtlpSink
from conda_store_shared.web.answers import ok
from conda_store_shared.web.application import create_application
from conda_store_shared.web.operation import Anyone, operation
from conda_store_shared.web.routing import route

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
OTHER = f"00-{'1' * 32}-{'2' * 16}-01"


@operation("Answer", Anyone())
async def show_trace(_request: Request) -> Response:
    return ok(current())


async def seen_by_the_handler(headers: Mapping[str, str]) -> str | None:
    application = create_application([route("/environment/{name}/", get=show_trace)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://api") as client:
        seen: str | None = (await client.get("/environment/mine/", headers=headers)).json()["data"]
    return seen


async def test_traceparent_of_a_request_is_handed_on_when_nobody_collects() -> None:
    assert await seen_by_the_handler({"traceparent": PARENT}) == PARENT
    assert await seen_by_the_handler({}) is None


@pytest.mark.parametrize(
    "sent", ["x", PARENT.upper(), f"00-{'0' * 32}-b7ad6b7169203331-01", f"{PARENT}-more", f"01{PARENT[2:]}"]
)
async def test_traceparent_of_another_form_is_left_out(sent: str) -> None:
    assert parsed(sent) is None
    assert await seen_by_the_handler({"traceparent": sent}) is None


def test_what_is_done_now_comes_before_what_began_it_in_the_same_trace_alone() -> None:
    now = f"00-{TRACE}-{'3' * 16}-01"
    assert within(PARENT) == PARENT
    with bound_contextvars(traceparent=now):
        assert (within(None), within(PARENT), within(OTHER)) == (now, now, OTHER)


async def handled_traceparent() -> str | None:
    recorder, bus = Recorder(), MemoryBus()
    bus.subscribe(Subscription(queue=SOLVE_QUEUE, handler=recorder))
    event = SolveRequested(build_id=1, build_key="key", order_digest="0" * 64)
    async with running(bus):
        await bus.publish(an_envelope(event).encode())
        await recorder.wait_for(1)
    return recorder.begun[0].traceparent


async def test_message_keeps_its_traceparent_when_nobody_collects() -> None:
    assert await handled_traceparent() == PARENT


@pytest.mark.slow
async def test_request_and_message_become_spans_of_the_trace_they_belong_to() -> None:
    with OtlpSink() as sink:
        tracer = OtlpTracer("conda-store-api", "1", sink.url, {"X-Key": "k"})
        with traced_by(tracer):
            seen = await seen_by_the_handler({"traceparent": PARENT})
            handled = await handled_traceparent()
        tracer.close()
    by_name = {each.name: each for each in sink.spans}
    request, sent, taken = (
        by_name[name] for name in ("GET /environment/{name}/", "send solve.requested", "handle solve.requested")
    )
    assert {each.trace for each in sink.spans} == {TRACE}
    assert (request.parent, sent.parent, taken.parent) == (PARENT[36:52], PARENT[36:52], sent.id)
    assert (seen, handled) == (f"00-{TRACE}-{request.id}-01", f"00-{TRACE}-{taken.id}-01")
    assert taken.attributes["outcome"] == "handled"
    assert "mine" not in str(sink.spans)
    assert sink.headers[0]["x-key"] == "k"


@pytest.mark.slow
def test_span_says_so_when_what_it_is_about_fails() -> None:
    with OtlpSink() as sink:
        tracer = OtlpTracer("conda-store-api", "1", sink.url, {})
        with traced_by(tracer), pytest.raises(ZeroDivisionError), span("divide", Kind.INTERNAL):
            raise ZeroDivisionError
        tracer.close()
    assert [(each.name, each.failed, each.parent) for each in sink.spans] == [("divide", True, "")]


@pytest.mark.slow
def test_spans_that_a_collector_does_not_take_are_told_once() -> None:
    lost = figure("conda_store_spans_total", outcome="lost")
    with OtlpSink(status=400) as sink, capture_logs() as logs:
        tracer = OtlpTracer("conda-store-api", "1", sink.url, {})
        with traced_by(tracer):
            for _ in range(2):
                with span("nothing"):
                    pass
                sent = len(sink.headers)
                sink.await_requests(sent + 1)
        tracer.close()
    assert figure("conda_store_spans_total", outcome="lost") == lost + 2
    assert [entry["event"] for entry in logs] == ["traces_not_taken"]


@pytest.mark.slow
def test_work_is_not_held_up_when_the_collector_is_away() -> None:
    tracer = OtlpTracer("conda-store-api", "1", f"http://127.0.0.1:{free_port()}", {})
    began = time.monotonic()
    with traced_by(tracer):
        for _ in range(5_000):
            with span("nothing"):
                pass
        worked = time.monotonic() - began
        tracer.close()
    assert worked < 10
    assert time.monotonic() - began - worked < 10


def test_process_does_not_start_when_the_collector_has_no_address() -> None:
    config = Config({"Traces": {"endpoint": "collector:4318"}})
    refused = pytest.raises(ConfigurationError, match=r"Traces\.endpoint: 'collector:4318' is no address")
    with refused, traces("api", config, {}):
        pass


@pytest.mark.slow
async def test_collector_is_that_of_the_environment_unless_the_configuration_names_one() -> None:
    with OtlpSink() as sink, OtlpSink() as other:
        for config in (Config(), Config({"Traces": {"endpoint": other.url}})):
            with traces("conda-store-server", config, {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url}), span("work"):
                pass
    assert [[(each.service, each.name) for each in one.spans] for one in (sink, other)] == [
        [("conda-store-server", "work")]
    ] * 2


@pytest.mark.slow
def test_opentelemetry_is_not_loaded_unless_it_is_wanted() -> None:
    program = "import sys, conda_store_shared.assembly.process; print('opentelemetry' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.slow
def test_log_lines_name_the_trace() -> None:
    program = (
        "import structlog; from conda_store_shared.logs import configure_logging; configure_logging('api');"
        f"structlog.contextvars.bind_contextvars(traceparent={PARENT!r}); structlog.get_logger().info('x')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    line = json.loads(done.stderr)
    assert (line["trace_id"], line["span_id"]) == (TRACE, "b7ad6b7169203331")
    assert "traceparent" not in line
