"""Causes told from rattler's words."""

import pytest

from conda_store_shared.conda.channel_client import ChannelAccess
from conda_store_shared.conda.install_failure import explain

FETCH = "failed to fetch numpy-2.4.6-0.conda\nCaused by: failed to interact with the package cache layer.\nCaused by: "
ACCESS = ChannelAccess({"team": {"address": "https://conda.example/main", "bearer": "hidden"}})
URL = "https://someone:hidden@conda.example/t/tk-hidden/main/linux-64/numpy-2.4.6-0.conda"


@pytest.mark.parametrize(
    ("words", "cause", "transient"),
    [
        ("failed to unpack `lib/x.so`: No space left on device (os error 28)", "disk_full", True),
        ("write error: Disk quota exceeded (os error 122)", "disk_full", True),
        (f"hash mismatch when extracting {URL} to /tmp/x: expected 00, got 11", "hash_mismatch", False),
        (f"HTTP status client error (401 Unauthorized) for url ({URL})", "channel_forbidden", False),
        (f"HTTP status client error (403 Forbidden) for url ({URL})", "channel_forbidden", False),
        (f"HTTP status client error (404 Not Found) for url ({URL})", "channel_not_found", False),
        (f"HTTP status client error (410 Gone) for url ({URL})", "channel_not_found", False),
        (f"HTTP status client error (429 Too Many Requests) for url ({URL})", "channel_unreachable", True),
        (f"HTTP status client error (418 I'm a teapot) for url ({URL})", "channel_unreachable", False),
        (f"HTTP status server error (502 Bad Gateway) for url ({URL})", "channel_unreachable", True),
        (f"error sending request for url ({URL})\nCaused by: tcp connect error", "channel_unreachable", True),
        ("error reading a body from connection\nCaused by: end of file before message length reached",
         "channel_unreachable", True),
        ("No such file or directory (os error 2)", "channel_not_found", False),
        ("failed to unpack `h`: No such file or directory (os error 2)", "invalid_package", False),
        ("an io error occurred: decompression not finished but EOF reached", "invalid_package", False),
        ("invalid zip archive: invalid Zip archive: Invalid local file header", "invalid_package", False),
        ("an io error occurred: Permission denied (os error 13)", "internal_error", False),
        ("something nobody has seen", "internal_error", False),
    ],
)  # fmt: skip
def test_explain_tells_cause_and_whether_to_try_again(words: str, cause: str, transient: bool) -> None:
    failure = explain(RuntimeError(FETCH + words), ACCESS)
    assert (failure.cause, failure.transient) == (cause, transient)
    assert "hidden" not in failure.detail
    assert "numpy-2.4.6-0.conda" in failure.detail


@pytest.mark.parametrize(
    ("channel", "words"), [("main", "it was shown the credential 'team'"), ("other", "it was shown no credential")]
)
def test_explain_tells_which_credential_was_refused(channel: str, words: str) -> None:
    url = f"https://conda.example/{channel}/linux-64/numpy-2.4.6-0.conda"
    failure = explain(RuntimeError(f"{FETCH}HTTP status client error (403 Forbidden) for url ({url})"), ACCESS)
    assert f"refuses access to {url} (HTTP 403): {words}" in failure.detail
