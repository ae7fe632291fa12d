"""What a build was to be, and its lockfile: everything that other forms of the lock and descriptions follow from."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_artifacts.repositories.build_facts import BuildFacts, find_build_facts, list_licenses
from conda_store_shared.db.engine import Database
from conda_store_shared.db.queries.builds import BuildPlace, find_artifact_key
from conda_store_shared.domain.artifact import ArtifactType
from conda_store_shared.domain.lockfile import Lockfile
from conda_store_shared.domain.order import Order, PrefixOrder, SolveOrder
from conda_store_shared.domain.package_address import PackageAddress
from conda_store_shared.errors import InvalidInput, InvalidLockfile, NotFound
from conda_store_shared.storage.object_store import ObjectStore

_LIMIT = 128 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedBuild:
    """A build with its lockfile; ``order`` is put together for builds that were made elsewhere."""

    place: BuildPlace
    facts: BuildFacts
    lockfile: Lockfile
    order: Order
    licenses: Mapping[tuple[str, str], str]

    def platform(self, wanted: str | None) -> str:
        """Return the platform that is asked for, else the one that is installed; raises InvalidInput."""
        platforms = self.lockfile.platforms
        if wanted and wanted not in platforms:
            told = ", ".join(platforms)
            raise InvalidInput(f"the lockfile of build {self.place.build_id} is not for {wanted}; it is for: {told}")
        own = self.order.prefix.platform
        return wanted or (own if own in platforms or not platforms else platforms[0])


async def read_locked_build(place: BuildPlace, *, database: Database, store: ObjectStore) -> LockedBuild:
    """Return a build with its lockfile; raises NotFound while or when it has none."""
    async with database.session() as session:
        facts = await find_build_facts(session, place.build_id)
        key = await find_artifact_key(session, place.build_id, ArtifactType.LOCKFILE)
        licenses = await list_licenses(session, place.build_id)
    if facts is None:
        raise NotFound("build id does not exist")
    lockfile = await _read_lockfile(key, place, facts, store)
    return LockedBuild(
        place=place,
        facts=facts,
        lockfile=lockfile,
        order=facts.order or _order_of(place, lockfile),
        licenses=licenses,
    )


async def is_without_lockfile(session: AsyncSession, build_id: int) -> bool:
    """Whether it is of the time before lockfiles, so that a list follows from its packages: its key is empty then."""
    return await find_artifact_key(session, build_id, ArtifactType.LOCKFILE) == ""


async def _read_lockfile(key: str | None, place: BuildPlace, facts: BuildFacts, store: ObjectStore) -> Lockfile:
    if not key:
        raise NotFound(f"build {place.build_id} has no lockfile; it is {facts.status}")
    try:
        return _checked(Lockfile.from_text(await store.get(key, _LIMIT)))
    except NotFound:
        raise NotFound(f"the lockfile of build {place.build_id} is not there any more") from None
    except InvalidLockfile as error:
        raise NotFound(f"the lockfile of build {place.build_id} cannot be read: {error.message}") from error


def _checked(lockfile: Lockfile) -> Lockfile:
    """Locks of old were kept whatever they hold; what follows here needs addresses that tell a package."""
    for package in lockfile.packages:
        if package.manager == "conda":
            try:
                PackageAddress.parse(package.url)
            except ValueError as error:
                raise InvalidLockfile(f"package {package.name}: {error}") from None
    return lockfile


def _order_of(place: BuildPlace, lockfile: Lockfile) -> Order:
    platform = next(iter(lockfile.platforms), "noarch")
    return Order(
        build_id=place.build_id,
        build_key=place.build_key,
        namespace=place.namespace,
        environment=place.environment,
        solve=SolveOrder(specification={}, channels=(), platforms=lockfile.platforms, deadline=0),
        prefix=PrefixOrder(platform=platform, path="", link=None, uid=None, gid=None, permissions=None, deadline=0),
        artifacts=(),
        artifact_deadline=0,
    )
