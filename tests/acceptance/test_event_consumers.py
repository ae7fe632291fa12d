"""Consumers of one's own at the broker hear what happens in a running suite (docs/how-to/consume-from-rabbitmq.md)."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import aio_pika
import pytest

from conda_store_shared.contracts.topology import EVENTS_EXCHANGE
from conda_store_shared.testing.demo_channel.server import ChannelServer
from conda_store_shared.testing.recorded_events import problems_of_event
from conda_store_shared.testing.servers import VirtualHosts
from conda_store_shared.testing.servers.conda_store import Backing, DistributedSuite
from tests.acceptance.user import User

EXAMPLE = Path(__file__).parents[2] / "docs/examples/consume_events.py"
QUEUED, LAST = "build.queued", "build.artifacts_completed"


@pytest.fixture
def events_url(distributed_suite: DistributedSuite, backing: Backing, rabbitmq_server: VirtualHosts) -> str:
    """Where the consumer of events logs in."""
    del distributed_suite
    return rabbitmq_server.narrow(backing.amqp_url)["events"]


@pytest.fixture
def example(events_url: str) -> Iterator["subprocess.Popen[str]"]:
    """The example of the guide, listening for what happens to environments of one name."""
    command = [sys.executable, str(EXAMPLE), events_url, "events.example", "build.*.default.heard", "artifact.#"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            assert process.stderr.readline() == "listening\n"
            yield process
        finally:
            process.kill()


def lines_until(stream: IO[str] | None, word: str) -> Iterator[list[str]]:
    """The words of each line, up to the first that has ``word`` in it; the time limit of the test ends the wait."""
    assert stream is not None
    for line in stream:
        yield line.split()
        if word in line:
            return


@pytest.mark.timeout(120)
def test_consumer_hears_of_a_build_what_the_api_lists(
    distributed_suite: DistributedSuite,
    demo_channel_server: ChannelServer,
    events_url: str,
    example: "subprocess.Popen[str]",
) -> None:
    asyncio.run(listening(events_url))
    with User(distributed_suite, demo_channel_server.url) as user:
        build_id = user.submit("heard", ["demo-text"])
        told = [line for line in lines_until(example.stdout, LAST) if f"/api/v1/build/{build_id}/" in line]
        listed = events_of(user, build_id)
        missing = user.submit("heard", ["demo-missing"])
        list(lines_until(example.stdout, "build.failed"))
        failed = events_of(user, missing)
    kinds = [event["type"].removeprefix("conda-store.events.").removesuffix(".v1") for event in listed]
    assert (kinds[0], kinds[-1]) == (QUEUED, LAST)
    wanted = [
        (f"evt_{event['id']}", f"{kind}.default.heard")
        for event, kind in zip(listed, kinds, strict=True)
        if kind.startswith(("build.", "artifact."))
    ]
    assert [tuple(line[:2]) for line in told] == wanted
    heard = asyncio.run(taken(events_url, failed[-1]["id"]))
    assert [event for event in heard if event["data"]["build_id"] == build_id] == listed
    assert [event for event in heard if event["data"]["build_id"] == missing] == failed
    assert {problem for event in heard for problem in problems_of_event(event)} == set()


def events_of(user: User, build_id: int) -> list[dict[str, Any]]:
    """What the API lists of a build."""
    answer = user.client.get("/api/v1/event/", params={"build_id": build_id, "order": "asc"})
    events: list[dict[str, Any]] = answer.json()["data"]
    return events


async def listening(url: str) -> None:
    """Keep everything for later."""
    async with await aio_pika.connect(url) as connection:
        queue = await (await connection.channel()).declare_queue("events.all", durable=True)
        await queue.bind(EVENTS_EXCHANGE, "#")


async def taken(url: str, last: str) -> list[dict[str, Any]]:
    """What was kept, up to one event; the queue is gone then."""
    found: list[dict[str, Any]] = []
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        queue = await channel.get_queue("events.all")
        async with asyncio.timeout(20):
            while not found or found[-1]["id"] != last:
                message = await queue.get(timeout=20, no_ack=True, fail=False)
                if message is None:
                    await asyncio.sleep(0.05)  # it tells only when asked
                    continue
                assert message.content_type == "application/cloudevents+json; charset=utf-8"
                found.append(json.loads(message.body))
        await channel.queue_delete("events.all")
        await channel.queue_delete("events.example")
    return found
