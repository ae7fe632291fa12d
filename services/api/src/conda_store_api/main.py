"""Composition root of api."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version

from traitlets.config import Config

from conda_store_api.adapters.called_hooks import CalledHooks
from conda_store_api.adapters.event_hooks import EventHooks
from conda_store_api.adapters.http_webhook_sender import HttpWebhookSender
from conda_store_api.adapters.prometheus_gauges import suite_figures
from conda_store_api.background import (
    Background,
    Upkeep,
    ensure_namespace,
    forget_deliveries_forever,
    forget_events_forever,
)
from conda_store_api.config import ApiOptions, read_options
from conda_store_api.consumers import Tools as ConsumerTools
from conda_store_api.consumers import subscriptions
from conda_store_api.repositories.counts import Counts
from conda_store_api.routes import ROUTES
from conda_store_api.routes.context import Api
from conda_store_api.use_cases.call_event_hooks import HookedEvents
from conda_store_api.use_cases.deliveries.dispatcher import Dispatcher
from conda_store_api.use_cases.deliveries.tools import DeliveryTools
from conda_store_api.use_cases.event_notices import EventNotices
from conda_store_api.use_cases.follow_events.feed import EventFeed
from conda_store_api.use_cases.relay_events import EventRelay
from conda_store_api.use_cases.request_lists import ListTools
from conda_store_api.use_cases.rescue_builds import Tools
from conda_store_api.use_cases.solve_remotely import NOTICES, RemoteSolveTools
from conda_store_api.use_cases.take_cursors import work_through_events
from conda_store_shared.assembly.authentication import Authentication, wire_authentication
from conda_store_shared.assembly.database import open_database, prepare_database
from conda_store_shared.assembly.message_bus import bus_options, open_bus
from conda_store_shared.assembly.object_storage import open_store
from conda_store_shared.assembly.process import Process, run_command
from conda_store_shared.bus.port import Bus, Subscription
from conda_store_shared.bus.replay import replay
from conda_store_shared.config.command_line import parser
from conda_store_shared.config.load import load_config
from conda_store_shared.contracts.topology import API
from conda_store_shared.db.engine import Database
from conda_store_shared.db.notices import Listener
from conda_store_shared.db.turns import Turn
from conda_store_shared.errors import CondaStoreError
from conda_store_shared.relay import Relay
from conda_store_shared.storage.object_store import ObjectStore
from conda_store_shared.transaction import Transactions
from conda_store_shared.web.authentication import Authenticator
from conda_store_shared.web.routing import provide
from conda_store_shared.web.unstorable import unstorable_value
from conda_store_shared.worker.service import Coroutine, Service


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the service stands on."""

    bus: Bus
    store: ObjectStore
    database: Database


