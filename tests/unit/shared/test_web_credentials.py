"""What a request shows, and who made it send that."""

import base64

import pytest
from starlette.requests import HTTPConnection

from conda_store_shared.web.credentials import Credential, OwnPages, credentials_of

OWN = "https://conda-store.example"


def sent(method: str = "POST", host: str = "conda-store.example", **headers: str) -> HTTPConnection:
    """A request; ``_`` in the name of a header stands for ``-``."""
    named = {"host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
    raw = [(name.encode(), value.encode("utf-8")) for name, value in named.items()]
    return HTTPConnection({"type": "http", "method": method, "headers": raw})


def basic(text: bytes) -> str:
    return "Basic " + base64.b64encode(text).decode()


def shown(**headers: str) -> list[Credential]:
    return list(credentials_of(sent(**headers), "token"))


def test_cookie_is_shown_before_the_header() -> None:
    assert shown(cookie="other=1; token=a", authorization="Bearer b") == [
        Credential(text="a", in_cookie=True),
        Credential(text="b", in_cookie=False),
    ]


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer a.b.c", "a.b.c"),
        ("  bEARER   a.b.c  ", "a.b.c"),
        ("Bearer a b", "a b"),
        ("Bearer Bearer a", "Bearer a"),
        (basic(b"alice:a.b.c"), "a.b.c"),
        (basic(b":a.b.c"), "a.b.c"),
        (basic(b"alice:a:b"), "a:b"),
        (basic("alice:tökén".encode()), "tökén"),
    ],
)
def test_header_shows_a_token_in_both_schemes(header: str, token: str) -> None:
    assert shown(authorization=header) == [Credential(text=token, in_cookie=False)]


@pytest.mark.parametrize(
    "header",
    [
        "",
        " ",
        "Bearer",
        "Bearer ",
        "Bearer\ta",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic YQ",
        "Basic " + "A" * 1_000_001,
        "Bearer " + "A" * 1_000_000,
        basic(b"alice"),
        basic(b"alice:"),
        basic(b"\xff\xfe:\xff"),
        basic(b"alice:a").replace("=", "=\n"),
        "Basic é",
        "Digest username=alice",
        "Negotiate YQ==",
        "a.b.c",
        ":",
        "\x00",
    ],
)
def test_odd_header_shows_nothing(header: str) -> None:
    assert shown(authorization=header) == []


@pytest.mark.parametrize(
    "cookie", ["", "token", "token=", "=token", "token2=a", ";;;", "token =", "Token=a", "\x00=\x00"]
)
def test_odd_cookie_shows_nothing(cookie: str) -> None:
    assert shown(cookie=cookie) == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_any_page_may_make_a_browser_read(method: str) -> None:
    assert OwnPages().sent(sent(method, origin="https://evil.example", sec_fetch_site="cross-site"))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "CONNECT", "BREW", "get"])
@pytest.mark.parametrize(
    "request_headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "cross-site", "origin": OWN},
        {"sec_fetch_site": ""},
        {"sec_fetch_site": "same-origin, cross-site"},
        {"origin": "https://evil.example"},
        {"origin": "https://sub.conda-store.example"},
        {"origin": "https://example"},
        {"origin": "https://conda-store.example.evil.example"},
        {"origin": "https://conda-store.example@evil.example"},
        {"origin": "https://evil.example/conda-store.example"},
        {"origin": "https://conda-store.example:8443"},
        {"origin": "http://conda-store.example:443"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "https://["},
        {"origin": "conda-store.example"},
        {"origin": "file://"},
    ],
    ids=str,
)
def test_page_of_somebody_else_makes_no_browser_write(method: str, request_headers: dict[str, str]) -> None:
    assert not OwnPages().sent(sent(method, **request_headers))


@pytest.mark.parametrize("host", ["", "["])
def test_origin_that_is_no_address_is_not_ours_when_the_host_is_none_either(host: str) -> None:
    assert not OwnPages().sent(sent(host=host, origin="null"))
    assert not OwnPages().sent(sent(host=host, origin="https://["))


@pytest.mark.parametrize(
    ("host", "request_headers"),
    [
        ("conda-store.example", {"sec_fetch_site": "same-origin", "origin": OWN}),
        ("conda-store.example", {"sec_fetch_site": "same-origin"}),
        ("internal:8080", {"sec_fetch_site": "same-origin", "origin": OWN}),
        ("conda-store.example", {"sec_fetch_site": "none"}),
        ("conda-store.example", {"origin": OWN}),
        ("conda-store.example", {"origin": "http://conda-store.example"}),
        ("Conda-Store.Example", {"origin": OWN}),
        ("conda-store.example:443", {"origin": OWN}),
        ("localhost:8080", {"origin": "http://localhost:8080"}),
        ("[::1]:8080", {"origin": "http://[::1]:8080"}),
    ],
    ids=str,
)
def test_own_page_may_write_behind_a_proxy_too(host: str, request_headers: dict[str, str]) -> None:
    assert OwnPages().sent(sent(host=host, **request_headers))


def test_program_that_names_no_origin_may_write() -> None:
    assert OwnPages().sent(sent())


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_page_of_a_configured_origin_may_write(site: str) -> None:
    pages = OwnPages(["https://hub.example"], r"https://[a-z]+\.lab\.example")
    for origin in ("https://hub.example", "https://ui.lab.example"):
        assert pages.sent(sent(origin=origin, sec_fetch_site=site))
    for origin in ("https://hub.example:8443", "http://hub.example", "https://ui.lab.example.evil.example"):
        assert not pages.sent(sent(origin=origin, sec_fetch_site=site))


def test_everybody_may_read_but_not_write_when_the_origin_is_a_star() -> None:
    assert not OwnPages(["*"]).sent(sent(origin="https://evil.example", sec_fetch_site="cross-site"))
