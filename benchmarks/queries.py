"""How many queries a request takes: of the same service in this process, where each of them can be counted."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx
from traitlets.config import Config

from benchmarks.load import WrongAnswer
from conda_store_api.config import read_options
from conda_store_api.main import Parts, build
from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.db.engine import Database
from conda_store_shared.logs import configure_logging
from conda_store_shared.storage.filesystem import FilesystemStore
from conda_store_shared.testing.queries import recorded_queries
from conda_store_shared.testing.servers.conda_store import SECRET
from conda_store_shared.web.application import create_application

# What is known of the caller grows old now and then, and is asked for again.
_TRIES = 3


def queries_of(targets: Sequence[str], token: str, database_url: str, directory: Path) -> Mapping[str, int]:
    """The number of queries by target, once it is known who asks; raises WrongAnswer."""
    configure_logging("bench", logging.WARNING)
    return asyncio.run(_queries_of(targets, token, database_url, directory))


async def _queries_of(targets: Sequence[str], token: str, url: str, directory: Path) -> Mapping[str, int]:
    config = Config()
    config.AuthenticationBackend.secret = SECRET
    async with Database(url, pool_size=1) as database, FilesystemStore(directory) as store:
        service = build(read_options(config), Parts(bus=MemoryBus(), store=store, database=database))
        transport = httpx.ASGITransport(create_application(service.routes))
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://here", headers=headers) as client:
            with recorded_queries(database) as queries:
                return {target: min([await _ask(client, target, queries) for _ in range(_TRIES)]) for target in targets}


async def _ask(client: httpx.AsyncClient, target: str, queries: list[str]) -> int:
    queries.clear()
    answer = await client.get(target)
    if answer.status_code != httpx.codes.OK:
        raise WrongAnswer(f"{target}: {answer.status_code} {answer.text[:500]}")
    await asyncio.sleep(0)
    return len(queries)
