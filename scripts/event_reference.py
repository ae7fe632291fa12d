"""What is written of public events: a page for people, and the channels of their exchange for programs."""

from collections.abc import Iterator, Mapping
from typing import Any

from conda_store_shared.contracts.event_routing import DIGEST_LENGTH, LONGEST_WORD
from conda_store_shared.contracts.event_schema import CLOUD_EVENTS_TYPE, own_schema, payload_fields
from conda_store_shared.contracts.public_events import PAYLOADS, PublicPayload
from conda_store_shared.contracts.topology import EVENTS_EXCHANGE
from conda_store_shared.domain.public_event import NEEDED, PublicEventType

# The schema of what all events have.
CLOUD_EVENT = "CloudEvent"
_PARAMETERS = {
    "namespace": "The namespace; a dot in its name is %2E.",
    "environment": "The environment, in the same way; the key ends before it where there is none.",
}
# Settings are of the suite, a namespace or an environment; a rejected file may name no environment.
_IN_SOME = (PublicEventType.SETTINGS_CHANGED, PublicEventType.SPECIFICATION_REJECTED)
_WORDS = {str: "text", int: "whole number", str | None: "text or null"}


def public_events_page(written_by: str) -> str:
    """Every public event, with its fields, their units, and who may know of it."""
    lines = [
        "# Public events",
        "",
        f"{written_by} The source: `contracts/public_events.py` of `conda_store_shared`.",
        "",
        "What happened, for users: by [`GET /api/v1/event/`](../how-to/read-events.md), over [the exchange",
        f"`{EVENTS_EXCHANGE}`](../how-to/consume-from-rabbitmq.md), by [webhooks](../how-to/webhooks.md) and to",
        "[hooks](../how-to/write-hooks.md). Each is a CloudEvent 1.0 in JSON. The fields below are those of its",
        "`data`, beside `namespace`, `environment` and `build_id`, which are null where there is none, and `links`.",
        "Of a type, fields are only ever added. [asyncapi.yaml](asyncapi.yaml) has all of this as JSON Schema.",
        "",
        "The routing key is the type, then the namespace and the environment as far as there are any, each one word: a",
        f"dot in a name is `%2E`, and of a name that is longer than {LONGEST_WORD} bytes then, the word is the first",
        f"{DIGEST_LENGTH} hex digits of its SHA-256.",
        "",
        "| event | always has | may be read with |",
        "|---|---|---|",
        *(_row(kind, payload) for kind, payload in PAYLOADS.items()),
    ]
    for kind, payload in PAYLOADS.items():
        lines += ["", *_section(kind, payload)]
    return "\n".join(lines) + "\n"


def _row(kind: PublicEventType, payload: type[PublicPayload]) -> str:
    anchor = kind.value.replace(".", "")
    needed = NEEDED[kind]
    permission = f"`{needed.value}` there" if needed else "a login"
    return f"| [`{kind.value}`](#{anchor}) | {', '.join(payload.place) or '–'} | {permission} |"


def _section(kind: PublicEventType, payload: type[PublicPayload]) -> Iterator[str]:
    yield f"## {kind.value}"
    yield ""
    yield f"`{kind.cloud_event_type}`. {payload.__doc__}"
    fields = list(payload_fields(payload))
    if not fields:
        return
    yield ""
    yield "| field | type | meaning |"
    yield "|---|---|---|"
    for name, hint, meaning, is_required in fields:
        kept = _WORDS.get(hint, "list of text")
        yield f"| `{name}` | {kept if is_required else f'{_WORDS[str]}, may be missing'} | {meaning} |"


def public_channels() -> Mapping[str, Any]:
    """The channels of the exchange, by name."""
    return {f"events.{kind.value}": _channel(kind) for kind in PublicEventType}


def _channel(kind: PublicEventType) -> dict[str, Any]:
    names = _places(kind)
    exchange = {"name": EVENTS_EXCHANGE, "type": "topic", "durable": True, "autoDelete": False}
    channel: dict[str, Any] = {
        "address": ".".join([kind.value, *(f"{{{name}}}" for name in names)]),
        "messages": {_name(kind): {"$ref": f"#/components/messages/{_name(kind)}"}},
        "bindings": {"amqp": {"is": "routingKey", "exchange": exchange, "bindingVersion": "0.3.0"}},
    }
    if names:
        channel["parameters"] = {name: {"description": _PARAMETERS[name]} for name in names}
    return channel


def _places(kind: PublicEventType) -> tuple[str, ...]:
    return tuple(name for name in _PARAMETERS if kind in _IN_SOME or name in PAYLOADS[kind].place)


def public_operations() -> Mapping[str, Any]:
    """What api says on them."""
    return {f"api-sends-events.{kind.value}": _operation(kind) for kind in PublicEventType}


def _operation(kind: PublicEventType) -> dict[str, Any]:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/events.{kind.value}"},
        "summary": PAYLOADS[kind].__doc__,
        "messages": [{"$ref": f"#/channels/events.{kind.value}/messages/{_name(kind)}"}],
    }


def public_messages() -> Mapping[str, Any]:
    """Their messages, by name."""
    return {_name(kind): _message(kind) for kind in PublicEventType}


def _message(kind: PublicEventType) -> dict[str, Any]:
    return {
        "name": kind.cloud_event_type,
        "title": PAYLOADS[kind].__name__,
        "summary": PAYLOADS[kind].__doc__,
        "contentType": CLOUD_EVENTS_TYPE,
        "payload": {"allOf": [{"$ref": f"#/components/schemas/{CLOUD_EVENT}"}, own_schema(kind)]},
    }


def _name(kind: PublicEventType) -> str:
    return f"Public{PAYLOADS[kind].__name__}"
