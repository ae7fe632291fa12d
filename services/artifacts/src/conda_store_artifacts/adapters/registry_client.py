"""Registries of others, by the distribution specification over HTTP; no engine and no client program is needed.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

import asyncio
import hashlib
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

import aiohttp

from conda_store_artifacts.adapters.registry_transport import PUSH, TRIES, Ask, ClientOptions, Read, RegistryTransport
from conda_store_artifacts.domain.image_reference import Repository
from conda_store_artifacts.domain.oci_manifest import Document
from conda_store_artifacts.ports import PushedBlob
from conda_store_shared.domain.canonical import sha256_hex
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure

_LARGEST_DOCUMENT = 4 * 1024 * 1024
_MOST_SEEN = 20_000
_PIECE = 256 * 1024
_OCTETS = "application/octet-stream"


class RegistryClient:
    """Pulls from registries and pushes to them; every method raises StageFailure."""

    def __init__(self, options: ClientOptions | None = None) -> None:
        self._transport = RegistryTransport(options)
        # Where a blob was last seen, so that another repository of the same registry may take it from there.
        self._seen: dict[tuple[str, str], str] = {}

    async def fetch_document(self, repository: Repository, reference: str, accept: str) -> Document:
        """Return a manifest or an index by its tag, or its digest with ``sha256:`` in front."""
        url = _url(repository, "manifests", reference)
        content, headers = await self._fetch(repository, Ask(method="GET", url=url, headers={"Accept": accept}))
        media_type = headers.get("Content-Type", "").partition(";")[0].strip()
        document = Document(media_type=media_type, content=content)
        if reference.startswith("sha256:") and reference != f"sha256:{document.digest}":
            raise _damaged(repository, reference)
        return document

    async def fetch_content(self, repository: Repository, digest: str) -> bytes:
        """Return a small blob by its digest (hex)."""
        url = _url(repository, "blobs", f"sha256:{digest}")
        content, _ = await self._fetch(repository, Ask(method="GET", url=url))
        if sha256_hex(content) != digest:
            raise _damaged(repository, digest)
        return content

    async def fetch_file(self, repository: Repository, digest: str, path: Path) -> int:
        """Write a blob to ``path``; return its size in bytes."""

        async def write(answer: aiohttp.ClientResponse) -> None:
            if await _write(answer, path) != digest:
                raise _damaged(repository, digest)

        await self._ask(repository, Ask(method="GET", url=_url(repository, "blobs", f"sha256:{digest}")), write)
        return (await asyncio.to_thread(path.stat)).st_size

    async def push_blob(self, repository: Repository, blob: PushedBlob) -> bool:
        """Send a blob unless the registry has it or takes it from another repository; return whether it was sent."""
        async with self._transport.session() as session:
            known = Ask(
                method="HEAD", url=_url(repository, "blobs", f"sha256:{blob.digest}"), actions=PUSH, may_miss=True
            )
            is_there = (await self._transport.ask(session, repository, known)).status != 404
            is_sent = False if is_there else await self._send(session, repository, blob)
        self._note(repository, blob.digest)
        return is_sent

    async def push_document(self, repository: Repository, reference: str, document: Document) -> None:
        """Put a manifest or an index under a tag, or its digest with ``sha256:`` in front."""
        ask = Ask(
            method="PUT",
            url=_url(repository, "manifests", reference),
            actions=PUSH,
            headers={"Content-Type": document.media_type},
            body=document.content,
        )
        await self._ask(repository, ask)

    async def _send(self, session: aiohttp.ClientSession, repository: Repository, blob: PushedBlob) -> bool:
        """Send a blob; False when the registry took it from elsewhere.

        An upload that was cut off cannot be sent to the same place again: it is begun anew.
        """
        for repeats in range(TRIES):
            place = await self._begin(session, repository, blob)
            if place is None:
                return False
            try:
                await self._transport.ask(session, repository, _upload(blob, place))
                return True
            except StageFailure as failure:
                if not failure.transient or repeats == TRIES - 1:
                    raise
            await self._transport.pause(repeats)
        raise AssertionError("unreachable")

    async def _begin(self, session: aiohttp.ClientSession, repository: Repository, blob: PushedBlob) -> str | None:
        """Return where to send a blob; None when the registry took it from another of its repositories."""
        url = _url(repository, "blobs", "uploads/")
        answer = await self._mount(session, repository, blob, url)
        if answer is None:
            answer = await self._transport.ask(session, repository, Ask(method="POST", url=url, actions=PUSH))
        if answer.status == 201:
            return None
        place = answer.headers.get("Location")
        if place is None:
            detail = f"registry {repository.host} does not say where to upload"
            raise StageFailure(FailureCode.REGISTRY_REFUSED, detail)
        return urljoin(url, place)

    async def _mount(
        self, session: aiohttp.ClientSession, repository: Repository, blob: PushedBlob, url: str
    ) -> aiohttp.ClientResponse | None:
        """Ask that a blob be taken from another repository; None when there is none, or it must not be read."""
        source = self._seen.get((repository.address, blob.digest))
        if source is None or source == repository.name:
            return None
        mount = f"{url}?mount=sha256:{blob.digest}&from={quote(source, safe='')}"
        try:
            return await self._transport.ask(session, repository, Ask(method="POST", url=mount, actions=PUSH))
        except StageFailure as failure:
            if failure.cause != FailureCode.REGISTRY_REFUSED:
                raise
            return None

    def _note(self, repository: Repository, digest: str) -> None:
        if len(self._seen) >= _MOST_SEEN:
            del self._seen[next(iter(self._seen))]
        self._seen[repository.address, digest] = repository.name

    async def _ask(self, repository: Repository, ask: Ask, read: Read | None = None) -> aiohttp.ClientResponse:
        async with self._transport.session() as session:
            return await self._transport.ask(session, repository, ask, read)

    async def _fetch(self, repository: Repository, ask: Ask) -> tuple[bytes, Mapping[str, str]]:
        content = b""

        async def read(answer: aiohttp.ClientResponse) -> None:
            nonlocal content
            content = b""
            async for piece in answer.content.iter_chunked(_PIECE):
                content += piece
                if len(content) > _LARGEST_DOCUMENT:
                    detail = f"registry {repository.host}: {urlsplit(ask.url).path} is larger than it may be"
                    raise StageFailure(FailureCode.REGISTRY_REFUSED, detail)

        answer = await self._ask(repository, ask, read)
        return content, answer.headers


def _url(repository: Repository, kind: str, reference: str) -> str:
    return f"{repository.address}/v2/{repository.name}/{kind}/{reference}"


def _upload(blob: PushedBlob, place: str) -> Ask:
    parts = urlsplit(place)
    query = f"{parts.query}&" if parts.query else ""
    return Ask(
        method="PUT",
        url=urlunsplit(parts._replace(query=f"{query}digest=sha256:{blob.digest}")),
        actions=PUSH,
        headers={"Content-Type": _OCTETS, "Content-Length": str(blob.size)},
        body=blob.read,
        tries=1,
    )


async def _write(answer: aiohttp.ClientResponse, path: Path) -> str:
    """Write a body to a file; return its SHA-256 (hex)."""
    hasher = hashlib.sha256()
    file = await asyncio.to_thread(path.open, "wb")
    with file:
        async for piece in answer.content.iter_chunked(_PIECE):
            hasher.update(piece)
            await asyncio.to_thread(file.write, piece)
    return hasher.hexdigest()


def _damaged(repository: Repository, what: str) -> StageFailure:
    detail = f"registry {repository.host} sends something else than {what} of {repository.name}"
    return StageFailure(FailureCode.HASH_MISMATCH, detail, transient=True)
