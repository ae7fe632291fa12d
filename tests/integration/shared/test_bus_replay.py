"""Dead messages are put back."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conda_store_shared.bus.port import Subscription
from conda_store_shared.bus.rabbitmq import RabbitBus, RabbitOptions
from conda_store_shared.bus.replay import replay
from conda_store_shared.errors import BusUnavailable, InvalidInput
from conda_store_shared.testing.bus_messages import (
    DEAD_SOLVE_QUEUE,
    SOLVE_QUEUE,
    Recorder,
    an_undecodable_message,
    depth_becomes,
    running,
)
from conda_store_shared.testing.servers.process import free_port

COMMAND = Path(sys.executable).with_name("conda-store-api")


@pytest.fixture
def options(amqp_url: str) -> RabbitOptions:
    return RabbitOptions(url=amqp_url, service="test")


async def kill_messages(options: RabbitOptions, count: int, *, waiting: int = 0) -> None:
    """Send messages that nobody can read; they end in the dead queue, with those that are ``waiting``."""
    bus = RabbitBus(options)
    bus.subscribe(Subscription(queue=SOLVE_QUEUE, handler=Recorder()))
    async with running(bus):
        for _ in range(count):
            await bus.publish(an_undecodable_message())
        await depth_becomes(bus, DEAD_SOLVE_QUEUE, count + waiting)


async def depths(options: RabbitOptions) -> tuple[int, int]:
    """Messages waiting in the queue, and in its dead queue, with nobody at work."""
    bus = RabbitBus(options)
    async with running(bus):
        return await bus.depth(SOLVE_QUEUE), await bus.depth(DEAD_SOLVE_QUEUE)


async def test_dead_messages_wait_in_their_queue_again_once_replayed(options: RabbitOptions) -> None:
    await kill_messages(options, 3)
    assert await replay(options, SOLVE_QUEUE) == 3
    assert await depths(options) == (3, 0)


async def test_message_that_dies_again_is_kept_again(options: RabbitOptions) -> None:
    await kill_messages(options, 2)
    await replay(options, SOLVE_QUEUE)
    await kill_messages(options, 0, waiting=2)


async def test_replay_says_so_when_nothing_is_dead_or_nothing_is_known(options: RabbitOptions) -> None:
    with pytest.raises(InvalidInput, match="no service has started yet"):
        await replay(options, SOLVE_QUEUE)
    await kill_messages(options, 0)
    assert await depths(options) == (0, 0)
    assert await replay(options, SOLVE_QUEUE) == 0
    with pytest.raises(InvalidInput, match="there is no queue 'nonsense'; the queues are api"):
        await replay(options, "nonsense")


async def test_replay_does_not_wait_for_a_broker_that_is_away() -> None:
    away = RabbitOptions(url=f"amqp://127.0.0.1:{free_port()}/", service="test", connect_timeout=2)
    with pytest.raises(BusUnavailable):
        await replay(away, SOLVE_QUEUE)


async def test_command_tells_how_many_messages_it_put_back(options: RabbitOptions) -> None:
    await kill_messages(options, 1)

    def call(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [COMMAND, "replay", *arguments], capture_output=True, text=True, timeout=60, check=False, env=os.environ
        )

    done = call(SOLVE_QUEUE, f"--Bus.url={options.url}")
    assert (done.returncode, done.stdout) == (0, f"1 messages put back into {SOLVE_QUEUE}\n")
    wrong = call("nonsense", f"--Bus.url={options.url}")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert wrong.stderr.startswith("ERROR: there is no queue 'nonsense'")
