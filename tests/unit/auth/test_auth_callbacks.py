"""Whatever comes to the addresses of a login at a provider."""

import functools
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conda_store_auth.adapters.oauth_provider import Endpoints, OAuthClient, OAuthProvider
from conda_store_auth.routes.oauth import ProviderLogin

pytestmark = pytest.mark.slow

PROVIDER = "https://id.invalid"
NAMES = st.sampled_from(["code", "state", "error", "error_description", "iss", "next", "signed_out", "x"])
QUERIES = st.dictionaries(NAMES, st.text(max_size=60), max_size=6)
# What HTTP lets through in a header at all.
COOKIES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=80)


@functools.cache
def provider_login() -> ProviderLogin:
    """A login at a provider that nobody can reach, made once: it reads every certificate there is."""
    client = OAuthClient(name="Nobody", client_id="store", client_secret="", scope="")
    endpoints = Endpoints(
        authorize_url=f"{PROVIDER}/authorize",
        access_token_url=f"{PROVIDER}/token",
        user_data_url=f"{PROVIDER}/user",
        user_data_key="login",
    )
    return ProviderLogin(OAuthProvider(client, endpoints))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(query=QUERIES, cookie=COOKIES, accept=st.sampled_from(["*/*", "text/html"]))
async def test_callback_nobody_began_is_no_login_whatever_it_says(
    auth: Any, query: dict[str, str], cookie: str, accept: str
) -> None:
    headers = {"Cookie": cookie, "Accept": accept}
    async with auth.client(login=provider_login()) as browser:
        answer = await browser.get("/oauth_callback/", params=query, headers=headers)
    assert answer.status_code == 401
    assert "OAuth states do not match" in answer.text
    assert "conda-store-auth" not in str(answer.headers.get_list("set-cookie"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(wanted=st.text(max_size=60), cookie=COOKIES)
async def test_browser_is_sent_to_the_provider_and_nowhere_else(auth: Any, wanted: str, cookie: str) -> None:
    async with auth.client(login=provider_login()) as browser:
        answer = await browser.get("/login/", params={"next": wanted}, headers={"Cookie": cookie})
    parts = urlsplit(answer.headers["Location"])
    assert (answer.status_code, f"{parts.scheme}://{parts.netloc}{parts.path}") == (307, f"{PROVIDER}/authorize")
    asked = parse_qs(parts.query)
    assert asked["redirect_uri"] == ["http://conda-store.example/oauth_callback/"]
    assert asked.keys() == {
        "response_type", "client_id", "redirect_uri", "state", "code_challenge", "code_challenge_method",
    }  # fmt: skip
    assert [line.partition("=")[0][:8] for line in answer.headers.get_list("set-cookie")] == ["session-"]
