"""The envelope of a message: CloudEvents 1.0 attributes in the headers, the event as JSON in the body.

Attribute names follow https://github.com/cloudevents/spec (1.0, binary content mode,
``cloudEvents:`` prefix of the AMQP binding); ``traceparent`` follows https://www.w3.org/TR/trace-context/.
"""

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from conda_store_shared.contracts.events import Event
from conda_store_shared.contracts.topology import EVENT_OF_ROUTING_KEY
from conda_store_shared.errors import UndecodableMessage

CONTENT_TYPE = "application/json"
MAXIMUM_BODY = 1024 * 1024
_PREFIX = "cloudEvents:"
_TRACEPARENT = f"{_PREFIX}traceparent"


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedMessage:
    """A message as bytes: what the outbox keeps and the broker carries."""

    message_id: str
    routing_key: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def traceparent(self) -> str | None:
        """What the message belongs to."""
        return self.headers.get(_TRACEPARENT)

    def as_part_of(self, traceparent: str | None) -> "EncodedMessage":
        """Return the message as one that belongs to ``traceparent``; None leaves it as it is."""
        if traceparent is None or traceparent == self.traceparent:
            return self
        return dataclasses.replace(self, headers={**self.headers, _TRACEPARENT: traceparent})


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """An event on its way.  ``correlation_id`` is that of the request which set everything off."""

    event: Event
    message_id: str
    source: str
    time: datetime
    correlation_id: str
    traceparent: str | None = None

    def encode(self) -> EncodedMessage:
        """Return the message as bytes."""
        headers = {
            "specversion": "1.0",
            "id": self.message_id,
            "source": f"/conda-store/{self.source}",
            "type": type_of(type(self.event)),
            "time": self.time.isoformat(),
            "datacontenttype": CONTENT_TYPE,
            "correlationid": self.correlation_id,
        }
        if self.traceparent:
            headers["traceparent"] = self.traceparent
        return EncodedMessage(
            message_id=self.message_id,
            routing_key=self.event.routing_key,
            headers={_PREFIX + name: value for name, value in headers.items()},
            body=json.dumps(_values(self.event), separators=(",", ":")).encode(),
        )


def type_of(event: type[Event]) -> str:
    """CloudEvents type of an event, version included: ``conda-store.lockfile.solved.v1``."""
    return f"conda-store.{event.routing_key}.v{event.version}"


def _types_of_fields(event: type[Event]) -> Mapping[str, Any]:
    hints = typing.get_type_hints(event)
    return {field.name: hints[field.name] for field in dataclasses.fields(event)}


def _defaults_of_fields(event: type[Event]) -> Mapping[str, Any]:
    fields = dataclasses.fields(event)
    return {field.name: field.default for field in fields if field.default is not dataclasses.MISSING}


_EVENT_OF_TYPE = {type_of(event): event for event in EVENT_OF_ROUTING_KEY.values()}
_TYPES_OF_FIELDS = {event: _types_of_fields(event) for event in EVENT_OF_ROUTING_KEY.values()}
_DEFAULTS_OF_FIELDS = {event: _defaults_of_fields(event) for event in EVENT_OF_ROUTING_KEY.values()}


def decode(headers: Mapping[str, Any], body: bytes) -> Envelope:
    """Return the envelope of a message; raises UndecodableMessage when it fits no contract."""
    attributes = {key.removeprefix(_PREFIX): value for key, value in headers.items() if isinstance(value, str)}
    event = _EVENT_OF_TYPE.get(attributes.get("type", ""))
    if event is None:
        raise UndecodableMessage(f"unknown message type {attributes.get('type')!r}")
    if len(body) > MAXIMUM_BODY:
        raise UndecodableMessage(f"message body of {len(body)} bytes; at most {MAXIMUM_BODY} are allowed")
    try:
        return Envelope(
            event=_decode_event(event, json.loads(body)),
            message_id=attributes["id"],
            source=attributes["source"].removeprefix("/conda-store/"),
            time=_instant(attributes["time"]),
            correlation_id=attributes.get("correlationid", attributes["id"]),
            traceparent=attributes.get("traceparent"),
        )
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise UndecodableMessage(f"{attributes['type']}: {error!r}") from error


def written_at(headers: Mapping[str, Any]) -> datetime:
    """When a message with these headers was written."""
    return _instant(headers[f"{_PREFIX}time"])


def _values(event: Event) -> dict[str, Any]:
    """The fields of an event, but for those added later that say nothing: its body then is what it always was."""
    values = {name: getattr(event, name) for name in _TYPES_OF_FIELDS[type(event)]}
    defaults = _DEFAULTS_OF_FIELDS[type(event)]
    return {name: _encode(value) for name, value in values.items() if name not in defaults or value != defaults[name]}


def _encode(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: _encode(element) for key, element in value.items()}
    return value


def _decode_event(event: type[Event], value: Any) -> Event:
    if not isinstance(value, dict):
        raise TypeError("body is not an object")
    hints = _TYPES_OF_FIELDS[event]
    # Unknown fields come from a newer release that only added them.
    return event(**{name: _decode_field(hints[name], element) for name, element in value.items() if name in hints})


def _decode_field(hint: Any, value: Any) -> Any:
    if hint is datetime:
        return _instant(value)
    if typing.get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise TypeError(f"expected a list, got {type(value).__name__}")
        return tuple(_decode_field(typing.get_args(hint)[0], element) for element in value)
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if not isinstance(value, options) or (isinstance(value, bool) and bool not in options):
        raise TypeError(f"expected {hint}, got {type(value).__name__}")
    return value


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return instant
