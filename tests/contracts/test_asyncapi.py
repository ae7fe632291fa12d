"""The description of messages and public events is one that programs can read, and says what is sent."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator, Draft202012Validator  # type: ignore[import-untyped]

from conda_store_api.domain.cloud_event import cloud_event_json
from conda_store_shared.contracts.event_routing import event_routing_key
from conda_store_shared.contracts.public_events import PAYLOADS
from conda_store_shared.contracts.topology import EVENTS_EXCHANGE, EXCHANGE, ROUTES
from conda_store_shared.domain.public_event import PublicEventType
from conda_store_shared.testing.public_events import an_event

PAGE = Path(__file__).parents[2] / "docs/reference/asyncapi.yaml"
SCHEMA = Path(__file__).with_name("asyncapi-3.0.0.json")


@pytest.fixture(scope="module")
def document() -> Any:
    """The page, read."""
    return yaml.load(PAGE.read_text(), yaml.CSafeLoader)


@pytest.fixture(scope="module")
def asyncapi() -> Draft7Validator:
    """What AsyncAPI allows."""
    return Draft7Validator(json.loads(SCHEMA.read_text()))


def references(value: Any) -> Iterator[str]:
    """Every reference below a value."""
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def found(document: Any, reference: str) -> Any:
    """What a reference leads to; raises KeyError."""
    for name in reference.removeprefix("#/").split("/"):
        document = document[name]
    return document


def test_page_is_valid_asyncapi(document: Any, asyncapi: Draft7Validator) -> None:
    assert [error.message for error in asyncapi.iter_errors(document)] == []
    channel = document["channels"]["events.build.completed"]
    spoilt = {**document, "channels": {"events.build.completed": {**channel, "adress": "x"}}}
    assert list(asyncapi.iter_errors(spoilt)) != []


def test_every_reference_leads_somewhere(document: Any) -> None:
    assert len([found(document, reference) for reference in references(document)]) > len(ROUTES)


def test_every_message_and_every_public_event_has_its_channel(document: Any) -> None:
    by_exchange: dict[str, list[str]] = {EXCHANGE: [], EVENTS_EXCHANGE: []}
    for channel in document["channels"].values():
        by_exchange[channel["bindings"]["amqp"]["exchange"]["name"]].append(channel["address"].partition(".{")[0])
    assert by_exchange[EXCHANGE] == [route.event.routing_key for route in ROUTES]
    assert by_exchange[EVENTS_EXCHANGE] == list(PublicEventType)


@pytest.mark.parametrize("kind", PublicEventType)
def test_event_is_what_its_channel_says(document: Any, kind: PublicEventType) -> None:
    channel = document["channels"][f"events.{kind}"]
    event = an_event(kind, "team" if "parameters" in channel else "")
    event.id, event.actor = 17, None
    [reference] = references(channel["messages"])
    payload = {**found(document, reference)["payload"], "components": document["components"]}
    told = json.loads(cloud_event_json(event, "/conda"))
    assert [error.message for error in Draft202012Validator(payload).iter_errors(told)] == []
    assert list(Draft202012Validator(payload).iter_errors({**told, "type": "other"})) != []
    words = event_routing_key(kind, event.namespace, event.environment).split(".")
    assert len(words) <= len(channel["address"].split("."))
    assert set(channel.get("parameters", ())) >= set(PAYLOADS[kind].place) - {"build_id"}
