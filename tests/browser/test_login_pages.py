"""The login pages as people meet them: by keyboard, by ear, in the dark, on a phone."""

import re

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import Site, permissions

# Relative luminance and contrast, as WCAG 2 has them, of an element's text against what is behind it.
CONTRAST = """element => {
    const rgb = text => text.match(/[\\d.]+/g).map(Number);
    const light = text => rgb(text).slice(0, 3).map(part => part / 255)
        .map(part => part <= .03928 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4)
        .reduce((sum, part, place) => sum + part * [.2126, .7152, .0722][place], 0);
    let behind = element;
    while (rgb(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
    const pair = [light(getComputedStyle(element).color), light(getComputedStyle(behind).backgroundColor)];
    return (Math.max(...pair) + .05) / (Math.min(...pair) + .05);
}"""


async def test_person_logs_in_by_keyboard_alone(page: Page, password_site: Site) -> None:
    await page.goto(password_site.login_url)
    await expect(page.get_by_label("User name")).to_be_focused()
    await page.keyboard.type("alice")
    await page.keyboard.press("Tab")
    await page.keyboard.type("password")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{password_site.url}/api/v1/permission/")
    assert (await permissions(page, password_site))["primary_namespace"] == "alice"


async def test_wrong_password_is_told_in_place_and_read_out(page: Page, password_site: Site) -> None:
    await page.goto(password_site.login_url)
    await page.get_by_label("User name").fill("alice")
    await page.get_by_label("Password").fill("wrong")
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("alert")).to_have_text("User name or password is wrong.")
    await expect(page.get_by_label("Password")).to_be_focused()
    await expect(page.get_by_label("Password")).to_have_attribute("aria-invalid", "true")
    await expect(page.get_by_label("Password")).to_have_accessible_description("User name or password is wrong.")
    await page.keyboard.type("password")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{password_site.url}/api/v1/permission/")


async def test_page_fetches_nothing_and_breaks_no_rule_of_its_own(page: Page, password_site: Site) -> None:
    asked: list[str] = []
    told: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    # Browsers ask for the icon of any address by themselves.
    page.on("console", lambda message: told.append(f"{message.location['url']}: {message.text}"))
    await page.goto(password_site.login_url)
    await page.get_by_label("User name").fill("alice")
    await page.get_by_label("Password").fill("password")
    await page.get_by_role("button", name="Log in").click()
    await page.wait_for_url(f"{password_site.url}/api/v1/permission/")
    assert [url for url in asked if not url.startswith(password_site.url)] == []
    assert [text for text in told if "/favicon.ico:" not in text] == []


async def test_person_sees_who_they_are_and_logs_out(page: Page, password_site: Site) -> None:
    await page.goto(password_site.login_url)
    await page.get_by_label("User name").fill("alice")
    await page.get_by_label("Password").fill("password")
    await page.get_by_role("button", name="Log in").click()
    await page.wait_for_url(f"{password_site.url}/api/v1/permission/")
    await page.goto(password_site.login_url)
    await expect(page.get_by_role("status")).to_have_text("You are logged in as alice.")
    await page.get_by_role("link", name="Continue").click()
    await page.wait_for_url(f"{password_site.url}/api/v1/permission/")
    await page.goto(password_site.login_url)
    await page.get_by_role("button", name="Log out").click()
    await expect(page.get_by_role("status")).to_have_text("You are logged out.")
    assert (await permissions(page, password_site))["authenticated"] is False


async def test_page_reads_well_by_ear(page: Page, password_site: Site) -> None:
    await page.goto(password_site.login_url)
    snapshot = await page.locator("body").aria_snapshot()
    roles = [line.strip() for line in snapshot.splitlines()]
    assert '- heading "Log in" [level=1]' in roles
    assert any(re.match(r'- textbox "User name"', role) for role in roles)
    assert any(re.match(r'- textbox "Password"', role) for role in roles)
    assert any(re.match(r'- button "Log in"', role) for role in roles)
    assert await page.title() == "Log in · conda-store"
    assert await page.get_attribute("html", "lang") == "en"


async def test_button_names_the_provider(page: Page, github_site: Site) -> None:
    await page.goto(f"{github_site.url}/login/?signed_out=1")
    await page.get_by_role("link", name="Sign in with GitHub").click()
    await expect(page.get_by_role("heading")).to_have_text("Authorize store")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_text_stands_out_in_light_and_dark(page: Page, github_site: Site, scheme: str) -> None:
    await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for path in ("/login/?signed_out=1", "/oauth_callback/?code=a&state=b"):
        await page.goto(f"{github_site.url}{path}")
        for element in await page.locator("h1, main p, .button, header").all():
            assert await element.evaluate(CONTRAST) >= 4.5
    dark = await page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(14, 20, 17)"
    assert dark is (scheme == "dark")


@pytest.mark.parametrize("width", [280, 360, 1600])
async def test_page_fits_every_screen(page: Page, password_site: Site, width: int) -> None:
    await page.set_viewport_size({"width": width, "height": 640})
    await page.goto(password_site.login_url)
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    box = await page.get_by_role("button", name="Log in").bounding_box()
    assert box is not None
    assert box["height"] >= 44


async def test_person_without_scripts_is_told_to_go_on(browser: Browser, github_site: Site) -> None:
    async with await browser.new_context(java_script_enabled=False) as context:
        page = await context.new_page()
        await page.goto(github_site.login_url)
        await page.get_by_label("Username").fill("octocat")
        await page.get_by_role("button", name="Authorize").click()
        await expect(page.get_by_role("heading")).to_have_text("Logged in")
        await page.get_by_role("link", name="Continue").click()
        await page.wait_for_url(f"{github_site.url}/api/v1/permission/")
        assert '"primary_namespace":"octocat"' in await page.inner_text("body")
