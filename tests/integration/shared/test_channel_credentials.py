"""Channels that demand credentials, of each kind, and where those are never sent."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from rattler import Gateway
from rattler.exceptions import GatewayError

from conda_store_shared.conda.channel_client import ChannelAccess
from conda_store_shared.testing.private_server import PrivateServer, Secrets
from conda_store_shared.testing.tiny_channel import TinyPackage, write_tiny_channel

KINDS = ("token", "basic", "bearer", "raw")
SECRETS = Secrets()
VALUES = (SECRETS.token, SECRETS.password, SECRETS.bearer, SECRETS.raw, SECRETS.basic)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the channel ``team``."""
    root = tmp_path_factory.mktemp("private")
    write_tiny_channel(root / "team", [TinyPackage(name="private-one"), TinyPackage(name="other", subdir="linux-64")])
    return root


@pytest.fixture
def server(world: Path) -> Iterator[PrivateServer]:
    """The channel behind credentials."""
    with PrivateServer(world, SECRETS) as running:
        yield running


@pytest.fixture
def elsewhere(world: Path) -> Iterator[PrivateServer]:
    """Another server, which is to be told nothing."""
    with PrivateServer(world) as running:
        yield running


@dataclass(frozen=True)
class Asking:
    """A gateway that was made with some credentials, and its cache."""

    gateway: Gateway
    cache: Path
    access: ChannelAccess

    async def names(self, channel: str) -> set[str]:
        return {str(name.normalized) for name in await self.gateway.names([channel], ["linux-64", "noarch"])}


def asking(cache: Path, credentials: dict[str, dict[str, str]]) -> Asking:
    access = ChannelAccess(credentials)
    return Asking(Gateway(cache_dir=cache, client=access.client(retries=0, timeout=20)), cache, access)


@pytest.fixture
def opened(server: PrivateServer, tmp_path: Path) -> Asking:
    """Somebody who has every credential of the server."""
    return asking(tmp_path, server.credentials())


def told(server: PrivateServer) -> list[str]:
    """Secrets that a server was shown in any way."""
    text = repr([(seen.path, seen.headers) for seen in server.seen])
    return [value for value in VALUES if value in text]


@pytest.mark.parametrize("kind", KINDS)
async def test_channel_is_read_when_it_is_shown_its_credential(
    server: PrivateServer, opened: Asking, kind: str
) -> None:
    assert await opened.names(f"{server.url}/{kind}/team") == {"private-one", "other"}
    kept = [path for path in opened.cache.rglob("*") if path.is_file()]
    assert kept
    assert not [path for path in kept for value in VALUES if value.encode() in path.read_bytes()]


@pytest.mark.parametrize("kind", KINDS)
async def test_channel_is_refused_when_its_credential_is_another_or_none(
    server: PrivateServer, tmp_path: Path, kind: str
) -> None:
    wrong = {"address": f"{server.url}/{kind}", "token" if kind == "token" else "bearer": "wr-ong"}
    for number, credentials in enumerate(({}, {"team": wrong})):
        asked = asking(tmp_path / str(number), credentials)
        with pytest.raises(GatewayError) as refused:
            await asked.names(f"{server.url}/{kind}/team")
        text = asked.access.plain(str(refused.value))
        assert f"{server.url}/{kind}/team/" in text
        assert "wr-ong" not in text


@pytest.mark.parametrize("kind", KINDS)
async def test_credential_is_shown_to_nobody_else_when_the_channel_is_moved(
    server: PrivateServer, elsewhere: PrivateServer, opened: Asking, kind: str
) -> None:
    server.moved[f"/{kind}/away"] = elsewhere.url.replace("127.0.0.1", "localhost") + "/open/team"
    assert await opened.names(f"{server.url}/{kind}/away") == {"private-one", "other"}
    assert told(server)
    assert elsewhere.seen
    assert told(elsewhere) == []


async def test_token_goes_along_when_a_channel_is_moved_within_its_place(server: PrivateServer, opened: Asking) -> None:
    server.moved["/token/old"] = "/token/team"
    assert await opened.names(f"{server.url}/token/old") == {"private-one", "other"}


async def test_token_goes_nowhere_when_its_channel_sends_it_away_itself(
    server: PrivateServer, elsewhere: PrivateServer, opened: Asking
) -> None:
    server.moved["/token/away"] = f"{elsewhere.url}/t/{SECRETS.token}/token/team"
    with pytest.raises(GatewayError) as failed:
        await opened.names(f"{server.url}/token/away")
    assert SECRETS.token not in str(failed.value)
    assert elsewhere.seen == []


async def test_credential_is_shown_to_no_other_port_and_no_other_part(
    server: PrivateServer, elsewhere: PrivateServer, opened: Asking
) -> None:
    for kind in KINDS:
        assert await opened.names(f"{elsewhere.url}/open/team")
        assert await opened.names(f"{server.url}/open/team")
        with pytest.raises(GatewayError, match="401"):
            await opened.names(f"{elsewhere.url}/{kind}/team")
    assert told(elsewhere) == told(server) == []


async def test_private_channel_that_is_gone_or_down_is_named_plainly(server: PrivateServer, opened: Asking) -> None:
    server.moved["/token/down"] = f"{server.url}/status/503"
    for name, status in (("none", "404 Not Found"), ("down", "503 Service Unavailable")):
        with pytest.raises(GatewayError) as failed:
            await opened.names(f"{server.url}/token/{name}")
        assert f"{status}) for url ({server.url}/token/{name}/" in opened.access.plain(str(failed.value))
