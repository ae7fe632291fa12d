"""Which routes a configuration has served, and where."""

from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from traitlets.config import Config

from conda_store_shared.assembly.process import Process, make_application
from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.config.server import CondaStoreServer
from conda_store_shared.web.operation import Anyone, operation
from conda_store_shared.web.routing import route
from conda_store_shared.worker.service import Service


@operation("Answer", Anyone())
async def answer(_request: Request) -> Response:
    """Answer."""
    return PlainTextResponse("here")


ROUTES = [route(path, get=answer) for path in ("/", "/api/v1/", "/login/")] + [route("/v2/", get=answer, rooted=True)]


async def status_of(path: str, **options: Any) -> int:
    """The status of a GET when CondaStoreServer is configured with ``options``."""
    process = Process(services=[Service(name="test", routes=ROUTES)], bus=MemoryBus())
    application = make_application(process, CondaStoreServer(config=Config(CondaStoreServer=options)))
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://conda-store.example") as client:
        return (await client.get(path)).status_code


@pytest.mark.parametrize("path", ["/", "/api/v1/", "/login/", "/metrics", "/v2/", "/health/live"])
async def test_server_serves_everything_unless_told_otherwise(path: str) -> None:
    assert await status_of(path) == 200


@pytest.mark.parametrize(
    ("option", "path"),
    [("enable_ui", "/"), ("enable_api", "/api/v1/"), ("enable_metrics", "/metrics"), ("enable_registry", "/v2/")],
)
async def test_server_leaves_out_what_is_not_enabled(option: str, path: str) -> None:
    assert await status_of(path, **{option: False}) == 404
    assert await status_of("/login/", **{option: False}) == 200


async def test_registry_stays_where_clients_look_for_it_when_there_is_a_prefix() -> None:
    prefixed = {"url_prefix": "/conda-store/"}
    found = [
        await status_of(path, **prefixed) for path in ("/v2/", "/conda-store/api/v1/", "/api/v1/", "/conda-store/v2/")
    ]
    assert found == [200, 200, 404, 404]
