"""The S3 of the tests: buckets of their own, and an outage."""

import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import EndpointConnectionError
from types_aiobotocore_s3 import S3Client

from conda_store_shared.testing.servers import S3, Bucket, S3Account


def client_of(account: S3Account) -> S3Client:
    """A client context for the account, path style."""
    return get_session().create_client(  # type: ignore[no-any-return]
        "s3",
        endpoint_url=account.endpoint,
        aws_access_key_id=account.access_key,
        aws_secret_access_key=account.secret_key,
        region_name=account.region,
        config=AioConfig(
            s3={"addressing_style": "path"},
            retries={"total_max_attempts": 1},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


async def test_object_put_is_got_back(s3_bucket: Bucket) -> None:
    async with client_of(s3_bucket.account) as client:
        await client.put_object(Bucket=s3_bucket.name, Key="a/b", Body=b"text")
        answer = await client.get_object(Bucket=s3_bucket.name, Key="a/b")
        async with answer["Body"] as body:
            assert await body.read() == b"text"


async def test_bucket_names_the_key_of_every_object(s3_bucket: Bucket) -> None:
    assert s3_bucket.keys() == set()
    keys = {f"thing-{number}" for number in range(1100)} | {"a/b & c", "ü/=+"}
    async with client_of(s3_bucket.account) as client:
        for key in keys:
            await client.put_object(Bucket=s3_bucket.name, Key=key, Body=b"")
    assert s3_bucket.keys() == keys


async def test_buckets_know_nothing_of_each_other(s3_bucket: Bucket) -> None:
    other = s3_bucket.account.create_bucket()
    async with client_of(s3_bucket.account) as client:
        await client.put_object(Bucket=s3_bucket.name, Key="thing", Body=b"text")
        assert "Contents" not in await client.list_objects_v2(Bucket=other.name)


async def test_objects_are_back_after_an_outage() -> None:
    with S3() as s3:
        bucket = s3.create_bucket()
        async with client_of(s3.account) as client:
            await client.put_object(Bucket=bucket.name, Key="thing", Body=b"text")
        s3.stop()
        async with client_of(s3.account) as client:
            with pytest.raises(EndpointConnectionError):
                await client.head_object(Bucket=bucket.name, Key="thing")
        s3.start()
        async with client_of(s3.account) as client:
            assert (await client.head_object(Bucket=bucket.name, Key="thing"))["ContentLength"] == 4


def test_account_is_read_from_a_url_with_keys() -> None:
    account = S3Account.from_url("https://key:secret@example.org:9000")
    assert (account.endpoint, account.access_key, account.secret_key) == ("https://example.org:9000", "key", "secret")
    assert "secret" not in repr(account)


def test_url_without_keys_is_refused() -> None:
    with pytest.raises(ValueError, match="access_key"):
        S3Account.from_url("http://127.0.0.1:9000")