def build(options: ApiOptions, parts: Parts) -> Service:
    """Wire the service; raises ConfigurationError for a missing secret."""
    database = parts.database
    authentication = wire_authentication(options.authorization, API, bus=parts.bus, database=database)
    transactions = Transactions(database, API)
    relay = Relay(transactions, parts.bus)
    ledger = Tools(transactions=transactions, store=parts.store, bus=parts.bus, options=options.ledger)
    background = Background(ledger)
    parts.bus.on_connected(background.on_connected)
    hooks = CalledHooks(options.hooks, database, options.policy.settings)
    solves = RemoteSolveTools(
        transactions=transactions, store=parts.store, bus=parts.bus, policy=options.policy, hooks=hooks
    )
    counts, readers = Counts(database), _log_readers(options, parts, transactions, authentication)
    api = Api(
        transactions=transactions,
        store=parts.store,
        counts=counts,
        policy=options.policy,
        hooks=hooks,
        solves=solves,
        webhooks=options.webhooks,
        feed=readers.feed,
        anonymous_solve=options.anonymous_solve,
        release=background.wake_release,
        erase=background.wake_erase,
        wake_webhooks=readers.webhooks.wake_webhooks,
        forget_rights=authentication.rights.forget,
        version=version("conda-store-api"),
        max_page_size=options.max_page_size,
        url_prefix=options.url_prefix,
    )
    return Service(
        name=API,
        subscriptions=[*_subscriptions(options, background, solves), authentication.subscription],
        background=(
            relay.run,
            *readers.loops,
            *background.loops,
            partial(ensure_namespace, transactions, options.policy.settings),
            *_upkeep(options, solves),
            authentication.background,
            counts.renew_forever,
        ),
        interrupt=readers.webhooks.interrupt,
        metrics=lambda registry: suite_figures(registry, database, parts.bus),
        checks={"database": database.check, "storage": parts.store.check},
        routes=provide([*ROUTES, *options.additional_routes], api, database, authentication.authenticator),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _LogReaders:
    """Those who read the log of public events, and what wakes them."""

    notices: EventNotices
    webhooks: Dispatcher
    feed: EventFeed
    in_turn: Coroutine

    @property
    def loops(self) -> Sequence[Coroutine]:
        """What runs until the process stops."""
        return self.notices.run, self.webhooks.run, self.feed.run, self.in_turn


def _log_readers(
    options: ApiOptions, parts: Parts, transactions: Transactions, authentication: Authentication
) -> _LogReaders:
    database, authenticator = transactions.database, authentication.authenticator
    webhooks = _webhooks(options, transactions, authenticator)
    feed = EventFeed(database, authenticator, authentication.rights.forget, options.url_prefix)
    notices = EventNotices(database)
    notices.attach(webhooks.wake_events)
    notices.attach(feed.wake)
    in_turn = _in_turn(options, parts, transactions, notices)
    return _LogReaders(notices=notices, webhooks=webhooks, feed=feed, in_turn=in_turn)


def _subscriptions(options: ApiOptions, background: Background, solves: RemoteSolveTools) -> Sequence[Subscription]:
    """What is heard of builds, channels and solves."""
    tools = ConsumerTools(
        transactions=solves.transactions,
        store=solves.store,
        retry=options.retry,
        options=options.ledger,
        policy=options.policy,
        ended=background.wake_release,
        discarded=background.wake_erase,
        awaited=solves.awaited,
        hooks=solves.hooks,
    )
    return subscriptions(tools)


def _webhooks(options: ApiOptions, transactions: Transactions, authenticator: Authenticator) -> Dispatcher:
    """Who tells webhooks of public events."""
    tools = DeliveryTools(
        transactions=transactions,
        sender=HttpWebhookSender(options.webhooks.allowed_networks),
        authenticator=authenticator,
        version=version("conda-store-api"),
        url_prefix=options.url_prefix,
        options=options.deliveries,
    )
    return Dispatcher(tools, Turn(transactions.database, "webhooks"))


def _in_turn(options: ApiOptions, parts: Parts, transactions: Transactions, notices: EventNotices) -> Coroutine:
    """Who is told of public events by one replica at a time: consumers at the broker, where there is one, and hooks."""
    database, prefix = parts.database, options.url_prefix
    hooks = EventHooks(options.hooks.events, options.hooks.seconds, database, options.policy.settings)
    readers: list[HookedEvents | EventRelay] = [
        HookedEvents(transactions, hooks, pattern, prefix) for pattern in hooks.patterns
    ]
    if not options.ledger.alone:
        readers.append(EventRelay(transactions, parts.bus, prefix))
    for reader in readers:
        notices.attach(reader.wake.set)
    works = {reader.reader: reader.run for reader in readers}
    return partial(Turn(database, "events").run, partial(work_through_events, transactions, works))


def _upkeep(options: ApiOptions, solves: RemoteSolveTools) -> Sequence[Coroutine]:
    """What is done for no build."""
    transactions = solves.transactions
    lists = ListTools(
        transactions=transactions,
        bus=solves.bus,
        defaults=options.policy.settings,
        interval=options.index_interval,
    )
    upkeep = Upkeep(lists, solves, options.ledger)
    listener = Listener(transactions.database, NOTICES, solves.awaited.hear)
    return (
        upkeep.request_lists_forever,
        upkeep.forget_solves_forever,
        partial(forget_deliveries_forever, transactions, options.webhooks.days_kept),
        partial(forget_events_forever, transactions, options.events_kept),
        listener.run,
    )


@asynccontextmanager
async def assemble(config: Config) -> AsyncIterator[Process]:
    """Open what the service stands on and wire it; raises ConfigurationError."""
    async with open_store(config) as store, open_database(config, API) as database:
        bus = open_bus(config, API)
        service = build(read_options(config), Parts(bus=bus, store=store, database=database))
        schema = await prepare_database(config, database)
        yield Process(services=[service, *schema], bus=bus, translate=(unstorable_value,))


def main() -> None:
    """Run the command ``conda-store-api``; ``conda-store-api replay QUEUE`` puts dead messages back and ends."""
    if sys.argv[1:2] == ["replay"]:
        replay_command(sys.argv[2:])
    else:
        run_command(
            API,
            "answers the REST API, and keeps the ledger of builds.  `replay QUEUE` puts dead messages back.",
            assemble,
        )


def replay_command(arguments: Sequence[str]) -> None:
    """Run ``conda-store-api replay``: exits with status 1 and one line when it cannot."""
    made = parser(
        "conda-store-api replay", "Put the dead messages of a queue back into it, oldest first.", "conda-store-api"
    )
    made.add_argument("queue", metavar="QUEUE", help="the queue that gave them up, such as api.lockfile.solved")
    parsed, overrides = made.parse_known_args(arguments)
    try:
        options = bus_options(load_config(parsed, overrides).config, "replay")
        count = asyncio.run(replay(options, parsed.queue))
    except CondaStoreError as error:
        sys.exit(f"ERROR: {error.message}")
    sys.stdout.write(f"{count} messages put back into {parsed.queue}\n")
