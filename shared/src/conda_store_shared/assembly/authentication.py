"""Tells callers apart: by tokens it verifies itself, and by what the database and the bus say about them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from conda_store_shared.bus.port import Bus, Subscription
from conda_store_shared.contracts.events import TokenRevoked
from conda_store_shared.db.engine import Database
from conda_store_shared.web.authentication import Authenticator, AuthorizationOptions
from conda_store_shared.web.rights import SECONDS, DatabaseRights
from conda_store_shared.web.token_uses import TokenUses


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentication:
    """The wired parts: ``authenticator`` for the routes, the others for the service they belong to."""

    authenticator: Authenticator
    rights: DatabaseRights
    subscription: Subscription
    background: Callable[[], Awaitable[None]]


def wire_authentication(
    options: AuthorizationOptions, service: str, *, bus: Bus, database: Database, seconds: float = SECONDS
) -> Authentication:
    """Wire what a service with routes needs; role bindings are at most ``seconds`` old.

    Raises ConfigurationError for a missing or short secret, and for role bindings nobody can read.
    """
    rights, uses = DatabaseRights(database, options.role_mappings_version, seconds=seconds), TokenUses(bus, service)
    return Authentication(
        authenticator=Authenticator(options, rights, note_use=uses.note),
        rights=rights,
        subscription=Subscription(event=TokenRevoked, handler=rights.on_token_revoked),
        background=uses.run,
    )
