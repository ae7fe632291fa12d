"""Where the packages come from: the demo channel, made and served on this machine, or a channel that exists."""

import re
import sys
import time
from dataclasses import dataclass

from conda_store_standalone.demo.display import Display
from conda_store_standalone.demo.failure import DemoFailed
from conda_store_standalone.demo.places import Places
from conda_store_standalone.demo.processes import ServerProcess, Start, free_port

DEMO_CHANNEL = "demo"
_PORT = 8081
_SECONDS_TO_BUILD = 600.0
_SAID = re.compile(r"^demo channel: (.*)$", re.MULTILINE)
_MODULE = "conda_store_shared.testing.demo_channel"


@dataclass(frozen=True, slots=True)
class ServedChannel:
    """The demo channel at ``url``; ``command`` serves it again."""

    url: str
    command: list[str]
    process: ServerProcess


def serve_demo_channel(places: Places, start: Start) -> ServedChannel:
    """Begin to make the demo channel, if need be, and to serve it."""
    port = free_port(_PORT)
    command = [sys.executable, "-m", _MODULE, "serve", "--port", str(port)]
    process = start("the demo channel", command, places.channel_log)
    return ServedChannel(f"http://127.0.0.1:{port}/demo-channel", command, process)


def wait_for_channel(channel: ServedChannel, display: Display) -> None:
    """Show how the channel is made, until it is served."""
    give_up_at = time.monotonic() + _SECONDS_TO_BUILD
    shown = 0
    while time.monotonic() < give_up_at:
        text = channel.process.log.read_text()
        whole = text[: text.rfind("\n") + 1]
        for line in _SAID.findall(whole[shown:]):
            display.say(line)
        shown = len(whole)
        if "serving " in whole:
            return
        channel.process.check()
        time.sleep(0.05)
    raise DemoFailed(f"the demo channel is not ready after {_SECONDS_TO_BUILD:.0f} s, see {channel.process.log}")
