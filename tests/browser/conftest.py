"""A browser, and the suite with each of the identity providers behind it.

The suite is visited as `localhost`, the providers are at `127.0.0.1`: to a browser these are different sites.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from conda_store_shared.testing.servers import Databases, S3Account, VirtualHosts, github_stub, jupyterhub, oidc
from conda_store_shared.testing.servers.chromium import chromium
from conda_store_shared.testing.servers.conda_store import QUICK, Backing, DistributedSuite, StandaloneSuite, Suite
from conda_store_shared.testing.servers.github_stub import GithubStub
from conda_store_shared.testing.servers.jupyterhub import JupyterHub
from conda_store_shared.testing.servers.oidc import OidcServer

CONFIG = "conda_store_shared.config.oauth"
PREFIX = "/conda-store"
_HERE = Path(__file__).parent


class Site:
    """The suite as a browser sees it."""

    def __init__(self, suite: Suite, prefix: str = "") -> None:
        self.path = prefix
        self.url = suite.url.replace("127.0.0.1", "localhost") + prefix

    @property
    def next_page(self) -> str:
        """A page that tells who looks at it."""
        return f"{self.path}/api/v1/permission/"

    @property
    def login_url(self) -> str:
        """The page to log in, with that page to go to next."""
        return f"{self.url}/login/?next={self.next_page}"


async def permissions(page: Page, site: Site) -> dict[str, Any]:
    """Who the browser is known as."""
    answer = await page.context.request.get(f"{site.url}/api/v1/permission/")
    data: dict[str, Any] = (await answer.json())["data"]
    return data


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of this directory in the loop of the session: they share a browser."""
    for item in items:
        if _HERE in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The browser."""
    async with chromium() as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page of somebody without any past; its scripts may not fail."""
    async with await browser.new_context() as context:
        opened = await context.new_page()
        failures: list[str] = []
        opened.on("pageerror", lambda error: failures.append(str(error)))
        yield opened
        assert failures == []


def suite_options(kind: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a suite whose people log in by `kind`, with options of that class."""
    chosen = {f"{kind.rpartition('.')[2]}.{name}": value for name, value in options.items()}
    return {**QUICK, "CondaStoreServer.authentication_class": kind, **chosen}


def oidc_options(server: OidcServer) -> dict[str, Any]:
    """Options of a suite behind an OpenID Connect provider."""
    section = {
        "issuer": server.issuer,
        "client_id": oidc.CLIENT_ID,
        "client_secret": oidc.CLIENT_SECRET,
        "timeout": 3.0,
        "group_role_bindings": {"devs": {"shared/*": ["developer"]}},
    }
    return suite_options(f"{CONFIG}.OIDCAuthentication", section)


@pytest.fixture(scope="session")
def password_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The suite with one password for everybody."""
    with StandaloneSuite(tmp_path_factory.mktemp("password")) as suite:
        yield Site(suite)


@pytest.fixture(scope="session")
def oidc_server() -> OidcServer:
    """An OpenID Connect provider, started with its suite."""
    return OidcServer({"alice": ["devs", "everybody"]})


@pytest.fixture(scope="session")
def oidc_site(oidc_server: OidcServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The suite behind an OpenID Connect provider."""
    suite = StandaloneSuite(tmp_path_factory.mktemp("oidc"), oidc_options(oidc_server))
    site = Site(suite)
    oidc_server.callback_url = f"{site.url}/oauth_callback/"
    with oidc_server, suite:
        yield site


@pytest.fixture(scope="session")
def jupyterhub_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The suite behind a JupyterHub, below a prefix."""
    hub = JupyterHub({"devs": ["alice"]})
    section = {
        "jupyterhub_url": hub.url,
        "client_id": jupyterhub.CLIENT_ID,
        "client_secret": jupyterhub.CLIENT_SECRET,
        "group_role_bindings": {"devs": {"shared/*": ["developer"]}},
    }
    options = suite_options(f"{CONFIG}.JupyterHubOAuthAuthentication", section)
    suite = StandaloneSuite(tmp_path_factory.mktemp("jupyterhub"), {**options, "CondaStoreServer.url_prefix": PREFIX})
    site = Site(suite, PREFIX)
    hub.callback_url = f"{site.url}/oauth_callback/"
    with hub, suite:
        yield site


@pytest.fixture(scope="session")
def github_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The suite behind a stub of GitHub."""
    with GithubStub() as stub:
        section = {
            "github_url": stub.url,
            "github_api": stub.url,
            "client_id": github_stub.CLIENT_ID,
            "client_secret": github_stub.CLIENT_SECRET,
        }
        options = suite_options(f"{CONFIG}.GithubOAuthAuthentication", section)
        with StandaloneSuite(tmp_path_factory.mktemp("github"), options) as suite:
            yield Site(suite)


@pytest.fixture(scope="session")
def distributed_site(
    postgres_server: Databases,
    postgres_template: str,
    rabbitmq_server: VirtualHosts,
    s3_server: S3Account,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """The suite as five processes behind the gateway, with an OpenID Connect provider."""
    backing = Backing(
        database_url=postgres_server.create_database(postgres_template),
        amqp_url=rabbitmq_server.create_vhost(),
        bucket=s3_server.create_bucket(),
    )
    server = OidcServer({"alice": ["devs"]}, claims_in_id_token=True)
    suite = DistributedSuite(tmp_path_factory.mktemp("distributed"), backing, oidc_options(server))
    site = Site(suite)
    server.callback_url = f"{site.url}/oauth_callback/"
    with server, suite:
        yield site
