"""Bills of materials, checked by programs of others that know the schemas."""

import json
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.foreign_tool import install_tool
from tests.integration.artifacts.download_service import DownloadService
from tests.integration.artifacts.locked_builds import a_lockfile, an_order

BUILD = "/conda-store/api/v1/build/1"
CYCLONEDX = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read())
sys.exit(str(problem) if problem else 0)
"""
SPDX = """
import json, sys
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
problems = validate_full_spdx_document(JsonLikeDictParser().parse(json.load(sys.stdin)))
sys.exit(str([problem.validation_message for problem in problems]) if problems else 0)
"""
PURLS = """
import json, sys
from packageurl import PackageURL
for text in json.load(sys.stdin):
    assert PackageURL.from_string(text).to_string() == text, text
"""


@pytest.fixture(scope="module")
def tools() -> Path:
    """Programs of others."""
    return install_tool("bill-of-materials")


def judge(tools: Path, script: str, value: Any) -> None:
    """Let a program of others say that a document is what it should be."""
    ended = subprocess.run(
        [tools / "python", "-c", script], input=json.dumps(value), capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 0, ended.stderr


async def a_completed_build(service: DownloadService) -> None:
    await service.complete(a_lockfile(), an_order())
    await service.add_package(1, "zlib", "linux-64", "Zlib AND (MIT OR GPL-3.0-only WITH GCC-exception-3.1)")
    await service.add_package(2, "attrs", "noarch", "BSD 3-Clause")


async def test_cyclonedx_bill_is_valid_and_says_what_is_known(
    service: DownloadService, client: httpx.AsyncClient, tools: Path
) -> None:
    await a_completed_build(service)
    answer = await client.get(f"{BUILD}/sbom/")
    assert answer.headers["content-type"] == "application/vnd.cyclonedx+json; version=1.6"
    bill = answer.json()
    judge(tools, CYCLONEDX, bill)
    judge(tools, PURLS, [one["purl"] for one in bill["components"]])
    attrs, zlib, flask = bill["components"]
    assert attrs["purl"] == "pkg:conda/attrs@1.0?build=h1_0&channel=conda-forge&subdir=noarch&type=conda"
    assert zlib["purl"] == (
        "pkg:conda/zlib@1.0?build=h1_0&channel=https://c.example.org/own&subdir=linux-64&type=conda"
    )
    assert flask["purl"] == "pkg:pypi/flask-login@1.0"
    assert attrs["hashes"] == [{"alg": "MD5", "content": "0" * 32}, {"alg": "SHA-256", "content": "1" * 64}]
    assert attrs["licenses"] == [{"license": {"name": "BSD 3-Clause"}}]
    assert zlib["licenses"] == [{"expression": "Zlib AND (MIT OR GPL-3.0-only WITH GCC-exception-3.1)"}]
    assert "licenses" not in flask
    assert bill["metadata"]["timestamp"] == "2026-11-22T11:00:00Z"
    assert {"ref": attrs["purl"], "dependsOn": [zlib["purl"]]} in bill["dependencies"]
    assert (await client.get(f"{BUILD}/sbom/?format=cyclonedx")).content == answer.content


async def test_spdx_bill_is_valid_and_says_what_is_known(
    service: DownloadService, client: httpx.AsyncClient, tools: Path
) -> None:
    await a_completed_build(service)
    answer = await client.get(f"{BUILD}/sbom/?format=spdx")
    assert answer.headers["content-type"] == "application/spdx+json"
    bill = answer.json()
    judge(tools, SPDX, bill)
    environment, attrs, zlib, flask = bill["packages"]
    assert environment["name"] == "team/what?"
    assert attrs["checksums"][1] == {"algorithm": "SHA256", "checksumValue": "1" * 64}
    assert (attrs["licenseDeclared"], attrs["licenseComments"]) == ("NOASSERTION", "Its channel says: BSD 3-Clause")
    assert zlib["licenseDeclared"] == "Zlib AND (MIT OR GPL-3.0-only WITH GCC-exception-3.1)"
    assert flask["externalRefs"][0]["referenceLocator"] == "pkg:pypi/flask-login@1.0"
    assert (await client.get(f"{BUILD}/sbom/?format=spdx")).content == answer.content


async def test_bill_is_of_another_platform_when_it_is_asked_for(
    service: DownloadService, client: httpx.AsyncClient, tools: Path
) -> None:
    await a_completed_build(service)
    own, other = [(await client.get(f"{BUILD}/sbom/{query}")).json() for query in ("", "?platform=osx-arm64")]
    judge(tools, CYCLONEDX, other)
    assert [one["name"] for one in other["components"]] == ["attrs"]
    assert other["serialNumber"] != own["serialNumber"]
    unknown = await client.get(f"{BUILD}/sbom/?format=swid")
    assert (unknown.status_code, unknown.json()["detail"][0]["loc"]) == (422, ["query", "format"])
