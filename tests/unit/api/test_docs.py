"""The API description and the pages that show it."""

import json
import re

import pytest

from conda_store_standalone.route_tables import every_route
from scripts.api_description import api_description
from tests.unit.api.api_client import open_api
from tests.unit.api.ledger_builders import Ledger


async def test_description_tells_every_route_and_where_it_is_served(ledger: Ledger) -> None:
    async with open_api(ledger) as api:
        described = (await api.client.get("/openapi.json")).json()
    paths = {re.sub(r":\w+\}", "}", route.declared_path): set(route.endpoints) for route in every_route()}
    assert {path: {method.upper() for method in item} for path, item in described["paths"].items()} == paths
    assert (described["openapi"], described["servers"]) == ("3.1.0", [{"url": "/"}])


def test_description_gives_each_operation_a_name_of_its_own() -> None:
    operations = [each for item in json.loads(api_description())["paths"].values() for each in item.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names)) > 20


def test_description_refers_to_nothing_it_does_not_hold() -> None:
    text = api_description()
    held = set(json.loads(text)["components"]["schemas"])
    assert set(re.findall(r'"#/components/schemas/([^"]+)"', text)) == held


@pytest.mark.parametrize("path", ["/docs", "/docs/", "/docs/oauth2-redirect"])
async def test_page_lets_the_browser_fetch_nothing_from_elsewhere(ledger: Ledger, path: str) -> None:
    async with open_api(ledger) as api:
        page = await api.client.get(path)
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "://" not in re.sub(r"<!--.*?-->", "", page.text, flags=re.DOTALL)


async def test_page_finds_its_parts_and_nothing_else(ledger: Ledger) -> None:
    async with open_api(ledger) as api:
        page = await api.client.get("/docs")
        parts = re.findall(r'(?:href|src)="(/docs/[^"]+)"', page.text)
        assert [(await api.client.get(part)).status_code for part in parts] == [200, 200, 200]
        assert (await api.client.get("/docs/assets/..%2Fcore.py")).status_code == 404
        assert (await api.client.get("/docs/assets/index.css")).status_code == 404


async def test_other_page_of_upstream_leads_to_ours(ledger: Ledger) -> None:
    async with open_api(ledger) as api:
        answer = await api.client.get("/redoc")
    assert (answer.status_code, answer.headers["location"]) == (307, "/docs")
