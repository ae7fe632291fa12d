"""The page about webhooks, followed as it stands, in a running suite."""

import json
import os
import re
import shlex
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest

from conda_store_shared.testing.servers.process import wait_until
from tests.acceptance.command_line import CommandLine
from tests.acceptance.user import User
from tests.integration.api.webhook_guide import PAGE, GuideServer, blocks

ADDRESS = "https://ci.example.org/hooks/conda-store"
# As they stand on the page; there is a program among them, which checks a message.
MAKE, PING, _VERIFY, ROTATE = blocks("bash")


def run(text: str, environment: Mapping[str, str]) -> Any:
    """Run lines of the page; what the last command of them is answered."""
    variables = {**os.environ, **environment}
    done = subprocess.run(
        ["bash", "-ec", text], env=variables, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout[done.stdout.rindex('{"status"') :])["data"]


@pytest.mark.timeout(120)
def test_receiver_of_the_page_is_told_of_a_build_by_a_webhook_that_is_made_tried_and_given_a_new_secret(
    user: User,
) -> None:
    token = user.client.post("/api/v1/token/").json()["data"]["token"]
    environment = {"CONDA_STORE_URL": user.suite.url, "CONDA_STORE_TOKEN": token}
    user.client.post("/api/v1/namespace/team/")
    receiver = GuideServer("receiver.py")
    webhook = run(MAKE.replace(ADDRESS, receiver.url), environment)
    environment["WEBHOOK"], receiver.secret = str(webhook["id"]), webhook["secret"]
    with receiver:
        run(PING, environment)
        last_command = PING.splitlines()[-1]
        assert wait_until(lambda: run(last_command, environment)[0]["state"] == "delivered", timeout=20)
        # The receiver has the old secret still.
        assert run(ROTATE, environment)["secret"].startswith("whsec_")
        answer = user.post(user.specification("hooked", ["demo-text"]), namespace="team")
        user.wait(answer.json()["data"]["build_id"], "COMPLETED")
        told = "conda-store.events.build.completed.v1 team/hooked"
        assert wait_until(lambda: told in receiver.log.read_text(), timeout=20)
        said = receiver.log.read_text()
    assert "conda-store.events.webhook.ping.v1 None" in said
    assert "build.queued" not in said
    user.client.delete(f"/api/v1/webhook/{webhook['id']}/").raise_for_status()


@pytest.mark.usefixtures("small")
def test_commands_of_the_page_make_try_and_end_a_webhook(command: CommandLine) -> None:
    (add,) = re.findall(r"^    conda-store (webhook add .*)$", PAGE.read_text(), re.MULTILINE)
    add = add.replace("--namespace team", "--namespace carol")
    receiver = GuideServer("receiver.py")
    receiver.secret = command(*shlex.split(add.replace(ADDRESS, receiver.url))).stdout.strip()
    (webhook,) = json.loads(command("webhook", "list", "--output", "json").stdout)
    assert (webhook["url"], webhook["namespace"]) == (receiver.url, "carol")
    webhook_id = str(webhook["id"])
    with receiver:
        command("webhook", "test", webhook_id)
        command("webhook", "rotate", webhook_id)
        # The build was there before the webhook.
        command("webhook", "replay", webhook_id, "--since", "1h")
        told = "conda-store.events.build.completed.v1 carol/small"
        assert wait_until(lambda: told in receiver.log.read_text(), timeout=20)
        said = receiver.log.read_text()
    assert "conda-store.events.webhook.ping.v1" in said
    command("webhook", "remove", webhook_id)
    assert json.loads(command("webhook", "list", "--output", "json").stdout) == []
