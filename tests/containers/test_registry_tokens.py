"""Our client of registries where tokens are wanted, against the reference of the protocol."""

import hashlib
from collections.abc import AsyncIterator, Iterator

import pytest

from conda_store_artifacts.adapters.registry_client import RegistryClient
from conda_store_artifacts.adapters.registry_transport import ClientOptions
from conda_store_artifacts.domain.image_reference import Repository
from conda_store_artifacts.ports import PushedBlob
from conda_store_shared.bus.backoff import Backoff
from conda_store_shared.errors import StageFailure
from conda_store_shared.testing.servers.image_registry import PASSWORD, USER, ImageRegistry
from conda_store_shared.testing.servers.tcp_proxy import TcpProxy
from conda_store_shared.testing.servers.token_server import Answer, TokenServer

SOON = ClientOptions(connect=2, silence=2, pauses=Backoff(first=0.05, longest=0.1))
CONTENT = b"what a layer holds " * 50_000


@pytest.fixture
def tokens(token_server: TokenServer) -> Iterator[TokenServer]:
    """A token server that is well, and that nobody has asked yet."""
    token_server.asked.clear()
    yield token_server
    token_server.heal()


@pytest.fixture
def repository(token_registry: ImageRegistry, tokens: TokenServer, request: pytest.FixtureRequest) -> Repository:
    """A repository that is empty, as somebody who may push to it."""
    assert tokens is not None
    return a_repository(token_registry.url, f"tests/{abs(hash(request.node.name))}")


def a_repository(address: str, name: str, password: str = PASSWORD) -> Repository:
    return Repository(address=address, name=name, username=USER, password=password)


def a_blob(content: bytes) -> PushedBlob:
    async def read() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 65536):
            yield content[start : start + 65536]

    return PushedBlob(digest=hashlib.sha256(content).hexdigest(), size=len(content), read=read)


async def test_one_token_serves_every_request_to_a_repository(repository: Repository, tokens: TokenServer) -> None:
    client = RegistryClient(SOON)
    for content in (b"first", b"second"):
        assert await client.push_blob(repository, a_blob(content))
    assert [each.scopes for each in tokens.asked] == [(f"repository:{repository.name}:pull,push",)]


async def test_blob_is_taken_from_another_repository_with_a_token_for_both(
    repository: Repository, tokens: TokenServer
) -> None:
    client, blob = RegistryClient(SOON), a_blob(CONTENT + repository.name.encode())
    other = a_repository(repository.address, f"{repository.name}/other")
    assert [await client.push_blob(each, blob) for each in (repository, other)] == [True, False]
    assert set(tokens.asked[-1].scopes) == {
        f"repository:{other.name}:pull,push",
        f"repository:{repository.name}:pull",
    }


async def test_blob_is_sent_where_the_other_repository_may_not_be_read(
    repository: Repository, tokens: TokenServer
) -> None:
    client, blob = RegistryClient(SOON), a_blob(CONTENT + repository.name.encode())
    assert await client.push_blob(repository, blob)
    tokens.withheld = {repository.name}
    assert await client.push_blob(a_repository(repository.address, f"{repository.name}/other"), blob)


@pytest.mark.parametrize("size", [10, 5_000_000])
async def test_push_goes_on_when_the_token_ends_in_its_middle(
    token_registry: ImageRegistry, tokens: TokenServer, size: int
) -> None:
    tokens.lifetime = 2
    with TcpProxy(token_registry.port) as proxy:
        # Requests take so long that a token does not last from the first to the upload.
        proxy.delay = 0.5

        async def read() -> AsyncIterator[bytes]:
            proxy.delay = 0
            yield content

        content = b"e" * size
        blob = PushedBlob(digest=hashlib.sha256(content).hexdigest(), size=size, read=read)
        through = a_repository(f"http://127.0.0.1:{proxy.port}", "tests/ending")
        assert await RegistryClient(SOON).push_blob(through, blob)
    assert len(tokens.asked) > 1


