"""Rows of the attempts at stages."""

from dataclasses import dataclass

from sqlalchemy import and_, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_api.domain.attempts import Attempts, KnownAttempt
from conda_store_shared.contracts.events import AttemptEvent
from conda_store_shared.db.models import Build, BuildStage, StageAttempt
from conda_store_shared.db.moments import naive
from conda_store_shared.db.statements import insert_new

# Made once: putting a statement together takes longer than running it.
_STAGE_AND_ATTEMPTS = (
    select(BuildStage, StageAttempt)
    .select_from(Build)
    .outerjoin(BuildStage, and_(BuildStage.build_id == Build.id, BuildStage.stage == bindparam("of_stage")))
    .outerjoin(StageAttempt, and_(StageAttempt.build_id == Build.id, StageAttempt.stage == bindparam("of_stage")))
    .where(Build.id == bindparam("of_build"))
    .order_by(StageAttempt.number)
    .execution_options(populate_existing=True)
)
_attempt = StageAttempt.__table__.c
_END = (
    update(StageAttempt.__table__)  # type: ignore[arg-type]
    .where(
        _attempt.build_id == bindparam("of_build"),
        _attempt.stage == bindparam("of_stage"),
        _attempt.attempt_id == bindparam("of_attempt"),
        _attempt.outcome.is_(None),
    )
    .values(outcome=bindparam("new_outcome"))
)
_FORGIVE = (
    update(StageAttempt.__table__)  # type: ignore[arg-type]
    .where(
        _attempt.build_id == bindparam("of_build"),
        _attempt.stage == bindparam("of_stage"),
        _attempt.outcome.is_(None),
    )
    .values(outcome="interrupted")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What an attempt's word is judged by: its stage (None: never requested), and all attempts, this one included.

    ``is_news`` tells whether the attempt, or how it ended, is heard of for the first time.
    """

    stage: BuildStage | None
    attempts: Attempts
    is_news: bool


async def list_attempts(session: AsyncSession, build_id: int, stage: str) -> tuple[BuildStage | None, Attempts]:
    """Return a stage as it is now, and the attempts at it."""
    found = await session.execute(_STAGE_AND_ATTEMPTS, {"of_build": build_id, "of_stage": stage})
    rows: list[tuple[BuildStage | None, StageAttempt | None]] = [(row[0], row[1]) for row in found]
    known = tuple(_known(attempt) for _, attempt in rows if attempt is not None)
    return rows[0][0] if rows else None, Attempts(known)


async def note_attempt(session: AsyncSession, event: AttemptEvent, outcome: str | None = None) -> Heard:
    """Note an attempt, and how it ended; whichever of its messages comes first.

    The first outcome stays.  The caller holds the build's row.
    """
    stage, attempts = await list_attempts(session, event.build_id, event.stage)
    known = attempts.find(event.attempt_id)
    if known is None:
        new = KnownAttempt(
            attempt_id=event.attempt_id,
            number=attempts.next_number,
            started_at=naive(event.attempt_started_at),
            outcome=outcome,
        )
        await _add(session, event, new)
        return Heard(stage=stage, attempts=attempts.with_attempt(new), is_news=True)
    if outcome is None or known.outcome is not None:
        return Heard(stage=stage, attempts=attempts, is_news=False)
    key = {"of_build": event.build_id, "of_stage": event.stage, "of_attempt": event.attempt_id}
    await (await session.connection()).execute(_END, {**key, "new_outcome": outcome})
    return Heard(stage=stage, attempts=attempts.with_outcome(event.attempt_id, outcome), is_news=True)


async def forgive_attempts(session: AsyncSession, build_id: int, stage: str) -> None:
    """Note that attempts which ended without a word do not count, since their workers died with us."""
    await (await session.connection()).execute(_FORGIVE, {"of_build": build_id, "of_stage": stage})


async def _add(session: AsyncSession, event: AttemptEvent, attempt: KnownAttempt) -> None:
    row = {
        "build_id": event.build_id,
        "stage": event.stage,
        "attempt_id": attempt.attempt_id,
        "number": attempt.number,
        "started_at": attempt.started_at,
        "outcome": attempt.outcome,
    }
    await insert_new(session, StageAttempt, row)


def _known(row: StageAttempt) -> KnownAttempt:
    return KnownAttempt(
        attempt_id=row.attempt_id, number=row.number, started_at=row.started_at, outcome=row.outcome
    )
