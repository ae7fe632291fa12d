"""Spans by OpenTelemetry, sent by OTLP over HTTP; loaded only where that is wanted.

They wait in a queue of bounded length for a thread that sends them; what does not find room is dropped.
"""

import logging
import threading
from collections.abc import Mapping, Sequence

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
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
from prometheus_client import Counter

from conda_store_shared.telemetry.registry import REGISTRY
from conda_store_shared.telemetry.traceparent import parsed
from conda_store_shared.telemetry.tracing import Kind, Span, Value

_QUEUE = 4096
_PAUSE_MILLISECONDS = 1000
_EXPORT_SECONDS = 5
_LAST_SECONDS = 2.0
_SPANS = Counter(
    "conda_store_spans", "Spans that were sent to a collector: taken, or lost.", ("outcome",), registry=REGISTRY
)
_log = structlog.get_logger()
_KINDS = {
    Kind.INTERNAL: SpanKind.INTERNAL,
    Kind.SERVER: SpanKind.SERVER,
    Kind.PRODUCER: SpanKind.PRODUCER,
    Kind.CONSUMER: SpanKind.CONSUMER,
}


class _Exporter(SpanExporter):
    """Counts what a collector takes, and says once when it takes nothing any more, and when it does again."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._taken = True

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        taken = result is SpanExportResult.SUCCESS
        _SPANS.labels("taken" if taken else "lost").inc(len(spans))
        if taken is not self._taken:
            self._taken = taken
            _log.warning("traces_taken_again" if taken else "traces_not_taken")
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


class OtlpTracer:
    """Sends spans to ``endpoint``, the base address of a collector; variables of OpenTelemetry set the rest up."""

    def __init__(self, service: str, version: str, endpoint: str, headers: Mapping[str, str]) -> None:
        # It would say every second that the collector is away.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        exporter = OTLPSpanExporter(
            endpoint=f"{endpoint.rstrip('/')}/v1/traces", headers=dict(headers) or None, timeout=_EXPORT_SECONDS
        )
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": service, "service.version": version}), shutdown_on_exit=False
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(_Exporter(exporter), max_queue_size=_QUEUE, schedule_delay_millis=_PAUSE_MILLISECONDS)
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
