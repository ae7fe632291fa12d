"""Takes traces as a collector does, and keeps them."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenSpan:
    """A span as it was sent; ids are hexadecimal, ``parent`` is empty for the first of a trace."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    failed: bool
    attributes: Mapping[str, Any] = field(default_factory=dict)


class OtlpSink:
    """A collector on a loopback port; with ``status`` other than 200 one that takes nothing."""

    def __init__(self, status: int = 200) -> None:
        self._spans: list[SeenSpan] = []
        self.headers: list[Mapping[str, str]] = []
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                sink.headers.append({name.lower(): value for name, value in self.headers.items()})
                if status == 200 and self.path == "/v1/traces":
                    sink._spans.extend(_spans(body))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, name="otlp", daemon=True)

    @property
    def url(self) -> str:
        """The base address."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def spans(self) -> Sequence[SeenSpan]:
        """What has come so far."""
        return list(self._spans)

    def await_spans(
        self, wanted: Callable[[Sequence[SeenSpan]], bool], timeout: float = 30
    ) -> Sequence[SeenSpan]:
        """Wait until what has come is what is wanted; return it."""
        deadline = time.monotonic() + timeout
        while not wanted(spans := self.spans):
            assert time.monotonic() < deadline, f"only {sorted((each.service, each.name) for each in spans)}"
            time.sleep(0.05)
        return spans

    def await_requests(self, count: int, timeout: float = 10) -> None:
        """Wait until so many requests have come, taken or not."""
        deadline = time.monotonic() + timeout
        while len(self.headers) < count:
            assert time.monotonic() < deadline, f"{len(self.headers)} requests have come, not {count}"
            time.sleep(0.02)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _spans(body: bytes) -> Sequence[SeenSpan]:
    request = ExportTraceServiceRequest.FromString(body)
    return [
        SeenSpan(
            service=_values(resource.resource.attributes)["service.name"],
            name=span.name,
            trace=span.trace_id.hex(),
            id=span.span_id.hex(),
            parent=span.parent_span_id.hex(),
            failed=span.status.code == 2,
            attributes=_values(span.attributes),
        )
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def _values(attributes: Any) -> Mapping[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}
