"""Logging in and out as people do it, in Chromium, at identity providers of others."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, expect

from conda_store_shared.testing.servers import jupyterhub
from conda_store_shared.testing.servers.oidc import OidcServer
from tests.acceptance.command_line import CommandLine
from tests.browser.conftest import Site, permissions


async def shown(page: Page, site: Site) -> dict[str, Any]:
    """Who the page that comes next says somebody is."""
    await page.wait_for_url(site.url.removesuffix(site.path) + site.next_page)
    data: dict[str, Any] = json.loads(await page.inner_text("body"))["data"]
    return data


async def log_out(page: Page, site: Site) -> None:
    """Log out by the button for it."""
    await page.goto(f"{site.url}/login/?signed_out=1")
    await page.get_by_role("button", name="Log out").click()
    await expect(page.get_by_role("status")).to_have_text("You are logged out.")
    assert (await permissions(page, site))["authenticated"] is False


async def name_at_oidc(page: Page, name: str = "alice") -> None:
    """Name on the page of oidc-provider."""
    await page.get_by_placeholder("Enter any login").fill(name)
    await page.get_by_placeholder("and password").fill("anything")
    await page.get_by_role("button", name="Sign-in").click()
    await expect(page.get_by_role("button", name="Continue")).to_be_visible()


async def log_in_at_oidc(page: Page, name: str = "alice") -> None:
    """Name and consent on the pages of oidc-provider."""
    await name_at_oidc(page, name)
    await page.get_by_role("button", name="Continue").click()


async def log_in_at_jupyterhub(page: Page, name: str = "alice") -> None:
    """Name, password and consent on the pages of JupyterHub."""
    await page.get_by_label("Username:").fill(name)
    await page.get_by_label("Password:").fill(jupyterhub.PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("button", name="Authorize").click()


async def test_person_logs_in_at_an_oidc_provider_and_out(page: Page, oidc_site: Site) -> None:
    await page.goto(oidc_site.login_url)
    await log_in_at_oidc(page)
    known = await shown(page, oidc_site)
    assert (known["authenticated"], known["primary_namespace"]) == (True, "alice")
    assert known["entity_roles"]["alice/*"] == ["admin"]
    assert known["entity_roles"]["shared/*"] == ["developer"]
    assert "*/*" not in known["entity_roles"]
    await log_out(page, oidc_site)


async def test_person_logs_in_through_the_gateway_and_out(page: Page, distributed_site: Site) -> None:
    await page.goto(distributed_site.login_url)
    await log_in_at_oidc(page)
    known = await shown(page, distributed_site)
    assert (known["primary_namespace"], known["entity_roles"]["shared/*"]) == ("alice", ["developer"])
    await log_out(page, distributed_site)


async def test_person_logs_in_at_jupyterhub_below_a_prefix_and_out(page: Page, jupyterhub_site: Site) -> None:
    await page.goto(jupyterhub_site.login_url)
    await log_in_at_jupyterhub(page)
    known = await shown(page, jupyterhub_site)
    assert (known["authenticated"], known["primary_namespace"]) == (True, "alice")
    assert known["entity_roles"]["alice/*"] == ["admin"]
    assert known["entity_roles"]["shared/*"] == ["developer"]
    await log_out(page, jupyterhub_site)


async def test_person_logs_in_at_the_stub_of_github_and_out(page: Page, github_site: Site) -> None:
    await page.goto(github_site.login_url)
    await page.get_by_label("Username").fill("octocat")
    await page.get_by_role("button", name="Authorize").click()
    known = await shown(page, github_site)
    assert (known["authenticated"], known["primary_namespace"]) == (True, "octocat")
    await log_out(page, github_site)


async def test_person_logs_the_command_line_in_by_the_browser(page: Page, github_site: Site, tmp_path: Path) -> None:
    command = CommandLine(github_site.url, "", tmp_path)
    with command.on_terminal("login", "--no-browser") as terminal:
        terminal.wait_for("Paste the token here")
        address = re.search(r"http\S+", terminal.shown)
        assert address is not None
        await page.goto(address[0])
        await page.get_by_label("Username").fill("octocat")
        await page.get_by_role("button", name="Authorize").click()
        await page.get_by_role("button", name="Make a token").click()
        await expect(page.get_by_label("Your token")).to_be_focused()
        await expect(page.get_by_role("status")).to_contain_text("Paste it where the command line asks for it.")
        token = await page.get_by_label("Your token").input_value()
        terminal.type(f"{token}\n")
    assert f"logged in to {github_site.url} as octocat until" in terminal.shown
    assert token not in terminal.shown
    assert command("info", variables={}).stdout.startswith("Default namespace is octocat\nAuthenticated True\n")


async def test_person_who_cancels_is_told_so_and_may_try_again(page: Page, github_site: Site) -> None:
    await page.goto(github_site.login_url)
    await page.get_by_label("Username").fill("octocat")
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.get_by_role("heading")).to_have_text("You are not logged in")
    await expect(page.locator("main")).to_contain_text("GitHub says access_denied: The user has denied")
    await page.get_by_role("link", name="Try again").click()
    await page.get_by_label("Username").fill("octocat")
    await page.get_by_role("button", name="Authorize").click()
    assert (await shown(page, github_site))["primary_namespace"] == "octocat"


async def test_page_of_a_finished_login_cannot_be_used_again(page: Page, github_site: Site) -> None:
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    await page.goto(github_site.login_url)
    await page.get_by_label("Username").fill("octocat")
    await page.get_by_role("button", name="Authorize").click()
    await shown(page, github_site)
    [callback] = [url for url in seen if "/oauth_callback/" in url]
    answer = await page.goto(callback)
    assert answer is not None
    assert answer.status == 401
    await expect(page.get_by_role("alert")).to_contain_text("begun in another browser")


async def test_link_of_somebody_elses_login_logs_nobody_in(page: Page, github_site: Site) -> None:
    """Login CSRF: the attacker begins, and the victim is to end it."""
    async with httpx.AsyncClient() as attacker:
        begun = await attacker.get(github_site.login_url)
        agreed = await attacker.post(begun.headers["Location"], data={"login": "mallory", "authorize": "1"})
    answer = await page.goto(agreed.headers["Location"])
    assert answer is not None
    assert answer.status == 401
    assert (await permissions(page, github_site))["authenticated"] is False


async def test_tabs_log_in_side_by_side(page: Page, github_site: Site) -> None:
    other = await page.context.new_page()
    for tab in (page, other):
        await tab.goto(github_site.login_url)
    for tab, name in ((page, "first"), (other, "second")):
        await tab.get_by_label("Username").fill(name)
        await tab.get_by_role("button", name="Authorize").click()
        assert (await shown(tab, github_site))["primary_namespace"] == name


async def agree_without_going_on(page: Page, site: Site) -> str:
    """Press Continue on the page of consent of oidc-provider; the address that the browser would go to."""
    url = await page.locator("form").get_attribute("action") or ""
    answer = await page.context.request.post(url, form={"prompt": "consent"}, max_redirects=0)
    while not answer.headers["location"].startswith(site.url):
        answer = await page.context.request.get(answer.headers["location"], max_redirects=0)
    return answer.headers["location"]


async def test_provider_that_goes_away_is_a_page_and_no_riddle(
    page: Page, oidc_site: Site, oidc_server: OidcServer
) -> None:
    await page.goto(oidc_site.login_url)
    await name_at_oidc(page)
    callback = await agree_without_going_on(page, oidc_site)
    oidc_server.pause()
    try:
        await page.goto(callback)
        await expect(page.get_by_role("alert")).to_contain_text("does not answer; please try again")
    finally:
        oidc_server.resume()
    await page.get_by_role("link", name="Try again").click()
    await shown(page, oidc_site)


async def test_keys_of_the_provider_may_change(page: Page, oidc_site: Site, oidc_server: OidcServer) -> None:
    for name in ("alice", "bob"):
        await page.context.clear_cookies()
        await page.goto(oidc_site.login_url)
        await log_in_at_oidc(page, name)
        assert (await shown(page, oidc_site))["primary_namespace"] == name
        oidc_server.restart()


@pytest.mark.parametrize("name", ["a b", "default", ".hidden"])
async def test_person_whose_name_can_be_no_namespace_reads_why(page: Page, github_site: Site, name: str) -> None:
    await page.goto(github_site.login_url)
    await page.get_by_label("Username").fill(name)
    await page.get_by_role("button", name="Authorize").click()
    await expect(page.get_by_role("alert")).to_contain_text("the user name")
    assert (await permissions(page, github_site))["authenticated"] is False
