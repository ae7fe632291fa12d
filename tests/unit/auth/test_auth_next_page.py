"""Where a browser may be sent."""

import pytest

from conda_store_auth.domain.next_page import is_own_page

ORIGIN = "https://conda-store.example"


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/admin/",
        "/ui/environments?tab=1#top",
        "admin/",
        "?page=2",
        "#top",
        "https://conda-store.example",
        "https://conda-store.example/ui/",
        "HTTPS://Conda-Store.Example/ui/",
        "/redirect?to=https://evil.example",
        "/a:b",
    ],
)
def test_page_of_this_server_is_its_own(address: str) -> None:
    assert is_own_page(address, ORIGIN)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "//evil.example",
        "///evil.example",
        "https://evil.example/",
        "http://conda-store.example/",
        "https://conda-store.example:8443/",
        "https://conda-store.example.evil.example/",
        "https://conda-store.example@evil.example/",
        "https:evil.example",
        "https:///evil.example",
        "https:/evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "\\\\evil.example",
        "/\\evil.example",
        "/\tevil.example",
        "/\n/evil.example",
        " //evil.example",
        "\x00/",
        "/a\r\nSet-Cookie: a=b",
        "https://[/",
        "/" + "a" * 2000,
    ],
)
def test_page_of_anybody_else_is_not(address: str) -> None:
    assert not is_own_page(address, ORIGIN)
