"""conda-store webhook."""

import json
from typing import Any

import pytest

from tests.unit.client.answering_server import Answer, AnsweringServer, data, error, in_turn
from tests.unit.client.calling import Caller

pytestmark = pytest.mark.slow

PATH = "/api/v1/webhook/"
ONE, DELIVERY = f"{PATH}3/", f"{PATH}3/delivery/120/"
ACK = Answer(200, b'{"status": "ok", "message": "done"}')


def a_webhook(**fields: Any) -> dict[str, Any]:
    """A webhook as the server shows it."""
    return {
        "id": 3,
        "url": "https://ci.example.org/hook",
        "description": "",
        "owner": "carol",
        "namespace": "ml",
        "environment": None,
        "types": ["build.completed"],
        "state": "active",
        "disabled_reason": None,
        "failing_since": None,
        "position": "17",
        "created_on": "2026-11-27T02:30:00Z",
        "updated_on": "2026-11-27T02:30:00Z",
        "secrets": [{"created_on": "2026-11-27T02:30:00Z", "expires_on": None}],
        **fields,
    }


def a_delivery(number: int = 120, state: str = "delivered", **attempt: Any) -> dict[str, Any]:
    """A delivery with one attempt, or none."""
    attempts = [{"time": "2026-11-27T02:30:00Z", "seconds": 0.12, "status": None, "error": None, **attempt}]
    return {
        "id": number,
        "kind": "event",
        "state": state,
        "type": "build.completed",
        "event_id": "17",
        "message_id": "evt_17",
        "attempts": attempts if attempt else [],
        "not_before": None,
        "created_on": "2026-11-27T02:30:00Z",
        "finished_on": None,
    }


def page(*rows: dict[str, Any], cursor: str | None = None) -> Answer:
    """A page of a list."""
    return Answer(200, json.dumps({"status": "ok", "data": rows, "message": None, "cursor": cursor}).encode())


def bodies(server: AnsweringServer) -> list[Any]:
    """What was sent to change something."""
    return [json.loads(asked.body or b"null") for asked in server.asked if asked.method != "GET"]


def test_add_prints_the_secret_alone_and_says_that_it_is_not_shown_again(call: Caller, server: AnsweringServer) -> None:
    server.routes[PATH] = data(a_webhook(secret="whsec_c2VjcmV0"))
    done = call("webhook", "add", "https://ci.example.org/hook", "--namespace", "ml", "--type", "build.completed")
    assert done.out == "whsec_c2VjcmV0\n"
    assert done.err.splitlines() == [
        "webhook 3 sends build.completed of ml",
        "This is its secret, which is not shown again; give it to the receiver now:",
    ]
    assert bodies(server) == [{"url": "https://ci.example.org/hook", "namespace": "ml", "types": ["build.completed"]}]
    printed = call("webhook", "add", "https://ci.example.org/hook", "--json", "--description", "tests").out
    assert json.loads(printed)["secret"] == "whsec_c2VjcmV0"
    assert bodies(server)[1]["description"] == "tests"


def test_add_says_why_it_is_refused(call: Caller, server: AnsweringServer) -> None:
    server.routes[PATH] = error(400, "nothing may be sent to 10.0.0.1")
    told = call("webhook", "add", "http://10.0.0.1/", status=1).err
    assert told == "Error adding a webhook to http://10.0.0.1/\nnothing may be sent to 10.0.0.1\n"
    assert "--environment needs --namespace" in call("webhook", "add", "x", "--environment", "e", status=2).err


def test_list_shows_webhooks_of_all_pages(call: Caller, server: AnsweringServer) -> None:
    everything = a_webhook(id=4, namespace=None, types=[], failing_since="2026-11-27T02:31:00Z")
    server.routes[PATH] = lambda asked: page(everything) if "cursor" in asked.query else page(a_webhook(), cursor="3")
    table = call("webhook", "list").out
    assert "│ 3 " in table
    assert "all you may read │ all " in table
    assert "2026-11-27 02:31" in table
    assert [row["id"] for row in json.loads(call("webhook", "list", "--output", "json").out)] == [3, 4]


def test_show_tells_what_there_is_to_tell(call: Caller, server: AnsweringServer) -> None:
    server.routes[ONE] = data(a_webhook(state="disabled", disabled_reason="the receiver answered 410"))
    lines = call("webhook", "show", "3").out.splitlines()
    assert "state: disabled" in lines
    assert "disabled reason: the receiver answered 410" in lines
    assert "place: ml" in lines
    assert not [line for line in lines if line.startswith(("secrets", "failing"))]
    assert json.loads(call("webhook", "show", "3", "--json").out)["id"] == 3


