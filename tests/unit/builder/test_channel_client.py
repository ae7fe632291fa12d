"""Each channel sees the credential that is for it."""

import pytest

from conda_store_shared.conda.channel_client import header_finder

FIND = header_finder(
    {
        "https://conda.example": "whole host",
        "https://conda.example/team/": "team",
        "https://other.example/main": "other",
    }
)


@pytest.mark.parametrize(
    ("host", "path", "value"),
    [
        ("conda.example", "/team/linux-64/x-1-0.conda", "team"),
        ("conda.example", "/team", "team"),
        ("conda.example", "/teams/linux-64/x-1-0.conda", "whole host"),
        ("other.example", "/main/noarch/x-1-0.conda", "other"),
        ("other.example", "/mainly/x-1-0.conda", None),
        ("evil.example", "/team/x-1-0.conda", None),
        ("conda.example.evil", "/team/x-1-0.conda", None),
    ],
)
def test_finder_gives_the_credential_of_the_nearest_channel(host: str, path: str, value: str | None) -> None:
    assert FIND(host, path) == ({"Authorization": value} if value else None)
