"""The pytest plugin that hands the demo channel to tests, on disk and over HTTP."""

from collections.abc import Iterator

import pytest

from conda_store_shared.testing.demo_channel.channel import DemoChannel, build_demo_channel
from conda_store_shared.testing.demo_channel.server import ChannelServer


@pytest.fixture(scope="session")
def demo_channel() -> DemoChannel:
    """The full channel of the running interpreter, from the user's cache directory."""
    return build_demo_channel()


@pytest.fixture(scope="session")
def demo_channel_server(demo_channel: DemoChannel) -> Iterator[ChannelServer]:
    """The full channel on 127.0.0.1, for as long as the tests run."""
    with ChannelServer(demo_channel.path) as server:
        yield server
