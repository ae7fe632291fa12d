"""What is logged holds no credentials."""

import json
import subprocess
import sys
import time

import pytest

from conda_store_shared.redaction import redact


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("https://ann:pw@a.org/x", "https://***@a.org/x"),
        ("amqp://user:p%40ss@host:5672/", "amqp://***@host:5672/"),
        ("https://:token@a.org", "https://***@a.org"),
        ("see https://a.org/t/tk-1-2/main and /t/tk-3/x", "see https://a.org/t/***/main and /t/***/x"),
        ("Authorization: Bearer abc.def-1", "Authorization: Bearer ***"),
        ("authorization: basic QWxhZGRpbg==", "authorization: basic ***"),
        ("?X-Amz-Signature=abc&x-amz-credential=AKIA/1&b=2", "?X-Amz-Signature=***&x-amz-credential=***&b=2"),
        ("signed with whsec_MfKQ9r8G/K+sT=, twice", "signed with whsec_***, twice"),
        ("nothing to hide: a@b.org, 12:30, http://a.org/x:y", "nothing to hide: a@b.org, 12:30, http://a.org/x:y"),
        ("https://token@a.org/x, git+ssh://git@a.org/x", "https://***@a.org/x, git+ssh://git@a.org/x"),
        ("https://ann:p/w#1@a.org/x", "https://***@a.org/x"),
        ("https://a.org:8080/x@1 and https://a.org/x@1", "https://a.org:8080/x@1 and https://a.org/x@1"),
        ("", ""),
    ],
)
def test_credentials_are_masked_and_nothing_else(text: str, redacted: str) -> None:
    assert redact(text) == redacted
    assert redact(redacted) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "x" * 200_000, "https://" + "a:" * 100_000, "Bearer " * 30_000, "/t/" * 60_000, "h://a:" * 40_000 + " @",
        "h://a:b" * 30_000 + " @",
    ],
)  # fmt: skip
def test_hostile_text_takes_no_longer_than_its_length_asks(text: str) -> None:
    began = time.perf_counter()
    redact(text)
    assert time.perf_counter() - began < 3


# A process that logs credentials in whatever a value may be.
PROGRAM = """
import logging
import structlog
from conda_store_shared.logs import configure_logging

configure_logging("test", logging.DEBUG)
address = "https://ann:hunter2@a.org/t/hunter2/x"
log = structlog.get_logger()
log.info("said", text=address, many=[address, {"deep": (address,)}], error=ValueError(address), number=7, nothing=None)
logging.getLogger("foreign").warning("said %s", address, extra={"places": [address]})
try:
    raise ValueError(address)
except ValueError:
    log.exception("failed")
    logging.getLogger("foreign").exception("failed")
"""


@pytest.mark.slow
def test_credentials_are_masked_at_any_depth_of_what_is_logged() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True, timeout=60)
    told = done.stderr
    lines = [json.loads(line) for line in told.splitlines()]
    assert len(lines) == 4
    assert "hunter2" not in told
    masked = "https://***@a.org/t/***/x"
    assert lines[0]["many"] == [masked, {"deep": [masked]}]
    assert (lines[0]["error"], lines[0]["number"], lines[0]["nothing"]) == (masked, 7, None)
    assert lines[1]["places"] == [masked]
