"""Asks again for hooks to be told of what was lost with a broker or a process (design §3.8)."""

from datetime import datetime, timedelta

from conda_store_api.repositories.environments import list_untold
from conda_store_api.use_cases.request_tell import request_tell
from conda_store_api.use_cases.rescue_builds import Tools
from conda_store_shared.bus.port import has_nothing_waiting
from conda_store_shared.contracts.events import EnvironmentUpdated
from conda_store_shared.contracts.topology import API, queue_name


async def rescue_tells(tools: Tools, now: datetime, *, everything: bool = False) -> int:
    """Ask again for what nobody has told yet; return for how many environments.

    With ``everything`` nobody is about to, because whoever was died with us.

    Raises BusUnavailable, DatabaseUnavailable: the next round tries again.
    """
    patience = 0 if everything else max(tools.options.unheard, tools.options.longest_hook)
    async with tools.transactions.database.session() as session:
        untold = await list_untold(session, now - timedelta(seconds=patience))
    if not untold or not await has_nothing_waiting(tools.bus, queue_name(API, EnvironmentUpdated)):
        return 0
    for environment_id, changes in untold:
        async with tools.transactions.begin() as transaction:
            await request_tell(transaction, environment_id, changes, now)
    return len(untold)
