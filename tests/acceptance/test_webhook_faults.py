"""Webhooks of a suite in one process that is killed in the middle of a delivery."""

import os
import signal
import socket
from collections.abc import Sequence
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from conda_store_shared.testing.demo_channel.server import ChannelServer
from conda_store_shared.testing.servers.conda_store import StandaloneSuite
from conda_store_shared.testing.servers.webhook_receiver import Received, WebhookReceiver
from tests.acceptance.user import User

LAST = "build.artifacts_completed"
NAME = "told-of"


def ours(received: Sequence[Received]) -> list[Received]:
    """What is of the build of this test: those before it may not have had all their artifacts when it began."""
    return [each for each in received if each.event["data"]["environment"] == NAME]


def kinds(received: Sequence[Received]) -> list[str]:
    """The types of the events of our build, as they came."""
    types = [each.event["type"] for each in ours(received)]
    return [each.removeprefix("conda-store.events.").removesuffix(".v1") for each in types]


@pytest.mark.timeout(120)
def test_every_event_of_a_build_arrives_in_order_though_the_suite_is_killed_while_it_sends_one(
    standalone_suite: StandaloneSuite, demo_channel_server: ChannelServer
) -> None:
    process = standalone_suite.processes["standalone"]
    with WebhookReceiver() as receiver, User(standalone_suite, demo_channel_server.url) as user:
        made = user.client.post("/api/v1/webhook/", json={"url": receiver.url, "types": ["build.*"]}).json()["data"]
        usual, pid = receiver.reply, process.pid

        def kill(connection: socket.socket) -> None:
            if kinds(receiver.received)[-1:] != ["build.started"]:
                return usual(connection)
            receiver.reply = usual
            return os.kill(pid, signal.SIGKILL)

        receiver.reply = kill
        build_id = user.submit(NAME, ["demo-text"])
        receiver.await_received(lambda received: "build.started" in kinds(received))
        process.kill()
        process.start()
        user.wait(build_id)
        received = ours(receiver.await_received(lambda received: LAST in kinds(received), timeout=60))
        query: dict[str, Any] = {"order": "asc", "build_id": build_id, "type": ["build.queued", "build.started"]}
        events = [each["id"] for each in user.client.get("/api/v1/event/", params=query).json()["data"]]
        user.client.delete(f"/api/v1/webhook/{made['id']}/").raise_for_status()
    firsts = list(dict.fromkeys(each.id for each in received))
    assert firsts[:2] == [f"evt_{event}" for event in events]
    assert list(dict.fromkeys(kinds(received))) == [
        "build.queued",
        "build.started",
        "build.solved",
        "build.completed",
        LAST,
    ]
    assert [each.id for each in received].count(firsts[1]) == 2
    for each in received:
        Webhook(made["secret"]).verify(each.body.decode(), each.headers)
