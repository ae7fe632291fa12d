"""A bill of materials as SPDX 2.3 (https://spdx.github.io/spdx-spec/v2.3/)."""

import re
from typing import Any

from conda_store_artifacts.domain.bills.bill import Bill, BilledPackage
from conda_store_artifacts.domain.bills.licenses import spdx_expression

FORM, MEDIA_TYPE = "spdx", "application/spdx+json"
_DOCUMENT, _ENVIRONMENT = "SPDXRef-DOCUMENT", "SPDXRef-Environment"
_UNKNOWN = "NOASSERTION"
_OUTSIDE = re.compile(r"[^A-Za-z0-9.-]+")


def write_spdx(bill: Bill) -> dict[str, Any]:
    """Return the document."""
    references = {one.purl: _reference(index, one) for index, one in enumerate(bill.packages, 1)}
    contains = [_relation(_ENVIRONMENT, "CONTAINS", reference) for reference in references.values()]
    depends = [
        _relation(references[one.purl], "DEPENDS_ON", references[other])
        for one in bill.packages
        for other in one.depends
    ]
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": _DOCUMENT,
        "name": f"{bill.name} {bill.described.build_key} {bill.platform}",
        "documentNamespace": f"urn:uuid:{bill.uuid(FORM)}",
        "creationInfo": {"created": bill.created, "creators": [f"Tool: conda-store-{bill.described.tool}"]},
        "packages": [_environment(bill), *(_package(one, references[one.purl]) for one in bill.packages)],
        "relationships": [_relation(_DOCUMENT, "DESCRIBES", _ENVIRONMENT), *contains, *depends],
    }


def _environment(bill: Bill) -> dict[str, Any]:
    return {
        "SPDXID": _ENVIRONMENT,
        "name": bill.name,
        "versionInfo": bill.described.build_key,
        "comment": f"An environment for {bill.platform}; sha256 of its lockfile: {bill.lockfile_digest}",
        **_unknown(),
        "downloadLocation": _UNKNOWN,
    }


def _package(billed: BilledPackage, reference: str) -> dict[str, Any]:
    package, expression = billed.package, spdx_expression(billed.license)
    told = {"licenseComments": f"Its channel says: {billed.license}"} if billed.license and not expression else {}
    purl = {
        "referenceCategory": "PACKAGE-MANAGER",
        "referenceType": "purl",
        "referenceLocator": billed.purl,
    }
    return {
        "SPDXID": reference,
        "name": package.name,
        "versionInfo": package.version,
        **_unknown(),
        "downloadLocation": package.url,
        "licenseDeclared": expression or _UNKNOWN,
        **told,
        "checksums": [
            {"algorithm": name, "checksumValue": digest}
            for name, digest in (("MD5", package.md5), ("SHA256", package.sha256))
            if digest is not None
        ],
        "externalRefs": [purl],
    }


def _unknown() -> dict[str, Any]:
    return {
        "filesAnalyzed": False,
        "licenseConcluded": _UNKNOWN,
        "licenseDeclared": _UNKNOWN,
        "copyrightText": _UNKNOWN,
    }


def _reference(index: int, billed: BilledPackage) -> str:
    package = billed.package
    return _OUTSIDE.sub("-", f"SPDXRef-{package.manager}-{index}-{package.name}-{package.version}")


def _relation(one: str, kind: str, other: str) -> dict[str, str]:
    return {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}
