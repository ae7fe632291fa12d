"""A watched file holds a specification: have it built, unless it was already (contract §4.10)."""

from dataclasses import dataclass, field
from datetime import datetime

import structlog

from conda_store_api.domain.policy import BuildPolicy
from conda_store_api.ports import Hooks, NoHooks
from conda_store_api.repositories.found_specifications import (
    Decision,
    FoundText,
    find_decision,
    has_build,
    keep_decision,
    own_found_specifications,
)
from conda_store_api.repositories.settings import effective_settings
from conda_store_api.use_cases.act import Act
from conda_store_api.use_cases.ledger.public_events import Place, record_at
from conda_store_api.use_cases.read_submission import read_specification
from conda_store_api.use_cases.resolve_order import Submission
from conda_store_api.use_cases.submit_specification import Request, submit_unless_built
from conda_store_api.use_cases.validate_submission import validate_submission
from conda_store_shared.contracts.events import SpecificationFound
from conda_store_shared.contracts.public_events import SpecificationRejected
from conda_store_shared.domain.storage_keys import found_specification_key
from conda_store_shared.errors import CondaStoreError, InvalidSpecification, NotFound, Unavailable
from conda_store_shared.redaction import redact
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.transaction import Transactions

log = structlog.get_logger()
# What is read of it has at most 200,000 characters, of up to four bytes.
_MAXIMUM_BYTES = 800_000
# Events stay small enough to be sent on.
_MAXIMUM_DETAIL = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTools:
    """What the use case works with."""

    transactions: Transactions
    store: ObjectStore
    policy: BuildPolicy
    hooks: Hooks = field(default_factory=NoHooks)


async def register_found_specification(event: SpecificationFound, tools: FoundTools, now: datetime) -> bool:
    """Register a file as if it had been submitted to the namespace of watched files; return whether that made a build.

    A content of a file is decided upon once, whoever watches it and however often; again only when it was rejected,
    since settings change, or when its builds are gone.  A rejection is told once.  Raises Unavailable.
    """
    found = await _locate(event, tools)
    if await _is_settled(event, found, tools):
        return False
    if event.code:
        await _reject(_Rejected(found, event.code, event.detail), tools, now)
        return False
    name = None
    try:
        submission = read_specification(await _read(event, tools.store))
        name = submission.name
        return await _register(submission, found, tools, now)
    except NotFound:
        # A bucket that was emptied: whoever watches the file puts its text there again.
        log.warning("found_specification_missing", path=event.path, digest=event.digest)
    except Unavailable:
        raise
    except CondaStoreError as error:
        await _reject(_Rejected(found, error.code, error.message, name), tools, now)
    return False


async def _locate(event: SpecificationFound, tools: FoundTools) -> FoundText:
    async with tools.transactions.database.session() as session:
        settings = await effective_settings(session, tools.policy.settings)
    return FoundText(namespace=settings.filesystem_namespace, path=event.path, digest=event.digest)


async def _is_settled(event: SpecificationFound, found: FoundText, tools: FoundTools) -> bool:
    """Whether there is nothing to decide: the usual case, and so without a lock."""
    async with tools.transactions.database.session() as session:
        decision = await find_decision(session, found)
        if decision is None:
            return False
        if decision.specification_sha256 is None:
            return decision.code == event.code
        return await has_build(session, found.namespace, decision.specification_sha256)


async def _read(event: SpecificationFound, store: ObjectStore) -> str:
    """Return the text; raises NotFound, InvalidSpecification and TooLarge."""
    content = await store.get(found_specification_key(event.digest), _MAXIMUM_BYTES)
    try:
        # Some editors begin a text with a mark.
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidSpecification(f"not UTF-8: {error.reason} at byte {error.start}") from error


async def _register(submission: Submission, found: FoundText, tools: FoundTools, now: datetime) -> bool:
    request = Request(namespace=found.namespace, actor=None, now=now, scheduled=True)
    submission = await validate_submission(submission, found.namespace, tools.hooks)
    async with tools.transactions.begin() as transaction:
        await own_found_specifications(transaction.session)
        sha256, build_id = await submit_unless_built(submission, request, tools.policy, transaction)
        await keep_decision(transaction.session, found, Decision(specification_sha256=sha256), now)
    if build_id is None:
        return False
    log.info("specification_registered", path=found.path, namespace=found.namespace, build_id=build_id)
    return True


@dataclass(frozen=True, slots=True)
class _Rejected:
    found: FoundText
    code: str
    detail: str
    environment: str | None = None


def _storable(detail: str) -> str:
    """Return a reason as every database can keep it: it may quote what is in the file."""
    text = redact(detail).replace("\x00", "").encode("utf-8", "replace").decode()
    return text[:_MAXIMUM_DETAIL]


async def _reject(rejected: _Rejected, tools: FoundTools, now: datetime) -> None:
    found, code, detail = rejected.found, rejected.code, _storable(rejected.detail)
    async with tools.transactions.begin() as transaction:
        await own_found_specifications(transaction.session)
        known = await find_decision(transaction.session, found)
        if known is not None and known.code == code:
            return
        await keep_decision(transaction.session, found, Decision(code=code), now)
        told = SpecificationRejected(code=code, detail=detail, path=found.path, digest=found.digest)
        record_at(transaction, Place(found.namespace, rejected.environment), told, Act(actor=None, now=now))
    log.warning("specification_rejected", path=found.path, namespace=found.namespace, code=code, reason=detail)
