"""Describes a build to those who check it: its bill of materials, and the statement of where it comes from."""

from dataclasses import dataclass
from typing import Any

from conda_store_artifacts.domain.bills.bill import Bill, Described, make_bill
from conda_store_artifacts.domain.provenance import Course, Subject, make_statement
from conda_store_artifacts.domain.signed_envelope import sign_statement
from conda_store_artifacts.ports import Signer
from conda_store_artifacts.repositories.build_facts import list_recorded_artifacts
from conda_store_artifacts.use_cases.read_build import LockedBuild, read_locked_build
from conda_store_shared.conda.channels import strip_credentials
from conda_store_shared.db.engine import Database
from conda_store_shared.db.queries.builds import BuildPlace
from conda_store_shared.domain.build import BuildStatus
from conda_store_shared.errors import NotFound
from conda_store_shared.storage.object_store import ObjectStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Who makes builds here: the URI of the ``builder`` in provenance, and the version of this software."""

    builder: str
    version: str


def bill_of(build: LockedBuild, platform: str, version: str) -> Bill:
    """Return the bill of materials of a platform; ``version`` is that of this software."""
    described = Described(
        namespace=build.place.namespace,
        environment=build.place.environment,
        build_key=build.place.build_key,
        created_on=build.facts.scheduled_on,
        tool=version,
    )
    return make_bill(described, build.lockfile, platform, build.licenses)


async def describe_provenance(
    place: BuildPlace, signer: Signer, site: Site, *, database: Database, store: ObjectStore
) -> dict[str, Any]:
    """Return the signed statement of where a build comes from; raises NotFound unless it is completed."""
    build = await read_locked_build(place, database=database, store=store)
    if build.facts.status != BuildStatus.COMPLETED:
        raise NotFound(f"build {place.build_id} is {build.facts.status}; its provenance is told once it is COMPLETED")
    async with database.session() as session:
        recorded = await list_recorded_artifacts(session, place.build_id)
    subjects = [Subject(name=one.key, sha256=one.digest) for one in recorded if one.digest]
    return sign_statement(make_statement(_course(build, site), build.lockfile, subjects), signer)


def _course(build: LockedBuild, site: Site) -> Course:
    solve, facts = build.order.solve, build.facts
    specification = {
        "name": build.place.environment,
        "digest": {"sha256": facts.specification_sha256},
        "isLockfile": facts.is_lockfile,
    }
    return Course(
        builder=site.builder,
        version=site.version,
        build_key=build.place.build_key,
        parameters={
            "namespace": build.place.namespace,
            "environment": build.place.environment,
            "specification": specification,
        },
        settings={
            "buildId": build.place.build_id,
            "channels": [strip_credentials(channel) for channel in solve.channels or build.lockfile.channels],
            "platforms": list(solve.platforms),
            "platform": build.order.prefix.platform,
        },
        started_on=facts.started_on or facts.scheduled_on,
        finished_on=facts.ended_on,
    )
