"""Which object store a configuration opens, and with whose credentials (contract §5.2)."""

import asyncio
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from traitlets.config import Config

from conda_store_shared.assembly.object_storage import open_store
from conda_store_shared.compat.credentials import (
    AWSConfigProvider,
    ChainedProvider,
    EnvAWSProvider,
    IamAwsProvider,
    StaticProvider,
)
from conda_store_shared.config.storage import LocalStorage, S3Storage, Storage
from conda_store_shared.domain.storage_keys import content_type_of
from conda_store_shared.errors import ConfigurationError, StorageUnavailable
from conda_store_shared.storage.filesystem import FilesystemStore
from conda_store_shared.storage.s3 import S3Store
from conda_store_shared.testing.servers import Bucket, TcpProxy
from tests.unit.client.answering_server import Answer, AnsweringServer

KEY = "yaml/a.yml"


@pytest.fixture
def section(s3_bucket: Bucket) -> dict[str, Any]:
    """Options of S3Storage that open a bucket."""
    account = s3_bucket.account
    return {
        "internal_endpoint": urlsplit(account.endpoint).netloc,
        "internal_secure": False,
        "access_key": account.access_key,
        "secret_key": account.secret_key,
        "bucket_name": s3_bucket.name,
    }


@pytest.fixture
def keys(section: dict[str, Any]) -> tuple[str, str]:
    """Access key and secret key, which are no longer among the options."""
    return section.pop("access_key"), section.pop("secret_key")


def opened(section: dict[str, Any], **store: Any) -> S3Store:
    found = open_store(Config(S3Storage=section, CondaStore=store)).store
    assert isinstance(found, S3Store)
    return found


async def downloaded(address: str | None) -> bytes:
    async with httpx.AsyncClient() as client:
        answer = await client.get(str(address))
    answer.raise_for_status()
    return answer.content


async def is_open_to(section: dict[str, Any], credentials: type[Any], *args: Any, **kwargs: Any) -> bool:
    """Whether the bucket lets a provider's credentials write and read."""
    options = {"credentials": credentials, "credentials_args": list(args), "credentials_kwargs": kwargs}
    async with opened({**section, **options}) as store:
        await store.put(KEY, b"name: a\n", content_type_of(KEY))
        return await downloaded(await store.address(KEY, "text/yaml")) == b"name: a\n"


async def test_users_download_from_the_external_endpoint_what_services_put_to_the_internal_one(
    section: dict[str, Any],
) -> None:
    _, _, port = section["internal_endpoint"].rpartition(":")
    with TcpProxy(int(port)) as outside:
        external = {"external_endpoint": f"127.0.0.1:{outside.port}", "external_secure": False}
        async with opened({**section, **external, "region": "eu-central-9"}) as store:
            await store.put(KEY, b"name: a\n", content_type_of(KEY))
            address = str(await store.address(KEY, "text/yaml"))
            assert address.startswith(f"http://127.0.0.1:{outside.port}/{section['bucket_name']}/{KEY}?")
            assert await downloaded(address) == b"name: a\n"
    assert "%2Feu-central-9%2Fs3%2F" in address


async def test_users_download_by_https_unless_external_secure_says_no(section: dict[str, Any]) -> None:
    async with opened({**section, "external_endpoint": "objects.example"}) as store:
        assert str(await store.address(KEY, "text/yaml")).startswith("https://objects.example/")


async def test_users_are_sent_to_no_store_that_they_do_not_reach(section: dict[str, Any]) -> None:
    async with opened({**section, "redirect_downloads": False}) as store:
        await store.put(KEY, b"name: a\n", content_type_of(KEY))
        assert await store.address(KEY, content_type_of(KEY)) is None


async def test_bucket_that_is_missing_is_named(section: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"^S3 bucket=nowhere does not exist$"):
        async with opened({**section, "bucket_name": "nowhere"}):
            pass


@pytest.mark.parametrize("missing", ["access_key", "secret_key"])
def test_half_a_pair_of_keys_is_refused(section: dict[str, Any], missing: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"S3Storage\.{missing} is not"):
        opened({**section, missing: ""})


async def test_store_without_any_credentials_says_what_to_set(
    section: dict[str, Any], keys: tuple[str, str], tmp_path: Path
) -> None:
    nowhere = {"credentials": AWSConfigProvider, "credentials_kwargs": {"filename": str(tmp_path / "none")}}
    async with opened({**section, **nowhere}) as store:
        with pytest.raises(StorageUnavailable, match=r"no credentials.*S3Storage\.access_key"):
            await store.put(KEY, b"", "text/yaml")


async def test_static_credentials_of_a_provider_open_the_bucket(section: dict[str, Any], keys: tuple[str, str]) -> None:
    assert await is_open_to(section, StaticProvider, *keys)


