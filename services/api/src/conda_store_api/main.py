"""Composition root of api."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version

from conda_store_api.background import Background
from conda_store_api.config import ApiOptions, read_options
from conda_store_api.consumers import Tools as ConsumerTools
from conda_store_api.consumers import subscriptions
from conda_store_api.routes import ROUTES
from conda_store_api.routes.context import Api
from conda_store_api.use_cases.rescue_builds import Tools
from conda_store_shared.assembly import Resources, run_command
from conda_store_shared.contracts.topology import API
from conda_store_shared.db.queries.role_bindings import list_role_bindings
from conda_store_shared.relay import Relay
from conda_store_shared.transaction import Transactions
from conda_store_shared.web.authentication import Authenticator
from conda_store_shared.web.routing import provide
from conda_store_shared.worker.service import Service


def build(options: ApiOptions, resources: Resources) -> Service:
    """Wire the service; raises ConfigurationError for a missing secret."""
    database = resources.required_database
    transactions = Transactions(database, API)
    relay = Relay(transactions, resources.bus)
    background = Background(
        Tools(transactions=transactions, store=resources.store, bus=resources.bus, options=options.ledger)
    )
    resources.bus.on_connected(background.on_connected)

    async def database_bindings(primary_namespace: str) -> Mapping[str, Sequence[str]]:
        async with database.session() as session:
            return await list_role_bindings(session, primary_namespace, options.role_mappings_version)

    api = Api(
        transactions=transactions,
        store=resources.store,
        policy=options.policy,
        release=background.wake_release,
        version=version("conda-store-api"),
        max_page_size=options.max_page_size,
    )
    tools = ConsumerTools(
        transactions=transactions,
        store=resources.store,
        retry=options.retry,
        options=options.ledger,
        ended=background.wake_release,
    )
    return Service(
        name=API,
        subscriptions=subscriptions(tools),
        background=(
            relay.run,
            background.release_forever,
            background.rescue_forever,
            background.request_waiting_forever,
            background.store_logs_forever,
        ),
        routes=provide(ROUTES, api, Authenticator(options.authorization, database_bindings)),
    )


def main() -> None:
    """Run the command ``conda-store-api``."""
    run_command(API, lambda resources: [build(read_options(resources.config), resources)])
