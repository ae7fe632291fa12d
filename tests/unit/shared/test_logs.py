"""What is logged holds no credentials."""

import time

import pytest

from conda_store_shared.logs import redact


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
        ("nothing to hide: a@b.org, 12:30, http://a.org/x:y", "nothing to hide: a@b.org, 12:30, http://a.org/x:y"),
        ("", ""),
    ],
)
def test_credentials_are_masked_and_nothing_else(text: str, redacted: str) -> None:
    assert redact(text) == redacted
    assert redact(redacted) == redacted


@pytest.mark.parametrize("text", ["x" * 200_000, "https://" + "a:" * 100_000, "Bearer " * 30_000, "/t/" * 60_000])
def test_hostile_text_takes_no_longer_than_its_length_asks(text: str) -> None:
    began = time.perf_counter()
    redact(text)
    assert time.perf_counter() - began < 3