async def test_credentials_of_a_file_and_of_a_chain_open_the_bucket(
    section: dict[str, Any], keys: tuple[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "credentials"
    file.write_text(f"[store]\naws_access_key_id = {keys[0]}\naws_secret_access_key = {keys[1]}\n")
    of_file = AWSConfigProvider(str(file), "store")
    assert await is_open_to(section, AWSConfigProvider, filename=str(file), profile="store")
    assert await is_open_to(section, ChainedProvider, [AWSConfigProvider(str(file), "other"), of_file])


@contextmanager
def variables(**values: str) -> Iterator[None]:
    """Variables of this process, for as long as the store is open."""
    os.environ.update(values)
    try:
        yield
    finally:
        for name in values:
            del os.environ[name]


async def test_credentials_of_the_environment_open_the_bucket(section: dict[str, Any], keys: tuple[str, str]) -> None:
    with variables(AWS_ACCESS_KEY_ID=keys[0], AWS_SECRET_ACCESS_KEY=keys[1]):
        assert await is_open_to(section, EnvAWSProvider)
        # Without a provider they are looked for in the usual places, of which these are the first.
        async with opened(section) as store:
            await store.check()


async def test_credentials_of_the_role_of_a_machine_open_the_bucket(
    section: dict[str, Any], keys: tuple[str, str]
) -> None:
    role = "/latest/meta-data/iam/security-credentials/"
    told = {"Code": "Success", "AccessKeyId": keys[0], "SecretAccessKey": keys[1], "Token": ""}
    expiration = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    with AnsweringServer() as machine:
        machine.routes["/latest/api/token"] = Answer(body=b"token")
        machine.routes[role] = Answer(body=b"storing")
        machine.routes[f"{role}storing"] = Answer(body=json.dumps({**told, "Expiration": expiration}).encode())
        assert await is_open_to(section, IamAwsProvider, custom_endpoint=machine.url)


@dataclass
class Told:
    """Credentials as providers tell them."""

    access_key: str
    secret_key: str
    expiration: datetime | None
    session_token: str | None = None


class OwnProvider:
    """A provider as a configuration file writes one; knows in which threads it was asked."""

    asked: list[int]

    def __init__(self, *keys: str, seconds: float | None = None) -> None:
        self.keys, self.seconds = keys, seconds
        type(self).asked = []

    def retrieve(self) -> Told:
        """Tell credentials that end after so many seconds."""
        self.asked.append(threading.get_ident())
        end = datetime.now(UTC) + timedelta(seconds=self.seconds) if self.seconds else None
        return Told(self.keys[0], self.keys[1], end)


@pytest.mark.parametrize(("seconds", "times"), [(None, 1), (3600, 1), (2, 2)])
async def test_provider_of_ones_own_is_asked_in_a_thread_and_again_before_its_credentials_end(
    section: dict[str, Any], keys: tuple[str, str], seconds: float | None, times: int
) -> None:
    options = {
        "credentials": OwnProvider,
        "credentials_args": list(keys),
        "credentials_kwargs": {"seconds": seconds},
    }
    async with opened({**section, **options}) as store:
        for _ in range(3):
            await store.put(KEY, b"", "text/yaml")
        async with asyncio.timeout(30):
            while len(OwnProvider.asked) < times:
                await store.put(KEY, b"", "text/yaml")
                await asyncio.sleep(0.1)
    assert len(OwnProvider.asked) == times
    assert threading.get_ident() not in OwnProvider.asked


class BrokenProvider:
    """A provider that has no credentials."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def retrieve(self) -> object:
        """Raise, or tell something else."""
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "told"), [(ValueError("secret"), "failed: ValueError"), ("keys", "retrieve.. returned str")]
)
async def test_provider_that_fails_is_named_and_the_store_waits_for_it(
    section: dict[str, Any], keys: tuple[str, str], answer: object, told: str
) -> None:
    options = {"credentials": BrokenProvider, "credentials_args": [answer]}
    async with opened({**section, **options}) as store:
        with pytest.raises(StorageUnavailable, match=f"^S3Storage.credentials=BrokenProvider:? {told}") as raised:
            await store.put(KEY, b"", "text/yaml")
    assert "secret" not in raised.value.message.replace("secret_key", "")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"credentials": dict}, r"dict is no provider of credentials: it has no method retrieve\(\)"),
        ({"credentials": StaticProvider, "credentials_args": ["one"]}, "StaticProvider cannot be made .*TypeError"),
    ],
)
def test_class_that_provides_no_credentials_is_refused(
    section: dict[str, Any], options: dict[str, Any], told: str
) -> None:
    with pytest.raises(ConfigurationError, match=told):
        opened({**section, **options})


class OwnLocalStorage(LocalStorage):
    """A class as a configuration file derives it, for its defaults."""


class OwnStorage(Storage):
    """A class that keeps objects somewhere of its own."""


class LoudS3Storage(S3Storage):
    """A class that changes what ours does."""

    def get_url(self, key: str) -> str:
        """Return another address."""
        return key.upper()


def test_store_is_of_the_class_that_storage_class_names(section: dict[str, Any], tmp_path: Path) -> None:
    local = {"storage_path": str(tmp_path)}

    def kind(storage_class: type[Storage] | None, **sections: Any) -> type[object]:
        named = {"storage_class": storage_class} if storage_class else {}
        return type(open_store(Config(LocalStorage=local, CondaStore=named, **sections)).store)

    assert kind(LocalStorage, S3Storage=section) is FilesystemStore
    assert kind(OwnLocalStorage) is FilesystemStore
    assert kind(S3Storage) is kind(None, S3Storage=section) is S3Store
    assert kind(None) is FilesystemStore
    for refused in (OwnStorage, LoudS3Storage):
        with pytest.raises(ConfigurationError, match=f"{refused.__name__} keeps objects in a way of its own"):
            kind(refused)


async def test_files_are_downloaded_from_storage_url_when_it_is_set(tmp_path: Path) -> None:
    section = {"storage_path": str(tmp_path), "storage_url": "https://files.example/objects/"}
    async with open_store(Config(LocalStorage=section)) as store:
        await store.put("yaml/a?.yml", b"", "text/yaml")
        assert await store.address("yaml/a?.yml", "text/yaml") == "https://files.example/objects/yaml/a%3F.yml"
