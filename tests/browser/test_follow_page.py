"""The page of docs/how-to/follow-from-a-web-page.md, opened as it stands, while builds go by."""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from conda_store_shared.testing.demo_channel.server import ChannelServer
from conda_store_shared.testing.servers.conda_store import QUICK, StandaloneSuite
from tests.acceptance.user import User

GUIDE = Path(__file__).parents[2] / "docs/how-to/follow-from-a-web-page.md"
HTML, SERVED, _LET_IN = re.findall(r"^```(?:html|python)\n(.*?)^```$", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
SECONDS = 60_000


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass(frozen=True, kw_only=True)
class Portal:
    """The suite that serves the page, and somebody else's server that does."""

    suite: StandaloneSuite
    own: str
    other: str

    @property
    def url(self) -> str:
        """The suite as a browser sees it."""
        return self.suite.url.replace("127.0.0.1", "localhost")


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """The suite with the page, as the guide says; the other server's has the address of the suite in it."""
    directory = tmp_path_factory.mktemp("portal")
    (directory / "follow.html").write_text(HTML)
    handler = partial(QuietHandler, directory=str(directory))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        other = f"http://localhost:{server.server_port}"
        text = SERVED.replace("/etc/conda-store/follow.html", str(directory / "follow.html"))
        options = {**QUICK, "CondaStoreServer.cors_allow_origins": [other]}
        with StandaloneSuite(directory, options, text) as suite:
            portal = Portal(suite=suite, own=f"{suite.url}/own/follow".replace("127.0.0.1", "localhost"), other=other)
            changed = HTML.replace('const server = "";', f'const server = "{portal.url}";')
            assert changed != HTML
            (directory / "other.html").write_text(changed)
            yield portal
        server.shutdown()


async def log_in(page: Page, portal: Portal) -> None:
    """Log in as alice."""
    await page.goto(f"{portal.url}/login/?next=/own/follow")
    await page.get_by_label("User name").fill("alice")
    await page.get_by_label("Password").fill("password")
    await page.get_by_role("button", name="Log in").click()
    await page.wait_for_url(portal.own)


@pytest.mark.timeout(180)
async def test_person_sees_builds_go_by_though_the_server_is_started_again(
    page: Page, portal: Portal, demo_channel_server: ChannelServer, tmp_path: Path
) -> None:
    await log_in(page, portal)
    state = page.get_by_role("status")
    await expect(state).to_have_text("following")
    with User(portal.suite, demo_channel_server.url) as user:
        first = user.submit("first", ["demo-text"])
        row = page.locator(f"#build-{first}")
        await expect(row).to_contain_text("default/first")
        await row.get_by_role("button", name="log").click()
        await expect(row).to_contain_text("build.completed", timeout=SECONDS)
        await expect(page.locator("#log")).to_contain_text("solved in", timeout=SECONDS)
        await page.screenshot(path=tmp_path / "followed.png")

        portal.suite.processes["standalone"].restart()
        failing = user.submit("second", ["demo-versions ==99"])
        await expect(page.locator(f"#build-{failing}")).to_contain_text("build.failed: ", timeout=SECONDS)
        await expect(state).to_have_text("following")
        await expect(page.locator("#builds tr")).to_have_count(2)
    # Logging out takes the token back.
    await page.context.request.post(f"{portal.url}/logout/")
    await expect(state).to_have_text("your login has ended; log in again", timeout=SECONDS)


@pytest.mark.timeout(120)
async def test_page_of_another_origin_that_was_let_in_follows_too(
    page: Page, portal: Portal, demo_channel_server: ChannelServer
) -> None:
    await log_in(page, portal)
    await page.goto(f"{portal.other}/other.html")
    await expect(page.get_by_role("status")).to_have_text("following")
    with User(portal.suite, demo_channel_server.url) as user:
        build = user.submit("elsewhere", ["demo-text"])
    await expect(page.locator(f"#build-{build}")).to_contain_text("build.completed", timeout=SECONDS)
    # The browser keeps the page of an origin that was not let in from reading anything.
    await page.goto(f"{portal.other.replace('localhost', '127.0.0.1')}/other.html")
    await expect(page.get_by_role("status")).to_have_text(re.compile("trying again$"))
