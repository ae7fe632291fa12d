"""Which events a webhook is told of, and how its messages are called."""

import pytest

from conda_store_api.domain.webhook import DeliveryKind, Scope, message_id, origin_of, parse_types
from conda_store_shared.domain.public_event import PublicEventType
from conda_store_shared.errors import InvalidInput

COMPLETED, DELETED = PublicEventType.BUILD_COMPLETED, PublicEventType.NAMESPACE_DELETED
EVERYTHING, TEAM = Scope(), Scope(namespace="team")
WEATHER = Scope(namespace="team", environment="weather")


@pytest.mark.parametrize(
    ("namespace", "environment", "wanted_by"),
    [
        ("team", "weather", {EVERYTHING, TEAM, WEATHER}),
        ("team", "climate", {EVERYTHING, TEAM}),
        ("team", None, {EVERYTHING, TEAM}),
        ("lab", "weather", {EVERYTHING}),
        # Of a channel, or of the settings of everything.
        ("", None, {EVERYTHING}),
    ],
)
def test_webhook_wants_events_of_its_place_when_no_types_are_named(
    namespace: str, environment: str | None, wanted_by: set[Scope]
) -> None:
    scopes = {EVERYTHING, TEAM, WEATHER}
    assert {scope for scope in scopes if scope.wants(COMPLETED, namespace, environment)} == wanted_by


def test_webhook_wants_the_types_it_names_and_groups_of_them() -> None:
    scope = Scope(types=parse_types(["build.*", "namespace.deleted", "build.*"]))
    assert scope.types == ("build.*", "namespace.deleted")
    wanted = {kind for kind in PublicEventType if scope.wants(kind, "team", None)}
    assert wanted == {kind for kind in PublicEventType if kind.startswith("build.")} | {DELETED}
    assert set(scope.event_types) == wanted
    assert set(Scope().event_types) == set(PublicEventType)


@pytest.mark.parametrize("text", ["", "*", "build", "build.", "build.compl*", "conda-store.events.build.completed.v1"])
def test_type_that_no_event_has_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"known are build\.queued, .* artifact\.\*, build\.\*"):
        parse_types([text])


def test_message_of_an_event_is_called_alike_however_often_it_is_sent() -> None:
    assert {message_id(kind, 3, 17) for kind in (DeliveryKind.EVENT, DeliveryKind.REPLAY)} == {"evt_17"}
    assert message_id(DeliveryKind.PING, 3, None) == "ping_3"


def test_log_is_told_no_word_of_path_and_query() -> None:
    assert origin_of("https://ci.example.org:8443/geheim?token=geheim") == "https://ci.example.org:8443"
