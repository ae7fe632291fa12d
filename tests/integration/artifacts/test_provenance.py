"""Provenance of a build: what it says, and that its signature holds, over HTTP, on both databases."""

import base64
import hashlib
import json
from typing import Any

import httpx
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)

from conda_store_artifacts.adapters.ed25519_signer import Ed25519Signer
from conda_store_shared.errors import ConfigurationError
from tests.integration.artifacts.download_service import BUILD_KEY, DownloadService, a_token
from tests.integration.artifacts.locked_builds import a_lockfile, an_order

BUILD = "/conda-store/api/v1/build/1"
KEY = "/conda-store/api/v1/provenance/key/"


def a_private_key() -> str:
    made = Ed25519PrivateKey.generate()
    return made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


async def public_key(client: httpx.AsyncClient) -> Ed25519PublicKey:
    told = (await client.get(KEY)).json()["data"]
    key = load_pem_public_key(told["public_key"].encode())
    assert isinstance(key, Ed25519PublicKey)
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert (told["algorithm"], told["key_id"]) == ("ed25519", hashlib.sha256(der).hexdigest())
    return key


def opened(envelope: dict[str, Any], key: Ed25519PublicKey) -> Any:
    """The statement in an envelope; raises InvalidSignature."""
    payload = base64.b64decode(envelope["payload"])
    kind = envelope["payloadType"]
    signed = f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload
    key.verify(base64.b64decode(envelope["signatures"][0]["sig"]), signed)
    return json.loads(payload)


async def test_provenance_names_what_was_made_of_what_when_a_build_is_completed(service: DownloadService) -> None:
    service.signing_key = a_private_key()
    await service.complete(a_lockfile(), an_order())
    await service.add_artifact("CONDA_PACK", f"archive/{BUILD_KEY}.tar.gz", "a" * 64)
    await service.add_artifact("DIRECTORY", "/somewhere/else")
    async with service.client() as client:
        answer = await client.get(f"{BUILD}/provenance/")
        again = await client.get(f"{BUILD}/provenance")
        key = await public_key(client)
    assert answer.headers["content-type"] == "application/vnd.dsse.envelope.v1+json"
    assert again.content == answer.content
    statement = opened(answer.json(), key)
    assert (statement["_type"], statement["predicateType"]) == (
        "https://in-toto.io/Statement/v1",
        "https://slsa.dev/provenance/v1",
    )
    assert statement["subject"] == [
        {"name": f"archive/{BUILD_KEY}.tar.gz", "digest": {"sha256": "a" * 64}},
        {"name": f"lockfile/{BUILD_KEY}.yml", "digest": {"sha256": a_lockfile().digest}},
    ]
    definition, details = statement["predicate"]["buildDefinition"], statement["predicate"]["runDetails"]
    assert {one["downloadLocation"] for one in definition["resolvedDependencies"]} == {
        package.url for package in a_lockfile().packages
    }
    assert definition["resolvedDependencies"][1]["digest"] in ({"md5": "3" * 32}, {"sha256": "1" * 64, "md5": "0" * 32})
    assert definition["internalParameters"] == {
        "buildId": 1,
        "channels": ["https://conda.anaconda.org/conda-forge", "https://c.example.org/own"],
        "platform": "linux-64",
        "platforms": ["linux-64", "osx-arm64"],
    }
    assert details["builder"]["id"] == f"urn:conda-store:{Ed25519Signer(service.signing_key).key_id}"
    assert details["metadata"] == {
        "invocationId": BUILD_KEY,
        "startedOn": "2026-11-22T11:00:00Z",
        "finishedOn": "2026-11-22T11:00:09Z",
    }
    assert "hidden" not in json.dumps(statement)
    changed = {**answer.json(), "payload": base64.b64encode(json.dumps({**statement, "subject": []}).encode()).decode()}
    with pytest.raises(InvalidSignature):
        opened(changed, key)


async def test_provenance_names_the_builder_of_the_options(service: DownloadService) -> None:
    service.signing_key, service.builder_id = a_private_key(), "https://site.example"
    await service.complete(a_lockfile(), an_order())
    async with service.client() as client:
        statement = opened((await client.get(f"{BUILD}/provenance/")).json(), await public_key(client))
    assert statement["predicate"]["runDetails"]["builder"]["id"] == "https://site.example"


async def test_provenance_is_told_once_a_build_is_completed(service: DownloadService) -> None:
    service.signing_key = a_private_key()
    async with service.client() as client:
        absent = await client.get(f"{BUILD}/provenance/")
        assert (absent.status_code, absent.json()["message"]) == (404, "build 1 has no lockfile; it is BUILDING")
        await service.complete(a_lockfile(), an_order())
        await service.become("FAILED")
        failed = await client.get(f"{BUILD}/provenance/")
    told = "build 1 is FAILED; its provenance is told once it is COMPLETED"
    assert (failed.status_code, failed.json()["message"]) == (404, told)


async def test_provenance_is_absent_and_the_remedy_named_when_the_site_has_no_key(service: DownloadService) -> None:
    await service.complete(a_lockfile(), an_order())
    async with service.client() as client:
        for address in (f"{BUILD}/provenance/", KEY):
            answer = await client.get(address)
            assert answer.status_code == 404
            assert "CondaStore.signing_key" in answer.json()["message"]


async def test_provenance_is_for_those_who_may_read_the_environment_and_the_key_for_all(
    service: DownloadService,
) -> None:
    service.signing_key = a_private_key()
    await service.complete(a_lockfile(), an_order())
    for token in ("", a_token(other=["admin"])):
        async with service.client(token=token) as stranger:
            assert (await stranger.get(f"{BUILD}/provenance/")).status_code == 403
            assert (await stranger.get(KEY)).status_code == 200


@pytest.mark.parametrize("pem", ["", "x", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_key_is_refused_and_not_repeated_when_it_is_none(pem: str) -> None:
    with pytest.raises(ConfigurationError, match="openssl genpkey -algorithm ed25519") as raised:
        Ed25519Signer(pem)
    assert "AAAA" not in raised.value.message
