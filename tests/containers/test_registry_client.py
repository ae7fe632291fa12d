"""Our client of registries, against the reference of the protocol."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from conda_store_artifacts.adapters.registry_client import RegistryClient
from conda_store_artifacts.adapters.registry_transport import ClientOptions
from conda_store_artifacts.domain.fragment import Codec
from conda_store_artifacts.domain.image_reference import Repository
from conda_store_artifacts.domain.oci_manifest import Layer, Style, write_manifest
from conda_store_artifacts.ports import PushedBlob
from conda_store_shared.bus.backoff import Backoff
from conda_store_shared.errors import StageFailure
from conda_store_shared.testing.servers.image_registry import PASSWORD, USER, ImageRegistry
from conda_store_shared.testing.servers.tcp_proxy import TcpProxy

SOON = ClientOptions(connect=2, silence=2, pauses=Backoff(first=0.05, longest=0.1))
CONTENT = b"what a layer holds " * 50_000


def a_blob(content: bytes) -> PushedBlob:
    async def read() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 65536):
            yield content[start : start + 65536]

    return PushedBlob(digest=hashlib.sha256(content).hexdigest(), size=len(content), read=read)


def through_registry(registry: ImageRegistry) -> Repository:
    """Where the blob that was cut off has come to."""
    return Repository(address=registry.url, name="tests/cut-off", username=USER, password=PASSWORD)


@pytest.fixture
def repository(guarded_registry: ImageRegistry, request: pytest.FixtureRequest) -> Repository:
    """A repository that is empty, as somebody who may push to it."""
    name = f"tests/{abs(hash(request.node.name))}"
    return Repository(address=guarded_registry.url, name=name, username=USER, password=PASSWORD)


async def test_blob_is_sent_once_and_taken_from_another_repository_of_the_same_registry(
    repository: Repository,
) -> None:
    client, blob = RegistryClient(SOON), a_blob(CONTENT + repository.name.encode())
    other = Repository(address=repository.address, name=f"{repository.name}/other", username=USER, password=PASSWORD)
    sent = [await client.push_blob(each, blob) for each in (repository, repository, other, other)]
    assert sent == [True, False, False, False]


async def test_image_is_had_as_it_was_pushed(repository: Repository, tmp_path: Path) -> None:
    client, blob, config = RegistryClient(SOON), a_blob(CONTENT), b'{"architecture":"amd64","os":"linux"}'
    layer = Layer(digest=blob.digest, size=blob.size, diff_id=blob.digest, codec=Codec.GZIP)
    manifest = write_manifest(Style.OCI, config, [layer], {})
    await asyncio.gather(client.push_blob(repository, blob), client.push_blob(repository, a_blob(config)))
    await client.push_document(repository, "1.0", manifest)
    reader = RegistryClient(SOON)
    for reference in ("1.0", f"sha256:{manifest.digest}"):
        assert await reader.fetch_document(repository, reference, manifest.media_type) == manifest
    assert await reader.fetch_content(repository, hashlib.sha256(config).hexdigest()) == config
    assert await reader.fetch_file(repository, blob.digest, tmp_path / "blob") == blob.size
    assert (tmp_path / "blob").read_bytes() == CONTENT


@pytest.mark.parametrize(("user", "password"), [(None, None), (USER, "wrong-secret-7d1e")])
async def test_registry_that_refuses_is_named_and_nothing_secret_is_told(
    repository: Repository, user: str | None, password: str | None
) -> None:
    somebody = Repository(address=repository.address, name=repository.name, username=user, password=password)
    with pytest.raises(StageFailure) as raised:
        await RegistryClient(SOON).push_blob(somebody, a_blob(CONTENT))
    assert (raised.value.cause, raised.value.transient) == ("registry_refused", False)
    assert f"registry {repository.host} refuses HEAD /v2/{repository.name}/blobs/" in raised.value.detail
    assert ("no user name and password are set" in raised.value.detail) == (user is None)
    assert "wrong-secret" not in f"{raised.value.detail} {somebody!r}"


async def test_image_that_is_not_there_is_named(repository: Repository) -> None:
    with pytest.raises(StageFailure, match="MANIFEST_UNKNOWN") as raised:
        await RegistryClient(SOON).fetch_document(repository, "1.0", "*/*")
    assert raised.value.cause == "registry_refused"


async def test_push_that_is_cut_off_is_sent_again(guarded_registry: ImageRegistry, tmp_path: Path) -> None:
    client, blob = RegistryClient(SOON), a_blob(CONTENT * 4 + b"cut off")
    with TcpProxy(guarded_registry.port) as proxy:
        through = Repository(
            address=f"http://127.0.0.1:{proxy.port}", name="tests/cut-off", username=USER, password=PASSWORD
        )
        proxy.bytes_per_second = 2_000_000
        pushing = asyncio.create_task(client.push_blob(through, blob))
        await asyncio.sleep(0.5)  # in the middle of the upload
        proxy.cut()
        proxy.heal()
        assert await pushing
    assert await client.fetch_file(through_registry(guarded_registry), blob.digest, tmp_path / "blob") == blob.size


async def test_registry_that_does_not_answer_is_given_up(guarded_registry: ImageRegistry) -> None:
    impatient = ClientOptions(connect=1, silence=0.2, pauses=Backoff(first=0.01, longest=0.02))
    with TcpProxy(guarded_registry.port) as proxy:
        proxy.black_hole = True
        deaf = Repository(address=f"http://127.0.0.1:{proxy.port}", name="tests/deaf")
        with pytest.raises(StageFailure, match="cannot be used") as raised:
            await RegistryClient(impatient).fetch_document(deaf, "1.0", "*/*")
    assert raised.value.transient


async def test_registry_that_cannot_be_reached_is_named_after_some_tries() -> None:
    nowhere = Repository(address="http://127.0.0.1:9", name="tests/nothing", username=USER, password=PASSWORD)
    with pytest.raises(StageFailure) as raised:
        await RegistryClient(SOON).fetch_document(nowhere, "1.0", "*/*")
    assert (raised.value.cause, raised.value.transient) == ("registry_unreachable", True)
    assert raised.value.detail == "registry 127.0.0.1:9 cannot be used: ClientConnectorError"
