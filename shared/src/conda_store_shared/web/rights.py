"""What the database says about tokens and their holders, at most two seconds old."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from conda_store_shared.contracts.envelope import Envelope
from conda_store_shared.contracts.events import TokenRevoked
from conda_store_shared.db.engine import Database
from conda_store_shared.db.moments import now
from conda_store_shared.db.queries.revoked_tokens import list_revoked_tokens
from conda_store_shared.db.queries.role_bindings import list_role_bindings
from conda_store_shared.domain.permission import RoleBinding
from conda_store_shared.errors import InvalidInput
from conda_store_shared.web.last_known import LastKnown
from conda_store_shared.web.tokens import read_binding

# With the broadcast lost, a revocation counts after these two seconds and the time of one query.
SECONDS = 2.0
# Read anew are those of the last minutes, whatever the clocks of several machines say; the whole list now and then.
_OVERLAP = timedelta(minutes=5)
_WHOLE_LIST = timedelta(minutes=5)

_log = structlog.get_logger()


class Rights(Protocol):
    """Tells what is granted and what was taken back."""

    async def bindings_of(self, primary_namespace: str) -> Sequence[RoleBinding]:
        """Return what holders of a primary namespace were granted; raises DatabaseUnavailable."""
        ...

    async def is_revoked(self, identifier: str) -> bool:
        """Whether a token was revoked; raises DatabaseUnavailable."""
        ...

    async def revoked_among(self, identifiers: AbstractSet[str]) -> AbstractSet[str]:
        """Return those of many tokens that were revoked; raises DatabaseUnavailable."""
        ...


class DatabaseRights:
    """The ``Rights`` that the database knows of; 0 seconds asks it each time."""

    def __init__(self, database: Database, role_mappings_version: int, *, seconds: float = SECONDS) -> None:
        self._database = database
        self._version = role_mappings_version
        self._bindings = LastKnown(self._read_bindings, seconds=seconds)
        self._revoked = LastKnown(self._read_revoked, seconds=seconds)
        self._identifiers: set[str] = set()
        self._read_whole_on = datetime.min

    async def bindings_of(self, primary_namespace: str) -> Sequence[RoleBinding]:
        """Return what holders of a primary namespace were granted; raises DatabaseUnavailable."""
        return await self._bindings.get(primary_namespace)

    async def is_revoked(self, identifier: str) -> bool:
        """Whether a token was revoked; raises DatabaseUnavailable."""
        return identifier in await self._revoked.get("")

    async def revoked_among(self, identifiers: AbstractSet[str]) -> AbstractSet[str]:
        """Return those of many tokens that were revoked; raises DatabaseUnavailable."""
        return identifiers & await self._revoked.get("")

    async def on_token_revoked(self, envelope: Envelope) -> None:
        """Know of a revocation at once."""
        if isinstance(envelope.event, TokenRevoked):
            self._identifiers.add(envelope.event.token_id)

    def forget(self) -> None:
        """Ask the database anew what everybody was granted."""
        self._bindings.forget()

    async def _read_bindings(self, primary_namespace: str) -> Sequence[RoleBinding]:
        async with self._database.session() as session:
            granted = await list_role_bindings(session, primary_namespace, self._version)
        bindings = []
        for arn, roles in granted.items():
            try:
                bindings.append(read_binding(arn, roles))
            except InvalidInput as error:
                _log.warning("role_binding_ignored", reason=error.message)
        return bindings

    async def _read_revoked(self, _key: str) -> set[str]:
        moment = now()
        whole = moment - self._read_whole_on > _WHOLE_LIST
        async with self._database.session() as session:
            found = await list_revoked_tokens(session, moment, None if whole else moment - _OVERLAP)
        if whole:
            self._identifiers, self._read_whole_on = set(found), moment
        else:
            self._identifiers.update(found)
        return self._identifiers