async def test_token_that_is_refused_at_once_is_not_asked_for_again_and_again(
    repository: Repository, tokens: TokenServer
) -> None:
    tokens.lifetime = -1
    with pytest.raises(StageFailure, match=r"refuses HEAD .*: 401") as raised:
        await RegistryClient(SOON).push_blob(repository, a_blob(CONTENT))
    assert (raised.value.cause, raised.value.transient, len(tokens.asked)) == ("registry_refused", False, 1)


async def test_wrong_password_is_told_of_and_not_told(repository: Repository, tokens: TokenServer) -> None:
    somebody = a_repository(repository.address, repository.name, password="wrong-secret-7d1e")
    with pytest.raises(StageFailure) as raised:
        await RegistryClient(SOON).push_blob(somebody, a_blob(CONTENT))
    assert (raised.value.cause, raised.value.transient) == ("registry_refused", False)
    assert raised.value.detail == (
        f"registry {repository.host} gives no token for {repository.name}: "
        f"its token server {tokens.realm} answers 401; check user name and password"
    )


async def test_token_server_that_is_down_is_named() -> None:
    with TokenServer(USER, PASSWORD) as passing:
        realm = passing.realm
        registry = ImageRegistry(tokens=passing)
        registry.start()
    try:
        with pytest.raises(StageFailure) as raised:
            await RegistryClient(SOON).push_blob(a_repository(registry.url, "tests/down"), a_blob(CONTENT))
    finally:
        registry.discard()
    assert (raised.value.cause, raised.value.transient) == ("registry_unreachable", True)
    told = f"registry {registry.host} cannot be used: its token server {realm}: ClientConnectorError"
    assert raised.value.detail == told


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Answer(body=b"<html>please log in</html>"), "answers 200, which is no token"),
        (Answer(body=b"\xff\xfe"), "answers 200, which is no token"),
        (Answer(body=b'["a"]'), "answers 200, which is no token"),
        (Answer(body=b'{"token": ""}'), "answers 200, which is no token"),
        (Answer(body=b'{"token": "with\\r\\nX-Other: header"}'), "answers 200, which is no token"),
        (Answer(body=b'{"token": "' + b"t" * 2_000_000 + b'"}'), "answers 200, which is no token"),
        (Answer(status=404, body=b"page not found"), "answers 404"),
        (Answer(status=302), "answers 302"),
    ],
    ids=["a page", "no text", "a list", "nothing", "two lines", "too much", "not found", "nowhere"],
)
async def test_token_server_that_answers_nonsense_is_named(
    repository: Repository, tokens: TokenServer, fault: Answer, reason: str
) -> None:
    tokens.fault = fault
    with pytest.raises(StageFailure) as raised:
        await RegistryClient(SOON).push_blob(repository, a_blob(CONTENT))
    assert (raised.value.cause, raised.value.transient) == ("registry_refused", False)
    assert reason in raised.value.detail
    assert f"registry {repository.host} gives no token for {repository.name}" in raised.value.detail
    assert len(raised.value.detail) < 500


async def test_token_server_that_is_at_fault_is_asked_again(repository: Repository, tokens: TokenServer) -> None:
    tokens.fault = Answer(status=503)
    with pytest.raises(StageFailure) as raised:
        await RegistryClient(SOON).push_blob(repository, a_blob(CONTENT))
    assert (raised.value.cause, raised.value.transient) == ("registry_unreachable", True)
    assert raised.value.detail.endswith(f"its token server {tokens.realm}: 503")
    assert len(tokens.asked) == 5


async def test_password_does_not_follow_to_where_a_token_server_sends(
    repository: Repository, tokens: TokenServer
) -> None:
    with TokenServer(USER, PASSWORD) as elsewhere:
        tokens.fault = Answer(status=307, location=f"{elsewhere.realm}?scope=repository:{repository.name}:pull,push")
        with pytest.raises(StageFailure, match=r"gives no token .* answers 401"):
            await RegistryClient(SOON).push_blob(repository, a_blob(CONTENT))
        assert [each.authorization for each in elsewhere.asked if each.authorization] == []