def test_change_sends_what_is_given_alone(call: Caller, server: AnsweringServer) -> None:
    server.routes[ONE] = data(a_webhook())
    call("webhook", "change", "3", "--state", "paused")
    call("webhook", "change", "3", "--url", "https://other.example.org/", "--type", "build.*", "--description", "")
    assert bodies(server) == [
        {"state": "paused"},
        {"url": "https://other.example.org/", "types": ["build.*"], "description": ""},
    ]
    assert "give what is to be changed" in call("webhook", "change", "3", status=2).err


@pytest.mark.parametrize(
    ("deliveries", "status", "words"),
    [
        ([a_delivery(state="pending"), a_delivery(status=204)], 0, "the ping was taken: status 204 after 0.12 s"),
        ([a_delivery(state="pending", status=500)], 1, "the ping of webhook 3 was not taken: status 500"),
        ([a_delivery(state="failed", error="connection refused")], 1, "was not taken: connection refused"),
    ],
)
def test_test_tells_what_the_receiver_answers(
    call: Caller, server: AnsweringServer, deliveries: list[dict[str, Any]], status: int, words: str
) -> None:
    server.routes[f"{ONE}ping/"] = data({"delivery_id": 120})
    server.routes[DELIVERY] = in_turn(*map(data, deliveries))
    done = call("webhook", "test", "3", status=status)
    assert words in done.out + done.err


def test_deliveries_are_listed_the_newest_first_up_to_a_limit(call: Caller, server: AnsweringServer) -> None:
    server.routes[f"{ONE}delivery/"] = page(a_delivery(9, status=204), a_delivery(8, error="timed out"), cursor="8")
    told = call("webhook", "deliveries", "3", "--limit", "3", "--state", "failed", "--kind", "event").out
    assert "status 204" in told
    assert "timed out" in told
    assert server.asked[0].query == {"state": ["failed"], "kind": ["event"]}
    assert server.asked[1].query["cursor"] == ["8"]
    rows = json.loads(call("webhook", "deliveries", "3", "--limit", "1", "--output", "json").out)
    assert [row["id"] for row in rows] == [9]


def test_replay_sends_one_delivery_or_a_whole_span(call: Caller, server: AnsweringServer) -> None:
    server.routes[f"{DELIVERY}replay/"] = data({"delivery_id": 121})
    assert call("webhook", "replay", "3", "120").out == "sent again as delivery 121\n"
    server.routes[f"{ONE}replay/"] = in_turn(
        data({"deliveries": 1000, "after": "2000"}), data({"deliveries": 5, "after": None})
    )
    span = ["--since", "2026-11-27T02:30+00:00", "--before", "3000", "--type", "build.*"]
    assert call("webhook", "replay", "3", *span).out == "1005 events are sent again\n"
    rest = {"before": 3000, "types": ["build.*"]}
    assert bodies(server)[1:] == [{"since": "2026-11-27T02:30:00+00:00", **rest}, {"after": 2000, **rest}]
    for wrong in ([], ["120", "--after", "1"]):
        assert "give a DELIVERY, or a span" in call("webhook", "replay", "3", *wrong, status=2).err


def test_replay_that_comes_to_a_stop_says_how_to_go_on(call: Caller, server: AnsweringServer) -> None:
    server.routes[f"{ONE}replay/"] = in_turn(
        data({"deliveries": 1000, "after": "2000"}), error(409, "too much waits already")
    )
    told = call("webhook", "replay", "3", "--after", "0", status=1).err
    assert told.startswith(
        "only 1000 events are sent again to webhook 3; go on later with --after 2000\ntoo much waits"
    )


def test_rotate_prints_the_new_secret_alone(call: Caller, server: AnsweringServer) -> None:
    server.routes[f"{ONE}secret/"] = data({"secret": "whsec_bmV3"})
    done = call("webhook", "rotate", "3", "--expire-old-after", "0")
    assert done.out == "whsec_bmV3\n"
    assert "not shown again" in done.err
    assert bodies(server) == [{"expire_old_after": 0}]


def test_webhook_is_removed_and_a_delivery_skipped_without_a_word(call: Caller, server: AnsweringServer) -> None:
    server.routes[ONE] = server.routes[f"{DELIVERY}skip/"] = ACK
    assert call("webhook", "remove", "3").out + call("webhook", "skip", "3", "120").out == ""
    assert [(asked.method, asked.path) for asked in server.asked] == [("DELETE", ONE), ("POST", f"{DELIVERY}skip/")]


@pytest.mark.parametrize("arguments", [["show", "3"], ["remove", "3"], ["test", "3"], ["rotate", "3"], ["list"]])
def test_server_without_webhooks_and_webhooks_of_others_are_told_as_such(
    call: Caller, server: AnsweringServer, arguments: list[str]
) -> None:
    told = call("webhook", *arguments, status=1).err
    assert told.startswith("Error ")
    assert f"there is nothing at {server.url}{PATH}" in told
    for path in (ONE, PATH, f"{ONE}ping/", f"{ONE}secret/"):
        server.routes[path] = error(404, "webhook id does not exist")
    assert "webhook id does not exist" in call("webhook", *arguments, status=1).err
