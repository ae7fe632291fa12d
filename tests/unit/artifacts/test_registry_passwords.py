"""Whom our client of registries shows its password to."""

import base64
import dataclasses
import hashlib
from collections.abc import AsyncIterator

import pytest

from conda_store_artifacts.adapters.registry_client import RegistryClient
from conda_store_artifacts.adapters.registry_transport import ClientOptions
from conda_store_artifacts.domain.image_reference import Repository
from conda_store_artifacts.ports import PushedBlob
from conda_store_shared.bus.backoff import Backoff
from conda_store_shared.errors import StageFailure
from tests.unit.client.answering_server import Answer, AnsweringServer, Asked, Responder

SOON = ClientOptions(connect=2, silence=2, pauses=Backoff(first=0.001, longest=0.001))
CONTENT = b"what a layer holds"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
BLOB = f"/v2/tests/of/blobs/sha256:{DIGEST}"
UPLOADS = "/v2/tests/of/blobs/uploads/"
SHOWN = "Basic " + base64.b64encode(b"pusher:a-password").decode()


def a_repository(server: AnsweringServer) -> Repository:
    return Repository(address=server.url, name="tests/of", username="pusher", password="a-password")


def a_blob() -> PushedBlob:
    async def read() -> AsyncIterator[bytes]:
        yield CONTENT

    return PushedBlob(digest=DIGEST, size=len(CONTENT), read=read)


def opened(answer: Answer) -> Responder:
    """What a registry that wants a password answers when it is shown."""

    def respond(asked: Asked) -> Answer:
        refused = Answer(401, headers={"WWW-Authenticate": 'Basic realm="registry"'})
        return answer if asked.headers.get("Authorization") == SHOWN else refused

    return respond


async def test_password_is_not_shown_where_a_registry_sends_an_upload() -> None:
    with AnsweringServer() as registry, AnsweringServer() as storage:
        registry.routes[BLOB] = opened(Answer(404))
        registry.routes[UPLOADS] = opened(Answer(202, headers={"Location": f"{storage.url}/place?signature=1"}))
        storage.routes["/place"] = Answer(201)
        assert await RegistryClient(SOON).push_blob(a_repository(registry), a_blob())
        assert registry.asked[-1].headers["Authorization"] == SHOWN
        (upload,) = storage.asked
    assert (upload.body, upload.query["digest"]) == (CONTENT, [f"sha256:{DIGEST}"])
    assert "Authorization" not in upload.headers
    # What is compressed on its way would have another digest.
    assert upload.headers["Accept-Encoding"] == "identity"


async def test_password_is_not_shown_to_storage_that_asks_for_it() -> None:
    with AnsweringServer() as registry, AnsweringServer() as storage:
        registry.routes[BLOB] = opened(Answer(404))
        registry.routes[UPLOADS] = opened(Answer(202, headers={"Location": f"{storage.url}/place"}))
        storage.routes["/place"] = opened(Answer(201))
        with pytest.raises(StageFailure) as raised:
            await RegistryClient(SOON).push_blob(a_repository(registry), a_blob())
        assert all("Authorization" not in asked.headers for asked in storage.asked)
    assert raised.value.cause == "registry_refused"
    assert f"sends to {storage.url}, which wants a password" in raised.value.detail


async def test_blob_is_sent_where_a_registry_does_not_let_it_be_taken_from_another_repository() -> None:
    other = "/v2/tests/other/blobs"

    def begin(asked: Asked) -> Answer:
        return Answer(403) if "mount" in asked.query else Answer(202, headers={"Location": "/place"})

    with AnsweringServer() as registry:
        registry.routes |= {BLOB: Answer(200), f"{other}/sha256:{DIGEST}": Answer(404)}
        registry.routes |= {f"{other}/uploads/": begin, "/place": Answer(201)}
        client, repository = RegistryClient(SOON), a_repository(registry)
        assert not await client.push_blob(repository, a_blob())
        assert await client.push_blob(dataclasses.replace(repository, name="tests/other"), a_blob())


@pytest.mark.parametrize("realm", ["", "token", "ftp://127.0.0.1/token", "http://[", "http:///token"])
async def test_address_of_a_token_server_that_is_none_is_told_of(realm: str) -> None:
    with AnsweringServer() as registry:
        registry.routes[BLOB] = Answer(401, headers={"WWW-Authenticate": f'Bearer realm="{realm}",service="r"'})
        with pytest.raises(StageFailure, match="no usable address of its token server") as raised:
            await RegistryClient(SOON).push_blob(a_repository(registry), a_blob())
    assert (raised.value.cause, raised.value.transient) == ("registry_refused", False)
