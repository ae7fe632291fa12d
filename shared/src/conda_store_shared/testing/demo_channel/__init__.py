"""A conda channel of real software, made from this machine's own interpreter and from PyPI wheels."""

from conda_store_shared.testing.demo_channel.channel import DemoChannel, build_demo_channel, default_directory
from conda_store_shared.testing.demo_channel.interpreter import DemoChannelFailed

__all__ = ["DemoChannel", "DemoChannelFailed", "build_demo_channel", "default_directory"]
