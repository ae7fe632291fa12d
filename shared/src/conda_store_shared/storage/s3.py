"""The object store on S3, or on anything that speaks its protocol."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import aiohttp
import structlog
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from conda_store_shared.errors import ConfigurationError, NotFound, StorageUnavailable, TooLarge
from conda_store_shared.storage.blocks import blocks_of
from conda_store_shared.storage.object_key import checked_key
from conda_store_shared.storage.object_store import StoredObject
from conda_store_shared.storage.s3_credentials import CredentialsOptions
from conda_store_shared.storage.s3_session import client_config, open_session
from conda_store_shared.storage.s3_upload_part import UploadPart

if TYPE_CHECKING:
    from types_aiobotocore_s3.client import S3Client
    from types_aiobotocore_s3.type_defs import CompletedPartTypeDef

log = structlog.get_logger()
# The least that S3 takes: an upload holds several of them.
PART_BYTES = 5 * 1024 * 1024
_MAXIMUM_PARTS = 10_000
_PARTS_AT_ONCE = 2
_PIECE = 256 * 1024
_ADDRESS_VALIDITY = 7 * 24 * 3600
_NO_CREDENTIALS = (
    "no credentials for the object store were found; set S3Storage.access_key and S3Storage.secret_key, or "
    "S3Storage.credentials"
)
_Pieces = list[bytes]
_MISSING = frozenset({"404", "NoSuchKey", "NotFound"})


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Options:
    """Where the bucket is and who we are.

    ``endpoint`` and ``external_endpoint`` are addresses with scheme; the second is the one users' clients reach, the
    first one when None, and none when not ``redirects``.  Without keys ``credentials`` tells them; without either
    botocore looks for them where it always does.  ``timeout`` in seconds bounds every small operation; one part of an
    upload may take ``part_timeout``.
    """

    bucket: str
    endpoint: str | None = None
    external_endpoint: str | None = None
    redirects: bool = True
    region: str = "us-east-1"
    access_key: str | None = None
    secret_key: str | None = field(default=None, repr=False)
    credentials: CredentialsOptions | None = field(default=None, repr=False)
    timeout: float = 10.0
    part_timeout: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Clients:
    """``patient`` waits for large uploads, which a store may take long to put together; ``signing`` never connects."""

    quick: "S3Client"
    patient: "S3Client"
    signing: "S3Client"


class S3Store:
    """ObjectStore on one bucket, which must exist; use as a context manager.

    Raises ConfigurationError for a provider of credentials that nobody can ask.
    """

    def __init__(self, options: S3Options) -> None:
        self._options = options
        self._session = open_session(options.credentials)
        self._stack = AsyncExitStack()
        self._opened: _Clients | None = None

    async def __aenter__(self) -> Self:
        """Open the clients; raises ConfigurationError when the bucket does not exist.

        A store that cannot be reached now is no reason not to start: it may come back.
        """
        options = self._options
        quick = await self._open(options.endpoint, options.timeout * 0.4)
        self._opened = _Clients(
            quick=quick,
            patient=await self._open(options.endpoint, options.part_timeout),
            signing=await self._open(options.external_endpoint, 1.0) if options.external_endpoint else quick,
        )
        try:
            async with self._answering(options.bucket):
                await quick.head_bucket(Bucket=options.bucket)
        except NotFound:
            await self._stack.aclose()
            raise ConfigurationError(f"S3 bucket={options.bucket} does not exist") from None
        except StorageUnavailable as error:
            log.warning("storage_waits", bucket=options.bucket, reason=error.message)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened = None
        await self._stack.aclose()

    async def put(self, key: str, content: bytes, content_type: str) -> StoredObject:
        """Store a small object."""
        async with self._answering(checked_key(key), self._options.part_timeout):
            answer = await self._client.put_object(
                Bucket=self._options.bucket, Key=key, Body=content, ContentType=content_type
            )
        return StoredObject(key=key, size=len(content), etag=answer["ETag"].strip('"'))

    async def put_file(self, key: str, path: Path, content_type: str) -> StoredObject:
        """Store a file, in parts when it is larger than one; at most three parts are in memory."""
        size = (await asyncio.to_thread(path.stat)).st_size
        if size <= PART_BYTES:
            return await self.put(key, await asyncio.to_thread(path.read_bytes), content_type)
        step = max(PART_BYTES, -(-size // _MAXIMUM_PARTS))
        return await self._put_in_parts(key, _read_parts(path, step), content_type)

    async def put_stream(self, key: str, pieces: AsyncIterator[bytes], content_type: str) -> StoredObject:
        """Store what comes, in parts when it is more than one; at most three parts are in memory."""
        parts = blocks_of(pieces, PART_BYTES)
        first: _Pieces = await anext(parts, [])
        if sum(map(len, first)) < PART_BYTES:
            return await self.put(key, b"".join(first), content_type)
        all_parts = _begun([first], parts)
        del first
        return await self._put_in_parts(key, all_parts, content_type)

    async def get(self, key: str, limit: int) -> bytes:
        """Return a small object; raises NotFound or TooLarge."""
        async with self._answering(checked_key(key), self._options.part_timeout):
            answer = await self._client.get_object(Bucket=self._options.bucket, Key=key)
            async with answer["Body"] as body:
                if answer["ContentLength"] > limit:
                    raise TooLarge(f"object {key!r} has more than {limit} bytes")
                content: bytes = await body.read()
                return content

    async def stream(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Yield the bytes ``start`` to ``end`` (exclusive) in pieces; raises NotFound."""
        checked_key(key)
        if end is not None and end <= start:
            return
        whole = start == 0 and end is None
        selection: Any = {} if whole else {"Range": f"bytes={start}-{'' if end is None else end - 1}"}
        try:
            async with self._answering(key):
                answer = await self._client.get_object(Bucket=self._options.bucket, Key=key, **selection)
        except _BeyondTheEnd:
            return
        async with answer["Body"] as body:
            while True:
                async with self._answering(key):
                    piece: bytes = await body.read(_PIECE)
                if not piece:
                    return
                yield piece

    async def head(self, key: str) -> StoredObject | None:
        """Return what is known of an object, or None when there is none."""
        try:
            async with self._answering(checked_key(key)):
                answer = await self._client.head_object(Bucket=self._options.bucket, Key=key)
        except NotFound:
            return None
        return StoredObject(
            key=key, size=answer["ContentLength"], etag=answer["ETag"].strip('"'), modified=answer["LastModified"]
        )

    async def delete(self, key: str) -> None:
        """Remove an object; harmless when there is none."""
        with suppress(NotFound):
            async with self._answering(checked_key(key)):
                await self._client.delete_object(Bucket=self._options.bucket, Key=key)

    async def address(self, key: str, content_type: str) -> str | None:
        """Signed address on the external endpoint, valid for 7 days; whether the object exists is not asked.

        None when users do not reach the store.
        """
        if not self._options.redirects:
            return None
        async with self._answering(checked_key(key)):
            address: str = await self._clients.signing.generate_presigned_url(
                "get_object",
                Params={"Bucket": self._options.bucket, "Key": key, "ResponseContentType": content_type},
                ExpiresIn=_ADDRESS_VALIDITY,
            )
            return address

    async def check(self) -> None:
        """Raise StorageUnavailable when the bucket cannot be used."""
        bucket = self._options.bucket
        try:
            async with self._answering(bucket):
                await self._client.head_bucket(Bucket=bucket)
        except NotFound:
            raise StorageUnavailable(f"S3 bucket={bucket} does not exist") from None

    @property
    def _clients(self) -> "_Clients":
        if self._opened is None:
            raise StorageUnavailable("the object store is not open")
        return self._opened

    @property
    def _client(self) -> "S3Client":
        return self._clients.quick

    async def _open(self, endpoint: str | None, read_timeout: float) -> "S3Client":
        options = self._options
        client: S3Client = await self._stack.enter_async_context(
            self._session.create_client(
                "s3",
                endpoint_url=endpoint,
                region_name=options.region,
                aws_access_key_id=options.access_key,
                aws_secret_access_key=options.secret_key,
                config=client_config(options.timeout / 4, read_timeout),
            )
        )
        return client

    async def _put_in_parts(self, key: str, parts: AsyncIterator[_Pieces], content_type: str) -> StoredObject:
        async with self._answering(checked_key(key)):
            upload = await self._client.create_multipart_upload(
                Bucket=self._options.bucket, Key=key, ContentType=content_type
            )
        try:
            put = await self._put_parts(key, upload["UploadId"], parts)
            async with self._answering(key, self._options.part_timeout):
                await self._clients.patient.complete_multipart_upload(
                    Bucket=self._options.bucket, Key=key, UploadId=upload["UploadId"], MultipartUpload={"Parts": put}
                )
        except BaseException:
            await self._abort(key, upload["UploadId"])
            raise
        # Some stores tell one tag now, and another one ever after.
        stored = await self.head(key)
        if stored is None:
            raise StorageUnavailable(f"object {key!r} vanished after it was stored")
        return stored

    async def _put_parts(self, key: str, upload: str, parts: AsyncIterator[_Pieces]) -> "list[CompletedPartTypeDef]":
        room = asyncio.Semaphore(_PARTS_AT_ONCE)

        async def put_part(number: int, body: UploadPart) -> "CompletedPartTypeDef":
            try:
                async with self._answering(key, self._options.part_timeout):
                    answer = await self._clients.patient.upload_part(
                        Bucket=self._options.bucket, Key=key, UploadId=upload, PartNumber=number, Body=body
                    )
            finally:
                room.release()
            return {"PartNumber": number, "ETag": answer["ETag"]}

        put: list[asyncio.Task[CompletedPartTypeDef]] = []
        try:
            async with asyncio.TaskGroup() as group:
                await room.acquire()
                async for content in parts:
                    put.append(group.create_task(put_part(len(put) + 1, UploadPart(content))))
                    # Once it is sent nobody may hold it: the next one is as large.
                    del content
                    # The next part is read only when there is room for it.
                    await room.acquire()
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from failures
        return [part.result() for part in put]

    async def _abort(self, key: str, upload: str) -> None:
        with suppress(StorageUnavailable, NotFound):
            async with self._answering(key):
                await self._client.abort_multipart_upload(Bucket=self._options.bucket, Key=key, UploadId=upload)

    @asynccontextmanager
    async def _answering(self, key: str, timeout: float | None = None) -> AsyncIterator[None]:
        """Bound the time of what happens inside, and say in our own words what went wrong."""
        try:
            async with asyncio.timeout(timeout or self._options.timeout):
                yield
        except ClientError as error:
            raise _translated(error, key) from error
        except NoCredentialsError as error:
            raise StorageUnavailable(_NO_CREDENTIALS) from error
        except (BotoCoreError, aiohttp.ClientError, OSError) as error:
            # Named, not quoted: the text of a connection error may hold a signed address.
            reason = f"the object store does not answer ({type(error).__name__}, object {key!r})"
            raise StorageUnavailable(reason) from error


class _BeyondTheEnd(StorageUnavailable):
    """Raised when a range begins after the last byte."""


def _translated(error: ClientError, key: str) -> NotFound | StorageUnavailable:
    code = str(error.response.get("Error", {}).get("Code", ""))
    if code in _MISSING:
        return NotFound(f"object {key!r} does not exist")
    if code in ("InvalidRange", "416"):
        return _BeyondTheEnd(f"object {key!r} is shorter")
    return StorageUnavailable(f"the object store refuses {error.operation_name} of {key!r}: {code}")


async def _begun(first: list[_Pieces], others: AsyncIterator[_Pieces]) -> AsyncIterator[_Pieces]:
    yield first.pop()
    async for other in others:
        yield other
        del other


async def _read_parts(path: Path, size: int) -> AsyncIterator[_Pieces]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while part := await asyncio.to_thread(file.read, size):
            yield [part]
            del part
