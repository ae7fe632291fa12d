"""Public events as JSON Schema (2020-12), made of their payloads: for readers, and for checks of what is written."""

import dataclasses
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from conda_store_shared.contracts.public_events import PAYLOADS, PublicPayload
from conda_store_shared.domain.public_event import PublicEventType

Schema = dict[str, Any]

CLOUD_EVENTS_TYPE = "application/cloudevents+json"
_SIMPLE: Mapping[Any, str] = {str: "string", int: "integer", type(None): "null"}
_PLACE: Mapping[str, tuple[Any, str]] = {
    "namespace": (str, "The namespace where it happened."),
    "environment": (str, "The environment, without its namespace."),
    "build_id": (int, "The build."),
}
_LINKS = {
    "namespace": "The namespace.",
    "environment": "The environment.",
    "build": "The build.",
    "logs": "The log of the build.",
}


def payload_fields(payload: type[PublicPayload]) -> Iterator[tuple[str, Any, str, bool]]:
    """Name, type, meaning of each field, and whether it is always there."""
    hints = typing.get_type_hints(payload, include_extras=True)
    for field in dataclasses.fields(payload):
        hint, meaning = typing.get_args(hints[field.name])
        yield field.name, hint, meaning, field.default is dataclasses.MISSING


def cloud_event_schema(kind: PublicEventType) -> Schema:
    """An event of a type, whole."""
    envelope, own = envelope_schema(), own_schema(kind)
    return {
        "type": "object",
        "required": [*envelope["required"], *own["required"]],
        "properties": {**envelope["properties"], **own["properties"]},
    }


def envelope_schema() -> Schema:
    """What all events have."""
    attributes: dict[str, Schema] = {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "description": "Grows in the order in which things happened; a repeat keeps it."},
        "source": {"type": "string", "description": "The API that the links belong to."},
        "subject": _described(str | None, "Namespace and environment, with a slash between them."),
        "time": {"type": "string", "format": "date-time", "description": "When it happened, UTC."},
        "datacontenttype": {"const": "application/json"},
        "actor": _described(str | None, "Namespace of whoever did it; null for what happened by itself."),
    }
    return {"type": "object", "required": list(attributes), "properties": attributes}


def own_schema(kind: PublicEventType) -> Schema:
    """What makes an event one of a type."""
    properties: dict[str, Schema] = {"type": {"const": kind.cloud_event_type}, "data": data_schema(kind)}
    return {"type": "object", "required": list(properties), "properties": properties}


def data_schema(kind: PublicEventType) -> Schema:
    """What an event of a type carries as ``data``."""
    schema = recorded_schema(kind)
    links = {name: {"type": "string", "description": meaning} for name, meaning in _LINKS.items()}
    schema["required"].append("links")
    schema["properties"]["links"] = {
        "type": "object",
        "description": "Where to read more, without scheme and host.",
        "properties": links,
    }
    return schema


def recorded_schema(kind: PublicEventType) -> Schema:
    """The same as it stands in the log: the links are made when it is read."""
    payload = PAYLOADS[kind]
    fields = list(payload_fields(payload))
    place = {
        name: _described(hint if name in payload.place else hint | None, meaning)
        for name, (hint, meaning) in _PLACE.items()
    }
    return {
        "type": "object",
        "required": [*place, *(name for name, _hint, _meaning, is_required in fields if is_required)],
        "properties": {**place, **{name: _described(hint, meaning) for name, hint, meaning, _ in fields}},
    }


def _described(hint: Any, meaning: str) -> Schema:
    return {**_json_schema(hint), "description": meaning}


def _json_schema(hint: Any) -> Schema:
    if typing.get_origin(hint) is tuple:
        return {"type": "array", "items": _json_schema(typing.get_args(hint)[0])}
    if isinstance(hint, types.UnionType):
        return {"type": [_SIMPLE[option] for option in typing.get_args(hint)]}
    return {"type": _SIMPLE[hint]}
