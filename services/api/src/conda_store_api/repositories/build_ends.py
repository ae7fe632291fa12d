"""Whether anything will still happen to a build by itself."""

from sqlalchemy import and_, bindparam, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from conda_store_api.repositories.stages import OPEN
from conda_store_shared.db.models import Build, BuildStage
from conda_store_shared.domain.build import ACTIVE, BuildStatus

_GOING_ON = select(
    exists().where(
        Build.id == bindparam("of_build"),
        Build.deleted_on.is_(None),
        or_(
            Build.status.in_(ACTIVE),
            and_(
                Build.status == BuildStatus.COMPLETED,
                exists().where(BuildStage.build_id == Build.id, BuildStage.state.in_(OPEN)),
            ),
        ),
    )
)


async def is_over(session: AsyncSession, build_id: int) -> bool:
    """Whether a build has ended and every artifact has come or will not come; so has a deleted one, or none at all."""
    return not await session.scalar(_GOING_ON, {"of_build": build_id})
