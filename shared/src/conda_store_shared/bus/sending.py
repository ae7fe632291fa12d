"""Sending a message: counted, and a span of its own that whoever handles the message goes on from."""

from collections.abc import Iterator
from contextlib import contextmanager

from conda_store_shared.contracts.envelope import EncodedMessage
from conda_store_shared.telemetry.messages import publishing
from conda_store_shared.telemetry.tracing import Kind, span


@contextmanager
def sending(message: EncodedMessage) -> Iterator[EncodedMessage]:
    """Yield the message as it is to be sent."""
    key = message.routing_key
    attributes = {"messaging.destination.name": key, "messaging.message.id": message.message_id}
    parent = message.traceparent
    with (
        publishing(key),
        span(f"send {key}", Kind.PRODUCER, parent=parent, attributes=attributes) as sent,
    ):
        yield message.as_part_of(sent.traceparent)
