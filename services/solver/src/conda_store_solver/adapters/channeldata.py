"""What a channel tells about its packages beyond repodata: ``channeldata.json``, fetched when it has changed."""

import contextlib
import json
import os
import tempfile
from pathlib import Path

import aiohttp

from conda_store_shared.conda.credentials import CredentialBook

_FILE = "channeldata.json"
_PIECE = 256 * 1024
_LARGEST = 512 * 1024 * 1024
_OK, _NOT_MODIFIED = 200, 304
_TIMEOUT = aiohttp.ClientTimeout(total=120, sock_connect=10, sock_read=20)
# Validators of an answer, and how a request asks with them.
_CONDITIONS = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}


async def fetch_channeldata(channel: str, directory: Path, credentials: CredentialBook) -> Path | None:
    """Return channeldata as it is now, or was when it could last be fetched; None when there never was one.

    A channel need not have it, so nothing is raised.
    """
    kept, validators = directory / _FILE, directory / f"{_FILE}.validators"
    address = f"{channel}/{_FILE}"
    credential = credentials.find(address)
    headers = {"Authorization": credential.authorization} if credential and credential.authorization else {}
    if kept.exists() and validators.exists():
        known = json.loads(validators.read_text())
        headers |= {_CONDITIONS[name]: value for name, value in known.items()}
    try:
        async with (
            aiohttp.ClientSession(trust_env=True, timeout=_TIMEOUT) as session,
            session.get(credential.with_token(address) if credential else address, headers=headers) as answer,
        ):
            if answer.status == _OK:
                await _keep(answer, kept)
                known = {name: answer.headers[name] for name in _CONDITIONS if name in answer.headers}
                validators.write_text(json.dumps(known))
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        pass
    return kept if kept.exists() else None


async def _keep(answer: aiohttp.ClientResponse, path: Path) -> None:
    """Store the body whole or not at all; raises ValueError for one that has no end."""
    descriptor, draft = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            async for piece in answer.content.iter_chunked(_PIECE):
                if file.tell() > _LARGEST:
                    raise ValueError(f"{_FILE} has more than {_LARGEST} bytes")
                file.write(piece)
        os.replace(draft, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(draft)
