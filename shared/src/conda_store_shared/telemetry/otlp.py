"""Spans by OpenTelemetry, sent by OTLP over HTTP; loaded only where that is wanted.

They wait in a queue of bounded length for a thread that sends them; what does not find room is dropped.
"""

import threading
from collections.abc import Mapping

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)
from opentelemetry.trace import Span as OtelSpan

from conda_store_shared.telemetry.traceparent import parsed
from conda_store_shared.telemetry.tracing import Kind, Span, Value

_QUEUE = 4096
_PAUSE_MILLISECONDS = 1000
_EXPORT_SECONDS = 5
_LAST_SECONDS = 2.0
_KINDS = {
    Kind.INTERNAL: SpanKind.INTERNAL,
    Kind.SERVER: SpanKind.SERVER,
    Kind.PRODUCER: SpanKind.PRODUCER,
    Kind.CONSUMER: SpanKind.CONSUMER,
}


class OtlpTracer:
    """Sends spans to ``endpoint``, the base address of a collector; variables of OpenTelemetry set the rest up."""

    def __init__(self, service: str, version: str, endpoint: str, headers: Mapping[str, str]) -> None:
        exporter = OTLPSpanExporter(
            endpoint=f"{endpoint.rstrip('/')}/v1/traces", headers=dict(headers) or None, timeout=_EXPORT_SECONDS
        )
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": service, "service.version": version}), shutdown_on_exit=False
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(exporter, max_queue_size=_QUEUE, schedule_delay_millis=_PAUSE_MILLISECONDS)
        )
        self._tracer = self._provider.get_tracer("conda-store", version)

    def start(self, name: str, kind: Kind, parent: str | None, attributes: Mapping[str, Value]) -> Span:
        """Begin a span."""
        context = None
        if (ids := parsed(parent)) is not None and parent is not None:
            remote = SpanContext(int(ids[0], 16), int(ids[1], 16), True, TraceFlags(int(parent[-2:], 16)))
            context = set_span_in_context(NonRecordingSpan(remote))
        return _OtlpSpan(self._tracer.start_span(name, context, kind=_KINDS[kind], attributes=attributes))

    def close(self) -> None:
        """Send what waits, for two seconds at most: nobody's stop waits for a collector."""
        thread = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        thread.start()
        thread.join(_LAST_SECONDS)


class _OtlpSpan:
    def __init__(self, span: OtelSpan) -> None:
        self._span = span
        ids = span.get_span_context()
        self.traceparent = f"00-{ids.trace_id:032x}-{ids.span_id:016x}-{ids.trace_flags:02x}"

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def set(self, name: str, value: Value) -> None:
        self._span.set_attribute(name, value)

    def fail(self, cause: str) -> None:
        self._span.set_status(Status(StatusCode.ERROR, cause))

    def end(self) -> None:
        self._span.end()
