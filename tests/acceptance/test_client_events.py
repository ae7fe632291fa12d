"""What the command `conda-store` is told by the running suite as it happens."""

import json
import re
import socket
from pathlib import Path
from subprocess import Popen

import httpx
import pytest

from conda_store_client.watching import name_of
from conda_store_shared.testing.demo_channel.server import ChannelServer
from conda_store_shared.testing.servers.conda_store import DistributedSuite
from conda_store_shared.testing.servers.process import wait_until
from tests.acceptance.command_line import CommandLine
from tests.unit.client.answering_server import Answer, AnsweringServer


@pytest.mark.timeout(120)
def test_client_is_told_everything_once_though_the_services_that_tell_crash(
    distributed_suite: DistributedSuite, demo_channel_server: ChannelServer, tmp_path: Path
) -> None:
    command = CommandLine(distributed_suite.url, demo_channel_server.url, tmp_path)
    processes = distributed_suite.processes
    # So that the build is not over before they crash.
    processes["builder"].stop()
    build = command("create", command.specification(["demo-text"], "told"), "--no-wait").stdout.strip()
    types = ["build.queued", "build.started", "build.solved", "build.completed", "build.artifacts_completed"]
    watch = ["watch", "carol/told", "--json", "--cursor", "0", "-n", "5", *(f"--type={each}" for each in types)]
    with (
        command.running("logs", build, "--follow") as logs,
        command.running(*watch) as watching,
        command.running("wait", build, "--artifact", "archive", "--interval", "600") as waiting,
    ):
        log = logs.stdout.readline() if logs.stdout else ""
        # Who has not begun to follow is told at once that the server is away.
        assert wait_until(lambda: "conda_store_open_streams 2.0" in _figures(processes["api"].url), 30)
        for name in ("artifacts", "api"):
            processes[name].crash()
        for name in ("artifacts", "api", "builder"):
            processes[name].start()
        rest, remarks = _read(logs)
        log += rest
        events, _ = _read(watching)
        assert _read(waiting) == ("", "")
    # Artifacts are made side by side: as they write, or one after the other.
    assert sorted(log.splitlines()) == sorted(command("logs", build).stdout.splitlines())
    assert re.search(r"(not available|cannot reach).*; trying again$", remarks, re.MULTILINE)
    assert [name_of(json.loads(line)["type"]) for line in events.splitlines()] == types


def _figures(url: str) -> str:
    return httpx.get(f"{url}/metrics", timeout=10).text


def _read(process: Popen[str]) -> tuple[str, str]:
    """What else a command prints, once it has ended well."""
    assert process.stdout
    assert process.stderr
    told = process.stdout.read(), process.stderr.read()
    assert process.wait(timeout=30) == 0, told
    assert "Traceback" not in told[1]
    return told


def test_client_that_follows_ends_quietly_by_ctrl_c(command: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        # A channel that takes the question and never answers.
        command.channel = f"http://127.0.0.1:{silent.getsockname()[1]}/silent"
        build = command.create("python")
        command("login", variables={"CONDA_STORE_USERNAME": "carol", "CONDA_STORE_PASSWORD": "password"})
        with command.on_terminal("logs", build, "--follow", status=130) as terminal:
            terminal.wait_for("solving")
            terminal.type("\x03")
        assert terminal.shown.rstrip().endswith("^C")
        command("cancel", build)


def test_client_tells_what_became_of_what_a_webhook_was_sent(command: CommandLine) -> None:
    with AnsweringServer() as receiver:
        receiver.routes["/hook"] = Answer(500)
        made = command("webhook", "add", f"{receiver.url}/hook", "--namespace", "carol", "--json").stdout
        number = str(json.loads(made)["id"])
        assert "was not taken: status 500" in command("webhook", "test", number, status=1).stderr
    assert re.search(r"│ ping .* status 500", command("webhook", "deliveries", number).stdout)
    command("webhook", "change", number, "--state", "paused", "--description", "nightly tests")
    shown = command("webhook", "show", number).stdout
    assert "state: paused\n" in shown
    assert "description: nightly tests\n" in shown
    command("webhook", "remove", number)
    assert command("webhook", "show", number, status=1).stderr.startswith(f"Error getting webhook {number}\n")
