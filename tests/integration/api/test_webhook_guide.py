"""The receivers on the page about webhooks take what we sign, and nothing else, in every language at hand."""

import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from conda_store_api.domain.cloud_event import cloud_event
from conda_store_api.domain.webhook import secret_of
from conda_store_api.domain.webhook_body import webhook_body
from conda_store_api.domain.webhook_signature import signed_headers
from conda_store_shared.db.models import PublicEvent
from conda_store_shared.domain.public_event import PublicEventType
from conda_store_shared.testing.servers.webhook_receiver import WebhookReceiver, says
from tests.integration.api.webhook_guide import RUNTIMES, GuideServer, programs, write_programs
from tests.unit.api.ledger_builders import NOON

SECRET, OTHER = secret_of(b"s" * 32), secret_of(b"o" * 32)
SERVERS = [name for name in ("receiver.py", "receiver.js") if RUNTIMES[Path(name).suffix] is not None]


def an_event(kind: PublicEventType = PublicEventType.BUILD_COMPLETED) -> bytes:
    """The body of a webhook."""
    row = PublicEvent(
        id=17, type=kind, time=NOON, namespace="team", environment="weather", build_id=7, actor="ann", data={"size": 1}
    )
    return webhook_body(cloud_event(row, ""))


def signed(*secrets: str, body: bytes = b"", age: float = 0, name: str = "evt_17") -> Mapping[str, str]:
    """Headers as they are sent."""
    return signed_headers(secrets or (SECRET,), name, int(time.time() - age), body or an_event())


def cases() -> Mapping[str, tuple[Mapping[str, str], bytes, bool]]:
    """Messages, and whether they are genuine."""
    body = an_event()
    return {
        "as it is sent": (signed(), body, True),
        "while the secret is replaced": (signed(OTHER, SECRET, name="evt_18"), body, True),
        "changed on its way": (signed(), body.replace(b"weather", b"climate"), False),
        "of another secret": (signed(OTHER), body, False),
        "with the id of another": ({**signed(), "webhook-id": "evt_99"}, body, False),
        "of ten minutes ago": (signed(age=600), body, False),
        "of tomorrow": (signed(age=-86400), body, False),
        "with a command for a time": ({**signed(), "webhook-timestamp": "a[$(touch done)]"}, body, False),
        "without headers": ({}, body, False),
        "with a signature that is none": ({**signed(), "webhook-signature": "v1 v1,"}, body, False),
    }


def test_page_has_a_receiver_in_each_language_and_python_and_openssl_are_at_hand(tmp_path: Path) -> None:
    assert set(programs()) == {"receiver.py", "receiver.js", "verify.sh", "ci.py"}
    assert "receiver.py" in SERVERS
    assert subprocess.run(["openssl", "version"], check=True, capture_output=True).returncode == 0


@pytest.mark.parametrize("program", SERVERS)
def test_receiver_takes_what_is_genuine_and_nothing_else(program: str) -> None:
    with GuideServer(program, SECRET) as server:
        for case, (headers, body, genuine) in cases().items():
            answer = httpx.post(server.url, headers=headers, content=body)
            assert (answer.status_code == 204) == genuine, case
        said = server.log.read_text()
    assert said.count("conda-store.events.build.completed.v1 team/weather") == 2


def test_receiver_in_python_takes_each_message_once() -> None:
    with GuideServer("receiver.py", SECRET) as server:
        answers = [httpx.post(server.url, headers=signed(), content=an_event()) for _ in range(3)]
        said = server.log.read_text()
    assert [answer.status_code for answer in answers] == [204] * 3
    assert said.count("conda-store.events.") == 1


def test_shell_tells_what_is_genuine(tmp_path: Path) -> None:
    write_programs(tmp_path)
    for case, (headers, body, genuine) in cases().items():
        names = ("webhook-id", "webhook-timestamp", "webhook-signature")
        variables = {name.upper().replace("-", "_"): headers.get(name, "") for name in names}
        done = subprocess.run(
            ["bash", tmp_path / "verify.sh"],
            input=body,
            env={"PATH": "/usr/bin:/bin", "WEBHOOK_SECRET": SECRET, **variables},
            cwd=tmp_path,
            capture_output=True,
            check=False,
        )
        assert (done.returncode == 0, done.stdout == b"genuine\n") == (genuine, genuine), (case, done.stderr)
    assert {path.name for path in tmp_path.iterdir()} == set(programs())


@pytest.fixture
def ci() -> Iterator[WebhookReceiver]:
    """What takes the requests that GitHub and GitLab take."""
    with WebhookReceiver() as receiver:
        yield receiver


def test_job_is_started_when_a_build_is_completed_and_again_when_the_ci_was_away(ci: WebhookReceiver) -> None:
    environment = {
        "GITHUB_API_URL": ci.url,
        "GITHUB_REPOSITORY": "team/weather",
        "GITHUB_TOKEN": "ghp_1",
        "CI_API_V4_URL": f"{ci.url}/api/v4",
        "GITLAB_PROJECT": "42",
        "GITLAB_TOKEN": "glptt_2",
    }
    with GuideServer("ci.py", SECRET, **environment) as server:
        failed, completed = an_event(PublicEventType.BUILD_FAILED), an_event()
        answers = [httpx.post(server.url, headers=signed(body=failed, name="evt_16"), content=failed)]
        assert ci.received == []
        for reply in (502, 204):
            ci.reply = says(reply)
            answers.append(httpx.post(server.url, headers=signed(), content=completed))
    assert [answer.status_code for answer in answers] == [204, 503, 204]
    refused, dispatch, trigger = ci.received
    assert refused.body == dispatch.body
    assert (dispatch.path, dispatch.headers["authorization"]) == ("/repos/team/weather/dispatches", "Bearer ghp_1")
    payload: dict[str, Any] = json.loads(dispatch.body)
    assert payload == {
        "event_type": "environment-built",
        "client_payload": {"environment": "team/weather", "build": 7},
    }
    assert trigger.path == "/api/v4/projects/42/trigger/pipeline"
    assert parse_qs(trigger.body.decode()) == {
        "token": ["glptt_2"],
        "ref": ["main"],
        "variables[ENVIRONMENT]": ["team/weather"],
        "variables[BUILD]": ["7"],
    }
