"""A bill of materials as CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/)."""

from typing import Any

from conda_store_artifacts.domain.bills.bill import Bill, BilledPackage
from conda_store_artifacts.domain.bills.licenses import spdx_expression

FORM, MEDIA_TYPE = "cyclonedx", "application/vnd.cyclonedx+json; version=1.6"
_ALGORITHMS = (("MD5", "md5"), ("SHA-256", "sha256"))


def write_cyclonedx(bill: Bill) -> dict[str, Any]:
    """Return the document."""
    reference = f"{bill.described.build_key}/{bill.platform}"
    environment = {
        "type": "application",
        "bom-ref": reference,
        "name": bill.name,
        "version": bill.described.build_key,
        "properties": [
            {"name": "conda-store:platform", "value": bill.platform},
            {"name": "conda-store:lockfile:sha256", "value": bill.lockfile_digest},
        ],
    }
    tool = {"type": "application", "name": "conda-store", "version": bill.described.tool}
    depends = [{"ref": one.purl, "dependsOn": list(one.depends)} for one in bill.packages]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{bill.uuid(FORM)}",
        "version": 1,
        "metadata": {"timestamp": bill.created, "tools": {"components": [tool]}, "component": environment},
        "components": [_component(one) for one in bill.packages],
        "dependencies": [{"ref": reference, "dependsOn": [one.purl for one in bill.packages]}, *depends],
    }


def _component(billed: BilledPackage) -> dict[str, Any]:
    package = billed.package
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": billed.purl,
        "name": package.name,
        "version": package.version,
        "purl": billed.purl,
        "hashes": [
            {"alg": name, "content": digest}
            for name, field in _ALGORITHMS
            if (digest := getattr(package, field)) is not None
        ],
        "externalReferences": [{"type": "distribution", "url": package.url}],
    }
    return component | _licenses(billed.license)


def _licenses(text: str | None) -> dict[str, Any]:
    if not text:
        return {}
    expression = spdx_expression(text)
    if expression is None:
        return {"licenses": [{"license": {"name": text}}]}
    if " " in expression:
        return {"licenses": [{"expression": expression}]}
    return {"licenses": [{"license": {"id": expression}}]}
