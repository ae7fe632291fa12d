"""The fragments of an environment: those that were made before, and the others now."""

import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from conda_store_artifacts.domain.fragment import (
    Blob,
    Fragment,
    FragmentFormat,
    FragmentKind,
    distinct,
    fragment_id,
    python_of,
    why_no_fragment,
)
from conda_store_artifacts.ports import Copies, FragmentMaker, FragmentOrder, MadeFragment
from conda_store_artifacts.repositories.blobs import touch_blobs
from conda_store_artifacts.repositories.fragments import add_fragments, find_fragments, forget_fragments
from conda_store_artifacts.use_cases.fragment_claims import FragmentClaims
from conda_store_artifacts.use_cases.store_blob import LocalBlob, store_blobs
from conda_store_shared.child.report import Report
from conda_store_shared.db.moments import now
from conda_store_shared.domain.lockfile import LockedPackage, Lockfile
from conda_store_shared.domain.storage_keys import fragment_key, image_blob_key
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.telemetry import caches
from conda_store_shared.transaction import Transactions

SCRATCH = "packing-"


@dataclass(frozen=True, slots=True, kw_only=True)
class FragmentTools:
    """What fragments are made with; each is written below ``work_directory`` first.  ``copies`` are those of ``store``.

    A use of a blob that was noted no longer than ``fresh`` ago is not noted again.  That and the longest stage together
    are less than the time after which blobs are collected.
    """

    transactions: Transactions
    store: ObjectStore
    maker: FragmentMaker
    work_directory: Path
    copies: Copies | None = None
    fresh: timedelta = timedelta(minutes=10)
    claims: FragmentClaims = field(default_factory=FragmentClaims)


@dataclass(frozen=True, slots=True, kw_only=True)
class FragmentRequest:
    """The fragments of one platform of a lockfile; ``deadline`` is in seconds.

    The certificates of ``trusted_hosts``, of pip packages, need not be good.
    """

    lockfile: Lockfile
    platform: str
    format: FragmentFormat
    deadline: float
    trusted_hosts: tuple[str, ...] = ()

    @property
    def packages(self) -> tuple[LockedPackage, ...]:
        """Every package of the platform, conda's before pip's, in locked order."""
        selected = [self.lockfile.select(self.platform, manager) for manager in ("conda", "pip")]
        return distinct(package for packages in selected for package in packages)


async def provide_fragments(
    wanted: FragmentRequest, context: Report, *, tools: FragmentTools
) -> tuple[Fragment, ...]:
    """Return a fragment of each package that one can be made of, in the order of the lockfile.

    Their blobs stay for as long as a stage may take: who needs them for longer says so with ``use_blobs``.  An object
    that turns out to be gone is told by ``forget_blobs``, and made again when asked for the next time.
    Raises StageFailure as installing does.
    """
    packages = wanted.packages
    python = python_of(packages)
    ids = {
        fragment_id(package, wanted.format, python): package
        for package in packages
        if why_no_fragment(package) is None
    }
    found = await _find(ids, tools)
    missing = {each: package for each, package in ids.items() if each not in found}
    caches.looked_up(caches.FRAGMENTS, len(found), len(missing))
    if missing:
        context.log(f"{len(found)} of {len(ids)} packages are there, {len(missing)} are prepared")
    while missing:
        free = {each: missing[each] for each in tools.claims.free(missing)}
        if not free:
            await tools.claims.wait(missing)
            continue
        with tools.claims.claimed(free):
            # Whoever had claimed them may have made them since.
            found |= await _find(free, tools)
            wanting = [package for each, package in free.items() if each not in found]
            made = await _make(wanting, wanted, context, tools) if wanting else []
        found |= {fragment.id: fragment for fragment in made}
        missing = {each: package for each, package in missing.items() if each not in found}
    return tuple(found[each] for each in ids)


async def forget_blobs(digests: Collection[str], *, transactions: Transactions) -> None:
    """Let the fragments of blobs whose objects are gone or damaged be made again."""
    async with transactions.begin() as transaction:
        for digest in digests:
            await forget_fragments(transaction.session, digest)


async def _find(ids: Mapping[str, LockedPackage], tools: FragmentTools) -> dict[str, Fragment]:
    async with tools.transactions.database.session() as session:
        found = await find_fragments(session, ids)
    moment = now()
    stale = {each.blob.digest for each in found if each.used_on < moment - tools.fresh}
    kept: set[str] = set()
    if stale:
        async with tools.transactions.begin() as transaction:
            kept = await touch_blobs(transaction.session, stale, moment)
    return {
        each.id: Fragment(id=each.id, package=ids[each.id], blob=each.blob, files=each.files)
        for each in found
        if each.blob.digest in kept or each.blob.digest not in stale
    }


async def _make(
    missing: Sequence[LockedPackage], wanted: FragmentRequest, context: Report, tools: FragmentTools
) -> list[Fragment]:
    order = FragmentOrder(
        platform=wanted.platform,
        packages=wanted.packages,
        wanted=missing,
        format=wanted.format,
        deadline=wanted.deadline,
        trusted_hosts=wanted.trusted_hosts,
    )
    python = python_of(wanted.packages)
    with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=tools.work_directory) as directory:
        made = await tools.maker.make(order, Path(directory), context)
        local = [LocalBlob(blob=_blob_of(each, wanted.format), path=each.path) for each in made]
        await store_blobs(local, transactions=tools.transactions, store=tools.store)
    fragments = [
        Fragment(
            id=fragment_id(each.package, wanted.format, python), package=each.package, blob=one.blob, files=each.files
        )
        for each, one in zip(made, local, strict=True)
    ]
    async with tools.transactions.begin() as transaction:
        await add_fragments(transaction.session, fragments)
    return fragments


def _blob_of(made: MadeFragment, wanted: FragmentFormat) -> Blob:
    is_layer = wanted.kind == FragmentKind.LAYER
    return Blob(
        digest=made.digest,
        key=image_blob_key(made.digest) if is_layer else fragment_key(made.digest),
        size=made.size,
        raw_digest=made.raw_digest,
        raw_size=made.raw_size,
    )
